"""Episodes and pairs within alphabets: who draws what, evenness, and what is refused."""

import numpy as np
import pytest

from siamese_utils import sampling
from siamese_utils._files import digest
from siamese_utils.datasets import load_omniglot
from siamese_utils.sampling import episodes


def grid(letters, n_drawers):
    """Labels, drawers and alphabets of complete alphabets with so many letters each."""
    labels = np.repeat(np.arange(sum(letters.values())), n_drawers)
    drawers = np.tile(np.arange(1, n_drawers + 1), sum(letters.values()))
    alphabets = np.repeat(list(letters), [n * n_drawers for n in letters.values()])
    shuffle = np.random.default_rng(9).permutation(len(labels))  # no order may be relied on
    return labels[shuffle], drawers[shuffle], alphabets[shuffle]


LETTERS = {"Greek": 24, "Braille": 26, "Tagalog": 17}


@pytest.fixture(scope="module", params=["within", "across", "no drawers", "within, no drawers"])
def case(request):
    """Labels, drawers, alphabets, and 6,000 five-way episodes drawn from them."""
    labels, drawers, alphabets = grid(LETTERS, 4)
    options = {
        "within": {"drawers": drawers, "alphabets": alphabets},
        "across": {"drawers": drawers},
        "no drawers": {},
        "within, no drawers": {"alphabets": alphabets},
    }[request.param]
    drawn = sampling.draw_episodes(labels, 5, 6_000, np.random.default_rng(1), **options)
    return labels, options, drawn


