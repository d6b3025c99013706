"""Losses: the label convention, hand-derived values, gradients."""

import itertools
import re

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import distances, losses
from siamese_utils.losses import (
    ContrastiveLoss,
    InBatchContrastiveLoss,
    InBatchVerificationLoss,
    SupervisedContrastiveLoss,
)

pytestmark = pytest.mark.backend


def loss(same, distance, margin=1.0):
    value = ContrastiveLoss(margin)(np.array(same, "float32"), np.array(distance, "float32"))
    return float(keras.ops.convert_to_numpy(value))


@pytest.mark.parametrize(
    ("loss", "settings"),
    [
        (losses.ContrastiveLoss(), {"margin": 1.0}),
        (losses.InBatchContrastiveLoss(), {"margin": 1.0, "hardest": False}),
        (losses.ArcFaceLoss(), {"scale": 30.0, "margin": 0.5}),
        (
            losses.MultiSimilarityLoss(),
            {"alpha": 2.0, "beta": 50.0, "base": 0.5, "epsilon": 0.1},
        ),
        (losses.LiftedStructureLoss(), {"margin": 1.0}),
        (losses.InBatchVerificationLoss(), {"hardness": 0.0}),
        (losses.InBatchSoftmaxLoss(), {"temperature": 0.1}),
        (losses.SupervisedContrastiveLoss(), {"temperature": 0.1}),
        (losses.TripletLoss(), {"mining": "semi_hard", "form": "hinge", "margin": 0.2}),
        (
            losses.EpisodicLoss("matching"),
            {"form": "matching", "n_shot": 1, "temperature": 0.1},
        ),
    ],
)
def test_what_a_file_of_a_compiled_model_says_of_a_loss(loss, settings):
    """Its name in the package, by which Keras finds it again, and its settings."""
    name = type(loss).__name__
    assert keras.saving.get_registered_name(type(loss)) == f"siamese_utils>{name}"
    config = loss.get_config()
    assert config.pop("name") == re.sub("(?<!^)(?=[A-Z])", "_", name).lower()
    assert {key: config[key] for key in config if key not in ("reduction", "dtype")} == settings


@pytest.mark.parametrize(
    ("same", "distance", "margin", "expected"),
    [
        ([1], [0.0], 1.0, 0.0),  # same and together: nothing to do
        ([0], [1.0], 1.0, 0.0),  # different and a margin apart: nothing to do
        ([0], [7.0], 1.0, 0.0),  # ... nor further away
        ([1], [2.0], 1.0, 4.0),  # same, two apart: 2 squared, without limit
        ([0], [0.0], 1.0, 1.0),  # different and together: the margin squared
        ([0], [0.5], 2.0, 2.25),  # (2 - 0.5) squared
        ([1, 0], [0.25, 0.25], 1.0, 0.3125),  # (0.0625 + 0.5625) / 2
    ],
)
def test_by_hand(same, distance, margin, expected):
    assert loss(same, distance, margin) == pytest.approx(expected, abs=1e-6)


def test_label_one_means_same():
    """The book's convention, the opposite of Hadsell's Y: near is good where same = 1."""
    near, far = [0.1], [0.9]
    assert loss([1], near) < loss([1], far)
    assert loss([0], near) > loss([0], far)


def test_equals_a_loop():
    rng = np.random.default_rng(0)
    same, distance = rng.integers(0, 2, 50), rng.uniform(0, 2, 50)
    terms = [d**2 if s == 1 else max(1.3 - d, 0) ** 2 for s, d in zip(same, distance, strict=True)]
    assert loss(same, distance, 1.3) == pytest.approx(np.mean(terms), rel=1e-5)


def test_integer_labels_do():
    value = ContrastiveLoss()(np.array([1, 0]), np.array([0.5, 0.5], "float32"))
    assert float(keras.ops.convert_to_numpy(value)) == pytest.approx(0.25)


@pytest.mark.parametrize("same", [0.0, 1.0])
def test_gradient_is_finite_for_two_equal_images(same):
    b = np.ones((1, 3), "float32")
    label = keras.ops.convert_to_tensor(np.array([same], "float32"))
    other = keras.ops.convert_to_tensor(b)
    slope = gradient(lambda a: ContrastiveLoss()(label, distances.euclidean(a, other)), b)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("margin", [0, -1.0, float("nan")])
def test_refuses_a_margin_that_is_not_positive(margin):
    with pytest.raises(ValueError, match=r"margin is .*positive"):
        ContrastiveLoss(margin)


def test_survives_its_config():
    again = keras.losses.deserialize(keras.losses.serialize(ContrastiveLoss(0.7)))
    assert isinstance(again, ContrastiveLoss)
    assert again.margin == 0.7


