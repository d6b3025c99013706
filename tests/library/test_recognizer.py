"""The recognizer: by hand on the circle, enrolling, rejecting, comparing, evaluating."""

import warnings
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from siamese_utils import distances, evaluation, models
from siamese_utils.chapters import write_letters
from siamese_utils.datasets import load_image_folder
from siamese_utils.recognition import Reading, Recognizer, assessment, index, inputs, vectors
from siamese_utils.recognition import recognizer as module

SHAPE = (8, 8, 1)


def at(*degrees):
    """Unit vectors of the plane."""
    angle = np.deg2rad(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture
def compass():
    return Recognizer().fit(at(0, 90, 180), ["east", "north", "west"])


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
        scaled = Recognizer().fit(
            at(0, 90, 180) * [[7], [1e-200], [1e20]], ["east", "north", "west"]
        )
        np.testing.assert_allclose(scaled.embeddings_, compass.embeddings_, atol=1e-6)
        found = scaled.predict_scores(1e19 * at(60))
        np.testing.assert_allclose(found, compass.predict_scores(at(60)), atol=1e-6)
        assert scaled.embeddings_.dtype == np.float32

    def test_the_best_of_a_class_counts(self):
        classifier = Recognizer().fit(at(0, 90, 170, 45), ["b", "a", "b", "a"])
        np.testing.assert_allclose(
            classifier.predict_scores(at(150)), np.cos(np.deg2rad([[60, 20]])), atol=1e-6
        )
        assert classifier.predict(at(150)).tolist() == ["b"]

    def test_nearest_names_the_stored_one(self, compass):
        index, scores = compass.nearest(at(200, 10))
        assert index.tolist() == [2, 0]
        np.testing.assert_allclose(scores, np.cos(np.deg2rad([20, 10])), atol=1e-6)

    def test_the_nearest_of_none_that_is_alike_has_a_score_below_zero(self):
        scores = Recognizer().fit(at(0), ["east"]).nearest(at(120, 180))[1]
        np.testing.assert_allclose(scores, [-0.5, -1], atol=1e-6)

    def test_int_labels_stay_int(self):
        classifier = Recognizer(threshold=0.5, unknown=-1).fit(at(0, 90), [30, 7])
        assert classifier.classes_.tolist() == [7, 30]
        found = classifier.predict(at(10, 80, 200))
        assert found.tolist() == [30, 7, -1]
        assert found.dtype.kind == "i"

    def test_a_loop_gives_the_same(self, monkeypatch):
        rng = np.random.default_rng(0)
        stored, queries = rng.normal(size=(50, 5)), rng.normal(size=(20, 5))
        labels = rng.integers(0, 7, 50)
        classifier = Recognizer().fit(stored, labels)
        expected = np.full((20, 7), -2.0)
        for i, query in enumerate(queries):
            for vector, label in zip(stored, labels, strict=True):
                cosine = query @ vector / np.linalg.norm(query) / np.linalg.norm(vector)
                expected[i, label] = max(expected[i, label], cosine)
        scores = classifier.predict_scores(queries)
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        assert classifier.predict(queries).tolist() == expected.argmax(axis=1).tolist()
        for max_bytes in (1, 100, 300):  # blocks of one embedding, of 5 and of 15
            monkeypatch.setattr(index, "MAX_BYTES", max_bytes)
            np.testing.assert_allclose(classifier.predict_scores(queries), scores, atol=1e-6)
            assert classifier.predict(queries).tolist() == expected.argmax(axis=1).tolist()

    def test_scores_do_not_leave_their_range_by_rounding(self):
        vectors = np.random.default_rng(0).normal(size=(300, 7)).astype("float32")
        scores = Recognizer().fit(vectors, np.arange(300)).predict_scores(np.r_[vectors, -vectors])
        assert scores.min() == -1 and scores.max() == 1

    @pytest.mark.parametrize("n_queries", [1, 600])
    def test_of_equal_embeddings_the_first_stored_decides(self, n_queries):
        stored = np.tile(np.random.default_rng(0).normal(size=(1, 16)), (2000, 1))
        labels = np.arange(2000, 0, -1)
        classifier = Recognizer().fit(stored, labels)
        assert set(classifier.predict(stored[:n_queries])) == {2000}

    def test_a_query_without_direction_is_at_a_right_angle_to_all(self, compass):
        assert compass.predict_scores(np.zeros((1, 2))).tolist() == [[0, 0, 0]]
        assert compass.nearest(np.zeros((1, 2)))[1].tolist() == [0]
        assert compass.set_params(threshold=0.1).predict(np.zeros((1, 2))).tolist() == ["unknown"]

    def test_any_index_may_search(self):
        class Worst:
            """Finds candidates of which the best one stands last, and too few of them."""

            def __init__(self, dim):
                self.vectors = np.empty((0, dim), "float32")

            def add(self, vectors):
                self.vectors = np.concatenate([self.vectors, vectors])

            def search(self, queries, k):
                order = np.argsort(queries @ self.vectors.T, axis=1)[:, [0, -1]]
                filled = np.full((len(queries), k - 2), -1)  # as FAISS does
                return np.zeros((len(queries), k)), np.concatenate([filled, order], axis=1)

        found = Recognizer(index=Worst).fit(at(0, 90, 180), ["e", "n", "w"])
        assert found.predict(at(10, 60, 200)).tolist() == ["e", "n", "w"]
        assert found.nearest(at(10, 60, 200))[0].tolist() == [0, 1, 2]
        assert found.enroll("s", at(270)).predict(at(260)).tolist() == ["s"]

    def test_an_index_that_finds_nothing_gives_no_answer(self):
        class Nothing(index.ExactIndex):
            def search(self, queries, k):
                return np.zeros((len(queries), k)), np.full((len(queries), k), -1)

        found = Recognizer(index=Nothing).fit(at(0, 90), ["e", "n"])
        for ask in (found.predict, found.nearest):
            with pytest.raises(
                ValueError, match=r"found no stored embedding for query 0; .*nprobe"
            ):
                ask(at(10))

    @pytest.mark.parametrize("k", [1, 3])
    @pytest.mark.parametrize("max_bytes", [1, 400, 2**26])
    def test_the_exact_index_finds_the_k_most_similar(self, monkeypatch, k, max_bytes):
        monkeypatch.setattr(index, "MAX_BYTES", max_bytes)
        rng = np.random.default_rng(0)
        stored, queries = rng.normal(size=(2, 40, 5)).astype("float32")
        found = index.ExactIndex(5)
        found.add(stored[:25])
        found.add(stored[25:])
        scores, places = found.search(queries, k)
        expected = np.argsort(-(queries @ stored.T), axis=1)[:, :k]
        assert places.tolist() == expected.tolist()
        all_scores = queries @ stored.T
        np.testing.assert_allclose(scores, np.take_along_axis(all_scores, expected, 1), atol=1e-6)


class TestUnknown:
    def test_by_hand(self, compass):
        """cos 40 = 0.77 and cos 20 = 0.94."""
        compass.set_params(threshold=0.8)
        assert compass.predict(at(40, 20, 200)).tolist() == ["unknown", "east", "west"]

    def test_at_the_threshold_is_unknown_as_a_verifier_says_different(self):
        """0.6, 0.8 is a unit vector; 0.6 in float32 is above 0.6."""
        score = float(np.float32(0.5))
        classifier = Recognizer(threshold=score).fit([[1, 0]], ["a"])
        query = np.array([[0.5, np.sqrt(0.75)]])
        assert classifier.nearest(query)[1].tolist() == [score]
        assert classifier.predict(query).tolist() == ["unknown"]
        assert classifier.set_params(threshold=score - 1e-9).predict(query).tolist() == ["a"]

    def test_none_never_rejects(self, compass):
        assert compass.predict(at(-90)).tolist()[0] in ("east", "west")

    def test_reject_false_names_the_nearest_class(self, compass):
        """Whatever the threshold, and though ``unknown`` does not suit the labels."""
        compass.set_params(threshold=0.8, unknown=-1)
        assert compass.predict(at(60, 200), reject=False).tolist() == ["north", "west"]

    @pytest.mark.parametrize(
        "labels", [np.array([2026112401, 2026112402], "float32"), [b"a", b"b"]]
    )
    def test_labels_that_cannot_be_told_apart_or_read_are_refused(self, labels):
        with pytest.raises(ValueError, match=r"labels (such as|are)"):
            Recognizer().fit(at(0, 90), labels)

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
            (
                {"threshold": 0.5, "unknown": "a"},
                ["a"],
                "a class is called 'a', and that is the answer",
            ),
            ({"threshold": 0.5, "unknown": None}, ["a"], "unknown is None and the labels"),
            ({"threshold": 0.5, "unknown": -0.5}, [1], "unknown is -0.5 and the labels are like 1"),
            ({"threshold": 0.5, "unknown": True}, [1], "unknown is True and the labels are like 1"),
            ({"threshold": 0.5, "unknown": -1}, [True], "the labels are like True; expected one"),
            ({"threshold": 0.5, "unknown": True}, [False], "the labels are like False"),
        ],
    )
    def test_refuses_what_does_not_suit_the_labels(self, settings, labels, message):
        with pytest.raises(ValueError, match=message):
            Recognizer(**settings).fit(at(0), labels)
        with pytest.raises(ValueError, match=message):
            Recognizer().fit(at(0), labels).set_params(**settings).predict(at(0))


