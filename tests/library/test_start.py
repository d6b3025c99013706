"""A start of the weights that is fitted to images, and the units that decide the precision."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from siamese_utils.distances import WeightedL1
from siamese_utils.models import embed, koch_encoder, koch_network, start_from_data
from siamese_utils.training import precision

pytestmark = pytest.mark.backend

SIDE = 65  # the smallest that Koch's layers take


@pytest.fixture(scope="module")
def images():
    """Thirty strokes, each of another slope, place and darkness."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    angles, offsets = rng.uniform(0, np.pi, 30), rng.uniform(-20, 20, 30)
    apart = [
        np.abs((rows - 32) * np.sin(a) + (columns - 32) * np.cos(a) - o)
        for a, o in zip(angles, offsets, strict=True)
    ]
    return (np.array(apart) < 3).astype("float32")[..., None]


@pytest.fixture(scope="module")
def network(images):
    keras.utils.set_random_seed(1)
    encoder = koch_encoder((SIDE, SIDE, 1), dim=20)
    network = koch_network(encoder)
    start_from_data(encoder, network.get_layer("head"), images, seed=1)
    return network


def encoder_of(network):
    return network.get_layer("koch_encoder")


def sums_of(encoder, images):
    h = embed(encoder, images).astype("float64")
    return np.log(h / (1 - h))


def test_sums_of_each_unit_have_mean_0_and_deviation_1_over_images(network, images):
    sums = sums_of(encoder_of(network), images)
    np.testing.assert_allclose(sums.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(sums.std(axis=0), 1, rtol=1e-3)


def test_equal_images_start_at_logit_8_and_others_around_0(network, images):
    h = embed(encoder_of(network), images)
    head = network.get_layer("head")
    left, right = np.triu_indices(len(images), 1)
    logits = keras.ops.convert_to_numpy(head.logit(h[left], h[right]))
    assert abs(logits.mean()) < 1 and logits.min() < 0 < logits.max()
    same = keras.ops.convert_to_numpy(head.logit(h, h))
    np.testing.assert_allclose(same, 8, rtol=1e-6)


def test_convolutions_are_he_normal_without_biases(network):
    for name in ("conv1", "conv2", "conv3", "conv4"):
        kernel, bias = encoder_of(network).get_layer(name).get_weights()
        expected = np.sqrt(2 / np.prod(kernel.shape[:3]))
        assert kernel.std() == pytest.approx(expected, rel=0.03)
        assert abs(kernel.mean()) < 3 * expected / np.sqrt(kernel.size)
        assert not bias.any()


def test_no_layer_is_added_and_all_weights_are_set(network, images):
    """Whatever they were before, and the same from the same seed."""
    keras.utils.set_random_seed(2)
    encoder = koch_encoder((SIDE, SIDE, 1), dim=20, paper_init=False)
    head = WeightedL1()
    head.build([(None, 20)] * 2)
    before = [layer.name for layer in encoder.layers]
    start_from_data(encoder, head, images, seed=1)
    assert [layer.name for layer in encoder.layers] == before
    pairs = zip([*encoder.get_weights(), *head.get_weights()], network.get_weights(), strict=True)
    for ours, others in pairs:
        np.testing.assert_allclose(ours, others, rtol=1e-4, atol=1e-5)


def test_another_seed_is_another_start(network, images):
    encoder = koch_encoder((SIDE, SIDE, 1), dim=20)
    head = WeightedL1()
    head.build([(None, 20)] * 2)
    start_from_data(encoder, head, images, seed=2)
    other = encoder_of(network).get_layer("conv1").get_weights()[0]
    assert np.abs(encoder.get_layer("conv1").get_weights()[0] - other).max() > 1e-3


class TestRefuses:
    @pytest.fixture
    def head(self):
        head = WeightedL1()
        head.build([(None, 3)] * 2)
        return head

    @pytest.fixture
    def encoder(self):
        return keras.Sequential(
            [keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(3, activation="sigmoid")]
        )

    def test_images_that_are_all_alike(self, encoder, head):
        with pytest.raises(ValueError, match="same sum for all 4 images; expected images that dif"):
            start_from_data(encoder, head, np.ones((4, 2, 2, 1)), seed=0)

    def test_an_encoder_that_does_not_end_in_a_dense_layer(self, head):
        encoder = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten()])
        with pytest.raises(ValueError, match="ends in a Flatten layer; expected a Dense one"):
            start_from_data(encoder, head, np.ones((4, 2, 2, 1)), seed=0)

    @pytest.mark.parametrize("seed", [-1, 0.5, None])
    def test_no_seed(self, encoder, head, seed):
        with pytest.raises(ValueError, match=r"seed is .*; expected a whole number"):
            start_from_data(encoder, head, np.ones((4, 2, 2, 1)), seed)


class TestFastBfloat16:
    @pytest.fixture
    def flags(self, monkeypatch):
        monkeypatch.setattr(precision, "has_gpu", lambda: False)
        return lambda text: monkeypatch.setattr(Path, "read_text", lambda path: text)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("model name\t: Some\nflags\t\t: fpu avx512_bf16 sse\n", True),
            ("flags\t\t: fpu amx_bf16\n", True),
            ("flags\t\t: fpu avx512f avx512_vnni\n", False),
            ("Features\t: fp asimd\n", False),
        ],
    )
    def test_is_read_off_the_processor_s_flags(self, flags, text, expected):
        flags(text)
        expected = expected and keras.backend.backend() != "jax"
        assert precision.has_fast_bfloat16() is expected

    def test_a_gpu_has_it(self, flags, monkeypatch):
        flags("flags\t: fpu\n")
        monkeypatch.setattr(precision, "has_gpu", lambda: True)
        assert precision.has_fast_bfloat16() is True

    def test_where_the_system_does_not_tell_there_is_none(self, flags, monkeypatch):
        def missing(path):
            raise FileNotFoundError(path)

        monkeypatch.setattr(Path, "read_text", missing)
        assert precision.has_fast_bfloat16() is False
