"""The one way to embed images."""

import keras
import numpy as np


def embed(encoder: keras.Model, images: np.ndarray, batch_size: int = 512) -> np.ndarray:
    """Embed images, in batches and without dropout.

    Parameters
    ----------
    encoder : keras.Model
    images : array (n, height, width, channels)
        float32 in [0, 1], or uint8 with ink = 1.
    batch_size : int
        Images that are encoded at once.

    Returns
    -------
    float32 array (n, dim)

    Raises
    ------
    ValueError
        If the images are not of the encoder's size, or are bytes from 0 to 255.

    Examples
    --------
    An encoder that only puts the pixels in a row, on two images of 1 x 3 pixels:

    >>> encoder = keras.Sequential([keras.Input((1, 3, 1)), keras.layers.Flatten()])
    >>> images = np.array([[0, 1, 0], [1, 1, 0]], "uint8").reshape(2, 1, 3, 1)
    >>> embed(encoder, images)
    array([[0., 1., 0.],
           [1., 1., 0.]], dtype=float32)
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
