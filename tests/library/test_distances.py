"""Distances: hand-derived values, gradients at equal inputs, all pairs against a loop."""

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import distances

pytestmark = pytest.mark.backend

FUNCTIONS = [distances.euclidean, distances.l1, distances.cosine, distances.exp_l1]
LAYERS = [
    distances.EuclideanDistance,
    distances.L1Distance,
    distances.CosineDistance,
    distances.ExpL1Similarity,
]


def value(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 6, 5)).astype("float32")


@pytest.mark.parametrize(
    ("distance", "a", "b", "expected"),
    [
        (distances.euclidean, [0, 0], [3, 4], 5.0),
        (distances.l1, [0, 0], [3, -4], 7.0),
        (distances.cosine, [2, 0], [0, 3], 1.0),  # at right angles
        (distances.cosine, [1, 1], [3, 3], 0.0),  # one direction, whatever the length
        (distances.cosine, [1, 0], [-5, 0], 2.0),  # opposite
        (distances.cosine, [0, 0], [1, 0], 1.0),  # a zero vector has no direction
        (distances.exp_l1, [1, 2], [1, 2], 1.0),  # a similarity: equal vectors have 1
        (distances.exp_l1, [0, 0], [0.3, -0.4], 0.4965853),  # e to the power of -0.7
    ],
)
def test_by_hand(distance, a, b, expected):
    result = value(distance(np.array([a], "float32"), np.array([b], "float32")))
    assert result.shape == (1,)
    assert result[0] == pytest.approx(expected, abs=1e-5)


DTYPES = ["float16", "bfloat16", "float32", "float64"]


def tensor(values, dtype):
    """JAX has no float64, and makes float32 of it."""
    return keras.ops.cast(np.array(values, "float32"), dtype)


class TestTypes:
    """Of whatever type the embeddings are, distances are finite and at least float32."""

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("distance", FUNCTIONS)
    def test_of_large_numbers_as_in_double_precision(self, distance, dtype):
        """300 squared is more than float16 holds; bfloat16 would round 90,000 to 90,112."""
        a, b = [[300, 0, 1], [60_000, 0, 0]], [[0, 0, 1], [-60_000, 0, 0]]
        found = distance(tensor(a, dtype), tensor(b, dtype))
        assert keras.backend.standardize_dtype(found.dtype) in ("float32", "float64")
        rounded = [value(keras.ops.cast(tensor(x, dtype), "float32")) for x in (a, b)]
        expected = value(distance(*(x.astype("float64") for x in rounded)))
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(value(found), expected, rtol=1e-6, atol=1e-30)
        paired = np.diag(value(distances.all_pairs(distance, tensor(a, dtype), tensor(b, dtype))))
        np.testing.assert_allclose(paired, expected, rtol=1e-6, atol=1e-30)

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("distance", FUNCTIONS)
    @pytest.mark.parametrize("row", [[0.0, 0.0], [1.0, -2.0], [1e-4, 0.0], [6e4, 6e4]])
    def test_gradient_at_equal_inputs_is_finite(self, distance, dtype, row):
        """Here and in all_pairs. (NumPy, from which it starts, has no bfloat16.)"""
        at = np.array([row, row], dtype)
        other = keras.ops.convert_to_tensor(at)
        for function in (distance, lambda a, b: distances.all_pairs(distance, a, b)):
            slope = gradient(lambda a, f=function: keras.ops.sum(f(a, other)), at)
            assert np.isfinite(slope).all()

    @pytest.mark.parametrize("floatx", ["float16", "float64"])
    @pytest.mark.parametrize("layer", [*LAYERS, distances.WeightedL1])
    def test_layers_under_another_floatx(self, floatx, layer, batch):
        a, b = batch
        head = layer()
        expected = value(head([a, b]))
        keras.config.set_floatx(floatx)
        try:
            again = layer()
            again.build([(None, 5), (None, 5)])
            again.set_weights(head.get_weights())
            found = again([a.astype(floatx), b.astype(floatx)])
        finally:
            keras.config.set_floatx("float32")
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        np.testing.assert_allclose(value(found), expected, rtol=5e-3, atol=2e-3)

    @pytest.mark.parametrize("distance", FUNCTIONS)
    def test_whole_numbers_lists_and_two_types(self, distance):
        expected = value(distance(np.array([3.0, 4.0], "float32"), np.array([0.0, 1.0], "float32")))
        for a, b in (([3, 4], [0, 1]), (np.array([3.0, 4.0]), tensor([0, 1], "float16"))):
            np.testing.assert_allclose(value(distance(a, b)), expected, rtol=1e-6)

    @pytest.mark.parametrize("distance", FUNCTIONS)
    def test_in_a_functional_model(self, distance, batch):
        inputs = [keras.Input((5,)), keras.Input((5,))]
        model = keras.Model(inputs, distance(*inputs))
        found = model.predict_on_batch(list(batch))
        np.testing.assert_allclose(found, value(distance(*batch)), rtol=1e-5, atol=1e-6)


