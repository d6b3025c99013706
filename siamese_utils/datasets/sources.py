"""Find a data file, or download it, and verify what it holds.

A file is looked for below ``SIAMESE_DATA_DIR``, then below the user's cache, and
is downloaded into that cache when it is in neither place. A download must match the
publisher's checksum; whatever the source, the decoded pixels must match a content
digest, so that a re-packed archive passes and a corrupt one does not.
"""

import logging
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

with warnings.catch_warnings():
    # tqdm, which pooch imports for bars that this book does not draw, would ask for widgets.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import pooch
from filelock import FileLock, Timeout

from .._files import digest, first_line, write_whole
from .._warn import warn

CONNECT_TIMEOUT = 30  # seconds without an answer before the next mirror is tried


class DataError(RuntimeError):
    """Data that cannot be found, read or trusted; the message says what to do.

    Examples
    --------
    >>> from siamese_utils.datasets import load_image_folder
    >>> try:
    ...     load_image_folder("no-such-folder", size=32)
    ... except DataError as error:
    ...     print(error)  # doctest: +ELLIPSIS
    no-such-folder is not a folder. Expected a folder with one subfolder for each class. Correct...
    """


@dataclass(frozen=True)
class Source:
    """Where one file of a data set comes from.

    ``path`` is relative to the data directory, ``checksum`` is the publisher's
    (``"md5:…"`` or ``"sha256:…"``), and ``urls`` are tried in order.
    """

    path: str
    checksum: str
    urls: tuple[str, ...]


def cache_dir() -> Path:
    """The user's cache directory of this book; it need not exist."""
    return Path(pooch.os_cache("siamese-book"))


def locate(source: Source) -> Path:
    """Return the path of a data file, downloading it if it is nowhere on this machine.

    Raises
    ------
    DataError
        If ``SIAMESE_DATA_DIR`` names no directory, the cache cannot be written to, or every
        mirror failed.
    """
    data_dir = os.environ.get("SIAMESE_DATA_DIR")
    if data_dir:
        folder = Path(os.path.expanduser(data_dir))  # unlike Path's, no error for an unknown user
        if not folder.is_dir():
            raise DataError(
                f"SIAMESE_DATA_DIR is {data_dir!r}, which is not a directory. Correct the "
                "path, or unset the variable to download the data into the user cache."
            )
        supplied = folder / source.path
        if supplied.exists():
            return supplied
    cached = cache_dir() / source.path
    if not cached.exists():
        _download(source, cached)
    return cached


def _download(source: Source, target: Path) -> None:
    """Fetch a source from the first mirror whose bytes match the checksum."""
    with _alone(target):
        if target.exists():
            return  # by the run that was waited for
        failures = []
        for url in source.urls:
            print(f"Downloading {source.path} from {url}")
            try:
                # pooch writes to a temporary name, verifies, then renames: nothing half-written.
                with _quiet_pooch():
                    pooch.retrieve(
                        url,
                        known_hash=source.checksum,
                        fname=target.name,
                        path=target.parent,
                        downloader=pooch.HTTPDownloader(timeout=CONNECT_TIMEOUT),
                    )
                return
            # A failed request is an OSError, a checksum that differs a ValueError.
            except (OSError, ValueError) as error:
                failures.append(f"  {url}: {first_line(error)}")
    raise DataError(
        f"Could not download {source.path}. Tried, in order:\n"
        + "\n".join(failures)
        + f"\nExpected {source.checksum}. To supply the file by hand, save it as\n  {target}\n"
        f"or as {source.path} below a folder of yours, and set SIAMESE_DATA_DIR to that folder."
    )


@contextmanager
def _quiet_pooch() -> Iterator[None]:
    """Suppress what pooch logs on stderr at each step: a notebook shows it as a red box."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one run at a time download into the cache; the others wait, and say so.

    The system takes the lock from a run that dies; what is left is an empty file.
    """
    lock = FileLock(cache_dir() / ".lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print("Another run is downloading data; waiting for it")
            lock.acquire()
    except OSError as error:
        raise DataError(
            f"The cache {target.parent} cannot be written to ({first_line(error)}). Make it "
            "writable, or put the files into a folder of yours and set SIAMESE_DATA_DIR to it."
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what zip, gzip and image decoders raise for a bad file into :class:`DataError`."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        LookupError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise DataError(
            f"{path} cannot be read ({first_line(error)}). Expected a complete archive as its "
            "publisher ships it. Delete the file so that it is downloaded again, or replace it."
        ) from error


def verify_content(path: Path, arrays: Iterable[np.ndarray], expected: str) -> None:
    """Raise :class:`DataError` unless the decoded arrays have the expected digest."""
    found = digest(arrays)
    if found != expected:
        raise DataError(
            f"{path} decodes, but not to the expected pixels: content digest {found[:16]}…, "
            f"expected {expected[:16]}…. Delete the file so that it is downloaded again, "
            "or replace it with the publisher's."
        )


def memory_mapped(name: str, expected: str, decode: Callable[[], np.ndarray]) -> np.ndarray:
    """Return ``decode()`` as a read-only memory map that is kept for the next call.

    A file that is there already is mapped only if its content has the expected digest; any other
    one is decoded and written again. The digest is part of the file's name, too, so that two
    versions of this package do not write each other's files anew. Where the cache cannot be
    written, the array is returned from memory with a warning: slower next time, but right.
    """
    path = cache_dir() / "decoded" / f"{name}-{expected[:16]}.npy"
    # Not there, not readable, cut short by a full disk, or another content: decode it.
    with suppress(OSError, ValueError, EOFError):
        return _map(path, expected)
    array = decode()
    try:
        write_whole(path, lambda temporary: np.save(temporary, array))
        return _map(path, expected)
    except (OSError, ValueError) as error:
        warn(
            f"The decoded copy of {name} could not be written to {path} "
            f"({first_line(error)}); it will be decoded again next time.",
        )
        array.setflags(write=False)
        return array


def _map(path: Path, expected: str) -> np.ndarray:
    """The file as a plain array: a ``memmap`` object leaks its type into every result.

    Raises
    ------
    ValueError
        If it holds another type, shape or content than that of the expected digest.
    """
    array = np.asarray(np.load(path, mmap_mode="r"))
    if array.dtype.hasobject or digest([array]) != expected:
        raise ValueError(f"{path} holds {array.dtype} {array.shape} of another digest")
    return array
