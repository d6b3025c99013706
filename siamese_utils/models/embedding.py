"""The one way to embed images."""

import keras
import numpy as np
from keras import ops

from .._checks import refuse_bytes, whole_number


def embed(encoder: keras.Model, images: np.ndarray, batch_size: int = 512) -> np.ndarray:
    """Embed images, in batches and without dropout.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings (batch, dim), computed in any precision.
    images : array, tensor or list (n, height, width, channels)
        In [0, 1], of any number type.
    batch_size : int
        Images that are encoded at once. Defaults to 512.

    Returns
    -------
    float32 array (n, dim)

    Raises
    ------
    TypeError
        If the encoder is not a Keras model of one input.
    ValueError
        If the images are not of the encoder's size; if they hold bytes from 0 to 255, or other
        values that are neither in [0, 1] nor standardized around 0; or if ``batch_size`` is no
        whole number of at least 1.

    Examples
    --------
    An encoder that only puts the pixels in a row, on two images of 1 x 3 pixels:

    >>> encoder = keras.Sequential([keras.Input((1, 3, 1)), keras.layers.Flatten()])
    >>> images = np.array([[0, 1, 0], [1, 1, 0]], "uint8").reshape(2, 1, 3, 1)
    >>> embed(encoder, images)
    array([[0., 1., 0.],
           [1., 1., 0.]], dtype=float32)
    """
    images = checked_images(encoder, images)
    batch_size = whole_number(batch_size, "batch_size", 1)
    batches = (
        images[i : i + batch_size].astype("float32", copy=False)
        for i in range(0, len(images), batch_size)
    )
    # A mixed-precision encoder computes in bfloat16, which NumPy itself does not know.
    return np.concatenate(
        [np.asarray(encoder.predict_on_batch(batch), "float32") for batch in batches]
    )


def checked_images(encoder: keras.Model, images) -> np.ndarray:
    """Images as an array that the encoder takes, or an error as :func:`embed` describes it."""
    # An encoder that has not been built yet has no inputs, and takes images of any size.
    inputs = getattr(encoder, "inputs", None)
    shapes = [tuple(x.shape) for x in inputs] if inputs else [(None,) * 4]
    if not isinstance(encoder, keras.Model) or len(shapes) > 1 or len(shapes[0]) != 4:
        what = f" with inputs {shapes}" if isinstance(encoder, keras.Model) else ""
        raise TypeError(
            f"the encoder is a {type(encoder).__name__}{what}; expected a keras.Model of images "
            "(batch, height, width, channels). Load a file by keras.saving.load_model; "
            "from a Siamese network, pass the encoder that it shares."
        )
    size = shapes[0][1:]
    images = ops.convert_to_numpy(images) if ops.is_tensor(images) else np.asarray(images)
    fits = images.ndim == 4 and all(
        of_encoder in (None, of_image)
        for of_encoder, of_image in zip(size, images.shape[1:], strict=True)
    )
    if not fits or len(images) == 0:
        names = ("height", "width", "channels")
        expected = ", ".join(str(n or name) for n, name in zip(size, names, strict=True))
        raise ValueError(
            f"images have shape {images.shape}; expected (n, {expected}) with at least one image. "
            "A single image needs a first axis: image[None]."
        )
    refuse_bytes(images)
    return images
