"""The threshold that cross-validation over classes chooses, and the errors that it tells of."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.base import clone

from siamese_utils import datasets, models
from siamese_utils.models.adaptation import fit_adaptation
from siamese_utils.recognition import Recognizer, ThresholdChoice, threshold_choice

N_CLASSES, N_EACH, DIM = 12, 5, 8
LABELS = np.repeat(np.arange(N_CLASSES), N_EACH)
FOLDS = [(rest, out) for rest, out in datasets.class_folds(LABELS, 4, np.random.default_rng(0))]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(N_CLASSES, DIM))
    return unit(centers[LABELS] + 0.6 * rng.normal(size=(len(LABELS), DIM))).astype("float32")


def share(values):
    return float(np.mean(values))


class TestRatesMeet:
    def test_by_hand(self):
        """Between 0.7 and 0.8 one of two different pairs is accepted, and one same one rejected."""
        same, different = np.array([0.9, 0.7]), np.array([0.8, 0.1])
        assert threshold_choice._where_rates_meet(same, different) == pytest.approx(0.75)

    def test_pairs_that_a_gap_parts(self):
        same, different = np.array([0.9, 0.7]), np.array([0.2, 0.1])
        assert threshold_choice._where_rates_meet(same, different) == pytest.approx(0.45)


class TestChoice:
    def test_of_pairs_as_loops_have_it(self, vectors):
        found = threshold_choice.choose(vectors, LABELS, None, 4)
        accepts, rejects = [], []
        for rest, out in FOLDS:
            of_rest = {True: [], False: []}
            for i in rest:
                for j in rest:
                    if i != j:
                        of_rest[LABELS[i] == LABELS[j]].append(float(vectors[i] @ vectors[j]))
            threshold = threshold_choice._where_rates_meet(*map(np.array, of_rest.values()))
            of_out = {True: [], False: []}
            for i in out:
                for j in range(len(LABELS)):
                    if i != j:
                        of_out[LABELS[i] == LABELS[j]].append(float(vectors[i] @ vectors[j]))
            accepts.append(share(np.array(of_out[False]) > threshold))
            rejects.append(share(np.array(of_out[True]) <= threshold))
        for rates, of in ((accepts, found.false_accept), (rejects, found.false_reject)):
            assert of == pytest.approx((np.mean(rates), min(rates), max(rates)), abs=2e-3)
        assert (found.n_classes, found.n_images, found.n_folds) == (12, 60, 4)
        assert found.n_stored == 9

    @pytest.mark.parametrize("wanted", [0.05, 0.3])
    def test_accepts_as_many_strangers_as_wanted_among_those_it_chose_on(self, vectors, wanted):
        """Of 60 images, each a stranger to the 11 other classes, no more than the share."""
        found = threshold_choice.choose(vectors, LABELS, wanted, 4)
        similarity = vectors @ vectors.T
        everything = np.arange(60)
        nearest = threshold_choice._nearest_other(similarity, LABELS, everything, everything)
        assert wanted - 2 / 60 <= share(nearest > found.threshold) <= wanted
        assert found.strangers_wanted == wanted

    def test_strangers_are_of_classes_that_had_no_part(self, vectors):
        """Over many classes the mean of the folds comes near what was wanted."""
        rng = np.random.default_rng(2)
        labels = np.repeat(np.arange(60), 5)
        z = unit(rng.normal(size=(60, 16))[labels] + 0.5 * rng.normal(size=(300, 16)))
        found = threshold_choice.choose(z.astype("float32"), labels, 0.1, 5)
        mean, low, high = found.strangers
        assert mean == pytest.approx(0.1, abs=0.04)
        assert low < mean < high
        stricter = threshold_choice.choose(z.astype("float32"), labels, 0.01, 5)
        assert stricter.threshold > found.threshold
        assert stricter.false_reject[0] > found.false_reject[0]

    def test_a_nearest_one_is_never_of_the_own_class(self):
        numbers = np.array([0, 0, 1, 1])
        similarity = np.array([[1, 0.9, 0.2, 0.2], [0.9, 1, 0.3, 0.3]])
        found = threshold_choice._nearest_other(similarity, numbers, np.arange(2), np.arange(4))
        assert found.tolist() == [0.2, 0.3]

    def test_whitening_is_learned_without_the_classes_that_are_compared(self, vectors, monkeypatch):
        """In each fold, and once more among the classes that are left in it."""
        seen = []

        def fit(embeddings, labels):
            seen.append(set(labels.tolist()))
            return fit_adaptation(embeddings, labels)

        monkeypatch.setattr(threshold_choice, "fit_adaptation", fit)
        threshold_choice.choose(vectors, LABELS, None, 4, whiten=True)
        expected = [set(LABELS[rest].tolist()) for rest, _ in FOLDS]
        for rest, _ in FOLDS:
            inner = datasets.class_folds(LABELS[rest], 4, np.random.default_rng(0))
            expected += [set(LABELS[rest][kept].tolist()) for kept, _ in inner]
        assert seen == expected

    def test_a_whitened_threshold_as_loops_have_it(self, vectors):
        """Each image is compared as the whitening has it that never saw its class."""
        same, different = [], []
        for rest, out in FOLDS:
            z = fit_adaptation(vectors[rest], LABELS[rest]).apply(vectors)
            for i in out:
                for j in range(len(LABELS)):
                    if i != j:
                        (same if LABELS[i] == LABELS[j] else different).append(float(z[i] @ z[j]))
        found = threshold_choice.choose(vectors, LABELS, None, 4, whiten=True)
        expected = threshold_choice._where_rates_meet(np.array(same), np.array(different))
        assert found.threshold == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("dim", [16, 200])
    @pytest.mark.parametrize("whiten", [False, True])
    def test_both_rates_are_alike_on_classes_left_out(self, dim, whiten):
        """Also where there are more directions than images, which whitening then fits at will."""
        rng = np.random.default_rng(7)
        labels = np.repeat(np.arange(40), 4)
        z = rng.normal(size=(40, dim))[labels] + 2.5 * rng.normal(size=(160, dim))
        found = threshold_choice.choose(unit(z).astype("float32"), labels, None, 5, whiten)
        assert found.false_reject[0] == pytest.approx(found.false_accept[0], abs=0.05)

    @pytest.mark.parametrize("wanted", [0.05, 0.2])
    def test_whitened_it_accepts_as_many_strangers_as_wanted(self, wanted):
        rng = np.random.default_rng(8)
        labels = np.repeat(np.arange(60), 4)
        z = rng.normal(size=(60, 100))[labels] + 0.7 * rng.normal(size=(240, 100))
        found = threshold_choice.choose(unit(z).astype("float32"), labels, wanted, 5, True)
        assert found.strangers[0] == pytest.approx(wanted, abs=0.05)

    def test_one_class_held_out_is_compared_with_the_others(self, vectors):
        some = LABELS < 3
        found = threshold_choice.choose(vectors[some], LABELS[some], None, 3)
        assert found.n_stored == 2
        assert 0 <= found.false_accept[0] < 0.5

    @pytest.mark.parametrize(
        ("labels", "strangers", "n_folds", "message"),
        [
            (LABELS % 2, None, 2, r"2 class\(es\) to choose a threshold on; expected three"),
            (LABELS, 0.0, 4, "strangers is 0.0; expected a share above 0 and below 1"),
            (LABELS, 5, 4, "strangers is 5; expected a share"),
            (np.arange(60), None, 4, "no two images of one class"),
            (LABELS, None, 13, "n_folds is 13; expected 2 to 12"),
            (np.minimum(LABELS, 2), None, 2, "2 folds of 3 classes leave a single class"),
            (np.minimum(np.arange(60), 40), None, 4, "no two images of one class"),
        ],
    )
    @pytest.mark.parametrize("whiten", [False, True])
    def test_refuses(self, vectors, labels, strangers, n_folds, message, whiten):
        with pytest.raises(ValueError, match=message):
            threshold_choice.choose(vectors, labels, strangers, n_folds, whiten)

    def test_is_said_in_words(self):
        rates = (0.1, 0.05, 0.2)
        found = ThresholdChoice(0.5, 0.01, 12, 60, 4, 9, rates, rates, rates, (0.8, 0.7, 0.9))
        text = str(found)
        assert "12-way one-shot accuracy on classes left out: 80.0 % (70.0 % to 90.0 % in" in text
        assert "1 % of strangers accepted" in text
        assert "taken for one of 9 stored classes: 10.0 % (5.0 % to 20.0 % in 4 folds)" in text
        assert "before fitting" not in text
        assert ThresholdChoice.from_dict(found.as_dict()) == found
        fitted = replace(found, one_shot_before=(0.7, 0.6, 0.75))
        assert "the same before fitting: 70.0 % (60.0 % to 75.0 % in" in str(fitted)
        assert ThresholdChoice.from_dict(fitted.as_dict()) == fitted

    def test_says_how_it_was_before_the_whitening(self, vectors):
        found = threshold_choice.choose(vectors, LABELS, None, 4, whiten=True)
        plain = threshold_choice.choose(vectors, LABELS, None, 4)
        assert found.one_shot_before == plain.one_shot
        assert found.one_shot != plain.one_shot
        assert plain.one_shot_before is None


class TestOneShot:
    def test_by_hand(self):
        """One image of each class is stored; of the others, two of three are nearest their own."""
        numbers = np.array([0, 0, 0, 1, 1])
        support = threshold_choice._one_of_each(numbers, np.arange(5))
        assert numbers[support].tolist() == [0, 1]
        similarity = np.zeros((5, 5))
        asked = np.setdiff1d(np.arange(5), support)
        similarity[asked, support[numbers[asked]]] = 0.5
        similarity[asked[0], support[1 - numbers[asked[0]]]] = 0.6
        credit = threshold_choice._one_shot(similarity, numbers, np.arange(5))
        assert credit.tolist() == [0, 1, 1]

    def test_random_embeddings_are_no_better_than_chance(self):
        z = unit(np.random.default_rng(5).normal(size=(60, 30)))
        found = threshold_choice.choose(z.astype("float32"), LABELS, None, 4)
        assert not found.is_better_than_chance

    def test_the_images_that_are_stored_are_no_trials(self, vectors):
        """Eight of twenty would be better than one of five, and six of fifteen may be luck."""
        found = threshold_choice.choose(vectors, LABELS, None, 4)
        for n_images, better in ((20, False), (200, True)):
            few = replace(found, n_classes=5, n_images=n_images, one_shot=(0.4, 0.4, 0.4))
            assert few.is_better_than_chance is better

    @pytest.mark.filterwarnings("error::RuntimeWarning")
    def test_the_fewest_images_of_noise_are_not_without_errors(self):
        """Three classes of two images: a fold is whitened by differences along two lines."""
        for seed in range(4):
            z = unit(np.random.default_rng(seed).normal(size=(6, 16))).astype("float32")
            found = threshold_choice.choose(z, np.repeat(np.arange(3), 2), None, 3, whiten=True)
            assert found.false_accept[0] + found.false_reject[0] > 0

    def test_good_ones_are(self, vectors):
        found = threshold_choice.choose(vectors, LABELS, None, 4)
        assert found.is_better_than_chance
        assert found.one_shot[0] > 0.5


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    centers = rng.random((N_CLASSES, 2, 4, 1))
    noise = 0.2 * rng.random((len(LABELS), 2, 4, 1))
    return (0.8 * centers[LABELS] + noise).astype("float32")


@pytest.fixture
def recognizer():
    encoder = keras.Sequential(
        [keras.Input((2, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(DIM, name="dense")]
    )
    weights = np.random.default_rng(4).normal(size=(8, DIM)), np.zeros(DIM)
    encoder.get_layer("dense").set_weights(weights)
    return Recognizer(encoder)


@pytest.mark.backend
class TestRecognizer:
    def test_keeps_and_uses_what_was_chosen(self, recognizer, images):
        choice = recognizer.choose_threshold(images, LABELS, n_folds=4)
        z = unit(models.embed(recognizer.encoder, images))
        expected = threshold_choice.choose(z, LABELS, None, 4)
        assert choice.threshold == pytest.approx(expected.threshold, abs=1e-5)
        assert choice.false_reject == pytest.approx(expected.false_reject, abs=1e-3)
        assert recognizer.threshold == choice.threshold
        assert recognizer.threshold_choice_ is choice
        assert not hasattr(recognizer, "classes_"), "nothing is stored"

    def test_of_embeddings(self, vectors):
        recognizer = Recognizer()
        choice = recognizer.choose_threshold(vectors, LABELS, strangers=0.1, n_folds=4)
        assert choice == threshold_choice.choose(vectors, LABELS, 0.1, 4)

    def test_no_more_folds_than_classes(self, recognizer, images):
        some = LABELS < 3
        assert recognizer.choose_threshold(images[some], LABELS[some]).n_folds == 3

    def test_is_saved_with_the_model(self, recognizer, images, tmp_path):
        choice = recognizer.choose_threshold(images, LABELS)
        recognizer.save(tmp_path / "model.keras")
        assert Recognizer.load(tmp_path / "model.keras").threshold_choice_ == choice

    def test_another_threshold_is_not_saved_with_its_rates(self, recognizer, images, tmp_path):
        recognizer.choose_threshold(images, LABELS)
        recognizer.threshold = 0.123
        recognizer.save(tmp_path / "model.keras")
        assert not hasattr(Recognizer.load(tmp_path / "model.keras"), "threshold_choice_")

    def test_adapting_is_repeated_in_each_fold(self, recognizer, images):
        z = unit(models.embed(recognizer.encoder, images))
        found = recognizer.adapt(images, LABELS).choose_threshold(images, LABELS, n_folds=4)
        expected = threshold_choice.choose(z, LABELS, None, 4, whiten=True)
        assert found.threshold == pytest.approx(expected.threshold, abs=1e-3)
        assert found.false_reject == pytest.approx(expected.false_reject, abs=0.02)

    @pytest.mark.parametrize("how", ["at once", "loaded"])
    def test_classes_that_adapt_got_are_left_out_where_three_others_remain(
        self, recognizer, images, tmp_path, how
    ):
        some, asked = LABELS < 6, LABELS >= 3
        recognizer.adapt(images[some], LABELS[some])
        if how == "loaded":
            recognizer.save(tmp_path / "model.keras")
            recognizer = Recognizer.load(tmp_path / "model.keras")
        with pytest.warns(
            UserWarning, match="15 of these 45 images .* and 30 in all.* only the 6 classes"
        ):
            found = recognizer.choose_threshold(images[asked], LABELS[asked], 0.2, n_folds=3)
        new = LABELS >= 6
        z = models.embed(recognizer.encoder, images[new])  # of length 1 after adapting
        expected = threshold_choice.choose(z, LABELS[new], 0.2, 3)
        assert found.threshold == pytest.approx(expected.threshold, abs=1e-5)
        assert found.n_classes == 6

    @pytest.mark.parametrize("n_asked", [5, 8])
    def test_where_fewer_remain_adapting_is_repeated_on_all(self, recognizer, images, n_asked):
        """With a warning, whether some of its images are missing or some are new."""
        some, asked = LABELS < 6, np.isin(LABELS, range(n_asked))
        recognizer.adapt(images[some], LABELS[some])
        with pytest.warns(UserWarning, match="an estimate, as if it had got these images alone"):
            found = recognizer.choose_threshold(images[asked], LABELS[asked], n_folds=3)
        z = unit(models.embed(recognizer.encoder.layers[1], images[asked]))
        expected = threshold_choice.choose(z, LABELS[asked], None, 3, whiten=True)
        assert found.threshold == pytest.approx(expected.threshold, abs=1e-3)
        assert found.n_classes == n_asked

    @pytest.mark.filterwarnings("error::UserWarning")
    def test_the_images_that_adapt_got_bring_no_warning(self, recognizer, images):
        recognizer.adapt(images, LABELS)
        assert recognizer.choose_threshold(images, LABELS).n_classes == N_CLASSES

    def test_what_was_adapted_to_other_images_is_taken_as_it_is(self, recognizer, images):
        some = LABELS < 6
        recognizer.adapt(images[some], LABELS[some])
        z = models.embed(recognizer.encoder, images[~some])
        found = recognizer.choose_threshold(images[~some], LABELS[~some], n_folds=3)
        expected = threshold_choice.choose(z, LABELS[~some], None, 3)
        assert found.threshold == pytest.approx(expected.threshold, abs=1e-5)

    @pytest.mark.parametrize("how", ["at once", "loaded", "cloned"])
    def test_assessing_classes_that_it_was_adapted_to_warns(
        self, recognizer, images, tmp_path, how
    ):
        some = LABELS < 6
        recognizer.adapt(images[some], LABELS[some])
        if how == "loaded":
            recognizer.save(tmp_path / "model.keras")
            recognizer = Recognizer.load(tmp_path / "model.keras")
        if how == "cloned":
            recognizer = clone(recognizer)
        with pytest.warns(UserWarning, match="of no new classes, and what is measured"):
            recognizer.evaluate(images[some], LABELS[some])

    @pytest.mark.filterwarnings("error::UserWarning")
    def test_assessing_other_classes_does_not(self, recognizer, images):
        some = LABELS < 6
        recognizer.adapt(images[some], LABELS[some])
        assert recognizer.evaluate(images[~some], LABELS[~some]).n_classes == 6
        recognizer.adapt(images)  # without labels nothing is learned of classes
        assert recognizer.evaluate(images, LABELS).n_classes == 12
