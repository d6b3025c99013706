"""Distances between embeddings, in ``keras.ops``: small = alike.

The exceptions are similarities, large = alike, and say so: :func:`exp_l1`, its layer
:class:`ExpL1Similarity`, and :class:`WeightedL1`, a probability.

Each function takes two arrays (..., dim) that broadcast against each other and returns
(...). One pair in each row is ``euclidean(a, b)``; every row of ``a`` against every row of
``b`` is ``all_pairs(euclidean, a, b)``. All are symmetric: d(a, b) = d(b, a).

The inputs may be of any number type. Distances are computed and returned in float32, or in
float64 where an input is float64: in half precision their squares would soon overflow.
"""

from collections.abc import Callable

import keras
from keras import ops

# :func:`all_pairs` expands the square of a Euclidean distance, which leaves a rounding error
# of about this share of the squared lengths. The derivative of the root of such a number would
# be noise, and at 0 infinite, so it is held constant below this share.
_ROUNDING = 1e-7
# A vector below this size has no direction: its slopes, 1 / size, come near the largest float32.
_NO_SIZE = 1e-30


def euclidean(a, b):
    """Euclidean distance ``sqrt(sum((a - b)**2))``, with a finite gradient at a = b.

    The derivative of the root is infinite at 0, where two equal images would give NaN (0 times
    infinity). Equal inputs have distance 0 here, and a gradient of 0. All other distances down
    to 1e-30 are exact, and so are their gradients, as the difference is divided by its largest
    component before it is squared.

    Parameters
    ----------
    a, b : tensors (..., dim)

    Returns
    -------
    tensor (...)
        At least 0.

    Raises
    ------
    ValueError
        If the last axes of ``a`` and ``b`` differ in length.

    Examples
    --------
    Of two pairs, the first has the sides 3 and 4, and the second two equal points:

    >>> import numpy as np
    >>> a, b = np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> [round(float(d), 4) for d in euclidean(a, b)]
    [5.0, 0.0]
    """
    a, b = _floats(a, b)
    difference = a - b
    largest, is_zero = _largest(difference)
    squared = ops.sum(ops.square(difference / largest), axis=-1)  # 1 to dim, or 0
    is_zero = ops.squeeze(is_zero, -1)
    length = ops.squeeze(largest, -1) * ops.sqrt(ops.where(is_zero, 1.0, squared))
    return ops.where(is_zero, 0.0, length)


def l1(a, b):
    """City-block distance ``sum(|a - b|)``.

    Parameters
    ----------
    a, b : tensors (..., dim)

    Returns
    -------
    tensor (...)
        At least 0.

    Raises
    ------
    ValueError
        If the last axes of ``a`` and ``b`` differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> float(l1(np.array([3.0, 4.0]), np.array([0.0, 5.0])))  # 3 + 1
    4.0
    """
    a, b = _floats(a, b)
    difference = a - b
    # Written with the sign, whose derivative is 0, because the backends disagree about the
    # derivative of |x| at 0; this gives 0, so that two equal images do not push each other.
    return ops.sum(difference * ops.sign(difference), axis=-1)


def cosine(a, b):
    """Cosine distance ``1 - cos(angle)``.

    It does not depend on the length of the vectors. A zero vector, or one whose components
    are all below 1e-30, has no direction; its cosine with anything is taken as 0.

    Parameters
    ----------
    a, b : tensors (..., dim)

    Returns
    -------
    tensor (...)
        From 0, for one direction, to 2, for opposite ones.

    Raises
    ------
    ValueError
        If the last axes of ``a`` and ``b`` differ in length.

    Examples
    --------
    Against (1, 0): the same direction, a right angle, the opposite direction, and no direction.

    >>> a = ops.convert_to_tensor([1.0, 0.0])
    >>> others = ops.convert_to_tensor([[4.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]])
    >>> [round(float(d), 4) for d in cosine(a, others)]
    [0.0, 1.0, 2.0, 1.0]
    """
    a, b = _floats(a, b)
    return 1.0 - ops.sum(_unit(a) * _unit(b), axis=-1)


def exp_l1(a, b):
    """Similarity ``exp(-l1(a, b))``: 1 for equal vectors, towards 0 for distant ones.

    Mueller and Thyagarajan (2016), section "MaLSTM model", who train it by the squared error
    on the label. Large = alike: take ``1 - exp_l1(a, b)`` where a distance is wanted. Its
    slope is the similarity itself, so pairs that start far apart (an L1 distance of 10
    gives 0.00005) hardly learn from a squared error: keep embeddings small at first.

    Parameters
    ----------
    a, b : tensors (..., dim)

    Returns
    -------
    tensor (...)
        In (0, 1].

    Raises
    ------
    ValueError
        If the last axes of ``a`` and ``b`` differ in length.

    Examples
    --------
    Equal vectors, and two at an L1 distance of 2: exp(-2) = 0.1353.

    >>> import numpy as np
    >>> [round(float(s), 4) for s in exp_l1(np.zeros((2, 2)), np.array([[0.0, 0.0], [1.0, 1.0]]))]
    [1.0, 0.1353]
    """
    return ops.exp(-l1(a, b))