class TestScales:
    """Vectors of any length: 1e-25 to 1e15."""

    SCALES = (1e-25, 1e-10, 1e-4, 5e-4, 1.0, 1e6, 1e15)

    @pytest.mark.parametrize("scale", SCALES)
    def test_euclidean_grows_with_the_vectors(self, scale, batch):
        expected = np.linalg.norm(batch[0] - batch[1], axis=1)
        found = value(distances.euclidean(*(batch * np.float32(scale))))
        np.testing.assert_allclose(found / scale, expected, rtol=1e-5)

    @pytest.mark.parametrize("scale", SCALES[1:])
    def test_euclidean_of_all_pairs_grows_with_the_vectors(self, scale, batch):
        a, b = batch
        expected = np.linalg.norm(a[:, None] - b[None], axis=2)
        a, b = batch * np.float32(scale)
        found = value(distances.all_pairs(distances.euclidean, a, b))
        np.testing.assert_allclose(found / scale, expected, rtol=1e-4)
        equal = np.diag(value(distances.all_pairs(distances.euclidean, a, a)))
        assert (equal < 2e-3 * np.linalg.norm(a, axis=1)).all()

    @pytest.mark.parametrize("scale", SCALES)
    def test_cosine_of_a_vector_with_itself_is_0(self, scale, batch):
        a, b = batch[0], np.float32(scale) * batch[0]
        np.testing.assert_allclose(value(distances.cosine(b, b)), 0, atol=1e-6)
        np.testing.assert_allclose(value(distances.cosine(a, b)), 0, atol=1e-6)
        paired = value(distances.all_pairs(distances.cosine, b, b))
        np.testing.assert_allclose(np.diag(paired), 0, atol=1e-6)
        other = value(distances.all_pairs(distances.cosine, a, a))
        np.testing.assert_allclose(paired, other, atol=1e-5)

    @pytest.mark.parametrize("scale", SCALES)
    def test_gradient_of_cosine_shrinks_as_the_vectors_grow(self, scale, batch):
        """Against differences in double precision, at scale 1."""

        def cosine(a):
            return 1 - a @ batch[1][0] / np.linalg.norm(a) / np.linalg.norm(batch[1][0])

        at = batch[0][0].astype(float)
        step = 1e-6 * np.eye(5)
        expected = [(cosine(at + s) - cosine(at - s)) / 2e-6 for s in step]
        b = keras.ops.convert_to_tensor(batch[1][:1])
        slope = gradient(
            lambda a: keras.ops.sum(distances.cosine(a, b)), batch[0][:1] * np.float32(scale)
        )
        np.testing.assert_allclose(slope[0].astype(float) * scale, expected, atol=1e-5)

    @pytest.mark.parametrize("scale", SCALES)
    def test_gradient_of_euclidean_has_length_1(self, scale, batch):
        a, b = batch * np.float32(scale)
        b = keras.ops.convert_to_tensor(b)
        slope = gradient(lambda a: keras.ops.sum(distances.euclidean(a, b)), a)
        np.testing.assert_allclose(np.linalg.norm(slope, axis=1), 1, rtol=1e-5)


