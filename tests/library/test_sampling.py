"""Pairs: which there are, which are drawn, and what a batch holds."""

import itertools
import re

import numpy as np
import pytest

from siamese_utils import sampling

pytestmark = pytest.mark.backend

TWO_CLASSES = np.array([0, 1, 0, 1, 0])  # same: (0,2) (0,4) (2,4) (1,3); different: the other 6


def all_pairs_by_loop(labels):
    pairs = list(itertools.combinations(range(len(labels)), 2))
    same = {p for p in pairs if labels[p[0]] == labels[p[1]]}
    return same, set(pairs) - same


def unordered(pairs):
    return [tuple(sorted(p)) for p in pairs.tolist()]


def places(images):
    """The indices that images say: the one of index i is a single pixel of i / 32."""
    return (32 * images).ravel().astype(int).tolist()


class TestCountPairs:
    def test_by_hand(self):
        assert sampling.count_pairs(TWO_CLASSES) == (4, 6)

    def test_omniglot_background(self):
        """Koch's training set: 964 characters of 20 drawers (19,280 choose 2 in all)."""
        n_same, n_different = sampling.count_pairs(np.repeat(np.arange(964), 20))
        assert (n_same, n_same + n_different) == (183_160, 185_849_560)

    def test_equals_listing_them(self):
        labels = np.random.default_rng(0).integers(0, 4, 30)
        same, different = all_pairs_by_loop(labels)
        assert sampling.count_pairs(labels) == (len(same), len(different))


class TestConsecutivePairs:
    def test_by_hand(self):
        """Two classes leave no choice of the other class, so all is determined."""
        pairs, same = sampling.consecutive_pairs(np.array([7, 3, 7, 3, 7]), np.random.default_rng())
        assert pairs.tolist() == [[1, 3], [1, 0], [0, 2], [0, 1]]
        assert same.tolist() == [1, 0, 1, 0]

    def test_count_for_mnist_sizes(self):
        """The smallest training digit, 5, has 5,421 images: 2 x 10 x 5,420 pairs."""
        sizes = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        pairs, same = sampling.consecutive_pairs(
            np.repeat(np.arange(10), sizes), np.random.default_rng(0)
        )
        assert pairs.shape == (108_400, 2)
        assert same.sum() == 54_200

    def test_labels_are_true(self):
        labels = np.random.default_rng(1).integers(0, 5, 200)
        pairs, same = sampling.consecutive_pairs(labels, np.random.default_rng(2))
        assert np.array_equal(labels[pairs[:, 0]] == labels[pairs[:, 1]], same == 1)
        assert (pairs[:, 0] != pairs[:, 1]).all()

    @pytest.mark.parametrize(
        ("labels", "message"),
        [([0, 0, 0], "need two"), ([0, 0, 1], "class 1 has 1 image")],
    )
    def test_refuses(self, labels, message):
        with pytest.raises(ValueError, match=message):
            sampling.consecutive_pairs(np.array(labels), np.random.default_rng(0))


