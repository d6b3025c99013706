"""Training on listed pairs: what a step sees, when it stops, and that it can be resumed."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from siamese_utils import augment, models
from siamese_utils.training import (
    ImageStore,
    LayerwiseSGD,
    OneShotStopping,
    Progress,
    fit_pairs,
    mixed_precision,
)
from siamese_utils.training.checkpoint import read_checkpoint
from siamese_utils.training.store import IndexedPairs

pytestmark = pytest.mark.backend

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 2, (12, 8, 8, 1), dtype=np.uint8)
PAIRS = RNG.integers(0, 12, (34, 2))
SAME = np.arange(34) % 2
RATES = {"hidden": 0.05, "dense": 0.05, "head": 0.1}


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


def network(l2=1e-3, dropout=0.0):
    """A small network with the paper's head, and the same weights each time."""
    keras.utils.set_random_seed(1)
    encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()], name="encoder")
    penalty = keras.regularizers.L2(l2)
    encoder.add(keras.layers.Dense(6, "relu", kernel_regularizer=penalty, name="hidden"))
    if dropout:
        encoder.add(keras.layers.Dropout(dropout))
    encoder.add(keras.layers.Dense(4, "sigmoid", name="dense"))
    return models.koch_network(encoder, l2=l2)


def layerwise():
    return LayerwiseSGD(RATES, momenta=0.9, steps_per_epoch=4, rise_epochs=2)


def adam():
    return keras.optimizers.Adam(0.01)


def noise(images, seed):
    """A distortion that is compiled sooner than the paper's."""
    return images * keras.random.uniform((16, 8, 8, 1), seed=seed)


def train(net, optimizer=None, epochs=4, images=IMAGES, **options):
    options = {"batch_size": 8, "distort": noise, "seed": 3, **options}
    return fit_pairs(net, images, PAIRS, SAME, optimizer or layerwise(), epochs, **options)


def test_a_store_looks_images_up():
    store = ImageStore(IMAGES.shape)
    store.images.assign(IMAGES)
    found = store(np.array([3, 0, 3], "int32"))
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(value(found), IMAGES[[3, 0, 3]])
    assert keras.backend.standardize_dtype(store.images.dtype) == "uint8"
    assert store.trainable_weights == []


def test_a_saved_store_holds_its_images_in_a_fresh_process(tmp_path):
    inputs = keras.Input((), dtype="int32")
    store = ImageStore(IMAGES.shape)
    model = keras.Model(inputs, store(inputs))
    store.images.assign(IMAGES)
    model.save(tmp_path / "model.keras")
    paths = [str(tmp_path / name) for name in ("model.keras", "out.npy")]
    subprocess.run([sys.executable, "-c", LOAD, *paths], check=True)
    np.testing.assert_array_equal(np.load(paths[1]), IMAGES[[5, 2]])


LOAD = """
import sys
import numpy as np
import siamese_utils.training
import keras
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[2], keras.ops.convert_to_numpy(model(np.array([5, 2], "int32"))))
"""


class TestIndexedPairs:
    def test_says_what_the_network_says_of_the_images(self):
        net = network()
        found = value(IndexedPairs(net, IMAGES, None, 0)(PAIRS))
        left, right = (IMAGES[PAIRS[:, i]].astype("float32") for i in (0, 1))
        np.testing.assert_allclose(found, value(net([left, right])), rtol=1e-5)

    def test_dropout_is_on_in_training_only(self):
        model = IndexedPairs(network(dropout=0.5), IMAGES, None, 0)
        still, again, training = (value(model(PAIRS, training=on)) for on in (False, False, True))
        np.testing.assert_array_equal(still, again)
        assert (still != training).any()

    def test_each_image_of_each_pair_is_distorted_anew(self):
        seen = []

        def look(images, seed):
            seen.append(value(augment.affine(images, seed)))
            return images

        model = IndexedPairs(network(), IMAGES, look, 0)
        for _ in range(2):
            model(np.array([[2, 2]] * 3, "int32"))
        versions = {image.tobytes() for batch in seen for image in batch}
        assert [batch.shape for batch in seen] == [(6, 8, 8, 1)] * 2
        assert len(versions) >= 11  # one transform in 128 changes nothing


