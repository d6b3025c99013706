"""Two systems on the same trials: McNemar's exact test, and whole groups drawn again."""

import numpy as np
import pytest
from scipy.stats import binom

from siamese_utils.evaluation import bootstrap_interval, mcnemar, wilson_interval


class TestMcNemar:
    @pytest.mark.parametrize(("n_first", "n_second"), [(9, 2), (0, 5), (4, 4), (30, 20)])
    def test_p_is_the_share_of_coins_at_least_as_uneven(self, n_first, n_second):
        both, neither = np.ones(7), np.zeros(3)
        first = np.concatenate([both, neither, np.ones(n_first), np.zeros(n_second)])
        second = np.concatenate([both, neither, np.zeros(n_first), np.ones(n_second)])
        found = mcnemar(first, second)
        assert (found.n_first, found.n_second) == (n_first, n_second)
        n = n_first + n_second
        chances = binom.pmf(np.arange(n + 1), n, 0.5)
        uneven = np.abs(np.arange(n + 1) - n / 2) >= abs(n_first - n / 2)
        assert found.p_value == pytest.approx(chances[uneven].sum())

    def test_order_of_systems_does_not_matter(self):
        rng = np.random.default_rng(0)
        first, second = rng.random((2, 50)) < 0.6
        assert mcnemar(first, second).p_value == mcnemar(second, first).p_value

    def test_equal_answers_do_not_tell_them_apart(self):
        found = mcnemar([1, 0, 1], [1, 0, 1])
        assert (found.n_first, found.n_second, found.p_value) == (0, 0, 1.0)

    def test_finds_what_overlapping_intervals_hide(self):
        """Systems at 90 and 92 % on 400 trials, of which one answers 8 more and loses none."""
        first, second = np.arange(400) < 360, np.arange(400) < 368
        low, high = wilson_interval(368, 400)[0], wilson_interval(360, 400)[1]
        assert low < high and mcnemar(first, second).p_value < 0.01

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            ([1, 0], [1], "2 answers of the first system and 1 of the second"),
            ([1, 0.5], [1, 0], "an answer is 0.5; expected 1"),
            ([1, np.nan], [1, 0], "not finite"),
            ([], [], "empty"),
        ],
    )
    def test_refuses(self, first, second, message):
        with pytest.raises(ValueError, match=message):
            mcnemar(first, second)


class TestBootstrap:
    def test_independent_trials_have_about_wilson_s_interval(self):
        right = np.arange(1_000) % 10 < 8
        found = bootstrap_interval(right, np.arange(1_000), np.random.default_rng(0))
        assert found == pytest.approx(wilson_interval(800, 1_000), abs=0.004)

    def test_is_as_wide_as_the_groups_are_few(self):
        """Forty groups of 25 equal trials are forty trials, so the interval is 5 times as wide."""
        right = np.arange(40) % 10 < 8
        rng = np.random.default_rng(0)
        low, high = bootstrap_interval(np.repeat(right, 25), np.repeat(np.arange(40), 25), rng)
        alone = bootstrap_interval(right, np.arange(40), np.random.default_rng(0))
        assert (low, high) == pytest.approx(alone)

    def test_large_groups_count_as_much_as_they_have_trials(self):
        values, groups = [1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]
        found = bootstrap_interval(values, groups, np.random.default_rng(0), confidence=0.4)
        assert found == (0.75, 0.75)  # half of the draws have both groups

    def test_difference_of_equal_systems_is_0(self):
        found = bootstrap_interval(np.zeros(6), [0, 0, 1, 1, 2, 2], np.random.default_rng(0))
        assert found == (0.0, 0.0)

    def test_same_generator_same_interval(self):
        values = np.random.default_rng(1).random(30)
        one, other = (
            bootstrap_interval(values, np.arange(30) % 6, np.random.default_rng(2))
            for _ in range(2)
        )
        assert one == other

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"groups": [1, 1]}, "all 2 trials are of group 1; expected two groups"),
            ({"groups": [1, 2, 3]}, "groups"),
            ({"rng": 1}, "rng"),
            ({"n_draws": 0}, "n_draws is 0"),
            ({"confidence": 95}, "confidence is 95"),
            ({"values": [1.0, np.inf]}, "not finite"),
        ],
    )
    def test_refuses(self, changes, message):
        given = {"values": [1.0, 0.0], "groups": [1, 2], "rng": np.random.default_rng(0)}
        with pytest.raises(ValueError, match=message):
            bootstrap_interval(**given | changes)
