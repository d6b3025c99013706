"""Distortions: composed by hand, against SciPy image by image, and drawn as in the paper."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from siamese_utils import augment

pytestmark = pytest.mark.backend


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def reference(image, matrix):
    """One image by SciPy, whose matrix says where a pixel comes from, as (row, column)."""
    height, width = image.shape[:2]
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    inverse = np.linalg.inv(matrix[:, :2])
    offset = centre - inverse @ (matrix[:, 2] + centre)
    return ndimage.affine_transform(
        image[:, :, 0], inverse[::-1, ::-1], offset[::-1], order=1, mode="grid-constant"
    )


@pytest.fixture
def images():
    """Noise up to the border, of unequal sides, so that no mistake stays hidden."""
    return np.random.default_rng(0).random((40, 21, 16, 1), "float32")


class TestMatrices:
    @pytest.mark.parametrize(
        ("parameters", "point", "goes_to"),
        [
            ([0, 0, 0, 1, 1, 0, 0], (3, 4), (3, 4)),
            ([90, 0, 0, 1, 1, 0, 0], (1, 0), (0, 1)),  # right to down: clockwise
            ([0, 0.3, 0, 1, 1, 0, 0], (1, 10), (4, 10)),
            ([0, 0, -0.3, 1, 1, 0, 0], (10, 1), (10, -2)),
            ([0, 0, 0, 1.2, 1, 0, 0], (10, 10), (12, 10)),
            ([0, 0, 0, 1, 0.8, 0, 0], (10, 10), (10, 8)),
            ([0, 0, 0, 1, 1, 2, -1], (10, 10), (12, 9)),
            # (10, 0) scaled to (5, 0), sheared to (5, 1), turned to (-1, 5), shifted
            ([90, 0, 0.2, 0.5, 1, 2, 0], (10, 0), (1, 5)),
        ],
    )
    def test_a_point_goes_where_it_should(self, parameters, point, goes_to):
        (matrix,) = value(augment.affine_matrices([parameters]))
        np.testing.assert_allclose(matrix[:, :2] @ point + matrix[:, 2], goes_to, atol=1e-5)

    def test_product_of_four_matrices(self):
        parameters = value(augment.draw_parameters(50, seed=1)).astype(float)
        expected = []
        for angle, shear_x, shear_y, scale_x, scale_y, *_ in parameters:
            cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            turn = np.array([[cos, -sin], [sin, cos]])
            expected.append(turn @ [[1, shear_x], [shear_y, 1]] @ np.diag([scale_x, scale_y]))
        found = value(augment.affine_matrices(parameters))
        np.testing.assert_allclose(found[:, :, :2], expected, atol=1e-6)
        np.testing.assert_allclose(found[:, :, 2], parameters[:, 5:], atol=1e-6)


class TestDraw:
    @pytest.fixture(params=["numpy", "keras"])
    def drawn(self, request):
        seed = 1 if request.param == "numpy" else keras.random.SeedGenerator(1)
        return value(augment.draw_parameters(20_000, seed))

    def test_ranges_are_the_paper_s(self, drawn):
        low = np.array([-10, -0.3, -0.3, 0.8, 0.8, -2, -2])
        high = np.array([10, 0.3, 0.3, 1.2, 1.2, 2, 2])
        span = high - low
        assert (drawn >= low - 1e-6).all() and (drawn <= high + 1e-6).all()
        assert (drawn.min(axis=0) < low + 0.01 * span).all()
        assert (drawn.max(axis=0) > high - 0.01 * span).all()

    def test_each_component_is_included_half_of_the_time(self, drawn):
        included = drawn != np.array(augment.NEUTRAL, "float32")
        np.testing.assert_allclose(included.mean(axis=0), 0.5, atol=0.02)
        # independently of the others
        np.testing.assert_allclose(np.corrcoef(included.T), np.eye(7), atol=0.03)

    def test_inclusion_says_nothing_about_the_value(self, drawn):
        """Coins and values drawn from one integer seed must not be the same numbers."""
        values = np.where(drawn != np.array(augment.NEUTRAL, "float32"), drawn, np.nan)
        middle = np.nanmean((values - augment.NEUTRAL) / augment.REACH, axis=0)
        np.testing.assert_allclose(middle, 0, atol=0.03)

    def test_integers_repeat_and_a_generator_goes_on(self):
        draw = augment.draw_parameters
        np.testing.assert_array_equal(value(draw(5, [3, 0, 1])), value(draw(5, [3, 0, 1])))
        assert (value(draw(5, [3, 0, 1])) != value(draw(5, [3, 1, 0]))).any()
        for generator in (np.random.default_rng(3), keras.random.SeedGenerator(3)):
            assert (value(draw(5, generator)) != value(draw(5, generator))).any()


class TestApply:
    def test_equals_scipy_image_by_image(self, images):
        matrices = value(augment.affine_matrices(augment.draw_parameters(len(images), seed=2)))
        expected = np.stack(
            [reference(i, m.astype(float)) for i, m in zip(images, matrices, strict=True)]
        )
        found = value(augment.apply_affine(images, matrices))
        assert found.shape == images.shape
        np.testing.assert_allclose(found[..., 0], expected, atol=1e-4)

    def test_strong_transforms_too(self, images):
        """Far out of the image on all sides, where only paper is."""
        parameters = [
            [40, 0, 0, 0.3, 0.4, 9, -9],
            [0, 0.5, 0, 2, 3, 30, 0],
            [180, 0, 0, 1, 1, 0, 99],
        ]
        matrices = value(augment.affine_matrices(parameters)).astype(float)
        expected = [reference(i, m) for i, m in zip(images, matrices, strict=False)]
        found = value(augment.apply_affine(images[:3], matrices))
        np.testing.assert_allclose(found[..., 0], expected, atol=1e-4)
        assert not found[2].any()

    def test_neutral_changes_nothing(self, images):
        matrices = augment.affine_matrices([augment.NEUTRAL] * len(images))
        np.testing.assert_allclose(value(augment.apply_affine(images, matrices)), images, atol=1e-5)

    def test_half_a_pixel_to_the_right_by_hand(self):
        image = np.array([0, 1, 0, 0.5], "float32").reshape(1, 1, 4, 1)
        matrices = augment.affine_matrices([[0, 0, 0, 1, 1, 0.5, 0]])
        found = value(augment.apply_affine(image, matrices)).ravel()
        np.testing.assert_allclose(found, [0, 0.5, 0.5, 0.25], atol=1e-6)

    def test_ink_as_bytes(self, images):
        ink = (images > 0.5).astype("uint8")
        matrices = augment.affine_matrices(augment.draw_parameters(len(ink), seed=2))
        np.testing.assert_array_equal(
            value(augment.apply_affine(ink, matrices)),
            value(augment.apply_affine(ink.astype("float32"), matrices)),
        )


class TestAffine:
    def test_arrays_and_tensors_give_the_same(self, images):
        matrices = augment.affine_matrices(augment.draw_parameters(len(images), seed=5))
        expected = value(augment.apply_affine(images, matrices))
        array = augment.affine(images, seed=5)
        assert isinstance(array, np.ndarray) and array.dtype == np.float32
        np.testing.assert_allclose(array, expected, atol=1e-4)
        tensor = augment.affine(keras.ops.convert_to_tensor(images), seed=5)
        np.testing.assert_allclose(value(tensor), expected, atol=1e-4)

    def test_ink_as_bytes(self, images):
        ink = (images > 0.5).astype("uint8")
        found = augment.affine(ink, seed=5)
        assert found.dtype == np.float32
        expected = augment.affine(ink.astype("float32"), seed=5)
        # Two compiled functions, which may round a coordinate in two ways.
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_inside_a_compiled_model(self, images):
        """With a generator, a model that Keras compiles draws anew for each batch."""

        class Distort(keras.layers.Layer):
            def __init__(self):
                super().__init__()
                self.seeds = keras.random.SeedGenerator(1)

            def call(self, images):
                return augment.affine(images, self.seeds)

        model = keras.Sequential([keras.Input(images.shape[1:]), Distort()])
        first, second = (model.predict_on_batch(images) for _ in range(2))
        assert first.shape == images.shape
        assert (first != second).any() and (first != images).any()

    def test_in_float32_under_mixed_precision(self, images):
        expected = augment.affine(images, seed=5)
        augment.transforms._compiled.cache_clear()
        original = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            np.testing.assert_allclose(augment.affine(images, seed=5), expected, atol=1e-5)
        finally:
            keras.config.set_dtype_policy(original)

    @pytest.mark.parametrize("shape", [(21, 16, 1), (4, 21, 16), (4, 21, 16, 3)])
    def test_refuses_another_shape(self, shape):
        with pytest.raises(ValueError, match=r"expected \(n, height, width, 1\)"):
            augment.affine(np.zeros(shape, "float32"), seed=1)


class TestRandomAffine:
    def test_nothing_at_inference(self, images):
        layer = augment.RandomAffine(5)
        np.testing.assert_array_equal(value(layer(images)), images)
        np.testing.assert_array_equal(value(layer(images, training=False)), images)

    def test_in_training_as_the_function_does(self, images):
        """From a generator of the same seed, and so anew for each batch."""
        layer, seeds = augment.RandomAffine(5), keras.random.SeedGenerator(5)
        tensor = keras.ops.convert_to_tensor(images)
        first, second = (value(layer(images, training=True)) for _ in range(2))
        for found in (first, second):
            np.testing.assert_allclose(found, value(augment.affine(tensor, seeds)), atol=1e-5)
        assert (first != second).any() and (first != images).any()

    def test_same_seed_same_distortions(self, images):
        first, again, other = (
            value(augment.RandomAffine(seed)(images, training=True)) for seed in (5, 5, 6)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    @pytest.mark.parametrize("training", [False, True])
    def test_float32_under_mixed_precision(self, images, training):
        expected = value(augment.RandomAffine(5)(images, training=training))
        original = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = augment.RandomAffine(5)(images, training=training)
        finally:
            keras.config.set_dtype_policy(original)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(value(found), expected)

    @pytest.mark.parametrize("training", [False, True])
    def test_ink_as_bytes(self, images, training):
        ink = (images > 0.5).astype("uint8")
        found = augment.RandomAffine(5)(ink, training=training)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        expected = augment.RandomAffine(5)(ink.astype("float32"), training=training)
        np.testing.assert_array_equal(value(found), value(expected))

    def test_in_a_model_distorts_in_steps_of_training_only(self, images):
        """How far from the images are what comes out? The last batch is smaller than the rest."""
        one = {"use_bias": False, "kernel_initializer": "ones"}
        model = keras.Sequential(
            [
                keras.Input(images.shape[1:], dtype="uint8"),
                augment.RandomAffine(5),
                keras.layers.Conv2D(1, 1, **one),  # changes nothing, and could be trained
            ]
        )
        model.compile(keras.optimizers.SGD(0.0), "mse")
        ink = (images > 0.5).astype("uint8")
        history = model.fit(ink, ink.astype("float32"), batch_size=16, epochs=2, verbose=0).history
        first, second = history["loss"]
        assert min(first, second) > 0.05
        assert first != second
        np.testing.assert_array_equal(model.predict_on_batch(ink), ink)

    def test_refuses_colour_images(self):
        with pytest.raises(ValueError, match=r"expected \(n, height, width, 1\)"):
            augment.RandomAffine(5)(np.zeros((4, 21, 16, 3), "float32"), training=True)


class TestRandomThickness:
    def test_a_share_of_the_way_to_the_largest_neighbour(self):
        """One dot on paper: its eight neighbours take the image's share, the dot stays."""
        images = np.zeros((60, 5, 5, 1), "float32")
        images[:, 2, 2] = 1
        found = value(augment.RandomThickness(5)(images, training=True))[..., 0]
        shares = found[:, 1, 1]
        expected = np.zeros((60, 5, 5), "float32")
        expected[:, 1:4, 1:4] = shares[:, None, None]
        expected[:, 2, 2] = 1
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_a_third_stays_and_the_rest_is_uniform(self):
        images = np.zeros((3_000, 3, 3, 1), "float32")
        images[:, 1, 1] = 1
        shares = value(augment.RandomThickness(5)(images, training=True))[:, 0, 0, 0]
        assert np.mean(shares == 0) == pytest.approx(1 / 3, abs=0.03)
        assert np.mean(shares[shares > 0]) == pytest.approx(0.5, abs=0.03)
        assert shares.max() < 1

    def test_nothing_outside_training(self, images):
        found = augment.RandomThickness(5)(images, training=False)
        np.testing.assert_array_equal(value(found), images)

    def test_same_seed_same_shares(self, images):
        first, again, other = (
            value(augment.RandomThickness(seed)(images, training=True)) for seed in (5, 5, 6)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    def test_ink_as_bytes(self, images):
        ink = (images > 0.5).astype("uint8")
        found = augment.RandomThickness(5)(ink, training=True)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        expected = augment.RandomThickness(5)(ink.astype("float32"), training=True)
        np.testing.assert_array_equal(value(found), value(expected))

    def test_rebuilt_from_its_config(self):
        config = keras.layers.serialize(augment.RandomThickness(7))
        assert keras.layers.deserialize(config).seed == 7
