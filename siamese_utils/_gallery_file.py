"""A gallery as one ``.npz`` file without pickled objects. Files of version 1.0 can be read, too."""

import zipfile
from pathlib import Path

import numpy as np

from ._files import first_line, read_arrays, write_arrays

FORMAT = "siamese_utils.gallery 1"


def write_gallery(path: Path, settings: dict, *arrays: np.ndarray) -> None:
    """Write settings (plain values) and arrays (n, …) as one file, whole or not at all.

    The arrays are the embeddings, the labels and the background of each image. ``ValueError`` for
    a name that does not end in ``.npz``.
    """
    if path.suffix != ".npz":
        raise ValueError(f"the file is {str(path)!r}; expected a name that ends in .npz")
    record = {"format": FORMAT, **settings}
    write_arrays(path, record, {"stored": list(arrays)})


def read_gallery(path: Path) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray | None]:
    """The settings, embeddings, labels and backgrounds that :func:`write_gallery` wrote.

    Version 1.0 wrote no backgrounds; they are then None.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no gallery.
    """
    expected = "Expected a .npz file written by Recognizer.save_gallery."
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file. {expected} Correct the path.")
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no .npz file")
        record, arrays = read_arrays(path)
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']!r} instead of {FORMAT!r}")
        embeddings, labels, *rest = arrays["stored"]
        background = rest[0] if rest else None
        if (
            not len(embeddings)
            == len(labels)
            == len(labels if background is None else background)
            > 0
        ):
            raise ValueError(f"{len(embeddings)} embeddings and {len(labels)} labels")
    except Exception as error:  # NumPy raises errors of many types for a bad file
        raise ValueError(
            f"{path} is not a gallery, or not a whole one ({first_line(error)}). {expected} "
            "Save the gallery again."
        ) from error
    return record, embeddings, labels, background
