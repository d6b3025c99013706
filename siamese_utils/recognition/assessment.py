"""How a recognizer does on classes that its encoder was not trained on."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..evaluation import identify, roc, wilson_interval
from ..evaluation.intervals import Interval
from .measured import Measured

MAX_IMAGES = 2_000  # whose pairs, two million, are all compared
RESAMPLES = 1_000


@dataclass(frozen=True)
class Assessment(Measured):
    """What a recognizer did on classes that its encoder was not trained on.

    The intervals hold 95 % of 1,000 bootstrap samples of the classes, because pairs and trials
    share images and classes and so are not independent. If every class is answered perfectly, all
    samples are alike; so no interval is narrower than Wilson's for independent trials, one for each
    query (one-shot) or for each image (pairs).

    Attributes
    ----------
    n_classes, n_images : int
    n_way : int
        Classes to choose from in a one-shot trial: all of them.
    one_shot : float
        Share of images that are most similar to the one stored image of their class.
    one_shot_interval : (low, high)
    equal_error_rate : float
        Over all pairs, at the threshold where both error rates are equal.
    threshold : float or None
        The recognizer's; without one, the next four are None.
    false_accept, false_reject : float
        Share of different pairs above the threshold, and of same pairs not above it.
    accuracy : float
        One less the mean of both: one half is chance.
    accuracy_interval : (low, high)

    Examples
    --------
    Two classes in opposite directions, with two images each:

    >>> vectors = np.array([[1.0, 0.0], [0.8, 0.6], [-1.0, 0.0], [-0.8, 0.6]], "float32")
    >>> found = assess(vectors, np.array(["a", "a", "b", "b"]), threshold=0.9)
    >>> found.one_shot, found.chance, found.false_accept, found.false_reject
    (1.0, 0.5, 0.0, 1.0)
    """

    n_classes: int
    n_images: int
    n_way: int
    one_shot: float
    one_shot_interval: Interval
    equal_error_rate: float
    threshold: float | None
    false_accept: float | None
    false_reject: float | None
    accuracy: float | None
    accuracy_interval: Interval | None

    @property
    def chance(self) -> float:
        """The one-shot accuracy of guessing."""
        return 1 / self.n_way

    @property
    def is_better_than_chance(self) -> bool:
        """Whether both intervals lie above what guessing gives."""
        of_pairs = self.accuracy_interval is None or self.accuracy_interval[0] > 0.5
        return of_pairs and self.one_shot_interval[0] > self.chance

    @property
    def doubt(self) -> str | None:
        """What speaks against the recognizer, and the remedy, as the end of a sentence; or None."""
        by_pairs = "" if self.accuracy is None else f", and {100 * self.accuracy:.1f} % of pairs"
        measured = (
            f"{100 * self.one_shot:.1f} % by one image of each of {self.n_way} classes, where "
            f"guessing has {100 * self.chance:.1f} %{by_pairs}"
        )
        at_chance = self.one_shot <= self.chance + 1e-9  # what rounding may add
        if at_chance or (self.accuracy is not None and self.accuracy <= 0.5):
            return (
                f"is no better than chance ({measured}). Take an encoder that knows this kind of "
                "image, or train on more classes"
            )
        if not self.is_better_than_chance:
            return (
                f"cannot be told from chance with {self.n_images} images of {self.n_classes} "
                f"classes ({measured}). Evaluate on more"
            )
        remedy = "Choose the threshold on classes like these"
        if self.false_accept is not None and self.false_accept > 0.5:
            return f"calls more than half of all different pairs the same. {remedy}"
        if self.false_reject is not None and self.false_reject > 0.5:
            return f"calls more than half of all same pairs different. {remedy}"
        return None

    def __str__(self) -> str:
        def share(value):
            return f"{100 * value:.1f} %"

        def spread(interval):
            return f"({share(interval[0])} to {share(interval[1])})"

        lines = [
            f"{self.n_classes} classes not trained on, {self.n_images} images:",
            f"  {self.n_way}-way one-shot {share(self.one_shot)} {spread(self.one_shot_interval)}, "
            f"chance {share(self.chance)}",
            f"  equal error rate {share(self.equal_error_rate)}",
        ]
        if self.threshold is not None:
            lines += [
                f"  at threshold {self.threshold:.3f}",
                f"    {share(self.false_accept)} of different pairs called same",
                f"    {share(self.false_reject)} of same pairs called different",
            ]
        return "\n".join(lines)


def assess(vectors: np.ndarray, labels: np.ndarray, threshold: float | None) -> Assessment:
    """Assess unit vectors of classes that the encoder was not trained on.

    If there are more than 2,000 images, we draw classes until about 2,000 images are reached, two
    classes at least, and take only a part of a class that is too large. The one image of each class
    that is stored is drawn as well. The seed is fixed: the same images get the same figures.

    Parameters
    ----------
    vectors : float32 array (n, dim)
        Of length 1.
    labels : array (n,)
    threshold : float in [-1, 1] or None

    Returns
    -------
    Assessment

    Raises
    ------
    ValueError
        If there are fewer than two classes, or none has two images.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) < 2 or sizes.max() < 2:
        raise ValueError(
            f"{len(vectors)} images of {len(classes)} class(es), the largest with {sizes.max()}; "
            "expected two classes or more, and two images of some of them"
        )
    rng = np.random.default_rng(0)
    if len(vectors) > MAX_IMAGES:
        kept = _drawn(labels, rng)
        vectors, labels = vectors[kept], labels[kept]
    classes, of = np.unique(labels, return_inverse=True)
    sizes = np.bincount(of)
    similarity = vectors @ vectors.T  # (n, n)
    left, right = np.triu_indices(len(vectors), k=1)
    same = of[left] == of[right]
    error = roc(1 - similarity[left, right], same).equal_error_rate

    support = np.array([rng.choice(np.flatnonzero(of == c)) for c in range(len(classes))])
    asked = np.setdiff1d(np.arange(len(vectors)), support)
    credit = identify(-similarity[np.ix_(asked, support)], of[asked]).credit
    # Each bootstrap sample takes each class as often as its weight says.
    weights = rng.multinomial(len(classes), np.full(len(classes), 1 / len(classes)), RESAMPLES)
    right_of = np.bincount(of[asked], credit, len(classes))
    asked_of = np.bincount(of[asked], minlength=len(classes))
    found: dict[str, Any] = {
        "n_classes": len(classes),
        "n_images": len(vectors),
        "n_way": len(classes),
        "one_shot": float(credit.mean()),
        "one_shot_interval": _interval(
            weights @ right_of, weights @ asked_of, credit.mean(), len(credit)
        ),
        "equal_error_rate": error,
        "threshold": threshold,
    }
    if threshold is None:
        nothing: dict[str, Any] = dict.fromkeys(_AT_THRESHOLD)
        return Assessment(**found, **nothing)
    # In float64: the threshold is not rounded.
    accepted = similarity.astype(float) > threshold
    np.fill_diagonal(accepted, False)
    member = np.eye(len(classes))[of]  # (n, n_classes)
    accepted_of = member.T @ accepted @ member  # ordered pairs, of each two classes
    pairs_of = np.outer(sizes, sizes) - np.diag(sizes)
    # Of same pairs those are right that are accepted, of different pairs the others.
    right_same, n_same = np.diag(accepted_of), np.diag(pairs_of)
    other = ~np.eye(len(classes), dtype=bool)
    right_different, n_different = (pairs_of - accepted_of) * other, pairs_of * other
    false_accept = float(1 - right_different.sum() / n_different.sum())
    false_reject = float(1 - right_same.sum() / n_same.sum())
    quadratic = [
        np.einsum("rc,cd,rd->r", weights, x, weights) for x in (right_different, n_different)
    ]
    linear = [weights @ x for x in (right_same, n_same)]
    both = (quadratic[1] > 0) & (linear[1] > 0)  # a sample may lack one kind of pair
    accuracy = [(q[both] / n[both]) for q, n in (quadratic, linear)]
    mean = 1 - (false_accept + false_reject) / 2
    drawn = (accuracy[0] + accuracy[1]) / 2
    return Assessment(
        **found,
        false_accept=false_accept,
        false_reject=false_reject,
        accuracy=mean,
        accuracy_interval=_interval(drawn, np.ones(len(drawn)), mean, len(vectors)),
    )


