"""Triplets as index arrays: anchor, positive (of its class), negative (of another)."""

import numpy as np

from .._checks import class_labels, require_generator, whole_number


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


def draw_triplets(labels: np.ndarray, n_triplets: int, rng: np.random.Generator) -> np.ndarray:
    """Draw triplets, each image of a kind as likely as the others.

    The anchor is any image that has a partner of its class, the positive any of these partners,
    the negative any image of the other classes. A triplet may come twice.

    Parameters
    ----------
    labels : int array (n,)
    n_triplets : int
    rng : numpy Generator

    Returns
    -------
    int array (n_triplets, 3)
        Indices of anchor, positive and negative into ``labels``.

    Raises
    ------
    ValueError
        If ``n_triplets`` is no whole number of at least 1, ``rng`` is no generator, there are
        fewer than two classes, no class has two images, or the labels are not (n,).

    Examples
    --------
    >>> labels = np.repeat(np.arange(5), 3)
    >>> triplets = draw_triplets(labels, 1000, np.random.default_rng(0))
    >>> anchor, positive, negative = labels[triplets].T
    >>> bool(np.all(anchor == positive)), bool(np.any(anchor == negative))
    (True, False)
    """
    labels = class_labels(labels)
    n_triplets = whole_number(n_triplets, "n_triplets", 1)
    require_generator(rng)
    classes, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"the labels hold {len(classes)} class(es); a negative is of another class than its "
            "anchor, so add images of a second one"
        )
    has_partner = np.flatnonzero(sizes[own] > 1)
    if len(has_partner) == 0:
        raise ValueError(
            f"none of the {len(classes)} classes has two images; a positive is another image of "
            "the anchor's class, so add one"
        )
    anchor = rng.choice(has_partner, n_triplets)
    # In class order a class is a run, so that its other images, and all others, are counted off.
    order = np.argsort(own, kind="stable")
    place = np.argsort(order)[anchor]
    size = sizes[own[anchor]]
    start = (np.cumsum(sizes) - sizes)[own[anchor]]
    positive = start + rng.integers(0, size - 1)
    positive += positive >= place  # step over the anchor
    negative = rng.integers(0, len(labels) - size)
    negative += np.where(negative >= start, size, 0)  # step over the class
    return np.stack([anchor, order[positive], order[negative]], axis=1)
