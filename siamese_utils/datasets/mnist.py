"""MNIST: 70,000 handwritten digits of 28 x 28 pixels (LeCun et al. 1998)."""

import gzip
from pathlib import Path

import numpy as np

from .sources import Source, locate, reading, verify_content

_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
# File, publisher's md5, content digest.
_FILES = {
    "train_images": (
        "train-images-idx3-ubyte.gz",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "1cc0a405f2f18e468d5859d83f1084f6cf670d30cb411bcdc2134590e14c1527",
    ),
    "train_labels": (
        "train-labels-idx1-ubyte.gz",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "f9e8e505cad86dc4d1a6542b21acf4b7572a7d6467b026956af8fe12dd76803f",
    ),
    "test_images": (
        "t10k-images-idx3-ubyte.gz",
        "9fb629c4189551a2d022fa330f9573f3",
        "654b52d6a20bc3293c771140f65d0cf8c51beaca31197885445dfcaabf74a017",
    ),
    "test_labels": (
        "t10k-labels-idx1-ubyte.gz",
        "ec29112dd5afa0611ce80d1b7f02629c",
        "5a95cd2a7c09b3306f90080c73f6b8f0da3a15b26cc396a95dad565624cf6962",
    ),
}


def load_mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Load MNIST as ``(train_images, train_labels), (test_images, test_labels)``.

    Handwritten digits, collected by LeCun et al. (1998).

    Returns
    -------
    train_images, train_labels : float32 array (60000, 28, 28, 1), int array (60000,)
        Images in [0, 1] with ink = 1; labels 0 to 9.
    test_images, test_labels : float32 array (10000, 28, 28, 1), int array (10000,)

    Raises
    ------
    DataError
        If a file cannot be found, downloaded, read or trusted.

    Examples
    --------
    It needs four files, and downloads them where there are none (12 MB):

    >>> (images, labels), _ = load_mnist()  # doctest: +SKIP
    >>> images.shape, labels[:5].tolist()  # doctest: +SKIP
    ((60000, 28, 28, 1), [5, 0, 4, 1, 9])

    A wrong data directory is an error, so that nothing is downloaded by mistake:

    >>> import os
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, SIAMESE_DATA_DIR="no-such-folder"):
    ...     load_mnist()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    siamese_utils.datasets.sources.DataError: SIAMESE_DATA_DIR is 'no-such-folder', which is ...
    """
    raw = {part: _read(part) for part in _FILES}
    train, test = (
        (raw[f"{part}_images"][..., None] / np.float32(255), raw[f"{part}_labels"].astype(int))
        for part in ("train", "test")
    )
    return train, test


def _read(part: str) -> np.ndarray:
    """One IDX file as a uint8 array, verified."""
    name, md5, digest = _FILES[part]
    source = Source(f"mnist/{name}", f"md5:{md5}", tuple(url + name for url in _MIRRORS))
    path = locate(source)
    array = _decode_idx(path)
    verify_content(path, [array], digest)
    return array


def _decode_idx(path: Path) -> np.ndarray:
    """Decode a gzipped IDX file of bytes: magic 00 00 08 n, then n big-endian sizes."""
    with reading(path):
        with gzip.open(path) as file:
            content = file.read()
        if content[:3] != b"\x00\x00\x08":
            raise ValueError(f"starts with {content[:4]!r}, expected the IDX magic number")
        n_axes = content[3]
        shape = np.frombuffer(content, ">u4", count=n_axes, offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)
