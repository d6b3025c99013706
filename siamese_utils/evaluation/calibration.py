"""From a distance to the probability that a pair is same. NumPy in, NumPy out."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from .._checks import real_numbers, whole_number
from .._warn import warn
from .intervals import wilson_interval
from .pair_checks import check_pairs


@dataclass(frozen=True)
class Calibration:
    """A probability of *same* that falls with the distance (Platt 1999).

    ``p = sigmoid(intercept + slope * distance)`` where same and different pairs are equally
    frequent; :meth:`probability` takes any other share.

    Attributes
    ----------
    slope : float
        Per unit of the distance; negative where near pairs are more often same.
    intercept : float
        The logarithm of the odds *same : different* at distance 0.
    """

    slope: float
    intercept: float

    def probability(self, distances: np.ndarray, prior: float = 0.5) -> np.ndarray:
        """Probability of *same* for each distance.

        Parameters
        ----------
        distances : float array, any shape
        prior : float in (0, 1)
            Share of same pairs among the pairs to come. Defaults to 0.5, a balanced test; it is
            far smaller where one face is compared with many.

        Returns
        -------
        float array, in the shape of ``distances``
            In [0, 1].

        Raises
        ------
        ValueError
            If ``prior`` is not between 0 and 1, or a distance is not a finite number.

        Examples
        --------
        At the distance where both kinds are equally likely, the prior decides:

        >>> calibration = Calibration(slope=-10.0, intercept=5.0)
        >>> round(float(calibration.probability(0.5, prior=0.1)), 6)
        0.1
        """
        if not 0 < prior < 1:
            raise ValueError(f"prior is {prior}; expected the share of same pairs, in (0, 1)")
        distances = real_numbers(distances, "distances", axes=())
        return expit(self.intercept + self.slope * distances + logit(prior))


def calibrate(distances: np.ndarray, same: np.ndarray) -> Calibration:
    """Fit the probability of *same* to pairs, by logistic regression on the distance.

    The two kinds of pair have the same total weight, however many there are of each. Fit it on
    validation pairs: on training pairs the distances are smaller than they will be.

    The labels are 0 and 1, and nothing pulls the slope towards 0. If some distance separates all
    same pairs from all different ones, such a fit has an infinite slope. We then warn, and use the
    labels of Platt (1999), ``(n_same + 1) / (n_same + 2)`` and ``1 / (n_different + 2)``: the slope
    is finite, and the fewer the pairs, the flatter it is. If all distances are equal, the slope is
    0, and every probability is the prior.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different; both kinds must be there.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError
        If all pairs are of one kind, the arrays are not both (n_pairs,), a distance
        is not a finite number or a label not 0 or 1.

    Examples
    --------
    Of three pairs at distance 0 two are same, and of three at distance 1 one is. Such shares
    can be fitted as they are, and half-way between lies one half:

    >>> distances, same = np.array([0, 0, 0, 1, 1, 1]), np.array([1, 1, 0, 1, 0, 0])
    >>> calibration = calibrate(distances, same)
    >>> calibration.probability(np.array([0.0, 0.5, 1.0])).round(2).tolist()
    [0.67, 0.5, 0.33]
    """
    distances, same = check_pairs(distances, same, both_kinds_for="calibration")
    if distances.min() == distances.max():  # says nothing about a pair
        return Calibration(slope=0.0, intercept=0.0)
    near, far = distances[same], distances[~same]
    labels = same.astype(float)
    if near.max() <= far.min() or far.max() <= near.min():
        warn(
            f"a distance separates all {len(near)} same from all {len(far)} different pairs, so "
            "that the slope of the calibration is not determined; it is held finite, and the "
            "probabilities are uncertain. Calibrate on more, or on harder, pairs.",
        )
        labels = np.where(same, (len(near) + 1) / (len(near) + 2), 1 / (len(far) + 2))
    # Standardized, because the solver takes its steps and its stopping rule from the scale.
    size = np.abs(distances).max()
    center, spread = (distances / size).mean(), (distances / size).std()
    feature = np.tile((distances / size - center) / spread, 2)[:, None]
    # Each pair stands twice, as same and as different, with its label as the weight.
    balance = len(same) / np.where(same, len(near), len(far))
    weights = np.concatenate([balance * labels, balance * (1 - labels)])
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    model.fit(feature, np.repeat([True, False], len(same)), sample_weight=weights)
    slope = float(model.coef_[0, 0]) / spread
    return Calibration(slope=slope / size, intercept=float(model.intercept_[0]) - slope * center)


@dataclass(frozen=True)
class Reliability:
    """Stated probabilities against what happened, in bins.

    Attributes
    ----------
    stated : float array (n_bins,)
        Mean probability of the pairs of a bin; empty bins are left out.
    observed : float array (n_bins,)
        Share of them that are same.
    low, high : float arrays (n_bins,)
        95 % Wilson interval of ``observed``. It assumes that the pairs are independent.
    count : int array (n_bins,)
        Pairs of the bin.
    error : float
        Expected calibration error: mean of ``|stated - observed|``, weighted by ``count``. In
        [0, 1], and 0 at best.

    Examples
    --------
    Four pairs were called same with a probability of 0.9, and three were. That does not prove
    a fault, because 0.9 is inside the interval.

    >>> found = reliability(np.full(4, 0.9), np.array([1, 1, 1, 0]))
    >>> [float(a[0].round(2)) for a in (found.stated, found.observed, found.low, found.high)]
    [0.9, 0.75, 0.3, 0.95]
    """

    stated: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    error: float


def reliability(probabilities: np.ndarray, same: np.ndarray, n_bins: int = 10) -> Reliability:
    """Compare probabilities of *same* with how often it was so.

    Parameters
    ----------
    probabilities : float array (n_pairs,)
        In [0, 1].
    same : array (n_pairs,)
        1 = same class, 0 = different.
    n_bins : int
        Number of bins of equal width over [0, 1], at least 1. Defaults to 10.

    Returns
    -------
    Reliability

    Raises
    ------
    ValueError
        If a probability is not in [0, 1], the arrays are not both (n_pairs,), a
        label is not 0 or 1, or ``n_bins`` is not a whole number of at least 1.

    Examples
    --------
    Of two pairs stated at 0.1 none is same, of four at 0.9 three are. The two bins are wrong
    by 0.1 and 0.15, on average over the pairs by (2 x 0.1 + 4 x 0.15) / 6 = 0.1333.

    >>> probabilities, same = np.array([0.1, 0.1, 0.9, 0.9, 0.9, 0.9]), np.array([0, 0, 1, 1, 1, 0])
    >>> found = reliability(probabilities, same)
    >>> found.observed.tolist(), found.count.tolist(), round(found.error, 4)
    ([0.0, 0.75], [2, 4], 0.1333)
    """
    probabilities, same = check_pairs(probabilities, same, name="probabilities")
    n_bins = whole_number(n_bins, "n_bins", 1)
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError(
            f"probabilities from {probabilities.min():.3g} to {probabilities.max():.3g}; "
            "expected values in [0, 1]"
        )
    place = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    bins = np.unique(place)
    count = np.array([np.sum(place == b) for b in bins])
    stated = np.array([probabilities[place == b].mean() for b in bins])
    n_same = np.array([int(same[place == b].sum()) for b in bins])
    intervals = [wilson_interval(k, n) for k, n in zip(n_same, count, strict=True)]
    low, high = np.array(intervals).T
    observed = n_same / count
    error = float(np.average(np.abs(stated - observed), weights=count))
    return Reliability(stated, observed, low, high, count, error)
