"""Indices for large galleries: the same answers as the exact search, but for those they miss."""

import numpy as np
import pytest
from qdrant_client import QdrantClient
from sklearn.base import clone

from siamese_utils.recognition import QdrantIndex, Recognizer, UsearchIndex, qdrant_index
from siamese_utils.recognition.index import ExactIndex

N, DIM = 1_500, 16  # more than one request to a server holds


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")


@pytest.fixture(scope="module")
def vectors():
    return unit(np.random.default_rng(0).normal(size=(N, DIM)))


@pytest.fixture(scope="module")
def queries():
    return unit(np.random.default_rng(1).normal(size=(50, DIM)))


@pytest.fixture(params=["usearch", "qdrant"])
def make(request):
    if request.param == "usearch":
        return UsearchIndex
    return qdrant_index(QdrantClient(":memory:"), "mine")


def exact(vectors):
    index = ExactIndex(DIM)
    index.add(vectors)
    return index


class TestIndex:
    def test_finds_nearly_all_that_the_exact_search_finds(self, make, vectors, queries):
        index = make(DIM)
        index.add(vectors)
        scores, places = index.search(queries, 5)
        best_scores, best_places = exact(vectors).search(queries, 5)
        assert scores.shape == places.shape == (50, 5)
        found = [len(set(a) & set(b)) for a, b in zip(places, best_places, strict=True)]
        assert np.mean(found) / 5 > 0.95
        np.testing.assert_allclose(scores[:, 0], best_scores[:, 0], atol=0.05)
        same = places[:, 0] == best_places[:, 0]
        np.testing.assert_allclose(scores[same, 0], best_scores[same, 0], atol=1e-5)

    def test_what_is_added_later_stands_behind(self, make, vectors):
        index = make(DIM)
        index.add(vectors[:700])
        index.add(vectors[700:])
        assert index.search(vectors[[3, 699, 700, 1_499]], 1)[1].tolist() == [
            [3],
            [699],
            [700],
            [1_499],
        ]

    def test_one_query(self, make, vectors):
        index = make(DIM)
        index.add(vectors)
        scores, places = index.search(vectors[7:8], 3)
        assert scores.shape == places.shape == (1, 3)
        assert places[0, 0] == 7
        assert scores[0, 0] == pytest.approx(1, abs=1e-5)

    def test_a_place_that_is_not_there_is_marked(self, make, vectors):
        index = make(DIM)
        index.add(vectors[:2])
        assert sorted(index.search(vectors[:1], 4)[1][0].tolist()) == [-1, -1, 0, 1]


class TestRecognizer:
    def test_answers_as_with_the_exact_search(self, make, vectors, queries):
        labels = np.arange(N) % 30
        found = Recognizer(index=make, unknown=-1).fit(vectors, labels)
        expected = Recognizer(unknown=-1).fit(vectors, labels)
        assert (found.predict(queries) == expected.predict(queries)).mean() > 0.95
        found.enroll(99, queries[:1])
        assert found.predict(queries[:1]).tolist() == [99]
        found.fit(vectors[:10], labels[:10])
        assert set(found.predict(queries)) <= set(range(10)), "what was there is gone"

    def test_enrolling_sends_the_new_ones_alone(self, make, vectors):
        sent = []

        def counting(dim):
            index = make(dim)
            add = index.add
            index.add = lambda vectors: (sent.append(len(vectors)), add(vectors))
            return index

        recognizer = Recognizer(index=counting, unknown=-1).fit(vectors[:100], np.arange(100))
        recognizer.enroll(100, vectors[100:103])
        assert sent == [100, 3]
        assert recognizer.predict(vectors[[5, 102]]).tolist() == [5, 100]


class TestQdrant:
    def test_somebody_s_collection_is_not_touched(self, vectors):
        client = QdrantClient(":memory:")
        QdrantIndex(DIM, client, "mine").add(vectors[:5])
        with pytest.raises(ValueError, match="there is a collection 'mine' already"):
            Recognizer(index=qdrant_index(client, "mine"), unknown=-1).fit(vectors, np.arange(N))
        assert client.count("mine").count == 5

    def test_two_recognizers_do_not_share_one(self, vectors):
        """The second one's gallery is in the place of the first's, whose answers would be its."""
        index = qdrant_index(QdrantClient(":memory:"), "mine")
        labels = np.arange(len(vectors))
        first = Recognizer(index=index).fit(vectors, labels)
        second = clone(first).fit(vectors[::-1], labels)
        assert second.predict(vectors[:3]).tolist() == [N - 1, N - 2, N - 3]
        for ask in (lambda: first.predict(vectors[:3]), lambda: first.enroll(0, vectors[:1])):
            with pytest.raises(ValueError, match="'mine' was written anew by another recognizer"):
                ask()

    def test_a_folder_of_its_own_outlives_the_client(self, vectors, tmp_path):
        """As a server does: what one client stored, another one finds."""
        client = QdrantClient(path=str(tmp_path))
        Recognizer(index=qdrant_index(client, "mine"), unknown=-1).fit(vectors[:50], np.arange(50))
        client.close()
        again = QdrantClient(path=str(tmp_path))
        assert again.query_points("mine", vectors[7].tolist(), limit=1).points[0].id == 7
        again.close()


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "usearch.index", None)
    with pytest.raises(ImportError, match="usearch is not installed; it is in the extra `large`"):
        UsearchIndex(2)
