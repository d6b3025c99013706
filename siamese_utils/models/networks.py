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
    """
    shape = encoder.input_shape[1:]
    left, right = keras.Input(shape, name="left"), keras.Input(shape, name="right")
    distance = distance or EuclideanDistance()
    return keras.Model([left, right], distance([encoder(left), encoder(right)]), name="siamese")


def koch_network(
    encoder: keras.Model, paper_init: bool = True, l2: float | None = None
) -> keras.Model:
    """The network of Koch et al. (2015): an encoder, and the weighted L1 distance as its head.

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
    """
    options = koch_options("head", 0.2, paper_init, None if l2 is None else {"head": l2})
    head = WeightedL1(**{name.replace("kernel", "alpha"): value for name, value in options.items()})
    return siamese_network(encoder, head)


def in_batch_network(encoder: keras.Model, head: WeightedL1) -> keras.Model:
    """All pairs of a batch from one encoding each: for training on whole batches.

    A batch of B images takes B encodings and gives B * B pairs; listed pairs would take two
    encodings each. The network has the weights of ``siamese_network(encoder, head)``, and what
    one learns the other knows.

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
