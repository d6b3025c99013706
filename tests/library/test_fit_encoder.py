"""Training an encoder: the rate, the mean of weights, what decays, what distorts."""

import keras
import numpy as np
import pytest

from siamese_utils.augment import RandomAffine
from siamese_utils.distances import WeightedL1
from siamese_utils.losses import InBatchSoftmaxLoss
from siamese_utils.models import siamese_network
from siamese_utils.sampling import ClassBatches
from siamese_utils.training import LayerwiseSGD, adamw, fit_encoder

pytestmark = pytest.mark.backend

SHAPE = (3, 3, 1)
RATE, DECAY, MOMENTUM = 0.02, 0.5, 0.7


def small_encoder():
    """Of NumPy's random weights: the backends would draw different ones from one seed."""
    encoder = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dense(3, name="dense"),
            keras.layers.UnitNormalization(),
        ]
    )
    kernel = np.random.default_rng(0).normal(0, 0.1, (9, 3))
    encoder.get_layer("dense").set_weights([kernel, np.ones(3)])
    return encoder


def named(encoder):
    """Weights by name, as NumPy arrays."""
    return {w.name: keras.ops.convert_to_numpy(w).copy() for w in encoder.weights}


def class_batches(n_batches):
    """Three patterns, each four times, with noise."""
    rng, labels = np.random.default_rng(0), np.arange(12) % 3
    images = 0.7 * rng.random((3, *SHAPE))[labels] + 0.3 * rng.random((12, *SHAPE))
    return ClassBatches(images.astype("float32"), labels, 2, 2, n_batches, seed=0)


