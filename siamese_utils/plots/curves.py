"""Curves and histograms of training and of verification."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import norm

from .style import DIFFERENT, GREY, SAME


def learning_curves(axis: Axes, training: Sequence[float], validation: Sequence[float]) -> None:
    """Draw one quantity over the epochs, on training and on validation pairs."""
    epochs = np.arange(1, len(training) + 1)
    axis.plot(epochs, training, color=GREY, linestyle="--", marker="o", ms=3, label="training")
    axis.plot(epochs, validation, color=SAME, marker="o", ms=3, label="validation")
    axis.set_xlabel("epoch")
    axis.legend()


def distance_histogram(
    axis: Axes, distances: np.ndarray, same: np.ndarray, threshold: float | None = None
) -> None:
    """Draw how the distances of same and of different pairs are spread.

    Parameters
    ----------
    distances : float array (n_pairs,)
    same : array (n_pairs,)
        1 = same class, 0 = different.
    threshold : float
        Drawn as a vertical line where given.
    """
    bins = np.linspace(0, float(np.max(distances)), 60).tolist()
    for value, colour, label, hatch in ((1, SAME, "same", None), (0, DIFFERENT, "different", "//")):
        chosen = distances[np.asarray(same) == value]
        axis.hist(
            chosen, bins, color=colour, alpha=0.6, label=label, hatch=hatch, edgecolor="white"
        )
    if threshold is not None:
        axis.axvline(threshold, color="black", linewidth=1)
        axis.text(threshold, 0.97, f" threshold {threshold:.2f}", va="top",
                  transform=axis.get_xaxis_transform())  # fmt: skip
    axis.set_xlabel("distance")
    axis.set_ylabel("pairs")
    axis.legend(loc="center right")


def roc_curve(axis: Axes, roc, label: str, colour: str, linestyle: str = "-") -> None:
    """Draw a :class:`~siamese_utils.evaluation.RocCurve` on a logarithmic false-accept axis."""
    axis.plot(
        roc.false_accept, roc.true_accept, color=colour, linestyle=linestyle,
        label=f"{label} (EER {100 * roc.equal_error_rate:.1f} %)",
    )  # fmt: skip
    axis.set_xscale("log")
    axis.set_xlim(1e-3, 1)
    axis.set_xlabel("false accepts (share of different pairs)")
    axis.set_ylabel("true accepts (share of same pairs)")


def det_curve(
    axis: Axes, roc, label: str | None, colour: str, linestyle: str = "-", linewidth: float = 1.5
) -> None:
    """Draw the detection error trade-off of a :class:`~siamese_utils.evaluation.RocCurve`.

    Both axes are normal deviates, on which the curve of two normal distributions is a
    straight line (Martin et al. 1997); the diagonal of equal errors is dotted.
    """
    ticks = np.array([0.002, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6])
    # The deviate of 0 or 1 is infinite; such points lie outside of the picture.
    x, y = (
        norm.ppf(np.clip(rates, 1e-9, 1 - 1e-9)) for rates in (roc.false_accept, roc.false_reject)
    )
    axis.plot(x, y, color=colour, linestyle=linestyle, linewidth=linewidth, label=label)
    limits = norm.ppf(ticks[[0, -1]])
    axis.plot(limits, limits, color=GREY, linestyle=":", linewidth=1)
    for set_ticks, set_limits in (
        (axis.set_xticks, axis.set_xlim),
        (axis.set_yticks, axis.set_ylim),
    ):
        set_ticks(norm.ppf(ticks), [f"{100 * t:g} %" for t in ticks], fontsize=8)
        set_limits(*limits)
    axis.set_aspect("equal")
    axis.set_xlabel("false accept rate")
    axis.set_ylabel("false reject rate")


def reliability_curve(axis: Axes, found, label: str, colour: str) -> None:
    """Draw a :class:`~siamese_utils.evaluation.Reliability`: how often it was as stated.

    A calibrated probability lies on the dotted diagonal; the bars are the 95 % intervals.
    """
    bars = np.clip([found.observed - found.low, found.high - found.observed], 0, 1)
    axis.errorbar(
        found.stated, found.observed, bars, color=colour, marker="o", ms=4, capsize=2, label=label
    )
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    axis.set_xlabel("stated probability of same")
    axis.set_ylabel("share that is same")
