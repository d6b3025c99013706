"""Verification: are two images of one class? NumPy in, NumPy out.

A pair is called same where its distance is *below* the threshold. The threshold is
chosen on validation pairs and then applied, unchanged, to test pairs.
"""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from .intervals import wilson_interval


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
        If the arrays are not two of one length (n_pairs,), are empty or hold a distance that is
        not a finite number, or if a label is not 0 or 1.

    Examples
    --------
    The second same pair is too far apart; the other three are on their right side.

    >>> distances, same = np.array([0.1, 0.6, 0.7, 0.9]), np.array([1, 1, 0, 0])
    >>> verification_accuracy(distances, same, threshold=0.5)
    0.75
    """
    distances, same = check_pairs(distances, same)
    return float(np.mean((distances < threshold) == same))


def best_threshold(distances: np.ndarray, same: np.ndarray) -> float:
    """The threshold with the highest accuracy on these pairs.

    Candidates lie half-way between neighbouring distances, and beyond the smallest and
    the largest; of several equally good ones the smallest is returned. Choose it on
    validation pairs.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different.

    Returns
    -------
    float
        In the units of the distance.

    Raises
    ------
    ValueError
        If the arrays are not two of one length (n_pairs,), are empty or hold a distance that is
        not a finite number, or if a label is not 0 or 1.

    Examples
    --------
    Half-way between the farther same pair and the nearer different one:

    >>> best_threshold(np.array([0.1, 0.25, 0.75, 0.9]), np.array([1, 1, 0, 0]))
    0.5
    """
    distances, same = check_pairs(distances, same)
    order = np.argsort(distances)
    values, is_same = distances[order], same[order]
    # Calling the k nearest pairs same is right for the same ones among them and for the
    # different ones after them, for k = 0 .. n_pairs.
    right = (
        np.concatenate([[0], np.cumsum(is_same)])
        + np.concatenate([[0], np.cumsum(~is_same[::-1])])[::-1]
    )
    middles = (values[:-1] + values[1:]) / 2
    thresholds = np.concatenate([[values[0] - 1e-6], middles, [np.nextafter(values[-1], np.inf)]])
    # Between equal distances there is no threshold that would part them.
    parts = np.concatenate([[True], values[:-1] < values[1:], [True]])
    return float(thresholds[parts][np.argmax(right[parts])])


@dataclass(frozen=True)
class RocCurve:
    """Error rates over all thresholds, from the strictest to the most lenient.

    Attributes
    ----------
    false_accept, true_accept : float arrays (n,)
        Shares of different, and of same, pairs that are called same.
    auc : float
        Area under the curve: the chance that a same pair is nearer than a different
        one; 0.5 for a constant distance.
    equal_error_rate : float
        Where as large a share of different pairs is accepted as of same pairs rejected.

    Examples
    --------
    Two same pairs, at 0.1 and 0.3, and two different ones, at 0.2 and 0.4. To accept no
    different pair, the threshold has to reject the second same one.

    >>> curve = roc(np.array([0.1, 0.3, 0.2, 0.4]), np.array([1, 1, 0, 0]))
    >>> curve.false_accept.tolist(), curve.false_reject.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [1.0, 0.5, 0.5, 0.0, 0.0])
    >>> curve.false_reject_at(0.0), curve.false_reject_at(0.5)
    (0.5, 0.0)
    """

    false_accept: np.ndarray
    true_accept: np.ndarray
    auc: float
    equal_error_rate: float

    @property
    def false_reject(self) -> np.ndarray:
        """Shares of same pairs that are called different (n,): with ``false_accept``, the
        DET curve (Martin et al. 1997), which draws both on normal deviates."""
        return 1 - self.true_accept

    def false_reject_at(self, false_accept: float) -> float:
        """Smallest false reject rate among thresholds that accept no more than this share.

        FRR at FAR, in the words of face verification. Between two points of the curve the
        stricter one counts: no threshold reaches what lies between.

        Parameters
        ----------
        false_accept : float in [0, 1]
            Largest share of different pairs that may be called same.

        Returns
        -------
        float in [0, 1]
            Share of same pairs that are then called different.

        Raises
        ------
        ValueError
            If ``false_accept`` is not in [0, 1].
        """
        if not 0 <= false_accept <= 1:
            raise ValueError(f"false_accept is {false_accept}; expected a share in [0, 1]")
        return float(self.false_reject[self.false_accept <= false_accept].min())


def roc(distances: np.ndarray, same: np.ndarray) -> RocCurve:
    """Receiver operating characteristic of a distance.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different; both kinds must be there.

    Returns
    -------
    RocCurve

    Raises
    ------
    ValueError
        If all pairs are of one kind, the arrays are not two of one length (n_pairs,), a distance
        is not a finite number or a label not 0 or 1.

    Examples
    --------
    Of the four ways to take one same and one different pair, the same one is nearer in three.
    With a threshold between 0.2 and 0.3, one of two different pairs is accepted, and one of two
    same pairs rejected.

    >>> curve = roc(np.array([0.1, 0.3, 0.2, 0.4]), np.array([1, 1, 0, 0]))
    >>> curve.auc, curve.equal_error_rate
    (0.75, 0.5)
    """
    distances, same = check_pairs(distances, same)
    if same.all() or not same.any():
        raise ValueError(f"all {len(same)} pairs are of one kind; a ROC needs same and different")
    false_accept, true_accept, _ = metrics.roc_curve(same, -distances, drop_intermediate=False)
    # The rates cross between two points of the curve; interpolate along the segment.
    gap = (1 - true_accept) - false_accept  # falls from 1 to -1
    after = int(np.argmax(gap <= 0))
    weight = gap[after - 1] / (gap[after - 1] - gap[after])
    equal_error_rate = false_accept[after - 1] + weight * (
        false_accept[after] - false_accept[after - 1]
    )
    auc = metrics.auc(false_accept, true_accept)
    return RocCurve(false_accept, true_accept, float(auc), float(equal_error_rate))


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
        95 % Wilson interval of the accuracy. It takes the pairs as independent; pairs
        that share images are a little less so, and the true interval a little wider.
    false_accept, false_reject : float
        Share of different test pairs called same, and of same ones called different.
    roc : RocCurve
        Of the test pairs.

    Examples
    --------
    Three of four test pairs are right, which says little yet of the share of all pairs. And the
    fault is the threshold's: another one would have parted the pairs.

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
        1 = same class, 0 = different; both kinds must be there in the test.

    Returns
    -------
    Verification

    Raises
    ------
    ValueError
        If all test pairs are of one kind, two arrays are not of one length (n_pairs,), a distance
        is not a finite number or a label not 0 or 1.

    Examples
    --------
    The validation pairs put the threshold at 0.5. In the test, a same pair at 0.6 is rejected:

    >>> validation, test = np.array([0.25, 0.75]), np.array([0.1, 0.6, 0.7, 0.9])
    >>> found = verify(validation, np.array([1, 0]), test, np.array([1, 1, 0, 0]))
    >>> found.threshold, found.accuracy, found.false_accept, found.false_reject
    (0.5, 0.75, 0.0, 0.5)
    """
    threshold = best_threshold(validation_distances, validation_same)
    accuracy = verification_accuracy(test_distances, test_same, threshold)
    n = len(test_distances)
    interval = wilson_interval(round(accuracy * n), n)
    curve = roc(test_distances, test_same)
    accepted = np.asarray(test_distances) < threshold
    false_accept = float(accepted[np.asarray(test_same) == 0].mean())
    false_reject = float(1 - accepted[np.asarray(test_same) == 1].mean())
    return Verification(threshold, accuracy, interval, false_accept, false_reject, curve)


def check_pairs(distances: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances as floats and labels as booleans, or an error that names the fault."""
    distances, same = np.asarray(distances, float), np.asarray(same)
    if distances.ndim != 1 or distances.shape != same.shape or len(distances) == 0:
        raise ValueError(
            f"distances of shape {distances.shape} and labels of shape {same.shape}; "
            "expected two arrays (n_pairs,) of one length"
        )
    if not np.isfinite(distances).all():
        raise ValueError(f"{np.sum(~np.isfinite(distances))} distances are not finite numbers")
    if not np.isin(same, (0, 1)).all():
        raise ValueError(f"labels {np.unique(same)[:5]}; expected 1 = same and 0 = different")
    return distances, same.astype(bool)
