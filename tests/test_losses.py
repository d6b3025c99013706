"""Contrastive losses: the label convention, hand-derived values, gradients."""

import itertools

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import distances
from siamese_utils.losses import (
    ContrastiveLoss,
    InBatchContrastiveLoss,
    SupervisedContrastiveLoss,
)

pytestmark = pytest.mark.backend


def loss(same, distance, margin=1.0):
    value = ContrastiveLoss(margin)(np.array(same, "float32"), np.array(distance, "float32"))
    return float(keras.ops.convert_to_numpy(value))


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
