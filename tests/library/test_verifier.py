"""The saved model that compares image files: scores by hand, files, and what is refused.

That it answers alike in a fresh process is in test_gallery.py, together with a gallery.
"""

import warnings
import zipfile

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from siamese_utils.verifier import Verifier

from siamese_utils import distances, evaluation, models
from siamese_utils.datasets import DataError, load_image

pytestmark = pytest.mark.backend

SHAPE = (8, 6, 1)


def flat_encoder(shape=(1, 2, 1)):
    """The embedding is the image itself."""
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten()])


@pytest.fixture(scope="module")
def encoder():
    """One for all tests: each new one is compiled anew."""
    keras.utils.set_random_seed(0)
    return models.conv_encoder(SHAPE, filters=(2, 2), hidden=4, dim=3)


def small_encoder():
    """For a test that changes it."""
    shared = [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential(shared)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, *SHAPE), "float32")


def save(path, pixels, mode="L"):
    Image.fromarray(np.array(pixels, np.uint8)).convert(mode).save(path)
    return path


def test_scores_by_hand():
    """(3, 4) with itself, with (-4, 3), with (-3, -4), with (4, 3) and with (0, 0)."""
    left = np.array([[3, 4]] * 5, "float32").reshape(5, 1, 2, 1)
    right = np.array([[3, 4], [-4, 3], [-3, -4], [4, 3], [0, 0]], "float32").reshape(5, 1, 2, 1)
    verifier = Verifier(flat_encoder(), 0.5)
    found = ops.convert_to_numpy(verifier([left, right]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [1, 0, -1, 24 / 25, 0], atol=1e-6)
    assert np.abs(found).max() <= 1
    np.testing.assert_array_equal(found, verifier.predict_on_batch([right, left]))


def test_scores_stay_in_range():
    """Without the bounds, rounding gives 1.0000001 for some of these pairs."""
    x = np.random.default_rng(0).normal(size=(500, 1, 2, 1)).astype("float32")
    verifier = Verifier(flat_encoder(), 0.5)
    unit = x[:, 0, :, 0] / np.linalg.norm(x[:, 0, :, 0], axis=1, keepdims=True)
    assert (np.sum(unit * unit, axis=1, dtype="float32") > 1).any()
    assert verifier.predict_on_batch([x, x]).max() <= 1
    assert verifier.predict_on_batch([x, -x]).min() >= -1


def test_scores_are_one_minus_the_cosine_distance_of_embeddings(encoder, images):
    verifier = Verifier(encoder, 0.5)
    z = verifier.embed(images)
    np.testing.assert_array_equal(z, models.embed(encoder, images))
    pairs = np.array([[0, 3], [1, 4], [2, 5]])
    expected = 1 - evaluation.pair_scores(distances.cosine, z, pairs)
    found = verifier.predict_on_batch([images[:3], images[3:]])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_verdicts_are_those_of_a_distance_threshold(tmp_path):
    """Black-and-white pixels as vectors: cosines 1, 0, 0.6 and 0.8 or so."""
    levels = {"a": [255, 0], "b": [0, 255], "c": [153, 204], "d": [204, 153]}
    paths = {name: save(tmp_path / f"{name}.png", [row]) for name, row in levels.items()}
    names = [("a", "a"), ("a", "b"), ("a", "c"), ("a", "d"), ("c", "d")]
    verifier = Verifier(flat_encoder(), 0.0)
    expected = [1, 0, 0.6, 0.8, 0.96]
    for threshold in (0.1, 0.3, 0.5, 1.0):  # distances
        verifier.threshold = 1 - threshold
        found = [verifier.compare(paths[x], paths[y]) for x, y in names]
        np.testing.assert_allclose([f.score for f in found], expected, atol=1e-6)
        d = 1 - np.array(expected)
        same = [int(f.same) for f in found]
        if threshold < 1:  # where no distance is at the threshold, up to rounding
            assert evaluation.verification_accuracy(d, np.array(same), threshold) == 1
    assert found[1].score == found[1].threshold == 0
    assert not found[1].same, "at the threshold means different"


def test_compare_agrees_with_call_and_is_symmetric(encoder, tmp_path):
    rng = np.random.default_rng(0)
    a, b = (save(tmp_path / f"{i}.png", rng.integers(0, 256, (8, 6))) for i in range(2))
    verifier = Verifier(encoder, -0.5)
    found = verifier.compare(a, str(b))
    images = verifier.read(a, b)
    assert found.score == pytest.approx(
        float(ops.convert_to_numpy(verifier([images[:1], images[1:]]))[0]), abs=1e-6
    )
    assert (found.threshold, found.same) == (-0.5, found.score > -0.5)
    assert verifier.compare(b, a) == found


def test_reads_files_of_any_size_and_mode(tmp_path):
    rng = np.random.default_rng(0)
    kinds = [("a.png", "RGBA"), ("b.jpg", "L"), ("c.gif", "P"), ("d.png", "1"), ("e.tif", "CMYK")]
    paths = [
        save(tmp_path / name, rng.integers(0, 256, (20 + i, 30 - i, 3)), mode)
        for i, (name, mode) in enumerate(kinds)
    ]
    for channels in (1, 3):
        for fit in ("pad", "crop", "stretch"):
            verifier = Verifier(flat_encoder((8, 6, channels)), 0.5, fit)
            found = verifier.read(*paths)
            assert found.shape == (5, 8, 6, channels)
            assert found.dtype == np.float32
            expected = [load_image(p, (8, 6), channels=channels, fit=fit) for p in paths]
            np.testing.assert_array_equal(found, np.stack(expected))


def test_reads_ink_as_one_where_the_encoder_wants_it(tmp_path):
    path = save(tmp_path / "a.png", [[255, 51]])
    for invert, expected in ((False, [1, 0.2]), (True, [0, 0.8])):
        found = Verifier(flat_encoder(), 0.5, invert=invert).read(path)
        np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)
        for name in ("cat", "dog"):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            save(tmp_path / "set" / name / "1.png", [[255, 51]])
        images, labels = Verifier(flat_encoder(), 0.5, invert=invert).read_folder(tmp_path / "set")
        np.testing.assert_array_equal(images, [found[0], found[0]])
        assert labels.tolist() == ["cat", "dog"]


