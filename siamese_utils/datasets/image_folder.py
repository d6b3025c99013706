"""The images of a folder as arrays of one size, and a report on how they were read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .doubts import Doubt
from .fitting import contained


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, ordered by class, then by file name.

    Attributes
    ----------
    images : float32 array (n, height, width, channels) in [0, 1]
        As in the files, white is 1; read with ``polarity="ink"``, ink is 1 and paper 0.
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
    doubtful : tuple of (Path, Doubt)
        Images that may be read wrongly: what was found in them, and what was expected.

    Examples
    --------
    As :func:`load_image_folder` would return two white images of different classes. Which file
    and which class does the second one come from?

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
    doubtful: tuple[tuple[Path, Doubt], ...] = ()

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
        if self.doubtful:
            lines.append(f"To be looked at: {len(self.doubtful)}")
            lines += [f"  {path} {doubt.found}" for path, doubt in self.doubtful]
        return "\n".join(lines)


def _done(fit: str, factor: float) -> str:
    if fit == "pad":
        return "resized, aspect kept, and padded with the colour of their border"
    if fit == "crop":
        return f"resized, aspect kept, and cropped: up to {1 - 1 / factor:.0%} of it is lost"
    return f"stretched: distorted by a factor of up to {factor:.2f}"
