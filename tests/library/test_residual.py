"""The residual encoder, and embeddings that are averaged over shifts."""

import itertools
import json
import zipfile

import keras
import numpy as np
import pytest

from siamese_utils import models
from siamese_utils.models.residual import residual_block

pytestmark = pytest.mark.backend


def maps(model, images, **options):
    """As it is called, without the compilation of predict."""
    return keras.ops.convert_to_numpy(model(keras.ops.convert_to_tensor(images), **options))


def n_weights(channels, filters):
    """By hand: 3 x 3 convolutions without a bias, four numbers a channel of a normalisation, and
    1 x 1 convolutions past the blocks that change the number of channels.
    """
    total, before = 9 * channels * filters[0], filters[0]
    for n in filters:
        total += 4 * before + 9 * before * n + 4 * n + 9 * n * n
        total += before * n if before != n else 0
        before = n
    return total + 4 * before


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return models.residual_encoder((7, 5, 1), (2, 3))


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, 7, 5, 1), "float32")


class TestEncoder:
    def test_is_the_chapter_s_unless_told(self):
        """42 is halved to 21, 11, 6 and 3."""
        encoder = models.residual_encoder((42, 42, 1))
        assert encoder.output_shape == (None, 9 * 96)
        assert encoder.count_params() == n_weights(1, (24, 48, 48, 96)) == 215_160

    @pytest.mark.parametrize(
        ("shape", "filters", "places"),
        [
            ((42, 42, 1), (2, 2, 3, 5), 9),
            ((35, 105, 1), (2, 3), 9 * 27),
            ((7, 5, 3), (4, 4), 4),
            ((1, 1, 1), (2,), 1),
        ],
    )
    def test_keeps_all_places_of_the_last_block(self, shape, filters, places):
        """Odd sides are halved and rounded up, so no row or column is left out."""
        encoder = models.residual_encoder(shape, filters)
        assert encoder.output_shape == (None, places * filters[-1])
        assert encoder.count_params() == n_weights(shape[-1], filters)

    def test_overlapping_windows_change_less_with_a_shift(self):
        """By what share the maps behind a pooling change when a stroke moves by a pixel."""
        images = np.zeros((20, 21, 21, 1), "float32")
        images[np.arange(20), 3:18, np.arange(20) % 17] = 1.0
        images = np.maximum(images, np.roll(images, 1, axis=2))  # two pixels wide
        changes = {}
        for pool_size in (2, 3):
            keras.utils.set_random_seed(0)
            encoder = models.residual_encoder((21, 21, 1), (4,), pool_size)
            here, moved = (models.embed(encoder, np.roll(images, s, axis=2)) for s in (0, 1))
            changes[pool_size] = 1 - np.sum(here * moved, axis=1).mean()
        assert changes[3] < 0.9 * changes[2]

    def test_embeddings_have_length_1(self, encoder, images):
        embeddings = models.embed(encoder, images)
        assert embeddings.shape == (6, 2 * 2 * 3) and embeddings.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)

    def test_similarities_may_be_negative(self):
        """No rectified units stand behind. With one place, and normalised over the batch as in
        training, the maps sum to zero: each image has one at more than a right angle.
        """
        encoder = models.residual_encoder((2, 2, 1), (3,))
        images = np.random.default_rng(0).random((6, 2, 2, 1), "float32")
        embeddings = maps(encoder, images, training=True)
        assert embeddings.shape == (6, 3)
        assert ((embeddings @ embeddings.T).min(axis=1) < 0).all()

    def test_sees_the_last_corner_of_an_odd_image(self, encoder):
        """A dot there is not the same as one in the first corner, or as none."""
        images = np.zeros((3, 7, 5, 1), "float32")
        images[0, -1, -1] = images[1, 0, 0] = 1
        last, first, blank = maps(encoder, images)
        for stroke, other in ((last, blank), (first, blank), (last, first)):
            assert np.abs(stroke - other).max() > 0.01

    def test_loads_from_a_file_of_keras_s_own_layers(self, encoder, images, tmp_path):
        """So that a reader needs Keras alone; safe mode, Keras' default, takes it."""
        encoder.save(tmp_path / "encoder.keras")
        again = keras.saving.load_model(tmp_path / "encoder.keras", safe_mode=True)
        np.testing.assert_array_equal(maps(again, images), maps(encoder, images))
        with zipfile.ZipFile(tmp_path / "encoder.keras") as file:
            layers = json.loads(file.read("config.json"))["config"]["layers"]
        assert len(layers) == len(encoder.layers)
        assert {(layer["module"], layer["registered_name"]) for layer in layers} == {
            ("keras.layers", None)
        }


