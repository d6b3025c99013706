"""Fitting a ready encoder to images of one's own: centring, and whitening within classes."""

import keras
import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from siamese_utils import evaluation, models
from siamese_utils.models.adaptation import adapted_encoder, fit_adaptation, without_adaptation
from siamese_utils.recognition import Reading, Recognizer

pytestmark = pytest.mark.backend

SHAPE = (4, 4, 1)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def encoder():
    """Of NumPy's random weights: the backends would draw different ones from one seed."""
    encoder = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(5, name="dense")]
    )
    rng = np.random.default_rng(0)
    encoder.get_layer("dense").set_weights([rng.normal(size=(16, 5)), rng.normal(size=5)])
    return encoder


@pytest.fixture
def images():
    return np.random.default_rng(1).random((12, *SHAPE), "float32")


LABELS = np.arange(12) % 4


class TestFit:
    def test_centring_by_hand(self):
        """(3, 4) and (4, 3) over 5 have the mean 0.7, and (0.6, 0.8) less it is (-0.1, 0.1)."""
        found = fit_adaptation([[3, 4], [8, 6]])
        np.testing.assert_allclose(found.mean, [0.7, 0.7], rtol=1e-6)
        assert found.matrix is None
        half = np.sqrt(0.5)
        np.testing.assert_allclose(found.apply([[30, 40]]), [[-half, half]], rtol=1e-5)

    @pytest.mark.parametrize("n", [12, 400], ids=["fewer images than dimensions", "more"])
    def test_whitens_by_the_shrunk_covariance_within_classes(self, n):
        """The matrix times its transpose is the inverse of scikit-learn's Ledoit-Wolf estimate."""
        rng = np.random.default_rng(2)
        labels = np.arange(n) % 4
        z = (
            rng.normal(size=(n, 20)) * np.linspace(0.1, 3, 20)
            + 3 * rng.normal(size=(4, 20))[labels]
        )
        found = fit_adaptation(z, labels)
        u = unit(z)
        within = u - np.stack([u[labels == k].mean(axis=0) for k in range(4)])[labels]
        covariance, share = ledoit_wolf(within, assume_centered=True)
        assert 0 < share < 1
        inverse = found.matrix @ found.matrix.T
        np.testing.assert_allclose(inverse @ covariance, np.eye(20), atol=1e-3)
        np.testing.assert_allclose(found.mean, u.mean(axis=0), atol=1e-6)

    def test_an_image_alone_in_its_class_counts_for_the_mean_only(self):
        rng = np.random.default_rng(3)
        z, labels = rng.normal(size=(9, 4)), [0, 0, 0, 1, 1, 1, 2, 2, 2]
        alone = np.concatenate([z, rng.normal(size=(1, 4))])
        expected = fit_adaptation(z, labels).matrix
        found = fit_adaptation(alone, [*labels, 3])
        np.testing.assert_allclose(found.matrix, expected, rtol=1e-5)
        np.testing.assert_allclose(found.mean, unit(alone).mean(axis=0), atol=1e-6)

    @pytest.mark.filterwarnings("error::RuntimeWarning")
    @pytest.mark.parametrize(
        ("embeddings", "labels"),
        [
            (np.eye(3), [0, 0, 1]),
            (np.random.default_rng(0).normal(size=(5, 8)), [0, 0, 1, 2, 3]),
            ([[1.0], [-1.0], [1.0]], [0, 0, 1]),
        ],
        ids=["one pair", "one pair of many dimensions", "one dimension"],
    )
    def test_differences_along_one_line_give_a_size_and_no_shape(self, embeddings, labels):
        found = fit_adaptation(embeddings, labels).matrix
        assert found[0, 0] > 0
        np.testing.assert_allclose(found, found[0, 0] * np.eye(len(found)), rtol=1e-5)

    def test_names_and_numbers_are_labels_alike(self):
        z = np.random.default_rng(4).normal(size=(12, 3))
        names = np.array(["d", "a", "c", "b"])[LABELS]
        np.testing.assert_array_equal(
            fit_adaptation(z, names).matrix, fit_adaptation(z, LABELS).matrix
        )

    def test_tells_new_classes_apart_better(self):
        """Classes differ in the first ten numbers, images of one class in the others, and more."""
        rng = np.random.default_rng(5)

        def draw(n_classes):
            labels = np.repeat(np.arange(n_classes), 6)
            between = rng.normal(size=(n_classes, 10))[labels]
            between += 0.3 * rng.normal(size=between.shape)
            z = np.concatenate([between, 1.5 * rng.normal(size=between.shape)], axis=1)
            return z + 2, labels

        def error(z, labels):
            i, j = np.triu_indices(len(z), 1)
            return evaluation.roc(-(z[i] * z[j]).sum(1), labels[i] == labels[j]).equal_error_rate

        adaptation = fit_adaptation(*draw(30))
        centred = adaptation._replace(matrix=None)
        new, labels = draw(20)
        assert error(unit(new), labels) > error(centred.apply(new), labels) + 0.02
        assert error(centred.apply(new), labels) > error(adaptation.apply(new), labels) + 0.05

    @pytest.mark.parametrize(
        ("embeddings", "labels", "message"),
        [
            (np.ones((1, 3)), None, r"1 embedding\(s\) to adapt to; expected two or more"),
            (np.array([[1.0, 2], [0, 0]]), None, "embedding 1 is 0 everywhere"),
            (np.eye(3), [0, 1, 2], "no two of one class that differ.*Leave the labels out"),
            (np.ones((4, 3)), [0, 0, 1, 1], "no two of one class that differ"),
            (np.eye(3), [0, 1], "3 images but 2 labels"),
            (np.full((2, 2), np.nan), None, "not finite"),
        ],
    )
    def test_refuses(self, embeddings, labels, message):
        with pytest.raises(ValueError, match=message):
            fit_adaptation(embeddings, labels)


