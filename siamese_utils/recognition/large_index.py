"""Indices for galleries that are too large for comparing each query with every stored vector.

Both are approximate: now and then they miss the nearest vector. Measure how often on your own
vectors, against the exact search. The packages are in the extra ``large``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

MISSING = -1  # the place of a candidate that was not found
N_SENT = 1000  # vectors of one request to a server


class UsearchIndex:
    """A graph of neighbours (HNSW, Malkov and Yashunin 2020) in the memory of one machine.

    For ``Recognizer(index=UsearchIndex)``, by the library usearch.

    Parameters
    ----------
    dim : int

    Raises
    ------
    ImportError
        If usearch is not installed.

    Examples
    --------
    >>> index = UsearchIndex(2)
    >>> index.add(np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
    >>> scores, places = index.search(np.array([[0.6, 0.8]], "float32"), k=1)
    >>> scores.round(2).tolist(), places.tolist()
    ([[0.800000011920929]], [[1]])
    """

    def __init__(self, dim: int):
        try:
            from usearch.index import Index
        except ImportError as error:
            raise ImportError("usearch is not installed; it is in the extra `large`") from error
        self.graph = Index(ndim=dim, metric="ip", dtype="f32")

    def add(self, vectors: np.ndarray) -> None:
        """Store float32 vectors (n, dim) behind those that are stored."""
        start = len(self.graph)
        self.graph.add(np.arange(start, start + len(vectors)), np.ascontiguousarray(vectors))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Inner products and places (n, k) of candidates; a place is -1 where none was found."""
        # Of one query usearch gives other shapes than of several.
        twice = np.concatenate([queries, queries[:1]])
        matches: Any = self.graph.search(np.ascontiguousarray(twice), k)
        is_found = np.arange(k) < np.asarray(matches.counts)[:-1, None]
        places = np.where(is_found, matches.keys[:-1].astype(int), MISSING)
        return np.where(is_found, 1 - np.nan_to_num(matches.distances[:-1]), -np.inf), places


class QdrantIndex:
    """A collection of vectors in Qdrant: in this process, or on servers that many share.

    Made by :func:`qdrant_index`.

    Parameters
    ----------
    dim : int
    client : QdrantClient
    collection : str
        Its name. A collection of this name must not exist.

    Raises
    ------
    ValueError
        If there is such a collection.

    Examples
    --------
    >>> from qdrant_client import QdrantClient
    >>> index = QdrantIndex(2, QdrantClient(":memory:"), "letters")
    >>> index.add(np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
    >>> index.search(np.array([[0.6, 0.8]], "float32"), k=1)[1].tolist()
    [[1]]
    """

    def __init__(self, dim: int, client: "QdrantClient", collection: str):
        from qdrant_client import models

        if client.collection_exists(collection):
            raise ValueError(
                f"there is a collection {collection!r} already, which would be lost; expected "
                "none. Give another name, or delete it: client.delete_collection"
                f"({collection!r})."
            )
        self.client, self.collection, self.n_stored = client, collection, 0
        self.is_replaced = False  # by another index, which has written the collection anew
        vectors = models.VectorParams(size=dim, distance=models.Distance.DOT)
        client.create_collection(collection, vectors_config=vectors)

    def add(self, vectors: np.ndarray) -> None:
        """Store float32 vectors (n, dim) behind those that are stored; returns when they are."""
        from qdrant_client import models

        self._require_own()
        for start in range(0, len(vectors), N_SENT):
            sent = vectors[start : start + N_SENT]
            ids: list[Any] = [self.n_stored + start + i for i in range(len(sent))]
            batch = models.Batch(ids=ids, vectors=sent.tolist())
            self.client.upsert(self.collection, batch, wait=True)
        self.n_stored += len(vectors)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Inner products and places (n, k) of candidates; a place is -1 where none was found."""
        from qdrant_client import models

        self._require_own()
        scores = np.full((len(queries), k), -np.inf, "float32")
        places = np.full((len(queries), k), MISSING)
        asked = [models.QueryRequest(query=query.tolist(), limit=k) for query in queries]
        for start in range(0, len(asked), N_SENT):
            answers = self.client.query_batch_points(self.collection, asked[start : start + N_SENT])
            for row, answer in enumerate(answers, start):
                for column, point in enumerate(answer.points):
                    scores[row, column], places[row, column] = point.score, point.id
        return scores, places

    def _require_own(self) -> None:
        if self.is_replaced:
            raise ValueError(
                f"the collection {self.collection!r} was written anew by another recognizer, or by "
                "a clone, and this one's gallery is lost; expected a collection for each. Give "
                "each recognizer a qdrant_index of its own, and call fit again."
            )


def qdrant_index(client: "QdrantClient", collection: str) -> Callable[[int], QdrantIndex]:
    """A function that makes an index: ``Recognizer(index=qdrant_index(client, "mine"))``.

    The recognizer's ``fit``, ``remove`` and ``load_gallery`` write the collection anew, and
    ``enroll`` adds to it. So give the function to one recognizer only; another one that had it
    before, or a clone, refuses to go on. A collection of this name that was there before is not
    touched.

    Parameters
    ----------
    client : QdrantClient
        ``QdrantClient(":memory:")`` to try, ``QdrantClient(url=…)`` for a server.
    collection : str

    Returns
    -------
    function of the dimension

    Raises
    ------
    ValueError
        At the first ``fit``, if there is such a collection.

    Examples
    --------
    >>> from qdrant_client import QdrantClient
    >>> index = qdrant_index(QdrantClient(":memory:"), "letters")(2)
    >>> index.add(np.array([[1.0, 0.0], [0.0, 1.0]], "float32"))
    >>> scores, places = index.search(np.array([[0.6, 0.8]], "float32"), k=1)
    >>> scores.round(2).tolist(), places.tolist()
    ([[0.800000011920929]], [[1]])
    """
    made: list[QdrantIndex] = []

    def make(dim: int) -> QdrantIndex:
        if made:  # the collection is our own
            made[-1].is_replaced = True
            client.delete_collection(collection)
        made.append(QdrantIndex(dim, client, collection))
        return made[-1]

    return make
