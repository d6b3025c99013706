"""A folder of colour images to try things on: animals, fruit and vegetables as emoji."""

import zipfile
from pathlib import Path

from .folders import write_folder

ARCHIVE = Path(__file__).with_name("emoji.zip")  # made by tools/emoji.py, with its licenses


def write_emoji(root: str | Path) -> Path:
    """Write emoji as PNG files, ``root/lion/noto.png`` and so on.

    A class is an animal, a fruit or a vegetable, and its images are as three designers drew it:
    ``noto.png`` (Noto Emoji of Google, Apache License 2.0), ``twemoji.png`` (Twemoji of Twitter,
    CC BY 4.0) and ``openmoji.png`` (OpenMoji, CC BY-SA 4.0). There are 423 files of 141 classes,
    64 x 64 pixels, in colour on white.

    The folder is written whole or not at all. Called again, it finds its files there and
    leaves them; a folder with anything else in it is an error.

    Parameters
    ----------
    root : path
        The folder to write; it may exist if it is empty.

    Returns
    -------
    Path
        ``root``, with the home folder in place of ``~``.

    Raises
    ------
    DataError
        If ``root`` is a file, or holds anything else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = write_emoji(Path(folder) / "emoji")
    ...     print(len(list(root.iterdir())), *sorted(p.name for p in (root / "lion").iterdir()))
    141 noto.png openmoji.png twemoji.png
    """
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        return write_folder(root, ((name, archive.read(name)) for name in names), "emoji")
