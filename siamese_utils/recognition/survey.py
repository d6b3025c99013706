"""A first look at a folder of images: what is in it, and which ready encoder suits it."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..datasets import load_image_folder
from ..datasets.polarity import to_ink
from .inputs import warn_of_same_files

SIDE = 64  # pixels at which a folder is looked over
COLORFUL = 0.1  # difference of the channels of a pixel that is no grey


@dataclass(frozen=True)
class Survey:
    """The image files of a folder of classes, without their pixels.

    Attributes
    ----------
    paths : list of Path
    labels : list of str
        The class of each, the name of its subfolder.
    skipped : list of (path, reason)
        Files that are left out.
    encoder : str
        The ready encoder that suits them: ``"photos"`` or ``"omniglot"``.
    reason : str
        Why that one.

    Examples
    --------
    >>> print(Survey([Path("a/1.png"), Path("b/1.png")], ["a", "b"], [], "photos", "in colour"))
    2 images of 2 classes, 1 of each; 0 files left out
    in colour: encoder 'photos'
    """

    paths: list[Path]
    labels: list[str]
    skipped: list[tuple[str, str]]
    encoder: str
    reason: str

    def __str__(self) -> str:
        counts = np.unique(self.labels, return_counts=True)[1]
        each = f"{counts.min()}" if counts.min() == counts.max() else _range(counts)
        return (
            f"{len(self.paths)} images of {len(counts)} classes, {each} of each; "
            f"{len(self.skipped)} files left out\n{self.reason}: encoder {self.encoder!r}"
        )


def survey_folder(root: str | Path, skip_broken: bool = False) -> Survey:
    """Look at the images of a folder that has one subfolder for each class.

    The pixels are read small here, and again by whoever embeds them: a large folder of
    photographs does not fit into memory.

    Parameters
    ----------
    root : path
    skip_broken : bool
        Whether files that cannot be read are left out. Defaults to False: they are an error.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        As :func:`siamese_utils.datasets.load_image_folder`.

    Warns
    -----
    UserWarning
        If a file is there twice.

    Examples
    --------
    A red dot on blue in each of two subfolders, at two places:

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for row, name in enumerate(("a", "b")):
    ...         image = Image.new("RGB", (8, 8), "blue")
    ...         image.putpixel((4, row), (255, 0, 0))
    ...         (Path(root) / name).mkdir()
    ...         image.save(Path(root) / name / "1.png")
    ...     print(survey_folder(root))
    2 images of 2 classes, 1 of each; 0 files left out
    images are in colour: encoder 'photos'
    """
    with warnings.catch_warnings():
        # Doubtful images are named by whoever reads them to embed them, at their full size.
        warnings.simplefilter("ignore", UserWarning)
        folder = load_image_folder(root, SIDE, channels=3, min_images=1, skip_broken=skip_broken)
    warn_of_same_files(folder.paths)
    spread = np.ptp(folder.images, axis=3)  # of the channels, (n, height, width)
    is_color = (spread > COLORFUL).mean(axis=(1, 2)) > 0.01
    if is_color.mean() > 0.1:
        encoder, reason = "photos", "images are in colour"
    else:
        n_clear = sum(to_ink(image.mean(axis=2))[1] is None for image in folder.images)
        if n_clear > 0.75 * len(folder.images):
            encoder, reason = "omniglot", "drawings on a plain background"
        else:
            encoder, reason = "photos", "images have no plain background"
    names = [folder.class_names[k] for k in folder.labels]
    skipped = [(str(path), why) for path, why in folder.skipped]
    return Survey(list(folder.paths), names, skipped, encoder, reason)


def _range(counts: np.ndarray) -> str:
    return f"{counts.min()} to {counts.max()}"
