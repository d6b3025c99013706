"""Verification: thresholds, curves and intervals, by hand and against brute force."""

import numpy as np
import pytest

from siamese_utils import evaluation

pytestmark = pytest.mark.backend

DISTANCES = np.array([0.1, 0.4, 0.2, 0.9, 0.6, 0.3])
SAME = np.array([1, 1, 1, 0, 0, 0])  # sorted: same same DIFF same DIFF DIFF


class TestWilson:
    def test_the_paper_s_400_trials(self):
        """Koch's 92.0 %, from the formula with z = 1.959964."""
        n, p, z = 400, 0.92, 1.959964
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        assert evaluation.wilson_interval(368, 400) == pytest.approx((middle - half, middle + half))

    def test_stays_inside_at_the_ends(self):
        low, high = evaluation.wilson_interval(20, 20)
        assert (round(low, 3), high) == (0.839, 1.0)
        low, high = evaluation.wilson_interval(0, 20)
        assert (low, round(high, 3)) == (0.0, 0.161)

    @pytest.mark.parametrize(
        ("correct", "trials", "message"),
        [
            (0, 0, "n_trials is 0; expected a whole number of at least 1"),
            (5, 4, "5 correct of 4 trials; expected no more than all"),
            (-1, 4, "n_correct is -1; expected a whole number of at least 0"),
        ],
    )
    def test_refuses(self, correct, trials, message):
        with pytest.raises(ValueError, match=message):
            evaluation.wilson_interval(correct, trials)

    def test_a_surer_interval_is_wider(self):
        """With z = 1.644854 for 90 %: (1 + z**2 / (2 n)) / (1 + z**2 / n) -+ half of it."""
        n, z = 4, 1.644854
        low, high = evaluation.wilson_interval(2, n, 0.9)
        half = z / (1 + z**2 / n) * np.sqrt(0.25 / n + z**2 / (4 * n**2))
        assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))


class TestThreshold:
    def test_by_hand(self):
        """Between 0.2 and 0.3 and between 0.4 and 0.6 one of six is wrong; the first is taken."""
        assert evaluation.best_threshold(DISTANCES, SAME) == pytest.approx(0.25)
        assert evaluation.verification_accuracy(DISTANCES, SAME, 0.25) == pytest.approx(5 / 6)

    def test_no_threshold_does_better(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            same = rng.integers(0, 2, 40)
            distances = np.round(rng.normal(1 - 0.5 * same, 0.5) + 3, 1)  # with ties
            best = evaluation.best_threshold(distances, same)
            tried = [
                evaluation.verification_accuracy(distances, same, t)
                for t in np.arange(0, 8, 0.05) + 0.001
            ]
            assert evaluation.verification_accuracy(distances, same, best) == max(tried)

    @pytest.mark.parametrize(
        ("same", "expected"),
        [
            ([0, 0, 0, 0, 1, 0], 0.1),  # at the smallest distance: accepts no pair
            ([0, 1, 1, 1, 1, 1], 1.05),  # 0.9 and half of the gap below it: accepts every pair
        ],
    )
    def test_beyond_the_ends_by_hand(self, same, expected):
        assert evaluation.best_threshold(DISTANCES, same) == pytest.approx(expected)

    def test_of_equally_good_ones_the_smallest(self):
        """Different, same, different, same: rejecting all, or accepting all, or 0.35: half."""
        distances = [0.1, 0.2, 0.3, 0.4]
        assert evaluation.best_threshold(distances, [0, 1, 0, 1]) == pytest.approx(0.1)

    def test_at_the_threshold_means_different(self):
        assert evaluation.verification_accuracy([0.5], [0], 0.5) == 1.0


class TestRoc:
    def test_by_hand(self):
        """Of nine (same, different) couples one is the wrong way round: 0.4 against 0.3."""
        curve = evaluation.roc(DISTANCES, SAME)
        assert curve.auc == pytest.approx(8 / 9)
        assert curve.equal_error_rate == pytest.approx(1 / 3)

    def test_auc_is_the_share_of_couples_in_order(self):
        rng = np.random.default_rng(1)
        same = rng.integers(0, 2, 60)
        distances = rng.normal(1 - 0.7 * same, 0.6)
        couples = distances[same == 0][None] - distances[same == 1][:, None]
        assert evaluation.roc(distances, same).auc == pytest.approx((couples > 0).mean())

    def test_perfect_and_reversed(self):
        perfect = evaluation.roc(np.array([0.0, 0.1, 0.8, 0.9]), np.array([1, 1, 0, 0]))
        assert (perfect.auc, perfect.equal_error_rate) == (1.0, 0.0)
        reversed_ = evaluation.roc(np.array([0.0, 0.1, 0.8, 0.9]), np.array([0, 0, 1, 1]))
        assert (reversed_.auc, reversed_.equal_error_rate) == (0.0, 1.0)

    def test_constant_distance_is_chance(self):
        curve = evaluation.roc(np.ones(10), np.arange(10) % 2)
        assert (curve.auc, curve.equal_error_rate) == (0.5, 0.5)

    def test_false_reject_by_hand(self):
        """Accepted one at a time, nearest first: same same DIFF same DIFF DIFF."""
        curve = evaluation.roc(DISTANCES, SAME)
        np.testing.assert_allclose(curve.false_reject, [1, 2 / 3, 1 / 3, 1 / 3, 0, 0, 0])
        np.testing.assert_allclose(curve.false_accept, [0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])

    @pytest.mark.parametrize(
        ("false_accept", "expected"),
        [
            (0, 1 / 3),  # the best of three thresholds that accept no different pair
            (0.3, 1 / 3),  # between two points the stricter one counts
            (1 / 3, 0),
            (0.5, 0),
            (1, 0),
        ],
    )
    def test_false_reject_at_by_hand(self, false_accept, expected):
        curve = evaluation.roc(DISTANCES, SAME)
        assert curve.false_reject_at(false_accept) == pytest.approx(expected)

    @pytest.mark.parametrize(("false_accept", "expected"), [(0, 1), (0.49, 1), (0.5, 0)])
    def test_false_reject_at_does_not_part_equal_distances(self, false_accept, expected):
        """The nearest same pair ties with a different one: both are accepted or neither."""
        curve = evaluation.roc(np.array([0.2, 0.2, 0.5, 0.8]), np.array([1, 0, 1, 0]))
        assert curve.false_reject_at(false_accept) == expected

    @pytest.mark.parametrize("false_accept", [-0.1, 1.1, 5, float("nan")])
    def test_false_reject_at_refuses_what_is_no_share(self, false_accept):
        curve = evaluation.roc(DISTANCES, SAME)
        with pytest.raises(ValueError, match=rf"false_accept is {false_accept}; expected a share"):
            curve.false_reject_at(false_accept)


def test_verify_takes_its_threshold_from_validation():
    """Test distances twice as large: the threshold must not follow them."""
    result = evaluation.verify(DISTANCES, SAME, 2 * DISTANCES, SAME)
    assert result.threshold == pytest.approx(0.25)
    assert result.accuracy == pytest.approx(4 / 6)
    assert result.interval == evaluation.wilson_interval(4, 6)
    assert result.false_accept == 0
    assert result.false_reject == pytest.approx(2 / 3)
    assert result.roc.auc == pytest.approx(8 / 9)