class TestBalancedPairs:
    def test_labels_are_true_and_balanced(self):
        labels = np.random.default_rng(0).integers(0, 6, 100)
        pairs, same = sampling.balanced_pairs(labels, 400, np.random.default_rng(1))
        assert np.array_equal(labels[pairs[:, 0]] == labels[pairs[:, 1]], same == 1)
        assert same.sum() == 200

    def test_no_pair_twice_and_none_with_itself(self):
        labels = np.random.default_rng(0).integers(0, 6, 60)
        pairs, _ = sampling.balanced_pairs(labels, 500, np.random.default_rng(1))
        assert len(set(unordered(pairs))) == 500
        assert (pairs[:, 0] != pairs[:, 1]).all()

    def test_asked_for_all_it_returns_all(self):
        labels = np.array([0, 1, 0, 1, 1, 0, 2])
        n_same = sampling.count_pairs(labels)[0]
        pairs, same = sampling.balanced_pairs(labels, 2 * n_same, np.random.default_rng(0))
        assert set(unordered(pairs[same == 1])) == all_pairs_by_loop(labels)[0]

    def test_every_pair_is_equally_likely(self):
        """Each of the 4 same and 6 different pairs, over 3,000 draws of one of each kind."""
        rng = np.random.default_rng(0)
        drawn = [sampling.balanced_pairs(TWO_CLASSES, 2, rng) for _ in range(3000)]
        pairs = np.concatenate([p for p, _ in drawn])
        same = np.concatenate([s for _, s in drawn])
        for kind, n in ((1, 4), (0, 6)):
            seen = unordered(pairs[same == kind])
            shares = [seen.count(p) / len(seen) for p in set(seen)]
            assert len(shares) == n
            assert max(abs(share - 1 / n) for share in shares) < 0.03
        # Neither the side nor the place in the list tells anything.
        assert abs((pairs[:, 0] < pairs[:, 1]).mean() - 0.5) < 0.03
        assert abs(same[::2].mean() - 0.5) < 0.03

    def test_same_seed_same_pairs(self):
        labels = np.arange(40) % 4
        first, again, other = (
            sampling.balanced_pairs(labels, 20, np.random.default_rng(seed))[0]
            for seed in (5, 5, 6)
        )
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        ("n_pairs", "message"),
        [
            (3, "n_pairs is 3; expected an even number"),
            (0, "n_pairs is 0; expected a whole number of at least 2"),
            (10, "needs 5 same pairs, but 5 images have only 4. Ask for at most 8"),
        ],
    )
    def test_refuses(self, n_pairs, message):
        with pytest.raises(ValueError, match=message):
            sampling.balanced_pairs(TWO_CLASSES, n_pairs, np.random.default_rng(0))

    def test_refuses_one_class(self):
        with pytest.raises(ValueError, match="1 class"):
            sampling.balanced_pairs(np.zeros(9, int), 2, np.random.default_rng(0))


class TestPairDataset:
    images = (np.arange(8) / 32).reshape(8, 1, 1, 1)  # an image says its index
    pairs = np.array([[0, 1], [2, 3], [4, 5], [6, 7], [0, 7]])
    same = np.array([1, 0, 1, 0, 1])

    def dataset(self, **changes):
        arguments = {"batch_size": 2, "seed": 3, **changes}
        return sampling.PairDataset(self.images, self.pairs, self.same, **arguments)

    def epoch(self, dataset):
        return [
            list(zip(*(places(side) for side in sides), same.astype(int).tolist(), strict=True))
            for sides, same in (dataset[i] for i in range(len(dataset)))
        ]

    def test_batches_have_one_shape_and_are_float32(self):
        dataset = self.dataset()
        assert len(dataset) == 2  # the fifth pair is left for another epoch
        for i in range(2):
            (left, right), same = dataset[i]
            assert left.shape == right.shape == (2, 1, 1, 1)
            assert left.dtype == right.dtype == same.dtype == np.float32

    def test_images_keep_their_label(self):
        expected = {(*p, y) for p, y in zip(self.pairs.tolist(), self.same.tolist(), strict=True)}
        seen = [item for batch in self.epoch(self.dataset()) for item in batch]
        assert len(set(seen)) == 4
        assert set(seen) <= expected

    def test_batch_is_a_pure_function_of_seed_epoch_and_index(self):
        dataset = self.dataset()
        first = self.epoch(dataset)
        assert [self.epoch(dataset)[i] for i in (1, 0)] == first[::-1]  # asked again, backwards
        assert self.epoch(self.dataset()) == first
        dataset.on_epoch_end()
        second = self.epoch(dataset)
        assert second != first
        other = self.dataset()
        other.on_epoch_end()
        assert self.epoch(other) == second

    def test_seed_matters(self):
        orders = {str(self.epoch(self.dataset(seed=seed))) for seed in range(5)}
        assert len(orders) > 1

    def test_refuses_too_few_pairs(self):
        with pytest.raises(ValueError, match="5 pairs do not fill one batch of 6"):
            self.dataset(batch_size=6)

    def test_refuses_labels_of_another_length(self):
        with pytest.raises(ValueError, match=r"shape \(2,\); expected \(5,\), one for each pair"):
            sampling.PairDataset(self.images, self.pairs, self.same[:2], 2, 0)

    @pytest.mark.parametrize(
        ("same", "message"),
        [
            ([[1, 0]] * 5, r"shape \(5, 2\); expected \(5,\)"),
            ([1, -1, 1, -1, 1], r"labels \[-1  1\]; expected 1 = same and 0 = different"),
            ([0.5] * 5, "expected 1 = same and 0 = different"),
        ],
    )
    def test_refuses_labels_that_do_not_say_same_or_different(self, same, message):
        with pytest.raises(ValueError, match=message):
            sampling.PairDataset(self.images, self.pairs, np.array(same), 2, 0)

    @pytest.mark.parametrize(
        "same", [[1, 0, 1, 0, 1], [[1], [0], [1], [0], [1]], [True, False, True, False, True]]
    )
    @pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64", "bool"])
    def test_takes_labels_of_any_harmless_shape_and_type(self, same, dtype):
        found = sampling.PairDataset(self.images, self.pairs, np.array(same, dtype), 2, 3)
        assert self.epoch(found) == self.epoch(self.dataset())

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            (pairs.T, r"pairs have shape \(2, 5\)"),
            (pairs + 1, "pairs from 1 to 8; expected 0 to 7"),
            (pairs - 1, "pairs from -1 to 6; expected 0 to 7"),
            (pairs.ravel(), r"pairs have shape \(10,\); expected \(n_pairs, 2\)"),
        ],
    )
    def test_refuses_pairs_that_are_not_of_its_images(self, pairs, message):
        with pytest.raises(ValueError, match=message):
            sampling.PairDataset(self.images, pairs, self.same, 2, 0)


