"""The one-shot classifier: by hand on the circle, adding, rejecting, and its file."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from compilation import QUICK_XLA
from siamese_utils.gallery import OneShotClassifier, encoder_digest, search
from siamese_utils.verifier import Verifier
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import NearestNeighbors

from siamese_utils import augment, distances, evaluation, models
from siamese_utils.training import checkpoint

SHAPE = (8, 8, 1)


def at(*degrees):
    """Unit vectors of the plane."""
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture
def compass():
    return OneShotClassifier().fit(at(0, 90, 180), ["east", "north", "west"])


def make_encoder(seed=0):
    keras.utils.set_random_seed(seed)
    return models.conv_encoder(SHAPE, filters=(4, 4), hidden=8, dim=3)


@pytest.fixture(scope="module")
def encoder():
    return make_encoder()


@pytest.fixture
def images():
    return np.random.default_rng(0).random((6, *SHAPE), "float32")


def state(classifier):
    """What is stored, to see that it did not change."""
    return classifier.embeddings_.tobytes(), classifier.labels_.tolist(), list(classifier.classes_)


class TestPredict:
    def test_by_hand(self, compass):
        assert compass.predict(at(10, 60, 130, 200)).tolist() == ["east", "north", "north", "west"]

    def test_scores_are_cosines(self, compass):
        """60 degrees: cos 60, cos 30 and cos 120; columns as classes_, which are sorted."""
        assert compass.classes_.tolist() == ["east", "north", "west"]
        scores = compass.predict_scores(at(60))
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, [[0.5, np.sqrt(3) / 2, -0.5]], atol=1e-6)

    def test_length_does_not_matter(self, compass):
        scaled = OneShotClassifier().fit(
            at(0, 90, 180) * [[7], [0.01], [1e20]], ["east", "north", "west"]
        )
        np.testing.assert_allclose(scaled.embeddings_, compass.embeddings_, atol=1e-6)
        found = scaled.predict_scores(1e19 * at(60))
        np.testing.assert_allclose(found, compass.predict_scores(at(60)), atol=1e-6)
        assert scaled.embeddings_.dtype == np.float32

    def test_the_best_of_a_class_counts(self):
        classifier = OneShotClassifier().fit(at(0, 90, 170, 45), ["b", "a", "b", "a"])
        np.testing.assert_allclose(
            classifier.predict_scores(at(150)), np.cos(np.deg2rad([[60, 20]])), atol=1e-6
        )
        assert classifier.predict(at(150)).tolist() == ["b"]

    def test_nearest_names_the_stored_one(self, compass):
        index, scores = compass.nearest(at(200, 10))
        assert index.tolist() == [2, 0]
        np.testing.assert_allclose(scores, np.cos(np.deg2rad([20, 10])), atol=1e-6)

    def test_int_labels_stay_int(self):
        classifier = OneShotClassifier(threshold=0.5, unknown=-1).fit(at(0, 90), [30, 7])
        assert classifier.classes_.tolist() == [7, 30]
        found = classifier.predict(at(10, 80, 200))
        assert found.tolist() == [30, 7, -1]
        assert found.dtype.kind == "i"

    def test_a_loop_gives_the_same(self, monkeypatch):
        rng = np.random.default_rng(0)
        stored, queries = rng.normal(size=(50, 5)), rng.normal(size=(20, 5))
        labels = rng.integers(0, 7, 50)
        classifier = OneShotClassifier().fit(stored, labels)
        expected = np.full((20, 7), -2.0)
        for i, query in enumerate(queries):
            for vector, label in zip(stored, labels, strict=True):
                cosine = query @ vector / np.linalg.norm(query) / np.linalg.norm(vector)
                expected[i, label] = max(expected[i, label], cosine)
        scores = classifier.predict_scores(queries)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        assert classifier.predict(queries).tolist() == expected.argmax(axis=1).tolist()
        for max_bytes in (1, 100, 300):  # blocks of one embedding, of 5 and of 15
            monkeypatch.setattr(search, "MAX_BYTES", max_bytes)
            np.testing.assert_allclose(classifier.predict_scores(queries), scores, atol=1e-6)
            assert classifier.predict(queries).tolist() == expected.argmax(axis=1).tolist()

    @pytest.mark.parametrize("n_queries", [1, 600])
    def test_of_equal_embeddings_the_first_stored_decides(self, n_queries):
        stored = np.tile(np.random.default_rng(0).normal(size=(1, 16)), (2000, 1))
        labels = np.arange(2000, 0, -1)
        for neighbours in (None, NearestNeighbors(n_neighbors=3, algorithm="brute")):
            classifier = OneShotClassifier(neighbours=neighbours).fit(stored, labels)
            assert set(classifier.predict(stored[:n_queries])) == {2000}

    def test_a_query_without_direction_is_at_a_right_angle_to_all(self, compass):
        assert compass.predict_scores(np.zeros((1, 2))).tolist() == [[0, 0, 0]]
        assert compass.nearest(np.zeros((1, 2)))[1].tolist() == [0]
        assert compass.set_params(threshold=0.1).predict(np.zeros((1, 2))).tolist() == ["unknown"]

    def test_any_estimator_may_search(self):
        class Worst:
            """Finds two candidates, of which the second is the nearest of all."""

            def get_params(self, deep=True):
                return {}

            def fit(self, X):
                self.stored_ = X
                return self

            def kneighbors(self, X, return_distance):
                order = np.argsort(X @ self.stored_.T, axis=1)
                return order[:, [0, -1]]

        found = OneShotClassifier(neighbours=Worst()).fit(at(0, 90, 180), ["e", "n", "w"])
        assert found.predict(at(10, 60, 200)).tolist() == ["e", "n", "w"]
        tree = NearestNeighbors(n_neighbors=2, algorithm="kd_tree")
        found = OneShotClassifier(neighbours=tree).fit(at(0, 90, 180), ["e", "n", "w"])
        assert found.predict(at(10, 60, 200)).tolist() == ["e", "n", "w"]
        assert not hasattr(tree, "n_samples_fit_"), "a clone is fitted"


class TestUnknown:
    def test_by_hand(self, compass):
        """cos 40 = 0.77 and cos 20 = 0.94."""
        compass.set_params(threshold=0.8)
        assert compass.predict(at(40, 20, 200)).tolist() == ["unknown", "east", "west"]

    def test_at_the_threshold_is_unknown_as_a_verifier_says_different(self):
        """0.6, 0.8 is a unit vector; 0.6 in float32 is above 0.6."""
        score = float(np.float32(0.5))
        classifier = OneShotClassifier(threshold=score).fit([[1, 0]], ["a"])
        query = np.array([[0.5, np.sqrt(0.75)]])
        assert classifier.nearest(query)[1].tolist() == [score]
        assert classifier.predict(query).tolist() == ["unknown"]
        assert classifier.set_params(threshold=score - 1e-9).predict(query).tolist() == ["a"]

    def test_none_never_rejects(self, compass):
        assert compass.predict(at(-90)).tolist()[0] in ("east", "west")

    def test_accuracy_counts_unknown_as_a_label(self, compass):
        compass.set_params(threshold=0.8)
        assert compass.score(at(10, 45, 90), ["east", "unknown", "west"]) == pytest.approx(2 / 3)

    @pytest.mark.parametrize(
        ("settings", "labels", "message"),
        [
            ({"threshold": 1.5}, ["a"], "threshold is 1.5; expected a cosine .* None to reject"),
            ({"threshold": float("nan")}, ["a"], "threshold is nan"),
            ({"threshold": 0.5}, [1], "unknown is 'unknown' and .* like 1; .* Pass unknown=-1"),
            ({"threshold": 0.5, "unknown": -1}, ["a"], "unknown is -1 and the labels are like"),
            ({"threshold": 0.5, "unknown": "a"}, ["a"], "unknown is 'a', which is a class; .* no"),
            ({"threshold": 0.5, "unknown": None}, ["a"], "unknown is None and the labels"),
        ],
    )
    def test_refuses_what_does_not_suit_the_labels(self, settings, labels, message):
        with pytest.raises(ValueError, match=message):
            OneShotClassifier(**settings).fit(at(0), labels)
        with pytest.raises(ValueError, match=message):
            OneShotClassifier().fit(at(0), labels).set_params(**settings).predict(at(0))


class TestAdd:
    def test_a_new_class_and_more_of_a_known_one(self, compass):
        assert compass.predict(at(250)).tolist() == ["west"]
        assert compass.add("south-west", at(225, 235)) is compass
        assert compass.classes_.tolist() == ["east", "north", "south-west", "west"]
        assert compass.labels_.tolist() == ["east", "north", "west", "south-west", "south-west"]
        assert compass.predict(at(250, 190, 80)).tolist() == ["south-west", "west", "north"]
        assert compass.add("east", at(260)).predict(at(250)).tolist() == ["east"]
        assert compass.predict_scores(at(250)).shape == (1, 4)

    def test_equals_fitting_all_at_once(self, compass):
        both = OneShotClassifier().fit(at(0, 90, 180, 5), ["east", "north", "west", "x"])
        assert state(compass.add("x", at(5))) == state(both)

    @pytest.mark.parametrize(
        ("label", "images", "message"),
        [
            (3, at(5), "label is 3; expected the type of the other labels, such as 'east'"),
            (2.5, at(5), "expected .* of str or of int"),
            ("x", np.zeros((1, 2)), "embedding 0 has the length 0; expected at least 0.0003"),
            ("x", np.array([[1, 0], [np.nan, 1]]), "embedding 1 has values .* not finite"),
            ("x", np.ones((2, 3)), "have 3 dimensions; expected 2 .* from one encoder"),
            ("x", np.zeros((0, 2)), r"shape \(0, 2\); expected \(n, dim\)"),
            ("x", np.ones(2), r"shape \(2,\); expected \(n, dim\) .* embedding\[None\]"),
            ("unknown", at(5), "unknown is 'unknown', which is a class"),
        ],
    )
    def test_bad_input_leaves_the_gallery(self, compass, label, images, message):
        compass.set_params(threshold=0.5)
        before = state(compass)
        with pytest.raises(ValueError, match=message):
            compass.add(label, images)
        assert state(compass) == before
        assert compass.predict(at(10)).tolist() == ["east"]

    def test_refuses_an_encoder_that_was_trained_since(self, images):
        encoder = make_encoder()
        classifier = OneShotClassifier(encoder).fit(images[:2], ["a", "b"])
        encoder.trainable = False
        classifier.add("c", images[2:3])
        encoder.set_weights([2 * w for w in encoder.get_weights()])
        with pytest.raises(ValueError, match=r"was trained, since .* Call fit"):
            classifier.add("d", images[3:4])
        assert classifier.classes_.tolist() == ["a", "b", "c"]


class TestEstimator:
    def test_settings_are_only_stored(self, encoder):
        neighbours = NearestNeighbors(n_neighbors=2)
        classifier = OneShotClassifier(encoder, 0.5, "none", neighbours)
        found = classifier.get_params(deep=False)
        assert found.pop("encoder") is encoder
        assert found == {"threshold": 0.5, "unknown": "none", "neighbours": neighbours}

    def test_a_clone_has_the_settings_the_encoder_and_no_gallery(self, encoder, images):
        classifier = OneShotClassifier(encoder, 0.5, "none").fit(images, list("abcabc"))
        other = clone(classifier)
        assert other.encoder is encoder
        assert other.get_params() == classifier.get_params()
        with pytest.raises(NotFittedError):
            other.predict(images)

    def test_a_clone_has_a_clone_of_the_search(self):
        neighbours = NearestNeighbors(n_neighbors=2)
        other = clone(OneShotClassifier(neighbours=neighbours)).neighbours
        assert other is not neighbours
        assert other.get_params() == neighbours.get_params()

    @pytest.mark.parametrize("method", ["predict", "predict_scores", "nearest"])
    def test_needs_fit(self, method):
        with pytest.raises(NotFittedError):
            getattr(OneShotClassifier(), method)(at(0))
        with pytest.raises(NotFittedError):
            OneShotClassifier().add("a", at(0))
        with pytest.raises(NotFittedError):
            OneShotClassifier().save("a.npz")

    def test_n_features(self, compass):
        assert compass.n_features_in_ == 2

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (at(0, 90), ["a"], "2 images and 1 labels; expected one label an image"),
            (at(0), [0.5], "type float64; expected .* labels.astype"),
            (at(0), [["a"]], r"shape \(1, 1\)"),
            (at(0), np.array([None]), "type object"),
            (np.ones((2, *SHAPE)), ["a", "b"], r"expected \(n, dim\) .* Pass an encoder"),
        ],
    )
    def test_bad_input_keeps_the_old_gallery(self, compass, X, y, message):
        before = state(compass)
        with pytest.raises(ValueError, match=message):
            compass.fit(X, y)
        assert state(compass) == before

    def test_object_labels_of_str(self):
        labels = OneShotClassifier().fit(at(0, 90), np.array(["a", "bc"], object)).labels_
        assert labels.dtype.kind == "U"

    def test_a_query_of_another_size(self, compass):
        with pytest.raises(ValueError, match="have 3 dimensions; expected 2"):
            compass.predict(np.ones((1, 3)))


LOAD = """
import os, sys
if os.environ.get("KERAS_BACKEND") == "jax":
    sys.modules["tensorflow"] = None  # else Keras imports it to load a file: 4 s
