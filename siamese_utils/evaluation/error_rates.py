"""Error rates of a distance over all thresholds. NumPy in, NumPy out."""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from .pair_checks import check_pairs


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
        """Shares of same pairs that are called different, an array (n,).

        Drawn against ``false_accept`` on normal deviates they are the DET curve (Martin et al.
        1997).
        """
        return 1 - self.true_accept

    def false_reject_at(self, false_accept: float) -> float:
        """Smallest false reject rate among thresholds that accept no more than this share.

        Face verification calls this FRR at FAR. Between two points of the curve the
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
        If all pairs are of one kind, the arrays are not both (n_pairs,), a distance
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
    distances, same = check_pairs(distances, same, both_kinds_for="a ROC curve")
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
