"""Your own images: a folder with one subfolder a class, read as arrays of one size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._files import first_line
from .image_files import IMAGE_SUFFIXES, checked, contained, decode, resized, unreadable
from .sources import DataError


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, ordered by class, then by file name.

    Attributes
    ----------
    images : float32 array (n, height, width, channels) in [0, 1]
        As in the files: white paper is 1. A model of ink = 1 wants ``1 - images``.
    labels : int array (n,)
        Index into ``class_names``.
    class_names : tuple of str
        The names of the subfolders, sorted.
    paths : tuple of n Path
    original_sizes : tuple of n (height, width)
        Upright, before resizing.
    fit : {"pad", "crop", "stretch"}
        What was done to images of another aspect.
    skipped : tuple of (Path, reason)
        What stood in the folder and was left out.

    Examples
    --------
    As :func:`load_image_folder` would return two white images of different classes. Of which
    file and which class is the second one?

    >>> folder = ImageFolder(
    ...     images=np.ones((2, 8, 8, 1), "float32"),
    ...     labels=np.array([0, 1]),
    ...     class_names=("cat", "dog"),
    ...     paths=(Path("pets/cat/1.png"), Path("pets/dog/1.png")),
    ...     original_sizes=((8, 8), (40, 20)),
    ...     fit="pad",
    ...     skipped=(),
    ... )
    >>> folder.paths[1].name, folder.class_names[folder.labels[1]]
    ('1.png', 'dog')
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    paths: tuple[Path, ...]
    original_sizes: tuple[tuple[int, int], ...]
    fit: str
    skipped: tuple[tuple[Path, str], ...]

    def report(self) -> str:
        """What was found for each class, how it was resized, and what was skipped."""
        counts = np.bincount(self.labels)
        height, width, channels = self.images.shape[1:]
        kept = sum(size == (height, width) for size in self.original_sizes)
        # How far the aspect of an image is from the wanted one: 1.5 is half as wide again.
        factors = [
            max(h * width, w * height) / min(h * width, w * height)
            for h, w in self.original_sizes
            if contained((h, w), (height, width)) != (height, width)
        ]
        lines = [
            f"{len(self.images)} images of {len(self.class_names)} classes:",
            *(f"  {name}: {n}" for name, n in zip(self.class_names, counts, strict=True)),
            f"Now {height} x {width} x {channels} (height x width x channels):",
            f"  {kept} had this height and width already",
            f"  {len(self.images) - kept - len(factors)} resized, aspect kept",
        ]
        if factors:
            lines.append(f"  {len(factors)} of another aspect {_done(self.fit, max(factors))}")
        lines.append(f"Skipped: {len(self.skipped)}")
        lines += [f"  {path}: {reason}" for path, reason in self.skipped]
        return "\n".join(lines)


def _done(fit: str, factor: float) -> str:
    if fit == "pad":
        return "resized, aspect kept, and padded with the colour of their border"
    if fit == "crop":
        return f"resized, aspect kept, and cropped: up to {1 - 1 / factor:.0%} of it is lost"
    return f"stretched: distorted by a factor of up to {factor:.2f}"


def load_image_folder(
    root: str | Path,
    size: int | tuple[int, int],
    *,
    channels: int | None = None,
    fit: str = "pad",
    min_images: int = 2,
    skip_broken: bool = False,
) -> ImageFolder:
    """Read a folder that has one subfolder a class, with the images of that class in it.

    Files are read as :func:`load_image` reads them; ``size``, ``channels`` and ``fit`` are
    as there. Hidden files, files without the suffix of an image, images outside a class
    and folders inside one are skipped, and named in the report.

    Parameters
    ----------
    root : str or Path
        The folder.
    size : int or (height, width)
        In pixels; an int stands for a square.
    channels : {None, 1, 3}
        None takes what the files have, and refuses a mixture of grey and colour.
    fit : {"pad", "crop", "stretch"}
        For images of another aspect.
    min_images : int
        The fewest readable images a class may have; 2 make a pair.
    skip_broken : bool
        Whether to skip, and report, image files that cannot be read.

    Returns
    -------
    ImageFolder

    Raises
    ------
    ValueError
        For arguments out of range.
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
    ...             Image.new("L", (8, 4), "white").save(Path(root) / name / file)
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
    shape = checked(size, channels, fit)
    if min_images < 1:
        raise ValueError(f"min_images is {min_images}; expected 1 or more")
    root = Path(root)
    classes, skipped = _list(root)
    arrays, labels, paths, original_sizes = [], [], [], []
    first_with: dict[int, Path] = {}  # number of channels -> a file that has it
    for label, files in enumerate(classes.values()):
        for path in files:
            try:
                image = decode(path)
            except Exception as error:  # Pillow's decoders raise errors of many types
                if not skip_broken:
                    remedy = "Repair or remove the file, or pass skip_broken=True."
                    raise unreadable(path, error, remedy) from error
                skipped.append((path, f"broken image ({first_line(error)})"))
                continue
            arrays.append(resized(image, shape, channels, fit))
            labels.append(label)
            paths.append(path)
            original_sizes.append((image.height, image.width))
            first_with.setdefault(arrays[-1].shape[-1], path)
            if len(first_with) > 1:
                raise DataError(
                    f"grey and colour are mixed: {first_with[1]} is grey, {first_with[3]} is "
                    "in colour. Expected one kind. Pass channels=1 to make all grey, or "
                    "channels=3 to make all RGB."
                )
    for name, n in zip(classes, np.bincount(labels, minlength=len(classes)), strict=True):
        if n < min_images:
            n_skipped = sum(path.parent == root / name for path, _ in skipped)
            raise DataError(
                f"class folder {root / name} has {n} readable image(s) and {n_skipped} skipped "
                f"file(s), expected at least {min_images} images. Add images, remove the "
                f"folder, or lower min_images. Images end in {', '.join(IMAGE_SUFFIXES)}."
            )
    return ImageFolder(
        np.stack(arrays),
        np.array(labels),
        tuple(classes),
        tuple(paths),
        tuple(original_sizes),
        fit,
        tuple(skipped),
    )


def _list(root: Path) -> tuple[dict[str, list[Path]], list[tuple[Path, str]]]:
    """The image files of each class, by name, and what is neither, with the reason."""
    if not root.is_dir():
        raise DataError(
            f"{root} is not a folder. Expected a folder with one subfolder a class. "
            "Correct the path."
        )
    classes: dict[str, list[Path]] = {}
    skipped = []
    for entry in sorted(root.iterdir()):
        if entry.name.startswith("."):
            skipped.append((entry, "hidden"))
        elif entry.is_dir():
            classes[entry.name] = []
        else:
            skipped.append((entry, "not in a class folder"))
    if len(classes) < 2:
        raise DataError(
            f"{root} has {len(classes)} class folder(s), expected at least 2: learning to "
            "compare needs images of different classes. Give each class a subfolder of its "
            f"own, as in {root / 'cat' / '1.png'} and {root / 'dog' / '1.png'}."
        )
    for name, files in classes.items():
        for entry in sorted((root / name).iterdir()):
            if entry.name.startswith("."):
                skipped.append((entry, "hidden"))
            elif entry.is_dir():
                skipped.append((entry, "folder inside a class"))
            elif entry.suffix.lower() not in IMAGE_SUFFIXES:
                skipped.append((entry, "not the suffix of an image"))
            else:
                files.append(entry)
    return classes, skipped
