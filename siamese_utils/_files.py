"""Files that are written whole or not at all, arrays on disk without pickle, and digests."""

import hashlib
import json
import os
import tempfile
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
    one to finish stays.

    Parameters
    ----------
    path : str or Path
    write : function (Path) -> anything
        Writes the whole file under the name that it gets.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written to. The old file stays.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "new" / "note.txt"
    ...     write_whole(path, lambda temporary: temporary.write_text("whole"))
    ...     path.read_text(), os.listdir(path.parent)
    ('whole', ['note.txt'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(f"{path.suffix}", f".{path.stem}-", path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        # mkstemp lets nobody else read the file; a file of the user's own has their usual mode.
        temporary.chmod(_usual_mode())
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:  # where the disk is full, the part that was written would fill it further
        temporary.unlink(missing_ok=True)


def _usual_mode() -> int:
    """The mode of a new file; the process's mask can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return 0o666 & ~mask


def write_arrays(path: str | Path, record: dict, arrays: Arrays) -> None:
    """Write a record and groups of arrays as one ``.npz`` file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    record : dict
        Of plain values, as JSON has them.
    arrays : mapping from a group's name to a sequence of arrays
    """
    named: dict = {f"{group}/{i}": a for group in arrays for i, a in enumerate(arrays[group])}

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, record=np.array(json.dumps(record)), **named)

    write_whole(path, write)


def read_arrays(path: str | Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """The record and the groups of arrays of :func:`write_arrays`; pickled objects are refused."""
    arrays: dict[str, list[np.ndarray]] = {}
    with np.load(path) as file:
        record = json.loads(str(file["record"]))
        for name in file.files:
            if name != "record":
                arrays.setdefault(name.rpartition("/")[0], []).append(file[name])
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

    Examples
    --------
    >>> table = np.arange(6).reshape(2, 3)
    >>> digest([table, "x"]) == digest([np.asfortranarray(table), "x"])
    True
    >>> digest([table]) == digest([table.ravel()])
    False
    """
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype} {part.shape}".encode())
            found.update(np.ascontiguousarray(part).data)
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
    return found.hexdigest()


def first_line(error: Exception) -> str:
    """An exception in one line, for use inside another message."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