@pytest.mark.parametrize(
    "images",
    [
        np.arange(12, dtype="uint8") * 20,
        np.arange(12) * 20.0,
        np.arange(12, dtype="float16") * 20,
        np.where(np.arange(12) == 3, np.nan, 0.5),
        np.full(12, "0"),
    ],
    ids=["bytes", "floats of bytes", "float16", "NaN", "strings"],
)
def test_batches_refuse_images_that_are_bytes_or_no_numbers(images):
    images = images.reshape(12, 1, 1, 1)
    for make in (
        lambda: sampling.PairDataset(images, np.array([[0, 1], [2, 3]]), np.array([1, 0]), 2, 0),
        lambda: sampling.ClassBatches(images, np.arange(12) % 3, 2, 2, 1, 0),
    ):
        with pytest.raises(ValueError, match=r"images .*expected .*\[0, 1\]"):
            make()


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("kind", [np.array, np.ndarray.tolist])
def test_batches_take_images_of_any_type(dtype, kind):
    images = kind((np.arange(12) % 2).reshape(12, 1, 1, 1).astype(dtype))
    pairs = sampling.PairDataset(images, np.array([[0, 1], [3, 4]]), np.array([1, 0]), 2, 0)
    (left, right), _ = pairs[0]
    batch, _ = sampling.ClassBatches(images, np.arange(12) % 3, 2, 2, 1, 0)[0]
    for found in (left, right, batch):
        assert found.dtype == np.float32
        assert set(found.ravel()) <= {0, 1}
    assert (left + right == 1).all()


LABELS = np.tile(np.arange(4), 3)
ALPHABETS = LABELS // 2
SAMPLERS = {
    "count_pairs": sampling.count_pairs,
    "count_triplets": sampling.count_triplets,
    "consecutive_pairs": lambda y: sampling.consecutive_pairs(y, np.random.default_rng(0)),
    "balanced_pairs": lambda y: sampling.balanced_pairs(y, 6, np.random.default_rng(0)),
    "draw_episodes": lambda y: vars(sampling.draw_episodes(y, 2, 6, np.random.default_rng(0))),
    "alphabet_pairs": lambda y: sampling.alphabet_pairs(y, ALPHABETS, 6, np.random.default_rng(0)),
    "ClassBatches": lambda y: sampling.ClassBatches(np.zeros((12, 1)), y, 3, 2, 1, 0)[0],
}


def pair_batches(**given):
    images, pairs = np.zeros((4, 1)), np.array([[0, 1], [2, 3]])
    return sampling.PairDataset(images, pairs, np.array([1, 0]), **given)


def class_batches(**given):
    return sampling.ClassBatches(np.zeros((12, 1)), LABELS, **given)