def test_euclidean_of_equal_inputs_is_0():
    a = np.ones((1, 4), "float32")
    assert value(distances.euclidean(a, a))[0] == 0


@pytest.mark.parametrize("distance", FUNCTIONS)
@pytest.mark.parametrize(("a", "b"), [((6, 1), (6,)), ((6, 3), (6, 1)), ((6, 3), (6, 4))])
def test_refuses_vectors_of_other_dimensions(distance, a, b):
    """Where one has a single dimension it would broadcast, and an answer would come out."""
    for measure in (distance, lambda a, b: distances.all_pairs(distance, a, b)):
        with pytest.raises(ValueError, match="dimensions; expected one number"):
            measure(np.ones(a, "float32"), np.ones(b, "float32"))


@pytest.mark.parametrize("distance", FUNCTIONS)
def test_symmetric(distance, batch):
    a, b = batch
    np.testing.assert_array_equal(value(distance(a, b)), value(distance(b, a)))


@pytest.mark.parametrize("distance", FUNCTIONS)
def test_all_pairs_equals_a_loop(distance, batch):
    a, b = batch[0], batch[1][:4]
    matrix = value(distances.all_pairs(distance, a, b))
    loop = [[value(distance(x[None], y[None]))[0] for y in b] for x in a]
    np.testing.assert_allclose(matrix, loop, rtol=1e-5, atol=1e-6)
    assert matrix.shape == (6, 4)


@pytest.mark.parametrize("distance", FUNCTIONS)
@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
def test_gradient_at_equal_inputs_is_finite(distance, row):
    b = np.array([row], "float32")
    slope = gradient(lambda a: keras.ops.sum(distance(a, keras.ops.convert_to_tensor(b))), b)
    assert np.isfinite(slope).all()
    np.testing.assert_allclose(slope, 0, atol=1e-3)


def test_a_plain_euclidean_has_no_gradient_at_equal_inputs():
    """Why zero is taken apart; if this ever passes with a number, that can go."""
    at = np.ones((1, 3), "float32")
    b = keras.ops.convert_to_tensor(at)
    slope = gradient(lambda a: keras.ops.sum(keras.ops.sqrt(keras.ops.sum((a - b) ** 2))), at)
    assert np.isnan(slope).all()


def test_exp_l1_falls_as_vectors_part():
    """Large = alike, and never above 1 or below 0, however far apart."""
    a = np.zeros((4, 2), "float32")
    b = np.array([[0, 0], [0.1, 0], [1, 1], [500, 500]], "float32")
    similarity = value(distances.exp_l1(a, b))
    assert (np.diff(similarity) < 0).all()
    assert similarity[0] == 1.0
    assert similarity[-1] >= 0.0


@pytest.mark.parametrize("distance", FUNCTIONS)
def test_gradient_of_all_pairs_with_equal_rows_is_finite(distance):
    rows = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]], "float32")
    slope = gradient(lambda a: keras.ops.sum(distances.all_pairs(distance, a, a)), rows)
    assert np.isfinite(slope).all()


def test_gradient_of_euclidean_points_apart():
    """d|a - b| / da = (a - b) / |a - b|."""
    b = keras.ops.zeros((1, 2))
    at = np.array([[3.0, 4.0]], "float32")
    slope = gradient(lambda a: keras.ops.sum(distances.euclidean(a, b)), at)
    np.testing.assert_allclose(slope, [[0.6, 0.8]], rtol=1e-5)


