"""Triplets as indices: how many there are, and which are drawn."""

import itertools

import numpy as np
import pytest

from siamese_utils import sampling
from siamese_utils.sampling import triplets

LABELS = np.array([4, 7, 4, 7, 4, 9])  # classes of 3, 2 and 1


def listed(labels):
    return [
        (a, p, n)
        for a, p, n in itertools.permutations(range(len(labels)), 3)
        if labels[a] == labels[p] != labels[n]
    ]


class TestCountTriplets:
    def test_by_hand(self):
        """3 x 2 ordered pairs with 3 negatives, 2 x 1 with 4, and none of the image alone."""
        assert sampling.count_triplets(LABELS) == 26

    def test_equals_listing_them(self):
        labels = np.random.default_rng(0).integers(0, 4, 15)
        assert sampling.count_triplets(labels) == len(listed(labels))

    def test_mnist(self):
        """The training digits, from n**2 ordered pairs a class less the n of an image with
        itself, times what is left of 60,000.
        """
        sizes = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        found = sampling.count_triplets(np.repeat(np.arange(10), sizes))
        assert sum(sizes) == 60_000
        assert type(found) is int
        assert found == 60_000 * (sum(n**2 for n in sizes) - 60_000) - sum(
            n**3 - n**2 for n in sizes
        )
        assert found == 19_480_103_940_610

    def test_counts_that_no_machine_integer_holds(self, monkeypatch):
        """Two classes of three billion images each: 2 x 3e9 x (3e9 - 1) x 3e9 = 5.4e28."""
        m = 3_000_000_000
        monkeypatch.setattr(triplets, "class_labels", lambda labels: labels)
        monkeypatch.setattr(np, "unique", lambda *_, **__: (None, np.array([m, m])))
        assert sampling.count_triplets(range(2 * m)) == 2 * m * (m - 1) * m

    @pytest.mark.parametrize("labels", [[0, 1, 2], [0, 0, 0], []])
    def test_none(self, labels):
        assert sampling.count_triplets(np.array(labels)) == 0


class TestDrawTriplets:
    def test_each_kind_is_uniform(self):
        """Anchors alike over the five images with a partner; given the anchor, every positive
        and negative alike. So each of the first class' 18 triplets has 1/5 x 1/2 x 1/3, of the
        second's 8, 1/5 x 1 x 1/4.
        """
        n = 30_000
        drawn = sampling.draw_triplets(LABELS, n, np.random.default_rng(0))
        seen = {t: 0 for t in listed(LABELS)}
        for triplet in map(tuple, drawn.tolist()):
            seen[triplet] += 1  # a KeyError for one that is none
        for (anchor, _, _), count in seen.items():
            assert count / n == pytest.approx(1 / 30 if LABELS[anchor] == 4 else 1 / 20, abs=0.006)

    @pytest.mark.parametrize("labels", [["b", "a", "b"], [5, 5, -1]])
    def test_the_only_triplets_there_are(self, labels):
        drawn = sampling.draw_triplets(np.array(labels), 40, np.random.default_rng(0))
        assert set(map(tuple, drawn.tolist())) == set(listed(labels))

    def test_shape_and_type(self):
        for n in (1, 7):
            drawn = sampling.draw_triplets(LABELS, n, np.random.default_rng(0))
            assert drawn.shape == (n, 3)
            assert drawn.dtype.kind == "i"

    def test_same_seed_same_triplets(self):
        first, again, other = (
            sampling.draw_triplets(LABELS, 20, np.random.default_rng(seed)) for seed in (5, 5, 6)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("labels", "n", "message"),
        [
            (LABELS, 0, "n_triplets is 0; expected a whole number of at least 1"),
            ([1, 1, 1], 5, r"the labels hold 1 class\(es\); .* add images of a second one"),
            ([0, 1, 2], 5, "none of the 3 classes has two images; .* so add one"),
            ([], 5, r"the labels hold 0 class\(es\)"),
        ],
    )
    def test_refuses(self, labels, n, message):
        with pytest.raises(ValueError, match=message):
            sampling.draw_triplets(np.array(labels), n, np.random.default_rng(0))
