"""Each pair against all other classes of the batch: by hand, against a loop, at the edges."""

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils.losses import InBatchSoftmaxLoss, SupervisedContrastiveLoss

pytestmark = pytest.mark.backend


def loss(labels, points, temperature=1.0):
    value = InBatchSoftmaxLoss(temperature)(np.array(labels), np.array(points, "float32"))
    return float(keras.ops.convert_to_numpy(value))


def slope(labels, points, temperature=1.0):
    labels = keras.ops.convert_to_tensor(np.array(labels))
    points = np.array(points, "float32")
    return gradient(lambda z: InBatchSoftmaxLoss(temperature)(labels, z), points)


@pytest.fixture
def batch():
    """Twelve unit vectors, of classes of 4, 3, 2, 2 and 1."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(12, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return rng.permutation([0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4]), points


def by_loop(labels, points, temperature):
    """The formula, pair by pair and negative by negative."""
    n, terms = range(len(points)), []
    for i in n:
        for p in n:
            if p != i and labels[p] == labels[i]:
                total = 1.0
                for k in n:
                    if labels[k] != labels[i]:
                        total += np.exp(
                            (points[i] @ points[k] - points[i] @ points[p]) / temperature
                        )
                terms.append(np.log(total))
    return np.mean(terms)


@pytest.mark.parametrize(("temperature", "expected"), [(1.0, 0.551445), (0.5, 0.239544)])
def test_by_hand(temperature, expected):
    """A partner at similarity 1, two negatives at 0: log(1 + 2 exp(-1 / temperature))."""
    points = [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert loss([0, 0, 1, 1], points, temperature) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.01])
def test_equals_a_loop_over_pairs_and_negatives(batch, temperature):
    assert loss(*batch, temperature) == pytest.approx(by_loop(*batch, temperature), rel=1e-5)


def test_partners_do_not_compete():
    """Three of a class at one place, one other at similarity 0: log(1 + 1 / e) for each pair. To
    the supervised contrastive loss the third of the class is a rival, which costs more.
    """
    labels, points = np.array([0, 0, 0, 1]), np.array([[1, 0], [1, 0], [1, 0], [0, 1]], "float32")
    assert loss(labels, points) == pytest.approx(0.313262, abs=1e-5)
    assert float(SupervisedContrastiveLoss(1.0)(labels, points)) > 0.8


def test_each_pair_counts_the_same(batch):
    """One image twice more in the batch gives its class more pairs, and no other weights."""
    labels, points = batch
    chosen = [*range(12), 0, 0]
    expected = by_loop(labels[chosen], points[chosen], 0.1)
    assert loss(labels[chosen], points[chosen], 0.1) == pytest.approx(expected, rel=1e-5)


def test_order_does_not_matter(batch):
    labels, points = batch
    order = np.random.default_rng(1).permutation(12)
    moved = loss(labels[order], points[order], 0.1)
    assert moved == pytest.approx(loss(labels, points, 0.1), rel=1e-5)


def test_labels_may_be_a_column(batch):
    labels, points = batch
    assert loss(labels[:, None], points, 0.1) == loss(labels, points, 0.1)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.arange(12), id="no pairs"),
        pytest.param(np.zeros(12, int), id="no negatives"),
        pytest.param([0], id="one image"),
    ],
)
@pytest.mark.parametrize("temperature", [1.0, 0.01])
def test_nothing_to_compare_no_loss_and_no_gradient(batch, labels, temperature):
    points = batch[1][: len(labels)]
    assert loss(labels, points, temperature) == 0.0
    np.testing.assert_array_equal(slope(labels, points, temperature), np.zeros_like(points))


@pytest.mark.parametrize("temperature", [0.1, 0.01])
def test_equal_images(temperature):
    """All similarities alike, two negatives: log 3; and each image is pulled and pushed alike."""
    labels, points = [0, 0, 1, 1], np.tile([0.6, 0.8], (4, 1))
    assert loss(labels, points, temperature) == pytest.approx(np.log(3), abs=1e-4)
    np.testing.assert_allclose(slope(labels, points, temperature), np.zeros((4, 2)), atol=1e-4)


@pytest.mark.parametrize("temperature", [0.01, 0.0001])
def test_low_temperature_by_hand(temperature):
    """Partners opposite, the negative at one of them. With t for the temperature, pair (0, 1)
    costs softplus(2 / t) = 2 / t and has slope 1; pair (1, 0) costs log 2 and has slope 1/2.
    """
    labels, points = [0, 0, 1], [[1, 0], [-1, 0], [1, 0]]
    expected = (2 / temperature + np.log(2)) / 2
    assert loss(labels, points, temperature) == pytest.approx(expected, rel=1e-6)
    expected = np.array([[1.25, 0], [-0.5, 0], [0.25, 0]]) / temperature
    np.testing.assert_allclose(slope(labels, points, temperature), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_computed_in_float32_under_mixed_precision(batch, dtype):
    """Of the embeddings as they are rounded, at a temperature where the mask matters."""
    rounded = keras.ops.cast(batch[1].astype("float32"), dtype)
    found = InBatchSoftmaxLoss(0.01)(batch[0], rounded)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    points = keras.ops.convert_to_numpy(keras.ops.cast(rounded, "float32")).astype(float)
    assert float(found) == pytest.approx(by_loop(batch[0], points, 0.01), rel=1e-5)


@pytest.mark.slow
def test_trains_an_encoder_on_class_labels():
    """Through Keras, whose last batch is smaller than the rest."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = np.arange(72) % 2
    points = rng.normal(size=(72, 2)).astype("float32") + 2 * labels[:, None]
    encoder = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(2), keras.layers.UnitNormalization()]
    )
    encoder.compile(keras.optimizers.SGD(0.1), InBatchSoftmaxLoss(0.5))
    history = encoder.fit(points, labels, batch_size=32, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.1


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_refuses_a_temperature_that_is_not_positive(temperature):
    with pytest.raises(ValueError, match=rf"temperature is {temperature}.*positive"):
        InBatchSoftmaxLoss(temperature)


def test_survives_its_config():
    again = keras.losses.deserialize(keras.losses.serialize(InBatchSoftmaxLoss(0.7)))
    assert isinstance(again, InBatchSoftmaxLoss)
    assert again.temperature == 0.7