COUNTED = {
    "balanced_pairs": (sampling.balanced_pairs, {"n_pairs": 4}),
    "draw_episodes": (sampling.draw_episodes, {"n_way": 2, "n_episodes": 4}),
    "alphabet_pairs": (sampling.alphabet_pairs, {"alphabets": ALPHABETS, "n_pairs": 4}),
    "consecutive_pairs": (sampling.consecutive_pairs, {}),
}
IN_BATCHES = {
    "PairDataset": (pair_batches, {"batch_size": 2, "seed": 0}),
    "ClassBatches": (class_batches, {"n_classes": 2, "n_images": 2, "n_batches": 2, "seed": 0}),
}


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        (sampler, name)
        for sampler, (_, given) in {**COUNTED, **IN_BATCHES}.items()
        for name in given
        if name != "alphabets"
    ],
)
class TestCounts:
    """Every count that a sampler takes is a whole number, of any integer type."""

    def draw(self, sampler, name, value):
        make, given = {**COUNTED, **IN_BATCHES}[sampler]
        given = {**given, name: value}
        if sampler in COUNTED:
            return make(LABELS, rng=np.random.default_rng(0), **given)
        return make(**given)[0]

    @pytest.mark.parametrize("value", [-3, 4.0, np.float32(2), "4", None, True])
    def test_that_are_none_are_refused(self, sampler, name, value):
        message = rf"{name} is {re.escape(repr(value))}; expected a whole number of at least \d"
        with pytest.raises(ValueError, match=message):
            self.draw(sampler, name, value)

    @pytest.mark.parametrize("dtype", ["uint8", "int64"])
    def test_of_any_integer_type(self, sampler, name, dtype):
        expected = self.draw(sampler, name, 2 if name != "n_pairs" else 4)
        found = self.draw(sampler, name, np.array(2 if name != "n_pairs" else 4, dtype)[()])
        assert str(found) == str(expected)


@pytest.mark.parametrize("sampler", COUNTED)
@pytest.mark.parametrize("rng", [0, None, np.random, np.random.RandomState(0)])
def test_a_seed_is_no_generator(sampler, rng):
    draw, given = COUNTED[sampler]
    with pytest.raises(ValueError, match=r"rng is .*; expected a generator: np.random.default_rng"):
        draw(LABELS, rng=rng, **given)


@pytest.mark.parametrize("sampler", SAMPLERS)
class TestLabels:
    """Every sampler gives the same for the same classes, in whatever way they are written."""

    @pytest.mark.parametrize(
        "labels",
        [
            LABELS[:, None],
            LABELS[:, None, None],
            LABELS.tolist(),
            LABELS.astype("uint8"),
            LABELS.astype("float16"),
            LABELS + 2026112400,
            LABELS.astype("uint64") + 2**60,
            np.array(list("abcd"))[LABELS],
            np.array(list("abcd"), object)[LABELS],
        ],
        ids=["column", "3 axes", "list", "uint8", "float16", "dates", "2**60", "str", "object"],
    )
    def test_of_any_harmless_kind(self, sampler, labels):
        expected, found = (SAMPLERS[sampler](y) for y in (LABELS, labels))
        assert str(found) == str(expected)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (np.eye(12), r"shape \(12, 12\); expected \(n,\). For one-hot labels, pass"),
            (np.zeros((12, 2, 3)), r"shape \(12, 2, 3\); expected \(n,\)"),
            (LABELS / 2, r"0\.5 \(float64\) do not number classes"),
            ((LABELS + 2**24).astype("float32"), r"16777216.0 \(float32\) .*below 16777216"),
            (np.where(LABELS == 1, np.nan, 0), "labels such as nan"),
            ([*LABELS[1:], "a"], "labels are of type int, str; expected all names or all"),
            (iter(LABELS), r"labels have shape \(\); expected \(n,\)"),
        ],
        ids=["one-hot", "3 axes", "halves", "large floats", "NaN", "mixed", "iterator"],
    )
    def test_of_other_kinds_are_refused(self, sampler, labels, message):
        if isinstance(labels, list):
            labels = [int(y) if isinstance(y, np.integer) else y for y in labels]
        with pytest.raises(ValueError, match=message):
            SAMPLERS[sampler](labels)


