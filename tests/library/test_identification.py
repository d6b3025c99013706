"""N-way identification: credit by hand, chance, ties, and what is refused."""

import numpy as np
import pytest

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
        ([0.1, 0.2], [0, 1], r"shape \(2,\) .*expected \(n_trials, n_way\)"),
        ([[0.1, 0.2]], [0, 1], r"answers of shape \(2,\)"),
        ([[0.1, 0.2]], [[0]], r"answers of shape \(1, 1\)"),
        (np.zeros((0, 5)), np.zeros(0, int), r"shape \(0, 5\)"),
        (np.zeros((2, 0)), [0, 0], r"shape \(2, 0\)"),
        ([[0.1, np.nan], [np.inf, 0.2]], [0, 1], "2 distances are not finite"),
        ([[0.1, 0.2]] * 2, [0, 2], "answers from 0 to 2; expected 0 to 1"),
        ([[0.1, 0.2]] * 2, [-1, 1], "answers from -1 to 1; expected 0 to 1"),
    ],
)
def test_refuses(distances, answers, message):
    with pytest.raises(ValueError, match=message):
        evaluation.identify(distances, answers)
