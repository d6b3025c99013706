"""Encoders and the siamese network: shapes, sharing, symmetry, saving."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from siamese_utils import augment, distances, losses, models, training
from siamese_utils.models.networks import AllPairs
from siamese_utils.sampling import ClassBatches, PairDataset

pytestmark = pytest.mark.backend

SHAPE = (8, 8, 1)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, *SHAPE), "float32")


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(0)
    return models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)


def test_mlp_encoder_is_the_tutorials():
    """784 x 128 + 128, then twice 128 x 128 + 128 weights."""
    encoder = models.mlp_encoder((28, 28, 1))
    assert encoder.count_params() == 100_480 + 2 * 16_512
    assert encoder.output_shape == (None, 128)
    assert [layer.rate for layer in encoder.layers if hasattr(layer, "rate")] == [0.1, 0.1]


def test_conv_encoder_by_hand():
    """5 x 5 x 1 x 4 + 4, 5 x 5 x 4 x 4 + 4, then 2 x 2 x 4 values to 8 to 3."""
    encoder = models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)
    assert encoder.count_params() == 104 + 404 + 136 + 27
    assert encoder.output_shape == (None, 3)


class TestConv4:
    def test_by_hand(self):
        """3 x 3 x channels x filters + filters; 28 is halved to 14, 7, 4 and 2."""
        encoder = models.conv4_encoder((28, 28, 1))
        counts = [layer.count_params() for layer in encoder.layers if layer.count_params()]
        assert counts == [320, 18_496, 36_928, 36_928, 2 * 2 * 64 * 128 + 128]
        assert encoder.output_shape == (None, 128)

    @pytest.mark.parametrize(
        ("shape", "left"), [((35, 35, 1), (3, 3)), ((105, 16, 1), (7, 1)), ((1, 5, 1), (1, 1))]
    )
    def test_odd_sizes_are_halved_and_rounded_up(self, shape, left):
        """35 to 18, 9, 5 and 3; so no row or column of an image is left out."""
        encoder = models.conv4_encoder(shape, filters=(2, 2, 2, 2), dim=7)
        *_, pooled, _, dense = encoder.layers
        assert pooled.output.shape == (None, *left, 2)
        weights = (9 + 1) * 2 + 3 * (9 * 2 + 1) * 2 + (left[0] * left[1] * 2 + 1) * 7
        assert encoder.count_params() == weights
        assert encoder.output_shape == (None, 7)
        assert dense.activation is keras.activations.linear


class TestKoch:
    """Counts by hand: size x size x channels x filters + filters, and 9,216 x 4,096 + 4,096."""

    def test_shapes_and_weights_are_the_paper_s(self):
        encoder = models.koch_encoder(paper_init=False)
        found = {
            layer.name: (layer.output.shape[1:], layer.count_params()) for layer in encoder.layers
        }
        assert found == {
            "conv1": ((96, 96, 64), 6_464),
            "pool1": ((48, 48, 64), 0),
            "conv2": ((42, 42, 128), 401_536),
            "pool2": ((21, 21, 128), 0),
            "conv3": ((18, 18, 128), 262_272),
            "pool3": ((9, 9, 128), 0),
            "conv4": ((6, 6, 256), 524_544),
            "flatten": ((9216,), 0),
            "dense": ((4096,), 37_752_832),
        }
        assert models.koch_network(encoder, paper_init=False).count_params() == 38_951_745

    @pytest.fixture
    def small(self):
        """The convolutions as they are; the smallest image and few dense units."""
        keras.utils.set_random_seed(0)
        l2 = {"conv2": 0.5, "dense": 2.0}
        return models.koch_network(models.koch_encoder((75, 75, 1), dim=64, l2=l2), l2=0.1)

    def test_starts_from_the_paper_s_distributions(self, small):
        layers = {
            layer.name: layer for layer in (*small.get_layer("koch_encoder").layers, *small.layers)
        }
        for name, deviation in (("conv1", 0.01), ("conv4", 0.01), ("dense", 0.2), ("head", 0.2)):
            weights, bias = layers[name].get_weights()
            assert abs(weights.mean()) < 4 * deviation / weights.size**0.5
            assert weights.std() == pytest.approx(deviation, rel=3 / weights.size**0.5)
            assert abs(bias.mean() - 0.5) < 4 * 0.01 / bias.size**0.5

    def test_default_start_is_keras_s(self):
        layer = models.koch_encoder((75, 75, 1), dim=8, paper_init=False).get_layer("conv2")
        weights, bias = layer.get_weights()
        limit = (6 / (49 * 64 + 49 * 128)) ** 0.5  # Glorot and Bengio's
        assert 0.99 * limit < np.abs(weights).max() <= limit
        assert not bias.any()

    def test_l2_is_added_to_the_loss_for_the_named_layers(self, small):
        encoder = small.get_layer("koch_encoder")
        expected = sum(
            strength * np.square(layer.get_weights()[0]).sum()
            for strength, layer in (
                (0.5, encoder.get_layer("conv2")),
                (2.0, encoder.get_layer("dense")),
                (0.1, small.get_layer("head")),
            )
        )
        found = float(keras.ops.convert_to_numpy(sum(small.losses)))
        assert found == pytest.approx(expected, rel=1e-4)

    def test_gives_the_probability_of_same(self, small):
        images = np.random.default_rng(0).random((2, 3, 75, 75, 1), "float32")
        p = small.predict_on_batch(list(images))
        z = [small.get_layer("koch_encoder").predict_on_batch(side) for side in images]
        alpha, bias = small.get_layer("head").get_weights()
        expected = 1 / (1 + np.exp(-(np.abs(z[0] - z[1]) @ alpha + bias)))
        np.testing.assert_allclose(p, expected, rtol=1e-4)
        np.testing.assert_array_equal(p, small.predict_on_batch(list(images[::-1])))


def test_siamese_network_has_one_set_of_weights(encoder):
    network = models.siamese_network(encoder)
    assert network.count_params() == encoder.count_params()


def test_siamese_network_measures_the_distance_of_embeddings(encoder, images):
    network = models.siamese_network(encoder)
    found = network.predict([images[:3], images[3:]], verbose=0)
    z = models.embed(encoder, images)
    np.testing.assert_allclose(found, np.linalg.norm(z[:3] - z[3:], axis=1), rtol=1e-4)


@pytest.mark.parametrize(
    "layer", [distances.EuclideanDistance, distances.L1Distance, distances.CosineDistance]
)
def test_symmetric(encoder, images, layer):
    network = models.siamese_network(encoder, layer())
    forth = network.predict([images[:3], images[3:]], verbose=0)
    back = network.predict([images[3:], images[:3]], verbose=0)
    np.testing.assert_allclose(forth, back, rtol=1e-6)


class TestEmbed:
    def test_batches_change_nothing(self, encoder, images):
        np.testing.assert_allclose(
            models.embed(encoder, images, batch_size=4),
            models.embed(encoder, images),
            rtol=1e-5,
            atol=1e-6,
        )

    @pytest.mark.parametrize("batch_size", [0, -1, 4.0, None, True])
    def test_refuses_batches_of_no_image(self, encoder, images, batch_size):
        message = f"batch_size is {batch_size}; expected a whole number of at least 1"
        with pytest.raises(ValueError, match=message):
            models.embed(encoder, images, batch_size)

    def test_no_dropout(self):
        encoder = models.mlp_encoder(SHAPE, units=(16, 16), dropout=0.9)
        images = np.ones((2, *SHAPE), "float32")
        np.testing.assert_array_equal(models.embed(encoder, images), models.embed(encoder, images))

    def test_ink_as_bytes(self, encoder):
        ink = np.random.default_rng(0).integers(0, 2, (3, *SHAPE)).astype("uint8")
        np.testing.assert_array_equal(
            models.embed(encoder, ink), models.embed(encoder, ink.astype("float32"))
        )

    @pytest.mark.parametrize(
        "wrong", [np.zeros(SHAPE), np.zeros((1, 9, 8, 1)), np.zeros((0, *SHAPE)), []]
    )
    def test_refuses_another_shape(self, encoder, wrong):
        with pytest.raises(ValueError, match=r"expected \(n, 8, 8, 1\)"):
            models.embed(encoder, wrong)

    def test_takes_standardized_images(self, encoder, images):
        standardized = (images - images.mean()) / images.std()
        assert standardized.min() < -1
        assert models.embed(encoder, standardized).shape == (len(images), encoder.output_shape[1])

    @pytest.mark.parametrize(
        "images",
        [
            np.full((1, *SHAPE), 255, "uint8"),
            np.full((1, *SHAPE), 255.0),
            np.full((1, *SHAPE), 255, "float16"),
            np.full((1, *SHAPE), np.nan),
            np.full((1, *SHAPE), "a"),
            np.full((1, *SHAPE), None),
        ],
        ids=["bytes", "floats of bytes", "float16", "NaN", "strings", "objects"],
    )
    def test_refuses_bytes_and_what_is_no_number(self, encoder, images):
        with pytest.raises(ValueError, match=r"images .*expected .*\[0, 1\]"):
            models.embed(encoder, images)

    @pytest.mark.parametrize("largest", [1.3, 16.0])
    def test_refuses_floats_of_another_range_and_takes_standardized_ones(
        self, encoder, images, largest
    ):
        """As of load_digits, from 0 to 16: standardized images have negative values."""
        with pytest.raises(ValueError, match=rf"values from .* to {largest:g}; expected"):
            models.embed(encoder, largest * images / images.max())
        assert np.isfinite(models.embed(encoder, 4 * images - 2)).all()

    @pytest.mark.parametrize(
        "dtype", ["uint8", "bool", "int64", "float16", "float32", "float64", "bfloat16"]
    )
    def test_takes_images_of_any_type(self, encoder, images, dtype):
        """As arrays, as lists and as tensors."""
        ink = (images > 0.5).astype("float32")
        expected = models.embed(encoder, ink)
        tensor = keras.ops.cast(ink, dtype)
        array = keras.ops.convert_to_numpy(tensor)
        for given in (array, array.tolist(), tensor):
            found = models.embed(encoder, given)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, rtol=1e-5)

    @pytest.mark.parametrize(
        "policy",
        ["mixed_bfloat16", "bfloat16", "mixed_float16", "float16", "float64"],
    )
    @pytest.mark.slow
    def test_is_float32_for_an_encoder_of_any_precision(self, encoder, images, policy):
        expected = models.embed(encoder, images)
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            other = models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)
        finally:
            keras.config.set_dtype_policy(before)
        other.set_weights(encoder.get_weights())
        for found in (models.embed(other, images), models.embed_shifted(other, images, 0)):
            assert found.dtype == np.float32
        np.testing.assert_allclose(models.embed(other, images), expected, rtol=0.1, atol=0.02)

    @pytest.mark.parametrize("floatx", ["float64", "float16"])
    @pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
    @pytest.mark.slow
    def test_under_another_floatx(self, encoder, images, floatx, dtype):
        ink = (images > 0.5).astype(dtype)
        expected = models.embed(encoder, ink)
        keras.config.set_floatx(floatx)
        try:
            other = models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)
            other.set_weights(encoder.get_weights())
            found = models.embed(other, ink)
        finally:
            keras.config.set_floatx("float32")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.01)

    @pytest.mark.parametrize("size", [(5, 7), (8, 8)])
    def test_an_encoder_of_images_of_any_size(self, size):
        pool = keras.layers.GlobalAveragePooling2D()
        encoder = keras.Sequential([keras.Input((None, None, 1)), pool])
        images = np.random.default_rng(0).random((3, *size, 1), "float32")
        expected = images.mean(axis=(1, 2))
        np.testing.assert_allclose(models.embed(encoder, images), expected, rtol=1e-5)
        assert models.embed_shifted(encoder, images).shape == (3, 1)
        with pytest.raises(ValueError, match=r"expected \(n, height, width, 1\)"):
            models.embed(encoder, images[..., [0, 0]])

    def test_an_encoder_that_is_not_built_yet(self, images):
        encoder = keras.Sequential([keras.layers.Flatten()])
        np.testing.assert_array_equal(models.embed(encoder, images), images.reshape(6, -1))

    @pytest.mark.parametrize("kind", ["path", "layer", "siamese", "vectors"])
    def test_refuses_what_is_no_encoder_of_images(self, encoder, images, kind):
        wrong = {
            "path": "encoder.keras",
            "layer": keras.layers.Flatten(),
            "siamese": models.siamese_network(encoder),
            "vectors": keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]),
        }[kind]
        for function in (models.embed, models.embed_shifted):
            with pytest.raises(
                TypeError, match=r"the encoder is a .*expected a keras\.Model of images"
            ):
                function(wrong, images)


@pytest.mark.slow
def test_training_lowers_the_loss(encoder):
    """Dark against light images, which any encoder can learn to tell apart."""
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = (0.2 * rng.random((40, *SHAPE)) + 0.8 * labels[:, None, None, None]).astype("float32")
    pairs = rng.integers(0, 40, (256, 2))
    same = (labels[pairs[:, 0]] == labels[pairs[:, 1]]).astype("float32")
    network = models.siamese_network(encoder)
    network.compile("adam", losses.ContrastiveLoss(), metrics=[training.PairAccuracy(0.5)])
    history = network.fit(PairDataset(images, pairs, same, 32, 0), epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["pair_accuracy"][-1] > 0.95


LOAD = """
import sys
from pathlib import Path
import numpy as np
import siamese_utils.distances, siamese_utils.losses, siamese_utils.training
import keras
folder = Path(sys.argv[1])
a, b = np.load(folder / "pair.npy")
for path in folder.glob("*.keras"):
    network = keras.saving.load_model(path)
    np.save(path.with_suffix(".npy"), network.predict([a, b], verbose=0))
    assert network.loss.margin == 0.7
    measured = network.evaluate([a, b], np.ones(len(a)), verbose=0, return_dict=True)
    assert "pair_accuracy" in measured
