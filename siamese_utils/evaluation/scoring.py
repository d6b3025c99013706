"""From embeddings to scores: each image is embedded once, then compared by matrix operations.

``embeddings = models.embed(encoder, images)`` is the only pass through the encoder. The
functions here apply the end of the network, its head, to all the pairs that are wanted.
NumPy in, NumPy out. A head is one of

* a function of :mod:`siamese_utils.distances`, such as ``distances.euclidean``;
* a layer that ends a network, such as ``network.get_layer("head")``.

Scores are what the head gives: of a distance small = alike, of a similarity large = alike;
negate those for :func:`siamese_utils.evaluation.identify`. One exception: for
:class:`~siamese_utils.distances.WeightedL1` the scores are its *logits*. The sigmoid of a
logit of 17 or more is 1 in float32, so that supports which the network tells apart would
tie. The logit rises where the probability does, so every rank is the same, and pairs are
called same at probability 0.5 where the logit is 0.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from .. import distances
from ..sampling import Episodes

# 256 MiB. The largest array of float32 on the way; a head may hold three or four of that size.
MAX_BYTES = 2**28


def all_pairs_scores(
    head: Callable, a: np.ndarray, b: np.ndarray, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Score of every row of ``a`` with every row of ``b``.

    Euclidean and cosine distances take one matrix product; see
    :func:`siamese_utils.distances.all_pairs` for its rounding. Any other head is applied to
    blocks of the (n, m, dim) array of all pairs.

    Parameters
    ----------
    head : function or layer
    a : float array (n, dim)
    b : float array (m, dim)
    max_bytes : int
        Most bytes of a block.

    Returns
    -------
    float32 array (n, m)

    Raises
    ------
    ValueError
        If the shapes do not fit, or not even one pair fits into ``max_bytes``.

    Examples
    --------
    >>> all_pairs_scores(distances.l1, np.array([[0.0, 0.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3., 7.]], dtype=float32)
    """
    a, b = _float32(a, 2), _float32(b, 2)
    _require_equal_dim(a, b)
    score = _function(head)
    by_product = score in (distances.euclidean, distances.cosine)
    n_pairs = _pairs_that_fit(max_bytes, 1 if by_product else a.shape[1])
    columns = min(len(b), n_pairs)
    rows = n_pairs // columns
    scores = np.empty((len(a), len(b)), "float32")
    for i in range(0, len(a), rows):
        for j in range(0, len(b), columns):
            block = distances.all_pairs(
                score,
                ops.convert_to_tensor(a[i : i + rows]),
                ops.convert_to_tensor(b[j : j + columns]),
            )
            scores[i : i + rows, j : j + columns] = ops.convert_to_numpy(block)
    return scores


