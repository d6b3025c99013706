"""A folder of images to try things on: capital letters in the fonts that Matplotlib carries."""

import io
import string
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont, ImageOps

from .folders import write_folder

# The text fonts among Matplotlib's. Left out are those without letters: DejaVu's two Display
# fonts, STIXNonUni* and STIXSiz* are empty at A to Z, cmex10 has brackets and sums there, and
# LastResortHE draws one frame for every character. cmsy10 has script letters, capitals only.
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmmi10",
    "cmr10",
    "cmss10",
    "cmsy10",
    "cmti10",
    "cmtt10",
)
SMALLEST = 16  # pixels; below it, the strokes of a letter run together


def write_letters(root: str | Path, letters: str = string.ascii_uppercase, size: int = 64) -> Path:
    """Write capital letters as PNG files, ``root/A/DejaVuSans.png`` and so on.

    A class is a letter, and its images are that letter in 23 fonts: 598 files for the whole
    alphabet. Each is black on white and grey, with its ink in the middle. In all fonts the H
    has half of the image's height, and all letters of a font have one scale.

    The folder is written whole or not at all. Called again, it finds its files there and
    leaves them; a folder with anything else in it is an error.

    Parameters
    ----------
    root : path
        The folder to write; it may exist if it is empty.
    letters : str
        Capitals from A to Z, each once. (The folders ``a`` and ``A`` would be one on many
        computers, and one of the fonts has no small letters.)
    size : int
        Height and width of the images in pixels, at least 16.

    Returns
    -------
    Path
        ``root``, with the home folder in place of ``~``.

    Raises
    ------
    ValueError
        For other letters, or a size that is too small.
    DataError
        If ``root`` is a file, or holds anything else.

    Examples
    --------
    Two letters in 23 fonts:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = write_letters(Path(folder) / "letters", "AB", size=16)
    ...     classes = sorted(path.name for path in root.iterdir())
    ...     n_files = len(list(root.rglob("*.png")))
    ...     with Image.open(root / "A" / "DejaVuSans.png") as image:
    ...         size, levels = image.size, image.getextrema()
    >>> classes, n_files, size, levels
    (['A', 'B'], 46, (16, 16), (0, 255))
    """
    wrong = sorted(set(letters) - set(string.ascii_uppercase))
    if wrong or not letters or len(set(letters)) < len(letters):
        raise ValueError(f"letters is {letters!r}; expected capitals from A to Z, each once")
    if size < SMALLEST:
        raise ValueError(f"size is {size}; expected at least {SMALLEST} pixels")
    return write_folder(root, _images(letters, size), "letters")


def _images(letters: str, size: int) -> Iterator[tuple[str, bytes]]:
    """The name of each file, below the root, and its content."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in FONTS:
        path = str(folder / f"{name}.ttf")
        _, top, _, bottom = ImageFont.truetype(path, 100).getbbox("H")
        font = ImageFont.truetype(path, round(100 * (size / 2) / (bottom - top)))
        for letter in letters:
            canvas = Image.new("L", (3 * size, 3 * size))
            ImageDraw.Draw(canvas).text((size, size), letter, fill=255, font=font)
            ink = canvas.crop(canvas.getbbox())  # a font's own box is wider than the ink
            image = Image.new("L", (size, size))
            image.paste(ink, ((size - ink.width) // 2, (size - ink.height) // 2))
            file = io.BytesIO()
            ImageOps.invert(image).save(file, "png")
            yield f"{letter}/{name}.png", file.getvalue()