class Recorder(keras.callbacks.Callback):
    """The rate before and the weights after each step, and the loss of each epoch."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.rates, self.weights, self.losses = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        self.rates.append(float(rate))

    def on_train_batch_end(self, batch, logs=None):
        if keras.backend.backend() == "jax":  # which otherwise brings them up to date each epoch
            self.model.jax_state_sync()
        self.weights.append(named(self.encoder))

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])


class NoLoss(keras.losses.Loss):
    """0, and so are its gradients."""

    def call(self, y_true, y_pred):
        return 0.0 * keras.ops.sum(y_pred, axis=-1)


class Paint(keras.layers.Layer):
    """All pixels 5 in training."""

    def call(self, images, training=False):
        return 0.0 * images + 5.0 if training else images


class Training:
    """Before, while and after: two epochs of ten steps, with a running mean of weights."""

    def __init__(self):
        self.encoder = small_encoder()
        self.before = named(self.encoder)
        self.seen = Recorder(self.encoder)
        self.history = fit_encoder(
            self.encoder,
            class_batches(10),
            InBatchSoftmaxLoss(0.5),
            adamw(RATE, 20, averaging=MOMENTUM),
            20,
            callbacks=[self.seen],
        )
        self.after = named(self.encoder)


@pytest.fixture(scope="module")
def training():
    return Training()


@pytest.mark.slow
class TestTraining:
    def test_changes_the_weights_it_is_given(self, training):
        for name, value in training.before.items():
            assert np.abs(training.after[name] - value).max() > 1e-4, name

    def test_gives_a_loss_for_each_epoch_and_calls_back(self, training):
        assert set(training.history) == {"loss"}
        assert training.history["loss"] == pytest.approx(training.seen.losses)
        assert len(training.history["loss"]) == 2
        assert len(training.seen.weights) == 20

    def test_lowers_the_loss(self, training):
        first, second = training.history["loss"]
        assert second < 0.9 * first

    def test_rate_rises_in_a_tenth_of_the_steps_and_falls_along_half_a_cosine(self, training):
        """Two steps from a fiftieth; 18 from the full rate to zero, which the 21st would have."""
        rising = [RATE / 50, RATE * (1 + 1 / 50) / 2]
        falling = RATE * (1 + np.cos(np.pi * np.arange(18) / 18)) / 2
        np.testing.assert_allclose(training.seen.rates, [*rising, *falling], rtol=1e-4, atol=1e-8)
        after = keras.ops.convert_to_numpy(training.seen.model.optimizer.learning_rate)
        assert float(after) == pytest.approx(0, abs=1e-8)

    def test_clips_gradients_to_length_1_over_all_weights(self, training):
        assert training.seen.model.optimizer.global_clipnorm == 1.0

    @pytest.mark.parametrize("name", ["kernel", "bias", "gamma", "beta"])
    def test_leaves_a_running_mean_of_the_weights(self, training, name):
        """It begins with the weights after the first step."""
        first, *others = [weights[name] for weights in training.seen.weights]
        mean = first
        for value in others:
            mean = MOMENTUM * mean + (1 - MOMENTUM) * value
        np.testing.assert_allclose(training.after[name], mean, rtol=1e-4, atol=1e-6)
        assert np.abs(training.after[name] - others[-1]).max() > 1e-5

    @pytest.mark.parametrize("name", ["moving_mean", "moving_variance"])
    def test_moving_statistics_are_the_last(self, training, name):
        np.testing.assert_array_equal(training.after[name], training.seen.weights[-1][name])

    def test_same_seed_same_weights(self, training):
        again = Training()
        assert again.history == training.history
        for name, value in training.after.items():
            np.testing.assert_array_equal(again.after[name], value)


class Painted:
    """Two epochs of two steps, without a gradient, a warm-up or a mean of weights."""

    def __init__(self):
        self.encoder = small_encoder()
        self.before = named(self.encoder)
        self.seen = Recorder(self.encoder)
        self.history = fit_encoder(
            self.encoder,
            class_batches(2),
            NoLoss(),
            adamw(RATE, 4, weight_decay=DECAY),
            4,
            distortions=[Paint()],
            callbacks=[self.seen],
        )
        self.after = named(self.encoder)


@pytest.fixture(scope="module")
def painted():
    return Painted()


@pytest.mark.slow
class TestDecayAndDistortion:
    def test_n_steps_counts_batches_not_epochs(self, painted):
        assert painted.history == {"loss": [0.0, 0.0]}
        assert len(painted.seen.weights) == 4

    def test_each_step_takes_a_share_off_the_kernels(self, painted):
        """The rate of the step times the decay; the rates are those of half a cosine."""
        rates = RATE * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2
        expected = painted.before["kernel"] * np.prod(1 - DECAY * rates)
        np.testing.assert_allclose(painted.after["kernel"], expected, rtol=1e-5)

    @pytest.mark.parametrize("name", ["bias", "gamma", "beta"])
    def test_biases_and_normalisations_do_not_decay(self, painted, name):
        np.testing.assert_array_equal(painted.after[name], painted.before[name])

    def test_distortions_act_in_training(self, painted):
        """The normalisation saw pixels of 5 four times: its mean goes half of the way each time."""
        np.testing.assert_allclose(painted.after["moving_mean"], 5 * (1 - 0.5**4), rtol=1e-6)

    def test_the_encoder_alone_does_not_distort(self, painted):
        encoder, after = painted.encoder, painted.after
        images = np.random.default_rng(0).random((2, *SHAPE), "float32")
        x = images.reshape(2, 9) - after["moving_mean"]
        x = x / np.sqrt(after["moving_variance"] + 0.001) * after["gamma"] + after["beta"]
        x = x @ after["kernel"] + after["bias"]
        expected = x / np.linalg.norm(x, axis=1, keepdims=True)
        found = keras.ops.convert_to_numpy(encoder(images))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        assert not any(isinstance(layer, Paint) for layer in encoder.layers)


class Scaled(keras.utils.PyDataset):
    """Batches of a user's own, which nothing has checked."""

    def __init__(self, factor):
        super().__init__()
        self.batches, self.factor = class_batches(2), factor

    def __len__(self):
        return 2

    def __getitem__(self, index):
        images, labels = self.batches[index]
        return self.factor * images, labels