def pair_scores(
    head: Callable, embeddings: np.ndarray, pairs: np.ndarray, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Score of each pair of images, for verification.

    Parameters
    ----------
    head : function or layer
    embeddings : float array (n, dim)
    pairs : int array (n_pairs, 2)
        Indices into ``embeddings``.
    max_bytes : int
        Most bytes of the embeddings of one side at a time.

    Returns
    -------
    float32 array (n_pairs,)

    Raises
    ------
    ValueError
        If ``embeddings`` or ``pairs`` has another shape, an index is out of range, or not even
        one pair fits into ``max_bytes``.

    Examples
    --------
    Points on a line, at 0, 1 and 4:

    >>> embeddings = np.array([[0.0], [1.0], [4.0]])
    >>> pair_scores(distances.l1, embeddings, np.array([[0, 1], [2, 0]])).tolist()
    [1.0, 4.0]
    """
    pairs = np.asarray(pairs)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs have shape {pairs.shape}; expected (n_pairs, 2)")
    return _indexed_scores(head, embeddings, pairs[:, :1], pairs[:, 1:], max_bytes)[:, 0]


def episode_scores(
    head: Callable, embeddings: np.ndarray, episodes: Episodes, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Score of each episode's query with its support images.

    Parameters
    ----------
    head : function or layer
    embeddings : float array (n, dim)
        Of the images that the episodes index.
    episodes : Episodes
    max_bytes : int
        Most bytes of the support images' embeddings at a time.

    Returns
    -------
    float32 array (n_episodes, n_way)

    Raises
    ------
    ValueError
        If ``embeddings`` has another shape, an index is out of range, or not even one episode
        fits into ``max_bytes``.

    Examples
    --------
    Points on a line, at 0, 1 and 4; the first is asked, and the others are the support. Small
    is alike, so the first of them is chosen, and it is the right one:

    >>> embeddings = np.array([[0.0], [1.0], [4.0]])
    >>> episodes = Episodes(np.array([0]), np.array([[1, 2]]), np.array([0]))
    >>> scores = episode_scores(distances.l1, embeddings, episodes)
    >>> scores.tolist(), bool((scores.argmin(axis=1) == episodes.answers).all())
    ([[1.0, 4.0]], True)
    """
    queries = episodes.queries[:, None]
    return _indexed_scores(head, embeddings, queries, episodes.supports, max_bytes)


def run_scores(
    head: Callable, test_embeddings: np.ndarray, support_embeddings: np.ndarray
) -> np.ndarray:
    """Score of every test image with every support image of its run, in one operation.

    With 4,096-dimensional embeddings the array of all pairs takes 131 MB for the official
    runs.

    Parameters
    ----------
    head : function or layer
    test_embeddings, support_embeddings : float arrays (n_runs, n_way, dim)

    Returns
    -------
    float32 array (n_runs, n_way, n_way)
        Run, test image, support image.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    One run of two characters: test images at 0 and 3, support images at 1 and 4.

    >>> test, support = np.array([[[0.0], [3.0]]]), np.array([[[1.0], [4.0]]])
    >>> run_scores(distances.l1, test, support).tolist()
    [[[1.0, 4.0], [2.0, 1.0]]]
    """
    test, support = _float32(test_embeddings, 3), _float32(support_embeddings, 3)
    _require_equal_dim(test, support)
    if len(test) != len(support):
        raise ValueError(f"{len(test)} runs of test images but {len(support)} of support images")
    score = _function(head)
    left, right = ops.convert_to_tensor(test), ops.convert_to_tensor(support)
    return ops.convert_to_numpy(score(left[:, :, None], right[:, None]))


def _indexed_scores(
    head: Callable, embeddings: np.ndarray, left: np.ndarray, right: np.ndarray, max_bytes: int
) -> np.ndarray:
    """Score of ``embeddings[left]`` with ``embeddings[right]``: (n, 1) and (n, k) to (n, k)."""
    embeddings = _float32(embeddings, 2)
    for index in (left, right):
        if index.size and not 0 <= index.min() <= index.max() < len(embeddings):
            raise ValueError(
                f"indices from {index.min()} to {index.max()}, but there are "
                f"{len(embeddings)} embeddings; embed the images that the indices are drawn from"
            )
    score = _function(head)
    rows = _pairs_that_fit(max_bytes, right.shape[1] * embeddings.shape[1])
    scores = np.empty(right.shape, "float32")
    for i in range(0, len(right), rows):
        queries, supports = (embeddings[index[i : i + rows]] for index in (left, right))
        block = score(ops.convert_to_tensor(queries), ops.convert_to_tensor(supports))
        scores[i : i + rows] = ops.convert_to_numpy(block)
    return scores


def _function(head: Callable) -> Callable:
    """The head as a function of two tensors (..., dim) that broadcast, to (...)."""
    if isinstance(head, distances.WeightedL1):
        return head.logit
    if isinstance(head, distances.EuclideanDistance):
        return distances.euclidean
    if isinstance(head, distances.CosineDistance):
        return distances.cosine
    if isinstance(head, keras.layers.Layer):
        return lambda left, right: head([left, right])
    return head


def _float32(embeddings: np.ndarray, n_axes: int) -> np.ndarray:
    embeddings = np.asarray(embeddings, "float32")
    if embeddings.ndim != n_axes:
        names = ("n_runs", "n_way", "dim") if n_axes == 3 else ("n", "dim")
        raise ValueError(f"embeddings of shape {embeddings.shape}; expected ({', '.join(names)})")
    return embeddings


def _require_equal_dim(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"embeddings of {a.shape[-1]} and of {b.shape[-1]} dimensions; expected one encoder's"
        )


def _pairs_that_fit(max_bytes: int, n_numbers: int) -> int:
    """How many float32 arrays of this many numbers fit; at least one, or an error."""
    n = max_bytes // (4 * n_numbers)
    if n < 1:
        raise ValueError(f"max_bytes is {max_bytes}; expected at least {4 * n_numbers}")
    return n
