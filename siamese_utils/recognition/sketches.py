"""Recognizing embeddings that were seen before, by a few bytes of each."""

import numpy as np

N_BITS = 256
# Rounding turns a bit or two; two images whose cosine is 0.99 differ in about eleven.
N_TURNED = 3


def sketches(vectors: np.ndarray) -> np.ndarray:
    """The sides of 256 random planes on which embeddings lie (Charikar 2002).

    Parameters
    ----------
    vectors : float array (n, dim)

    Returns
    -------
    uint8 array (n, 32)

    Examples
    --------
    An embedding of another length lies on the same sides:

    >>> a, b = sketches(np.array([[1.0, 2.0], [10.0, 20.0]]))
    >>> bool((a == b).all())
    True
    """
    planes = np.random.default_rng(0).normal(size=(vectors.shape[1], N_BITS))
    return np.packbits(np.asarray(vectors, float) @ planes > 0, axis=1)


def are_among(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some sketches are among the others, up to rounding: bool array (n,)."""
    n_ones = np.array([bin(byte).count("1") for byte in range(256)], "uint8")
    nearest = [n_ones[others ^ sketch].sum(axis=1).min() for sketch in some]
    return np.array(nearest, int) <= N_TURNED
