"""From distances to probabilities of same, and whether they hold what they say."""

import numpy as np
import pytest

from siamese_utils import evaluation


def logistic_pairs(slope, intercept, n=20_000, seed=0):
    """Distances over [0, 1], each same with probability sigmoid(intercept + slope * distance)."""
    rng = np.random.default_rng(seed)
    distances = rng.random(n)
    probabilities = 1 / (1 + np.exp(-(intercept + slope * distances)))
    return distances, probabilities, (rng.random(n) < probabilities).astype(int)


class TestCalibrate:
    def test_finds_the_slope_and_intercept_the_pairs_were_drawn_with(self):
        """At 0.5 both kinds are equally likely, and so are they over all of [0, 1]."""
        distances, _, same = logistic_pairs(-10.0, 5.0)
        found = evaluation.calibrate(distances, same)
        assert found.slope == pytest.approx(-10, rel=0.05)
        assert found.intercept == pytest.approx(5, rel=0.05)

    def test_more_different_pairs_change_nothing(self):
        distances, _, same = logistic_pairs(-6.0, 3.0, n=500)
        different = distances[same == 0]
        once = evaluation.calibrate(distances, same)
        ten_times = evaluation.calibrate(
            np.concatenate([distances, np.tile(different, 9)]),
            np.concatenate([same, np.zeros(9 * len(different), int)]),
        )
        assert ten_times.slope == pytest.approx(once.slope, rel=1e-6)
        assert ten_times.intercept == pytest.approx(once.intercept, rel=1e-6)


class TestProbability:
    calibration = evaluation.Calibration(slope=-2.0, intercept=1.0)

    def test_by_hand(self):
        """1 - 2 d is 0 at 0.5, 1 at 0 and -3 at 2; the shape is kept."""
        found = self.calibration.probability(np.array([[0.5], [0.0], [2.0]]))
        expected = [[0.5], [np.e / (1 + np.e)], [1 / (1 + np.e**3)]]
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    @pytest.mark.parametrize(
        ("prior", "factor"), [(0.5, 1), (0.2, 1 / 4), (0.75, 3), (0.01, 1 / 99)]
    )
    def test_prior_multiplies_the_odds(self, prior, factor):
        distances = np.linspace(0, 2, 5)
        even = self.calibration.probability(distances)
        shifted = self.calibration.probability(distances, prior)
        np.testing.assert_allclose(shifted / (1 - shifted), factor * even / (1 - even), rtol=1e-9)

    @pytest.mark.parametrize("prior", [0, 1, -0.1, 1.5, float("nan")])
    def test_refuses_a_prior_that_is_no_share(self, prior):
        with pytest.raises(ValueError, match=rf"prior is {prior}; expected .*\(0, 1\)"):
            self.calibration.probability(0.5, prior)


class TestReliability:
    def test_by_hand(self):
        """Bins 0.0 to 0.1, 0.1 to 0.2 and 0.9 to 1.0 are filled; 1.0 belongs to the last.

        Error: 1 pair off by 0.05, 2 by 0.5 - 0.135, 2 by 1 - 0.975; (0.05 + 0.73 + 0.05) / 5.
        """
        found = evaluation.reliability(
            np.array([0.15, 1.0, 0.05, 0.12, 0.95]), np.array([0, 1, 0, 1, 1])
        )
        assert found.count.tolist() == [1, 2, 2]
        np.testing.assert_allclose(found.stated, [0.05, 0.135, 0.975])
        np.testing.assert_allclose(found.observed, [0, 0.5, 1])
        assert found.error == pytest.approx(0.166)
        intervals = [evaluation.wilson_interval(*k_of_n) for k_of_n in ((0, 1), (1, 2), (2, 2))]
        np.testing.assert_allclose(np.stack([found.low, found.high], axis=1), intervals)

    def test_number_of_bins(self):
        """0.5 belongs to the upper one of two bins."""
        found = evaluation.reliability([0.1, 0.4, 0.5, 1.0], [0, 1, 1, 1], n_bins=2)
        assert found.count.tolist() == [2, 2]
        np.testing.assert_allclose(found.stated, [0.25, 0.75])
        assert found.error == pytest.approx(0.25)

    def test_calibrated_probabilities_are_near_the_diagonal(self):
        _, probabilities, same = logistic_pairs(-10.0, 5.0)
        good = evaluation.reliability(probabilities, same)
        assert good.error < 0.015
        np.testing.assert_allclose(good.observed, good.stated, atol=0.04)
        sure = evaluation.reliability((probabilities > 0.5).astype(float), same)
        assert sure.error > 0.1  # 0 and 1 for all claims more than is so

    @pytest.mark.parametrize("wrong", [-0.01, 1.01])
    def test_refuses_what_is_no_probability(self, wrong):
        with pytest.raises(ValueError, match=r"probabilities from .*in \[0, 1\]"):
            evaluation.reliability([0.5, wrong], [1, 0])
