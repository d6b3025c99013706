"""Pairs of images, drawn."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from .curves import distance_histogram
from .style import DIFFERENT, SAME

N_SHOWN = 11  # pairs that stand side by side in the width of a page


def show_pairs(
    images: np.ndarray, pairs: np.ndarray, titles: Sequence[str], colors: Sequence[str]
) -> Figure:
    """Draw pairs of images, one above the other, eight pairs in each row.

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black, after :func:`use_style`.
    pairs : int array (n_pairs, 2)
        Indices into ``images``; at least one pair.
    titles, colors : n_pairs strings each
        Written above the pair, in this colour.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is not a title and a colour for each pair.

    Examples
    --------
    Two pairs of three images: four images, in two columns.

    >>> images, pairs = np.zeros((3, 5, 5, 1)), np.array([[0, 1], [0, 2]])
    >>> figure = show_pairs(images, pairs, ["same", "different"], [SAME, DIFFERENT])
    >>> len(figure.axes), [axis.get_title() for axis in figure.axes[:2]]
    (4, ['same', 'different'])
    >>> plt.close(figure)
    """
    n_columns = min(8, len(pairs))
    n_rows = -(-len(pairs) // n_columns)
    figure, axes = plt.subplots(2 * n_rows, n_columns, figsize=(7.0, 1.95 * n_rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for k, (pair, title, color) in enumerate(zip(pairs, titles, colors, strict=True)):
        row, column = divmod(k, n_columns)
        for side in (0, 1):
            axes[2 * row + side, column].imshow(images[pair[side]], vmin=0, vmax=1)
        axes[2 * row, column].set_title(title, fontsize=9, color=color)
    return figure


def pairs_by_distance(
    images: np.ndarray,
    pairs: np.ndarray,
    same: np.ndarray,
    distances: np.ndarray,
    threshold: float,
) -> Figure:
    """Draw some pairs at their place on the axis of distance, over the histogram of all.

    Eleven pairs are drawn, at even steps over the distances that occur often: from 0 to that
    which 99 % of the pairs are below. At each step the pair with the nearest distance is drawn.

    Parameters
    ----------
    images : array (n, height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black, after :func:`use_style`.
    pairs : int array (n_pairs, 2)
        Indices into ``images``.
    same : array (n_pairs,)
        1 = same class, 0 = different; the colour of a pair's frame.
    distances : float array (n_pairs,)
        At least 0.
    threshold : float
        In the units of the distance.

    Returns
    -------
    Figure
        Its legend stands outside of the axes, which takes the layout of :func:`use_style`.

    Examples
    --------
    Three pairs of three images, each of them drawn several times, over the histogram of all:

    >>> from siamese_utils.plots import use_style
    >>> images, pairs = np.zeros((3, 5, 5, 1)), np.array([[0, 1], [0, 2], [1, 2]])
    >>> same, distances = np.array([1, 0, 0]), np.array([0.1, 0.8, 0.9])
    >>> with plt.rc_context():
    ...     use_style()
    ...     figure = pairs_by_distance(images, pairs, same, distances, 0.5)
    >>> above, below = figure.axes
    >>> len(above.artists), below.get_xlabel()
    (11, 'distance')
    >>> plt.close(figure)
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
    below.set_xlim(-limit / N_SHOWN, limit * (1 + 1 / N_SHOWN))
    for wanted in np.linspace(0, limit, N_SHOWN):
        k = int(np.argmin(np.abs(distances - wanted)))
        color = SAME if same[k] else DIFFERENT
        tile = np.concatenate([images[pairs[k, 0]], images[pairs[k, 1]]], axis=0)
        box = AnnotationBbox(
            OffsetImage(tile, zoom=0.95, norm=plt.Normalize(0, 1)),
            (wanted, 0.5),
            pad=0.1,
            bboxprops={"edgecolor": color, "linewidth": 2},
        )
        above.add_artist(box)
    return figure
