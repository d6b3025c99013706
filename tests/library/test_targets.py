"""Targets of losses and metrics: labels of any harmless shape, type and size, or a clear error.

Directly and through Keras, whose training casts, batches and compiles.
"""

import itertools

import keras
import ml_dtypes
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import losses
from siamese_utils.training import ActiveTriplets, MeanDistance, PairAccuracy

pytestmark = pytest.mark.backend

SAME, DISTANCE = np.array([1, 0, 0]), np.array([0.2, 0.7, 0.4], "float32")
SHAPES = [(3,), (3, 1), (3, 1, 1)]

# Three images of four classes, in no order.
LABELS = np.array([2, 0, 3, 1, 1, 0, 2, 3, 0, 1, 3, 2])
# Symmetric, so that it may stand for logits of pairs as well as for embeddings.
OUTPUTS = np.random.default_rng(0).normal(size=(12, 12)).astype("float32") / 4
OUTPUTS += OUTPUTS.T

IN_BATCH = {
    "contrastive": losses.InBatchContrastiveLoss,
    "hardest": lambda **options: losses.InBatchContrastiveLoss(hardest=True, **options),
    "multi-similarity": losses.MultiSimilarityLoss,
    "softmax": losses.InBatchSoftmaxLoss,
    "verification": lambda **options: losses.InBatchVerificationLoss(1.0, **options),
    "lifted": losses.LiftedStructureLoss,
    "supervised": losses.SupervisedContrastiveLoss,
    "triplet": lambda **options: losses.TripletLoss("semi_hard", "softplus", **options),
    "matching": lambda **options: losses.EpisodicLoss("matching", 2, **options),
    "prototypical": lambda **options: losses.EpisodicLoss("prototypical", **options),
}
METRICS = {"active": ActiveTriplets, "distance": MeanDistance}

HARMLESS = {
    "column": LABELS[:, None],
    "three axes": LABELS[:, None, None],
    "list": LABELS.tolist(),
    "uint8": LABELS.astype("uint8"),
    "int8": LABELS.astype("int8") - 2,
    "int32": LABELS.astype("int32"),
    "float16": LABELS.astype("float16"),
    "float32": LABELS.astype("float32") + 2**20,
    "last half": (LABELS + 2044).astype("float16"),
    "last float": (LABELS + 2**24 - 4).astype("float32"),
    "dates": LABELS + 2026112400,
    "2**60": LABELS.astype("uint64") + 2**60,
    "names": np.array(list("abcd"))[LABELS],
}
REFUSED = {
    "one-hot": (np.eye(4)[LABELS], r"shape \(12, 4\); expected .*argmax"),
    "three axes": (np.zeros((12, 2, 2)), r"shape \(12, 2, 2\); expected"),
    "too few": (LABELS[:11], "expected"),
    "halves": (LABELS / 2, "whole"),
    "NaN": (np.where(LABELS == 1, np.nan, 0.0), "whole"),
    "large floats": ((LABELS + 2**24).astype("float32"), "16777216|2\\*\\*24"),
    "large bfloat16": ((LABELS + 256).astype(ml_dtypes.bfloat16), "bfloat16"),
    "large doubles": (LABELS + 2.0**53, "9007199254740992|2\\*\\*(24|53)"),
    "first large float": (np.where(LABELS == 3, 2**24, 0).astype("float32"), "16777216|2\\*\\*24"),
    "large halves": ((LABELS + 2048).astype("float16"), "2048|2\\*\\*11"),
}


def measured(target, labels, outputs=OUTPUTS):
    """The value of a loss or of a metric, each by its name."""
    if target in IN_BATCH:
        return float(IN_BATCH[target]()(labels, keras.ops.convert_to_tensor(outputs)))
    metric = METRICS[target]()
    metric.update_state(labels, keras.ops.convert_to_tensor(outputs))
    return float(metric.result())