"""


@pytest.mark.slow
def test_saved_models_load_in_a_fresh_process_in_safe_mode(encoder, images, tmp_path):
    """Safe mode is Keras' default: it refuses files that could run code, such as a Lambda."""
    pair = np.stack([images[:3], images[3:]])
    np.save(tmp_path / "pair.npy", pair)
    expected = {}
    for layer in (
        distances.EuclideanDistance,
        distances.L1Distance,
        distances.CosineDistance,
        distances.ExpL1Similarity,
        distances.WeightedL1,
    ):
        network = models.siamese_network(encoder, layer())
        network.compile("sgd", losses.ContrastiveLoss(0.7), metrics=[training.PairAccuracy(0.4)])
        network.save(tmp_path / f"{layer.__name__}.keras")
        expected[layer.__name__] = network.predict(list(pair), verbose=0)
    subprocess.run([sys.executable, "-c", LOAD, str(tmp_path)], check=True)
    for name, distances_here in expected.items():
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found, distances_here, rtol=1e-6, atol=1e-6, err_msg=name)


class TestInBatch:
    @pytest.fixture
    def head(self):
        return distances.WeightedL1(alpha_regularizer=keras.regularizers.L2(0.1), name="head")

    def test_logits_are_those_of_the_siamese_network_on_each_pair(self, encoder, head, images):
        network = models.in_batch_network(encoder, head)
        logits = network.predict_on_batch(images)
        assert network.output_shape == (None, None) and logits.shape == (6, 6)
        left, right = (i.ravel() for i in np.indices((6, 6)))
        p = models.siamese_network(encoder, head).predict_on_batch([images[left], images[right]])
        np.testing.assert_allclose(1 / (1 + np.exp(-logits.ravel())), p, rtol=1e-4)

    def test_all_pairs_by_hand(self):
        """The rows differ by 2 and 0: 4 - 2 x 2 + 3 x 0 = 0; and 4, the bias, on the diagonal."""
        layer = AllPairs(distances.WeightedL1())
        layer.build((None, 2))
        layer.head.set_weights([np.array([-2, 3], "float32"), np.array(4, "float32")])
        found = keras.ops.convert_to_numpy(layer(np.array([[0, 1], [2, 1]], "float32")))
        np.testing.assert_array_equal(found, [[4, 0], [0, 4]])
        assert layer.compute_output_shape((7, 2)) == (7, 7)

    @pytest.mark.parametrize("first", ["in_batch", "siamese"])
    def test_has_the_weights_of_the_siamese_network(self, encoder, head, first):
        """Whichever is built first. Their names are what LayerwiseSGD goes by."""
        makers = {"in_batch": models.in_batch_network, "siamese": models.siamese_network}
        second = next(name for name in makers if name != first)
        networks = {name: makers[name](encoder, head) for name in (first, second)}
        paths = [
            sorted(variable.path for variable in network.trainable_variables)
            for network in networks.values()
        ]
        assert paths[0] == paths[1]
        assert {"head/alpha", "head/bias"} == {
            "/".join(path.split("/")[-2:]) for path in paths[0] if "head" in path
        }
        shared = {id(variable) for variable in networks["siamese"].trainable_variables}
        assert {id(v) for v in networks["in_batch"].trainable_variables} == shared
        assert len(shared) == len(encoder.trainable_variables) + 2

    def test_regularisation_is_added_once(self, encoder, head):
        network = models.in_batch_network(encoder, head)
        expected = 0.1 * np.square(head.get_weights()[0]).sum()
        found = float(keras.ops.convert_to_numpy(sum(network.losses)))
        assert found == pytest.approx(expected, rel=1e-5)

    def test_in_float32_under_mixed_precision(self, images):
        """As the head alone: the encoder may compute in bfloat16, the logits are float32."""
        keras.utils.set_random_seed(0)
        with training.mixed_precision(on=True):
            encoder = models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)
            network = models.in_batch_network(encoder, distances.WeightedL1())
        logits = network.predict_on_batch(images)
        assert logits.dtype == np.float32
        z = np.asarray(models.embed(encoder, images), "float32")
        alpha, bias = network.layers[-1].head.get_weights()
        expected = np.abs(z[:, None] - z[None]) @ alpha + bias
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.slow
    def test_training_it_trains_the_siamese_network(self):
        """In fit, on class labels. Dark, grey and light images, compared as pairs afterwards."""
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(48) % 3
        light = 0.4 * labels[:, None, None, None]
        images = (0.2 * rng.random((48, *SHAPE)) + light).astype("float32")
        batches = ClassBatches(images, labels, n_classes=3, n_images=4, n_batches=10, seed=0)
        encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
        encoder.add(keras.layers.Dense(8))
        head = distances.WeightedL1(keras.initializers.Constant(-1.0))
        siamese = models.siamese_network(encoder, head)
        network = models.in_batch_network(encoder, head)
        network.compile(keras.optimizers.Adam(0.02), losses.InBatchVerificationLoss(1.0))
        history = network.fit(batches, epochs=5, verbose=0).history
        assert history["loss"][-1] < 0.6 * history["loss"][0]
        left, right = rng.integers(0, 48, (2, 100))
        p = siamese.predict_on_batch([images[left], images[right]])
        assert np.mean((p > 0.5) == (labels[left] == labels[right])) > 0.9

    LOAD = """
import sys
import numpy as np
import siamese_utils.augment, siamese_utils.losses, siamese_utils.models
import keras
network = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
labels = np.array([0, 0, 1, 1, 2, 2])
logits = network.predict_on_batch(images)
distorted = network.layers[1].get_layer("distort")(images, training=True)
value = network.evaluate(images, labels, batch_size=6, verbose=0)
assert network.loss.hardness == 0.7
np.savez(sys.argv[3], logits, keras.ops.convert_to_numpy(distorted), value)
"""

    @pytest.mark.nightly
    def test_loads_in_a_fresh_process_in_safe_mode(self, head, images, tmp_path):
        """With distortions in front, which start anew from their seed."""
        keras.utils.set_random_seed(0)
        inner = models.conv4_encoder(SHAPE, filters=(4, 4), dim=3)
        distort = augment.RandomAffine(5, name="distort")
        encoder = keras.Sequential([keras.Input(SHAPE), distort, inner])
        network = models.in_batch_network(encoder, head)
        network.compile("sgd", losses.InBatchVerificationLoss(0.7))
        network.save(tmp_path / "model.keras")
        np.save(tmp_path / "images.npy", images)
        paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "out.npz")]
        subprocess.run([sys.executable, "-c", self.LOAD, *paths], check=True)
        labels = np.array([0, 0, 1, 1, 2, 2])
        expected = [
            network.predict_on_batch(images),
            keras.ops.convert_to_numpy(augment.RandomAffine(5)(images, training=True)),
            network.evaluate(images, labels, batch_size=6, verbose=0),
        ]
        found = np.load(tmp_path / "out.npz").values()
        for here, there in zip(expected, found, strict=True):
            np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-5)
