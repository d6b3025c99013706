"""AT&T (ORL) faces: 40 people, ten grey pictures each (Samaria and Harter 1994)."""

import io
import re
import zipfile

import numpy as np
from PIL import Image

from .files import Source, locate, reading, verify_content

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
_CONTENT = "da35fe967b3de98de15522feb5a516ad7d733e23b3f9cca9c8791c4ee2db96de"


def load_att_faces() -> tuple[np.ndarray, np.ndarray]:
    """Load the AT&T faces as ``(images, labels)``.

    Images are a float32 array (400, 112, 92, 1) in [0, 1], labels an int array (400,)
    with the person, 0 to 39; a person's ten pictures stand together, in file order.
    Credit AT&T Laboratories Cambridge where you show them.

    Raises
    ------
    DataError
        If the file cannot be found, downloaded, read or trusted.
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