class TestInBatch:
    def loss(self, labels, points, margin=1.0):
        value = InBatchContrastiveLoss(margin)(np.array(labels), np.array(points, "float32"))
        return float(keras.ops.convert_to_numpy(value))

    def test_by_hand(self):
        """Points at 0, 0.25, 0.5: same 0.0625; different (0.25 + 0.5625) / 2; then their mean."""
        found = self.loss([0, 0, 1], [[0.0], [0.25], [0.5]])
        assert found == pytest.approx((0.0625 + 0.40625) / 2, abs=1e-6)

    def test_equals_the_pairwise_loss_on_all_pairs(self):
        """A loop over the listed pairs, each kind's mean counting one half."""
        rng = np.random.default_rng(0)
        labels, points = rng.integers(0, 3, 12), rng.normal(size=(12, 4)) / 2
        terms = {1: [], 0: []}
        for i, j in itertools.combinations(range(12), 2):
            same = int(labels[i] == labels[j])
            terms[same].append(loss([same], [np.linalg.norm(points[i] - points[j])], 1.3))
        expected = (np.mean(terms[1]) + np.mean(terms[0])) / 2
        assert self.loss(labels, points, 1.3) == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize(("labels", "expected"), [([0, 0], 0.0625), ([0, 1], 0.5625)])
    def test_a_missing_kind_adds_nothing(self, labels, expected):
        found = self.loss(labels, [[0.0], [0.25]])
        assert found == pytest.approx(expected / 2, abs=1e-6)

    def test_gradient_is_finite_for_equal_images(self):
        points = np.ones((4, 3), "float32")
        labels = keras.ops.convert_to_tensor(np.array([0, 0, 1, 1]))
        slope = gradient(lambda z: InBatchContrastiveLoss()(labels, z), points)
        assert np.isfinite(slope).all()

    @pytest.mark.slow
    def test_trains_an_encoder_on_class_labels(self):
        """Through Keras, which may hand over the labels as a column."""
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(64) % 2
        points = rng.normal(size=(64, 2)).astype("float32") + 2 * labels[:, None]
        encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        encoder.compile("sgd", InBatchContrastiveLoss())
        history = encoder.fit(points, labels, batch_size=32, epochs=20, verbose=0).history
        assert history["loss"][-1] < 0.7 * history["loss"][0]

    def test_refuses_a_margin_that_is_not_positive(self):
        with pytest.raises(ValueError, match=r"margin is 0.*positive"):
            InBatchContrastiveLoss(0)

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(InBatchContrastiveLoss(0.7)))
        assert isinstance(again, InBatchContrastiveLoss)
        assert again.margin == 0.7


