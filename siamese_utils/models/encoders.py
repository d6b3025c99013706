"""Encoders: images to embeddings."""

from collections.abc import Mapping, Sequence

import keras
from keras import layers


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
        Images (batch, height, width, channels) to embeddings (batch, units[-1]), which are
        not negative.

    Examples
    --------
    Four pixels to three units to two: 4 x 3 + 3 and 3 x 2 + 2 weights.

    >>> encoder = mlp_encoder((2, 2, 1), units=(3, 2))
    >>> encoder.output_shape, encoder.count_params()
    ((None, 2), 23)
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

    Examples
    --------
    Two poolings leave 7 x 7 places of a digit of MNIST:

    >>> encoder = conv_encoder((28, 28, 1))
    >>> encoder.output_shape, encoder.layers[-4].output.shape, encoder.count_params()
    ((None, 64), (None, 7, 7, 24), 163944)
    """
    encoder = keras.Sequential([keras.Input(input_shape)], name="conv_encoder")
    for n in filters:
        encoder.add(layers.Conv2D(n, 5, padding="same", activation="relu"))
        encoder.add(layers.MaxPooling2D())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(hidden, activation="relu"))
    encoder.add(layers.Dense(dim))
    return encoder


def conv4_encoder(
    input_shape: tuple[int, ...], filters: Sequence[int] = (32, 64, 64, 64), dim: int = 128
) -> keras.Model:
    """Four small convolutions, the usual body of few-shot networks on Omniglot.

    Vinyals et al. (2016, section 4.1.1) stack four 3 x 3 convolutions of 64 filters, each with
    rectified units and 2 x 2 max-pooling. Here a dense layer follows, as in Koch's network;
    the first convolution, which costs most, is narrower; and there is no batch normalisation,
    because a batch of one alphabet is no sample of all images.

    Parameters
    ----------
    input_shape : (height, width, channels)
    filters : channels of each 3 x 3 convolution; each is followed by 2 x 2 max-pooling
    dim : the embedding's dimension

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to embeddings (batch, dim). The last layer is
        linear; what the head expects (sigmoid units, length 1) is put behind it.

    Examples
    --------
    Four poolings leave 2 x 2 places of a character of 28 x 28 pixels:

    >>> encoder = conv4_encoder((28, 28, 1))
    >>> encoder.output_shape, encoder.layers[-3].output.shape, encoder.count_params()
    ((None, 128), (None, 2, 2, 64), 125568)
    """
    encoder = keras.Sequential([keras.Input(input_shape)], name="conv4_encoder")
    for n in filters:
        options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
        encoder.add(layers.Conv2D(n, 3, **options))
        encoder.add(layers.MaxPooling2D(padding="same"))
    encoder.add(layers.Flatten())
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
        Both sides at least 65 pixels, which leave one place to the last convolution.
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

    Raises
    ------
    ValueError
        If the images are smaller than 65 pixels; from Keras.

    Examples
    --------
    The last convolution leaves 6 x 6 places with 256 maps, which the paper's 4096 units take
    37,752,832 weights to read. With ten units:

    >>> encoder = koch_encoder(dim=10)
    >>> encoder.output_shape, encoder.get_layer("conv4").output.shape, encoder.count_params()
    ((None, 10), (None, 6, 6, 256), 1286986)
    >>> [layer.name for layer in encoder.layers if layer.weights]
    ['conv1', 'conv2', 'conv3', 'conv4', 'dense']
    """
    encoder = keras.Sequential([keras.Input(input_shape)], name="koch_encoder")
    for i, (filters, size) in enumerate(((64, 10), (128, 7), (128, 4), (256, 4)), 1):
        options = koch_options(f"conv{i}", 0.01, paper_init, l2)
        encoder.add(layers.Conv2D(filters, size, activation="relu", **options))
        if i < 4:
            encoder.add(layers.MaxPooling2D(name=f"pool{i}"))
    encoder.add(layers.Flatten(name="flatten"))
    options = koch_options("dense", 0.2, paper_init, l2)
    encoder.add(layers.Dense(dim, activation="sigmoid", **options))
    return encoder


def koch_options(
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
