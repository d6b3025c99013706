"""Images at another resolution."""

from math import gcd

import numpy as np

from .._checks import require_unit_range, whole_number


def area_resize(images: np.ndarray, side: int) -> np.ndarray:
    """Reduce square images: each new pixel is the mean of the area that it covers.

    A pixel on the border of two areas counts for both with its shares, so any side will do:
    at 42 pixels, a new one covers 2.5 x 2.5 of Omniglot's 105 x 105. Nothing is lost between
    the new pixels, as thin strokes are when single pixels are picked.

    Parameters
    ----------
    images : array (n, old side, old side, channels) in [0, 1]
        Numbers of any type, such as Omniglot's bytes of 0 and 1.
    side : int
        Side of the new images in pixels, at least 1 and at most the old side.

    Returns
    -------
    float32 array (n, side, side, channels) in [0, 1]

    Raises
    ------
    ValueError
        If the images are not square, if their values are not in [0, 1], as bytes from 0 to 255
        are not, or if ``side`` is no side that they can be reduced to.

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
    require_unit_range(images)
    old = images.shape[1]
    side = whole_number(side, "side", 1)
    if side > old:
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
