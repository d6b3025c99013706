"""Embeddings that are averaged over small shifts of the image."""

from itertools import product

import keras
import numpy as np

from .._checks import whole_number
from .embedding import checked_images, embed


def embed_shifted(encoder: keras.Model, images: np.ndarray, reach: int = 1) -> np.ndarray:
    """Embed each image at several places, and take the mean.

    Every image is shifted by ``-reach`` to ``reach`` pixels in both directions; what leaves it
    on one side is lost, and paper (0) comes in on the other. With ``reach`` 1 each image is
    encoded nine times.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings of length 1.
    images : array, tensor or list (n, height, width, channels)
        As for :func:`embed`.
    reach : int
        In pixels, at least 0 and less than either side. Defaults to 1.

    Returns
    -------
    float32 array (n, dim)
        Again of length 1; a mean of zero stays zero.

    Raises
    ------
    TypeError, ValueError
        As :func:`embed` does, and for a reach that leaves nothing of the images.

    Examples
    --------
    One dot in the middle of 3 x 3 pixels, with an encoder that only puts the pixels in a row.
    Shifted, the dot is at each of the nine places once; nine equal numbers have length 1 at 1/3.

    >>> encoder = keras.Sequential([keras.Input((3, 3, 1)), keras.layers.Flatten()])
    >>> dot = np.array([0, 0, 0, 0, 1, 0, 0, 0, 0], "uint8").reshape(1, 3, 3, 1)
    >>> [round(float(x), 2) for x in embed_shifted(encoder, dot, reach=1)[0]]
    [0.33, 0.33, 0.33, 0.33, 0.33, 0.33, 0.33, 0.33, 0.33]
    """
    images = checked_images(encoder, images)
    total = embed(encoder, images)
    height, width = images.shape[1:3]
    reach = whole_number(reach, "reach", 0)
    if reach >= min(height, width):
        raise ValueError(f"reach is {reach}; expected 0 to {min(height, width) - 1} pixels")
    framed = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    for y, x in product(range(2 * reach + 1), repeat=2):
        if (y, x) != (reach, reach):
            total = total + embed(encoder, framed[:, y : y + height, x : x + width])
    # By the largest component first, so that the squares of small ones do not vanish.
    largest = np.abs(total).max(axis=1, keepdims=True)
    total = np.divide(total, largest, out=total, where=largest > 0)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.divide(total, length, out=total, where=length > 0)
