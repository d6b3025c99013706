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

    def test_strength_one_is_the_paper_s_to_the_last_bit(self):
        chance = np.random.default_rng(1).random((50, 14), "float32")
        reach, neutral = (np.array(v, "float32") for v in (augment.REACH, augment.NEUTRAL))
        expected = neutral + (chance[:, 7:] < 0.5) * ((2 * chance[:, :7] - 1) * reach)
        for found in (augment.draw_parameters(50, 1), augment.draw_parameters(50, 1, 1.0)):
            np.testing.assert_array_equal(value(found), expected)

    @pytest.mark.parametrize("strength", [0, 0.5, 2])
    def test_strength_multiplies_the_way_from_neutral(self, strength):
        once, found = (value(augment.draw_parameters(50, 1, s)) for s in (1, strength))
        expected = augment.NEUTRAL + strength * (once - augment.NEUTRAL)
        np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan")])
    def test_refuses_a_strength_outside_of_0_to_2(self, strength):
        for refuse in (
            lambda: augment.draw_parameters(5, 1, strength),
            lambda: augment.affine(np.zeros((2, 5, 5, 1), "float32"), 1, strength),
            lambda: augment.RandomAffine(1, strength),
        ):
            with pytest.raises(ValueError, match=rf"strength is {strength}; expected 0 to 2"):
                refuse()


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

    @pytest.mark.parametrize("strength", [0, 1, 2])
    def test_arrays_and_tensors_by_strength(self, images, strength):
        """One shape and three strengths: each has its own compiled function."""
        parameters = augment.draw_parameters(len(images), 5, strength)
        expected = value(augment.apply_affine(images, augment.affine_matrices(parameters)))
        array = augment.affine(images, 5, strength)
        np.testing.assert_allclose(array, expected, atol=1e-4)
        tensor = augment.affine(keras.ops.convert_to_tensor(images), 5, strength)
        np.testing.assert_allclose(value(tensor), expected, atol=1e-4)
        assert (strength == 0) == np.allclose(array, images, atol=1e-4)

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
        # In the same order each time, so that only the layer can make an epoch differ.
        far = model.fit(
            ink, ink.astype("float32"), batch_size=16, epochs=5, shuffle=False, verbose=0
        ).history["loss"]
        assert min(far) > 0.05
        assert len(set(far)) > 1
        np.testing.assert_array_equal(model.predict_on_batch(ink), ink)

    @pytest.mark.parametrize("strength", [0, 2])
    def test_as_strong_as_it_says(self, images, strength):
        found = value(augment.RandomAffine(5, strength)(images, training=True))
        seeds, tensor = keras.random.SeedGenerator(5), keras.ops.convert_to_tensor(images)
        expected = value(augment.affine(tensor, seeds, strength))
        np.testing.assert_allclose(found, expected, atol=1e-5)

    def test_rebuilt_from_its_config(self):
        again = keras.layers.deserialize(keras.layers.serialize(augment.RandomAffine(7, 1.5)))
        assert (again.seed, again.strength) == (7, 1.5)

    def test_refuses_colour_images(self):
        with pytest.raises(ValueError, match=r"expected \(n, height, width, 1\)"):
            augment.RandomAffine(5)(np.zeros((4, 21, 16, 3), "float32"), training=True)


LAYERS = [
    augment.RandomAffine,
    augment.RandomThickness,
    lambda seed: augment.RandomThickness(seed, thin=True),
    augment.RandomSymmetry,
]
TYPES = ["uint8", "bool", "int64", "float16", "bfloat16", "float32", "float64"]


@pytest.fixture
def ink():
    return (np.random.default_rng(0).random((4, 9, 9, 1)) > 0.5).astype("float32")


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("training", [False, True])
class TestTypes:
    """Layers give the same float32 images for the same ink, and under any floatx."""

    @pytest.mark.parametrize("dtype", TYPES)
    def test_of_the_images(self, ink, layer, training, dtype):
        expected = value(layer(5)(ink, training=training))
        found = layer(5)(keras.ops.cast(ink, dtype), training=training)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(value(found), expected)

    @pytest.mark.slow
    @pytest.mark.parametrize("floatx", ["float16", "float64"])
    def test_of_keras(self, ink, layer, training, floatx):
        expected = value(layer(5)(ink, training=training))
        keras.config.set_floatx(floatx)
        try:
            found = layer(5)(ink.astype(floatx), training=training)
        finally:
            keras.config.set_floatx("float32")
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(value(found), expected)


