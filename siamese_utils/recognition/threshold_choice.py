"""A threshold that is chosen by cross-validation over classes, and what it costs on new ones."""

from dataclasses import dataclass

import numpy as np

from ..datasets import class_folds
from ..evaluation import identify, wilson_interval
from ..models.adaptation import fit_adaptation
from .measured import Measured


@dataclass(frozen=True)
class ThresholdChoice(Measured):
    """A threshold, and the errors that it makes on classes it was not chosen on.

    The rates are means over the folds of a cross-validation over classes. In each fold the
    threshold was chosen on the other classes, and the held-out ones were then compared: with
    each other and with the others. ``low`` and ``high`` are the lowest and the highest rate of
    a fold: so far may new classes lead.

    Attributes
    ----------
    threshold : float in [-1, 1]
        Chosen in the same way on all classes.
    strangers_wanted : float or None
        The share of strangers that may be accepted; None where both error rates of pairs were
        made equal.
    n_classes, n_images, n_folds : int
    n_stored : int
        Classes that a stranger was compared with, one image of each.
    false_accept, false_reject : (mean, low, high)
        Share of different pairs that are called same, and of same pairs called different.
    strangers : (mean, low, high)
        Share of images of held-out classes that are taken for one of the stored classes.
    one_shot : (mean, low, high)
        Share of images of held-out classes whose nearest of one image of each class, held out
        or not, is that of their own class, among ``n_classes``.

    Examples
    --------
    Four classes on the axes of a space, two images of each. Whichever two are left out, the
    threshold lies in the gap between the pairs, and no new pair is on the wrong side of it:

    >>> vectors = np.repeat(np.eye(4, dtype="float32"), 2, axis=0)
    >>> found = choose(vectors, np.arange(8) // 2, None, n_folds=2)
    >>> found.threshold, found.false_accept, found.one_shot
    (0.5, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    """

    threshold: float
    strangers_wanted: float | None
    n_classes: int
    n_images: int
    n_folds: int
    n_stored: int
    false_accept: tuple[float, float, float]
    false_reject: tuple[float, float, float]
    strangers: tuple[float, float, float]
    one_shot: tuple[float, float, float]

    @property
    def is_better_than_chance(self) -> bool:
        """Whether the one-shot accuracy is, by Wilson's interval of as many trials as images."""
        n_right = round(self.one_shot[0] * self.n_images)
        return wilson_interval(n_right, self.n_images)[0] > 1 / self.n_classes

    def __str__(self) -> str:
        def rates(of: tuple[float, float, float]) -> str:
            mean, low, high = (f"{100 * value:.1f} %" for value in of)
            return f"{mean} ({low} to {high} in {self.n_folds} folds)"

        rule = (
            "both error rates of pairs alike"
            if self.strangers_wanted is None
            else f"{100 * self.strangers_wanted:g} % of strangers accepted"
        )
        return (
            f"{self.n_classes}-way one-shot accuracy on classes left out: {rates(self.one_shot)}, "
            f"chance {100 / self.n_classes:.1f} %\n"
            f"threshold {self.threshold:.3f}, chosen for {rule}; on classes left out,\n"
            f"  different pairs called same: {rates(self.false_accept)}\n"
            f"  same pairs called different: {rates(self.false_reject)}\n"
            f"  strangers taken for one of {self.n_stored} classes: {rates(self.strangers)}"
        )


