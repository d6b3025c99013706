"""Modified Hausdorff distance: a baseline that learns nothing. NumPy in, NumPy out."""

import numpy as np
from scipy.spatial import cKDTree

from .._checks import real_numbers


def hausdorff_matrix(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Modified Hausdorff distance from the ink of every image of ``a`` to that of ``b``.

    For each ink pixel of one image the distance to the nearest one of the other is taken, and
    averaged; then the same the other way round. The larger of the two averages is the distance
    (Dubuisson and Jain 1994). Beforehand each image's ink is moved so that its mean is at 0, as
    in the baseline that Lake et al. (2015) publish with Omniglot. On the official runs its nearest
    neighbours are wrong in 38.8 % of the trials, a number that any evaluation should reproduce.

    Parameters
    ----------
    a : array (n, height, width) or (n, height, width, 1)
        Ink is what is not 0.
    b : array (m, height, width) or (m, height, width, 1)
        The images may have another size than those of ``a``.

    Returns
    -------
    float array (n, m)
        In pixels; 0 where the ink has the same shape, wherever it stands.

    Raises
    ------
    ValueError
        If an image has another shape, no ink, or values that are not finite.

    Examples
    --------
    Two dots, 2 pixels apart, against two that are 4 pixels apart, and against themselves, moved.
    Centered, each dot of the first pair is 1 pixel from the nearest one.

    >>> a = np.array([[[1, 0, 1, 0, 0]]])
    >>> b = np.array([[[1, 0, 0, 0, 1]], [[0, 0, 1, 0, 1]]])
    >>> hausdorff_matrix(a, b).tolist()
    [[1.0, 0.0]]
    """
    trees_a, trees_b = ([_ink_tree(image) for image in _images(x)] for x in (a, b))
    return np.array([[_distance(tree, other) for other in trees_b] for tree in trees_a])


def _images(images: np.ndarray) -> np.ndarray:
    return real_numbers(images, "images", ("n", "height", "width"))


def _distance(a: cKDTree, b: cKDTree) -> float:
    return max(float(x.query(y.data)[0].mean()) for x, y in ((a, b), (b, a)))


def _ink_tree(image: np.ndarray) -> cKDTree:
    """A search tree over the centered ink pixels of an image (height, width)."""
    points = np.argwhere(image)  # (n_points, 2): row, column
    if len(points) == 0:
        raise ValueError(f"an image of shape {image.shape} has no ink; all its pixels are 0")
    # Unbalanced: balancing takes longer than it saves for about a thousand points.
    return cKDTree(points - points.mean(axis=0), balanced_tree=False, compact_nodes=False)
