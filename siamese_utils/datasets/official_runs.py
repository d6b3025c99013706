"""The 20 official one-shot runs of Omniglot (Lake et al. 2015)."""

import re
import zipfile
from dataclasses import dataclass

import numpy as np

from .files import locate, reading, verify_content
from .omniglot import decode_character
from .omniglot_tables import CONTENT, IMAGE_SIZE, RUN_ALPHABETS, SOURCES

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
    """

    test_images: np.ndarray
    support_images: np.ndarray
    answers: np.ndarray
    alphabets: tuple[str, ...]


def load_official_runs() -> OfficialRuns:
    """Load the 20 official one-shot runs.

    Raises
    ------
    DataError
        If the file cannot be found, downloaded, read or trusted.
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