class TestInBatchVerification:
    """Classes of 4, 3, 2, 2 and 1 images, so that images have unequal numbers of pairs."""

    LABELS = np.array([0, 1, 2, 0, 3, 1, 4, 0, 2, 3, 1, 0])

    @pytest.fixture
    def logits(self):
        logits = np.random.default_rng(0).normal(0, 2, (12, 12)).astype("float32")
        return logits + logits.T

    def loss(self, labels, logits, hardness=0.0):
        value = InBatchVerificationLoss(hardness)(np.array(labels), np.array(logits, "float32"))
        return float(keras.ops.convert_to_numpy(value))

    @staticmethod
    def weights_by_loop(labels, logits, hardness):
        """What each pair counts in the loss, as numbers: same pairs, then different pairs."""
        n = len(labels)
        same, different = np.zeros((2, n, n))
        for i in range(n):
            others = [j for j in range(n) if labels[j] != labels[i]]
            total = sum(np.exp(hardness * logits[i, j]) for j in others)
            for j in range(n):
                if j in others:
                    different[i, j] = len(others) * np.exp(hardness * logits[i, j]) / total
                elif j != i:
                    same[i, j] = 1
        return same / same.sum() / 2, different / different.sum() / 2

    @pytest.mark.parametrize(
        ("hardness", "expected"), [(0.0, 0.663701), (1.0, 0.707023), (2.0, 0.733016)]
    )
    def test_by_hand(self, hardness, expected):
        """Odds 3 : 1 for the same pair: log 4/3. The different pairs have odds 3 : 1 and 1 : 1,
        log 4 and log 2. Images 0 and 1 have one each, image 2 has both, and weights them
        as 1 : 1, 3 : 1 or 9 : 1: (3 log 2 + 2 m) / 4 with m of 3/2, 7/4 and 19/10 log 2.
        """
        log3 = np.log(3)
        logits = [[5, log3, log3], [log3, 5, 0], [log3, 0, 5]]
        assert self.loss([0, 0, 1], logits, hardness) == pytest.approx(expected, abs=1e-5)

    def test_plain_equals_balanced_cross_entropy_over_listed_pairs(self, logits):
        terms = {1: [], 0: []}
        for i, j in itertools.combinations(range(12), 2):
            p = 1 / (1 + np.exp(-float(logits[i, j])))
            same = int(self.LABELS[i] == self.LABELS[j])
            terms[same].append(-np.log(p if same else 1 - p))
        expected = (np.mean(terms[1]) + np.mean(terms[0])) / 2
        assert self.loss(self.LABELS, logits) == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("hardness", [0.0, 1.0, 2.5])
    def test_equals_a_loop_with_weights(self, logits, hardness):
        same, different = self.weights_by_loop(self.LABELS, logits, hardness)
        expected = 0.0
        for i, j in itertools.product(range(12), repeat=2):
            p = 1 / (1 + np.exp(-float(logits[i, j])))
            expected -= same[i, j] * np.log(p) + different[i, j] * np.log(1 - p)
        assert self.loss(self.LABELS, logits, hardness) == pytest.approx(expected, rel=1e-5)

    @pytest.mark.parametrize("hardness", [0.0, 1.0])
    def test_gradient_takes_the_weights_as_constants(self, logits, hardness):
        """Of softplus(-s) it is p - 1, of softplus(s) it is p, each times the pair's weight."""
        same, different = self.weights_by_loop(self.LABELS, logits, hardness)
        p = 1 / (1 + np.exp(-logits.astype(float)))
        labels = keras.ops.convert_to_tensor(self.LABELS)
        slope = gradient(lambda s: InBatchVerificationLoss(hardness)(labels, s), logits)
        np.testing.assert_allclose(slope, same * (p - 1) + different * p, rtol=1e-4, atol=1e-8)

    def test_an_image_is_not_paired_with_itself(self, logits):
        other = logits + 100 * np.eye(12, dtype="float32")
        assert self.loss(self.LABELS, other, 1.0) == self.loss(self.LABELS, logits, 1.0)

    def test_order_does_not_matter(self, logits):
        order = np.random.default_rng(1).permutation(12)
        moved = self.loss(self.LABELS[order], logits[order][:, order], 1.0)
        assert moved == pytest.approx(self.loss(self.LABELS, logits, 1.0), rel=1e-5)

    def test_labels_may_be_a_column(self, logits):
        expected = self.loss(self.LABELS, logits, 1.0)
        assert self.loss(self.LABELS[:, None], logits, 1.0) == expected

    @pytest.mark.filterwarnings("ignore:You are using a softmax")  # of a batch of one
    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            ([0, 0, 0], np.log(4 / 3)),  # one class: no different pair
            ([0, 1, 2], np.log(4)),  # an image of each: no same pair
            ([0], 0.0),  # no pair at all
        ],
    )
    @pytest.mark.parametrize("hardness", [0.0, 1.0])
    def test_a_missing_kind_adds_nothing(self, labels, expected, hardness):
        """All logits log 3, so all weights are alike; the kind that is there counts one half."""
        logits = np.full((len(labels), len(labels)), np.log(3), "float32")
        assert self.loss(labels, logits, hardness) == pytest.approx(expected / 2, abs=1e-6)
        labels = keras.ops.convert_to_tensor(np.array(labels))
        slope = gradient(lambda s: InBatchVerificationLoss(hardness)(labels, s), logits)
        assert np.isfinite(slope).all()

    @pytest.mark.parametrize("size", [1e3, 1e6])
    @pytest.mark.parametrize("hardness", [0.0, 1.0])
    def test_huge_logits_by_hand(self, size, hardness):
        """Same pair (0, 1): softplus(size) = size. Different: size for (0, 2), 0 for (1, 2), of
        which image 2 sees the half, or with hardness only the first; so their mean is
        (size + 0 + size) / 4 or (size + 0 + 2 size) / 4.
        """
        labels = np.array([0, 0, 1])
        logits = np.array([[0, -1, 1], [-1, 0, -1], [1, -1, 0]], "float32") * np.float32(size)
        pushed = size / 2 if hardness == 0 else 3 * size / 4
        assert self.loss(labels, logits, hardness) == pytest.approx((size + pushed) / 2, rel=1e-5)
        labels = keras.ops.convert_to_tensor(labels)
        slope = gradient(lambda s: InBatchVerificationLoss(hardness)(labels, s), logits)
        last = 1 / 8 if hardness == 0 else 1 / 4
        expected = [[0, -1 / 4, 1 / 8], [-1 / 4, 0, 0], [last, 0, 0]]
        np.testing.assert_allclose(slope, expected, atol=1e-6)

    @pytest.mark.parametrize("hardness", [-1.0, float("nan")])
    def test_refuses_a_hardness_below_zero(self, hardness):
        with pytest.raises(ValueError, match=rf"hardness is {hardness}; expected 0 or a positive"):
            InBatchVerificationLoss(hardness)

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(InBatchVerificationLoss(0.7)))
        assert isinstance(again, InBatchVerificationLoss)
        assert again.hardness == 0.7