_AT_THRESHOLD = ("false_accept", "false_reject", "accuracy", "accuracy_interval")


def _drawn(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The places of at most about 2,000 images of classes that are drawn whole where they fit."""
    left, kept = MAX_IMAGES, []
    names, sizes = np.unique(labels, return_counts=True)
    order = rng.permutation(len(names))
    # Those of a single image say nothing of same pairs, so they come last.
    order = order[np.argsort(sizes[order] < 2, kind="stable")]
    for n_kept, name in enumerate(names[order]):
        places = np.flatnonzero(labels == name)
        # Two classes are the least, so that the first one leaves half to the second.
        share = max(2, left // 2 if n_kept == 0 else left)
        if len(places) > share:
            places = rng.choice(places, share, replace=False)
        kept.append(places)
        left -= len(places)
        if left < 2:
            break
    return np.sort(np.concatenate(kept))


def _interval(right: np.ndarray, n: np.ndarray, share: float, n_trials: int) -> Interval:
    """The middle 95 % of shares, without samples that lack a trial, and no less than Wilson's."""
    low, high = np.quantile(right[n > 0] / n[n > 0], (0.025, 0.975))
    least = wilson_interval(round(float(share) * n_trials), n_trials)
    return min(float(low), least[0]), max(float(high), least[1])