class TestFitPairs:
    def test_is_keras_s_own_fit_on_the_images(self):
        """Without distortions, in the order of the seed, with the layers' regularisers."""
        net, other = network(), network()
        optimizer = layerwise()
        history = train(net, optimizer, 2, distort=None)
        other.compile(layerwise(), "binary_crossentropy")
        losses = []
        for epoch in range(2):
            order = np.random.default_rng([3, epoch]).permutation(34)[:32]
            left, right = (IMAGES[PAIRS[order, i]].astype("float32") for i in (0, 1))
            y = SAME[order].astype("float32")
            fitted = other.fit([left, right], y, batch_size=8, shuffle=False, verbose=0)
            losses += fitted.history["loss"]
        np.testing.assert_allclose(history["loss"], losses, rtol=1e-4)
        for a, b in zip(net.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
        assert int(optimizer.iterations) == 8
        rates = np.multiply(history["pairs_per_second"], history["seconds"])
        np.testing.assert_allclose(rates, [32, 32])

    def test_mixed_precision_keeps_weights_and_head_in_float32(self):
        with mixed_precision(on=True):
            net = network()
        optimizer = adam()
        history = train(net, optimizer, 2, distort=augment.affine)
        encoder, head = net.get_layer("encoder"), net.get_layer("head")
        assert encoder.get_layer("hidden").compute_dtype == "bfloat16"
        assert head.compute_dtype == "float32"
        assert {v.dtype for v in net.trainable_variables} == {"float32"}
        moments = [v for v in optimizer.variables if len(v.shape) > 0]
        assert {v.dtype for v in moments} == {"float32"}
        assert np.isfinite(history["loss"]).all()
        assert keras.config.dtype_policy().name == "float32"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"pairs": PAIRS + 1}, "there are 12, numbered from 0"),
            ({"pairs": PAIRS - 12}, "numbered from 0"),
            ({"pairs": PAIRS[:, :1]}, r"expected \(n_pairs, 2\)"),
            ({"same": SAME[:5]}, r"expected \(n_pairs, 2\)"),
            ({"pairs": PAIRS[:7], "same": SAME[:7]}, "7 pairs do not fill a batch of 8"),
            ({"images": 255 * IMAGES}, "bytes up to 255"),
        ],
    )
    def test_refuses(self, changes, message):
        data = {"images": IMAGES, "pairs": PAIRS, "same": SAME, **changes}
        with pytest.raises(ValueError, match=message):
            fit_pairs(network(), **data, optimizer=adam(), epochs=1, batch_size=8)


class TestStopping:
    def run(self, accuracies, epochs=9, **options):
        """A training whose weights are the epoch's number, with accuracies told in advance."""
        told = iter(accuracies)
        stopping = OneShotStopping(lambda: next(told), **options)
        net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        net.stop_training = False
        stopping.set_model(net)
        stopping.set_params({"epochs": epochs})
        stopping.on_train_begin()
        for epoch in range(epochs):
            net.set_weights([np.full_like(w, epoch + 1) for w in net.get_weights()])
            stopping.on_epoch_end(epoch, {})
            if net.stop_training:
                break
        stopping.on_train_end()
        assert next(told, None) is None
        return stopping, epoch + 1, float(net.get_weights()[1][0])

    def test_keeps_the_first_best_and_stops_when_patience_is_over(self):
        told = [0.1, 0.5, 0.3, 0.5, 0.2]
        stopping, epochs, weight = self.run(told, patience=3)
        assert stopping.measured == list(enumerate(told, 1))
        assert (stopping.best, stopping.best_epoch, epochs, weight) == (0.5, 2, 5, 2.0)

    def test_a_better_one_starts_patience_again(self):
        stopping, epochs, weight = self.run([0.1, 0.0, 0.2, 0.1, 0.1], patience=2)
        assert (stopping.best_epoch, epochs, weight) == (3, 5, 3.0)

    def test_every_second_epoch_and_the_last(self):
        stopping, epochs, weight = self.run([0.1, 0.3, 0.2], epochs=5, every=2)
        assert [epoch for epoch, _ in stopping.measured] == [2, 4, 5]
        assert (epochs, weight) == (5, 4.0)

    def test_a_limit_in_seconds(self):
        stopping, epochs, weight = self.run([0.1], max_seconds=0)
        assert (epochs, weight) == (1, 1.0)
        assert stopping.seconds > 0

    def test_in_keras_s_fit(self):
        net = network()
        net.compile(adam(), "binary_crossentropy")
        told = iter([0.1, 0.3, 0.2])
        stopping = OneShotStopping(lambda: next(told), patience=1)
        x = [IMAGES.astype("float32")] * 2
        fitted = net.fit(x, np.ones(12), epochs=9, verbose=0, callbacks=[stopping])
        assert fitted.history["one_shot"] == [0.1, 0.3, 0.2]
        assert stopping.best_epoch == 2

    def test_refuses(self):
        with pytest.raises(ValueError, match="patience=0"):
            OneShotStopping(lambda: 0.0, patience=0)