class TestSupervised:
    def loss(self, labels, points, temperature):
        value = SupervisedContrastiveLoss(temperature)(
            np.array(labels), np.array(points, "float32")
        )
        return float(keras.ops.convert_to_numpy(value))

    @pytest.fixture
    def batch(self):
        """Twelve unit vectors, of classes of 4, 3, 2, 2 and 1."""
        rng = np.random.default_rng(0)
        points = rng.normal(size=(12, 3))
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        return rng.permutation([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4]), points

    @staticmethod
    def by_loop(labels, points, temperature):
        """Khosla et al. (2020), eq. 2, as a mean over the images that have a partner."""
        terms = []
        for i, anchor in enumerate(points):
            others = [a for a in range(len(points)) if a != i]
            partners = [p for p in others if labels[p] == labels[i]]
            total = sum(np.exp(anchor @ points[a] / temperature) for a in others)
            logs = [np.log(np.exp(anchor @ points[p] / temperature) / total) for p in partners]
            if partners:
                terms.append(-np.mean(logs))
        return np.mean(terms)

    @pytest.mark.parametrize(("temperature", "expected"), [(1.0, 0.551445), (0.5, 0.239544)])
    def test_by_hand(self, temperature, expected):
        """A partner at similarity 1, two others at 0: log(1 + 2 exp(-1 / temperature))."""
        points = [[1, 0], [1, 0], [0, 1], [0, 1]]
        assert self.loss([0, 0, 1, 1], points, temperature) == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("temperature", [1.0, 0.1])
    def test_equals_a_loop_over_images(self, batch, temperature):
        expected = self.by_loop(*batch, temperature)
        assert self.loss(*batch, temperature) == pytest.approx(expected, rel=1e-5)

    def test_order_does_not_matter(self, batch):
        labels, points = batch
        order = np.random.default_rng(1).permutation(12)
        moved = self.loss(labels[order], points[order], 0.1)
        assert moved == pytest.approx(self.loss(labels, points, 0.1), rel=1e-5)

    def test_an_image_alone_in_its_class_adds_nothing(self):
        """Two partners, each with one other at similarity 0: log(1 + 1 / e), from two images."""
        found = self.loss([0, 0, 1], [[1, 0], [1, 0], [0, 1]], 1.0)
        assert found == pytest.approx(0.313262, abs=1e-5)

    def test_no_partners_no_loss_and_no_gradient(self, batch):
        labels, points = np.arange(12), batch[1].astype("float32")
        assert self.loss(labels, points, 0.1) == 0.0
        labels = keras.ops.convert_to_tensor(labels)
        slope = gradient(lambda z: SupervisedContrastiveLoss()(labels, z), points)
        np.testing.assert_array_equal(slope, np.zeros((12, 3)))

    def test_labels_may_be_a_column(self, batch):
        labels, points = batch
        assert self.loss(labels[:, None], points, 0.1) == self.loss(labels, points, 0.1)

    def test_gradient_is_finite_for_equal_images(self):
        points = np.tile(np.array([[0.6, 0.8]], "float32"), (4, 1))
        labels = keras.ops.convert_to_tensor(np.array([0, 0, 1, 1]))
        slope = gradient(lambda z: SupervisedContrastiveLoss()(labels, z), points)
        assert np.isfinite(slope).all()

    @pytest.mark.slow
    def test_trains_an_encoder_on_class_labels(self):
        """Through Keras, whose batches have no size when the step is compiled."""
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(64) % 2
        points = rng.normal(size=(64, 2)).astype("float32") + 2 * labels[:, None]
        encoder = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(2), keras.layers.UnitNormalization()]
        )
        encoder.compile(keras.optimizers.SGD(0.1), SupervisedContrastiveLoss(0.5))
        history = encoder.fit(points, labels, batch_size=32, epochs=10, verbose=0).history
        assert history["loss"][-1] < history["loss"][0] - 0.1

    @pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
    def test_refuses_a_temperature_that_is_not_positive(self, temperature):
        with pytest.raises(ValueError, match=rf"temperature is {temperature}.*positive"):
            SupervisedContrastiveLoss(temperature)

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(SupervisedContrastiveLoss(0.7)))
        assert isinstance(again, SupervisedContrastiveLoss)
        assert again.temperature == 0.7
