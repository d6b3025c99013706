"""A recognizer's files: the model, the gallery, what version 1.0 wrote, and what is refused."""

import importlib.util
import json
import os
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from compilation import QUICK_XLA
from keras import ops
from PIL import Image

from siamese_utils import augment, models
from siamese_utils._files import write_arrays
from siamese_utils.datasets import DataError
from siamese_utils.recognition import Reading, Recognizer, model_file
from siamese_utils.recognition.encoder_digest import encoder_digest

pytestmark = pytest.mark.backend

DATA = Path(__file__).parent / "data"
SHAPE = (8, 6, 1)
READING = Reading((8, 6), 1, "stretch", "ink")


def make_encoder(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(4, "tanh")]
    )


@pytest.fixture(scope="module")
def encoder():
    """One for all tests: each new one is compiled anew."""
    return make_encoder()


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, *SHAPE), "float32")


def state(recognizer):
    return (
        recognizer.embeddings_.tobytes(),
        recognizer.labels_.tolist(),
        recognizer.classes_.tolist(),
        recognizer.background_.tolist(),
    )


LOAD = """
import os, sys
if os.environ.get("KERAS_BACKEND") == "jax":
    sys.modules["tensorflow"] = None  # else Keras imports it to load a file: 4 s
import numpy as np
from siamese_utils.recognition import Reading, Recognizer, model_file
folder = sys.argv[1]
expected = np.load(folder + "/expected.npz")
recognizer = Recognizer.load(folder + "/model.keras", folder + "/gallery.npz")
assert recognizer.predict(expected["images"]).tolist() == expected["labels"].tolist()
scores = recognizer.predict_scores(expected["images"])
np.testing.assert_allclose(scores, expected["scores"], atol=1e-5)
score = recognizer.compare(expected["images"][0], expected["images"][3]).score
np.testing.assert_allclose(score, expected["score"], atol=1e-5)
assert recognizer.threshold == 0.25
assert recognizer.reading == Reading((8, 6), 1, "crop")
"""


@pytest.mark.slow
def test_answers_alike_in_a_fresh_process_and_on_another_backend(images, tmp_path):
    """JAX starts in the shortest time; where it is missing, on the backend of this process."""
    encoder = keras.Sequential([keras.Input(SHAPE), augment.RandomAffine(0), make_encoder()])
    recognizer = Recognizer(encoder, 0.25, reading=Reading((8, 6), 1, "crop"))
    recognizer.fit(images[:3], ["a", "b", "ä"])
    recognizer.save(tmp_path / "model.keras")
    recognizer.save_gallery(tmp_path / "gallery.npz")
    np.savez(
        tmp_path / "expected.npz",
        images=images,
        labels=recognizer.predict(images),
        scores=recognizer.predict_scores(images),
        score=recognizer.compare(images[0], images[3]).score,
    )
    other = {"KERAS_BACKEND": "jax", **QUICK_XLA} if importlib.util.find_spec("jax") else {}
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, **other})