class TestAdd:
    def test_a_new_class_and_more_of_a_known_one(self, compass):
        assert compass.predict(at(250)).tolist() == ["west"]
        assert compass.enroll("south-west", at(225, 235)) is compass
        assert compass.classes_.tolist() == ["east", "north", "south-west", "west"]
        assert compass.labels_.tolist() == ["east", "north", "west", "south-west", "south-west"]
        assert compass.predict(at(250, 190, 80)).tolist() == ["south-west", "west", "north"]
        assert compass.enroll("east", at(260)).predict(at(250)).tolist() == ["east"]
        assert compass.predict_scores(at(250)).shape == (1, 4)

    def test_equals_fitting_all_at_once(self, compass):
        both = Recognizer().fit(at(0, 90, 180, 5), ["east", "north", "west", "x"])
        assert state(compass.enroll("x", at(5))) == state(both)

    @pytest.mark.parametrize(
        ("label", "images", "message"),
        [
            (3, at(5), "label is 3; expected the type of the other labels, such as 'east'"),
            (2.5, at(5), "Unknown label type: continuous"),
            ("x", np.zeros((1, 2)), "embedding 0 is 0 everywhere, so it has no direction"),
            ("x", np.array([[1, 0], [np.nan, 1]]), "NaN"),
            ("x", np.ones((2, 3)), "X has 3 features, but Recognizer is expecting 2"),
            ("x", np.zeros((0, 2)), "Found array with 0 sample"),
            ("x", np.ones(2), "Expected 2D array, got 1D array instead"),
            ("unknown", at(5), "a class is called 'unknown', and that is"),
        ],
    )
    def test_bad_input_leaves_the_gallery(self, compass, label, images, message):
        compass.set_params(threshold=0.5)
        before = state(compass)
        with pytest.raises(ValueError, match=message):
            compass.enroll(label, images)
        assert state(compass) == before
        assert compass.predict(at(10)).tolist() == ["east"]

    def test_refuses_an_encoder_that_was_trained_since(self, images):
        encoder = make_encoder()
        classifier = Recognizer(encoder).fit(images[:2], ["a", "b"])
        encoder.trainable = False
        classifier.enroll("c", images[2:3])
        encoder.set_weights([2 * w for w in encoder.get_weights()])
        with pytest.raises(ValueError, match=r"was trained, since .* Call fit"):
            classifier.enroll("d", images[3:4])
        assert classifier.classes_.tolist() == ["a", "b", "c"]


