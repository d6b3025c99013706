"""How images are read for an encoder: size, channels, fit and polarity."""

import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from .._checks import refuse_bytes, require_unit_range
from ..datasets.doubts import Doubts, warn_of
from ..datasets.fitting import wanted
from ..datasets.folder import ImageFolder, load_image_folder
from ..datasets.image_files import fit_arrays, load_images
from ..datasets.polarity import read_ink
from ..models.pretrained import pretrained_card, pretrained_names
from .encoder_digest import weights_digest

EXPECTED = "(batch, height, width, 1 or 3) to (batch, dim)"


@dataclass(frozen=True)
class Reading:
    """How image files, and arrays, become what an encoder wants.

    Attributes
    ----------
    size : (height, width)
        In pixels.
    channels : {1, 3}
    fit : {"pad", "crop", "stretch"}
        For files of another aspect, as in :func:`siamese_utils.datasets.load_image_folder`.
    polarity : {"as is", "ink"}
        "ink" is for encoders of drawings: ink becomes 1 and paper 0, whichever way round an
        image has them. "as is" leaves white at 1.

    Raises
    ------
    ValueError
        If a setting is none of these, or "ink" is asked for in colour.

    Examples
    --------
    A white pixel on black and a black one on white are the same drawing:

    >>> reading = Reading((3, 3), 1, polarity="ink")
    >>> dot = np.zeros((2, 3, 3, 1))
    >>> dot[0, 1, 1] = 1
    >>> dot[1] = 1 - dot[0]
    >>> drawings = reading.prepare(dot)
    >>> bool((drawings[0] == drawings[1]).all()), float(drawings.sum())
    (True, 2.0)
    """

    size: tuple[int, int]
    channels: int
    fit: str = "pad"
    polarity: str = "as is"

    def __post_init__(self):
        if self.channels not in (1, 3):  # nor None, which is as a file has them
            raise ValueError(f"channels is {self.channels}; expected 1 (grey) or 3 (RGB)")
        how = wanted(self.size, self.channels, self.fit, self.polarity)
        object.__setattr__(self, "size", (how.height, how.width))

    @classmethod
    def of(cls, encoder: keras.Model) -> "Reading":
        """The reading that an encoder came with, or else one that changes no polarity.

        The package's own encoders are known by their weights. Of any other encoder only the
        shape of its input is known: images of its size, as they are.

        Raises
        ------
        ValueError
            If the encoder does not map images of one size to vectors.
        """
        shape, output_shape = image_shape(encoder), encoder.output_shape
        if None in shape[:2]:
            raise ValueError(
                f"encoder maps {encoder.input_shape} to {output_shape}, so it takes images of any "
                "size; expected one. Say which: Recognizer(encoder, reading=Reading((height, "
                "width), channels))."
            )
        cards = [pretrained_card(name) for name in pretrained_names()]
        own = weights_digest(encoder)
        for card in cards:
            if card["weights_digest"] == own:
                return cls.from_dict(card["reading"])
        return cls(shape[:2], shape[2])

    def read(self, paths: Sequence[str | Path]) -> np.ndarray:
        """Read image files as the encoder wants them.

        Parameters
        ----------
        paths : sequence of str or Path
            One or more, of any size and mode.

        Returns
        -------
        float32 array (n, height, width, channels) in [0, 1]

        Raises
        ------
        ValueError
            If there is no path.
        DataError
            If a file is not a readable image.
        """
        if not len(paths):
            raise ValueError("no paths; expected one image file or more")
        return load_images(
            paths, self.size, channels=self.channels, fit=self.fit, polarity=self.polarity
        )

    def read_folder(self, root: str | Path, skip_broken: bool = False) -> ImageFolder:
        """Read a folder that has one subfolder for each class, of one image or more.

        As :func:`siamese_utils.datasets.load_image_folder`, whose errors and report it has.
        """
        return load_image_folder(
            root,
            self.size,
            channels=self.channels,
            fit=self.fit,
            polarity=self.polarity,
            min_images=1,
            skip_broken=skip_broken,
        )

    def prepare(self, images, start: int = 0) -> np.ndarray:
        """Images from memory as the encoder wants them, with one warning of all doubtful ones.

        Parameters
        ----------
        images : array (n, height, width, 1 or 3), or a list of n arrays (height, width, 1 or 3)
            Numbers in [0, 1]. What has another size, or other channels, than the encoder wants
            is fitted as an image file of its pixels would be, rounded to 256 levels.
        start : int
            The number of the first image, in warnings.

        Returns
        -------
        float32 array (n, height, width, channels)

        Raises
        ------
        ValueError
            For another shape, and for values out of range, such as bytes from 0 to 255.
        """
        prepared, doubts = self._prepared(images, start)
        warn_of(doubts)
        return prepared

    def _prepared(self, images, start: int) -> tuple[np.ndarray, Doubts]:
        if isinstance(images, list | tuple) and len({np.shape(image) for image in images}) > 1:
            prepared, doubts = zip(
                *(self._prepared(np.asarray(x)[None], start + i) for i, x in enumerate(images)),
                strict=True,
            )
            return np.concatenate(prepared), list(itertools.chain(*doubts))
        images = np.asarray(images)
        self.require_images(images)
        names = [f"image {start + i}" for i in range(len(images))]
        if images.shape[1:] != (*self.size, self.channels):
            refuse_bytes(images)  # before whole numbers become others
            require_unit_range(images)  # what is fitted is rounded to the levels of a file
            return fit_arrays(
                images,
                names,
                self.size,
                channels=self.channels,
                fit=self.fit,
                polarity=self.polarity,
            )
        if self.polarity == "ink":
            return read_ink(images.astype("float32"), names)
        refuse_bytes(images)
        return images.astype("float32"), []

    def require_images(self, images: np.ndarray) -> None:
        """``ValueError`` unless an array holds images (n, height, width, 1 or 3)."""
        expected = (*self.size, self.channels)
        if images.dtype.kind not in "fiub" and images.dtype.name != "bfloat16":
            raise ValueError(
                f"images are of type {images.dtype}; expected an array of numbers (n, "
                f"{', '.join(map(str, expected))}), or a list of paths. Collect what is not an "
                "array first, as by np.concatenate(list(batches))."
            )
        if images.ndim != 4 or images.shape[3] not in (1, 3) or images.size == 0:
            raise ValueError(
                f"images have shape {images.shape}; expected (n, height, width, 1 or 3) with n of "
                "at least 1. A single image needs a first axis: image[None]; grey images need a "
                "last one: images[..., None]."
            )

    def as_dict(self) -> dict:
        """The settings as plain values, for a file."""
        return {**asdict(self), "size": list(self.size)}

    @classmethod
    def from_dict(cls, settings: dict) -> "Reading":
        """What :meth:`as_dict` gave."""
        return cls(**{**settings, "size": tuple(settings["size"])})


def image_shape(encoder: keras.Model) -> tuple:
    """The (height, width, channels) that an encoder takes, the first two None where any will do."""
    if isinstance(encoder, str | Path):
        raise ValueError(
            f"encoder is {str(encoder)!r}, a path; expected a Keras model. Load it: "
            f"Recognizer.load({str(encoder)!r})."
        )
    try:
        shape, output_shape = encoder.input_shape, encoder.output_shape
    except AttributeError as error:
        raise ValueError(
            f"encoder is {encoder!r}, of no known input shape; expected a Keras model from "
            f"{EXPECTED}. Build it with keras.Input."
        ) from error
    if len(shape) != 4 or len(output_shape) != 2 or shape[3] not in (1, 3):
        raise ValueError(
            f"encoder maps {shape} to {output_shape}; expected {EXPECTED}. Give keras.Input "
            "the shape of the images, and end the encoder in a vector."
        )
    return tuple(shape[1:])
