"""Identification among stored classes: credit by hand, chance, ties, and what is refused."""

import numpy as np
import pytest
import sklearn
from sklearn.neighbors import KNeighborsClassifier

from siamese_utils import evaluation


def test_credit_by_hand():
    """Right; wrong; right answer in a tie of two, of three; a tie of two wrong ones."""
    distances = np.array(
        [[0.1, 0.5, 0.9], [0.2, 0.1, 0.9], [0.3, 0.9, 0.3], [0.4, 0.4, 0.4], [0.2, 0.7, 0.2]]
    )
    found = evaluation.identify(distances, np.array([0, 2, 2, 1, 1]))
    np.testing.assert_allclose(found.credit, [1, 0, 1 / 2, 1 / 3, 0])
    assert found.accuracy == pytest.approx((1 + 1 / 2 + 1 / 3) / 5)


def test_negated_similarity():
    found = evaluation.identify(-np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]))
    assert found.credit.tolist() == [1, 0]


@pytest.mark.parametrize("n_way", [5, 20])
def test_a_constant_distance_earns_chance_wherever_the_answer_stands(n_way):
    found = evaluation.identify(np.full((n_way, n_way), 0.7), np.arange(n_way))
    np.testing.assert_allclose(found.credit, 1 / n_way)
    assert found.accuracy == pytest.approx(1 / n_way)
    assert (found.n_way, found.chance) == (n_way, 1 / n_way)


def test_the_order_of_the_columns_does_not_matter():
    rng = np.random.default_rng(0)
    distances = rng.integers(0, 4, (200, 5)) / 4  # many ties
    answers = rng.integers(0, 5, 200)
    columns = rng.permuted(np.tile(np.arange(5), (200, 1)), axis=1)
    moved = evaluation.identify(
        np.take_along_axis(distances, columns, axis=1),
        np.argmax(columns == answers[:, None], axis=1),
    )
    credit = evaluation.identify(distances, answers).credit
    assert len(np.unique(credit)) > 3  # 0, 1 and several ties
    np.testing.assert_array_equal(moved.credit, credit)


def test_interval_of_the_paper_s_400_trials():
    """Koch's 92.0 %: 368 right ones of 400."""
    distances = np.where(np.arange(400)[:, None] < 368, [[0.1, 0.9]], [[0.9, 0.1]])
    found = evaluation.identify(distances, np.zeros(400, int))
    assert found.accuracy == 0.92
    assert np.round(found.interval, 3).tolist() == [0.889, 0.943]


@pytest.mark.parametrize(
    ("distances", "answers", "message"),
    [
        ([0.1, 0.2], [0, 1], r"distances have shape \(2,\); expected \(n_trials, n_way\)"),
        ([[0.1, 0.2]], [0, 1], "1 trials but 2 answers"),
        ([[0.1, 0.2]], [[0, 1]], r"answers have shape \(1, 2\); expected \(n_trials,\)"),
        (np.zeros((0, 5)), np.zeros(0, int), r"distances are empty, of shape \(0, 5\)"),
        (np.zeros((2, 0)), [0, 0], r"distances are empty, of shape \(2, 0\)"),
        ([[0.1, np.nan], [np.inf, 0.2]], [0, 1], "2 of 4 distances are not finite"),
        ([[0.1, 0.2]] * 2, [0, 0.5], "answers of type float64; expected whole numbers"),
        ([[0.1, 0.2]] * 2, [True, False], "answers of type bool; expected whole numbers"),
        ([[0.1, 0.2]] * 2, ["0", "1"], "answers are not an array of real numbers"),
        ([[0.1, 0.2]] * 2, [0, 2], "answers from 0 to 2; expected 0 to 1"),
        ([[0.1, 0.2]] * 2, [-1, 1], "answers from -1 to 1; expected 0 to 1"),
    ],
)
def test_refuses(distances, answers, message):
    with pytest.raises(ValueError, match=message):
        evaluation.identify(distances, answers)


class TestNearestNeighbor:
    def test_by_hand(self):
        stored = np.array([[0.0, 0.0], [10.0, 0.0]])
        queries = np.array([[1.0, 0.0], [9.0, 0.0], [4.0, 0.0], [6.0, 0.0]])
        accuracy = evaluation.nearest_neighbor_accuracy(
            stored, np.array([0, 1]), queries, np.array([0, 1, 0, 0])
        )
        assert accuracy == 0.75

    @pytest.mark.parametrize("dim", [1, 3, 64, 257])
    @pytest.mark.parametrize("value", [0.0, 0.1, -1e-7, 3e8, "random"])
    def test_a_collapsed_encoder_has_what_guessing_has(self, dim, value):
        """Ten classes, of unequal numbers of images, all at one point."""
        rng = np.random.default_rng(0)
        point = rng.normal(size=dim) if value == "random" else np.full(dim, value)
        stored, queries = np.tile(point, (203, 1)), np.tile(point, (61, 1))
        labels = np.concatenate([np.arange(10), np.zeros(150, int), rng.integers(0, 10, 43)])
        accuracy = evaluation.nearest_neighbor_accuracy(
            stored.astype("float32"), labels, queries.astype("float32"), rng.integers(0, 10, 61)
        )
        assert accuracy == pytest.approx(1 / 10)

    @pytest.mark.parametrize(
        ("labels", "credit"),
        [
            ([0, 1, 2, 3], 1 / 4),
            ([0, 0, 1, 1], 1 / 2),
            ([0, 1, 1, 1], 1 / 2),  # a class counts once, however many of its images tie
            ([0, 0, 0, 1], 1 / 2),
            ([0, 0, 0, 0], 1),
        ],
    )
    @pytest.mark.parametrize("scale", [1, 0.1, 1e-20])
    def test_stored_images_at_one_distance(self, labels, credit, scale):
        """Four corners of a square around the first query, and two far points. The second query
        is a corner itself: the smallest distance is that of each query alone.
        """
        corners = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1], [5, 5], [-5, 5]])
        accuracy = evaluation.nearest_neighbor_accuracy(
            scale * (corners + 7), [*labels, 0, 1], scale * np.array([[7.0, 7], [8, 8]]), [0, 0]
        )
        assert accuracy == pytest.approx((credit + 1) / 2)

    @pytest.mark.parametrize("working_memory", [1024, 0.001])  # MiB: in one block; row by row
    @pytest.mark.parametrize("names", [np.arange(4), np.array(["a", "b", "c", "d"])])
    def test_without_ties_equals_scikit_learn(self, working_memory, names):
        rng = np.random.default_rng(0)
        stored, queries = rng.normal(size=(40, 8)), rng.normal(size=(60, 8))
        labels, asked = names[np.arange(40) % 4], names[np.arange(60) % 4]
        nearest = KNeighborsClassifier(1).fit(stored, labels)
        with sklearn.config_context(working_memory=working_memory):
            found = evaluation.nearest_neighbor_accuracy(stored, labels, queries, asked)
        assert found == pytest.approx(nearest.score(queries, asked))

    def test_tells_embeddings_apart_that_nearly_collapsed(self):
        """Classes a ten-thousandth apart, a thousand from 0 on either side of each axis."""
        rng = np.random.default_rng(0)
        points = 1000 * np.array([1, -1, 1, -1, 1, -1]) + 1e-4 * rng.normal(size=(5, 6))
        near = points + 1e-6 * rng.normal(size=(5, 6))
        assert evaluation.nearest_neighbor_accuracy(points, range(5), near, range(5)) == 1
