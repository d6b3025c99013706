"""An encoder of residual blocks."""

from collections.abc import Sequence

import keras
from keras import layers


def residual_encoder(
    input_shape: tuple[int, ...], filters: Sequence[int] = (24, 48, 48, 96), pool_size: int = 3
) -> keras.Model:
    """Residual blocks, and the last one's maps as the embedding.

    He et al. (2016): a block adds what two convolutions find to what came in, so that its
    input, and the gradient, pass by unchanged. A convolution stands before the first block, and
    max-pooling, which halves both sides, before each. Windows of 3 x 3 overlap, so that a stroke
    that moves by a pixel changes less than with windows of 2 x 2. No dense layer follows: the
    embedding keeps *where* a stroke was found, and nothing has to be learned for that.

    Parameters
    ----------
    input_shape : (height, width, channels)
    filters : channels of each block; the first convolution has as many as the first block
    pool_size : int
        Sides of the windows of the pooling, 2 or 3. Defaults to 3.

    Returns
    -------
    keras.Model
        Images (batch, height, width, channels) to embeddings (batch, dim) of length 1, so that
        a product of two embeddings is their cosine similarity. With four blocks a 42 x 42 image
        leaves 3 x 3 places, so dim is 9 x filters[-1].

    Examples
    --------
    9 x 96 dimensions:

    >>> encoder = residual_encoder((42, 42, 1))
    >>> encoder.output_shape, encoder.count_params()
    ((None, 864), 215160)
    """
    images = keras.Input(input_shape)
    x = convolution(images, filters[0], 3)
    for n in filters:
        x = layers.MaxPooling2D(pool_size, strides=2, padding="same")(x)
        x = residual_block(x, n)
    # Without rectified units behind it, similarities may be negative.
    x = layers.Flatten()(layers.BatchNormalization()(x))
    return keras.Model(images, layers.UnitNormalization()(x), name="residual_encoder")


def residual_block(x, filters: int):
    """Two convolutions, and their input added to what they find.

    In the order of He et al. (2016b, figure 1): normalise, rectify, convolve. Where the number
    of channels changes, a 1 x 1 convolution brings the input to it.

    Parameters
    ----------
    x : Keras tensor (batch, height, width, channels)
        Maps of a network that is being put together.
    filters : int
        Channels of both convolutions.

    Returns
    -------
    Keras tensor (batch, height, width, filters)

    Examples
    --------
    >>> residual_block(keras.Input((6, 6, 4)), filters=8).shape
    (None, 6, 6, 8)
    """
    found = x
    for _ in range(2):
        found = layers.Activation("relu")(layers.BatchNormalization()(found))
        found = convolution(found, filters, 3)
    return layers.Add()([found, x if x.shape[-1] == filters else convolution(x, filters, 1)])


def convolution(x, filters: int, size: int):
    """Without a bias, which the normalisation behind it would take away again."""
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    return layers.Conv2D(filters, size, **options)(x)
