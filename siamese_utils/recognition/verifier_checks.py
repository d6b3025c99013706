"""What a verifier takes: a threshold of a similarity, and an encoder of images to vectors."""

import keras


def checked_threshold(value: float) -> float:
    """A threshold of a cosine similarity as a float.

    Parameters
    ----------
    value : number in [-1, 1]

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is outside [-1, 1], as a cosine distance may be.

    Examples
    --------
    >>> checked_threshold(1)
    1.0
    >>> checked_threshold(1.5)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: threshold is 1.5; expected a cosine similarity in [-1, 1]. From a cosine ...
    """
    if not -1 <= value <= 1:
        raise ValueError(
            f"threshold is {value}; expected a cosine similarity in [-1, 1]. From a cosine "
            "distance: 1 - distance."
        )
    return float(value)


def image_shape(encoder: keras.Model) -> tuple[int, int, int]:
    """The (height, width, channels) that an encoder takes, or ``ValueError``."""
    expected = "(batch, height, width, 1 or 3) to (batch, dim)"
    try:
        shape, output_shape = encoder.input_shape, encoder.output_shape
    except AttributeError as error:
        raise ValueError(
            f"encoder is {encoder!r}, of no known input shape; expected a Keras model from "
            f"{expected}. Build it with keras.Input."
        ) from error
    known = len(shape) == 4 and None not in shape[1:] and len(output_shape) == 2
    if not known or shape[3] not in (1, 3):
        raise ValueError(
            f"encoder maps {shape} to {output_shape}; expected {expected}. Give keras.Input "
            "the size of the images, and end the encoder in a vector."
        )
    return shape[1:]