def _floats(a, b):
    """Both as tensors of one type, at least float32, with one number of dimensions."""
    a, b = ops.convert_to_tensor(a), ops.convert_to_tensor(b)
    dims = {x.shape[-1] for x in (a, b) if len(x.shape)} - {None}
    if len(dims) > 1:
        raise ValueError(
            f"vectors of {' and of '.join(map(str, sorted(dims)))} dimensions; expected one "
            "number. Take both from one encoder."
        )
    types = {keras.backend.standardize_dtype(x.dtype) for x in (a, b)}
    dtype = "float64" if "float64" in types else "float32"
    return ops.cast(a, dtype), ops.cast(b, dtype)


def _largest(a):
    """Largest absolute component of each row (1 for a zero vector), and which rows are zero."""
    largest = ops.max(ops.abs(a), axis=-1, keepdims=True)
    is_zero = largest < _NO_SIZE
    # Held constant: it cancels, in a length by multiplying again and in a unit vector by dividing.
    return ops.stop_gradient(ops.where(is_zero, 1.0, largest)), is_zero


def _unit(a):
    """Rows scaled to length 1; a zero vector stays what it is."""
    largest, is_zero = _largest(a)
    a = a / largest
    squared = ops.sum(ops.square(a), axis=-1, keepdims=True)
    return a / ops.sqrt(ops.where(is_zero, 1.0, squared))


def all_pairs(distance: Callable, a, b):
    """Distance of every row of ``a`` to every row of ``b``.

    Euclidean and cosine distances take one matrix product. The Euclidean one expands
    the square, ``|a|**2 + |b|**2 - 2 a.b``, whose rounding can move a squared distance by
    about ``1e-6 |a|**2``. That is nothing to a loss, but equal rows are not at distance 0, and
    no distance is below ``sqrt(1e-7 (|a|**2 + |b|**2) / 2)``: about 0.0003 of the length of
    the vectors. Use :func:`euclidean` itself where smaller distances matter.
    Any other distance needs an array of n x m x dim numbers, and is meant for batches.

    Parameters
    ----------
    distance : function of two tensors (..., dim)
        One of this module's.
    a : tensor (n, dim)
    b : tensor (m, dim)

    Returns
    -------
    tensor (n, m)

    Raises
    ------
    ValueError
        If the last axes of ``a`` and ``b`` differ in length.

    Examples
    --------
    One row against two:

    >>> import numpy as np
    >>> a, b = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])
    >>> ops.convert_to_numpy(all_pairs(euclidean, a, b)).tolist()
    [[5.0, 1.0]]
    """
    a, b = _floats(a, b)
    if distance is cosine:
        return 1.0 - ops.matmul(_unit(a), ops.transpose(_unit(b)))
    if distance is euclidean:
        lengths = ops.sum(ops.square(a), axis=-1, keepdims=True) + ops.sum(ops.square(b), axis=-1)
        squared = lengths - 2.0 * ops.matmul(a, ops.transpose(b))
        floor = ops.stop_gradient(_ROUNDING / 2 * lengths) + _NO_SIZE
        return ops.sqrt(ops.maximum(squared, floor))
    return distance(ops.expand_dims(a, 1), ops.expand_dims(b, 0))


class _DistanceLayer(keras.layers.Layer):
    """Base of the layers that end a Siamese network: two (batch, dim) to (batch,)."""

    def __init__(self, **kwargs):
        # float32 whatever the policy of the encoder: half precision is too coarse to compare.
        super().__init__(**{"dtype": "float32", **kwargs})

    def compute_output_shape(self, input_shape):
        return input_shape[0][:-1]


@keras.saving.register_keras_serializable(package="siamese_utils")
class EuclideanDistance(_DistanceLayer):
    """:func:`euclidean` as a layer: ``[left, right]``, each (batch, dim), to (batch,).

    Examples
    --------
    Two pairs of points, 5 and 1 apart:

    >>> import numpy as np
    >>> left, right = np.zeros((2, 2)), np.array([[3.0, 4.0], [0.0, 1.0]])
    >>> ops.convert_to_numpy(EuclideanDistance()([left, right])).tolist()
    [5.0, 1.0]
    """

    def call(self, embeddings):
        left, right = embeddings
        return euclidean(left, right)