class TestPairs:
    """A label for each distance: (n, 1) against (n,) would broadcast to (n, n)."""

    @pytest.mark.parametrize("of_labels", SHAPES)
    @pytest.mark.parametrize("of_distances", SHAPES)
    @pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "uint8"])
    def test_trailing_ones_change_nothing(self, of_labels, of_distances, dtype):
        """0.2 squared, 0.3 squared and 0.6 squared: 0.49 / 3. One of three is near enough."""
        labels, distance = SAME.reshape(of_labels).astype(dtype), DISTANCE.reshape(of_distances)
        found = float(losses.ContrastiveLoss(1.0)(labels, distance))
        assert found == pytest.approx(0.49 / 3, abs=1e-6)
        accuracy = PairAccuracy()  # at 0.5
        accuracy.update_state(labels, distance)
        assert float(accuracy.result()) == pytest.approx(2 / 3)

    @pytest.mark.parametrize("of_labels", SHAPES[:2])
    @pytest.mark.parametrize("of_distances", SHAPES[:2])
    @pytest.mark.slow
    def test_through_fit_and_with_weights(self, of_labels, of_distances):
        """Pairs of weight 3, 0 and 1: (3 x 0.04 + 0.36) / 3; accuracy (3 + 0) / 4."""
        inputs = keras.Input(of_distances[1:])
        shape = (
            keras.layers.Reshape(of_distances[1:]) if of_distances[1:] else keras.layers.Identity()
        )
        model = keras.Model(inputs, shape(inputs))
        metric = PairAccuracy(0.5)
        model.compile(
            "sgd",
            losses.ContrastiveLoss(1.0),
            metrics=[metric],
            weighted_metrics=[PairAccuracy(0.5, name="weighted")],
        )
        labels, distance = SAME.reshape(of_labels), DISTANCE.reshape(of_distances)
        found = model.evaluate(distance, labels, batch_size=3, verbose=0, return_dict=True)
        assert found["loss"] == pytest.approx(0.49 / 3, abs=1e-6)
        assert found["pair_accuracy"] == pytest.approx(2 / 3)
        weights = np.array([3.0, 0.0, 1.0])
        found = model.evaluate(distance, labels, 3, 0, weights, return_dict=True)
        assert found["loss"] == pytest.approx(0.48 / 3, abs=1e-6)
        assert found["weighted"] == pytest.approx(3 / 4)

    @pytest.mark.parametrize(
        ("labels", "distance"),
        [
            (SAME[:2], DISTANCE),
            (SAME, DISTANCE[:1]),
            (np.eye(2)[SAME], DISTANCE),
            (SAME, np.tile(DISTANCE[:, None], 2)),
            (SAME[None], DISTANCE),
        ],
        ids=["fewer", "one distance", "one-hot", "two distances", "row"],
    )
    def test_other_shapes_are_refused(self, labels, distance):
        message = r"labels have shape .* and distances .*; expected \(batch,\) for both"
        with pytest.raises(ValueError, match=message):
            losses.ContrastiveLoss(1.0)(labels, distance)
        with pytest.raises(ValueError, match=message):
            PairAccuracy(0.5).update_state(labels, distance)

    @pytest.mark.parametrize(
        ("labels", "dtype"),
        [
            *itertools.product(
                [(3, 7, 3), (0, 1, 2), (-1, 1, 1)],
                ["int8", "int64", "float16", "float32", "float64"],
            ),
            *itertools.product([(0, 0.5, 1), (1, 0, np.nan)], ["float16", "float32", "float64"]),
        ],
    )
    def test_labels_that_are_not_0_or_1_are_refused(self, labels, dtype):
        """Such as classes, given by mistake: with 3 and 7 the loss would be negative."""
        labels = np.array(labels, dtype)
        bad = str(labels[~np.isin(labels, (0, 1))][0])
        message = rf"labels of type {dtype[:-2]}.* hold {bad}, .*; expected 1 = same .*0 = diff.*=="
        with pytest.raises(ValueError, match=message):
            losses.ContrastiveLoss(1.0)(labels, DISTANCE)
        with pytest.raises(ValueError, match=message):
            PairAccuracy(0.5).update_state(labels, DISTANCE)

    @pytest.mark.parametrize("labels", [SAME, SAME.astype(bool), SAME * 3])
    def test_in_a_compiled_step_wrong_labels_give_no_number(self, labels):
        """It cannot raise an error about a number: loss and metric are NaN there."""
        model = keras.Sequential([keras.Input(()), keras.layers.Identity()])
        model.compile("sgd", losses.ContrastiveLoss(1.0), metrics=[PairAccuracy(0.5)])
        try:
            found = model.evaluate(DISTANCE, labels, batch_size=3, verbose=0)
        except ValueError as error:  # PyTorch compiles nothing
            assert labels.max() > 1, error
            assert "expected 1 = same class or 0 = different" in str(error)
        else:
            right = [np.nan] * 2 if labels.max() > 1 else [0.49 / 3, 2 / 3]
            assert found == pytest.approx(right, abs=1e-6, nan_ok=True)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
    def test_distances_of_other_types(self, dtype):
        """300 squared, which float16 does not hold."""
        distance = keras.ops.cast(np.array([300.0, 0.0], "float32"), dtype)
        found = losses.ContrastiveLoss(1.0)(np.array([1, 0]), distance)
        assert float(found) == pytest.approx(90_001 / 2, rel=1e-6)


@pytest.mark.parametrize("form", losses.FORMS)
@pytest.mark.parametrize(("positive", "negative"), [((3, 1), (3,)), ((3,), (3, 1)), ((3, 3), (3,))])
def test_triplets_of_other_shapes_are_refused(form, positive, negative):
    with pytest.raises(ValueError, match="expected one number of axes"):
        losses.triplet(np.ones(positive, "float32"), np.ones(negative, "float32"), form)