class TestDrawEpisodes:
    def test_the_answer_and_only_the_answer_is_of_the_query_s_class(self, case):
        labels, _, drawn = case
        right = labels[drawn.supports] == labels[drawn.queries][:, None]
        np.testing.assert_array_equal(right, drawn.answers[:, None] == np.arange(5))

    def test_classes_differ(self, case):
        labels, _, drawn = case
        assert (np.diff(np.sort(labels[drawn.supports], axis=1), axis=1) > 0).all()

    def test_query_and_its_support_are_two_images_by_two_drawers(self, case):
        _, options, drawn = case
        own = drawn.supports[np.arange(6_000), drawn.answers]
        assert (own != drawn.queries).all()
        if "drawers" in options:
            assert (options["drawers"][own] != options["drawers"][drawn.queries]).all()

    def test_within_an_alphabet_one_drawer_makes_all_supports(self, case):
        _, options, drawn = case
        if "drawers" in options:
            by = options["drawers"][drawn.supports]
            assert (by == by[:, :1]).all() == ("alphabets" in options)

    def test_all_of_one_alphabet_and_alphabets_evenly(self, case):
        _, options, drawn = case
        if "alphabets" in options:
            of = options["alphabets"][drawn.supports]
            assert (of == options["alphabets"][drawn.queries][:, None]).all()
            np.testing.assert_array_equal(np.unique(of[:, 0], return_counts=True)[1], 2_000)

    def test_positions_are_uniform(self, case):
        """1,200 expected; the standard deviation is 31."""
        counts = np.bincount(case[2].answers, minlength=5)
        assert np.abs(counts - 1_200).max() < 130

    def test_every_image_is_drawn_and_none_often(self, case):
        """Each of 268 images is the query of 22 episodes on average; of Tagalog, with fewer
        letters, of 29 where the alphabets take turns."""
        labels, _, drawn = case
        for images, mean in ((drawn.queries, 29), (drawn.supports.ravel(), 5 * 29)):
            counts = np.bincount(images, minlength=len(labels))
            assert counts.min() > 0
            assert counts.max() < mean + 6 * np.sqrt(mean)

    def test_seeded(self, case):
        labels, options, drawn = case
        again = sampling.draw_episodes(labels, 5, 6_000, np.random.default_rng(1), **options)
        other = sampling.draw_episodes(labels, 5, 6_000, np.random.default_rng(2), **options)
        for name in ("queries", "supports", "answers"):
            np.testing.assert_array_equal(getattr(drawn, name), getattr(again, name))
            assert (getattr(drawn, name) != getattr(other, name)).any()

    def test_a_remainder_is_one_episode_an_alphabet(self):
        labels, drawers, alphabets = grid(LETTERS, 2)
        drawn = sampling.draw_episodes(
            labels, 3, 8, np.random.default_rng(0), drawers=drawers, alphabets=alphabets
        )
        counts = np.unique(alphabets[drawn.queries], return_counts=True)[1]
        assert sorted(counts) == [2, 3, 3]

    def test_one_episode_of_several_alphabets(self):
        labels, drawers, alphabets = grid(LETTERS, 2)
        drawn = sampling.draw_episodes(
            labels, 17, 1, np.random.default_rng(0), drawers=drawers, alphabets=alphabets
        )
        assert drawn.supports.shape == (1, 17)

    def test_all_letters_of_the_smallest_alphabet(self):
        labels, drawers, _ = grid({"Tagalog": 17}, 3)
        drawn = sampling.draw_episodes(labels, 17, 50, np.random.default_rng(0), drawers=drawers)
        assert (np.sort(labels[drawn.supports], axis=1) == np.arange(17)).all()

    def test_across_alphabets_skips_all_images_by_the_same_drawer(self):
        """Drawer 5 made three of the four images of class 0."""
        labels, drawers = np.array([0, 0, 0, 0, 1, 1]), np.array([5, 7, 5, 5, 5, 7])
        drawn = sampling.draw_episodes(labels, 2, 400, np.random.default_rng(0), drawers=drawers)
        own = drawn.supports[np.arange(400), drawn.answers]
        seen = {(int(a), int(b)) for a, b in zip(own, drawn.queries, strict=True)}
        assert seen == {(0, 1), (2, 1), (3, 1), (1, 0), (1, 2), (1, 3), (4, 5), (5, 4)}

    def test_an_alphabet_is_looked_through_once_however_many_episodes(self, monkeypatch):
        data = load_omniglot("evaluation")
        looked = []
        table = episodes._image_table
        monkeypatch.setattr(
            episodes, "_image_table", lambda *given: looked.append(given[-1]) or table(*given)
        )
        drawn = sampling.draw_episodes(
            data.labels,
            20,
            1_000,
            np.random.default_rng(0),
            drawers=data.drawers,
            alphabets=data.alphabets,
        )
        assert len(looked) == len(set(looked)) == 20
        np.testing.assert_array_equal(np.bincount(data.alphabets[drawn.queries]), 50)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"n_way": 18}, "alphabet 'Tagalog' has 17 classes, but .* n_way=18"),
            ({"n_way": 68, "alphabets": None}, "the set has 67 classes, but .* n_way=68"),
            ({"n_way": 1}, "n_way is 1; expected a whole number of at least 2"),
            ({"n_episodes": 0}, "n_episodes is 0; expected a whole number of at least 1"),
            (
                {"drawers": np.ones(5)},
                "134 images but 5 drawers; expected one for each image",
            ),
            (
                {"alphabets": np.ones(5)},
                "134 images but 5 alphabets; expected one for each image",
            ),
        ],
    )
    def test_refuses(self, change, message):
        labels, drawers, alphabets = grid(LETTERS, 2)
        asked = {"n_way": 5, "n_episodes": 3, "drawers": drawers, "alphabets": alphabets, **change}
        with pytest.raises(ValueError, match=message):
            sampling.draw_episodes(labels, rng=np.random.default_rng(0), **asked)

    @pytest.mark.parametrize(
        ("drawers", "alphabets", "message"),
        [
            ([1, 1, 1, 2], None, "class 3 has one drawer only"),
            ([4, 4, 4, 4], ["A"] * 4, "alphabet 'A' has one drawer, 4"),
            ([1, 2, 1, 3], ["A"] * 4, "class 3 of alphabet 'A' has 0 images by drawer 3"),
            ([1, 1, 1, 2], ["A"] * 4, "class 3 of alphabet 'A' has 2 images by drawer 1"),
        ],
    )
    def test_refuses_drawers(self, drawers, alphabets, message):
        labels = np.array([3, 3, 8, 8])
        with pytest.raises(ValueError, match=message):
            sampling.draw_episodes(
                labels,
                2,
                1,
                np.random.default_rng(0),
                drawers=np.array(drawers),
                alphabets=alphabets and np.array(alphabets),
            )

    @pytest.mark.parametrize("shape", [(-1, 1), (-1, 1, 1)])
    def test_columns_of_drawers_and_alphabets_change_nothing(self, shape):
        labels, drawers, alphabets = grid(LETTERS, 2)
        by_column = {"drawers": drawers.reshape(shape), "alphabets": alphabets.reshape(shape)}
        found = [
            sampling.draw_episodes(labels, 5, 20, np.random.default_rng(0), **options)
            for options in ({"drawers": drawers, "alphabets": alphabets}, by_column)
        ]
        assert str(found[0]) == str(found[1])
        pairs = [
            sampling.alphabet_pairs(labels, a, 20, np.random.default_rng(0), d)[0]
            for a, d in ((alphabets, drawers), (by_column["alphabets"], by_column["drawers"]))
        ]
        np.testing.assert_array_equal(*pairs)

    def test_refuses_a_class_of_one_image(self):
        with pytest.raises(ValueError, match="class 8 has one image only"):
            sampling.draw_episodes(np.array([3, 3, 8]), 2, 1, np.random.default_rng(0))


