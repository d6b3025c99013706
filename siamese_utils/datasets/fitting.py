"""The wanted size, channels, fit and polarity: checked, and applied to one image."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from .._checks import whole_number
from .decoding import decode
from .doubts import Doubt
from .polarity import POLARITIES, to_ink

FITS = ("pad", "crop", "stretch")


class Wanted(NamedTuple):
    """The arguments that say how a file becomes an array, checked."""

    height: int
    width: int
    channels: int | None
    fit: str
    polarity: str


def wanted(size, channels, fit, polarity) -> Wanted:
    """The arguments of :func:`load_image`, or ``ValueError`` for the first bad one."""
    try:
        sides = (size, size) if np.ndim(size) == 0 else size
        height, width = (whole_number(side, "size", 1) for side in sides)
    except ValueError as error:
        raise ValueError(
            f"size is {size!r}; expected a positive int or (height, width), in pixels"
        ) from error
    if channels is not None and (whole_number(channels, "channels", 1) not in (1, 3)):
        raise ValueError(f"channels is {channels}; expected None, 1 (grey) or 3 (RGB)")
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}; expected one of {', '.join(FITS)}")
    if polarity not in POLARITIES:
        raise ValueError(f"polarity is {polarity!r}; expected one of {', '.join(POLARITIES)}")
    if polarity == "ink" and channels != 1:
        raise ValueError(
            f'polarity is "ink" and channels is {channels}; expected channels=1, as ink has no '
            "colour"
        )
    return Wanted(height, width, channels, fit, polarity)


def contained(original: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The largest (height, width) within a size that keeps the original's aspect."""
    scale = min(size[0] / original[0], size[1] / original[1])
    return max(1, round(original[0] * scale)), max(1, round(original[1] * scale))


def read(path: Path, how: Wanted) -> tuple[np.ndarray, tuple[int, int], list[Doubt]]:
    """A file as float32 (height, width, channels) in [0, 1], its own size, and its doubts."""
    image, doubts = decode(path)
    fitted, doubts = fit_image(image, how, doubts)
    return fitted, (image.height, image.width), doubts


def fit_image(
    image: Image.Image, how: Wanted, doubts: list[Doubt]
) -> tuple[np.ndarray, list[Doubt]]:
    """A decoded image as float32 (height, width, channels) in [0, 1], and its doubts."""
    if how.channels == 1 and image.mode == "RGB":
        image = image.convert("L")
    height, width = how.height, how.width
    smooth = Image.Resampling.BICUBIC
    if how.fit == "pad":
        height, width = contained((image.height, image.width), (height, width))
    if how.fit == "crop":
        array = _pixels(ImageOps.fit(image, (width, height), smooth))
    else:
        array = _pixels(image.resize((width, height), smooth))
    ground = _border_color(image)
    if how.polarity == "ink":
        # Before the padding, whose one brightness would not fit a page with a shadow across it.
        ink, doubt = to_ink(array[:, :, 0])
        array, ground = ink.astype("float32")[:, :, None], np.zeros(1)
        if doubt and not doubts:  # a fault of the file explains this doubt, too
            doubts = [doubt]
    if how.fit == "pad":
        array = _padded(array, (how.height, how.width), ground)
    if how.channels == 3 and array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    return array, doubts


def _padded(inner: np.ndarray, size: tuple[int, int], ground: np.ndarray) -> np.ndarray:
    array = np.empty((*size, inner.shape[-1]), np.float32)
    array[:] = ground
    top, left = ((outer - own) // 2 for outer, own in zip(size, inner.shape[:2], strict=True))
    array[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return array


def _pixels(image: Image.Image) -> np.ndarray:
    """Float32 (height, width, channels) in [0, 1]; in "F", bicubic resizing overshoots."""
    levels = np.asarray(image, np.float32).clip(0, 255) / 255
    return levels.reshape(image.height, image.width, -1)


def _border_color(image: Image.Image) -> np.ndarray:
    """The median colour of the outermost pixels, in [0, 1]: white for a drawing on paper."""
    levels = np.asarray(image)
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    return np.median(border, axis=0) / 255
