"""Compare two systems that answered the same trials. NumPy in, NumPy out."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from .._checks import class_labels, real_numbers, require_generator, whole_number


@dataclass(frozen=True)
class PairedTest:
    """What McNemar's exact test found.

    Attributes
    ----------
    n_first, n_second : int
        Trials that only the first, and only the second, system answers rightly. The trials that
        both answer alike say nothing about which is better.
    p_value : float
        How often two equally good systems would divide these trials at least as unevenly.

    Examples
    --------
    One trial that only the second system answers rightly proves nothing:

    >>> mcnemar([1, 0, 1], [1, 1, 1])
    PairedTest(n_first=0, n_second=1, p_value=1.0)
    """

    n_first: int
    n_second: int
    p_value: float


def mcnemar(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """McNemar's exact test of two systems on the same trials (McNemar 1947; Dietterich 1998).

    If both systems are equally good, each trial that only one of them answers rightly is the
    toss of a coin, so their number is binomial with probability one half. The test is
    two-sided, and takes the trials as independent.

    Parameters
    ----------
    first, second : arrays (n_trials,)
        1 or True where the system is right, 0 or False where it is not.

    Returns
    -------
    PairedTest

    Raises
    ------
    ValueError
        If the arrays differ in length, or hold anything but 0 and 1. Decide beforehand whether a
        tie counts as right or as wrong.

    Examples
    --------
    Six trials. Two systems answer three of them alike; the other three go to the first. Of
    three tosses of a coin all fall on one side in 2 of 8 cases:

    >>> found = mcnemar([1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0])
    >>> found.n_first, found.n_second, found.p_value
    (3, 0, 0.25)
    """
    right = [real_numbers(each, "answers", ("n_trials",)) for each in (first, second)]
    if len(right[0]) != len(right[1]):
        raise ValueError(
            f"{len(right[0])} answers of the first system and {len(right[1])} of the second; "
            "expected both systems' answers to the same trials"
        )
    for each in right:
        other = each[(each != 0) & (each != 1)]
        if len(other):
            raise ValueError(f"an answer is {other[0]}; expected 1 where it is right, and else 0")
    n_first = int(np.sum(right[0] > right[1]))
    n_second = int(np.sum(right[0] < right[1]))
    n = n_first + n_second
    p_value = float(binomtest(n_first, n).pvalue) if n else 1.0
    return PairedTest(n_first, n_second, p_value)


def bootstrap_interval(
    values: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
    n_draws: int = 10_000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Interval of a mean over trials that come in groups, such as people or alphabets.

    Trials of one person or one alphabet vary together. So whole groups are drawn with
    replacement, as many as there are, and the mean over their trials is taken, many times; the
    interval holds the middle ones (Efron 1979; the percentile interval). With few groups it is
    somewhat too narrow: ten are few.

    For two systems on the same trials, give the differences of their credit. An interval that
    leaves out 0 tells them apart.

    Parameters
    ----------
    values : float array (n_trials,)
        The credit of each trial, or the difference of two systems' credit.
    groups : array (n_trials,)
        Number or name of each trial's group; at least two groups.
    rng : numpy Generator
    n_draws : int
        Defaults to 10,000.
    confidence : float in (0, 1)
        Defaults to 0.95.

    Returns
    -------
    (low, high)

    Raises
    ------
    ValueError
        If the arrays differ in length, there is only one group, ``rng`` is no generator, or a
        number is out of range.

    Examples
    --------
    Two people, one of whom is always recognized and the other never. Drawn twice with
    replacement, one in four draws has only the one, and one in four only the other:

    >>> values, people = np.repeat([1.0, 0.0], 50), np.repeat(["Ann", "Bob"], 50)
    >>> bootstrap_interval(values, people, np.random.default_rng(0))
    (0.0, 1.0)
    """
    values = real_numbers(values, "values", ("n_trials",))
    groups = class_labels(groups, what="groups")
    if len(groups) != len(values):
        raise ValueError(f"{len(values)} trials but {len(groups)} groups; expected one for each")
    require_generator(rng)
    n_draws = whole_number(n_draws, "n_draws", 1)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a share in (0, 1), such as 0.95")
    names, place = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            f"all {len(values)} trials are of group {names[0]}; expected two groups or more. "
            "For independent trials, use wilson_interval."
        )
    sums = np.bincount(place, weights=values)
    sizes = np.bincount(place)
    drawn = rng.integers(len(names), size=(n_draws, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    outside = (1 - confidence) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)