class TestClassBatches:
    labels = np.array([3, 5, 3, 9, 5, 9, 3, 5, 9, 9, 7, 7, 7])  # 3, 3, 4 and 3 images
    images = (np.arange(13) / 32).reshape(13, 1, 1, 1)  # an image says its index

    def batches(self, **changes):
        arguments = {"n_classes": 3, "n_images": 2, "n_batches": 40, "seed": 3, **changes}
        return sampling.ClassBatches(self.images, self.labels, **arguments)

    def epoch(self, batches):
        return [places(batches[i][0]) for i in range(len(batches))]

    @pytest.mark.parametrize(("n_classes", "n_images"), [(3, 2), (2, 3), (4, 3)])
    def test_distinct_classes_with_distinct_images_each(self, n_classes, n_images):
        batches = self.batches(n_classes=n_classes, n_images=n_images)
        assert len(batches) == 40
        for i in range(40):
            images, labels = batches[i]
            assert images.shape == (n_classes * n_images, 1, 1, 1)
            assert len(set(images.ravel())) == n_classes * n_images
            classes, counts = np.unique(labels, return_counts=True)
            assert len(classes) == n_classes
            assert (counts == n_images).all()

    def test_labels_number_the_classes_of_the_images(self):
        batches = self.batches()
        for i in range(40):
            images, labels = batches[i]
            np.testing.assert_array_equal(
                labels, np.array([3, 5, 7, 9]).searchsorted(self.labels[places(images)])
            )

    def test_all_images_have_their_turn(self):
        seen = {image for batch in self.epoch(self.batches()) for image in batch}
        assert seen == set(range(13))

    def test_images_become_float32(self):
        assert self.batches()[0][0].dtype == np.float32

    def test_batch_is_a_pure_function_of_seed_epoch_and_index(self):
        batches = self.batches(n_batches=3)
        first = self.epoch(batches)
        assert first[0] != first[1]
        assert [places(batches[i][0]) for i in (2, 1, 0)] == first[::-1]
        assert self.epoch(self.batches(n_batches=3)) == first
        assert self.epoch(self.batches(n_batches=3, seed=4)) != first
        batches.on_epoch_end()
        second = self.epoch(batches)
        assert second != first
        other = self.batches(n_batches=3)
        other.on_epoch_end()
        assert self.epoch(other) == second

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"n_classes": 5}, "n_classes is 5; expected 2 to 4"),
            ({"n_classes": 1}, "n_classes is 1; expected a whole number of at least 2"),
            ({"n_images": 4}, "n_images is 4; expected 2 to 3, the images of class 3"),
            ({"n_images": 1}, "n_images is 1; expected a whole number of at least 2"),
        ],
    )
    def test_refuses(self, changes, message):
        with pytest.raises(ValueError, match=message):
            self.batches(**changes)

    def test_refuses_labels_of_another_length(self):
        with pytest.raises(ValueError, match="13 images but 12 labels"):
            sampling.ClassBatches(self.images, self.labels[:12], 2, 2, 1, 0)

    def test_draws_without_groups_are_those_of_earlier_editions(self):
        """Written out, because stored results depend on them."""
        of_class = [np.flatnonzero(self.labels == c) for c in (3, 5, 7, 9)]
        batches = self.batches()
        for epoch in range(2):
            for i in range(40):
                rng = np.random.default_rng([3, epoch, i])
                classes = rng.choice(len(of_class), 3, replace=False)
                drawn = [rng.choice(of_class[c], 2, replace=False) for c in classes]
                assert places(batches[i][0]) == np.concatenate(drawn).tolist()
            batches.on_epoch_end()


