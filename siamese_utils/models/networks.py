"""Networks that share one encoder between the images that they compare."""

import keras
from keras import layers, ops

from ..distances import EuclideanDistance, WeightedL1
from .encoders import koch_options


def siamese_network(
    encoder: keras.Model, distance: keras.layers.Layer | None = None
) -> keras.Model:
    """Two images through one encoder, then the distance of their embeddings.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings (batch, dim). It is called twice and has one set of weights.
    distance : layer of :mod:`siamese_utils.distances`
        Euclidean if not given.

    Returns
    -------
    keras.Model
        ``[left, right]``, each (batch, height, width, channels), to distances (batch,).

    Examples
    --------
    An encoder that only puts the two pixels of an image in a row, and a pair of images:

    >>> import numpy as np
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), layers.Flatten()])
    >>> left, right = np.zeros((1, 1, 2, 1)), np.array([3.0, 4.0]).reshape(1, 1, 2, 1)
    >>> network = siamese_network(encoder)
    >>> network.output_shape, float(network([left, right])[0])
    ((None,), 5.0)
    """
    shape = encoder.input_shape[1:]
    left, right = keras.Input(shape, name="left"), keras.Input(shape, name="right")
    distance = distance or EuclideanDistance()
    return keras.Model([left, right], distance([encoder(left), encoder(right)]), name="siamese")


def koch_network(
    encoder: keras.Model, paper_init: bool = True, l2: float | None = None
) -> keras.Model:
    """The network of Koch et al. (2015, section 3.1): an encoder, and the weighted L1 head.

    With the default :func:`koch_encoder` it has 38,951,745 weights.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings (batch, dim).
    paper_init : bool
        Start the head, too, from the paper's distributions for dense layers.
    l2 : float
        Regularisation of the head, as in :func:`koch_encoder`.

    Returns
    -------
    keras.Model
        ``[left, right]``, each (batch, height, width, channels), to p(same) (batch,). The
        head is the layer ``head``.

    Examples
    --------
    The head adds a weight for each dimension, and a bias:

    >>> from siamese_utils.models import mlp_encoder
    >>> encoder = mlp_encoder((2, 2, 1), units=(3,))
    >>> network = koch_network(encoder)
    >>> network.output_shape, encoder.count_params(), network.count_params()
    ((None,), 15, 19)
    """
    options = koch_options("head", 0.2, paper_init, None if l2 is None else {"head": l2})
    head = WeightedL1(**{name.replace("kernel", "alpha"): value for name, value in options.items()})
    return siamese_network(encoder, head)


def in_batch_network(encoder: keras.Model, head: WeightedL1) -> keras.Model:
    """Score all pairs of a batch and embed each image once: for training on whole batches.

    A batch of B images passes the encoder once and gives B * B pairs; with listed pairs, two images
    pass the encoder for each pair. The network shares its weights with
    ``siamese_network(encoder, head)``, so that training one of them trains both.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings (batch, dim).
    head : WeightedL1

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to the head's logits (batch, batch): before the
        sigmoid, for :class:`siamese_utils.losses.InBatchVerificationLoss`.

    Examples
    --------
    An encoder that only puts the two pixels of an image in a row. With every alpha -1 and a
    bias of 1, a logit is 1 less the L1 distance, here 3:

    >>> import numpy as np
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), layers.Flatten()])
    >>> head = WeightedL1(keras.initializers.Constant(-1.0), bias_initializer="ones")
    >>> images = np.array([[0.0, 0.0], [1.0, 2.0]]).reshape(2, 1, 2, 1)
    >>> ops.convert_to_numpy(in_batch_network(encoder, head)(images)).tolist()
    [[1.0, -2.0], [-2.0, 1.0]]
    """
    images = keras.Input(encoder.input_shape[1:], name="images")
    return keras.Model(images, AllPairs(head)(encoder(images)), name="in_batch")


@keras.saving.register_keras_serializable(package="siamese_utils")
class AllPairs(layers.Layer):
    """Koch's head between every two rows: embeddings (batch, dim) to logits (batch, batch).

    Parameters
    ----------
    head : WeightedL1
        Its weights are this layer's weights.

    Examples
    --------
    With every alpha -1 and a bias of 1, a logit is 1 less the L1 distance, here 3:

    >>> import numpy as np
    >>> head = WeightedL1(keras.initializers.Constant(-1.0), bias_initializer="ones")
    >>> ops.convert_to_numpy(AllPairs(head)(np.array([[0.0, 0.0], [1.0, 2.0]]))).tolist()
    [[1.0, -2.0], [-2.0, 1.0]]
    """

    def __init__(self, head: WeightedL1, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.head = head

    def build(self, input_shape):
        if not self.head.built:
            self.head.build([input_shape, input_shape])

    def call(self, embeddings):
        return self.head.logit(ops.expand_dims(embeddings, 1), ops.expand_dims(embeddings, 0))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[0])

    def get_config(self):
        return {**super().get_config(), "head": keras.saving.serialize_keras_object(self.head)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "head": keras.saving.deserialize_keras_object(config["head"])})
