"""The parameters of a chapter: checked before anything is trained with them."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A value of each type, in the parameters cell and as papermill has to be given it. Behind -p
# papermill takes for a number what looks like one; behind -r everything is text.
_REMEDIES = {
    bool: ("False", "-p {name} False"),
    int: ("3", "-p {name} 3"),
    float: ("0.5", "-p {name} 0.5"),
    str: ('"{value}"', "-r {name} {value}"),
}
_FILES = ("record",)  # parameters that name a file to be written, if they name anything
_FOLDERS = ("checkpoints", "keep")  # and those that name a folder


def check_parameters(namespace: Mapping[str, Any]) -> None:
    """Refuse a chapter's parameters that are of another type than they are annotated with.

    A chapter calls ``check_parameters(globals())`` before it trains anything. In its parameters
    cell each name has its type, ``ink_is_dark: bool = True``. The cell that papermill puts
    behind it has none, and papermill passes on what it does not understand as text: the value of
    ``-p ink_is_dark false`` is the string "false", which Python takes for true.

    A whole number will do where a float is expected; a bool is no number. Numbers are finite.
    ``record`` has to be a file that can be written, and ``checkpoints`` and ``keep`` folders
    that exist already or can be made, unless they are empty.

    Parameters
    ----------
    namespace : mapping
        The variables of the chapter, with their ``__annotations__``.

    Raises
    ------
    TypeError
        For a value of another type, and if no parameter has a type.
    ValueError
        For a number that is not finite, and for a place that cannot be written to.

    Examples
    --------
    >>> check_parameters({"seed": 1, "__annotations__": {"seed": int}})
    >>> check_parameters({"mirror": "false", "__annotations__": {"mirror": bool}})
    Traceback (most recent call last):
        ...
    TypeError: the parameter mirror is 'false', a str; expected a bool. Write mirror = False in \
the parameters cell, or -p mirror False for papermill.
    """
    annotations = namespace.get("__annotations__", {})
    if not annotations:
        raise TypeError(
            "no parameter has a type, so that none can be checked. Give each its type in the "
            "parameters cell: seed: int = 1"
        )
    for name, expected in annotations.items():
        value = namespace[name]
        _check_type(name, value, expected)
        if name in _FILES + _FOLDERS and value:
            _check_place(name, Path(value).expanduser(), is_folder=name in _FOLDERS)


def _check_type(name: str, value: Any, expected: type) -> None:
    accepted = (float, int) if expected is float else (expected,)
    # By type, not isinstance: to Python a bool is an int.
    if type(value) not in accepted:
        written, given = (each.format(name=name, value=value) for each in _REMEDIES[expected])
        raise TypeError(
            f"the parameter {name} is {value!r}, a {type(value).__name__}; expected a "
            f"{expected.__name__}. Write {name} = {written} in the parameters cell, or {given} "
            "for papermill."
        )
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f"the parameter {name} is {value}; expected a finite number")


def _check_place(name: str, path: Path, is_folder: bool) -> None:
    """Whether there is a file or a folder of this path, or can be one."""
    kind = "folder" if is_folder else "file"
    if path.exists() and path.is_dir() != is_folder:
        other = "a file" if is_folder else "a folder"
        raise ValueError(f"the parameter {name} names {path}, which is {other}; expected a {kind}")
    above = path if is_folder else path.parent  # where something will be written
    while not above.exists():
        above = above.parent
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise ValueError(
            f"the parameter {name} names {path}, and nothing can be written in {above}. Name a "
            f"{kind} elsewhere, or leave it empty."
        )
