"""How many triplets there are."""

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