@pytest.mark.parametrize("make", [losses.ContrastiveLoss, *IN_BATCH.values()])
def test_computed_in_doubles_where_that_is_asked_and_never_in_halves(make):
    types = ("float64", "float32", "float16", "bfloat16")
    assert [make(dtype=dtype).dtype for dtype in types] == ["float64", *["float32"] * 3]


@pytest.mark.parametrize("target", [*IN_BATCH, *METRICS])
class TestBatches:
    @pytest.mark.parametrize("kind", HARMLESS)
    def test_the_same_for_the_same_classes(self, target, kind):
        expected = measured(target, LABELS)
        assert expected > 0
        assert measured(target, HARMLESS[kind]) == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("kind", [k for k in HARMLESS if k not in ("list", "names", "2**60")])
    def test_of_tensors_as_of_arrays(self, target, kind):
        tensor = keras.ops.convert_to_tensor(HARMLESS[kind])
        assert measured(target, tensor) == pytest.approx(measured(target, LABELS), rel=1e-6)

    @pytest.mark.parametrize("kind", REFUSED)
    @pytest.mark.parametrize("as_tensor", [False, True])
    def test_what_does_not_number_classes_is_refused(self, target, kind, as_tensor):
        labels, message = REFUSED[kind]
        if as_tensor:
            labels = keras.ops.convert_to_tensor(labels)
        with pytest.raises(ValueError, match=message):
            measured(target, labels)

    def test_embeddings_of_other_shapes_are_refused(self, target):
        with pytest.raises(ValueError, match=r"shape \(12, 2, 6\); expected \(batch, dim\)"):
            measured(target, LABELS, OUTPUTS.reshape(12, 2, 6))

    def test_weights_are_refused(self, target):
        weights = np.ones(12)
        with pytest.raises(ValueError, match="got sample weights; expected none"):
            if target in IN_BATCH:
                IN_BATCH[target]()(LABELS, OUTPUTS, weights)
            else:
                METRICS[target]().update_state(LABELS, OUTPUTS, weights)

    @pytest.mark.parametrize("floatx", ["float16", "float64"])
    def test_under_another_floatx(self, target, floatx):
        """At least in float32: half precision has no room for sums over pairs. The outputs are
        rounded, and one of 216 triplets becomes active by it.
        """
        expected = measured(target, LABELS)
        keras.config.set_floatx(floatx)
        try:
            found = measured(target, LABELS, OUTPUTS.astype(floatx))
        finally:
            keras.config.set_floatx("float32")
        assert found == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("name", IN_BATCH)
@pytest.mark.slow
class TestThroughKeras:
    """An encoder that passes its input on, evaluated and trained on batches of 12."""

    @pytest.fixture
    def model(self, name):
        model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(12, use_bias=False)])
        model.layers[0].set_weights([np.eye(12)])
        model.compile(
            keras.optimizers.SGD(0.0), IN_BATCH[name](), metrics=[ActiveTriplets(), MeanDistance()]
        )
        return model

    @pytest.mark.parametrize("kind", ["column", "uint8", "float32", "dates"])
    def test_the_same_as_directly(self, name, model, kind):
        found = model.evaluate(OUTPUTS, HARMLESS[kind], 12, 0, return_dict=True)
        assert found["loss"] == pytest.approx(measured(name, LABELS), rel=1e-5)
        assert found["active_triplets"] == pytest.approx(measured("active", LABELS), rel=1e-5)
        assert found["mean_distance"] == pytest.approx(measured("distance", LABELS), rel=1e-5)

    def test_refuses_one_hot_labels_and_weights(self, name, model):
        with pytest.raises(ValueError, match=r"shape .*4\); expected .*argmax"):
            model.fit(OUTPUTS, np.eye(4)[LABELS], 12, verbose=0)
        for weights in (
            {"sample_weight": np.ones(12)},
            {"class_weight": dict.fromkeys(range(4), 1)},
        ):
            with pytest.raises(ValueError, match="got sample weights; expected none"):
                model.fit(OUTPUTS, LABELS, 12, verbose=0, **weights)

    def test_floats_that_merge_classes_give_no_number(self, name, model):
        """A compiled step cannot raise an error about a number: the loss is NaN there."""
        try:
            found = model.evaluate(OUTPUTS, LABELS + 2026112400.0, 12, 0)
        except ValueError as error:
            assert "from where on classes would merge" in str(error)
        else:
            assert np.isnan(found).all()


@pytest.mark.parametrize("name", IN_BATCH)
def test_gradient_does_not_depend_on_the_type_of_labels(name):
    def slope(labels):
        labels = keras.ops.convert_to_tensor(labels)
        return gradient(lambda outputs: IN_BATCH[name]()(labels, outputs), OUTPUTS)

    expected = slope(LABELS)
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(slope(HARMLESS["dates"][:, None]), expected, rtol=1e-5, atol=1e-7)
