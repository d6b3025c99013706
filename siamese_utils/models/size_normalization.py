"""Letters brought to one size and to the middle of the image, as the first layer of an encoder."""

import keras
import numpy as np
from keras import ops

from .._checks import whole_number

SPECK = 3  # pixels of ink that are dirt if they stand alone


@keras.saving.register_keras_serializable(package="siamese_utils")
class SizeNormalization(keras.layers.Layer):
    """Cuts the square around the ink out of each image, and resamples it to one size.

    The digits of MNIST were prepared in this way (LeCun et al. 1998, section III.A): scaled so that
    their larger side has a fixed length, with the aspect kept. Here the middle of the ink's
    bounding box comes to the middle of the image. As the first layer of an encoder it makes
    embeddings independent of where a letter stands, and nearly so of how large it was drawn.

    Images (batch, side, side, 1), ink 1 on paper 0, to float32 (batch, new side, new side, 1). For
    the bounding box, ink is what has more than half of the image's largest value and more ink
    around it: specks of up to three pixels do not count. Each new pixel is the mean of the area
    that it covers, where values between the middles of old pixels are interpolated. An image
    without ink is resampled as a whole.

    Parameters
    ----------
    side : int
        Of the new images, in pixels, at least 1.
    fill : float in (0, 1]
        Share of the new side that the larger side of the ink takes. Defaults to 0.8.
    zoom : float
        Largest enlargement, at least 1, so that a dot does not fill the image. 1 is the scale at
        which the whole image would just fit. Defaults to 2.5.

    Raises
    ------
    ValueError
        If a number is out of range; when called, if the images are not (batch, side, side, 1).

    Examples
    --------
    A bar of 4 pixels in a corner of 20 x 20 comes to the middle, twice as long:

    >>> import numpy as np
    >>> image = np.zeros((1, 20, 20, 1), "float32")
    >>> image[0, 0:4, 3] = 1.0
    >>> layer = SizeNormalization(20, fill=0.8, zoom=2)
    >>> normal = ops.convert_to_numpy(layer(image))[0, ..., 0]
    >>> rows = np.flatnonzero(normal.max(axis=1) > 0.5)
    >>> columns = np.flatnonzero(normal.max(axis=0) > 0.5)
    >>> rows.tolist(), columns.tolist()
    ([6, 7, 8, 9, 10, 11, 12, 13], [9, 10])
    """

    def __init__(self, side: int, fill: float = 0.8, zoom: float = 2.5, **kwargs):
        # float32 whatever the policy: bfloat16 has eight bits, too few for a coordinate.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.side = whole_number(side, "side", 1)
        if not 0 < fill <= 1:
            raise ValueError(f"fill is {fill}; expected a share of the side, in (0, 1], as 0.8")
        if not zoom >= 1:
            raise ValueError(f"zoom is {zoom}; expected at least 1, as 2.5")
        self.fill = fill
        self.zoom = zoom

    def call(self, images):
        images = ops.cast(images, "float32")
        if len(images.shape) != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 1:
            raise ValueError(
                f"images have shape {tuple(images.shape)}; expected (batch, side, side, 1)"
            )
        old = images.shape[1]
        drawings = images[..., 0]  # (batch, y, x)
        near = ops.cast(np.abs(np.subtract.outer(range(old), range(old))) <= 2, "float32")
        around = ops.matmul(ops.matmul(near, drawings), near)  # sums over 5 x 5 pixels
        strongest = ops.max(drawings, axis=(1, 2), keepdims=True)
        ink = ops.logical_and(drawings > 0.5 * strongest, around > (SPECK + 0.5) * strongest)
        spans = [_span(ops.any(ink, axis=axis)) for axis in (2, 1)]  # of rows and of columns
        larger = ops.maximum(*(last - first for first, last in spans))
        window = ops.maximum(larger / self.fill, old / self.zoom)  # its side, (batch,)
        by_row, by_column = (
            self._weights((first + last - window) / 2, window, old) for first, last in spans
        )
        # (batch, new y, y) @ (batch, y, x) @ (batch, x, new x)
        cut = ops.matmul(ops.matmul(by_row, drawings), ops.transpose(by_column, (0, 2, 1)))
        return cut[..., None]

    def _weights(self, start, window, old: int):
        """How much each old pixel of a row counts for each new one: (batch, new, old)."""
        step = (window / self.side)[:, None, None]  # old pixels that a new one covers
        edges = start[:, None, None] + step * ops.arange(self.side + 1, dtype="float32")[:, None]
        # From the middle of an old pixel, whose triangle reaches 1 to both sides, to an edge.
        away = ops.clip(edges - (ops.arange(old, dtype="float32") + 0.5), -1.0, 1.0)
        before = 0.5 + away - 0.5 * away * ops.abs(away)  # the triangle's area before that edge
        return (before[:, 1:] - before[:, :-1]) / step

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.side, self.side, 1)

    def get_config(self):
        own = {"side": self.side, "fill": self.fill, "zoom": self.zoom}
        return {**super().get_config(), **own}


def _span(inked):
    """Where the ink of each row of places begins and ends: (batch, n) bool to two (batch,)."""
    n = inked.shape[1]
    places = ops.arange(n, dtype="float32")[None]
    any_ink = ops.any(inked, axis=1)
    first = ops.min(ops.where(inked, places, float(n)), axis=1)
    last = ops.max(ops.where(inked, places + 1.0, 0.0), axis=1)
    return ops.where(any_ink, first, 0.0), ops.where(any_ink, last, float(n))