def free_size(dtype=None):
    """An encoder of images of any size."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((None, None, 1)),
            keras.layers.Conv2D(3, 2, dtype=dtype),
            keras.layers.GlobalAveragePooling2D(dtype=dtype),
            keras.layers.UnitNormalization(dtype="float32"),
        ]
    )


@pytest.mark.parametrize("dtype", [None, "mixed_bfloat16"])
@pytest.mark.parametrize("averaging", [None, np.float32(0.5)])
@pytest.mark.slow
def test_any_size_precision_and_numbers_of_numpy(dtype, averaging):
    """The weights stay float32 and finite, and follow the steps."""
    encoder = free_size(dtype)
    before = named(encoder)
    optimizer = adamw(
        np.float32(RATE), np.int64(4), weight_decay=np.float64(DECAY), averaging=averaging
    )
    history = fit_encoder(
        encoder, class_batches(2), InBatchSoftmaxLoss(0.5), optimizer, np.int64(4)
    )
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    for name, value in named(encoder).items():
        assert value.dtype == "float32" and np.isfinite(value).all()
        assert np.abs(value - before[name]).max() > 1e-4
    assert encoder.layers[0].compute_dtype == (dtype or "float32").removeprefix("mixed_")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_steps": 0}, "n_steps is 0; expected a whole number of at least 1"),
        ({"averaging": 1.0}, "averaging is 1.0; expected a momentum"),
        ({"averaging": np.float32(np.nan)}, "averaging is nan; expected a momentum"),
        ({"rate": -0.1}, "rate is -0.1; expected a finite number of at least 0"),
        ({"rate": np.nan}, "rate is nan; expected a finite number"),
        ({"weight_decay": -1}, "weight_decay is -1; expected a finite number"),
    ],
)
def test_adamw_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        adamw(**{"rate": RATE, "n_steps": 4, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_steps": 1}, "n_steps is 1; expected a multiple of 2"),
        ({"n_steps": 7}, "n_steps is 7; expected a multiple of 2"),
        ({"n_steps": 0}, "n_steps is 0; expected a whole number of at least 1"),
        ({"n_steps": 4.0}, "n_steps is 4.0; expected a whole number"),
        ({"n_steps": "4"}, "n_steps is '4'; expected a whole number"),
        ({"batches": 255}, r"images have values from .* to .*; expected \[0, 1\]"),
    ],
)
def test_refuses(changes, message):
    """Before anything is changed."""
    encoder = small_encoder()
    before = named(encoder)
    options = {"n_steps": 4, "optimizer": adamw(RATE, 4), **changes}
    options["batches"] = Scaled(changes.get("batches", 1))
    with pytest.raises(ValueError, match=message):
        fit_encoder(encoder, loss=InBatchSoftmaxLoss(), **options)
    for name, value in named(encoder).items():
        np.testing.assert_array_equal(value, before[name])


class Pairs(keras.utils.PyDataset):
    """Two pairs of a dark and a bright image; the targets are 1 where the two are alike."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        left, right = np.array([0.1, 0.9]), np.array([0.1, 0.1])
        images = [np.ones((2, *SHAPE)) * x.reshape(2, 1, 1, 1) for x in (left, right)]
        return tuple(images), np.array([1.0, 0.0])


@pytest.mark.slow
def test_listed_pairs_and_a_loss_by_its_name():
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()])
    head = WeightedL1(keras.initializers.Constant(-0.1))
    network = siamese_network(encoder, head)
    history = fit_encoder(network, Pairs(), "binary_crossentropy", keras.optimizers.SGD(1.0), 40)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    (left, right), same = Pairs()[0]
    found = keras.ops.convert_to_numpy(network([left, right]))
    assert ((found > 0.5) == same).all()


class Counted(ClassBatches):
    """Notes the epochs in which the last batch was asked for."""

    def __getitem__(self, index):
        if index == len(self) - 1:
            self.asked.append(self.epoch)
        return super().__getitem__(index)


@pytest.mark.slow
def test_epochs_are_counted_from_0_on_every_backend():
    batches = Counted(np.eye(12, 9).reshape(12, *SHAPE), np.arange(12) % 3, 2, 2, 3, seed=0)
    batches.asked = []
    fit_encoder(small_encoder(), batches, InBatchSoftmaxLoss(), adamw(RATE, 9), 9)
    assert batches.asked == [0, 1, 2]
    assert batches.epoch == 3