class TestEstimator:
    def test_the_columns_of_a_table_keep_their_names(self, tmp_path):
        table = pd.DataFrame({"a": [1.0, 0.0], "b": [0.0, 1.0]})
        recognizer = Recognizer().fit(table, ["x", "y"])
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            assert recognizer.predict(table).tolist() == ["x", "y"]
        with pytest.raises(ValueError, match="names should match"):
            recognizer.predict(table[["b", "a"]])
        recognizer.save_gallery(tmp_path / "gallery.npz")
        recognizer.load_gallery(tmp_path / "gallery.npz")
        assert not hasattr(recognizer, "feature_names_in_")
        recognizer.fit(table.to_numpy(), ["x", "y"])
        assert recognizer.n_features_in_ == 2 and not hasattr(recognizer, "feature_names_in_")

    def test_settings_are_only_stored(self, encoder):
        reading = Reading((8, 8), 1)
        classifier = Recognizer(encoder, 0.5, "none", reading)
        found = classifier.get_params(deep=False)
        assert found.pop("encoder") is encoder
        assert found == {
            "threshold": 0.5,
            "unknown": "none",
            "reading": reading,
            "index": None,
            "progress": None,
        }

    def test_a_clone_has_the_settings_the_encoder_and_no_gallery(self, encoder, images):
        classifier = Recognizer(encoder, 0.5, "none").fit(images, list("abcabc"))
        other = clone(classifier)
        assert other.encoder is encoder
        assert other.get_params() == classifier.get_params()
        with pytest.raises(NotFittedError):
            other.predict(images)

    def test_a_wrong_shape_is_told_as_it_was_given(self, encoder):
        """Not that of a block of the first images."""
        recognizer = Recognizer(encoder, reading=Reading((8, 6), 1))
        wrong = np.zeros((2**18, 3), "float32")
        with pytest.raises(
            ValueError, match=r"images have shape \(262144, 3\); expected \(n, height"
        ):
            recognizer.fit(wrong, [0])

    @pytest.mark.parametrize("method", ["predict", "predict_scores", "nearest"])
    def test_needs_fit(self, method):
        with pytest.raises(NotFittedError, match=r"nothing is stored .* enroll or load_gallery"):
            getattr(Recognizer(), method)(at(0))
        with pytest.raises(NotFittedError):
            Recognizer().save_gallery("a.npz")

    def test_passes_the_checks_of_scikit_learn(self):
        """On embeddings; a failure raises. The one that is expected must fail, too."""
        why = {"check_estimators_dtypes": "a row of zeros has no direction, and cannot be stored"}
        found = check_estimator(Recognizer(), expected_failed_checks=why, on_skip=None)
        assert [each["check_name"] for each in found if each["status"] == "xfail"] == list(why)
        assert sum(each["status"] == "passed" for each in found) > 40

    def test_a_class_is_removed_and_no_longer_found(self):
        recognizer = Recognizer().fit(at(0, 10, 90, 180), list("aabc"))
        assert recognizer.remove("a") is recognizer
        assert recognizer.classes_.tolist() == ["b", "c"]
        assert recognizer.predict(at(5)).tolist() == ["b"]
        with pytest.raises(ValueError, match=r"'a'; expected one of the gallery's, .* 'b'"):
            recognizer.remove("a")
        recognizer.remove("b")
        with pytest.raises(ValueError, match="the only class in the gallery"):
            recognizer.remove("c")
        assert recognizer.labels_.tolist() == ["c"], "unchanged"

    def test_removing_asks_nothing_about_the_threshold(self):
        """A gallery of numbers, read by a model whose answer for a stranger is a word."""
        recognizer = Recognizer().fit(at(0, 90, 180), [1, 2, 3])
        recognizer.threshold = 0.9
        assert recognizer.remove(2).classes_.tolist() == [1, 3]
        with pytest.raises(NotFittedError):
            Recognizer().remove("a")

    def test_enrolls_without_fit(self):
        assert Recognizer().enroll("a", at(0)).enroll("b", at(90)).predict(at(80)) == ["b"]

    def test_n_features(self, compass):
        assert compass.n_features_in_ == 2
        assert compass.fit(np.eye(3), list("abc")).n_features_in_ == 3

    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (at(0, 90), ["a"], "2 images and 1 labels; expected one for each image"),
            (at(0), [0.5], "Unknown label type: continuous"),
            (at(0, 90), ["a", 1], "labels such as 'a' and 1 are of different types"),
            (at(0, 90), np.array(["a", 1], object), "'a' and 1 are of different types"),
            (at(0, 90), np.eye(2), r"labels have shape \(2, 2\); .*argmax"),
            (at(0), np.array([None]), "Unknown label type: unknown|type object"),
            (np.ones((2, *SHAPE)), ["a", "b"], "Found array with dim 4"),
            (["a.png", "b.png"], ["a", "b"], "Expected 2D array|could not convert"),
        ],
    )
    def test_bad_input_keeps_the_old_gallery(self, compass, X, y, message):
        before = state(compass)
        with pytest.raises(ValueError, match=message):
            compass.fit(X, y)
        assert state(compass) == before

    def test_object_labels_of_str(self):
        labels = Recognizer().fit(at(0, 90), np.array(["a", "bc"], object)).labels_
        assert labels.dtype.kind == "U"

    def test_a_query_of_another_size(self, compass):
        with pytest.raises(ValueError, match="X has 3 features"):
            compass.predict(np.ones((1, 3)))