def test_a_broken_file_is_named_or_left_out(tmp_path):
    for name in ("cat/1", "cat/2", "dog/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / f"{name}.png", [[255, 51]])
    broken = tmp_path / "cat" / "2.png"
    broken.write_text("no image")
    verifier = Verifier(flat_encoder(), 0.5)
    with pytest.raises(DataError, match=r"2\.png cannot be read"):
        verifier.compare(tmp_path / "cat" / "1.png", broken)
    with pytest.raises(DataError, match=r"2\.png cannot be read"):
        verifier.read_folder(tmp_path)
    images, labels = verifier.read_folder(tmp_path, skip_broken=True)
    assert len(images) == 2
    assert labels.tolist() == ["cat", "dog"]


def test_no_finite_score_is_an_error(tmp_path):
    path = save(tmp_path / "a.png", np.full((8, 6), 9))
    encoder = small_encoder()
    encoder.set_weights([np.full_like(w, np.nan) for w in encoder.get_weights()])
    with pytest.raises(ValueError, match=r"a\.png is nan; expected a number .* lower learning"):
        Verifier(encoder, 0.5).compare(path, path)


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        (SHAPE, {"threshold": 1.2}, r"threshold is 1.2; expected .* in \[-1, 1\]. .* 1 - distance"),
        (SHAPE, {"threshold": float("nan")}, "threshold is nan"),
        (SHAPE, {"threshold": 0, "fit": "squash"}, "fit is 'squash'; expected one of pad, crop"),
        ((8, 6, 2), {"threshold": 0}, r"encoder maps \(None, 8, 6, 2\) to .*; expected .* 1 or 3"),
        ((None, 6, 1), {"threshold": 0}, "keras.Input the size of the images"),
        ((4,), {"threshold": 0}, r"encoder maps \(None, 4\)"),
    ],
)
def test_refuses_bad_settings(shape, settings, message):
    encoder = keras.Sequential([keras.Input(shape), keras.layers.Flatten()])
    with pytest.raises(ValueError, match=message):
        Verifier(encoder, **settings)


