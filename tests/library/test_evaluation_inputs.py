"""Every function of ``evaluation`` on numbers of every type, scale and shape.

The same numbers give the same answer in any type that holds them, a distance in other units
gives the same error rates and a threshold in those units, and what cannot be evaluated is
refused with a message that names it.
"""

import warnings
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from siamese_utils import evaluation

pytestmark = pytest.mark.backend

TYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64", "longdouble"]
INTEGERS = ["int8", "uint8", "int32", "uint16", "int64", "uint64"]
SCALES = [1e-300, 1e-30, 1e-12, 5e-4, 1e-6, 1.0, 1e6, 1e30, 1e300]

# Whole eighths up to 3: every type above holds them exactly. With ties, and not separable.
EIGHTHS = np.random.default_rng(0).integers(1, 25, 60)
SAME = (np.random.default_rng(1).random(60) < 1 / (1 + np.exp((EIGHTHS - 12) / 4))).astype(int)
DISTANCES = EIGHTHS / 8
CONSTANT = np.full(5, 0.3)
CONSTANT_SAME = np.array([1, 1, 0, 0, 0])
MATRIX = np.random.default_rng(2).integers(0, 6, (40, 5)) / 8  # trials with ties
ANSWERS = np.random.default_rng(3).integers(0, 5, 40)