class TestAverage:
    def test_by_hand(self):
        """The mean direction of 0 and 90 degrees is 45, whatever the lengths."""
        embeddings = at(0, 90, 180) * [[1], [5], [2]]
        found = Recognizer().fit(embeddings, ["b", "b", "a"], average=True)
        assert found.labels_.tolist() == ["a", "b"]
        np.testing.assert_allclose(found.embeddings_, at(180, 45), atol=1e-6)
        np.testing.assert_allclose(found.nearest(at(45, 90))[1], [1, np.sqrt(0.5)], atol=1e-6)

    def test_a_class_is_enrolled_with_its_mean(self, compass):
        compass.enroll("south", at(260, 280), average=True)
        assert compass.labels_.tolist() == ["east", "north", "west", "south"]
        np.testing.assert_allclose(compass.embeddings_[-1:], at(270), atol=1e-6)
        fresh = Recognizer().enroll("south", at(260, 280), average=True)
        np.testing.assert_allclose(fresh.embeddings_, at(270), atol=1e-6)

    def test_opposites_have_no_mean(self, compass):
        with pytest.raises(ValueError, match=r"class 'x' have the mean 0.*average=False"):
            compass.enroll("x", at(0, 180), average=True)
        assert "x" not in compass.classes_

    @pytest.mark.parametrize("average", [False, True])
    def test_as_many_labels_as_images(self, average):
        with pytest.raises(ValueError, match="3 images and 2 labels"):
            Recognizer().fit(at(0, 90, 180), ["a", "b"], average=average)

    def test_the_background_of_most_counts(self):
        background = np.array([inputs.LIGHT, inputs.LIGHT, inputs.DARK, inputs.UNCLEAR])
        found = vectors.prototypes(at(0, 1, 2, 3), background, np.array([7, 7, 7, 2]))
        assert found[1].tolist() == [inputs.UNCLEAR, inputs.LIGHT]
        assert found[2].tolist() == [2, 7]


@pytest.mark.backend
def test_scores_are_those_of_the_distances(encoder, images):
    classifier = Recognizer(encoder).fit(images[:4], list("abcd"))
    z = models.embed(encoder, images)
    expected = 1 - keras.ops.convert_to_numpy(distances.all_pairs(distances.cosine, z, z[:4]))
    np.testing.assert_allclose(classifier.predict_scores(images), expected, atol=1e-5)
    assert classifier.predict(images[:4]).tolist() == list("abcd")


