"""The 20 official one-shot runs of Omniglot (Lake et al. 2015)."""

import re
import zipfile
from dataclasses import dataclass

import numpy as np

from .omniglot import decode_character
from .omniglot_tables import CONTENT, IMAGE_SIZE, RUN_ALPHABETS, SOURCES
from .sources import locate, reading, verify_content

N_RUNS = 20
N_WAY = 20


@dataclass(frozen=True)
class OfficialRuns:
    """The 20 within-alphabet runs of Lake et al. (2015): 20 x 20 = 400 one-shot trials.

    The images are those of drawers 1 to 8 of ten evaluation alphabets, two runs each.

    Attributes
    ----------
    test_images, support_images : uint8 arrays (20, 20, 105, 105, 1)
        Run, item, pixels; 1 = ink. In a run one drawer made all test images and
        another made all support images.
    answers : int array (20, 20)
        ``answers[r, i]`` is the support image of the same character as test image ``i``.
    alphabets : tuple of 20 str

    Examples
    --------
    A run of two characters, of 1 x 2 pixels each, in which the answers cross over:

    >>> strokes = np.eye(2, dtype="uint8").reshape(1, 2, 1, 2, 1)
    >>> runs = OfficialRuns(strokes, strokes[:, ::-1], np.array([[1, 0]]), ("Greek",))
    >>> right = runs.support_images[0, runs.answers[0]]
    >>> bool((runs.test_images[0] == right).all())
    True
    """

    test_images: np.ndarray
    support_images: np.ndarray
    answers: np.ndarray
    alphabets: tuple[str, ...]


def load_official_runs() -> OfficialRuns:
    """Load the 20 official one-shot runs of Lake et al. (2015).

    Returns
    -------
    OfficialRuns

    Raises
    ------
    DataError
        If the file cannot be found, downloaded, read or trusted.

    Examples
    --------
    It needs the file, and downloads it where there is none (0.4 MB):

    >>> runs = load_official_runs()  # doctest: +SKIP
    >>> runs.test_images.shape, runs.alphabets[:3]  # doctest: +SKIP
    ((20, 20, 105, 105, 1), ('Atlantean', 'Atlantean', 'Ge_ez'))

    An archive without the images is named in the error, with what to do:

    >>> import os, tempfile
    >>> from pathlib import Path
    >>> from unittest import mock
    >>> with tempfile.TemporaryDirectory() as data:
    ...     file = Path(data) / SOURCES["runs"].path
    ...     file.parent.mkdir()
    ...     zipfile.ZipFile(file, "w").close()
    ...     with mock.patch.dict(os.environ, SIAMESE_DATA_DIR=data):
    ...         load_official_runs()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    siamese_utils.datasets.sources.DataError: ...all_runs.zip cannot be read (KeyError: ...
    """
    path = locate(SOURCES["runs"])
    answers = np.empty((N_RUNS, N_WAY), np.int64)
    images = np.empty((2, N_RUNS, N_WAY, IMAGE_SIZE, IMAGE_SIZE, 1), np.uint8)
    with reading(path), zipfile.ZipFile(path) as archive:
        for run in range(N_RUNS):
            folder = f"run{run + 1:02d}"
            for part, name in enumerate(("test/item", "training/class")):
                for item in range(N_WAY):
                    png = archive.read(f"{folder}/{name}{item + 1:02d}.png")
                    images[part, run, item] = decode_character(png)
            # A line: "run01/test/item01.png run01/training/class12.png"
            for line in archive.read(f"{folder}/class_labels.txt").decode().splitlines():
                test, support = (int(number) for number in re.findall(r"(\d+)\.png", line))
                answers[run, test - 1] = support - 1
    verify_content(path, [images, answers], CONTENT["runs"])
    alphabets = tuple(name for name in RUN_ALPHABETS for _ in range(N_RUNS // len(RUN_ALPHABETS)))
    return OfficialRuns(images[0], images[1], answers, alphabets)
