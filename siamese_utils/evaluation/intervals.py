"""How far a measured share may be off."""

from scipy.stats import binomtest


def wilson_interval(n_correct: int, n_trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a share of independent trials (Wilson 1927).

    Parameters
    ----------
    n_correct, n_trials : int
        ``0 <= n_correct <= n_trials``, and at least one trial.
    confidence : float in (0, 1)

    Returns
    -------
    (low, high)
        Shares in [0, 1].

    Raises
    ------
    ValueError
        If ``n_trials`` is 0 or ``n_correct`` is not between 0 and ``n_trials``.

    Examples
    --------
    >>> low, high = wilson_interval(368, 400)  # 92 % of the 400 official trials
    >>> round(low, 3), round(high, 3)
    (0.889, 0.943)
    """
    if not 0 <= n_correct <= n_trials or n_trials == 0:
        raise ValueError(
            f"{n_correct} correct of {n_trials} trials; expected 0 <= correct <= trials"
        )
    interval = binomtest(n_correct, n_trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
