"""From embeddings to scores: each image is embedded once, then compared by matrix operations.

``embeddings = models.embed(encoder, images)`` is the only pass through the encoder. The functions
here apply the end of the network, its head, to all the pairs that are wanted. NumPy in, NumPy out:
embeddings of any floating-point type are compared in float32. The package's docstring says what a
head may be, and what its scores are.
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from .. import distances
from .._checks import indices, real_numbers, whole_number
from ..sampling import Episodes

# 256 MiB. The largest array of float32 on the way; a head may hold three or four of that size.
MAX_BYTES = 2**28
# Layers without weights, and the functions that they call: those broadcast without copies.
FUNCTIONS = {
    distances.EuclideanDistance: distances.euclidean,
    distances.L1Distance: distances.l1,
    distances.CosineDistance: distances.cosine,
    distances.ExpL1Similarity: distances.exp_l1,
}


def pair_scores(
    head: Callable, embeddings: np.ndarray, pairs: np.ndarray, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Score of each pair of images, for verification.

    Parameters
    ----------
    head : function of :mod:`siamese_utils.distances`, or layer
    embeddings : float array (n, dim)
    pairs : int array (n_pairs, 2)
        Indices into ``embeddings``.
    max_bytes : int
        Most bytes that the embeddings of one side take at a time. Defaults to 256 MiB.

    Returns
    -------
    float32 array (n_pairs,)

    Raises
    ------
    ValueError
        If ``embeddings`` or ``pairs`` has another shape, an embedding is not finite, an index is
        out of range, or not even one pair fits into ``max_bytes``.

    Examples
    --------
    Points on a line, at 0, 1 and 4:

    >>> embeddings = np.array([[0.0], [1.0], [4.0]])
    >>> pair_scores(distances.l1, embeddings, np.array([[0, 1], [2, 0]])).tolist()
    [1.0, 4.0]
    """
    embeddings = _embeddings(embeddings, ("n", "dim"))
    pairs = indices(pairs, "pairs", ("n_pairs", "2"), len(embeddings))
    return _indexed_scores(head, embeddings, pairs[:, :1], pairs[:, 1:], max_bytes)[:, 0]


def episode_scores(
    head: Callable, embeddings: np.ndarray, episodes: Episodes, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Score of each episode's query with its support images.

    Parameters
    ----------
    head : function of :mod:`siamese_utils.distances`, or layer
    embeddings : float array (n, dim)
        Of the images that the episodes index.
    episodes : Episodes
    max_bytes : int
        Most bytes that the support images' embeddings take at a time. Defaults to 256 MiB.

    Returns
    -------
    float32 array (n_episodes, n_way)

    Raises
    ------
    ValueError
        If ``embeddings`` has another shape or is not finite, an index is out of range, or not
        even one episode fits into ``max_bytes``.

    Examples
    --------
    Points on a line, at 0, 1 and 4; the first is asked, and the others are the support. Small
    means alike, so the first of them is chosen, and it is the right one:

    >>> embeddings = np.array([[0.0], [1.0], [4.0]])
    >>> episodes = Episodes(np.array([0]), np.array([[1, 2]]), np.array([0]))
    >>> scores = episode_scores(distances.l1, embeddings, episodes)
    >>> scores.tolist(), bool((scores.argmin(axis=1) == episodes.answers).all())
    ([[1.0, 4.0]], True)
    """
    embeddings = _embeddings(embeddings, ("n", "dim"))
    queries = indices(episodes.queries, "queries", ("n_episodes",), len(embeddings))
    supports = indices(episodes.supports, "supports", ("n_episodes", "n_way"), len(embeddings))
    return _indexed_scores(head, embeddings, queries[:, None], supports, max_bytes)


def run_scores(
    head: Callable, test_embeddings: np.ndarray, support_embeddings: np.ndarray
) -> np.ndarray:
    """Score of every test image with every support image of its run, in one operation.

    With 4,096-dimensional embeddings the array of all pairs takes 131 MB for the official
    runs.

    Parameters
    ----------
    head : function of :mod:`siamese_utils.distances`, or layer
    test_embeddings, support_embeddings : float arrays (n_runs, n_way, dim)

    Returns
    -------
    float32 array (n_runs, n_way, n_way)
        Run, test image, support image.

    Raises
    ------
    ValueError
        If the shapes do not fit, or an embedding is not finite.

    Examples
    --------
    One run of two characters: test images at 0 and 3, support images at 1 and 4.

    >>> test, support = np.array([[[0.0], [3.0]]]), np.array([[[1.0], [4.0]]])
    >>> run_scores(distances.l1, test, support).tolist()
    [[[1.0, 4.0], [2.0, 1.0]]]
    """
    axes = ("n_runs", "n_way", "dim")
    test, support = _embeddings(test_embeddings, axes), _embeddings(support_embeddings, axes)
    if test.shape != support.shape:
        raise ValueError(
            f"test embeddings of shape {test.shape} and support embeddings of shape "
            f"{support.shape}; expected one encoder's, of as many test as support images"
        )
    return _scores(_function(head), test[:, :, None], support[:, None])


def _indexed_scores(
    head: Callable, embeddings: np.ndarray, left: np.ndarray, right: np.ndarray, max_bytes: int
) -> np.ndarray:
    """Score of ``embeddings[left]`` with ``embeddings[right]``: (n, 1) and (n, k) to (n, k)."""
    row_bytes = embeddings.itemsize * right.shape[1] * embeddings.shape[1]
    rows = whole_number(max_bytes, "max_bytes", row_bytes) // row_bytes
    score = _function(head)
    scores = np.empty(right.shape, "float32")
    for i in range(0, len(right), rows):
        queries, supports = (embeddings[index[i : i + rows]] for index in (left, right))
        scores[i : i + rows] = _scores(score, queries, supports)
    return scores


def _scores(score: Callable, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """What the head gives in its own type, as float32."""
    found = score(ops.convert_to_tensor(left), ops.convert_to_tensor(right))
    return ops.convert_to_numpy(found).astype("float32")


def _embeddings(embeddings: np.ndarray, axes: tuple[str, ...]) -> np.ndarray:
    return real_numbers(embeddings, "embeddings", axes, dtype="float32")


def _function(head: Callable) -> Callable:
    """The head as a function of two tensors (..., dim) that broadcast, to (...)."""
    if type(head) is distances.WeightedL1:
        if not head.built:
            raise ValueError("the head has no weights yet; call it, or its network, once before")
        return head.logit
    if isinstance(head, keras.layers.Layer):
        return FUNCTIONS.get(type(head), lambda left, right: head([left, right]))
    return head