@pytest.mark.backend
def test_many_images_are_read_in_blocks(encoder, images, tmp_path, monkeypatch):
    """Blocks of two images; the number of a blank image counts from the first block."""
    recognizer = Recognizer(encoder)
    names = list("abcdef")
    whole = recognizer.fit(images, names).embeddings_
    paths = [tmp_path / f"{name}.png" for name in names]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray((255 * image[:, :, 0]).round().astype("uint8")).save(path)
    of_files = recognizer.fit(paths, names).embeddings_
    sizes = []

    def embed(encoder, images, batch_size):
        sizes.append(len(images))
        return models.embed(encoder, images, batch_size)

    monkeypatch.setattr(module, "MAX_PIXELS", 2 * 8 * 8 + 1)
    monkeypatch.setattr(module, "embed", embed)
    np.testing.assert_allclose(recognizer.fit(images, names).embeddings_, whole, atol=1e-6)
    np.testing.assert_allclose(recognizer.fit(paths, names).embeddings_, of_files, atol=1e-6)
    assert sizes == [2] * 6
    images = images.copy()
    images[5] = 0.3
    with pytest.raises(ValueError, match="image 5 is of one colour"):
        recognizer.fit(images, names)


class TestCompare:
    def test_by_hand(self):
        """(3, 4) with itself, (-4, 3), (-3, -4), (4, 3), 0; at the threshold is different."""
        recognizer = Recognizer(threshold=0.0)
        for other, score in (((3, 4), 1), ((-4, 3), 0), ((-3, -4), -1), ((4, 3), 24 / 25)):
            found = recognizer.compare((3, 4), other)
            assert found.score == pytest.approx(score, abs=1e-6)
            assert found == recognizer.compare(other, (3, 4))
            assert found.same is (score > 0)
        assert recognizer.compare((3, 4), (0, 0)).score == 0

    def test_scores_stay_in_range(self):
        """Without the bounds, rounding gives 1.0000001 for some of these."""
        recognizer = Recognizer(threshold=0.5)
        for x in np.random.default_rng(0).normal(size=(200, 2)):
            assert recognizer.compare(x, x).score <= 1
            assert recognizer.compare(x, -x).score >= -1

    def test_needs_a_threshold(self):
        with pytest.raises(ValueError, match=r"threshold is None; expected .*choose_threshold"):
            Recognizer().compare((1, 0), (0, 1))

    def test_no_finite_score_is_an_error(self, images):
        encoder = make_encoder()
        encoder.set_weights([np.full_like(w, np.nan) for w in encoder.get_weights()])
        with pytest.raises(ValueError, match=r"not finite.* lower learning rate"):
            Recognizer(encoder, 0.5).compare(images[0], images[1])


class TestTrainedSince:
    """Embeddings of an encoder that was trained since are compared with nothing."""

    @pytest.mark.parametrize("method", ["predict", "predict_scores", "nearest"])
    def test_every_question_refuses(self, images, method):
        encoder = make_encoder()
        recognizer = Recognizer(encoder).fit(images, list("abcabc"))
        getattr(recognizer, method)(images)
        encoder.set_weights([w + 1e-6 for w in encoder.get_weights()])
        with pytest.raises(ValueError, match=r"was trained, since .* Call fit"):
            getattr(recognizer, method)(images)


