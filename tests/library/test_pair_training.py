"""Training on listed pairs: what a step sees, when it stops, and that it can be resumed."""

import decimal
import fractions
import functools
import json
import math
import os
import subprocess
import sys
import threading
import types

import keras
import ml_dtypes
import numpy as np
import pytest

from siamese_utils import augment, models
from siamese_utils._files import read_arrays
from siamese_utils.training import (
    LayerwiseSGD,
    OneShotStopping,
    Progress,
    adamw,
    fit_pairs,
    mixed_precision,
    pair_training,
)
from siamese_utils.training.identity import describe, identity
from siamese_utils.training.logged import plain_number
from siamese_utils.training.store import ImageStore, IndexedPairs

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


@pytest.mark.nightly
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
    @pytest.mark.slow
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

    @pytest.mark.slow
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
            ({"pairs": PAIRS + 1}, "pairs from .* to 12; expected 0 to 11"),
            ({"pairs": PAIRS - 12}, "pairs from -12 to .*; expected 0 to 11"),
            ({"pairs": PAIRS[:, :1]}, r"expected \(n_pairs, 2\)"),
            ({"pairs": PAIRS[:, [0, 1, 1]]}, r"expected \(n_pairs, 2\)"),
            ({"pairs": PAIRS[0]}, r"expected \(n_pairs, 2\)"),
            ({"pairs": PAIRS + 0.5}, "expected whole numbers"),
            ({"pairs": PAIRS > 5}, "expected whole numbers"),
            ({"pairs": PAIRS[:0], "same": SAME[:0]}, "pairs are empty"),
            ({"same": SAME[:5]}, r"expected \(34,\), one for each pair"),
            ({"same": np.eye(34)}, r"expected \(34,\), one for each pair"),
            ({"same": 2 * SAME}, "expected 1 = same and 0 = different"),
            ({"pairs": PAIRS[:7], "same": SAME[:7]}, "7 pairs do not fill a batch of 8"),
            ({"images": 255 * IMAGES}, "from 0 to 255.*divide by 255"),
            ({"images": 255.0 * IMAGES}, "from 0 to 255.*divide by 255"),
            ({"images": np.where(IMAGES, np.nan, 0)}, "from nan to nan"),
            ({"images": IMAGES[..., 0]}, r"expected \(n, height, width, channels\)"),
            ({"epochs": 0}, "epochs is 0; expected a whole number of at least 1"),
            ({"epochs": 1.5}, "epochs is 1.5; expected a whole number"),
            ({"batch_size": 0}, "batch_size is 0; expected a whole number"),
            ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ],
    )
    def test_refuses(self, changes, message):
        data = {"images": IMAGES, "pairs": PAIRS, "same": SAME, "epochs": 1, "batch_size": 8}
        with pytest.raises(ValueError, match=message):
            fit_pairs(network(), **{**data, **changes}, optimizer=adam())

    @pytest.mark.parametrize(
        "changes",
        [
            *({"images": IMAGES.astype(t)} for t in ("bool", "int64", "float16", "float64")),
            {"images": IMAGES.astype(ml_dtypes.bfloat16)},
            {"images": IMAGES.tolist()},
            *({"pairs": PAIRS.astype(t)} for t in ("uint8", "int16", "uint64", "float32")),
            {"pairs": PAIRS.tolist()},
            *({"same": SAME.astype(t)} for t in ("bool", "uint8", "float16", "float64")),
            {"same": SAME[:, None]},
            {"same": SAME.tolist()},
            {"batch_size": np.uint8(8)},
            {"batch_size": 1},
        ],
        ids=lambda changes: ", ".join(
            f"{name} {getattr(value, 'dtype', type(value).__name__)}{np.shape(value)}"
            for name, value in changes.items()
        ),
    )
    def test_data_of_any_harmless_type_and_shape_are_the_same_data(self, changes):
        data = {"images": IMAGES, "pairs": PAIRS, "same": SAME, "batch_size": 8}
        expected, found = pair_training._checked(**data), pair_training._checked(**data | changes)
        for a, b in zip(found[:3], expected[:3], strict=True):
            np.testing.assert_array_equal(a, b)
        assert found[3] == changes.get("batch_size", 8)
        # Bytes stay bytes on the device, and numbers with a point are of the network's type.
        assert [x.dtype.name for x in found[1:3]] == ["int64", "float32"]
        is_float = "float" in str(getattr(changes.get("images"), "dtype", ""))
        assert found[0].dtype == ("float32" if is_float else "uint8")

    @pytest.mark.slow
    def test_trains_on_lists_and_numbers_of_numpy(self):
        expected = train(network(), adam(), 1, distort=None)["loss"]
        data = {"images": IMAGES.tolist(), "pairs": PAIRS.tolist(), "same": SAME[:, None].tolist()}
        numbers = {"epochs": np.int64(1), "batch_size": np.uint8(8), "seed": np.int32(3)}
        found = fit_pairs(network(), **data, **numbers, optimizer=adam())["loss"]
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_a_file_in_place_of_the_folder_is_refused_before_training(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(NotADirectoryError, match=r"expected a folder.*file"):
            train(network(), folder=tmp_path / "file", callbacks=[Kill(0)])


@pytest.mark.slow
def test_a_mean_of_the_weights_is_refused():
    """Keras puts it in their place at the end of each `fit`, of which there is one an epoch."""
    optimizer = adamw(0.01, 10, averaging=0.99)
    with pytest.raises(ValueError, match=r"averaging=None\. To average"):
        fit_pairs(network(), IMAGES, PAIRS, SAME, optimizer, epochs=2, batch_size=4)


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

    def test_the_epoch_that_a_limit_ends_with_is_measured(self):
        stopping, epochs, weight = self.run([0.1], every=5, max_seconds=0)
        assert (stopping.measured, epochs, weight) == ([(1, 0.1)], 1, 1.0)

    def test_in_keras_s_fit(self):
        net = network()
        net.compile(adam(), "binary_crossentropy")
        told = iter([0.1, 0.3, 0.2])
        stopping = OneShotStopping(lambda: next(told), patience=1)
        x = [IMAGES.astype("float32")] * 2
        fitted = net.fit(x, np.ones(12), epochs=9, verbose=0, callbacks=[stopping])
        assert fitted.history["one_shot"] == [0.1, 0.3, 0.2]
        assert stopping.best_epoch == 2

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"patience": 0}, "patience is 0; expected a whole number of at least 1"),
            ({"patience": 2.5}, "patience is 2.5; expected a whole number"),
            ({"every": 0}, "every is 0; expected a whole number of at least 1"),
            ({"every": "2"}, "every is '2'; expected a whole number"),
            ({"max_seconds": -1}, "max_seconds is -1"),
            ({"max_seconds": np.nan}, "max_seconds is nan"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(ValueError, match=message):
            OneShotStopping(lambda: 0.0, **options)

    @pytest.mark.parametrize("kind", [np.float16, np.float32, np.array, keras.ops.array])
    def test_takes_measures_and_counts_of_any_type(self, kind):
        told = [kind(0.25), kind(0.5), kind(0.125)]
        counts = {"patience": np.uint8(1), "every": np.int64(1), "max_seconds": np.float32(60)}
        stopping, epochs, _ = self.run(told, **counts)
        assert (stopping.measured, epochs) == ([(1, 0.25), (2, 0.5), (3, 0.125)], 3)
        assert {type(value) for _, value in stopping.measured} == {float}

    @pytest.mark.parametrize("value", [np.nan, np.inf, np.float32("nan"), "nan tensor"])
    def test_refuses_a_measure_that_is_not_finite(self, value):
        """Nothing is better than NaN or worse, and nothing is better than infinity."""
        if isinstance(value, str):
            value = keras.ops.array(np.nan)
        message = r"measure .*(nan|inf) after epoch 3; expected a finite .* learning rate"
        with pytest.raises(ValueError, match=message):
            self.run([0.5, 0.25, value])

    def test_refuses_a_measure_that_is_no_number(self):
        with pytest.raises(ValueError, match="one_shot = None; expected one number"):
            self.run([None])


@pytest.mark.slow
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


@pytest.mark.slow
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
        record, _ = read_arrays(tmp_path / "checkpoint.npz")
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
            ({"distort": None}, "distort is None, there noise"),
            ({"optimizer": adam}, "optimizer is .*Adam"),
            ({"stopping": None}, "stopping is None, there .3, 1, None."),
            ({"l2": 0.5}, "network is"),
            ({"images": 1 - IMAGES}, "images is"),
        ):
            with pytest.raises(ValueError, match=message):
                self.run(tmp_path, patience=3, **options)

    def test_other_start_weights_are_another_training(self, tmp_path):
        """Also those of a network or an optimizer that was trained already."""
        net, used = network(), layerwise()
        train(net, used, 1, folder=tmp_path)
        for again in ((net, layerwise()), (network(), used)):
            with pytest.raises(ValueError, match=r"start is .*anew, from the same random seed"):
                train(*again, 1, folder=tmp_path)

    def test_a_schedule_counts_with_its_values(self, tmp_path):
        def scheduled(steps):
            rate = keras.optimizers.schedules.CosineDecay(np.float32(0.01), steps)
            return keras.optimizers.Adam(rate)

        history = train(network(), scheduled(8), 1, folder=tmp_path)
        assert train(network(), scheduled(8), 1, folder=tmp_path) == history
        with pytest.raises(ValueError, match=r"optimizer is .*'decay_steps': 9"):
            train(network(), scheduled(9), 1, folder=tmp_path)

    def test_bfloat16_weights_are_saved_and_given_back(self, tmp_path):
        """Not of mixed precision, whose weights are float32, but of a policy for all."""

        def net():
            keras.utils.set_random_seed(1)
            encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
            encoder.add(keras.layers.Dense(4, "sigmoid", dtype="bfloat16", name="dense"))
            return models.koch_network(encoder)

        first, again = net(), net()
        history = train(first, adam(), 2, folder=tmp_path)
        assert train(again, adam(), 2, folder=tmp_path, callbacks=[Kill(0)]) == history
        for a, b in zip(again.get_weights(), first.get_weights(), strict=True):
            np.testing.assert_array_equal(a.astype("float32"), b.astype("float32"))

    @pytest.mark.parametrize("kind", ["layer", "function"])
    def test_a_layer_that_distorts_goes_on_where_it_was(self, tmp_path, kind):
        """Its generator's state is kept; a function draws from the one that it is given."""

        def distortion():
            return augment.RandomAffine(seed=5) if kind == "layer" else augment.affine

        whole = network()
        expected = train(whole, distort=distortion())
        with pytest.raises(Killed):
            train(network(), distort=distortion(), folder=tmp_path, callbacks=[Kill(2)])
        net = network()
        history = train(net, distort=distortion(), folder=tmp_path)
        assert history["loss"] == expected["loss"]
        for found, value in zip(net.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(found, value)
        assert expected["loss"] != train(network(), distort=None)["loss"]


def scaled(factor, power=1):
    def distort(images, seed):
        return (factor * images) ** power

    return distort


def by_default(factor):
    def distort(images, seed, factor=factor, *, power=factor):
        return factor * images

    return distort


def by_keyword(factor):
    def distort(images, seed, *, factor=factor):
        return factor * images

    return distort


GAIN = 0.5


def by_global(images, seed):
    return GAIN * images


def by_inner_global(images, seed):
    return [by_global(image, seed) for image in images]


def by_literal(factor):
    """A function of its own source, as a notebook's cell that was edited."""
    space = {"__name__": "__main__"}
    exec(f"def distort(images, seed):\n    return {factor} * images", space)
    return space["distort"]


def by_class_body(factor):
    return type("Scale", (), {"factor": factor, "__call__": lambda self, images, seed: images})()


def by_other_module(factor):
    module = types.ModuleType("settings_of_the_user")
    module.gain = factor
    return eval("lambda images, seed: settings.gain * images", {"settings": module})


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, images, seed):
        return self.factor * images

    def method(self, images, seed):
        return self.factor * images


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, images, seed):
        return self.factor * images