class TestGroupedClassBatches:
    """Nine classes of three images, in groups of 4, 3 and 2 classes, in no order."""

    order = np.random.default_rng(0).permutation(27)
    labels = np.repeat([10, 11, 12, 13, 20, 21, 22, 30, 31], 3)[order]  # tens name the group
    classes = np.unique(labels)
    groups = np.array(["", "Latin", "Greek", "Runic"])[labels // 10]
    images = (np.arange(27) / 32).reshape(27, 1, 1, 1)  # an image says its index

    def batches(self, **changes):
        arguments = {"n_classes": 3, "n_images": 2, "n_batches": 900, "seed": 3, **changes}
        return sampling.ClassBatches(
            self.images, self.labels, **{"groups": self.groups, **arguments}
        )

    def drawn(self, batches):
        """The classes of each batch, in the order drawn."""
        numbers = [batches[i][1][:: batches.n_images] for i in range(len(batches))]
        return [self.classes[n].tolist() for n in numbers]

    def test_distinct_classes_with_distinct_images_each(self):
        batches = self.batches(n_batches=50)
        for i in range(50):
            images, labels = batches[i]
            assert len(set(images.ravel())) == 6
            assert (np.unique(labels, return_counts=True)[1] == [2, 2, 2]).all()
            np.testing.assert_array_equal(self.classes[labels], self.labels[places(images)])

    def test_of_one_group_or_completed_by_others(self):
        """A batch of 3 is of one group, but the group of 2 is completed by a class of another."""
        seen = {1: set(), 2: set(), 3: set()}
        for classes in self.drawn(self.batches()):
            first, *rest = (c // 10 for c in classes)
            if first == 3:
                assert rest[0] == 3 and rest[1] != 3
            else:
                assert set(rest) == {first}
            seen[first].update(classes)
        assert seen == {1: {10, 11, 12, 13}, 2: {20, 21, 22}, 3: set(self.labels.tolist())}

    def test_each_group_is_as_likely_as_the_other(self):
        """900 batches: a share of one third has a standard error of 0.016."""
        drawn = np.array(self.drawn(self.batches())) // 10
        shares = [np.mean(drawn[:, 0] == group) for group in (1, 2, 3)]
        np.testing.assert_allclose(shares, 1 / 3, atol=0.05)
        completed_by = drawn[drawn[:, 0] == 3, 2]
        assert np.mean(completed_by == 1) == pytest.approx(1 / 2, abs=0.09)

    def test_each_class_of_a_group_is_as_likely_as_the_other(self):
        """About 300 batches of Latin, each with three of its four classes."""
        latin = [c for c in self.drawn(self.batches()) if c[0] // 10 == 1]
        shares = [np.mean([c in classes for classes in latin]) for c in (10, 11, 12, 13)]
        np.testing.assert_allclose(shares, 3 / 4, atol=0.08)

    def test_whole_groups_complete_a_batch(self):
        for classes in self.drawn(self.batches(n_classes=8, n_batches=50)):
            sizes = [len(list(run)) for _, run in itertools.groupby(c // 10 for c in classes)]
            assert len(sizes) == len({c // 10 for c in classes})  # no group comes back
            assert sum(sizes) == 8 and len(sizes) == 3

    def test_groups_may_be_numbers(self):
        """Given in the names' order, Greek, Latin, Runic, they change nothing."""
        numbers = np.array([0, 7, 5, 9])[self.labels // 10]
        named, numbered = (self.batches(n_batches=20, groups=g) for g in (self.groups, numbers))
        assert self.drawn(numbered) == self.drawn(named)

    def test_batch_is_a_pure_function_of_seed_epoch_and_index(self):
        def epoch(batches):
            return [places(batches[i][0]) for i in range(len(batches))]

        batches = self.batches(n_batches=3)
        first = epoch(batches)
        assert first[0] != first[1]
        assert [places(batches[i][0]) for i in (2, 1, 0)] == first[::-1]
        assert epoch(self.batches(n_batches=3)) == first
        assert epoch(self.batches(n_batches=3, seed=4)) != first
        batches.on_epoch_end()
        second = epoch(batches)
        assert second != first
        other = self.batches(n_batches=3)
        other.on_epoch_end()
        assert epoch(other) == second

    def test_refuses_groups_of_another_length(self):
        with pytest.raises(ValueError, match="27 images but 26 groups; expected one for each"):
            self.batches(groups=self.groups[:26])

    def test_refuses_a_class_in_two_groups(self):
        """As where the characters of each alphabet are numbered from 0."""
        with pytest.raises(ValueError, match=r"class 0 is in groups Greek and Latin; expected one"):
            sampling.ClassBatches(self.images, self.labels % 10, 2, 2, 1, 0, self.groups)