class TestEncoder:
    @pytest.mark.parametrize("labels", [None, LABELS], ids=["centred", "whitened"])
    def test_does_what_numpy_does(self, encoder, images, labels):
        z = models.embed(encoder, images)
        adaptation = fit_adaptation(z, labels)
        adapted = adapted_encoder(encoder, adaptation)
        found = models.embed(adapted, images)
        np.testing.assert_allclose(found, adaptation.apply(z), atol=1e-4)
        assert np.abs(found - unit(z)).max() > 0.1
        assert without_adaptation(adapted) is encoder
        assert without_adaptation(encoder) is encoder


class TestRecognizer:
    @pytest.mark.parametrize("labels", [None, LABELS], ids=["centred", "whitened"])
    def test_compares_adapted_embeddings(self, encoder, images, labels):
        recognizer = Recognizer(encoder, reading=Reading((4, 4), 1, "crop"))
        recognizer.adapt(images, labels).fit(images[:4], list("abcd"))
        z = models.embed(encoder, images)
        expected = fit_adaptation(z, labels).apply(z)
        scores = recognizer.predict_scores(images)
        np.testing.assert_allclose(scores, expected @ expected[:4].T, atol=1e-4)
        assert recognizer.reading == Reading((4, 4), 1, "crop")

    def test_begins_with_the_original_encoder_each_time(self, encoder, images):
        once = Recognizer(encoder).adapt(images, LABELS)
        twice = Recognizer(encoder).adapt(images[:3]).adapt(images, LABELS)
        for a, b in zip(once.encoder.get_weights(), twice.encoder.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)

    def test_a_gallery_from_before_is_refused(self, encoder, images):
        recognizer = Recognizer(encoder).fit(images[:2], ["a", "b"])
        recognizer.adapt(images)
        with pytest.raises(ValueError, match=r"another one.*Call fit with all images again"):
            recognizer.predict(images)

    def test_is_saved_with_the_encoder(self, encoder, images, tmp_path):
        recognizer = Recognizer(encoder).adapt(images, LABELS).fit(images[:2], ["a", "b"])
        recognizer.save(tmp_path / "model.keras")
        recognizer.save_gallery(tmp_path / "gallery.npz")
        again = Recognizer.load(tmp_path / "model.keras", tmp_path / "gallery.npz")
        np.testing.assert_allclose(
            again.predict_scores(images), recognizer.predict_scores(images), atol=1e-6
        )
        # and may be adapted anew, from the original encoder
        again.adapt(images[:5])
        expected = Recognizer(encoder).adapt(images[:5])
        np.testing.assert_allclose(
            models.embed(again.encoder, images), models.embed(expected.encoder, images), atol=1e-5
        )

    def test_a_failure_leaves_the_recognizer(self, encoder, images):
        recognizer = Recognizer(encoder).fit(images[:2], ["a", "b"])
        with pytest.raises(ValueError, match="12 images but 2 labels"):
            recognizer.adapt(images, ["a", "b"])
        assert recognizer.encoder is encoder
        assert recognizer.predict(images[:2]).tolist() == ["a", "b"]

    def test_the_threshold_is_of_the_embeddings_before(self, encoder, images):
        recognizer = Recognizer(encoder, 0.5)
        with pytest.warns(UserWarning, match=r"0\.5 was for embeddings as they were before"):
            recognizer.adapt(images)
        assert recognizer.threshold is None

    def test_embeddings_have_no_encoder_to_adapt(self):
        with pytest.raises(ValueError, match=r"no encoder to adapt.*fit_adaptation"):
            Recognizer().adapt(np.eye(3))