class TestAffineOfTypes:
    @pytest.mark.parametrize("dtype", TYPES)
    def test_of_the_images(self, ink, dtype):
        expected = augment.affine(ink, 5)
        tensor = keras.ops.cast(ink, dtype)
        array = value(tensor)
        for given in (array, array.tolist(), tensor):
            found = value(augment.affine(given, 5))
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("floatx", ["float16", "float64"])
    @pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
    @pytest.mark.slow
    def test_of_keras(self, ink, floatx, dtype):
        expected = [value(augment.draw_parameters(4, 5)), augment.affine(ink, 5)]
        drawn = value(augment.draw_parameters(4, keras.random.SeedGenerator(5)))
        augment.transforms._compiled.cache_clear()  # else the model of another test is taken
        keras.config.set_floatx(floatx)
        try:
            found = [augment.draw_parameters(4, 5), augment.affine(ink.astype(dtype), 5)]
            again = value(augment.draw_parameters(4, keras.random.SeedGenerator(5)))
        finally:
            keras.config.set_floatx("float32")
            augment.transforms._compiled.cache_clear()
        assert value(found[0]).dtype == again.dtype == found[1].dtype == np.float32
        np.testing.assert_array_equal(again, drawn)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(value(one), other, atol=1e-5)


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

    @pytest.mark.parametrize("thin", [False, True])
    def test_rebuilt_from_its_config(self, thin):
        again = keras.layers.deserialize(keras.layers.serialize(augment.RandomThickness(7, thin)))
        assert (again.seed, again.thin) == (7, thin)


