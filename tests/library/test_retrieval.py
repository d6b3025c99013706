"""Recall@1 and MAP@R against loops that follow the definitions."""

import sys

import numpy as np
import pytest

from siamese_utils import evaluation
from siamese_utils.evaluation import retrieval


def by_loop(vectors, labels, metric="euclidean"):
    order = 2 if metric == "euclidean" else 1
    recall, precision = [], []
    for query, label in enumerate(labels):
        others = [i for i in range(len(labels)) if i != query]
        distance = {i: np.linalg.norm(vectors[i] - vectors[query], order) for i in others}
        ranked = sorted(others, key=lambda i: (distance[i], labels[i] == label))
        right = [labels[i] == label for i in ranked]
        r = sum(right)
        recall.append(float(right[0]))
        precision.append(sum(np.mean(right[: k + 1]) for k in range(r) if right[k]) / r)
    return np.array(recall), np.array(precision)


@pytest.mark.parametrize("metric", ["euclidean", "cityblock"])
@pytest.mark.parametrize("sizes", [(2, 2, 2), (7, 2, 4), (5,)])
def test_equals_a_loop(sizes, metric):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    vectors = np.random.default_rng(1).normal(size=(len(labels), 3))
    found = retrieval(vectors, labels, metric)
    recall, precision = by_loop(vectors, labels, metric)
    np.testing.assert_array_equal(found.recall_at_1, recall)
    np.testing.assert_allclose(found.map_at_r, precision)


def test_more_images_than_are_held_at_a_time(monkeypatch):
    labels = np.arange(60) % 7
    vectors = np.random.default_rng(0).normal(size=(60, 2))
    whole = retrieval(vectors, labels)
    # The function has the name of its module.
    monkeypatch.setattr(sys.modules[retrieval.__module__], "BLOCK", 11)
    in_blocks = retrieval(vectors, labels)
    np.testing.assert_array_equal(whole.map_at_r, in_blocks.map_at_r)
    np.testing.assert_array_equal(whole.recall_at_1, in_blocks.recall_at_1)


def test_ties_go_to_the_other_classes():
    vectors, labels = np.round(np.random.default_rng(0).normal(size=(40, 1))), np.arange(40) % 3
    found = retrieval(vectors, labels)
    recall, precision = by_loop(vectors, labels)
    np.testing.assert_array_equal(found.recall_at_1, recall)
    np.testing.assert_allclose(found.map_at_r, precision)


@pytest.mark.parametrize("place", [0.0, 0.1, 1e6])
def test_a_collapsed_encoder_finds_nothing(place):
    found = retrieval(np.full((30, 4), place, "float32"), np.arange(30) % 3)
    assert found.recall_at_1.sum() == 0
    assert found.map_at_r.sum() == 0


def test_classes_in_one_point_each_are_found_whole():
    found = retrieval(np.repeat(np.eye(4), 5, axis=0), np.repeat(list("abcd"), 5))
    assert found.recall_at_1.tolist() == found.map_at_r.tolist() == [1.0] * 20


@pytest.mark.parametrize(
    ("vectors", "labels", "metric", "message"),
    [
        (np.eye(3), [0, 0, 1], "euclidean", "class 1 has one image only"),
        (np.eye(2), [0, 0, 0], "euclidean", "expected"),
        (np.array([[np.nan], [1.0]]), [0, 0], "euclidean", "not finite"),
        (np.eye(2), [0, 0], "cosine", "metric is 'cosine'; expected 'euclidean'"),
    ],
)
def test_refuses_what_it_cannot_ask(vectors, labels, metric, message):
    with pytest.raises(ValueError, match=message):
        evaluation.retrieval(vectors, np.array(labels), metric)