def drawing(seed):
    """The state of a NumPy generator is in C."""
    rng = np.random.default_rng(int(1000 * seed))
    return lambda images, seed: images + rng.random()


def normalization(factor):
    return keras.layers.Normalization(mean=0.0, variance=factor)


def weighted(factor):
    layer = keras.layers.Dense(1, kernel_initializer="ones")
    layer.build((None, 1))
    layer.kernel.assign([[factor]])
    return layer


def around_a_layer(factor):
    layer = keras.layers.RandomContrast(factor, seed=1)
    return lambda images, seed: layer(images, training=True)


def around_a_network(factor):
    inputs = keras.Input((1,))
    network = keras.Model(inputs, factor * keras.layers.Dense(1, "relu", False, "ones")(inputs))
    return lambda images, seed: network(images)


KINDS = {
    "closure": scaled,
    "default": by_default,
    "keyword": by_keyword,
    "literal": by_literal,
    "partial": lambda factor: functools.partial(augment.affine, strength=factor),
    "partial of a closure": lambda factor: functools.partial(scaled(factor), seed=1),
    "partial by position": lambda factor: functools.partial(scaled(1), factor),
    "lambda": lambda factor: lambda images, seed: factor * images,
    "array": lambda factor: scaled(np.full(3, factor)),
    "bfloat16": lambda factor: scaled(np.full(3, factor).astype(ml_dtypes.bfloat16)),
    "objects": lambda factor: scaled(np.array([factor, None])),
    "tensor": lambda factor: scaled(keras.ops.full((3,), factor)),
    "variable": lambda factor: scaled(keras.Variable(factor)),
    "number of NumPy": lambda factor: scaled(np.float32(factor)),
    "dictionary": lambda factor: scaled({"a": [1, (factor,)], 2: {factor}}),
    "object": Scale,
    "object with slots": Slotted,
    "method": lambda factor: Scale(factor).method,
    "value of a class": by_class_body,
    "other module": by_other_module,
    "generator": drawing,
    "cached": lambda factor: functools.cache(scaled(factor)),
    "layer": normalization,
    "weights of a layer": weighted,
    "closure around a layer": around_a_layer,
    "closure around a network": around_a_network,
    "augmentation": lambda factor: augment.RandomAffine(seed=1, strength=factor),
}


