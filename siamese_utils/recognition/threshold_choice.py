"""A threshold that is chosen by cross-validation over classes, and what it costs on new ones."""

from dataclasses import dataclass

import numpy as np

from ..datasets import class_folds
from ..evaluation import identify, wilson_interval
from ..models.adaptation import fit_adaptation
from .measured import Measured

N_INNER = 5  # folds within a fold: more of them would take long and change little


@dataclass(frozen=True)
class ThresholdChoice(Measured):
    """A threshold, and the errors that it makes on classes it was not chosen on.

    The rates are means over the folds of a cross-validation over classes. In each fold the
    threshold was chosen on the other classes, and the held-out ones were then compared: with
    each other and with the others. ``low`` and ``high`` are the lowest and the highest rate of
    a fold; they show how much the rate may differ on new classes.

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
        One-shot accuracy on images of held-out classes. One image of each of the ``n_classes``
        classes is stored, held out or not.
    one_shot_before : (mean, low, high) or None
        The same with the embeddings as they were before a whitening; None where they were not
        whitened, or the whitening was learned from other images.

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
    one_shot_before: tuple[float, float, float] | None = None

    @property
    def is_better_than_chance(self) -> bool:
        """Whether the one-shot accuracy is, by Wilson's interval over the images asked about."""
        n_asked = self.n_images - self.n_classes  # one image of each class is stored
        n_right = round(self.one_shot[0] * n_asked)
        return wilson_interval(n_right, n_asked)[0] > 1 / self.n_classes

    def __str__(self) -> str:
        def rates(of: tuple[float, float, float]) -> str:
            mean, low, high = (f"{100 * value:.1f} %" for value in of)
            return f"{mean} ({low} to {high} in {self.n_folds} folds)"

        rule = (
            "equal error rates on pairs"
            if self.strangers_wanted is None
            else f"{100 * self.strangers_wanted:g} % of strangers accepted"
        )
        before = (
            ""
            if self.one_shot_before is None
            else f"the same before fitting: {rates(self.one_shot_before)}\n"
        )
        return (
            f"{self.n_classes}-way one-shot accuracy on classes left out: {rates(self.one_shot)}, "
            f"chance {100 / self.n_classes:.1f} %\n{before}"
            f"threshold {self.threshold:.3f}, chosen for {rule}; on classes left out,\n"
            f"  different pairs called same: {rates(self.false_accept)}\n"
            f"  same pairs called different: {rates(self.false_reject)}\n"
            f"  strangers taken for one of {self.n_stored} stored classes: {rates(self.strangers)}"
        )