class Interrupted(keras.callbacks.Callback):
    """Logs the number of the epoch, and ends the process's part of the training after one."""

    def __init__(self, last):
        super().__init__()
        self.last = last

    def on_epoch_begin(self, epoch, logs=None):
        if epoch > self.last:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        logs["number"] = np.float32(epoch)


OPTIMIZERS = {
    "AdamW": lambda: adamw(RATE, 12, averaging=MOMENTUM),
    "layer-wise": lambda: LayerwiseSGD({"fed": 0.1}, 0.9, steps_per_epoch=3, rise_epochs=2),
}


def in_parts(folder, last=9, make="AdamW", **changes):
    """Four epochs of three batches, distorted and with dropout; the weights and the history."""
    keras.utils.set_random_seed(1)
    encoder = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Flatten(),
            *([keras.layers.Dropout(0.3, seed=1)] if keras.backend.backend() != "torch" else []),
            keras.layers.Dense(3, name="fed"),
            keras.layers.UnitNormalization(),
        ]
    )
    rng = np.random.default_rng(0)
    images = rng.random((12, 6, 6, 1), "float32")
    options = {
        "batches": ClassBatches(images, np.arange(12) % 3, 2, 2, 3, seed=0),
        "loss": InBatchSoftmaxLoss(0.5),
        "optimizer": OPTIMIZERS[make](),
        "n_steps": 12,
        "distortions": [RandomAffine(3)],
        **changes,
    }
    history = fit_encoder(encoder, folder=folder, callbacks=[Interrupted(last)], **options)
    return [keras.ops.convert_to_numpy(w).copy() for w in encoder.weights], history


@pytest.mark.slow
class TestResumed:
    @pytest.mark.parametrize("make", OPTIMIZERS)
    def test_ends_as_if_it_had_not_been_stopped(self, make, tmp_path):
        """The weights to the bit: moments, means, rates, distortions and batches go on."""
        weights, history = in_parts(None, make=make)
        for last in (0, 2):
            with pytest.raises(KeyboardInterrupt):
                in_parts(tmp_path / "new", last, make)
        found, resumed = in_parts(tmp_path / "new", make=make)
        assert resumed == history and history["number"] == [0.0, 1.0, 2.0, 3.0]
        for ours, whole in zip(found, weights, strict=True):
            np.testing.assert_array_equal(ours, whole)

    def test_over_it_returns_at_once_with_its_weights(self, tmp_path):
        weights, history = in_parts(tmp_path)
        found, again = in_parts(tmp_path, last=-1)  # which would interrupt the first epoch
        assert again == history
        for ours, whole in zip(found, weights, strict=True):
            np.testing.assert_array_equal(ours, whole)

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"n_steps": 15}, "n_steps is 15, there 12"),
            ({"loss": InBatchSoftmaxLoss(0.4)}, "loss is"),
            ({"distortions": [RandomAffine(4)]}, "distortions is"),
            ({"optimizer": keras.optimizers.SGD(0.1)}, "optimizer is"),
        ],
    )
    def test_refuses_to_go_on_with_another_training(self, tmp_path, changes, named):
        with pytest.raises(KeyboardInterrupt):
            in_parts(tmp_path, last=0)
        with pytest.raises(ValueError, match=f"checkpoint of another training: .*{named}"):
            in_parts(tmp_path, **changes)

    def test_refuses_other_images(self, tmp_path):
        in_parts(tmp_path)
        images = np.zeros((12, 6, 6, 1), "float32")
        batches = ClassBatches(images, np.arange(12) % 3, 2, 2, 3, seed=0)
        with pytest.raises(ValueError, match="another training: batches is"):
            in_parts(tmp_path, batches=batches)

    def test_refuses_a_file_for_a_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(NotADirectoryError, match="expected a folder"):
            in_parts(tmp_path / "file")
