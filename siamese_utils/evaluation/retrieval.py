"""How well the images of a class are found among all others: Recall@1 and MAP@R."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from .._checks import class_labels, real_numbers

BLOCK = 500  # queries whose distances to all images are held at a time


@dataclass(frozen=True)
class Retrieval:
    """What each image finds when it is the query and all others are stored.

    Attributes
    ----------
    recall_at_1 : float array (n,)
        1 where the nearest other image is of the query's class.
    map_at_r : float array (n,)
        Mean average precision at R, where R is the number of other images of the query's class
        (Musgrave et al. 2020, eqs. 2 and 3): of the R nearest images, the precision up to each
        place is added up where that place is right, and divided by R.

    Examples
    --------
    Two queries. The first one's nearest image is of its class, and the second one's is not:

    >>> found = Retrieval(np.array([1.0, 0.0]), np.array([1.0, 0.25]))
    >>> float(found.recall_at_1.mean()), float(found.map_at_r.mean())
    (0.5, 0.625)
    """

    recall_at_1: np.ndarray
    map_at_r: np.ndarray


def retrieval(vectors: np.ndarray, labels: np.ndarray, metric: str = "euclidean") -> Retrieval:
    """Measure, with each image as the query, how well the others of its class are found.

    At equal distances, images of other classes come first, so that an encoder which maps all
    images to one point finds nothing.

    Parameters
    ----------
    vectors : float array (n, dim)
    labels : array (n,)
        Two images or more of each class.
    metric : {"euclidean", "cityblock"}
        Defaults to "euclidean".

    Returns
    -------
    Retrieval

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, a class has only one image, or ``metric``
        is unknown.

    Examples
    --------
    Images on a line, three of class 0 at 0, 1 and 5, and two of class 1 at 2 and 2.5. For the
    first, R is 2, and its nearest are 1 (right) and 2 (wrong): (1/1 + 0) / 2 = 0.5.

    >>> line = np.array([[0.0], [1.0], [5.0], [2.0], [2.5]])
    >>> found = retrieval(line, np.array([0, 0, 0, 1, 1]))
    >>> found.recall_at_1.tolist(), found.map_at_r.tolist()
    ([1.0, 0.0, 0.0, 1.0, 1.0], [0.5, 0.25, 0.0, 1.0, 1.0])
    """
    if metric not in ("euclidean", "cityblock"):
        raise ValueError(f"metric is {metric!r}; expected 'euclidean' or 'cityblock'")
    vectors = real_numbers(vectors, "vectors", ("n", "dim"))
    names, numbers, sizes = np.unique(
        class_labels(labels, len(vectors)), return_inverse=True, return_counts=True
    )
    if sizes.min() < 2:
        raise ValueError(
            f"class {names[sizes.argmin()]} has one image only, which has nothing to find; "
            "leave it out"
        )
    n_nearest = int(sizes.max()) - 1
    recall, precision = np.empty(len(vectors)), np.empty(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(vectors)))
        distances = cdist(vectors[rows], vectors, metric)
        distances[np.arange(len(rows)), rows] = np.inf  # no image finds itself
        is_right = numbers[rows, None] == numbers
        distances = np.where(is_right, np.nextafter(distances, np.inf), distances)
        nearest = np.argpartition(distances, n_nearest - 1, axis=1)[:, :n_nearest]
        order = np.argsort(np.take_along_axis(distances, nearest, axis=1), axis=1)
        nearest = np.take_along_axis(nearest, order, axis=1)
        hits = np.take_along_axis(is_right, nearest, axis=1)
        ranks = np.arange(1, n_nearest + 1)
        n_wanted = sizes[numbers[rows]] - 1
        within = hits & (ranks <= n_wanted[:, None])
        recall[rows] = hits[:, 0]
        precision[rows] = (within * np.cumsum(hits, axis=1) / ranks).sum(axis=1) / n_wanted
    return Retrieval(recall, precision)