def choose(
    embeddings: np.ndarray,
    labels: np.ndarray,
    strangers: float | None,
    n_folds: int,
    whiten: bool = False,
) -> ThresholdChoice:
    """Choose a threshold on embeddings of length 1, with a fixed seed.

    After a whitening, the images that it was learned from lie much closer to their class than new
    images do, so a threshold must not be chosen on their similarities. Where embeddings are to be
    whitened, we leave out a part of the classes in turn, learn the whitening from the others, and
    take the similarities of the part that was left out. We do so for the threshold that is kept,
    and again within the remaining classes of each fold.

    Parameters
    ----------
    embeddings : float32 array (n, dim)
    labels : array (n,)
    strangers : float in (0, 1) or None
        As :attr:`ThresholdChoice.strangers_wanted`.
    n_folds : int
    whiten : bool
        Whether the threshold is for these embeddings after a whitening that is learned from
        them (:func:`siamese_utils.models.fit_adaptation`). Defaults to False: for the
        embeddings as they are.

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
    everything = np.arange(len(numbers))
    as_they_are = embeddings @ embeddings.T

    def compared(some: np.ndarray, n_parts: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Folds of some images: the rest, those held out, and how alike these are to all."""
        found = []
        for rest, held_out in class_folds(numbers[some], n_parts, np.random.default_rng(0)):
            rest, held_out = some[rest], some[held_out]
            if whiten:
                _require_pairs(numbers[rest])
                vectors = fit_adaptation(embeddings[rest], numbers[rest]).apply(embeddings)
                block = vectors[held_out] @ vectors.T
            else:
                block = as_they_are[held_out]
            found.append((rest, held_out, block))
        return found

    def threshold_of(some: np.ndarray, folds: list) -> float:
        if strangers is None:
            _require_pairs(numbers[some])
            pairs = [_pairs(block, numbers, out, some) for _, out, block in folds]
            return _where_rates_meet(*map(np.concatenate, zip(*pairs, strict=True)))
        # each image in turn as a stranger to the other classes
        nearest = [_nearest_other(block, numbers, out, some) for _, out, block in folds]
        return float(np.quantile(np.concatenate(nearest), 1 - strangers, method="higher"))

    rates, folds = [], compared(everything, n_folds)
    for rest, held_out, block in folds:
        n_left = len(np.unique(numbers[rest]))
        if n_left < 2:
            raise ValueError(
                f"{n_folds} folds of {len(classes)} classes leave a single class to choose on; "
                "expected two or more. Ask for more folds."
            )
        _require_pairs(numbers[held_out])
        threshold = threshold_of(rest, compared(rest, min(n_folds, n_left, N_INNER)))
        same, different = _pairs(block, numbers, held_out, everything)
        nearest = _nearest_other(block, numbers, held_out, rest)
        wrong = different > threshold, same <= threshold, nearest > threshold
        right = [_one_shot(rows, numbers, held_out) for rows in (block, as_they_are[held_out])]
        rates.append([np.mean(each) for each in (*wrong, *right)])
    spread = [
        (float(column.mean()), float(column.min()), float(column.max()))
        for column in np.array(rates).T
    ]
    false_accept, false_reject, of_strangers, one_shot, before = spread
    n_rest = len(classes) - len(classes) // n_folds
    return ThresholdChoice(
        threshold_of(everything, folds),
        strangers,
        len(classes),
        len(numbers),
        n_folds,
        n_rest,
        false_accept,
        false_reject,
        of_strangers,
        one_shot,
        before if whiten else None,
    )


def _pairs(
    block: np.ndarray, numbers: np.ndarray, asked: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities of same and of different pairs; the block's rows are the images asked."""
    block = block[:, others]
    is_same = numbers[asked][:, None] == numbers[others]
    not_itself = asked[:, None] != others
    same, different = block[is_same & not_itself], block[~is_same]
    return same.astype(float), different.astype(float)


def _require_pairs(numbers: np.ndarray) -> None:
    if len(np.unique(numbers)) == len(numbers):
        raise ValueError(
            f"no two images of one class among {len(numbers)} images; expected two or more of "
            "each class, or of most. Give more images of a class, or fewer folds."
        )


def _nearest_other(
    block: np.ndarray, numbers: np.ndarray, asked: np.ndarray, stored: np.ndarray
) -> np.ndarray:
    """The largest similarity of each image asked to one image of every class but its own."""
    support = _one_of_each(numbers, stored)
    block = block[:, support].astype(float)
    block[numbers[asked][:, None] == numbers[support]] = -np.inf  # its own class is not stored
    return block.max(axis=1)


def _one_of_each(numbers: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """One of the images of each class, drawn by a fixed seed."""
    rng, classes = np.random.default_rng(0), np.unique(numbers[stored])
    return np.array([rng.choice(stored[numbers[stored] == k]) for k in classes])


def _one_shot(block: np.ndarray, numbers: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Credit of each held-out image that is not itself stored, by one image of every class."""
    support = _one_of_each(numbers, np.arange(len(numbers)))
    is_asked = ~np.isin(held_out, support)
    return identify(-block[is_asked][:, support], numbers[held_out[is_asked]]).credit


def _where_rates_meet(same: np.ndarray, different: np.ndarray) -> float:
    """The threshold that accepts as large a share of different pairs as it rejects of same ones."""
    values = np.unique(np.concatenate([same, different]))
    middles = np.concatenate([values[:1] - 1e-6, (values[:-1] + values[1:]) / 2])
    false_reject = np.searchsorted(np.sort(same), middles) / len(same)
    false_accept = 1 - np.searchsorted(np.sort(different), middles) / len(different)
    gap = np.abs(false_accept - false_reject)
    best = np.flatnonzero(gap == gap.min())
    return float(np.clip(middles[best[len(best) // 2]], -1, 1))
