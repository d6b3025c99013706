"""One image file of any size and mode, read as an array of the wanted size."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .._files import first_line
from .sources import DataError

IMAGE_SUFFIXES = (
    *(".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm"),
    *(".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
FITS = ("pad", "crop", "stretch")


def load_image(
    path: str | Path,
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
) -> np.ndarray:
    """Read one image file as a float32 array (height, width, channels) in [0, 1].

    The orientation noted by a camera is applied, transparency becomes white, 16-bit grey
    keeps its levels, and of several frames the first is taken.

    Parameters
    ----------
    path : str or Path
    size : int or (height, width)
        In pixels; an int stands for a square.
    channels : {None, 1, 3}
        1 makes grey, 3 makes RGB; None takes what the file has.
    fit : {"pad", "crop", "stretch"}
        For an image of another aspect: "pad" shows all of it and fills up with the median
        colour of its border, "crop" keeps its centre, "stretch" distorts it.

    Returns
    -------
    float32 array (height, width, channels) in [0, 1]
        White is 1.

    Raises
    ------
    ValueError
        For a size, a number of channels or a fit that is none of these.
    DataError
        If the file is not a readable image.

    Examples
    --------
    Three pixels beside each other, white, black and white. To be a square, the image gets a row
    above and a row below:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dash.png"
    ...     Image.fromarray(np.array([[255, 0, 255]], "uint8")).save(file)
    ...     image = load_image(file, size=3)
    >>> image.shape, image[:, :, 0].tolist()
    ((3, 3, 1), [[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    """
    shape = checked(size, channels, fit)
    path = Path(path)
    try:
        image = decode(path)
    except Exception as error:  # Pillow's decoders raise errors of many types
        raise unreadable(path, error, "Repair or replace the file.") from error
    return resized(image, shape, channels, fit)


def checked(size: int | tuple[int, int], channels: int | None, fit: str) -> tuple[int, int]:
    """The size as (height, width), or ``ValueError`` for the first bad argument."""
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ValueError(f"size is {size}; expected a positive int or (height, width)")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels}; expected None, 1 (grey) or 3 (RGB)")
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}; expected one of {', '.join(FITS)}")
    return height, width


def unreadable(path: Path, error: Exception, remedy: str) -> DataError:
    """The error for an image file that cannot be decoded."""
    return DataError(
        f"{path} cannot be read ({first_line(error)}). Expected a complete image file. {remedy}"
    )


def decode(path: Path) -> Image.Image:
    """The upright image without transparency, in mode "L", "RGB", or "F" for 16-bit grey.

    Levels go from 0 to 255 in each mode; in "F" they have fractions.
    """
    # Given a name instead of an open file, Pillow maps an uncompressed TIFF into memory,
    # and scrambles one that is to be turned by a quarter.
    with path.open("rb") as file, Image.open(file) as stored:
        image = ImageOps.exif_transpose(stored)
    if image.mode.startswith(("I", "F")):
        # Pillow's own conversion to 8 bits would clip at 255 instead of scaling.
        levels = np.asarray(image, np.float32)
        if image.mode == "F" or levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its grey levels are neither of 8 nor of 16 bits")
        return Image.fromarray(levels / 257)
    grey = image.mode in ("1", "L", "LA")
    palette = image.mode in ("P", "PA")
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    image = image.convert("RGB")
    if palette:
        pixels = np.asarray(image)
        grey = bool((pixels == pixels[:, :, :1]).all())
    return image.convert("L") if grey else image


def contained(original: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """The largest (height, width) within a size that keeps the original's aspect."""
    scale = min(size[0] / original[0], size[1] / original[1])
    return max(1, round(original[0] * scale)), max(1, round(original[1] * scale))


def resized(
    image: Image.Image, size: tuple[int, int], channels: int | None, fit: str
) -> np.ndarray:
    """A decoded image as a float32 array (height, width, channels) in [0, 1]."""
    if channels == 1 and image.mode == "RGB":
        image = image.convert("L")
    height, width = size
    smooth = Image.Resampling.BICUBIC
    if fit == "stretch":
        array = _pixels(image.resize((width, height), smooth))
    elif fit == "crop":
        array = _pixels(ImageOps.fit(image, (width, height), smooth))
    else:
        inner_height, inner_width = contained((image.height, image.width), size)
        inner = _pixels(image.resize((inner_width, inner_height), smooth))
        array = np.empty((height, width, inner.shape[-1]), np.float32)
        array[:] = _border_colour(image)
        top, left = (height - inner_height) // 2, (width - inner_width) // 2
        array[top : top + inner_height, left : left + inner_width] = inner
    if channels == 3 and array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    return array


def _pixels(image: Image.Image) -> np.ndarray:
    """Float32 (height, width, channels) in [0, 1]; in "F", bicubic resizing overshoots."""
    levels = np.asarray(image, np.float32).clip(0, 255) / 255
    return levels.reshape(image.height, image.width, -1)


def _border_colour(image: Image.Image) -> np.ndarray:
    """The median colour of the outermost pixels, in [0, 1]: white for a drawing on paper."""
    levels = np.asarray(image)
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    return np.median(border, axis=0) / 255
