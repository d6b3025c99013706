"""Distances: hand-derived values, gradients at equal inputs, all pairs against a loop."""

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import distances

pytestmark = pytest.mark.backend

FUNCTIONS = [distances.euclidean, distances.l1, distances.cosine]
LAYERS = [distances.EuclideanDistance, distances.L1Distance, distances.CosineDistance]


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
    ],
)
def test_by_hand(distance, a, b, expected):
    result = value(distance(np.array([a], "float32"), np.array([b], "float32")))
    assert result.shape == (1,)
    assert result[0] == pytest.approx(expected, abs=1e-5)


def test_euclidean_of_equal_inputs_is_the_root_of_the_floor():
    a = np.ones((1, 4), "float32")
    assert value(distances.euclidean(a, a))[0] == pytest.approx(1e-7**0.5, rel=1e-4)


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


def test_euclidean_without_its_floor_has_no_gradient():
    """Why the floor is there; if this ever passes with a number, it can go."""
    at = np.ones((1, 3), "float32")
    b = keras.ops.convert_to_tensor(at)
    slope = gradient(lambda a: keras.ops.sum(keras.ops.sqrt(keras.ops.sum((a - b) ** 2))), at)
    assert np.isnan(slope).all()


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
