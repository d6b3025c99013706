"""Similarities of queries to stored unit vectors, in blocks of bounded memory."""

import numpy as np

MAX_BYTES = 2**26  # 64 MiB: the largest block of similarities on the way


def best_candidates(
    queries: np.ndarray, stored: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The most similar candidate of each query; of equal ones the first stored.

    Parameters
    ----------
    queries : float32 array (n, dim)
    stored : float32 array (n_stored, dim)
    candidates : int array (n, k)
        Indices into ``stored``, for each query its own.

    Returns
    -------
    int array (n,), float32 array (n,)
        Its index into ``stored``, and the inner product.
    """
    # Sorted, so that the one stored first stands first among equal ones.
    candidates = np.sort(candidates, axis=1)
    index = np.empty(len(queries), int)
    scores = np.empty(len(queries), "float32")
    rows = max(1, MAX_BYTES // (4 * candidates.shape[1] * queries.shape[1]))
    for i in range(0, len(queries), rows):
        block = candidates[i : i + rows]
        found = np.einsum("nd,nkd->nk", queries[i : i + rows], stored[block])
        best = found.argmax(axis=1)[:, None]
        index[i : i + rows] = np.take_along_axis(block, best, axis=1)[:, 0]
        scores[i : i + rows] = np.take_along_axis(found, best, axis=1)[:, 0]
    return index, scores


def best_of_classes(queries: np.ndarray, stored: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The largest inner product of each query with each class.

    Parameters
    ----------
    queries : float32 array (n, dim)
    stored : float32 array (n_stored, dim)
    classes : int array (n_stored,)
        Their classes, each of 0 to n_classes - 1.

    Returns
    -------
    float32 array (n, n_classes)
        At least -1.
    """
    order = np.argsort(classes, kind="stable")
    scores = np.full((len(queries), classes.max() + 1), -1, "float32")
    columns = max(1, MAX_BYTES // (4 * queries.shape[1]))
    rows = max(1, MAX_BYTES // (4 * min(columns, len(order))))
    for j in range(0, len(order), columns):
        block = order[j : j + columns]
        vectors = stored[block]
        # A class's embeddings stand together: where does each begin?
        present, starts = np.unique(classes[block], return_index=True)
        for i in range(0, len(queries), rows):
            found = np.maximum.reduceat(queries[i : i + rows] @ vectors.T, starts, axis=1)
            known = scores[i : i + rows, present]
            scores[i : i + rows, present] = np.maximum(known, found)
    return scores