class TestIdentity:
    @pytest.mark.parametrize("kind", KINDS)
    def test_values_count(self, kind):
        make = KINDS[kind]
        assert identity(make(0.5)) == identity(make(0.5))
        assert identity(make(0.5)) != identity(make(0.75))

    @pytest.mark.parametrize("distort", [by_global, by_inner_global])
    def test_globals_that_are_read_count(self, distort, monkeypatch):
        before = identity(distort)
        monkeypatch.setitem(globals(), "GAIN", 0.75)
        assert identity(distort) != before
        monkeypatch.setitem(globals(), "GAIN", 0.5)
        assert identity(distort) == before

    def test_kinds_differ_from_each_other(self):
        kinds = {kind: identity(make(0.5)) for kind, make in KINDS.items()}
        assert kinds.pop("number of NumPy") == kinds["closure"]  # the same number
        assert len(set(kinds.values())) == len(kinds)

    @pytest.mark.slow
    def test_is_the_same_in_another_process(self):
        """Whatever the order of sets there, and wherever things lie in memory."""
        code = "import test_pair_training as t; print(t.all_identities())"
        environment = {**os.environ, "PYTHONHASHSEED": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), *sys.path])
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        assert json.loads(done.stdout.splitlines()[-1]) == json.loads(all_identities())

    def test_what_calls_itself_ends(self):
        def again(images, seed):
            return again(images, seed)

        ring = Scale(0.5)
        ring.ring = ring
        assert describe(again) and describe(ring)

    @pytest.mark.parametrize("hidden", [threading.Lock(), (i for i in range(3)), sys.stdout])
    def test_a_state_that_cannot_be_read_is_refused(self, hidden):
        with pytest.raises(ValueError, match=r"state cannot be read.*or train without a folder"):
            identity(scaled([hidden]))

    def test_without_a_folder_there_is_nothing_to_be_mistaken_for(self, tmp_path):
        lock = threading.Lock()

        def distort(images, seed):
            return images if lock else None

        with pytest.raises(ValueError, match="state cannot be read"):
            train(network(), folder=tmp_path, distort=distort, callbacks=[Kill(0)])
        with pytest.raises(Killed):
            train(network(), distort=distort, callbacks=[Kill(0)])

    @pytest.mark.slow
    def test_a_training_of_other_values_is_refused(self, tmp_path):
        history = train(network(), epochs=1, folder=tmp_path, distort=scaled(0.5))
        assert train(network(), epochs=1, folder=tmp_path, distort=scaled(0.5)) == history
        for other in (scaled(0.75), functools.partial(scaled(0.5)), Scale(0.5), None):
            with pytest.raises(ValueError, match=r"distort is .*, there scaled.<locals>.distort"):
                train(network(), epochs=1, folder=tmp_path, distort=other)