class TestModel:
    @pytest.fixture
    def path(self, encoder, tmp_path):
        path = tmp_path / "new" / "model.keras"
        Recognizer(encoder, 0.3, reading=READING).save(path)
        return path

    def test_round_trip(self, encoder, images, path):
        loaded = Recognizer.load(str(path))
        assert (loaded.threshold, loaded.reading) == (0.3, READING)
        found = models.embed(loaded.encoder, images)
        np.testing.assert_allclose(found, models.embed(encoder, images), atol=1e-6)
        plain = keras.saving.load_model(path)
        np.testing.assert_allclose(models.embed(plain, images), found, atol=1e-6)
        assert [found.name for found in path.parent.iterdir()] == ["model.keras"]
        assert encoder_digest(loaded.encoder) == encoder_digest(encoder)

    @pytest.mark.parametrize("threshold", [None, np.float32(0.25), 1])
    def test_thresholds_of_any_type(self, encoder, tmp_path, threshold):
        Recognizer(encoder, threshold).save(tmp_path / "m.keras")
        assert Recognizer.load(tmp_path / "m.keras").threshold == threshold

    def test_saves_without_a_warning(self, encoder, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            Recognizer(encoder, 0.3).save(tmp_path / "m.keras")

    def test_what_was_found_on_unseen_classes_stays_with_the_model(self, encoder, tmp_path):
        rng = np.random.default_rng(0)
        recognizer = Recognizer(encoder, -1.0)  # calls every pair the same
        noise, labels = rng.random((40, *SHAPE)), np.arange(40) % 4
        with pytest.warns(UserWarning, match="no better than chance"):
            recognizer.evaluate(noise, labels)
        recognizer.save(tmp_path / "m.keras")
        with pytest.warns(UserWarning, match="no better than chance") as said:
            loaded = Recognizer.load(tmp_path / "m.keras")
        assert [each.category for each in said].count(UserWarning) == 1
        assert loaded.assessment_ == recognizer.assessment_

    @pytest.mark.parametrize("part", ["reading", "assessment"])
    def test_settings_of_a_later_version_are_named(self, encoder, tmp_path, part):
        path = tmp_path / "m.keras"
        reading = Reading((8, 6), 1).as_dict()
        settings = {"threshold": 0.5, "reading": reading, "assessment": None}
        settings[part] = {**(settings[part] or {}), "shear": 3}
        model_file.write_model(path, encoder, settings)
        with pytest.raises(ValueError, match=r"m.keras has settings .* not know .*Update the pack"):
            Recognizer.load(path)

    def test_how_the_encoder_was_trained_is_not_kept(self, images, tmp_path):
        """A loss that no other process knows, and an optimizer three times the weights' size."""
        encoder = make_encoder()
        Recognizer(encoder, 0.3).save(tmp_path / "before.keras")
        encoder.compile("adam", loss=lambda y, z: ops.mean(ops.square(z - y)))
        encoder.train_on_batch(images, np.ones((6, 4)))
        Recognizer(encoder, 0.3).save(tmp_path / "m.keras")
        loaded = Recognizer.load(tmp_path / "m.keras")
        found = models.embed(loaded.encoder, images)
        np.testing.assert_allclose(found, models.embed(encoder, images), atol=1e-6)
        sizes = [(tmp_path / name).stat().st_size for name in ("before.keras", "m.keras")]
        assert sizes[1] < 1.1 * sizes[0]
        assert encoder.compiled, "the reader's encoder stays as it was"

    def test_a_failure_leaves_the_old_file(self, encoder, path, monkeypatch):
        before = path.read_bytes()

        def fail(model, filepath, **options):
            filepath.write_bytes(b"half")
            raise OSError("no space")

        monkeypatch.setattr(keras.Model, "save", fail)
        with pytest.raises(OSError, match="no space"):
            Recognizer(encoder, 0.9).save(path)
        assert path.read_bytes() == before
        assert len(list(path.parent.iterdir())) == 1

    def test_refuses_names_thresholds_and_no_encoder(self, encoder, path):
        with pytest.raises(ValueError, match=r"model.h5'; expected a name that ends in .keras"):
            Recognizer(encoder, 0.9).save(path.with_suffix(".h5"))
        for threshold in (1.2, float("nan"), "0.5"):
            with pytest.raises(ValueError, match=r"threshold is .*; expected a cosine similarity"):
                Recognizer(encoder, threshold).save(path)
        with pytest.raises(ValueError, match="no encoder to save; save_gallery writes"):
            Recognizer().save(path)
        assert Recognizer.load(path).threshold == 0.3

    def test_no_such_file(self, tmp_path):
        for path in (tmp_path / "gone.keras", tmp_path):
            with pytest.raises(FileNotFoundError, match=r"is not a file\. .* Correct") as raised:
                Recognizer.load(path)
            assert str(path) in str(raised.value)

    @pytest.mark.parametrize("how", ["text", "half", "another archive"])
    def test_not_a_keras_file(self, path, how):
        if how == "text":
            path.write_text("weights")
        elif how == "half":
            path.write_bytes(path.read_bytes()[:-30])
        else:
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("a.txt", "a")
        with pytest.raises(ValueError, match=r"model.keras is not a Keras file, .* Save the model"):
            Recognizer.load(path)

    def test_another_model(self, encoder, path):
        encoder.save(path)
        with pytest.raises(ValueError, match=r"a Sequential without settings\. .* Put the encoder"):
            Recognizer.load(path)

    def test_an_unknown_layer(self, path):
        class Mine(keras.layers.Layer):
            def call(self, x):
                return x

        shared = [keras.Input(SHAPE), Mine(), keras.layers.Flatten()]
        Recognizer(keras.Sequential(shared), 0.3).save(path)
        with pytest.raises(ValueError, match=r"cannot be loaded .*Mine.* import the module that"):
            Recognizer.load(path)
        with keras.saving.custom_object_scope({"Mine": Mine}):
            assert Recognizer.load(path).threshold == 0.3


def at(*degrees):
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture
def compass():
    return Recognizer().fit(at(0, 90, 180), ["east", "north", "west"])


class TestGallery:
    @pytest.mark.parametrize("labels", [["east", "north"], [3, -2], [True, False]])
    @pytest.mark.parametrize("threshold", [None, 0.1])
    def test_round_trip(self, labels, threshold, tmp_path):
        if labels == [True, False] and threshold:
            pytest.skip("no label of this type is left for what is unknown")
        unknown = "?" if isinstance(labels[0], str) else np.int64(-1)
        recognizer = Recognizer(None, threshold, unknown).fit(at(0, 90), labels)
        recognizer.save_gallery(tmp_path / "new" / "g.npz")
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["g.npz"]
        loaded = Recognizer().load_gallery(str(tmp_path / "new" / "g.npz"))
        assert state(loaded) == state(recognizer)
        assert loaded.get_params() == recognizer.get_params()
        assert loaded.n_features_in_ == 2
        queries = at(10, 80, 200)
        assert loaded.predict(queries).tolist() == recognizer.predict(queries).tolist()

    def test_its_threshold_goes_before_the_model_s(self, encoder, images, tmp_path):
        recognizer = Recognizer(encoder, 0.3).fit(images, list("abcabc"))
        recognizer.save(tmp_path / "m.keras")
        for threshold, expected in ((0.7, 0.7), (None, 0.3)):
            recognizer.set_params(threshold=threshold).save_gallery(tmp_path / "g.npz")
            loaded = Recognizer.load(tmp_path / "m.keras", tmp_path / "g.npz")
            assert loaded.threshold == expected

    @pytest.mark.parametrize("how", ["set", "loaded"])
    def test_is_bound_to_its_reading(self, encoder, tmp_path, how):
        """Queries with the ink the other way round would find the wrong class in silence."""
        images = np.random.default_rng(0).random((6, *SHAPE), "float32")
        recognizer = Recognizer(encoder, reading=READING).fit(images, list("abcabc"))
        recognizer.save_gallery(tmp_path / "g.npz")
        other = Reading((8, 6), 1, "stretch")
        message = "gallery was read as .*'ink'.* reads as .*'as is'.*; expected one reading"
        if how == "set":
            recognizer.set_params(reading=other)
            for ask in (recognizer.predict, lambda found: recognizer.enroll("d", found)):
                with pytest.raises(ValueError, match=message):
                    ask(images)
        else:
            recognizer = Recognizer(encoder, threshold=0.2, reading=other)
            with pytest.raises(ValueError, match=message):
                recognizer.load_gallery(tmp_path / "g.npz")
            assert recognizer.threshold == 0.2 and not hasattr(recognizer, "labels_")

    @pytest.mark.parametrize("reading", [{"shear": 3}, {"size": None}, {"polarity": "?"}])
    def test_a_reading_of_a_later_version_is_named(self, encoder, images, tmp_path, reading):
        path = tmp_path / "g.npz"
        recognizer = Recognizer(encoder, reading=READING).fit(images, list("abcabc"))
        recognizer.gallery_reading_ = {**READING.as_dict(), **reading}
        recognizer.save_gallery(path)
        loaded = Recognizer(encoder, threshold=0.2, reading=READING)
        with pytest.raises(ValueError, match=r"g.npz has settings .* not know .*Update the pack"):
            loaded.load_gallery(path)
        assert loaded.threshold == 0.2 and not hasattr(loaded, "labels_")

    def test_holds_no_pickle(self, compass, tmp_path):
        compass.fit(at(0, 90), np.array(["a", "b"], object)).save_gallery(tmp_path / "g.npz")
        with np.load(tmp_path / "g.npz", allow_pickle=False) as file:
            assert not any(file[name].dtype.hasobject for name in file.files)

    def test_a_failure_leaves_the_old_file(self, compass, tmp_path, monkeypatch):
        path = tmp_path / "g.npz"
        compass.save_gallery(path)
        before = path.read_bytes()
        compass.enroll("x", at(5))

        def fail(file, **arrays):
            file.write(b"half")
            raise OSError("no space")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="no space"):
            compass.save_gallery(path)
        assert path.read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 1

    def test_refuses_another_encoder(self, encoder, images, compass, tmp_path):
        path = tmp_path / "g.npz"
        Recognizer(encoder).fit(images, list("abcabc")).save_gallery(path)
        other = make_encoder(1)
        with pytest.raises(ValueError, match="was made by another encoder") as raised:
            Recognizer(other).load_gallery(path)
        message = str(raised.value)
        assert str(path) in message
        assert encoder_digest(encoder) in message
        assert f"than this one ({encoder_digest(other)})" in message
        assert "Take the model that made it" in message
        with pytest.raises(ValueError, match="none is given"):
            Recognizer().load_gallery(path)
        compass.save_gallery(path)
        with pytest.raises(ValueError, match=r"without an encoder, and one is given\. Pass no"):
            Recognizer(encoder).load_gallery(path)

    def test_names_the_encoder_that_embedded(self, images, tmp_path):
        """Trained after fit, the encoder is no longer the one of the gallery."""
        encoder = make_encoder()
        recognizer = Recognizer(encoder).fit(images, list("abcabc"))
        encoder.set_weights([2 * w for w in encoder.get_weights()])
        recognizer.save_gallery(tmp_path / "g.npz")
        with pytest.raises(ValueError, match="was made by another encoder"):
            Recognizer(encoder).load_gallery(tmp_path / "g.npz")

    @pytest.mark.parametrize("content", [b"", b"text", "half", "other", "format", "lengths"])
    def test_refuses_what_is_no_gallery(self, compass, tmp_path, content):
        path = tmp_path / "g.npz"
        compass.save_gallery(path)
        if content == "half":
            path.write_bytes(path.read_bytes()[:-50])
        elif content == "other":
            np.savez(path, a=1)
        elif content == "format":
            write_arrays(path, {"format": "siamese_utils.gallery 2"}, {})
        elif content == "lengths":
            record = {"format": "siamese_utils.gallery 1", "threshold": None, "unknown": "?"}
            write_arrays(path, record, {"stored": [at(0, 90), np.array(["a"])]})
        else:
            path.write_bytes(content)
        before = state(compass)
        with pytest.raises(ValueError, match=r"is not a gallery.* Save the gallery again") as said:
            compass.load_gallery(path)
        assert str(path) in str(said.value)
        assert state(compass) == before

    def test_refuses_bad_paths(self, compass, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"gone.npz is not a file. Expected .* Correct"):
            compass.load_gallery(tmp_path / "gone.npz")
        with pytest.raises(ValueError, match=r"expected a name that ends in \.npz"):
            compass.save_gallery(tmp_path / "g.zip")


