"""A gallery as one ``.npz`` file without pickled objects."""

from pathlib import Path

import numpy as np

from ..datasets.files import first_line
from ..training import checkpoint

FORMAT = "siamese_utils.gallery 1"


def write_gallery(path: Path, settings: dict, embeddings: np.ndarray, labels: np.ndarray) -> None:
    """Write the file, whole or not at all.

    Parameters
    ----------
    path : Path
    settings : dict
        Of plain values, as JSON has them.
    embeddings : array (n, dim)
    labels : array (n,) of str or int

    Raises
    ------
    ValueError
        If the name has another ending.
    """
    if path.suffix != ".npz":
        raise ValueError(f"the file is {str(path)!r}; expected a name that ends in .npz")
    record = {"format": FORMAT, **settings}
    checkpoint.write_checkpoint(path, record, {"stored": [embeddings, labels]})


def read_gallery(path: Path) -> tuple[dict, np.ndarray, np.ndarray]:
    """The settings, embeddings and labels that :func:`write_gallery` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no gallery.
    """
    expected = "Expected a .npz file written by OneShotClassifier.save."
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file. {expected} Correct the path.")
    try:
        record, arrays = checkpoint.read_checkpoint(path)
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']!r} instead of {FORMAT!r}")
        embeddings, labels = arrays["stored"]
    except Exception as error:  # NumPy raises errors of many types for a bad file
        raise ValueError(
            f"{path} is not a gallery, or not a whole one ({first_line(error)}). {expected} "
            "Save the gallery again."
        ) from error
    return record, embeddings, labels