def test_a_line_an_epoch(capsys):
    stopping = OneShotStopping(lambda: 0.25)
    train(network(), epochs=2, stopping=stopping, callbacks=[Progress(2)])
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch   1/2  loss ")
    assert "  pairs_per_second " in first and second.endswith("  one_shot 0.2500")


class Killed(Exception):
    """What ends a training here."""


class Kill(keras.callbacks.Callback):
    """The process ends in the middle of a training."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


class TestResuming:
    def run(self, folder=None, optimizer=layerwise, kill=None, l2=1e-3, patience=20, **options):
        # On PyTorch, Keras' dropout draws from PyTorch's generator, whose state is not kept.
        net = network(l2, dropout=0.0 if keras.backend.backend() == "torch" else 0.3)
        told = {1: 0.1, 2: 0.4, 3: 0.3, 4: 0.2, 5: 0.4, 6: 0.3}
        stopping = OneShotStopping(lambda: told[len(stopping.measured) + 1], patience)
        callbacks = [] if kill is None else [Kill(kill)]
        options = {"epochs": 6, "stopping": stopping, **options}
        history = train(net, optimizer(), folder=folder, callbacks=callbacks, **options)
        return net, history, stopping

    @pytest.mark.parametrize(
        ("optimizer", "options"),
        [(layerwise, {}), (adam, {"stopping": None})],
    )
    def test_ends_with_the_weights_of_a_training_that_was_not_stopped(
        self, tmp_path, optimizer, options
    ):
        """With the best weights, and, where nothing is measured, with the last ones."""
        whole, whole_history, whole_stopping = self.run(None, optimizer, **options)
        with pytest.raises(Killed):
            self.run(tmp_path, optimizer, 3, **options)
        net, history, stopping = self.run(tmp_path, optimizer, **options)
        for found, expected in zip(net.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
        assert history["loss"] == whole_history["loss"]
        assert len(history["seconds"]) == 6
        assert stopping.measured == whole_stopping.measured

    def test_killed_while_writing_leaves_the_file_before(self, tmp_path, monkeypatch):
        write, calls = np.savez, []

        def half(file, **arrays):
            calls.append(file)
            if len(calls) == 2:
                file.write(b"half")
                raise Killed
            write(file, **arrays)

        monkeypatch.setattr(np, "savez", half)
        with pytest.raises(Killed):
            self.run(tmp_path)
        record, _ = read_checkpoint(tmp_path / "checkpoint.npz")
        assert record["epochs_done"] == 1
        _, history, stopping = self.run(tmp_path)
        assert len(history["loss"]) == 6
        before = record["stopping"]["seconds"]
        assert stopping.seconds > before + sum(history["seconds"][1:]) > before > 0

    def test_a_training_that_is_over_returns_at_once_and_refuses_others(self, tmp_path):
        net, history, stopping = self.run(tmp_path, patience=3)
        again, read, judge = self.run(tmp_path, patience=3, kill=5)  # if it went on
        assert read == history and len(history["loss"]) == 5
        assert judge.state() == stopping.state()
        for a, b in zip(again.get_weights(), net.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        for options, message in (
            ({"seed": 4}, "seed is 4, there 3"),
            ({"batch_size": 4}, "batch_size is 4, there 8"),
            ({"distort": None}, "distort is None, there .*noise"),
            ({"optimizer": adam}, "optimizer is .*Adam"),
            ({"stopping": None}, "patience is None, there .3, 1, None."),
            ({"l2": 0.5}, "network is"),
            ({"images": 1 - IMAGES}, "images is"),
        ):
            with pytest.raises(ValueError, match=message):
                self.run(tmp_path, patience=3, **options)
