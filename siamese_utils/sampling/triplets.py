"""Triplets: an anchor, a positive of its class, and a negative of another."""

import numpy as np

from .._checks import class_labels


def count_triplets(labels: np.ndarray) -> int:
    """How many triplets (anchor, positive, negative) there are.

    Parameters
    ----------
    labels : int array (n,)

    Returns
    -------
    int
        The sum of ``n_c (n_c - 1) (n - n_c)`` over the classes: an anchor and a positive are
        two different images, and count as two triplets when they change places.

    Examples
    --------
    Classes of 3 and 2 images: 3 x 2 ordered pairs with 2 negatives each, and 2 x 1 with 3.

    >>> count_triplets(np.array([0, 0, 0, 1, 1]))
    18

    40 images of 10 classes, 4 each: every one of them with 3 positives and 36 negatives.

    >>> count_triplets(np.repeat(np.arange(10), 4))
    4320
    """
    labels = class_labels(labels)
    n = len(labels)
    sizes = np.unique(labels, return_counts=True)[1].tolist()  # Python's numbers cannot overflow
    return sum(size * (size - 1) * (n - size) for size in sizes)