class TestVersion1:
    """The files of Verifier.save and OneShotClassifier.save, as version 1.0 wrote them."""

    def test_both_are_read(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found = Recognizer.load(DATA / "verifier_1.keras")
        with pytest.warns(UserWarning, match="the threshold 0.250, and the model has 0.500"):
            found.load_gallery(DATA / "gallery_1.npz")
        assert found.reading == Reading((6, 6), 1, "crop", "ink")
        assert (found.threshold, found.unknown) == (0.25, "none")
        assert Recognizer.load(DATA / "verifier_1.keras").threshold == 0.5
        images = np.load(DATA / "images_1.npy")
        z = models.embed(found.encoder, images)
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        np.testing.assert_allclose(found.embeddings_, z, atol=1e-6)
        assert found.labels_.tolist() == ["a", "b", "c"]

    def test_saved_anew_they_are_of_now(self, tmp_path):
        found = Recognizer.load(DATA / "verifier_1.keras", DATA / "gallery_1.npz")
        found.save(tmp_path / "m.keras")
        found.save_gallery(tmp_path / "g.npz")
        again = Recognizer.load(tmp_path / "m.keras", tmp_path / "g.npz")
        assert state(again) == state(found)
        assert again.reading == found.reading

    def test_color_read_inverted_is_refused_in_a_sentence(self, tmp_path):
        path = tmp_path / "m.keras"
        with zipfile.ZipFile(DATA / "verifier_1.keras") as file:
            parts = {name: file.read(name) for name in file.namelist()}
        config = json.loads(parts["config.json"])
        text = json.dumps(config).replace("[null, 6, 6, 1]", "[null, 6, 2, 3]")
        parts["config.json"] = text
        with zipfile.ZipFile(path, "w") as file:
            for name, content in parts.items():
                file.writestr(name, content)
        with pytest.raises(ValueError, match=r"m\.keras cannot be loaded .*save the model again"):
            Recognizer.load(path)


def test_the_digest_names_settings_and_weights(encoder):
    again = make_encoder()
    assert encoder_digest(again) == encoder_digest(encoder)
    again.trainable = False
    assert encoder_digest(again) == encoder_digest(encoder), "a frozen encoder embeds alike"
    weights = again.get_weights()
    weights[-1][0] += 1e-6
    again.set_weights(weights)
    assert encoder_digest(again) != encoder_digest(encoder)
    start = make_encoder().layers
    tanh, relu = (
        keras.Sequential([keras.Input(SHAPE), *start, keras.layers.Activation(name)])
        for name in ("tanh", "relu")
    )
    assert encoder_digest(tanh) != encoder_digest(relu), "equal weights, other activation"


def save(path, pixels, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).convert(mode).save(path)
    return path


class TestReading:
    @pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_files_of_any_size_and_mode(self, tmp_path, channels, fit):
        rng = np.random.default_rng(0)
        kinds = [("a.png", "RGBA"), ("b.jpg", "L"), ("c.gif", "P"), ("d.png", "1")]
        paths = [
            save(tmp_path / name, rng.integers(0, 256, (20 + i, 30 - i, 3)), mode)
            for i, (name, mode) in enumerate(kinds)
        ]
        found = Reading((8, 6), channels, fit).read(paths)
        assert (found.shape, found.dtype) == ((4, 8, 6, channels), np.float32)

    @pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_arrays_of_another_size_are_fitted_as_files_are(self, tmp_path, channels, fit, mode):
        rng = np.random.default_rng(0)
        pixels = [rng.integers(0, 256, size) for size in [(20, 30, 3), (20, 30, 3), (31, 17, 3)]]
        paths = [save(tmp_path / f"{i}.png", each, mode) for i, each in enumerate(pixels)]
        stored = [np.asarray(Image.open(path)) / 255 for path in paths]
        arrays = [each[..., None] if mode == "L" else each for each in stored]
        reading = Reading((8, 6), channels, fit)
        expected = reading.read(paths)
        found = reading.prepare(arrays)
        assert (found.shape, found.dtype) == ((3, 8, 6, channels), np.float32)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(reading.prepare(np.stack(arrays[:2])), expected[:2])
        np.testing.assert_array_equal(reading.prepare(tuple(arrays[:2])), expected[:2])

    def test_bytes_of_another_size_are_refused_as_well(self):
        with pytest.raises(ValueError, match=r"from 0 to 255; expected .* divide by 255"):
            Reading((8, 6), 3).prepare(np.full((1, 9, 9, 3), 255, "uint8") * [[[1], [0], [1]] * 3])

    def test_doubtful_drawings_of_another_size_are_named(self):
        """The border is half ink and half paper."""
        images = np.zeros((2, 9, 9, 1))
        images[0, 4, 4] = images[1, :, 4:] = 1
        with pytest.warns(UserWarning, match="^image 1 .*What is returned for them is a guess"):
            Reading((6, 6), 1, polarity="ink").prepare(images)

    def test_ink_is_one_whichever_way_round(self, tmp_path):
        stroke = np.full((5, 5), 255)
        stroke[1:4, 2] = 0
        paths = [save(tmp_path / "set" / "a" / "dark.png", stroke)]
        paths.append(save(tmp_path / "set" / "b" / "light.png", 255 - stroke))
        reading = Reading((5, 5), 1, polarity="ink")
        images = reading.read(paths)
        assert images[0, :, :, 0].tolist() == (1 - stroke / 255).tolist()
        assert (images[1] == images[0]).all()
        folder = reading.read_folder(tmp_path / "set")
        assert (folder.images == images).all()
        arrays = np.stack([stroke, 255 - stroke])[..., None] / 255
        assert (reading.prepare(arrays) == images).all()

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"channels": 2}, "channels is 2; expected 1"),
            ({"channels": 1, "fit": "squash"}, "fit is 'squash'; expected one of pad"),
            (
                {"channels": 1, "polarity": "inverted"},
                "polarity is 'inverted'; expected one of as is",
            ),
            ({"channels": 3, "polarity": "ink"}, "expected channels=1, as ink has no"),
        ],
    )
    def test_refuses_bad_settings(self, settings, message):
        with pytest.raises(ValueError, match=message):
            Reading((8, 6), **settings)

    @pytest.mark.parametrize("size", [(2.5, 8), (0, 8), "large", (1, 2, 3), None])
    def test_refuses_bad_sizes(self, size):
        with pytest.raises(ValueError, match=r"size is .*; expected"):
            Reading(size, 1)

    def test_a_size_of_any_type(self):
        assert (
            Reading(np.int64(8), 1) == Reading([8, 8], 1) == Reading((8, np.int16(8)), np.int32(1))
        )

    @pytest.mark.parametrize("dtype", ["uint8", "int64"])
    def test_whole_numbers_are_no_shares(self, dtype):
        with pytest.raises(ValueError, match=r"values from 15 to 15; .* divide by 255"):
            Reading((8, 6), 1).prepare(np.full((1, 8, 6, 1), 15, dtype))

    def test_a_path_alone_is_asked_for_as_a_list(self, encoder, images):
        recognizer = Recognizer(encoder).fit(images, list("abcabc"))
        with pytest.raises(ValueError, match=r"one path, 'a.png'; expected a list: \['a.png'\]"):
            recognizer.predict("a.png")

    def test_a_broken_file_is_named_or_left_out(self, encoder, tmp_path):
        for level, name in enumerate(("cat/1", "cat/2", "dog/1")):
            save(tmp_path / f"{name}.png", [[255, 51 + level]])
        broken = tmp_path / "cat" / "2.png"
        broken.write_text("no image")
        recognizer = Recognizer(encoder, 0.5)
        with pytest.raises(DataError, match=r"2\.png cannot be read"):
            recognizer.compare(tmp_path / "cat" / "1.png", broken)
        with pytest.raises(DataError, match=r"2\.png cannot be read"):
            recognizer.read_folder(tmp_path)
        folder = recognizer.read_folder(tmp_path, skip_broken=True)
        assert folder.labels.tolist() == [0, 1]
        with pytest.raises(ValueError, match="no paths; expected one image file or more"):
            Reading((8, 6), 1).read([])