@pytest.mark.parametrize(("layer", "distance"), list(zip(LAYERS, FUNCTIONS, strict=True)))
def test_layer_is_the_function(layer, distance, batch):
    a, b = batch
    np.testing.assert_allclose(value(layer()([a, b])), value(distance(a, b)), rtol=1e-6, atol=1e-6)
    assert layer().compute_output_shape([(None, 5), (None, 5)]) == (None,)


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_computes_in_float32_under_mixed_precision(layer):
    original = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert layer().compute_dtype == "float32"
    finally:
        keras.config.set_dtype_policy(original)


class TestWeightedL1:
    @staticmethod
    def head(alpha, bias):
        head = distances.WeightedL1()
        head.build([(None, len(alpha)), (None, len(alpha))])
        head.set_weights([np.array(alpha, "float32"), np.array(bias, "float32")])
        return head

    def test_by_hand(self):
        """1 - 2 x 0.5 - 4 x 0.25 + 3 x 0 = -1."""
        a, b = np.array([[1.0, 0.25, 7.0]], "float32"), np.array([[0.5, 0.5, 7.0]], "float32")
        p = value(self.head([-2, -4, 3], 1)([a, b]))
        np.testing.assert_allclose(p, [1 / (1 + np.e)], rtol=1e-6)

    def test_symmetric(self, batch):
        head = self.head([1, -1, 2, -2, 0.5], 0.1)
        np.testing.assert_array_equal(value(head(list(batch))), value(head(list(batch[::-1]))))

    def test_equal_inputs_give_the_sigmoid_of_the_bias_and_no_gradient(self):
        head = self.head([-2, 3], 0.5)
        at = np.array([[1.0, -1.0]], "float32")
        b = keras.ops.convert_to_tensor(at)
        assert value(head([at, at]))[0] == pytest.approx(1 / (1 + np.exp(-0.5)))
        np.testing.assert_array_equal(
            gradient(lambda a: keras.ops.sum(head([a, b])), at), [[0.0, 0.0]]
        )

    def test_logit_by_hand(self):
        """The -1 of above, and the bias alone between equal rows; each with each by a new axis."""
        head = self.head([-2, -4, 3], 1)
        rows = np.array([[1.0, 0.25, 7.0], [0.5, 0.5, 7.0]], "float32")
        np.testing.assert_allclose(value(head.logit(rows[:1], rows[1:])), [-1], rtol=1e-6)
        both = value(head.logit(rows[:, None], rows[None]))
        np.testing.assert_allclose(both, [[1, -1], [-1, 1]], rtol=1e-6)

    def test_logit_broadcasts_as_a_loop(self, batch):
        head = self.head([1, -1, 2, -2, 0.5], 0.1)
        a, b = batch[0], batch[1][:4]
        found = value(head.logit(a[:, None], b[None]))
        p = [[value(head([x[None], y[None]]))[0] for y in b] for x in a]
        np.testing.assert_allclose(1 / (1 + np.exp(-found)), p, rtol=1e-5)

    def test_logit_goes_on_where_the_probability_is_one(self):
        """1 - exp(-40) and 1 - exp(-50) are one number in float32."""
        head = self.head([10.0], 0.0)
        a, b = np.zeros((2, 1), "float32"), np.array([[4.0], [5.0]], "float32")
        np.testing.assert_array_equal(value(head([a, b])), [1, 1])
        np.testing.assert_array_equal(value(head.logit(a, b)), [40, 50])

    def test_4097_weights_at_the_paper_s_size(self):
        head = distances.WeightedL1()
        head.build([(None, 4096), (None, 4096)])
        assert head.count_params() == 4097

    def test_initialisers_and_regulariser(self):
        head = distances.WeightedL1("ones", "ones", keras.regularizers.L2(0.1))
        head.build([(None, 3), (None, 3)])
        np.testing.assert_array_equal(value(head.alpha), [1, 1, 1])
        assert float(value(head.bias)) == 1
        assert float(value(sum(head.losses))) == pytest.approx(0.3)

    def test_is_not_in_half_precision(self):
        original = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            assert distances.WeightedL1().compute_dtype == "float32"
        finally:
            keras.config.set_dtype_policy(original)
