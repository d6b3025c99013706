"""How far a measured share may be off. NumPy in, NumPy out."""

import numpy as np
from scipy.stats import binomtest

from .._checks import whole_number

Interval = tuple[float, float]


def wilson_interval(n_correct: int, n_trials: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a share of trials (Wilson 1927).

    It assumes that the trials are independent and equally hard. Trials that share an image, a
    person or a class vary together, and then the true interval is wider than this one.

    Parameters
    ----------
    n_correct, n_trials : int
        ``0 <= n_correct <= n_trials``, and at least one trial.
    confidence : float in (0, 1)
        How often such intervals contain the true share. Defaults to 0.95.

    Returns
    -------
    (low, high)
        Shares in [0, 1].

    Raises
    ------
    ValueError
        For numbers of trials that are not whole or do not fit each other, and for a confidence
        outside (0, 1).

    Examples
    --------
    >>> low, high = wilson_interval(368, 400)  # 92 % of the 400 official trials
    >>> round(low, 3), round(high, 3)
    (0.889, 0.943)
    """
    n_trials = whole_number(n_trials, "n_trials", 1)
    n_correct = whole_number(n_correct, "n_correct", 0)
    if n_correct > n_trials:
        raise ValueError(f"{n_correct} correct of {n_trials} trials; expected no more than all")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a share in (0, 1), such as 0.95")
    interval = binomtest(n_correct, n_trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def mean_with_interval(credit: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Mean of the trials' credit, each in [0, 1], and the Wilson interval of the whole trials
    nearest to their sum.

    Examples
    --------
    >>> mean, (low, high) = mean_with_interval(np.array([1.0, 0.5, 0.5]))
    >>> round(mean, 3), (low, high) == wilson_interval(2, 3)
    (0.667, True)
    """
    return float(credit.mean()), wilson_interval(round(float(credit.sum())), credit.size)
