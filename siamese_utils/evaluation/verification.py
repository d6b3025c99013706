"""Verification: are two images of one class? NumPy in, NumPy out.

A pair is called same where its distance is *below* the threshold. The threshold is chosen on
validation pairs and then applied, unchanged, to test pairs. Distances of any type are compared
in double precision, so that a pair at the threshold is on the same side everywhere.
"""

from dataclasses import dataclass

import numpy as np

from .error_rates import RocCurve, roc
from .intervals import wilson_interval
from .pair_checks import check_pairs


def verification_accuracy(distances: np.ndarray, same: np.ndarray, threshold: float) -> float:
    """Share of pairs on the right side of a threshold.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different.
    threshold : float
        In the units of the distance.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ValueError
        If the arrays are not both (n_pairs,), a distance is not a finite number, a
        label is not 0 or 1, or the threshold is NaN.

    Examples
    --------
    The second same pair is too far apart; the other three are on their right side.

    >>> distances, same = np.array([0.1, 0.6, 0.7, 0.9]), np.array([1, 1, 0, 0])
    >>> verification_accuracy(distances, same, threshold=0.5)
    0.75
    """
    distances, same = check_pairs(distances, same)
    if np.isnan(threshold):
        raise ValueError("threshold is nan; expected a number in the units of the distance")
    return float(np.mean((distances < float(threshold)) == same))


def best_threshold(distances: np.ndarray, same: np.ndarray) -> float:
    """The threshold with the highest accuracy on these pairs.

    Candidates are the smallest distance, which accepts no pair, the points half-way between
    neighbouring distances, and half a gap beyond the largest, which accepts every pair. Of
    several equally good ones the smallest is returned. Choose it on validation pairs.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different; both kinds must be there.

    Returns
    -------
    float
        In the units of the distance.

    Raises
    ------
    ValueError
        If all pairs are of one kind, the arrays are not both (n_pairs,), a distance
        is not a finite number or a label not 0 or 1.

    Examples
    --------
    Half-way between the farther same pair and the nearer different one:

    >>> best_threshold(np.array([0.1, 0.25, 0.75, 0.9]), np.array([1, 1, 0, 0]))
    0.5
    """
    distances, same = check_pairs(distances, same, both_kinds_for="a threshold")
    values, place = np.unique(distances, return_inverse=True)  # no threshold separates equal ones
    n_same = np.bincount(place, weights=same)
    n_different = np.bincount(place, weights=~same)
    # Calling the pairs at the k smallest values same is right for the same pairs among them and
    # for the different pairs at the other values, for k = 0 .. n_values.
    right = np.append(0, np.cumsum(n_same)) + np.append(np.cumsum(n_different[::-1])[::-1], 0)
    below, above = values[:-1], values[1:]
    middles = below / 2 + above / 2
    # Between two neighbouring numbers there is no third, and the middle may be rounded down.
    middles = np.where(middles > below, middles, above)
    half_gap = values[-1] / 2 - values[-2:][0] / 2  # 0 if there is one value
    with np.errstate(over="ignore"):  # beyond the largest number lies infinity
        beyond = max(values[-1] + half_gap, np.nextafter(values[-1], np.inf))
    thresholds = np.concatenate([values[:1], middles, [beyond]])
    return float(thresholds[np.argmax(right)])


@dataclass(frozen=True)
class Verification:
    """How well a distance tells same from different pairs.

    Attributes
    ----------
    threshold : float
        Chosen on the validation pairs.
    accuracy : float
        Share of test pairs right at that threshold.
    interval : (low, high)
        95 % Wilson interval of the accuracy. It assumes that the pairs are independent; where
        they share images or classes, the true interval is wider.
    false_accept, false_reject : float
        Share of different test pairs called same, and of same ones called different.
    roc : RocCurve
        Of the test pairs.

    Examples
    --------
    Three of four test pairs are right, which says little yet about the share of all pairs. The
    area of 1 says that another threshold would have separated them without an error.

    >>> validation, test = np.array([0.25, 0.75]), np.array([0.1, 0.6, 0.7, 0.9])
    >>> found = verify(validation, np.array([1, 0]), test, np.array([1, 1, 0, 0]))
    >>> found.accuracy, [round(bound, 2) for bound in found.interval], found.roc.auc
    (0.75, [0.3, 0.95], 1.0)
    """

    threshold: float
    accuracy: float
    interval: tuple[float, float]
    false_accept: float
    false_reject: float
    roc: RocCurve


def verify(
    validation_distances: np.ndarray,
    validation_same: np.ndarray,
    test_distances: np.ndarray,
    test_same: np.ndarray,
) -> Verification:
    """Choose a threshold on validation pairs and measure it on test pairs.

    Parameters
    ----------
    validation_distances, test_distances : float arrays (n_pairs,)
    validation_same, test_same : arrays (n_pairs,)
        1 = same class, 0 = different; both kinds must be there.

    Returns
    -------
    Verification

    Raises
    ------
    ValueError
        If all validation or all test pairs are of one kind, two arrays are not of one length
        (n_pairs,), a distance is not a finite number or a label not 0 or 1.

    Examples
    --------
    The validation pairs put the threshold at 0.5. In the test, a same pair at 0.6 is rejected:

    >>> validation, test = np.array([0.25, 0.75]), np.array([0.1, 0.6, 0.7, 0.9])
    >>> found = verify(validation, np.array([1, 0]), test, np.array([1, 1, 0, 0]))
    >>> found.threshold, found.accuracy, found.false_accept, found.false_reject
    (0.5, 0.75, 0.0, 0.5)
    """
    threshold = best_threshold(validation_distances, validation_same)
    curve = roc(test_distances, test_same)
    distances, same = check_pairs(test_distances, test_same)
    accepted = distances < threshold
    n_right = int(np.count_nonzero(accepted == same))
    return Verification(
        threshold=threshold,
        accuracy=n_right / len(same),
        interval=wilson_interval(n_right, len(same)),
        false_accept=float(accepted[~same].mean()),
        false_reject=float((~accepted[same]).mean()),
        roc=curve,
    )