import numpy as np
from siamese_utils.gallery import OneShotClassifier
from siamese_utils.verifier import Verifier
folder = sys.argv[1]
expected = np.load(folder + "/expected.npz")
verifier = Verifier.load(folder + "/model.keras")
gallery = OneShotClassifier.load(folder + "/gallery.npz", verifier.encoder)
assert gallery.predict(expected["images"]).tolist() == expected["labels"].tolist()
scores = gallery.predict_scores(expected["images"])
np.testing.assert_allclose(scores, expected["scores"], atol=1e-5)
images = expected["images"]
score = verifier.predict_on_batch([images[:3], images[3:]])
np.testing.assert_allclose(score, expected["score"], atol=1e-5)
assert verifier.threshold == 0.25 and verifier.invert and verifier.fit_mode == "crop"
"""


def save_all(folder, images):
    """A verifier with the package's own layers, and a gallery of its encoder."""
    encoder = keras.Sequential([keras.Input(SHAPE), augment.RandomAffine(0), make_encoder()])
    verifier = Verifier(encoder, 0.25, "crop", invert=True)
    verifier.save(folder / "model.keras")
    classifier = OneShotClassifier(encoder, 0.95).fit(images[:3], ["a", "b", "ä"])
    classifier.save(folder / "gallery.npz")
    np.savez(
        folder / "expected.npz",
        images=images,
        labels=classifier.predict(images),
        scores=classifier.predict_scores(images),
        score=verifier.predict_on_batch([images[:3], images[3:]]),
    )


