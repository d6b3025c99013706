"""The exact search for the most similar stored vectors, in blocks of bounded memory."""

from typing import Protocol

import numpy as np

ROUNDING = 1e-6  # of a product of float32 unit vectors
MAX_BYTES = 2**26  # 64 MiB: the largest block of similarities on the way


class Index(Protocol):
    """What a recognizer asks of an index of unit vectors; FAISS' indices have it."""

    def add(self, vectors: np.ndarray) -> object:
        """Store float32 vectors (n, dim) behind those that are stored."""

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores and places of k candidates for each query, float and int (n, k)."""


class ExactIndex:
    """Compares each query with every stored vector.

    Parameters
    ----------
    dim : int

    Examples
    --------
    >>> index = ExactIndex(2)
    >>> index.add(np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
    >>> scores, places = index.search(np.array([[0.6, 0.8]], "float32"), k=1)
    >>> scores.round(2).tolist(), places.tolist()
    ([[0.800000011920929]], [[1]])
    """

    def __init__(self, dim: int):
        self.vectors = np.empty((0, dim), "float32")

    def add(self, vectors: np.ndarray) -> None:
        # The first ones are kept as they are, not copied: a gallery may be large.
        self.vectors = np.concatenate([self.vectors, vectors]) if len(self.vectors) else vectors

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Inner products and places, the most similar first; of equal ones the first stored."""
        scores = np.full((len(queries), k), -np.inf, "float32")
        places = np.zeros((len(queries), k), int)
        columns = max(k, MAX_BYTES // (4 * max(queries.shape[1], len(queries))))
        for start in range(0, len(self.vectors), columns):
            found = queries @ self.vectors[start : start + columns].T  # (n_queries, columns)
            # What was best so far was stored earlier, so it stands first among equal ones.
            both = np.concatenate([scores, found], axis=1)
            where = np.broadcast_to(start + np.arange(found.shape[1]), found.shape)
            where = np.concatenate([places, where], axis=1)
            best = _largest(both, k)
            scores = np.take_along_axis(both, best, axis=1)
            places = np.take_along_axis(where, best, axis=1)
        return scores, places


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k largest values of each row, the first of equal ones first."""
    if k == 1:  # without sorting; equal vectors may differ by rounding
        best = values.max(axis=1, keepdims=True)
        return (values >= best - ROUNDING).argmax(axis=1)[:, None]
    return np.argsort(-values, axis=1, kind="stable")[:, :k]


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