def all_identities():
    return json.dumps({kind: identity(make(0.5)) for kind, make in KINDS.items()})


class Logging(keras.callbacks.Callback):
    """Adds values to the history after each epoch."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.update(self.values)


NUMBERS = [
    *(kind(0.5) for kind in (np.float16, np.float32, np.float64, np.longdouble)),
    *(ml_dtypes.bfloat16(0.5), np.int64(3), np.uint8(3), np.bool_(True), True, 3, 0.5),
    *(math.nan, -math.inf, np.float32(np.nan), np.array(0.5), np.array([3]), np.ones((1, 1))),
    *(fractions.Fraction(1, 2), decimal.Decimal("0.5")),
]
TENSORS = [
    *(keras.ops.ones((), dtype) for dtype in ("float16", "bfloat16", "float32", "int32", "bool")),
    *(keras.ops.ones((1,)), keras.Variable(1.0)),
]


class TestWhatCallbacksLog:
    @pytest.mark.parametrize("value", NUMBERS, ids=repr)
    def test_any_number_becomes_a_plain_one(self, value):
        found = plain_number("extra", value)
        assert type(found) in (bool, int, float)
        np.testing.assert_equal(float(found), float(np.asarray(value).item()))

    @pytest.mark.parametrize("value", TENSORS, ids=repr)
    def test_tensors_too(self, value):
        found = plain_number("extra", value)
        assert type(found) in (bool, int, float) and found == 1

    @pytest.mark.slow
    def test_all_of_them_are_saved_and_read(self, tmp_path):
        values = {f"n{i}": value for i, value in enumerate(NUMBERS + TENSORS)}
        calls = [Logging(values), Progress(1)]
        history = train(network(), epochs=1, folder=tmp_path, callbacks=calls)
        kept = {name: history[name] for name in values}
        np.testing.assert_equal(kept, {k: [plain_number(k, v)] for k, v in values.items()})
        again = train(network(), epochs=1, folder=tmp_path, callbacks=calls)
        np.testing.assert_equal(again, history)

    @pytest.mark.parametrize(
        "value",
        ["good", None, np.ones(2), 1j, [], object(), {1: 2}, keras.ops.ones(2)],
        ids=["text", "None", "array", "complex", "list", "object", "dict", "tensor"],
    )
    def test_what_is_no_number_is_refused_by_its_name(self, value):
        with pytest.raises(ValueError, match=r"logged extra = .*; expected one number"):
            plain_number("extra", value)

    @pytest.mark.parametrize("saved", [False, True])
    @pytest.mark.slow
    def test_a_training_says_so_with_a_folder_and_without(self, tmp_path, saved):
        folder = tmp_path if saved else None
        with pytest.raises(ValueError, match="logged extra = 'good'; expected one number"):
            train(network(), epochs=1, folder=folder, callbacks=[Logging({"extra": "good"})])