class TestBlock:
    @pytest.fixture
    def images(self):
        return np.random.default_rng(0).normal(size=(2, 4, 3, 3)).astype("float32")

    def block(self, filters):
        inputs = keras.Input((4, 3, 3))
        return keras.Model(inputs, residual_block(inputs, filters))

    def convolutions(self, block):
        return [layer for layer in block.layers if isinstance(layer, keras.layers.Conv2D)]

    def test_adds_nothing_when_its_convolutions_are_zero(self, images):
        block = self.block(3)
        assert [layer.kernel_size for layer in self.convolutions(block)] == [(3, 3), (3, 3)]
        for layer in self.convolutions(block):
            layer.set_weights([np.zeros((3, 3, 3, 3))])
        np.testing.assert_array_equal(maps(block, images), images)

    def test_adds_what_its_convolutions_find(self, images):
        """Both pass the middle pixel on: normalised, which before training only divides by the
        root of 1.001, and rectified, twice.
        """
        block = self.block(3)
        identity = np.zeros((3, 3, 3, 3))
        identity[1, 1] = np.eye(3)
        for layer in self.convolutions(block):
            layer.set_weights([identity])
        expected = images + np.maximum(images, 0) / 1.001
        np.testing.assert_allclose(maps(block, images), expected, rtol=1e-5)

    def test_other_channels_pass_by_through_a_1_x_1_convolution(self, images):
        block = self.block(2)
        shortcut = next(c for c in self.convolutions(block) if c.kernel_size == (1, 1))
        mixing = np.array([[1, 0], [0, 2], [3, 0]], "float32")
        for layer in self.convolutions(block):
            layer.set_weights([0 * layer.get_weights()[0]])
        shortcut.set_weights([mixing[None, None]])
        np.testing.assert_allclose(maps(block, images), images @ mixing, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def dense():
    """Sees where something is."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.UnitNormalization()]
    return keras.Sequential([keras.Input(TestShifted.SHAPE), *layers])


class TestShifted:
    SHAPE = (5, 6, 2)

    @pytest.fixture
    def images(self):
        return np.random.default_rng(0).random((3, *self.SHAPE), "float32")

    def test_without_reach_it_embeds(self, dense, images):
        expected = models.embed(dense, images)
        np.testing.assert_allclose(models.embed_shifted(dense, images, 0), expected, rtol=1e-5)

    @pytest.mark.parametrize("reach", [1, 4])
    def test_is_the_mean_over_all_shifts(self, dense, images, reach):
        """What leaves the image is lost, and paper comes in: pixel by pixel."""
        total, steps = 0, range(-reach, reach + 1)
        for down, right in itertools.product(steps, steps):
            shifted = np.zeros_like(images)
            for y, x in itertools.product(range(5), range(6)):
                if 0 <= y - down < 5 and 0 <= x - right < 6:
                    shifted[:, y, x] = images[:, y - down, x - right]
            total = total + models.embed(dense, shifted)
        expected = total / np.linalg.norm(total, axis=1, keepdims=True)
        found = models.embed_shifted(dense, images, reach)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
        assert np.abs(found - models.embed(dense, images)).max() > 0.01

    def test_reaches_one_pixel_unless_told(self, dense, images):
        expected = models.embed_shifted(dense, images, 1)
        np.testing.assert_array_equal(models.embed_shifted(dense, images), expected)

    def test_changes_nothing_for_an_encoder_that_is_blind_to_place(self, images):
        """As long as nothing leaves the image: here the edge is blank."""
        blind = keras.Sequential(
            [
                keras.Input(self.SHAPE),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.UnitNormalization(),
            ]
        )
        framed = np.zeros_like(images)
        framed[:, 1:-1, 1:-1] = images[:, 1:-1, 1:-1]
        expected = models.embed(blind, framed)
        np.testing.assert_allclose(models.embed_shifted(blind, framed), expected, rtol=1e-5)

    def test_ink_as_bytes(self, dense, images):
        ink = (images > 0.5).astype("uint8")
        expected = models.embed_shifted(dense, ink.astype("float32"))
        np.testing.assert_array_equal(models.embed_shifted(dense, ink), expected)

    @pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e-6, 1.0, 1e6])
    def test_has_length_1_at_any_scale(self, dense, images, scale):
        inputs = keras.Input(self.SHAPE)
        scaled = keras.Model(inputs, keras.layers.Rescaling(scale)(dense(inputs)))
        expected = models.embed_shifted(dense, images)
        found = models.embed_shifted(scaled, images)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)

    def test_a_mean_of_zero_stays_zero(self, images):
        flat = keras.Sequential([keras.Input(self.SHAPE), keras.layers.Flatten()])
        found = models.embed_shifted(flat, 0 * images)
        np.testing.assert_array_equal(found, np.zeros((3, 60)))

    def test_leaves_the_images_as_they_are(self, dense, images):
        before = images.copy()
        models.embed_shifted(dense, images)
        np.testing.assert_array_equal(images, before)

    @pytest.mark.parametrize("reach", [-1, 1.5, "1"])
    def test_refuses_a_reach_that_is_no_number_of_pixels(self, dense, images, reach):
        with pytest.raises(ValueError, match=r"reach is .*; expected a whole number of at least 0"):
            models.embed_shifted(dense, images, reach)

    @pytest.mark.parametrize("reach", [5, 6])
    def test_refuses_a_reach_that_leaves_nothing(self, dense, images, reach):
        with pytest.raises(ValueError, match=rf"reach is {reach}; expected 0 to 4 pixels"):
            models.embed_shifted(dense, images, reach)

    @pytest.mark.parametrize(
        "shape", [(6,), (5, 6), SHAPE, (3, 5, 7, 2), (3, 5, 6, 1), (0, *SHAPE)]
    )
    @pytest.mark.parametrize("reach", [0, 1])
    def test_refuses_another_shape(self, dense, shape, reach):
        with pytest.raises(ValueError, match=r"expected \(n, 5, 6, 2\)"):
            models.embed_shifted(dense, np.zeros(shape), reach)

    def test_refuses_bytes_up_to_255(self, dense):
        with pytest.raises(ValueError, match="divide by 255"):
            models.embed_shifted(dense, np.full((1, *self.SHAPE), 255, "uint8"))
