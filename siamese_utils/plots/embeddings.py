"""Embeddings in the plane."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from .style import CLASS_COLORS


def embedding_scatter(
    axis: Axes, points: np.ndarray, labels: np.ndarray, names: Sequence[str], size: float = 3
) -> None:
    """Draw points in the plane, one colour for each class, and each class named at its median.

    Parameters
    ----------
    axis : Axes
    points : float array (n, 2)
    labels : int array (n,)
        Index into ``names``; at most ten classes.
    names : Sequence of str
    size : float
        Area of a point, in square points.

    Raises
    ------
    IndexError
        For more than ten names.

    Examples
    --------
    Two classes; the median of the first is (1, 0).

    >>> import matplotlib.pyplot as plt
    >>> figure, axis = plt.subplots()
    >>> points = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [5.0, 5.0]])
    >>> embedding_scatter(axis, points, np.array([0, 0, 0, 1]), ["zero", "one"])
    >>> [(text.get_text(), *map(float, text.get_position())) for text in axis.texts]
    [('zero', 1.0, 0.0), ('one', 5.0, 5.0)]
    >>> plt.close(figure)
    """
    for k, name in enumerate(names):
        cluster = points[labels == k]
        x, y = cluster.T
        axis.scatter(x, y, s=size, color=CLASS_COLORS[k], linewidths=0, alpha=0.6)
        axis.text(
            np.median(x), np.median(y), name, weight="bold", ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": CLASS_COLORS[k], "boxstyle": "round,pad=0.2"},
        )  # fmt: skip
    axis.set_aspect("equal")
    axis.set_xticks([])
    axis.set_yticks([])
