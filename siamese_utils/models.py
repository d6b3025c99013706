"""Encoders, the siamese network that shares one, and the one way to embed images."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from .distances import EuclideanDistance


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
