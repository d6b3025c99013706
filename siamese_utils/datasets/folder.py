"""Your own images: a folder with one subfolder for each class, read as arrays of one size."""

from pathlib import Path

import numpy as np

from .._checks import truth, whole_number
from .._files import first_line
from .doubts import warn_of
from .fitting import read, wanted
from .folder_listing import list_folder, require_images
from .image_files import as_path, require_one_kind, unreadable
from .image_folder import ImageFolder


def load_image_folder(
    root: str | Path,
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
    polarity: str = "as is",
    min_images: int = 2,
    skip_broken: bool = False,
) -> ImageFolder:
    """Read a folder that has one subfolder for each class, with the images of that class in it.

    The orientation noted by a camera is applied, 16-bit grey keeps its levels, and of several
    frames the first is taken. What is transparent becomes white, or black behind a drawing
    that is light itself. Whatever is skipped is named in the report: hidden files and folders,
    folders that the system made, files that Pillow cannot open, images outside a class and
    folders inside one. Images of one colour, those that use a small part of their levels, and
    drawings that "ink" cannot make sense of are named there, too, and in one warning.

    Parameters
    ----------
    root : str or Path
        The folder; a leading ``~`` stands for your home folder.
    size : int or (height, width)
        In pixels; an int stands for a square.
    channels : {None, 1, 3}
        1 makes grey, 3 makes RGB. By default the files decide, and a mixture of grey and colour
        is refused.
    fit : {"pad", "crop", "stretch"}
        For images with another aspect ratio. "pad" shows all of an image and fills the rest with
        its background, the median colour of its border; "crop" keeps its centre; "stretch"
        distorts it. Defaults to "pad".
    polarity : {"as is", "ink"}
        "as is" leaves white at 1. "ink" is for drawings and print: it makes ink 1 and paper 0,
        whichever way round a file has them, also on grey or unevenly lit paper, and needs
        ``channels=1``. Defaults to "as is".
    min_images : int
        The fewest readable images a class may have. Defaults to 2, which make a pair.
    skip_broken : bool
        Whether image files that cannot be read, and classes without a readable one, are skipped
        and reported. Defaults to False: they are an error.

    Returns
    -------
    ImageFolder

    Raises
    ------
    ValueError
        For arguments of another type or out of range.
    DataError
        If there is no such folder, it has fewer than two classes, a class has too few
        images, an image cannot be read, or grey and colour are mixed.

    Examples
    --------
    Two classes with two images each, 8 pixels wide and 4 high:

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for name in ("cat", "dog"):
    ...         (Path(root) / name).mkdir()
    ...         for file in ("1.png", "2.png"):
    ...             image = Image.new("L", (8, 4), "white")
    ...             image.putpixel((3, 2), 0)
    ...             image.save(Path(root) / name / file)
    ...     folder = load_image_folder(root, size=8)
    >>> folder.images.shape, folder.labels.tolist(), folder.class_names
    ((4, 8, 8, 1), [0, 0, 1, 1], ('cat', 'dog'))
    >>> print(folder.report())
    4 images of 2 classes:
      cat: 2
      dog: 2
    Now 8 x 8 x 1 (height x width x channels):
      0 had this height and width already
      0 resized, aspect kept
      4 of another aspect resized, aspect kept, and padded with the colour of their border
    Skipped: 0
    """
    how = wanted(size, channels, fit, polarity)
    min_images = whole_number(min_images, "min_images", 1)
    skip_broken = truth(skip_broken, "skip_broken")
    root = as_path(root, "root")
    classes, skipped = list_folder(root)
    arrays, shown, paths, original_sizes, doubtful, broken = [], [], [], [], [], []
    first_with: dict[int, Path] = {}  # number of channels -> a file that has it
    for name, files in classes.items():
        for path in files:
            try:
                array, original_size, doubts = read(path, how)
            except Exception as error:  # Pillow's decoders raise errors of many types
                broken.append((path, first_line(error)))
                continue
            require_one_kind(first_with, array, path)
            arrays.append(array)
            shown.append(name)
            paths.append(path)
            original_sizes.append(original_size)
            doubtful += [(path, doubt) for doubt in doubts]
    if broken and not skip_broken:
        raise unreadable(broken, "Repair or remove them, or pass skip_broken=True.")
    skipped += [(path, f"broken image ({reason})") for path, reason in broken]
    counts = {name: shown.count(name) for name in classes}
    if skip_broken and len(set(shown)) >= 2:
        skipped += [(root / name, "no readable image") for name, n in counts.items() if not n]
        counts = {name: n for name, n in counts.items() if n}
    require_images(root, counts, min_images, skipped)
    index = {name: k for k, name in enumerate(counts)}
    warn_of(doubtful)
    return ImageFolder(
        np.stack(arrays),
        np.array([index[name] for name in shown]),
        tuple(counts),
        tuple(paths),
        tuple(original_sizes),
        fit,
        tuple(skipped),
        tuple(doubtful),
    )
