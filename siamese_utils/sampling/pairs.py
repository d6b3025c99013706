"""Pairs as index arrays.

Pairs are kept as indices, 16 bytes each, and never as images: a pair of MNIST digits
in float32 would take 6,272 bytes.
"""

import numpy as np

from .._checks import class_labels, require_generator, whole_number


def count_pairs(labels: np.ndarray) -> tuple[int, int]:
    """How many unordered pairs of two different images there are.

    Parameters
    ----------
    labels : int array (n,)

    Returns
    -------
    (n_same, n_different)
        The sum of ``n_c (n_c - 1) / 2`` over the classes, and all other pairs.

    Examples
    --------
    >>> count_pairs(np.repeat(np.arange(964), 20))  # Omniglot's background set
    (183160, 185666400)
    """
    labels = class_labels(labels)
    n = len(labels)
    sizes = np.unique(labels, return_counts=True)[1].astype(int)
    n_same = int((sizes * (sizes - 1) // 2).sum())
    return n_same, n * (n - 1) // 2 - n_same


def consecutive_pairs(
    labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of the early Keras example for MNIST, still the common recipe.

    Each image is paired with the next one of its class, and with the image at the
    same place in another class drawn at random. All classes are cut to the size of the
    smallest, so ``k`` classes of at least ``m`` images give ``2 k (m - 1)`` pairs,
    half of them same: 108,400 for MNIST's training set.

    Parameters
    ----------
    labels : int array (n,)
    rng : numpy Generator
        Draws the other class.

    Returns
    -------
    pairs : int array (n_pairs, 2)
        Indices into ``labels``; same and different pairs take turns.
    same : int array (n_pairs,)
        1 = same class, 0 = different.

    Raises
    ------
    ValueError
        With fewer than two classes, a class of one image, labels that are not (n,), or an
        ``rng`` that is no generator.

    Examples
    --------
    Two classes of two images, so that there is one other class to draw. The last image of a
    class has no next one:

    >>> pairs, same = consecutive_pairs(np.array([0, 0, 1, 1]), np.random.default_rng(0))
    >>> pairs.tolist(), same.tolist()
    ([[0, 1], [0, 2], [2, 3], [2, 0]], [1, 0, 1, 0])
    """
    labels = class_labels(labels)
    require_generator(rng)
    classes, sizes = _classes(labels)
    n = int(sizes.min())
    if n < 2:
        raise ValueError(
            f"class {classes[sizes.argmin()]} has {n} image; a same pair needs two. "
            "Add images to it or leave the class out."
        )
    by_class = np.stack([np.flatnonzero(labels == c)[:n] for c in classes])  # (class, n)
    k = len(classes)
    place = np.tile(np.arange(n - 1), k)
    own = np.repeat(np.arange(k), n - 1)
    other = (own + rng.integers(1, k, size=len(own))) % k
    left = by_class[own, place]
    same_pairs = np.stack([left, by_class[own, place + 1]], axis=1)
    different_pairs = np.stack([left, by_class[other, place]], axis=1)
    pairs = np.stack([same_pairs, different_pairs], axis=1).reshape(-1, 2)
    return pairs, np.tile([1, 0], len(left))


def balanced_pairs(
    labels: np.ndarray, n_pairs: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw distinct pairs, half same and half different, each kind uniformly.

    All pairs of a kind are numbered, numbers are drawn without replacement, and each
    number is turned back into its pair: no pair twice (in either order), no image
    with itself, and no list of all pairs in memory.

    Parameters
    ----------
    labels : int array (n,)
    n_pairs : int
        Even.
    rng : numpy Generator

    Returns
    -------
    pairs : int array (n_pairs, 2)
        Indices into ``labels``, in random order and with random sides.
    same : int array (n_pairs,)
        1 = same class, 0 = different.

    Raises
    ------
    ValueError
        With fewer than two classes, labels that are not (n,), or an ``rng`` that is no
        generator; or if ``n_pairs`` is no even number of at least 2, or half of it is more than
        there are of a kind.

    Examples
    --------
    Two classes of two images have two same pairs, and four pairs of two different classes:

    >>> pairs, same = balanced_pairs(np.array([0, 0, 1, 1]), 4, np.random.default_rng(0))
    >>> sorted(sorted(pair) for pair in pairs[same == 1].tolist())
    [[0, 1], [2, 3]]
    >>> pairs.shape, int(same.sum())
    ((4, 2), 2)
    """
    labels = class_labels(labels)
    _classes(labels)
    require_generator(rng)
    n_pairs = whole_number(n_pairs, "n_pairs", 2)
    half, odd = divmod(n_pairs, 2)
    if odd:
        raise ValueError(f"n_pairs is {n_pairs}; expected an even number, half of them same pairs")
    for kind, available in zip(("same", "different"), count_pairs(labels), strict=True):
        if half > available:
            raise ValueError(
                f"n_pairs={n_pairs} needs {half} {kind} pairs, but {len(labels)} images "
                f"have only {available}. Ask for at most {2 * available} pairs."
            )
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], labels[order], side="right")  # where my class ends
    position = np.arange(len(labels))
    # In class order, the later partners of image i are i+1 .. end-1 (same) and end .. n-1.
    same_pairs = _draw_pairs(position + 1, ends, half, rng)
    different_pairs = _draw_pairs(ends, np.full(len(labels), len(labels)), half, rng)
    pairs = order[np.concatenate([same_pairs, different_pairs])]
    same = np.repeat([1, 0], half)
    pairs = rng.permuted(pairs, axis=1)  # sides carry no information
    shuffle = rng.permutation(n_pairs)
    return pairs[shuffle], same[shuffle]


def _draw_pairs(
    first: np.ndarray, stop: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw ``n`` distinct pairs (i, j) with ``first[i] <= j < stop[i]``, as (n, 2)."""
    last = np.cumsum(stop - first)  # pairs of image i are numbered last[i-1] .. last[i]-1
    numbers = rng.choice(last[-1], size=n, replace=False)
    left = np.searchsorted(last, numbers, side="right")
    right = stop[left] - (last[left] - numbers)
    return np.stack([left, right], axis=1)


def _classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes and their sizes; an error if there is nothing to tell apart."""
    classes, sizes = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise ValueError(
            f"the labels hold {len(classes)} class(es); pairs of different images need two"
        )
    return classes, sizes