class TestRandomThicknessThatThins:
    def test_a_share_of_the_way_to_scipy_s_dilation_or_erosion(self, images):
        """Noise up to the border, beyond which nothing is: a pixel there has fewer neighbours."""
        found = value(augment.RandomThickness(5, thin=True)(images, training=True))
        ways = set()
        for image, changed in zip(images[..., 0], found[..., 0], strict=True):
            way = np.sign(np.sum(changed - image))
            extreme = ndimage.grey_erosion if way < 0 else ndimage.grey_dilation
            whole = extreme(image, size=(3, 3), mode="nearest") - image
            share = np.sum(changed - image) / np.sum(whole)
            assert 0 <= share <= 1 + 1e-5
            np.testing.assert_allclose(changed, image + share * whole, atol=1e-5)
            ways.add(way)
        assert ways == {-1, 0, 1}

    def test_one_third_each_and_shares_uniform(self):
        """A square of ink: outside of it thickening shows, at its own corner thinning."""
        images = np.zeros((3_000, 5, 5, 1), "float32")
        images[:, 1:4, 1:4] = 1
        found = value(augment.RandomThickness(5, thin=True)(images, training=True))[..., 0]
        thicker, thinner = found[:, 0, 0], 1 - found[:, 1, 1]
        assert not ((thicker > 0) & (thinner > 0)).any()
        for share in (thicker, thinner):
            assert np.mean(share > 0) == pytest.approx(1 / 3, abs=0.03)
            np.testing.assert_allclose(
                np.quantile(share[share > 0], [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.06
            )

    @pytest.mark.parametrize("ink", [0, 1])
    def test_an_even_image_stays_up_to_its_border(self, ink):
        images = np.full((30, 5, 5, 1), ink, "float32")
        found = augment.RandomThickness(5, thin=True)(images, training=True)
        np.testing.assert_array_equal(value(found), images)

    def test_only_when_asked(self, images):
        without, thin = (
            value(augment.RandomThickness(5, thin)(images, training=True)) for thin in (False, True)
        )
        assert (without >= images).all()
        assert (thin < images).any()

    def test_nothing_outside_training(self, images):
        found = augment.RandomThickness(5, thin=True)(images, training=False)
        np.testing.assert_array_equal(value(found), images)


class TestRandomSymmetry:
    @pytest.fixture
    def squares(self):
        """Noise in two channels, so that no two symmetries of it are alike."""
        return np.random.default_rng(0).random((40, 6, 6, 2), "float32")

    @staticmethod
    def symmetries(images):
        """By NumPy: four turns, each as it is and mirrored."""
        turns = [np.rot90(images, k, axes=(1, 2)) for k in range(4)]
        return np.stack([mirrored for turn in turns for mirrored in (turn, turn[:, :, ::-1])])

    def test_one_of_eight_for_the_whole_batch(self, squares):
        layer, eight = augment.RandomSymmetry(5), self.symmetries(squares)
        for _ in range(20):
            found = value(layer(squares, training=True))
            assert np.sum((found == eight).all(axis=(1, 2, 3, 4))) == 1

    @pytest.mark.slow
    def test_all_eight_about_equally_often(self, squares):
        layer, one = augment.RandomSymmetry(5), squares[:1]
        eight = self.symmetries(one)
        found = np.stack([value(layer(one, training=True)) for _ in range(400)])
        counts = (found[:, None] == eight).all(axis=(2, 3, 4, 5)).sum(axis=0)
        assert counts.sum() == 400
        assert counts.min() > 30 and counts.max() < 70  # 50, give or take three times 6.6

    def test_nothing_at_inference(self, squares):
        layer = augment.RandomSymmetry(5)
        np.testing.assert_array_equal(value(layer(squares)), squares)
        np.testing.assert_array_equal(value(layer(squares, training=False)), squares)

    def test_same_seed_same_symmetries(self, squares):
        first, again, other = (
            [value(layer(squares, training=True)) for _ in range(10)]
            for layer in map(augment.RandomSymmetry, (5, 5, 6))
        )
        np.testing.assert_array_equal(first, again)
        assert (np.array(first) != other).any()

    @pytest.mark.parametrize("training", [False, True])
    def test_float32_under_mixed_precision(self, squares, training):
        expected = value(augment.RandomSymmetry(6)(squares, training=training))
        original = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = augment.RandomSymmetry(6)(squares, training=training)
        finally:
            keras.config.set_dtype_policy(original)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_array_equal(value(found), expected)

    @pytest.mark.parametrize("training", [False, True])
    def test_ink_as_bytes(self, squares, training):
        ink = (squares > 0.5).astype("uint8")
        found = augment.RandomSymmetry(6)(ink, training=training)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        expected = augment.RandomSymmetry(6)(ink.astype("float32"), training=training)
        np.testing.assert_array_equal(value(found), value(expected))

    def test_in_a_model_turns_in_steps_of_training_only(self, squares):
        """How far from the images are what comes out? The last batch is smaller than the rest."""
        ink = (squares[..., :1] > 0.5).astype("uint8")
        one = {"use_bias": False, "kernel_initializer": "ones"}
        model = keras.Sequential(
            [
                keras.Input(ink.shape[1:], dtype="uint8"),
                augment.RandomSymmetry(5),
                keras.layers.Conv2D(1, 1, **one),  # changes nothing, and could be trained
            ]
        )
        model.compile(keras.optimizers.SGD(0.0), "mse")
        # In the same order each time, so that only the layer can make an epoch differ.
        far = model.fit(
            ink, ink.astype("float32"), batch_size=16, epochs=5, shuffle=False, verbose=0
        ).history["loss"]
        assert min(far) > 0.05
        assert len(set(far)) > 1
        np.testing.assert_array_equal(model.predict_on_batch(ink), ink)

    @pytest.mark.parametrize("shape", [(4, 21, 16, 1), (4, 16, 16)])
    @pytest.mark.parametrize("training", [False, True])
    def test_refuses_images_that_are_not_square(self, shape, training):
        with pytest.raises(ValueError, match=r"expected \(batch, side, side, channels\)"):
            augment.RandomSymmetry(5)(np.zeros(shape, "float32"), training=training)

    def test_rebuilt_from_its_config(self):
        config = keras.layers.serialize(augment.RandomSymmetry(7))
        assert keras.layers.deserialize(config).seed == 7


class TestOneChannel:
    """Of colour images one channel alone would be read."""

    IMAGES = np.zeros((4, 12, 12, 3), "float32")

    def test_apply_affine(self):
        with pytest.raises(ValueError, match=r"\(4, 12, 12, 3\); expected \(n, height, width"):
            augment.apply_affine(self.IMAGES, np.tile(np.eye(2, 3), (4, 1, 1)))

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_composition(self, share):
        layer = augment.RandomComposition(0, 2, share=share)
        with pytest.raises(ValueError, match=r"\(4, 12, 12, 3\); expected \(batch, side, side"):
            layer(self.IMAGES, training=True)


class TestRandomComposition:
    @pytest.fixture(scope="class")
    @classmethod
    def letters(cls):
        """Five letters of three images each: a rectangle, of a size and place of its own."""
        images = np.zeros((15, 40, 40, 1), "float32")
        for letter in range(5):
            for k in range(3):
                top, left = 6 + letter, 8 + 2 * k
                images[3 * letter + k, top : top + 18, left : left + 4 + 3 * letter] = 1.0
        return images

    @pytest.fixture(scope="class")
    @classmethod
    def composed(cls, letters):
        layer = augment.RandomComposition(0, 3, share=1.0)
        return [value(layer(letters, training=True)) for _ in range(20)]

    def test_a_letter_has_the_same_parts_in_all_its_images(self, letters, composed):
        """The ink of both parts is that of the letters, times the square of their sizes."""
        ink = letters.sum(axis=(1, 2, 3)).reshape(5, 3)[:, 0]
        for images in composed:
            found = images.sum(axis=(1, 2, 3)).reshape(5, 3)
            # Parts may overlap or leave the image, but hardly more in one image than in another.
            assert np.ptp(found, axis=1).max() < 0.35 * found.mean()
            assert (found.mean(axis=1) > 0.55**2 * ink).all()

    def test_the_second_part_is_another_letter(self):
        """Of two letters, one without ink: each is composed with the other, so both have ink."""
        images = np.zeros((2, 20, 20, 1), "float32")
        images[0, 5:15, 5:15] = 1.0
        layer = augment.RandomComposition(3, 1, share=1.0)
        for _ in range(20):
            assert (value(layer(images, training=True)).sum(axis=(1, 2, 3)) > 20).all()

    def test_every_other_letter_comes_second_about_equally_often(self):
        """Only the first letter has ink, so whoever has ink beside it was composed with it."""
        images = np.zeros((5, 12, 12, 1), "float32")
        images[0, 4:8, 4:8] = 1.0
        layer = augment.RandomComposition(1, 1, share=1.0)
        found = sum(value(layer(images, training=True)).max(axis=(1, 2, 3)) > 0 for _ in range(200))
        assert found[0] == 200
        assert found[1:].min() > 25 and found[1:].max() < 75  # 50, give or take four times 6.1

    @pytest.mark.parametrize("share, given", [(0.0, [0.0]), (0.3, []), (0.6, [0.6]), (1.0, [1.0])])
    def test_so_many_batches_are_composed(self, letters, share, given):
        layer = augment.RandomComposition(2, 3, *given)
        changed = [bool((value(layer(letters, training=True)) != letters).any()) for _ in range(80)]
        assert abs(np.mean(changed) - share) < (0.15 if 0 < share < 1 else 1e-9)

    def test_nothing_at_inference(self, letters):
        layer = augment.RandomComposition(0, 3, share=1.0)
        np.testing.assert_array_equal(value(layer(letters)), letters)

    def test_same_seed_same_letters(self, letters):
        first, again, other = (
            [value(layer(letters, training=True)) for _ in range(5)]
            for layer in (augment.RandomComposition(seed, 3, 1.0) for seed in (5, 5, 6))
        )
        np.testing.assert_array_equal(first, again)
        assert (np.array(first) != other).any()

    def test_in_a_model_whose_batch_has_no_size_yet(self, letters):
        image = keras.Input((40, 40, 1))
        model = keras.Model(image, augment.RandomComposition(0, 3, share=1.0)(image))
        found = value(model(letters, training=True))
        np.testing.assert_allclose(
            found, value(augment.RandomComposition(0, 3, 1.0)(letters, training=True)), atol=1e-6
        )

    def test_is_saved_with_its_numbers(self, letters):
        layer = augment.RandomComposition(4, 3, 0.7)
        again = augment.RandomComposition.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_images": 3, "share": 1.5}, "share is 1.5; expected a share of the batches"),
            ({"n_images": 0}, "n_images is 0; expected a whole number of at least 1"),
        ],
    )
    def test_refuses_numbers_out_of_range(self, options, message):
        with pytest.raises(ValueError, match=message):
            augment.RandomComposition(0, **options)

    @pytest.mark.parametrize("n_images", [4, 15])
    def test_refuses_batches_of_another_kind(self, letters, n_images):
        with pytest.raises(ValueError, match="a batch of 15 images; expected two letters or more"):
            augment.RandomComposition(0, n_images)(letters, training=True)
