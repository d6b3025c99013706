"""The image files that ``siamese`` is given, and those of them that are left out."""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .datasets import DataError
from .datasets.endings import why_no_image
from .datasets.image_files import load_image
from .recognition import Survey, survey_folder


def image_files(names: Sequence[str], remedy: str) -> list[str]:
    """The image files that are named, and those in the folders that are named.

    ``remedy`` is what to do where a folder holds folders in turn.
    """
    found: list[str] = []
    for name in names:
        path = Path(name).expanduser()
        if not path.is_dir():
            found.append(name)
            continue
        entries = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
        files = []
        for entry in entries:
            if entry.is_dir():
                raise DataError(f"{entry} is a folder; expected image files in {name}. {remedy}")
            if reason := why_no_image(entry):
                warnings.warn(f"{entry} is left out: {reason}", stacklevel=1)
            else:
                files.append(str(entry))
        if not files:
            raise DataError(f"{name} has no image; expected image files in it.")
        found += files
    return found


def readable(images: Sequence[str]) -> list[str]:
    """Those image files that can be read; a warning for each other one."""
    found, errors = [], []
    for image in images:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # doubts come with the answer
                load_image(image, 8)
            found.append(image)
        except DataError as error:
            errors.append(error)
    if not found:
        raise errors[0]
    for broken in errors:
        warnings.warn(f"{broken} It is left out.", stacklevel=1)
    return found


def look_over(asked: argparse.Namespace) -> Survey:
    """The files of the folder, enough to choose a threshold; a warning for each left out."""
    folder = survey_folder(asked.folder, asked.skip_broken)
    for path, reason in folder.skipped:
        warnings.warn(f"{path} is left out: {reason}", stacklevel=1)
    counts = np.unique(folder.labels, return_counts=True)[1]
    if len(counts) < 3 or counts.max() == 1:
        raise DataError(
            f"{asked.folder} has {len(counts)} class folder(s) with {counts.max()} image(s) at "
            "most; expected three classes or more, since some are left out in turn, and two images "
            "or more in most of them."
        )
    return folder
