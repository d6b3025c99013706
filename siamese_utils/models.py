"""Encoders, the siamese network that shares one, and the one way to embed images."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import layers

from .distances import EuclideanDistance, WeightedL1


def mlp_encoder(
    input_shape: tuple[int, ...], units: Sequence[int] = (128, 128, 128), dropout: float = 0.1
) -> keras.Model:
    """Fully connected encoder, with dropout between its layers.

    The defaults are those of the early Keras example for MNIST pairs: three dense layers
    of 128 rectified units and dropout 0.1.

    Parameters
    ----------
    input_shape : (height, width, channels)
    units : layer widths; the last is the embedding's dimension
    dropout : float in [0, 1)

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to embeddings (batch, units[-1]).
    """
    encoder = keras.Sequential([keras.Input(input_shape), layers.Flatten()], name="mlp_encoder")
    for i, width in enumerate(units):
        if i > 0:
            encoder.add(layers.Dropout(dropout))
        encoder.add(layers.Dense(width, activation="relu"))
    return encoder


def conv_encoder(
    input_shape: tuple[int, ...], filters: Sequence[int] = (8, 24), hidden: int = 128, dim: int = 64
) -> keras.Model:
    """Small convolutional encoder for small images.

    Parameters
    ----------
    input_shape : (height, width, channels)
    filters : channels of each 5 x 5 convolution; each is followed by 2 x 2 max-pooling
    hidden : units of the dense layer behind the convolutions
    dim : the embedding's dimension

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to embeddings (batch, dim). The last layer
        is linear, so that embeddings may point anywhere.
    """
    encoder = keras.Sequential([keras.Input(input_shape)], name="conv_encoder")
    for n in filters:
        encoder.add(layers.Conv2D(n, 5, padding="same", activation="relu"))
        encoder.add(layers.MaxPooling2D())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(hidden, activation="relu"))
    encoder.add(layers.Dense(dim))
    return encoder


def koch_encoder(
    input_shape: tuple[int, ...] = (105, 105, 1),
    dim: int = 4096,
    paper_init: bool = True,
    l2: Mapping[str, float] | None = None,
) -> keras.Model:
    """The encoder of Koch et al. (2015, section 3.1 and figure 4): 38,947,648 weights.

    Four valid convolutions with rectified units, 2 x 2 max-pooling behind the first three,
    and a dense layer of sigmoid units. Layers: ``conv1`` to ``conv4`` and ``dense``.

    Parameters
    ----------
    input_shape : (height, width, channels)
        Both sides at least 75 pixels.
    dim : the embedding's dimension
    paper_init : bool
        Start from the paper's distributions: weights of convolutions N(0, 0.01), of the
        dense layer N(0, 0.2), all biases N(0.5, 0.01), by standard deviation. Otherwise from Keras'
        defaults: Glorot's uniform distribution, biases 0.
    l2 : mapping from layer name to float
        Each named layer adds this times the sum of its squared weights to the loss. The
        paper gives a range, 0 to 0.1, and not the values it used; none by default.

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to embeddings (batch, dim) in (0, 1).
    """
    encoder = keras.Sequential([keras.Input(input_shape)], name="koch_encoder")
    for i, (filters, size) in enumerate(((64, 10), (128, 7), (128, 4), (256, 4)), 1):
        options = _koch_options(f"conv{i}", 0.01, paper_init, l2)
        encoder.add(layers.Conv2D(filters, size, activation="relu", **options))
        if i < 4:
            encoder.add(layers.MaxPooling2D(name=f"pool{i}"))
    encoder.add(layers.Flatten(name="flatten"))
    options = _koch_options("dense", 0.2, paper_init, l2)
    encoder.add(layers.Dense(dim, activation="sigmoid", **options))
    return encoder


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
    options = _koch_options("head", 0.2, paper_init, None if l2 is None else {"head": l2})
    head = WeightedL1(**{name.replace("kernel", "alpha"): value for name, value in options.items()})
    return siamese_network(encoder, head)


def _koch_options(
    name: str, deviation: float, paper_init: bool, l2: Mapping[str, float] | None
) -> dict:
    """What Koch's layers have in common, as arguments of a Keras layer."""
    options: dict = {"name": name}
    if paper_init:
        options["kernel_initializer"] = keras.initializers.RandomNormal(0.0, deviation)
        options["bias_initializer"] = keras.initializers.RandomNormal(0.5, 0.01)
    if l2 and name in l2:
        options["kernel_regularizer"] = keras.regularizers.L2(l2[name])
    return options


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


def embed(encoder: keras.Model, images: np.ndarray, batch_size: int = 512) -> np.ndarray:
    """Embed images, in batches and without dropout.

    Parameters
    ----------
    encoder : keras.Model
    images : array (n, height, width, channels)
        float32 in [0, 1], or uint8 with ink = 1.
    batch_size : int

    Returns
    -------
    float32 array (n, dim)

    Raises
    ------
    ValueError
        If the images are not of the encoder's size, or are bytes from 0 to 255.
    """
    expected = ("n", *encoder.input_shape[1:])
    if images.ndim != 4 or images.shape[1:] != expected[1:] or len(images) == 0:
        raise ValueError(
            f"images have shape {images.shape}; expected "
            f"({', '.join(map(str, expected))}) "
            "with at least one image. A single image needs a first axis: image[None]."
        )
    if images.dtype == np.uint8 and images.max() > 1:
        raise ValueError(
            f"images are bytes up to {images.max()}; expected values in [0, 1]: divide by 255"
        )
    starts = range(0, len(images), batch_size)
    batches = (images[i : i + batch_size].astype("float32", copy=False) for i in starts)
    return np.concatenate([encoder.predict_on_batch(batch) for batch in batches])
