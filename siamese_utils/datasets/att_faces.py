"""AT&T (ORL) faces: 40 people, ten grey pictures each (Samaria and Harter 1994)."""

import io
import re
import zipfile

import numpy as np
from PIL import Image

from .sources import Source, locate, reading, verify_content

N_PEOPLE = 40
N_PICTURES = 10

_SOURCE = Source(
    "att_faces/att_faces.zip",
    "md5:6efb25cb0d40755e9492b9c012e3348d",
    (
        "https://www.idiap.ch/software/bob/data/bob/att_faces.zip",
        "http://datasets.openimaj.org/att_faces.zip",
    ),
)
_CONTENT = "3dc2a2d18768a4cac3db73067f258778210c89808ab6e8ffba6f5f572d0d8f63"


def load_att_faces() -> tuple[np.ndarray, np.ndarray]:
    """Load the AT&T faces of Samaria and Harter (1994) as ``(images, labels)``.

    Credit AT&T Laboratories Cambridge where you show them.

    Returns
    -------
    images : float32 array (400, 112, 92, 1) in [0, 1]
        White is 1.
    labels : int array (400,)
        The person, 0 to 39; a person's ten pictures stand together, in file order.

    Raises
    ------
    DataError
        If the file cannot be found, downloaded, read or trusted.

    Examples
    --------
    It needs the file, and downloads it where there is none (4 MB):

    >>> images, labels = load_att_faces()  # doctest: +SKIP
    >>> images.shape, labels[:12].tolist()  # doctest: +SKIP
    ((400, 112, 92, 1), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])

    A file that is no archive is named in the error, with what to do:

    >>> import os, tempfile
    >>> from pathlib import Path
    >>> from unittest import mock
    >>> with tempfile.TemporaryDirectory() as data:
    ...     file = Path(data) / "att_faces" / "att_faces.zip"
    ...     file.parent.mkdir()
    ...     _ = file.write_text("<html>Not found</html>")
    ...     with mock.patch.dict(os.environ, SIAMESE_DATA_DIR=data):
    ...         load_att_faces()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    siamese_utils.datasets.sources.DataError: ...att_faces.zip cannot be read (BadZipFile: ...
    """
    path = locate(_SOURCE)
    images = np.empty((N_PEOPLE, N_PICTURES, 112, 92, 1), np.uint8)
    with reading(path), zipfile.ZipFile(path) as archive:
        # Mirrors differ in the folder that they put around the forty.
        members = {}
        for name in archive.namelist():
            match = re.search(r"(?:^|/)(s\d+/\d+\.pgm)$", name)
            if match:
                members[match[1]] = name
        for person in range(N_PEOPLE):
            for picture in range(N_PICTURES):
                pgm = archive.read(members[f"s{person + 1}/{picture + 1}.pgm"])
                with Image.open(io.BytesIO(pgm)) as image:
                    images[person, picture] = np.asarray(image)[:, :, None]
    verify_content(path, [images], _CONTENT)
    labels = np.repeat(np.arange(N_PEOPLE), N_PICTURES)
    return images.reshape(-1, 112, 92, 1) / np.float32(255), labels