@pytest.mark.backend
def test_answers_alike_in_a_fresh_process_and_on_another_backend(images, tmp_path):
    """JAX starts in the shortest time; where it is missing, on the backend of this process."""
    save_all(tmp_path, images)
    other = {"KERAS_BACKEND": "jax", **QUICK_XLA} if importlib.util.find_spec("jax") else {}
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, **other})


@pytest.mark.backend
def test_scores_are_those_of_the_distances(encoder, images):
    classifier = OneShotClassifier(encoder).fit(images[:4], list("abcd"))
    z = models.embed(encoder, images)
    expected = 1 - evaluation.all_pairs_scores(distances.cosine, z, z[:4])
    np.testing.assert_allclose(classifier.predict_scores(images), expected, atol=1e-5)
    assert classifier.predict(images[:4]).tolist() == list("abcd")


class TestFile:
    @pytest.mark.parametrize("labels", [["east", "north"], [3, -2]])
    @pytest.mark.parametrize("threshold", [None, 0.1])
    def test_round_trip(self, labels, threshold, tmp_path):
        unknown = "?" if isinstance(labels[0], str) else np.int64(-1)
        classifier = OneShotClassifier(None, threshold, unknown).fit(at(0, 90), labels)
        classifier.save(tmp_path / "new" / "g.npz")
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["g.npz"]
        loaded = OneShotClassifier.load(str(tmp_path / "new" / "g.npz"))
        assert state(loaded) == state(classifier)
        assert loaded.get_params() == classifier.get_params()
        assert loaded.n_features_in_ == 2
        queries = at(10, 80, 200)
        assert loaded.predict(queries).tolist() == classifier.predict(queries).tolist()

    def test_holds_no_pickle(self, compass, tmp_path):
        compass.fit(at(0, 90), np.array(["a", "b"], object)).save(tmp_path / "g.npz")
        with np.load(tmp_path / "g.npz", allow_pickle=False) as file:
            assert not any(file[name].dtype.hasobject for name in file.files)

    def test_a_failure_leaves_the_old_file(self, compass, tmp_path, monkeypatch):
        path = tmp_path / "g.npz"
        compass.save(path)
        before = path.read_bytes()
        compass.add("x", at(5))

        def fail(file, **arrays):
            file.write(b"half")
            raise OSError("no space")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="no space"):
            compass.save(path)
        assert path.read_bytes() == before

    def test_refuses_another_encoder(self, encoder, images, compass, tmp_path):
        path = tmp_path / "g.npz"
        OneShotClassifier(encoder).fit(images, list("abcabc")).save(path)
        other = make_encoder(1)
        with pytest.raises(ValueError, match="was made by the encoder") as raised:
            OneShotClassifier.load(path, other)
        message = str(raised.value)
        assert str(path) in message
        assert encoder_digest(encoder) in message
        assert f"the encoder {encoder_digest(other)} is given" in message
        assert "Load the encoder that made it" in message
        with pytest.raises(ValueError, match="none is given"):
            OneShotClassifier.load(path)
        compass.save(path)
        with pytest.raises(ValueError, match=r"without an encoder, and the encoder .* Pass no"):
            OneShotClassifier.load(path, encoder)

    def test_names_the_encoder_that_embedded(self, images, tmp_path):
        """Trained after fit, the encoder is no longer the one of the gallery."""
        encoder = make_encoder()
        classifier = OneShotClassifier(encoder).fit(images, list("abcabc"))
        encoder.set_weights([2 * w for w in encoder.get_weights()])
        classifier.save(tmp_path / "g.npz")
        with pytest.raises(ValueError, match="was made by the encoder"):
            OneShotClassifier.load(tmp_path / "g.npz", encoder)

    @pytest.mark.parametrize("content", [b"", b"not an archive", "half", "other", "format"])
    def test_refuses_what_is_no_gallery(self, compass, tmp_path, content):
        path = tmp_path / "g.npz"
        compass.save(path)
        if content == "half":
            path.write_bytes(path.read_bytes()[:-50])
        elif content == "other":
            np.savez(path, a=1)
        elif content == "format":
            checkpoint.write_checkpoint(path, {"format": "siamese_utils.gallery 2"}, {})
        else:
            path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"is not a gallery.* Save the gallery again"
        ) as raised:
            OneShotClassifier.load(path)
        assert str(path) in str(raised.value)

    def test_refuses_bad_paths(self, compass, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"gone.npz is not a file. Expected .* Correct"):
            OneShotClassifier.load(tmp_path / "gone.npz")
        with pytest.raises(ValueError, match=r"expected a name that ends in \.npz"):
            compass.save(tmp_path / "g.zip")


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
