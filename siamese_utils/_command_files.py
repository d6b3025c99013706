"""The image files that ``siamese`` is given, and those of them that are left out."""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ._warn import warn
from .datasets import DataError
from .datasets.endings import why_no_image
from .datasets.image_files import load_image
from .recognition import Survey, survey_folder

Skipped = list[tuple[str, str]]  # files that are left out, and why


def image_files(names: Sequence[str], remedy: str, skip_broken: bool) -> tuple[list[str], Skipped]:
    """The image files that are named, and those in the folders that are named; what is left out.

    ``remedy`` is what to do where a folder holds folders in turn. A warning for each file that is
    left out.
    """
    found: list[str] = []
    skipped: Skipped = []
    for name in names:
        path = Path(name).expanduser()
        if path.is_dir():
            files, others = files_of(path, name, remedy)
            found, skipped = found + files, skipped + others
        else:
            found.append(name)
    for left_out, reason in skipped:
        warn(f"{left_out} is left out: {reason}")
    if not skip_broken:
        return found, skipped
    broken = {name: error for name in found if (error := why_broken(name))}
    if len(broken) == len(found):
        raise next(iter(broken.values()))
    for error in broken.values():
        warn(f"{error} It is left out.")
    skipped += [(name, str(error)) for name, error in broken.items()]
    return [name for name in found if name not in broken], skipped


def files_of(folder: Path, name: str, remedy: str) -> tuple[list[str], Skipped]:
    """The images of a folder, called ``name`` in messages, and what else is in it."""
    found, skipped = [], []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            raise DataError(f"{entry} is a folder; expected image files in {name}. {remedy}")
        if reason := why_no_image(entry):
            skipped.append((str(entry), reason))
        else:
            found.append(str(entry))
    if not found:
        raise DataError(f"{name} has no image; expected image files in it.")
    return found, skipped


def why_broken(name: str) -> DataError | None:
    """The error that reading an image file gives, if it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # doubts come with the answer
            load_image(name, 8)
    except DataError as error:
        return error
    return None


def look_over(asked: argparse.Namespace) -> Survey:
    """The files of the folder, enough to choose a threshold; a warning for each left out."""
    folder = survey_folder(asked.folder, asked.skip_broken)
    for path, reason in folder.skipped:
        warn(f"{path} is left out: {reason}")
    counts = np.unique(folder.labels, return_counts=True)[1]
    if len(counts) < 3 or counts.max() == 1:
        raise DataError(
            f"{asked.folder} has {len(counts)} class folder(s) with {counts.max()} image(s) at "
            "most; expected three classes or more, since some are left out in turn, and two images "
            "or more in most of them."
        )
    return folder