class TestAlphabetPairs:
    @pytest.mark.parametrize("by_drawer", [False, True])
    def test_labels_are_true_and_pairs_within_an_alphabet(self, by_drawer):
        labels, drawers, alphabets = grid(LETTERS, 4)
        pairs, same = sampling.alphabet_pairs(
            labels, alphabets, 1_200, np.random.default_rng(0), drawers if by_drawer else None
        )
        left, right = pairs.T
        np.testing.assert_array_equal(labels[left] == labels[right], same == 1)
        assert (left != right).all()
        assert (alphabets[left] == alphabets[right]).all()
        assert (drawers[left] != drawers[right]).all() == by_drawer
        for name in LETTERS:
            own = alphabets[left] == name
            assert (own.sum(), same[own].sum()) == (400, 200)

    def test_a_pair_comes_again_only_when_all_have_come(self):
        """Koch's validation: 500 same pairs of an alphabet that has 20 x 6 = 120."""
        labels, _, alphabets = grid({"Angelic": 20}, 4)
        pairs, same = sampling.alphabet_pairs(labels, alphabets, 1_000, np.random.default_rng(0))
        pairs = np.sort(pairs, axis=1)
        times = np.unique(pairs[same == 1], axis=0, return_counts=True)[1]
        assert np.bincount(times).tolist() == [0, 0, 0, 0, 100, 20]  # 4 x 120 + 20 = 500
        assert len(np.unique(pairs[same == 0], axis=0)) == 500

    @pytest.mark.parametrize("n_pairs", [6, 7, 8, 9, 10, 11, 101])
    def test_remainders_are_spread(self, n_pairs):
        labels, _, alphabets = grid(LETTERS, 4)
        pairs, same = sampling.alphabet_pairs(labels, alphabets, n_pairs, np.random.default_rng(0))
        counts = [
            (np.sum(own & (same == 1)), np.sum(own & (same == 0)))
            for own in (alphabets[pairs[:, 0]] == name for name in LETTERS)
        ]
        of_alphabet = np.sum(counts, axis=1)
        assert len(pairs) == n_pairs == of_alphabet.sum()
        assert np.ptp(of_alphabet) <= 1
        assert np.abs(np.diff(counts)).max() <= 1
        assert abs(2 * same.sum() - n_pairs) <= 1

    def test_odd_numbers_of_pairs_cancel_over_the_alphabets(self):
        """Three pairs in each of six alphabets: two are same in three of them, one in three."""
        labels, _, alphabets = grid(dict.fromkeys("ABCDEF", 3), 2)
        pairs, same = sampling.alphabet_pairs(labels, alphabets, 18, np.random.default_rng(0))
        n_same = [same[alphabets[pairs[:, 0]] == name].sum() for name in "ABCDEF"]
        assert sorted(n_same) == [1, 1, 1, 2, 2, 2]

    def test_sides_and_order_tell_nothing(self):
        labels, _, alphabets = grid(LETTERS, 4)
        pairs, same = sampling.alphabet_pairs(labels, alphabets, 3_000, np.random.default_rng(0))
        assert abs((pairs[:, 0] < pairs[:, 1]).mean() - 0.5) < 0.04
        assert abs(same[:1_000].mean() - 0.5) < 0.07

    def test_seeded(self):
        labels, _, alphabets = grid(LETTERS, 4)
        first, again, other = (
            sampling.alphabet_pairs(labels, alphabets, 100, np.random.default_rng(seed))[0]
            for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    @pytest.mark.parametrize(
        ("labels", "drawers", "n_pairs", "message"),
        [
            ([0, 0, 1, 1], None, 1, "n_pairs is 1; expected at least 2, .* 1 alphabets"),
            ([0, 0, 0, 0], None, 4, "alphabet 'A' has no different pair: 4 images of 1 char"),
            ([0, 1, 2, 3], None, 4, "alphabet 'A' has no same pair: 4 images of 4 characters"),
            ([0, 0, 1, 1], [1, 1, 2, 2], 4, "no same pair of two drawers: 4 images of 2"),
            (
                [0, 0, 1, 1],
                [1, 1],
                4,
                "4 images but 2 drawers; expected one for each image",
            ),
        ],
    )
    def test_refuses(self, labels, drawers, n_pairs, message):
        with pytest.raises(ValueError, match=message):
            sampling.alphabet_pairs(
                np.array(labels), np.array(["A"] * 4), n_pairs, np.random.default_rng(0), drawers
            )


class TestFixedTrials:
    """The trials of the book's main measure."""

    @pytest.fixture(scope="class")
    @classmethod
    def drawn(cls):
        data = load_omniglot("evaluation")
        return data, sampling.within_alphabet_trials(data)

    def test_are_ten_thousand_from_all_twenty_alphabets(self, drawn):
        data, trials = drawn
        assert trials.supports.shape == (10_000, 20)
        assert np.bincount(data.alphabets[trials.queries]).tolist() == [500] * 20

    def test_are_the_same_for_everybody(self, drawn):
        """What records hold of each trial is read with the trials of now."""
        _, trials = drawn
        assert trials.answers[:8].tolist() == [18, 18, 15, 7, 17, 5, 0, 13]
        assert trials.queries[:4].tolist() == [11390, 10385, 3818, 6082]
        whole = [each.astype("int64") for each in (trials.queries, trials.supports, trials.answers)]
        assert digest(whole).startswith("ac3a65b53c4cc027")

    def test_are_by_two_drawers_each_and_within_an_alphabet(self, drawn):
        data, trials = drawn
        of_query, of_supports = (data.drawers[trials.queries], data.drawers[trials.supports])
        assert np.all(of_supports == of_supports[:, :1])
        assert np.all(of_supports[:, 0] != of_query)
        alphabets = data.alphabets[trials.supports]
        assert np.all(alphabets == data.alphabets[trials.queries][:, None])
        assert set(np.unique(of_query)) == set(range(1, 21))
