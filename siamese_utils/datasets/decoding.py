"""One image file of any mode as grey or RGB levels, and what looks wrong about them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .doubts import Doubt
from .polarity import one_color

SMALL_RANGE = 1 / 4  # of a type's levels; 12-bit levels stored in 16 bits use only a sixteenth
WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
LIGHT = 128  # of 255

_SCALE_IT = (
    "Expected levels of more than a quarter of the range; these are nearly black. If they were "
    "stored with fewer bits than their file has, scale them to its whole range and save it "
    "again; if the image is dark indeed, brighten it."
)


def decode(path: Path) -> tuple[Image.Image, list[Doubt]]:
    """The upright image without transparency, and what looks wrong about it.

    Its mode is "L", "RGB", or "F" for 16-bit grey. Levels go from 0 to 255 in each mode; in "F"
    they have fractions.
    """
    # Given a name instead of an open file, Pillow maps an uncompressed TIFF into memory,
    # and scrambles one that is to be turned by a quarter.
    with path.open("rb") as file, Image.open(file) as stored:
        image = ImageOps.exif_transpose(stored)
    capacity = 255
    if image.mode.startswith(("I", "F")):
        image, capacity = _deep_grey(image), 65535
    else:
        image = _grey_or_rgb(image)
    lowest, highest = _extremes(image)
    if lowest == highest:
        return image, [one_color(highest / 255)]
    if highest <= SMALL_RANGE * 255:
        found = f"has levels up to {highest / 255 * capacity:.0f}, where {capacity} is white"
        return image, [Doubt(found, _SCALE_IT)]
    return image, []


def _deep_grey(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, which Pillow's own conversion would clip at 255 instead of scaling."""
    levels = np.asarray(image, np.float32)
    if image.mode == "F" or levels.min() < 0 or levels.max() > 65535:
        raise ValueError(
            f"its grey levels, from {levels.min():g} to {levels.max():g}, are neither of 8 nor of "
            "16 bits; scale them to 0 to 65535 and save them as 16-bit PNG"
        )
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        visible = levels != clear
        levels = np.where(visible, levels, 257 * _ground(levels / 257, visible))
    return Image.fromarray(levels.astype(np.float32) / 257)


def _grey_or_rgb(image: Image.Image) -> Image.Image:
    """An image of 8 bits in mode "L", or "RGB" if it has colours."""
    grey = image.mode in ("1", "L", "LA", "La")
    palette = image.mode in ("P", "PA")
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        layer = image.convert("RGBA")
        level = _ground(np.asarray(layer.convert("L")), np.asarray(layer)[..., 3])
        image = Image.alpha_composite(Image.new("RGBA", layer.size, (level,) * 3), layer)
    image = image.convert("RGB")
    if palette:
        pixels = np.asarray(image)
        grey = bool((pixels == pixels[:, :, :1]).all())
    return image.convert("L") if grey else image


def _ground(levels: np.ndarray, visible: np.ndarray) -> int:
    """What stands behind a transparent image: white, or black if hardly any of it is dark.

    On a white background, a white drawing would be a blank page.
    """
    light = (visible * (levels >= LIGHT)).sum()
    return 0 if light > 0.95 * visible.sum() else 255


def _extremes(image: Image.Image) -> tuple[float, float]:
    """The lowest and the highest level of a grey image, or of all three colours of one.

    An image of one colour that is no grey has two equal ones, too: those of its brightness.
    """
    levels = np.asarray(image)
    if levels.ndim == 3 and (levels == levels[0, 0]).all():
        levels = np.asarray(image.convert("L"))
    return float(levels.min()), float(levels.max())
