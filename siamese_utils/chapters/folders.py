"""Folders of example images, written whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..datasets import DataError


def write_folder(root: str | Path, files: Iterable[tuple[str, bytes]], what: str) -> Path:
    """Write files below a folder that is new or empty, or that holds just these files.

    Parameters
    ----------
    root : path
    files : pairs of the name below ``root``, with ``/``, and the content
    what : str
        What the files are, for the message of the error.

    Returns
    -------
    Path
        ``root``, with the home folder in place of ``~``.

    Raises
    ------
    DataError
        If ``root`` is a file, or holds anything else.
    """
    root = Path(root).expanduser()
    root.parent.mkdir(parents=True, exist_ok=True)
    # A sibling, because a folder can only be renamed within one disk.
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as scratch:
        partial = Path(scratch) / root.name
        for name, content in files:
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()
        if not root.exists():
            os.replace(partial, root)
        elif _contents(root) != _contents(partial):
            raise DataError(
                f"{root} holds other files than these {what}. Expected a new or an empty "
                "folder, or one that this function wrote with the same arguments. "
                "Give another path, or remove the folder if you do not need it."
            )
    return root


def _contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of each file in a folder; of a file, nothing."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}
