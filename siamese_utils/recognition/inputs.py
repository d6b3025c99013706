"""What a recognizer is given: paths or arrays, and images that are no good to it."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._warn import warn
from .reading import Reading

LIGHT, DARK, UNCLEAR = 1, 0, -1  # the background of an image, around what it shows


def is_path(value) -> bool:
    """Whether a value is the path of a file."""
    return isinstance(value, str | Path)


def are_paths(values) -> bool:
    """Whether values are a sequence of paths, and not an array of numbers.

    A single path is a sequence of letters, too: ``ValueError``.
    """
    if is_path(values):
        raise ValueError(
            f"images are one path, {str(values)!r}; expected a list: [{str(values)!r}]"
        )
    if isinstance(values, np.ndarray):
        return values.dtype.kind == "U"
    return isinstance(values, Sequence) and len(values) > 0 and all(map(is_path, values))


def blocks(values, n: int) -> Iterator[tuple[int, Any]]:
    """Up to ``n`` of some values at a time, and the number of the first of them.

    What is neither an array nor a list is passed on whole, to whoever refuses it.
    """
    if isinstance(values, np.ndarray | list | tuple) and len(values):
        for start in range(0, len(values), n):
            yield start, values[start : start + n]
    else:
        yield 0, values


def refuse_blank(images: np.ndarray, names, start: int) -> None:
    """``ValueError`` if an image has one colour only: there is nothing to recognize in it.

    The images are numbered from ``start``.
    """
    spread = np.ptp(images.reshape(len(images), -1), axis=1)
    for i in np.flatnonzero(spread < 1 / 255):
        which = f"image {start + i}" + (f", {names[i]}," if are_paths(names) else "")
        raise ValueError(
            f"{which} is of one colour; expected something to recognize. Leave it out, or look "
            "whether it was read as it was meant, as a white drawing on white."
        )


def warn_of_same_files(paths: Sequence[Path]) -> None:
    """Warn where files of a folder have the same bytes, and name the first three such pairs."""
    first: dict[bytes, Path] = {}
    pairs = []
    for path in paths:
        known = first.setdefault(hashlib.sha256(path.read_bytes()).digest(), path)
        if known is not path:
            pairs.append(f"{'/'.join(known.parts[-2:])} and {'/'.join(path.parts[-2:])}")
    if pairs:
        more = f", and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        warn(
            f"the same image is there twice: {', '.join(pairs[:3])}{more}. In one class it makes "
            "the images more alike than they are, and in two it is wrong in one of them. Keep one "
            "file of each image.",
        )


def backgrounds(images: np.ndarray, reading: Reading) -> np.ndarray:
    """The background of each image as it is embedded, int (n,): it matters for drawings only.

    Read as ink, every background is 0, and colours are no drawings: then it is ``UNCLEAR``.
    """
    if reading.polarity == "ink" or reading.channels != 1:
        return np.full(len(images), UNCLEAR)
    border = np.ones(reading.size, bool)
    border[1:-1, 1:-1] = False
    # (n, height, width, 1) to (n, pixels of the border)
    light = np.median(images[:, border, 0], axis=1) > 0.5
    return np.where(light, LIGHT, DARK)


def warn_of_backgrounds(some: np.ndarray, others: np.ndarray, name: str, other: str) -> None:
    """Warn where dark drawings on a light background meet light ones on a dark one."""
    one, another = _one_way(some), _one_way(others)
    if one and another and one != another:
        warn(
            f"{name} has a {one} background and {other} a {another} one. For drawings, let the "
            'recognizer read both alike: reading=Reading(size, 1, polarity="ink").',
        )


def _one_way(found: np.ndarray) -> str | None:
    """ "light" or "dark" where nearly all images have such a background, else None."""
    for value, name in ((LIGHT, "light"), (DARK, "dark")):
        if np.mean(found == value) >= 0.9:
            return name
    return None