@keras.saving.register_keras_serializable(package="siamese_utils")
class L1Distance(_DistanceLayer):
    """:func:`l1` as a layer: ``[left, right]``, each (batch, dim), to (batch,).

    Examples
    --------
    Two pairs of points, 3 + 4 and 1 apart:

    >>> import numpy as np
    >>> left, right = np.zeros((2, 2)), np.array([[3.0, 4.0], [0.0, 1.0]])
    >>> ops.convert_to_numpy(L1Distance()([left, right])).tolist()
    [7.0, 1.0]
    """

    def call(self, embeddings):
        left, right = embeddings
        return l1(left, right)


@keras.saving.register_keras_serializable(package="siamese_utils")
class CosineDistance(_DistanceLayer):
    """:func:`cosine` as a layer: ``[left, right]``, each (batch, dim), to (batch,).

    Examples
    --------
    Two pairs of vectors, at an angle of 0 and of 90 degrees:

    >>> import numpy as np
    >>> left, right = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 2.0]])
    >>> ops.convert_to_numpy(CosineDistance()([left, right])).tolist()
    [0.0, 1.0]
    """

    def call(self, embeddings):
        left, right = embeddings
        return cosine(left, right)


@keras.saving.register_keras_serializable(package="siamese_utils")
class ExpL1Similarity(_DistanceLayer):
    """:func:`exp_l1` as a layer: ``[left, right]``, each (batch, dim), to similarity (batch,).

    Examples
    --------
    Two pairs, at L1 distances of 0 and 1; exp(-1) = 0.3679:

    >>> import numpy as np
    >>> left, right = np.zeros((2, 2)), np.array([[0.0, 0.0], [0.0, 1.0]])
    >>> [round(float(s), 4) for s in ExpL1Similarity()([left, right])]
    [1.0, 0.3679]
    """

    def call(self, embeddings):
        left, right = embeddings
        return exp_l1(left, right)


@keras.saving.register_keras_serializable(package="siamese_utils")
class WeightedL1(_DistanceLayer):
    """Head of Koch's network: ``[left, right]``, each (batch, dim), to p(same) (batch,).

    ``p = sigmoid(sum_j alpha_j |left_j - right_j| + bias)`` (Koch et al. 2015, section 3.1). The
    paper's formula has no bias; the usual count of the network's weights, 38,951,745, has one.
    A probability is a similarity: large = alike. Since a difference is evidence against *same*,
    training makes the useful ``alpha_j`` negative and the bias positive.

    Parameters
    ----------
    alpha_initializer, bias_initializer : Keras initialisers
        Of the ``dim`` weights alpha, and of the one bias.
    alpha_regularizer : Keras regulariser
        By default nothing is added to the loss.

    Examples
    --------
    With every alpha -1 and a bias of 1, equal embeddings get sigmoid(1) = 0.7311, and two at
    an L1 distance of 3 get sigmoid(1 - 3) = 0.1192.

    >>> import numpy as np
    >>> head = WeightedL1(keras.initializers.Constant(-1.0), bias_initializer="ones")
    >>> left, right = np.zeros((2, 2)), np.array([[0.0, 0.0], [1.0, 2.0]])
    >>> [round(float(p), 4) for p in ops.convert_to_numpy(head([left, right]))]
    [0.7311, 0.1192]
    """

    def __init__(
        self,
        alpha_initializer="glorot_uniform",
        bias_initializer="zeros",
        alpha_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.alpha_regularizer = keras.regularizers.get(alpha_regularizer)

    def build(self, input_shape):
        self.alpha = self.add_weight(
            shape=(input_shape[0][-1],),
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            name="alpha",
        )
        self.bias = self.add_weight(shape=(), initializer=self.bias_initializer, name="bias")

    def call(self, embeddings):
        left, right = embeddings
        return ops.sigmoid(self.logit(left, right))

    def logit(self, left, right):
        """What the sigmoid is taken of; tensors (..., dim) that broadcast, to (...).

        It ranks pairs as the probability does, and still tells them apart where the
        probability has rounded to 1 in float32. The layer must have been built, by a call or in a
        network.
        """
        left, right = _floats(left, right)
        difference = left - right
        # |x| written with the sign, for the reason given in l1. ``ops.multiply`` and ``ops.add``
        # take weights of another type than the embeddings', which TensorFlow's own * does not.
        weighted = ops.multiply(self.alpha, difference * ops.sign(difference))
        return ops.add(ops.sum(weighted, axis=-1), self.bias)

    def get_config(self):
        return {
            **super().get_config(),
            "alpha_initializer": keras.initializers.serialize(self.alpha_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "alpha_regularizer": keras.regularizers.serialize(self.alpha_regularizer),
        }
