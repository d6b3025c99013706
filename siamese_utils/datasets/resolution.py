"""Images at another resolution."""

from math import gcd

import numpy as np


def area_resize(images: np.ndarray, side: int) -> np.ndarray:
    """Square images at a lower resolution: each new pixel is the mean of the area it covers.

    A pixel on the border of two areas counts for both with its shares, so any side will do:
    at 42 pixels a new one covers 2.5 x 2.5 of Omniglot's 105 x 105. Nothing is lost between
    the new pixels, as thin strokes are when single pixels are picked.

    Parameters
    ----------
    images : array (n, old side, old side, channels)
        Numbers of any type; characters as ink 1 on paper 0.
    side : int
        Of the new images, at least 1 and at most the old side.

    Returns
    -------
    float32 array (n, side, side, channels)

    Raises
    ------
    ValueError
        If the images are not square, or ``side`` is no side that they can be reduced to.

    Examples
    --------
    Three pixels to two: the middle one belongs to both with one half.

    >>> row = np.array([[1.0, 0.0, 1.0]] * 3).reshape(1, 3, 3, 1)
    >>> area_resize(row, 2)[0, 0, :, 0].round(3)
    array([0.667, 0.667], dtype=float32)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise ValueError(
            f"images have shape {images.shape}; expected (n, side, side, channels). "
            "Pad or crop them to squares first."
        )
    old = images.shape[1]
    if not 1 <= side <= old:
        raise ValueError(f"side is {side}; expected 1 to {old}, the side of the images")
    parts = side // gcd(side, old)  # that an old pixel is cut into, along each side
    pieces = np.repeat(np.eye(old, dtype="float32"), parts, axis=0)  # (old * parts, old)
    shares = pieces.reshape(side, -1, old).mean(axis=1)  # (side, old): of old pixels in a new one
    small = np.empty((len(images), side, side, images.shape[3]), "float32")
    for start in range(0, len(images), 1_000):  # as float32 a data set takes a gigabyte
        batch = images[start : start + 1_000].astype("float32", copy=False)
        for channel in range(images.shape[3]):
            small[start : start + 1_000, ..., channel] = shares @ batch[..., channel] @ shares.T
    return small
