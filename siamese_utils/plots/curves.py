"""Curves and histograms of training and of verification."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import norm

from .style import DIFFERENT, GREY, SAME


def learning_curves(axis: Axes, training: Sequence[float], validation: Sequence[float]) -> None:
    """Draw one quantity over the epochs, on training and on validation pairs.

    Parameters
    ----------
    axis : Axes
    training, validation : Sequences of float, (n_epochs,) each
        In the units of the quantity, such as a loss; the axis gets no label for it.

    Raises
    ------
    ValueError
        If the two are not of one length; from Matplotlib.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> learning_curves(axis, training=[0.9, 0.5], validation=[0.95, 0.7])
    >>> {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    {'training': [[1.0, 0.9], [2.0, 0.5]], 'validation': [[1.0, 0.95], [2.0, 0.7]]}
    >>> plt.close(figure)
    """
    epochs = np.arange(1, len(training) + 1)
    axis.plot(epochs, training, color=GREY, linestyle="--", marker="o", ms=3, label="training")
    axis.plot(epochs, validation, color=SAME, marker="o", ms=3, label="validation")
    axis.set_xlabel("epoch")
    axis.legend()


def distance_histogram(
    axis: Axes, distances: np.ndarray, same: np.ndarray, threshold: float | None = None
) -> None:
    """Draw how the distances of same and of different pairs are spread.

    In 59 bins of equal width, from 0 to the largest distance.

    Parameters
    ----------
    axis : Axes
    distances : float array (n_pairs,)
        At least 0.
    same : array (n_pairs,)
        1 = same class, 0 = different.
    threshold : float
        Drawn as a vertical line where given; in the units of the distance.

    Examples
    --------
    Two same pairs and a different one:

    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> distance_histogram(axis, np.array([0.1, 0.2, 0.9]), np.array([1, 1, 0]), threshold=0.5)
    >>> [sum(int(bar.get_height()) for bar in bars) for bars in axis.containers]
    [2, 1]
    >>> axis.get_xlabel(), axis.get_ylabel(), axis.texts[0].get_text().strip()
    ('distance', 'pairs', 'threshold 0.50')
    >>> plt.close(figure)
    """
    bins = np.linspace(0, float(np.max(distances)), 60).tolist()
    for value, color, label, hatch in ((1, SAME, "same", None), (0, DIFFERENT, "different", "//")):
        chosen = distances[np.asarray(same) == value]
        axis.hist(chosen, bins, color=color, alpha=0.6, label=label, hatch=hatch, edgecolor="white")
    if threshold is not None:
        axis.axvline(threshold, color="black", linewidth=1)
        axis.text(threshold, 0.97, f" threshold {threshold:.2f}", va="top",
                  transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set_xlabel("distance")
    axis.set_ylabel("pairs")
    axis.legend(loc="center right")


def roc_curve(axis: Axes, roc, label: str, color: str, linestyle: str = "-") -> None:
    """Draw a :class:`~siamese_utils.evaluation.RocCurve` on a logarithmic false-accept axis.

    Both axes are shares; that of the false accepts begins at 0.001.

    Parameters
    ----------
    axis : Axes
    roc : RocCurve
    label : str
        The legend's; the equal error rate, in percent, is added to it.
    color, linestyle : str
        As Matplotlib has them.

    Examples
    --------
    Two same pairs, at 0.1 and 0.3, and two different ones, at 0.2 and 0.4:

    >>> from siamese_utils.evaluation import roc
    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> curve = roc(np.array([0.1, 0.3, 0.2, 0.4]), np.array([1, 1, 0, 0]))
    >>> roc_curve(axis, curve, "L1", SAME)
    >>> axis.lines[0].get_label(), axis.get_xscale()
    ('L1 (EER 50.0 %)', 'log')
    >>> plt.close(figure)
    """
    axis.plot(
        roc.false_accept, roc.true_accept, color=color, linestyle=linestyle,
        label=f"{label} (EER {100 * roc.equal_error_rate:.1f} %)",
    )  # fmt: skip
    axis.set_xscale("log")
    axis.set_xlim(1e-3, 1)
    axis.set_xlabel("false accepts (share of different pairs)")
    axis.set_ylabel("true accepts (share of same pairs)")


def det_curve(
    axis: Axes, roc, label: str | None, color: str, linestyle: str = "-", linewidth: float = 1.5
) -> None:
    """Draw the detection error trade-off of a :class:`~siamese_utils.evaluation.RocCurve`.

    Both axes are normal deviates, on which the curve of two normal distributions is a
    straight line (Martin et al. 1997); the diagonal of equal errors is dotted. Both go from
    0.2 % to 60 %.

    Parameters
    ----------
    axis : Axes
    roc : RocCurve
    label : str
        The legend's; None keeps the curve out of it.
    color, linestyle : str
        As Matplotlib has them.
    linewidth : float
        In points.

    Examples
    --------
    Two same pairs, at 0.1 and 0.3, and two different ones, at 0.2 and 0.4. The point with both
    rates one half is at the deviates 0.

    >>> from siamese_utils.evaluation import roc
    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> curve = roc(np.array([0.1, 0.3, 0.2, 0.4]), np.array([1, 1, 0, 0]))
    >>> det_curve(axis, curve, "L1", SAME)
    >>> axis.lines[0].get_xydata()[2].tolist(), axis.get_xlabel(), axis.get_ylabel()
    ([0.0, 0.0], 'false accept rate', 'false reject rate')
    >>> plt.close(figure)
    """
    ticks = np.array([0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6])
    # The deviate of 0 or 1 is infinite; such points lie outside of the picture.
    x, y = (
        norm.ppf(np.clip(rates, 1e-9, 1 - 1e-9)) for rates in (roc.false_accept, roc.false_reject)
    )
    axis.plot(x, y, color=color, linestyle=linestyle, linewidth=linewidth, label=label)
    limits = norm.ppf(ticks[[0, -1]])
    axis.plot(limits, limits, color=GREY, linestyle=":", linewidth=1)
    for set_ticks, set_limits in (
        (axis.set_xticks, axis.set_xlim),
        (axis.set_yticks, axis.set_ylim),
    ):
        set_ticks(norm.ppf(ticks), [f"{100 * t:g} %" for t in ticks], fontsize=9)
        set_limits(*limits)
    axis.set_aspect("equal")
    axis.set_xlabel("false accept rate")
    axis.set_ylabel("false reject rate")


def reliability_curve(axis: Axes, found, label: str, color: str) -> None:
    """Draw a :class:`~siamese_utils.evaluation.Reliability`: how often it was as stated.

    A calibrated probability lies on the dotted diagonal; the bars are the 95 % intervals.

    Parameters
    ----------
    axis : Axes
    found : Reliability
    label : str
        The legend's.
    color : str
        As Matplotlib has it.

    Examples
    --------
    Of two pairs stated at 0.1 none is same, of four at 0.9 three are:

    >>> from siamese_utils.evaluation import reliability
    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> stated, same = np.array([0.1, 0.1, 0.9, 0.9, 0.9, 0.9]), np.array([0, 0, 1, 1, 1, 0])
    >>> reliability_curve(axis, reliability(stated, same), "Platt", SAME)
    >>> axis.lines[0].get_xydata().round(2).tolist()
    [[0.1, 0.0], [0.9, 0.75]]
    >>> plt.close(figure)
    """
    bars = np.clip([found.observed - found.low, found.high - found.observed], 0, 1)
    axis.errorbar(
        found.stated, found.observed, bars, color=color, marker="o", ms=4, capsize=2, label=label
    )
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    axis.set_xlabel("stated probability of same")
    axis.set_ylabel("share that is same")