class TestImages:
    def test_a_doubtful_image_is_named_by_its_number(self):
        """Blocks are prepared one after the other, and images of several sizes one by one."""
        rng = np.random.default_rng(0)
        drawings = np.ones((200, 105, 105, 1), "float32")
        for drawing in drawings:
            row, column = rng.integers(20, 60, size=2)
            drawing[row : row + 6, column : column + 30] = 0
        drawings[195] = 1 - 0.01 * (1 - drawings[195])
        recognizer = Recognizer.pretrained("omniglot")
        with pytest.warns(UserWarning, match="^image 195 has a contrast") as said:
            recognizer.fit(drawings, np.arange(200) % 4)
        assert [each.category for each in said].count(UserWarning) == 1
        sizes = [drawings[0], drawings[195, :90], drawings[195, :, :80]]
        with pytest.warns(UserWarning, match="^image 1 has a contrast.*; image 2 has a") as said:
            recognizer.fit(sizes, ["a", "b", "c"])
        assert [each.category for each in said].count(UserWarning) == 1

    def test_standardized_images_of_another_size_are_refused(self):
        """Fitted, they would be cut to the levels of a file."""
        reading, images = Reading((4, 4), 1), np.random.default_rng(0).normal(size=(2, 8, 8, 1))
        with pytest.raises(ValueError, match=r"images have values from -.*expected \[0, 1\]"):
            reading.prepare(images)
        assert reading.prepare(images[:, ::2, ::2]).min() < 0

    def test_what_is_no_encoder_is_named(self, images):
        for encoder, message in (
            (
                "model.keras",
                r"encoder is 'model.keras', a path; .*Recognizer.load\('model.keras'\)",
            ),
            (keras.Sequential([keras.layers.Flatten()]), r"Build it with keras\.Input"),
            (keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(1, 3)]), "in a vector"),
            (keras.Sequential([keras.Input((8, 6, 2)), keras.layers.Flatten()]), "1 or 3"),
            (keras.Sequential([keras.Input((4,)), keras.layers.Flatten()]), r"\(None, 4\)"),
        ):
            with pytest.raises(ValueError, match=message):
                Recognizer(encoder).fit(images, list("abcabc"))
            with pytest.raises(ValueError, match=message):
                Recognizer(encoder, 0.5, reading=Reading((8, 8), 1)).compare(*images[:2])

    @pytest.mark.parametrize("size", [(None, None), (8, None), (None, 8)])
    def test_an_encoder_of_any_size_asks_for_a_reading(self, images, size):
        layers = keras.layers
        encoder = keras.Sequential(
            [keras.Input((*size, 1)), layers.Conv2D(3, 3), layers.GlobalAveragePooling2D()]
        )
        with pytest.raises(ValueError, match=r"of any size; .* Say which: .*reading=Reading"):
            Recognizer(encoder).fit(images, list("abcabc"))
        found = Recognizer(encoder, reading=Reading((8, 8), 1)).fit(images, list("abcdef"))
        assert found.predict(images).tolist() == list("abcdef")

    @pytest.mark.parametrize(
        ("bad", "message"),
        [
            (np.ones((2, 8, 8)), r"shape \(2, 8, 8\); expected \(n, height, width, 1 or 3\)"),
            (np.ones((0, *SHAPE)), r"shape \(0, 8, 8, 1\); .* with n of at least 1"),
            (np.ones((2, 8, 8, 2)), r"shape \(2, 8, 8, 2\); expected \(n, height, width, 1 or 3\)"),
            (np.full((2, *SHAPE), 255, "uint8"), "values from 255 to 255; expected"),
            ((image for image in ()), "type object; .* Collect what is not an array first"),
            (np.ones((2, *SHAPE)), "image 0 is of one colour"),
        ],
    )
    def test_bad_images_are_named(self, encoder, bad, message):
        with pytest.raises(ValueError, match=message):
            Recognizer(encoder).fit(bad, ["a", "b"])

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "bool", "list"])
    def test_any_type_of_numbers(self, encoder, dtype):
        images = np.random.default_rng(0).integers(0, 2, (4, *SHAPE))
        given = images.tolist() if dtype == "list" else images.astype(dtype)
        found = Recognizer(encoder).fit(given, list("abcd"))
        assert found.predict(images.astype("float32")).tolist() == list("abcd")

    def test_the_background_is_what_most_of_the_border_is(self):
        """Whatever the inside is, and each pixel of the border counts once."""
        images = np.random.default_rng(0).integers(0, 2, (200, 8, 6, 1)).astype("float32")
        rows, columns = images[:, [0, -1]], images[:, 1:-1, [0, -1]]
        border = np.concatenate([rows.reshape(200, -1), columns.reshape(200, -1)], axis=1)
        light = border.mean(axis=1) > 0.5
        assert 50 < light.sum() < 150
        found = inputs.backgrounds(images, Reading((8, 6), 1))
        assert (found == np.where(light, inputs.LIGHT, inputs.DARK)).all()
        for reading in (Reading((8, 6), 1, polarity="ink"), Reading((8, 6), 3)):
            images = np.repeat(images, reading.channels, axis=-1)
            assert (inputs.backgrounds(images, reading) == inputs.UNCLEAR).all()

    def test_drawings_the_wrong_way_round_are_told(self, encoder):
        """As is: light on dark in the gallery and dark on light asked, or the other way."""
        ink = np.zeros((4, *SHAPE), "float32")
        for i, image in enumerate(ink):
            image[2:6, 2 + i % 3, 0] = 1
            image[2 + i, 3:5, 0] = 1
        recognizer = Recognizer(encoder, 0.5).fit(ink, list("abcd"))
        with pytest.warns(UserWarning, match='a light background and the gallery a dark .*"ink"'):
            recognizer.predict(1 - ink)
        with pytest.warns(UserWarning, match="one image has a dark background and the other a"):
            recognizer.compare(ink[0], 1 - ink[1])
        reading = Reading((8, 8), 1, polarity="ink")
        recognizer = Recognizer(encoder, 0.5, reading=reading).fit(1 - ink, list("abcd"))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            assert recognizer.predict(ink).tolist() == list("abcd")
            assert recognizer.compare(ink[0], 1 - ink[0]).score == pytest.approx(1)


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    root = write_letters(tmp_path_factory.mktemp("letters") / "a", "ABCDE", size=42)
    return load_image_folder(root, 42, channels=1)