def choose(
    embeddings: np.ndarray,
    labels: np.ndarray,
    strangers: float | None,
    n_folds: int,
    whitened: np.ndarray | None = None,
) -> ThresholdChoice:
    """Choose a threshold on embeddings of length 1, with a fixed seed.

    Parameters
    ----------
    embeddings : float32 array (n, dim)
    labels : array (n,)
    strangers : float in (0, 1) or None
        As :attr:`ThresholdChoice.strangers_wanted`.
    n_folds : int
    whitened : float32 array (n, dim)
        The embeddings as the recognizer has whitened them by images of these classes. The kept
        threshold is one of theirs; in the folds whitening is learned anew, without the classes
        that are held out. Defaults to None: they were not whitened.

    Raises
    ------
    ValueError
        If there are fewer than three classes, fewer than ``n_folds`` of them, or no two images
        of one class in a fold.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 3:
        raise ValueError(
            f"{len(classes)} class(es) to choose a threshold on; expected three or more, since "
            "some are held out. Give images of more classes."
        )
    if strangers is not None and not 0 < strangers < 1:
        raise ValueError(f"strangers is {strangers!r}; expected a share above 0 and below 1")

    def similarities(chosen: np.ndarray) -> np.ndarray:
        vectors = embeddings
        if whitened is not None:
            vectors = fit_adaptation(embeddings[chosen], numbers[chosen]).apply(embeddings)
        return vectors @ vectors.T

    def threshold_of(similarity: np.ndarray, chosen: np.ndarray) -> float:
        if strangers is None:
            return _where_rates_meet(*_pairs(similarity, numbers, chosen, chosen))
        # each image in turn as a stranger to the other classes
        nearest = _nearest_other(similarity, numbers, chosen, chosen)
        return float(np.quantile(nearest, 1 - strangers, method="higher"))

    rates = []
    for rest, held_out in class_folds(numbers, n_folds, np.random.default_rng(0)):
        similarity = similarities(rest)
        threshold = threshold_of(similarity, rest)
        same, different = _pairs(similarity, numbers, held_out, np.arange(len(numbers)))
        nearest = _nearest_other(similarity, numbers, held_out, rest)
        wrong = different > threshold, same <= threshold, nearest > threshold
        credit = _one_shot(similarity, numbers, held_out)
        rates.append([*(np.mean(each) for each in wrong), credit.mean()])
    everything = np.arange(len(numbers))
    own = embeddings if whitened is None else whitened
    spread = [
        (float(column.mean()), float(column.min()), float(column.max()))
        for column in np.array(rates).T
    ]
    n_rest = len(classes) - len(classes) // n_folds
    return ThresholdChoice(
        threshold_of(own @ own.T, everything),
        strangers,
        len(classes),
        len(numbers),
        n_folds,
        n_rest,
        *spread,
    )


def _pairs(
    similarity: np.ndarray, numbers: np.ndarray, some: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities of same and of different pairs with the first image among ``some``."""
    block = similarity[np.ix_(some, others)]
    is_same = numbers[some][:, None] == numbers[others]
    not_itself = some[:, None] != others
    same, different = block[is_same & not_itself], block[~is_same]
    if not len(same) or not len(different):
        raise ValueError(
            f"no two images of one class among {len(some)} images; expected two or more of each "
            "class, or of most. Give more images of a class, or fewer folds."
        )
    return same.astype(float), different.astype(float)


def _nearest_other(
    similarity: np.ndarray, numbers: np.ndarray, asked: np.ndarray, stored: np.ndarray
) -> np.ndarray:
    """The largest similarity of each image to one image of every class but its own."""
    support = _one_of_each(numbers, stored)
    block = similarity[np.ix_(asked, support)].astype(float)
    block[numbers[asked][:, None] == numbers[support]] = -np.inf  # its own class is not stored
    return block.max(axis=1)


def _one_of_each(numbers: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """One of the images of each class, drawn by a fixed seed."""
    rng, classes = np.random.default_rng(0), np.unique(numbers[stored])
    return np.array([rng.choice(stored[numbers[stored] == k]) for k in classes])


def _one_shot(similarity: np.ndarray, numbers: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Credit of each held-out image that is not itself stored, by one image of every class."""
    support = _one_of_each(numbers, np.arange(len(numbers)))
    asked = np.setdiff1d(held_out, support)
    return identify(-similarity[np.ix_(asked, support)], numbers[asked]).credit


def _where_rates_meet(same: np.ndarray, different: np.ndarray) -> float:
    """The threshold that accepts as large a share of different pairs as it rejects of same ones."""
    values = np.unique(np.concatenate([same, different]))
    middles = np.concatenate([values[:1] - 1e-6, (values[:-1] + values[1:]) / 2])
    false_reject = np.searchsorted(np.sort(same), middles) / len(same)
    false_accept = 1 - np.searchsorted(np.sort(different), middles) / len(different)
    gap = np.abs(false_accept - false_reject)
    best = np.flatnonzero(gap == gap.min())
    return float(np.clip(middles[best[len(best) // 2]], -1, 1))
