"""Files that are written whole or not at all, arrays on disk without pickle, and digests."""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

Arrays = Mapping[str, Sequence[np.ndarray]]


def write_whole(path: str | Path, write: Callable[[Path], object]) -> None:
    """Write a file, whole or not at all; its folder is made if need be.

    ``write`` is called with a temporary name in the same folder, with the same ending. What it
    wrote is forced to the disk and then renamed, so that a process that is killed at any moment
    leaves the old file or the new one, and nobody reads half a file. Each call has a temporary
    name of its own: threads and processes that write one file at once do not meet, and the last
    one to finish stays. A file that was there keeps its mode, and a symbolic link stays a link:
    the file that it points to is written.

    Parameters
    ----------
    path : str or Path
    write : function (Path) -> anything
        Writes the whole file under the name that it gets.

    Raises
    ------
    OSError
        If the disk is full, the folder cannot be written to, or the path is a folder. The old
        file stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "new" / "note.txt"
    ...     write_whole(path, lambda temporary: temporary.write_text("whole"))
    ...     path.read_text(), os.listdir(path.parent)
    ('whole', ['note.txt'])
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():  # renaming would say so too, but only after everything was written
        raise IsADirectoryError(errno.EISDIR, "A folder; expected the name of a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:50]}-{secrets.token_hex(8)}{path.suffix}")
    try:
        # Made here, and not by ``write``, so that a folder that cannot be written to is noticed
        # first. The system takes the user's mask off the mode by itself.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        error.filename = str(path)  # the name that the caller knows
        raise
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):  # there is no old file
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        os.replace(temporary, path)
    finally:  # where the disk is full, the part that was written would fill it further
        temporary.unlink(missing_ok=True)


def write_arrays(path: str | Path, record: dict, arrays: Arrays) -> None:
    """Write a record and groups of arrays as one ``.npz`` file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    record : dict
        Of plain values, as JSON has them.
    arrays : mapping from a group's name to a sequence of arrays
        Of any type of numbers, bfloat16 included.
    """
    named: dict = {}
    for group in arrays:
        for i, array in enumerate(arrays[group]):
            name, found = f"{group}/{i}", np.asarray(array)
            if found.dtype.kind == "V":  # bfloat16, which NumPy's format does not know
                name, found = f"{name}:{found.dtype.name}", found.view(f"u{found.itemsize}")
            named[name] = found

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, record=np.array(json.dumps(record)), **named)

    write_whole(path, write)


def read_arrays(path: str | Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """The record and the groups of arrays of ``write_arrays``; pickled objects are refused."""
    arrays: dict[str, list[np.ndarray]] = {}
    with np.load(path) as file:
        record = json.loads(str(file["record"]))
        for name in file.files:
            if name != "record":
                key, _, kind = name.partition(":")
                array = file[name].view(kind) if kind else file[name]
                arrays.setdefault(key.rpartition("/")[0], []).append(array)
    return record, arrays


def digest(parts: Iterable) -> str:
    """SHA-256 over arrays (type, shape and bytes) and plain values (as JSON): 64 hex digits.

    Equal parts give equal digests, however the arrays lie in memory or were packed in a file.

    Parameters
    ----------
    parts : iterable of arrays and plain values

    Returns
    -------
    str

    Raises
    ------
    TypeError
        For what is neither, and for arrays of objects: their bytes are addresses in memory.

    Examples
    --------
    >>> table = np.arange(6).reshape(2, 3)
    >>> digest([table, "x"]) == digest([np.asfortranarray(table), "x"])
    True
    >>> digest([table]) == digest([table.ravel()])
    False
    """
    found, after_plain = hashlib.sha256(), False
    for part in parts:
        if isinstance(part, np.ndarray):
            if part.dtype.hasobject:
                raise TypeError(f"an array of type {part.dtype} has no digest; expected numbers")
            found.update(f"{part.dtype} {part.shape}".encode())
            # As bytes, because bfloat16 and dates cannot be read as a buffer of their own type.
            found.update(np.ascontiguousarray(part).reshape(-1).view("uint8").data)
        else:
            if after_plain:  # so that 1 and 2 are not 12
                found.update(b"\n")
            found.update(json.dumps(part, sort_keys=True).encode())
        after_plain = not isinstance(part, np.ndarray)
    return found.hexdigest()


def first_line(error: Exception) -> str:
    """An exception in one line, for use inside another message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