class TestPretrained:
    """The ready encoder brings its reading, however its drawings come."""

    def test_is_known_by_its_weights(self):
        ink = Reading((105, 105), 1, polarity="ink")
        assert Reading.of(models.load_pretrained("omniglot")) == ink
        encoder = models.load_pretrained("omniglot")
        encoder.set_weights([w + 1e-3 for w in encoder.get_weights()])
        assert Reading.of(encoder) == Reading((105, 105), 1)

    @pytest.mark.parametrize("gallery", [1, -1])
    @pytest.mark.parametrize("queries", [1, -1])
    @pytest.mark.slow
    def test_either_polarity_on_either_side(self, letters, gallery, queries):
        def turned(images, way):
            return images if way == 1 else 1 - images

        first = np.unique(letters.labels, return_index=True)[1]
        recognizer = Recognizer.pretrained()
        recognizer.fit(turned(letters.images[first], gallery), list("ABCDE"))
        found = recognizer.predict(turned(letters.images, queries))
        assert np.mean(found == np.array(list("ABCDE"))[letters.labels]) > 0.9

    def test_paths_and_arrays_give_the_same(self, letters):
        recognizer = Recognizer.pretrained()
        for name, path in zip("AB", letters.paths[:: len(letters.paths) // 2], strict=False):
            recognizer.enroll(name, path)
        by_path = recognizer.predict_scores(list(letters.paths[:5]))
        np.testing.assert_allclose(
            by_path, recognizer.predict_scores(letters.images[:5]), atol=1e-6
        )


class TestEvaluate:
    @pytest.mark.parametrize("place", [0, 1_500, 2_999])
    def test_the_only_pair_among_many_single_images_is_drawn(self, place):
        """Of 3,001 images about 2,000 are drawn, and with them a class that can be asked."""
        labels = np.arange(3_001)
        labels[3_000] = place
        rng = np.random.default_rng(0)
        with pytest.warns(UserWarning, match="on classes that it was not trained on"):
            found = Recognizer().evaluate(rng.normal(size=(3_001, 2)), labels)
        assert found.n_images > found.n_classes

    @pytest.fixture
    def clusters(self):
        """Five classes around five directions, eight vectors each."""
        rng = np.random.default_rng(0)
        labels = np.repeat(np.arange(5), 8)
        return np.eye(5)[labels] + 0.1 * rng.normal(size=(40, 5)), labels

    def test_a_good_one_says_so_when_asked(self, clusters):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found = Recognizer(threshold=0.5).evaluate(*clusters)
        assert (found.n_classes, found.n_images, found.n_way) == (5, 40, 5)
        assert (found.one_shot, found.chance, found.accuracy) == (1, 0.2, 1)
        assert found.is_better_than_chance
        assert "5-way one-shot 100.0 % (90.1 % to 100.0 %), chance 20.0 %" in str(found)

    @pytest.mark.parametrize("how", ["noise", "collapse", "threshold"])
    def test_no_better_than_chance_says_so_unasked(self, clusters, how):
        vectors, labels = clusters
        if how == "noise":
            vectors = np.random.default_rng(1).normal(size=vectors.shape)
        if how == "collapse":
            vectors = np.ones_like(vectors)
        threshold = -1.0 if how == "threshold" else None  # calls every pair the same
        recognizer = Recognizer(threshold=threshold)
        with pytest.warns(UserWarning, match="no better than chance") as said:
            found = recognizer.evaluate(vectors, labels)
        assert len(said) == 1
        assert not found.is_better_than_chance
        if how == "collapse":
            assert found.one_shot == pytest.approx(found.chance)
        if how == "threshold":
            assert (found.false_accept, found.false_reject) == (1, 0)

    def test_error_rates_by_a_loop(self, clusters):
        vectors, labels = clusters
        rng = np.random.default_rng(2)
        vectors = vectors + rng.normal(size=vectors.shape)
        with pytest.warns(
            UserWarning, match="cannot be told from chance with 40 images of 5 classes"
        ):
            found = Recognizer(threshold=0.3).evaluate(vectors, labels)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        wrong, n = {True: 0, False: 0}, {True: 0, False: 0}
        pairs = []
        for i in range(40):
            for j in range(i):
                same = bool(labels[i] == labels[j])
                pairs.append((1 - unit[i] @ unit[j], same))
                n[same] += 1
                wrong[same] += bool(unit[i] @ unit[j] > 0.3) is not same
        assert found.false_accept == pytest.approx(wrong[False] / n[False])
        assert found.false_reject == pytest.approx(wrong[True] / n[True])
        of_pairs = evaluation.roc(*np.array(pairs).T)
        assert found.equal_error_rate == pytest.approx(of_pairs.equal_error_rate, abs=1e-6)
        low, high = found.accuracy_interval
        assert low < found.accuracy < high

    @pytest.mark.parametrize(
        ("one_shot", "accuracy", "better"),
        [
            ((0.3, 1.0), (0.6, 1.0), True),
            ((0.3, 1.0), (0.5, 1.0), False),
            ((0.2, 1.0), (0.6, 1.0), False),
            ((0.3, 1.0), None, True),
            ((0.2, 1.0), None, False),
        ],
    )
    def test_better_than_chance_are_intervals_above_it(self, clusters, one_shot, accuracy, better):
        """One of five classes, and one half of the pairs."""
        found = Recognizer(threshold=0.5).evaluate(*clusters)
        found = replace(found, one_shot_interval=one_shot, accuracy_interval=accuracy)
        assert found.is_better_than_chance is better

    @pytest.mark.filterwarnings("ignore:on classes that it was not trained on")
    @pytest.mark.parametrize(("threshold", "accepted"), [(0.0, 0.0), (-1e-3, 1.0)])
    def test_a_pair_at_the_threshold_is_different(self, threshold, accepted):
        vectors = np.repeat(np.eye(3), 4, axis=0)  # different ones have the similarity 0
        found = Recognizer(threshold=threshold).evaluate(vectors, np.arange(12) // 4)
        assert (found.false_accept, found.false_reject) == (accepted, 0.0)

    @pytest.mark.parametrize("threshold", [None, 0.5])
    def test_a_class_of_one_image_is_stored_and_never_asked(self, threshold):
        """A bootstrap sample of that class alone has no trial, and one of one class few pairs."""
        with pytest.warns(UserWarning, match="cannot be told from chance"):  # by one trial
            found = Recognizer(threshold=threshold).evaluate(at(0, 10, 180), ["a", "a", "b"])
        assert (found.one_shot, found.one_shot_interval) == (1, evaluation.wilson_interval(1, 1))
        of_pairs = None if threshold is None else evaluation.wilson_interval(3, 3)
        assert found.accuracy_interval == of_pairs

    @pytest.mark.parametrize(("n_classes", "n_images"), [(2, 2), (2, 5), (3, 5), (5, 5)])
    @pytest.mark.slow
    def test_a_few_lucky_trials_do_not_pass(self, n_classes, n_images):
        """Of embeddings without any sense at most about 2.5 % may be called better than chance."""
        rng, labels = np.random.default_rng(0), np.repeat(np.arange(n_classes), n_images)
        passed = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for _ in range(200):
                vectors = rng.normal(size=(len(labels), 8))
                passed += Recognizer().evaluate(vectors, labels).is_better_than_chance
        assert passed <= 10

    @pytest.mark.parametrize(
        ("rates", "said"),
        [
            ({"false_accept": 0.8}, "more than half of all different pairs the same"),
            ({"false_reject": 0.8}, "more than half of all same pairs different"),
            ({"one_shot_interval": (0.1, 0.3)}, "cannot be told from chance with"),
            ({"one_shot": 0.2, "one_shot_interval": (0.1, 0.3)}, "no better than chance"),
            ({"accuracy": 0.5, "accuracy_interval": (0.4, 0.6)}, "no better than chance"),
            ({"false_accept": 0.5, "false_reject": 0.5}, None),
        ],
    )
    def test_what_speaks_against_it(self, clusters, rates, said):
        found = replace(Recognizer(threshold=0.5).evaluate(*clusters), **rates)
        assert (found.doubt is None) is (said is None)
        assert said is None or said in found.doubt

    def test_a_threshold_that_accepts_strangers_is_told(self, clusters):
        with pytest.warns(UserWarning, match="more than half of all different pairs the same"):
            found = Recognizer(threshold=-0.05).evaluate(*clusters)
        assert found.false_accept > 0.5

    @pytest.mark.parametrize("sizes", [[2] * 3000, [1500] * 3, [5000, 2], [2, 5000], [40] * 100])
    def test_of_many_images_classes_are_drawn(self, sizes):
        """Two of each at least, so that there are trials, and no more than can be compared."""
        labels = np.repeat(np.arange(len(sizes)), sizes)
        kept = assessment._drawn(labels, np.random.default_rng(0))
        found = np.unique(labels[kept], return_counts=True)[1]
        assert len(found) >= 2 and found.min() >= 2
        assert 1000 <= len(kept) <= assessment.MAX_IMAGES + 2
        assert len(set(kept.tolist())) == len(kept)

    @pytest.mark.parametrize("change", ["threshold", "reading", "encoder"])
    def test_belongs_to_the_recognizer_that_was_assessed(self, change, tmp_path):
        encoder = make_encoder()
        recognizer = Recognizer(encoder, threshold=0.5)
        images = np.random.default_rng(0).random((12, *SHAPE), "float32")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            recognizer.evaluate(images, [0, 1, 2] * 4)
            recognizer.save(tmp_path / "model.keras")
            again = Recognizer.load(tmp_path / "model.keras")
        assert again.assessment_ == recognizer.assessment_
        if change == "encoder":
            encoder.set_weights([2 * weight + 1 for weight in encoder.get_weights()])
        else:
            value = -1.0 if change == "threshold" else Reading(SHAPE[:2], 1, "crop")
            recognizer.set_params(**{change: value})
        with pytest.warns(UserWarning, match="changed since evaluate") as said:
            recognizer.save(tmp_path / "model.keras")
        assert [each.filename for each in said if each.category is UserWarning] == [__file__]
        assert not hasattr(Recognizer.load(tmp_path / "model.keras"), "assessment_")

    def test_is_repeatable_and_leaves_the_gallery(self, compass, clusters):
        before = state(compass)
        angle = 2 * np.pi * clusters[1] / 5 + 0.1 * clusters[0][:, 0]
        plane = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        found = compass.evaluate(plane, clusters[1])
        assert compass.evaluate(plane, clusters[1]) == found == compass.assessment_
        assert state(compass) == before

    def test_of_many_images_some_are_drawn(self, monkeypatch, clusters):
        monkeypatch.setattr(assessment, "MAX_IMAGES", 30)
        assert Recognizer().evaluate(*clusters).n_images == 30

    @pytest.mark.parametrize("labels", [[0] * 40, list(range(40)), [0, 1]])
    def test_refuses_what_cannot_be_asked(self, clusters, labels):
        with pytest.raises(ValueError, match=r"two classes or more|40 images and 2 labels"):
            Recognizer().evaluate(clusters[0], labels)