class Series:
    """What pandas gives: an object that knows how to become an array, with an index of its own."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.index = np.arange(len(self.values))[::-1]

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype or self.values.dtype)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, label):
        raise AssertionError("a table was indexed by its labels; convert it first")


CONTAINERS = {
    "list": lambda x: np.asarray(x).tolist(),
    "tuple": lambda x: tuple(np.asarray(x).tolist()),
    "table": Series,
    "column": lambda x: np.asarray(x)[..., None],
    "two axes": lambda x: np.asarray(x)[..., None, None],
    "objects": lambda x: np.asarray(x).astype(object),
    "reversed view": lambda x: np.asarray(x)[::-1].copy()[::-1],
}


def rates(found):
    """Everything that a change of units must leave alone."""
    return [
        found.accuracy,
        *found.interval,
        found.false_accept,
        found.false_reject,
        found.roc.auc,
        found.roc.equal_error_rate,
    ]


def verify(distances, same=SAME):
    return evaluation.verify(distances, same, distances, same)


def assert_consistent(found, distances, same):
    """The accuracy is made of the two error rates, and is that of the threshold, by a loop."""
    share = np.mean(np.asarray(same))
    mixed = share * (1 - found.false_reject) + (1 - share) * (1 - found.false_accept)
    assert found.accuracy == pytest.approx(mixed)
    right = [(float(d) < found.threshold) == bool(s) for d, s in zip(distances, same, strict=True)]
    assert found.accuracy == pytest.approx(np.mean(right))
    accuracy = evaluation.verification_accuracy(distances, same, found.threshold)
    assert accuracy == pytest.approx(found.accuracy)
    assert found.roc.false_reject_at(found.false_accept) <= found.false_reject + 1e-12


class TestTypes:
    @pytest.mark.parametrize("dtype", TYPES)
    def test_verification_of_the_same_numbers(self, dtype):
        found, expected = verify(DISTANCES.astype(dtype)), verify(DISTANCES)
        assert found.threshold == expected.threshold
        assert rates(found) == rates(expected)
        assert 0 < found.false_accept < 1

    @pytest.mark.parametrize("dtype", [*TYPES, *INTEGERS])
    @pytest.mark.parametrize("value", [0, 1, 3, 0.3])
    def test_a_constant_distance(self, dtype, value):
        """0.3 is another number in each type; it was below its threshold in one place only."""
        constant = np.full(5, value).astype(dtype)
        found = verify(constant, CONSTANT_SAME)
        assert_consistent(found, constant, CONSTANT_SAME)
        assert (found.accuracy, found.false_accept, found.false_reject) == (0.6, 0, 1)
        assert (found.roc.auc, found.roc.equal_error_rate) == (0.5, 0.5)
        mostly_same = verify(constant, 1 - CONSTANT_SAME)
        assert_consistent(mostly_same, constant, 1 - CONSTANT_SAME)
        assert (mostly_same.false_accept, mostly_same.false_reject) == (1, 0)
        flat = evaluation.calibrate(constant, CONSTANT_SAME)
        np.testing.assert_allclose(flat.probability(constant, prior=0.2), 0.2)

    @pytest.mark.parametrize("dtype", TYPES)
    def test_distances_that_the_type_rounds(self, dtype):
        distances = np.random.default_rng(4).random(200).astype(dtype)
        same = np.random.default_rng(5).random(200) < 0.4
        assert_consistent(verify(distances, same), distances, same)

    @pytest.mark.parametrize("dtype", INTEGERS)
    def test_integers(self, dtype):
        found = verify(EIGHTHS.astype(dtype))
        assert found.threshold == 8 * verify(DISTANCES).threshold
        assert rates(found) == rates(verify(DISTANCES))

    @pytest.mark.parametrize("dtype", TYPES)
    def test_calibration_of_the_same_numbers(self, dtype):
        found = evaluation.calibrate(DISTANCES.astype(dtype), SAME)
        assert found == evaluation.calibrate(DISTANCES, SAME)
        probabilities = found.probability(DISTANCES.astype(dtype))
        assert probabilities.dtype == np.float64
        np.testing.assert_array_equal(probabilities, found.probability(DISTANCES))

    @pytest.mark.parametrize("dtype", TYPES)
    def test_reliability_of_the_same_numbers(self, dtype):
        probabilities = EIGHTHS / 32
        found = evaluation.reliability(probabilities.astype(dtype), SAME)
        assert found.error == evaluation.reliability(probabilities, SAME).error

    @pytest.mark.parametrize("dtype", TYPES)
    def test_identification_of_the_same_numbers(self, dtype):
        found = evaluation.identify(MATRIX.astype(dtype), ANSWERS)
        np.testing.assert_array_equal(found.credit, evaluation.identify(MATRIX, ANSWERS).credit)

    @pytest.mark.parametrize("dtype", TYPES)
    def test_official_runs_of_the_same_numbers(self, dtype):
        runs = SimpleNamespace(answers=np.array([[1, 0], [0, 1]]), alphabets=("Greek", "Tibetan"))
        near = np.array([[[0.5, 0.25], [0.5, 0.5]], [[1.0, 2.0], [0.0, 1.0]]])
        found = evaluation.official_runs(near.astype(dtype), runs)
        assert found.credit.tolist() == [[1, 0.5], [1, 0]]

    @pytest.mark.parametrize("dtype", [*TYPES, *INTEGERS])
    def test_nearest_neighbor_of_the_same_numbers(self, dtype):
        vectors, labels = np.arange(40).reshape(20, 2) % 17, np.arange(20) % 4
        found = evaluation.nearest_neighbor_accuracy(
            vectors[:12].astype(dtype), labels[:12], vectors[12:].astype(dtype), labels[12:]
        )
        expected = evaluation.nearest_neighbor_accuracy(
            vectors[:12], labels[:12], vectors[12:], labels[12:]
        )
        assert found == expected

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", ml_dtypes.bfloat16])
    def test_labels(self, dtype):
        labels = SAME.astype(dtype)
        assert rates(verify(DISTANCES, labels)) == rates(verify(DISTANCES))
        assert evaluation.calibrate(DISTANCES, labels) == evaluation.calibrate(DISTANCES, SAME)
        error = evaluation.reliability(EIGHTHS / 32, labels).error
        assert error == evaluation.reliability(EIGHTHS / 32, SAME).error

    @pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64"])
    def test_answers(self, dtype):
        found = evaluation.identify(MATRIX, ANSWERS.astype(dtype))
        assert found.accuracy == evaluation.identify(MATRIX, ANSWERS).accuracy

    @pytest.mark.parametrize("integer", [int, np.int8, np.uint8, np.int64, np.uint64])
    def test_whole_numbers(self, integer):
        interval = evaluation.wilson_interval(integer(3), integer(4))
        assert interval == evaluation.wilson_interval(3, 4)
        assert all(type(bound) is float for bound in interval)
        found = evaluation.reliability(DISTANCES / 4, SAME, n_bins=integer(5))
        assert found.error == evaluation.reliability(DISTANCES / 4, SAME, n_bins=5).error

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_a_threshold_of_any_type(self, dtype):
        threshold = np.dtype(dtype).type(0.5)
        accuracy = evaluation.verification_accuracy(DISTANCES, SAME, threshold)
        assert accuracy == evaluation.verification_accuracy(DISTANCES, SAME, 0.5)


class TestScales:
    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("shift", [0, -2])  # a negated similarity is negative
    def test_verification(self, scale, shift):
        found, expected = verify(scale * (DISTANCES + shift)), verify(DISTANCES + shift)
        assert found.threshold == pytest.approx(scale * expected.threshold, rel=1e-12, abs=0)
        assert rates(found) == rates(expected)
        np.testing.assert_array_equal(found.roc.false_accept, expected.roc.false_accept)
        np.testing.assert_array_equal(found.roc.true_accept, expected.roc.true_accept)

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("same", [[1, 1, 1, 1, 0], [0, 0, 0, 1, 0]])
    def test_a_threshold_beyond_the_ends(self, scale, same):
        """The nearest is different, or the farthest same: all pairs on one side is best."""
        distances = scale * np.array([0.5, 0.25, 0.75, 1.0, 0.125])
        found = evaluation.best_threshold(distances, same)
        unit = evaluation.best_threshold(distances / scale, same)
        assert found == pytest.approx(scale * unit, rel=1e-12, abs=0)
        assert evaluation.verification_accuracy(distances, same, found) == 0.8

    @pytest.mark.parametrize("scale", SCALES[:-1])
    def test_calibration(self, scale):
        found, expected = evaluation.calibrate(scale * DISTANCES, SAME), calibrated()
        assert expected.slope < -1
        assert found.slope * scale == pytest.approx(expected.slope, rel=1e-6)
        assert found.intercept == pytest.approx(expected.intercept, rel=1e-6)
        np.testing.assert_allclose(
            found.probability(scale * DISTANCES), expected.probability(DISTANCES), rtol=1e-6
        )

    @pytest.mark.parametrize("offset", [10, 1e4, -1e4])
    def test_calibration_far_from_0(self, offset):
        found = evaluation.calibrate(DISTANCES + offset, SAME)
        np.testing.assert_allclose(
            found.probability(DISTANCES + offset), calibrated().probability(DISTANCES), rtol=1e-5
        )

    @pytest.mark.parametrize("scale", SCALES)
    def test_identification(self, scale):
        found = evaluation.identify(scale * MATRIX, ANSWERS)
        np.testing.assert_array_equal(found.credit, evaluation.identify(MATRIX, ANSWERS).credit)

    @pytest.mark.parametrize("scale", SCALES)
    @pytest.mark.parametrize("offset", [0, 1e3])
    def test_nearest_neighbor(self, scale, offset):
        rng = np.random.default_rng(6)
        stored, queries = rng.normal(size=(30, 4)), rng.normal(size=(50, 4))
        labels, asked = np.arange(30) % 3, np.arange(50) % 3
        found = evaluation.nearest_neighbor_accuracy(
            scale * (stored + offset), labels, scale * (queries + offset), asked
        )
        nearest = np.linalg.norm(queries[:, None] - stored, axis=2).argmin(axis=1)
        assert found == np.mean(labels[nearest] == asked)


def calibrated():
    return evaluation.calibrate(DISTANCES, SAME)


class TestContainers:
    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_of_pairs(self, kind):
        distances, same = CONTAINERS[kind](DISTANCES), CONTAINERS[kind](SAME)
        assert rates(verify(distances, same)) == rates(verify(DISTANCES))
        assert rates(verify(distances)) == rates(verify(DISTANCES))  # of another shape each
        assert rates(verify(DISTANCES, same)) == rates(verify(DISTANCES))
        assert evaluation.calibrate(distances, same) == calibrated()
        found = evaluation.reliability(CONTAINERS[kind](EIGHTHS / 32), same)
        assert found.error == evaluation.reliability(EIGHTHS / 32, SAME).error

    @pytest.mark.parametrize("kind", CONTAINERS)
    def test_of_trials(self, kind):
        found = evaluation.identify(CONTAINERS[kind](MATRIX), CONTAINERS[kind](ANSWERS))
        np.testing.assert_array_equal(found.credit, evaluation.identify(MATRIX, ANSWERS).credit)

    @pytest.mark.parametrize("kind", CONTAINERS)
    @pytest.mark.parametrize("names", [np.array([3, 7]), np.array(["east", "west"])])
    def test_of_vectors(self, kind, names):
        convert = CONTAINERS[kind]
        stored, queries = np.array([[0.0, 0], [4, 0]]), np.array([[1.0, 0], [3, 0], [3, 1]])
        accuracy = evaluation.nearest_neighbor_accuracy(
            convert(stored), convert(names), convert(queries), convert(names[[0, 1, 0]])
        )
        assert accuracy == pytest.approx(2 / 3)


PAIR_FUNCTIONS = {
    "verification_accuracy": lambda d, s: evaluation.verification_accuracy(d, s, 0.5),
    "best_threshold": evaluation.best_threshold,
    "roc": evaluation.roc,
    "verify, validation": lambda d, s: evaluation.verify(d, s, [0.1, 0.2], [1, 0]),
    "verify, test": lambda d, s: evaluation.verify([0.1, 0.2], [1, 0], d, s),
    "calibrate": evaluation.calibrate,
    "reliability": evaluation.reliability,
}


class TestRefuses:
    @pytest.mark.parametrize("function", PAIR_FUNCTIONS)
    @pytest.mark.parametrize(
        ("numbers", "same", "message"),
        [
            ([], [], r"are empty, of shape \(0,\); expected \(n_pairs,\)"),
            (0.5, 1, r"have shape \(\); expected \(n_pairs,\)"),
            ([[0.1, 0.2]], [1, 0], r"have shape \(1, 2\); expected \(n_pairs,\)"),
            ([0.1, 0.2], [1], r"labels have shape \(1,\); expected \(2,\)"),
            ([0.1, 0.2], [[1, 0], [0, 1]], r"labels have shape \(2, 2\)"),
            ([0.1, np.nan], [1, 0], "1 of 2 .* are not finite numbers"),
            ([0.1, None], [1, 0], "1 of 2 .* are not finite numbers"),
            ([np.inf, -np.inf], [1, 0], "2 of 2 .* are not finite numbers"),
            (["0.1", "0.2"], [1, 0], "are not an array of real numbers: their type is <U3"),
            ([0.1, 1j], [1, 0], "are not an array of real numbers: their type is complex"),
            ([0.1, [0.2]], [1, 0], "are not an array of real numbers: .*inhomogeneous"),
            ([0.1, 0.2], [1, 2], "expected 1 = same and 0 = different"),
            ([0.1, 0.2], [-1, 1], "expected 1 = same and 0 = different"),
            ([0.1, 0.2], [np.nan, 1], "expected 1 = same and 0 = different"),
            ([0.1, 0.2], ["1", "0"], "expected 1 = same and 0 = different"),
        ],
    )
    def test_pairs(self, function, numbers, same, message):
        what = "labels" if message.startswith(("labels", "expected")) else "distances"
        if function == "reliability" and what == "distances":
            what = "probabilities"
        with pytest.raises(ValueError, match=message) as caught:
            PAIR_FUNCTIONS[function](numbers, same)
        assert what in str(caught.value)

    @pytest.mark.parametrize(
        ("function", "purpose"),
        [
            ("best_threshold", "a threshold"),
            ("verify, validation", "a threshold"),
            ("roc", "a ROC curve"),
            ("verify, test", "a ROC curve"),
            ("calibrate", "calibration"),
        ],
    )
    @pytest.mark.parametrize(("kind", "name"), [(0, "different"), (1, "same")])
    @pytest.mark.parametrize("n", [1, 3])
    def test_pairs_of_one_kind(self, function, purpose, kind, name, n):
        with pytest.raises(ValueError, match=f"all {n} pairs are {name}; {purpose} needs both"):
            PAIR_FUNCTIONS[function]([0.1, 0.2, 0.3][:n], [kind] * n)

    @pytest.mark.parametrize("wrong", [0, -1, 2.5, 10.0, "10", None])
    def test_a_number_of_bins(self, wrong):
        with pytest.raises(ValueError, match=f"n_bins is {wrong!r}; expected a whole number of"):
            evaluation.reliability([0.1, 0.9], [0, 1], n_bins=wrong)

    @pytest.mark.parametrize("wrong", [-1, 1.5, 2.0, "2", None])
    def test_a_number_of_trials(self, wrong):
        with pytest.raises(ValueError, match=f"n_correct is {wrong!r}; expected a whole number"):
            evaluation.wilson_interval(wrong, 4)
        with pytest.raises(ValueError, match=f"n_trials is {wrong!r}; expected a whole number"):
            evaluation.wilson_interval(0, wrong)

    @pytest.mark.parametrize("wrong", [0, 1, 95, -0.1, float("nan")])
    def test_a_confidence(self, wrong):
        with pytest.raises(ValueError, match=f"confidence is {wrong}; expected a share"):
            evaluation.wilson_interval(3, 4, wrong)

    def test_a_threshold_that_is_no_number(self):
        with pytest.raises(ValueError, match="threshold is nan"):
            evaluation.verification_accuracy([0.1, 0.2], [1, 0], float("nan"))

    def test_a_distance_without_a_probability(self):
        with pytest.raises(ValueError, match="1 of 2 distances are not finite"):
            calibrated().probability([0.1, np.nan])

    @pytest.mark.parametrize(
        ("stored", "labels", "queries", "asked", "message"),
        [
            ([0.0, 1.0], [0, 1], [[0.0]], [0], r"stored vectors have shape \(2,\)"),
            ([[0.0], [1.0]], [0, 1], [0.0], [0], r"queries have shape \(1,\)"),
            ([[0.0], [1.0]], [0], [[0.0]], [0], "2 images but 1 labels; expected one for each"),
            ([[0.0], [1.0]], [0, 1], [[0.0]], [0, 1], "1 images but 2 labels"),
            ([[0.0], [1.0]], [0, 1], [[0.0, 1.0]], [0], "of 1 and queries of 2 dimensions"),
            ([[0.0], [1.0]], [0, 1], [[0.0]], [5], "1 labels that no stored vector has, such as"),
            ([[0.0], [np.nan]], [0, 1], [[0.0]], [0], "1 of 2 stored vectors are not finite"),
            ([[0.0], [1.0]], [0, 1], [[np.inf]], [0], "1 of 1 queries are not finite"),
            (np.zeros((0, 2)), [], [[0.0, 1]], [0], "stored vectors are empty"),
            ([[0.0], [1.0]], [0, 1], np.zeros((0, 1)), [], "queries are empty"),
        ],
    )
    def test_vectors(self, stored, labels, queries, asked, message):
        with pytest.raises(ValueError, match=message):
            evaluation.nearest_neighbor_accuracy(stored, labels, queries, asked)


class TestSeparable:
    """Pairs that one distance parts: a plain fit has an infinite slope."""

    @pytest.mark.parametrize("scale", SCALES[:-1])
    @pytest.mark.parametrize(
        ("distances", "same"),
        [
            ([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0]),
            ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),  # the wrong way round
            ([0.1, 0.5, 0.5, 0.9], [1, 1, 0, 0]),  # one tie in the middle
            ([0.1, 0.9], [1, 0]),
        ],
    )
    def test_is_finite_and_said(self, scale, distances, same):
        with pytest.warns(
            UserWarning, match="a distance separates all . same from all . different"
        ):
            found = evaluation.calibrate(scale * np.array(distances), same)
        with pytest.warns(UserWarning, match="separates all"):
            unit = evaluation.calibrate(distances, same)
        assert 0 < abs(unit.slope) < 100
        assert found.slope * scale == pytest.approx(unit.slope, rel=1e-6)
        assert (unit.slope < 0) == bool(same[0])

    def test_more_pairs_make_it_surer(self):
        """Two pairs: labels of 2/3 and 1/3. The probability there is the label itself."""
        with pytest.warns(UserWarning):
            few = evaluation.calibrate([0.0, 1.0], [1, 0])
        np.testing.assert_allclose(few.probability([0.0, 1.0]), [2 / 3, 1 / 3])
        with pytest.warns(UserWarning):
            many = evaluation.calibrate([0.0, 1.0] * 98, [1, 0] * 98)
        np.testing.assert_allclose(many.probability([0.0, 1.0]), [0.99, 0.01])

    @pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-6])
    def test_nearly_so_is_fitted_without_a_word(self, gap):
        """One pair of each kind lies beyond the other's."""
        distances = np.array([0.1, 0.2, 0.5 + gap, 0.5, 0.8, 0.9] * 5)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            found = evaluation.calibrate(distances, [1, 1, 1, 0, 0, 0] * 5)
        residual = found.probability(distances) - ([1, 1, 1, 0, 0, 0] * 5)
        # The gradient of the likelihood is 0 at its maximum.
        np.testing.assert_allclose([residual.sum(), residual @ distances], 0, atol=1e-6)


class TestThresholdBetweenNeighbors:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("value", [0.0, 1e-7, 0.3, 1.0, 3.0, 1000.0])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_parts_two_numbers_with_none_between(self, dtype, value, sign):
        low = np.dtype(dtype).type(sign * value)
        high = np.nextafter(low, np.dtype(dtype).type(np.inf))
        pair = np.array([low, high])
        found = verify(pair, [1, 0])
        assert float(low) < found.threshold <= float(high)
        assert (found.accuracy, found.false_accept, found.false_reject) == (1, 0, 0)

    def test_at_the_ends_of_the_range(self):
        large = np.array([1e308, 1.7e308, 1.75e308])
        assert verify(large, [1, 0, 0]).accuracy == 1
        accepts_all = verify(large, [0, 1, 1])
        assert (accepts_all.false_accept, accepts_all.false_reject) == (1, 0)