def test_refuses_what_is_no_encoder(encoder):
    with pytest.raises(ValueError, match=r"Build it with keras\.Input"):
        Verifier(keras.Sequential([keras.layers.Flatten()]), 0.5)
    with pytest.raises(ValueError, match="end the encoder in a vector"):
        Verifier(keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(1, 3)]), 0.5)
    verifier = Verifier(encoder, 0.5)
    with pytest.raises(ValueError, match="threshold is -2"):
        verifier.threshold = -2
    assert verifier.threshold == 0.5
    with pytest.raises(ValueError, match="no paths; expected one image file"):
        verifier.read()


class TestFile:
    @pytest.fixture
    def path(self, encoder, tmp_path):
        path = tmp_path / "new" / "model.keras"
        Verifier(encoder, 0.3, "stretch", invert=True).save(path)
        return path

    def test_saves_without_a_warning_before_the_first_call(self, encoder, tmp_path):
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*has not yet been built")
            Verifier(encoder, 0.3).save(tmp_path / "m.keras")

    def test_round_trip(self, encoder, images, path):
        expected = Verifier(encoder, 0.3).predict_on_batch([images[:3], images[3:]])
        for loaded in (Verifier.load(str(path)), keras.saving.load_model(path)):
            assert (loaded.threshold, loaded.fit_mode, loaded.invert) == (0.3, "stretch", True)
            found = loaded.predict_on_batch([images[:3], images[3:]])
            np.testing.assert_allclose(found, expected, atol=1e-6)
        assert [found.name for found in path.parent.iterdir()] == ["model.keras"]

    def test_how_the_encoder_was_trained_is_not_asked_for(self, images, tmp_path):
        """A loss that no other process knows; all that is asked for is the weights."""
        encoder = small_encoder()
        encoder.compile("sgd", loss=lambda y, z: ops.mean(ops.square(z - y)))
        encoder.train_on_batch(images, np.ones((6, 3)))
        Verifier(encoder, 0.3).save(tmp_path / "m.keras")
        loaded = Verifier.load(tmp_path / "m.keras")
        np.testing.assert_allclose(loaded.embed(images), models.embed(encoder, images), atol=1e-6)
        with zipfile.ZipFile(tmp_path / "m.keras") as file:
            assert b'compile_config": {"opt' not in file.read("config.json")

    def test_a_failure_leaves_the_old_file(self, encoder, path, monkeypatch):
        before = path.read_bytes()

        def fail(model, filepath, **options):
            filepath.write_bytes(b"half")
            raise OSError("no space")

        monkeypatch.setattr(keras.Model, "save", fail)
        with pytest.raises(OSError, match="no space"):
            Verifier(encoder, 0.9).save(path)
        assert path.read_bytes() == before
        assert len(list(path.parent.iterdir())) == 1

    def test_names(self, encoder, path):
        verifier = Verifier(encoder, 0.9)
        with pytest.raises(ValueError, match=r"model.h5'; expected a name that ends in .keras"):
            verifier.save(path.with_suffix(".h5"))
        with pytest.raises(ValueError, match="exists; pass overwrite=True"):
            verifier.save(path, overwrite=False)
        verifier.save(path)
        assert Verifier.load(path).threshold == 0.9

    def test_no_such_file(self, tmp_path):
        for path in (tmp_path / "gone.keras", tmp_path):
            with pytest.raises(
                FileNotFoundError, match=r"is not a file\. Expected .* Correct"
            ) as e:
                Verifier.load(path)
            assert str(path) in str(e.value)

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
            Verifier.load(path)

    def test_another_model(self, encoder, path):
        encoder.save(path)
        with pytest.raises(ValueError, match=r"holds a Sequential\. Expected .* Put the encoder"):
            Verifier.load(path)

    def test_an_unknown_layer(self, path):
        class Mine(keras.layers.Layer):
            def call(self, x):
                return x

        shared = [keras.Input(SHAPE), Mine(), keras.layers.Flatten()]
        Verifier(keras.Sequential(shared), 0.3).save(path)
        with pytest.raises(ValueError, match=r"cannot be loaded .*Mine.* import the module that"):
            Verifier.load(path)
        with keras.saving.custom_object_scope({"Mine": Mine}):
            assert Verifier.load(path).threshold == 0.3
