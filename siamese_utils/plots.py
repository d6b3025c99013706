"""Arrays in, Matplotlib axes out. The same thing has the same colour in the whole book."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

# Okabe and Ito's colours, which stay apart for colour-blind readers.
SAME = "#0072B2"  # blue
DIFFERENT = "#D55E00"  # vermilion
GREY = "#666666"
CLASS_COLOURS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7",
    "#0072B2", "#D55E00", "#8C6D31", "#999999", "#7A4FBF",
)  # fmt: skip


def use_style() -> None:
    """Set the book's figure style: legible at page width, white paper in dark mode too."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.2),
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 10,
            "legend.frameon": False,
            "image.cmap": "gray_r",  # ink = 1 is drawn black
            "image.interpolation": "nearest",
        }
    )


def show_pairs(
    images: np.ndarray, pairs: np.ndarray, titles: Sequence[str], colours: Sequence[str]
) -> Figure:
    """Draw pairs of images, one above the other, eight pairs a row.

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black.
    pairs : int array (n_pairs, 2)
        Indices into ``images``.
    titles, colours : n_pairs strings each
        Written above the pair, in this colour.
    """
    n_columns = min(8, len(pairs))
    n_rows = -(-len(pairs) // n_columns)
    figure, axes = plt.subplots(2 * n_rows, n_columns, figsize=(7.0, 1.95 * n_rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (pair, title, colour) in enumerate(zip(pairs, titles, colours, strict=True)):
        row, column = divmod(k, n_columns)
        for side in (0, 1):
            axes[2 * row + side, column].imshow(images[pair[side]], vmin=0, vmax=1)
        axes[2 * row, column].set_title(title, fontsize=9, color=colour)
    return figure


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


def pairs_by_distance(
    images: np.ndarray,
    pairs: np.ndarray,
    same: np.ndarray,
    distances: np.ndarray,
    threshold: float,
    n_shown: int = 11,
) -> Figure:
    """Draw pairs at their place on the axis of distance, over the histogram of all.

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black.
    pairs : int array (n_pairs, 2)
        Indices into ``images``.
    same : array (n_pairs,)
        1 = same class, 0 = different; the colour of a pair's frame.
    distances : float array (n_pairs,)
    threshold : float
    n_shown : int
        Pairs drawn, at even steps over the distances that occur often.
    """
    figure, (above, below) = plt.subplots(
        2, 1, sharex=True, figsize=(7.0, 3.6), height_ratios=(0.8, 1)
    )
    distance_histogram(below, distances, same, threshold)
    below.get_legend().remove()  # it would cover bars
    figure.legend(*below.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    below.set_yscale("log")  # the few pairs on the wrong side are what matters
    above.axvline(threshold, color="black", linewidth=1)
    above.set_axis_off()
    limit = float(np.quantile(distances, 0.99))
    below.set_xlim(-limit / n_shown, limit * (1 + 1 / n_shown))
    for wanted in np.linspace(0, limit, n_shown):
        k = int(np.argmin(np.abs(distances - wanted)))
        colour = SAME if same[k] else DIFFERENT
        tile = np.concatenate([images[pairs[k, 0]], images[pairs[k, 1]]], axis=0)
        box = AnnotationBbox(
            OffsetImage(tile, zoom=0.95),
            (wanted, 0.5),
            pad=0.1,
            bboxprops={"edgecolor": colour, "linewidth": 2},
        )
        above.add_artist(box)
    return figure


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


def embedding_scatter(
    axis: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str]
) -> None:
    """Draw points in the plane, a colour a class, each class named at its median.

    Parameters
    ----------
    points : float array (n, 2)
    labels : int array (n,)
        Index into ``names``; at most ten classes.
    """
    for k, name in enumerate(names):
        cluster = points[labels == k]
        x, y = cluster.T
        axis.scatter(x, y, s=3, color=CLASS_COLOURS[k], linewidths=0, alpha=0.6)
        axis.text(
            np.median(x), np.median(y), name, weight="bold", ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": CLASS_COLOURS[k], "boxstyle": "round,pad=0.2"},
        )  # fmt: skip
    axis.set_aspect("equal")
    axis.set_xticks([])
    axis.set_yticks([])
