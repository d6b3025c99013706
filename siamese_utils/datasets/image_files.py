"""Image files of any size and mode, read as arrays of the wanted size."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .._files import first_line
from .doubts import N_NAMED, Doubts, warn_of
from .endings import image_endings, why_no_image
from .fitting import Wanted, fit_image, read, wanted
from .sources import DataError


def load_image(
    path: str | Path,
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
    polarity: str = "as is",
) -> np.ndarray:
    """Read one image file as a float32 array (height, width, channels) in [0, 1].

    The orientation noted by a camera is applied, 16-bit grey keeps its levels, and the first frame
    is taken if there are several. What is transparent becomes white, or black behind a drawing
    that is light itself. An image of one colour, one that uses a small part of its levels, and
    a drawing whose ink cannot be determined are returned with a warning.

    Parameters
    ----------
    path : str or Path
        A leading ``~`` stands for your home folder.
    size : int or (height, width)
        In pixels; an int stands for a square.
    channels : {None, 1, 3}
        1 makes grey, 3 makes RGB. By default the file decides.
    fit : {"pad", "crop", "stretch"}
        For an image with another aspect ratio. "pad" shows all of it and fills the rest with its
        background, the median colour of its border; "crop" keeps its centre; "stretch" distorts
        it. Defaults to "pad".
    polarity : {"as is", "ink"}
        "as is" leaves white at 1. "ink" makes ink 1 and paper 0, whichever way round the file
        has them, as :func:`siamese_utils.datasets.polarity.read_ink` does; it needs
        ``channels=1``. Defaults to "as is".

    Returns
    -------
    float32 array (height, width, channels) in [0, 1]

    Raises
    ------
    ValueError
        If an argument has another type, or a value that is not listed.
    DataError
        If the file is not a readable image.

    Examples
    --------
    Three pixels beside each other, white, black and white. To be a square, the image gets a row
    above and a row below:

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "dash.png"
    ...     Image.fromarray(np.array([[255, 0, 255]], "uint8")).save(file)
    ...     image = load_image(file, size=3)
    >>> image.shape, image[:, :, 0].tolist()
    ((3, 3, 1), [[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    """
    images, doubts = _read_all([path], wanted(size, channels, fit, polarity))
    warn_of(doubts)
    return images[0]


def load_images(
    paths: Sequence[str | Path],
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
    polarity: str = "as is",
) -> np.ndarray:
    """Read image files, one or more, as one array, and warn once about all doubtful ones.

    Returns
    -------
    float32 array (n, height, width, channels) in [0, 1]

    Raises
    ------
    ValueError, DataError
        As by :func:`load_image`, which describes the parameters. ``DataError`` also if grey and
        colour are mixed and ``channels`` is not given.
    """
    images, doubts = _read_all(paths, wanted(size, channels, fit, polarity))
    warn_of(doubts)
    return np.stack(images)


def fit_arrays(
    images: np.ndarray,
    names: Sequence[object],
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
    polarity: str = "as is",
) -> tuple[np.ndarray, Doubts]:
    """Give images from memory another size, as :func:`load_images` gives it to files.

    Parameters
    ----------
    images : array (n, height, width, 1 or 3)
        In [0, 1]. They are rounded to the 256 levels of an image file.
    names : sequence of n names

    Returns
    -------
    float32 array (n, height, width, channels) in [0, 1]
    list of (name, Doubt)

    Raises
    ------
    ValueError
        For settings as :func:`load_image` refuses them.
    """
    how = wanted(size, channels, fit, polarity)
    levels = (255 * images.astype("float32")).round().clip(0, 255).astype("uint8")
    fitted: list[np.ndarray] = []
    doubts: Doubts = []
    for name, array in zip(names, levels, strict=True):
        image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
        found, its_doubts = fit_image(image, how, [])
        fitted.append(found)
        doubts += [(name, doubt) for doubt in its_doubts]
    return np.stack(fitted), doubts


def _read_all(paths: Sequence[str | Path], how: Wanted) -> tuple[list[np.ndarray], Doubts]:
    images, broken = [], []
    doubts: Doubts = []
    first_with: dict[int, Path] = {}
    for name in paths:
        path = as_path(name, "path")
        if path.is_dir():
            raise DataError(
                f"{path} is a folder; expected an image file. To read a folder, list its files, "
                "for example sorted(Path(folder).glob('*.png'))."
            )
        reason = why_no_image(path)
        if reason:
            raise DataError(
                f"{path} cannot be read: {reason}. Expected an image file that ends in "
                f"{', '.join(image_endings())}."
            )
        try:
            image, _, found = read(path, how)
        except Exception as error:  # Pillow's decoders raise errors of many types
            broken.append((path, first_line(error)))
            continue
        require_one_kind(first_with, image, path)
        images.append(image)
        doubts += [(path, doubt) for doubt in found]
    if broken:
        raise unreadable(broken, "Repair or replace them.")
    return images, doubts


def as_path(path, name: str) -> Path:
    """A str or Path as a Path, with a leading ``~`` replaced by the home folder."""
    if not isinstance(path, str | os.PathLike) or isinstance(os.fspath(path), bytes):
        raise ValueError(f"{name} is {path!r}; expected a str or Path")
    return Path(os.path.expanduser(path))


def unreadable(broken: Sequence[tuple[Path, str]], remedy: str) -> DataError:
    """The error for image files that cannot be decoded, each with the reason."""
    named = "; ".join(f"{path} cannot be read ({reason})" for path, reason in broken[:N_NAMED])
    more = f"; and {len(broken) - N_NAMED} more" if len(broken) > N_NAMED else ""
    return DataError(f"{named}{more}. Expected complete image files. {remedy}")


def require_one_kind(first_with: dict[int, Path], image: np.ndarray, path: Path) -> None:
    """Note the number of channels of an image; ``DataError`` if it is the second number."""
    first_with.setdefault(image.shape[-1], path)
    if len(first_with) > 1:
        raise DataError(
            f"grey and colour are mixed: {first_with[1]} is grey, {first_with[3]} is in colour. "
            "Expected one kind. Pass channels=1 to make all grey, or channels=3 to make all RGB."
        )
