"""What a training's checkpoint holds: the values of variables, and which training it is of."""

import errno
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from keras import ops


def checkpoint_path(folder: str | Path | None) -> Path | None:
    """The checkpoint in a folder, neither of which has to be there yet; None without a folder."""
    path = Path(folder).expanduser() / "checkpoint.npz" if folder else None
    if path and path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "A file; expected a folder", str(folder))
    return path


def values(variables: Iterable) -> list[np.ndarray]:
    """Copies of variables as NumPy arrays."""
    return [np.array(ops.convert_to_numpy(v.value)) for v in variables]


def assign(variables: Sequence, arrays: Sequence[np.ndarray]) -> None:
    """Give variables their values back."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def require_equal(asked: dict, found: dict, path: Path) -> None:
    """Refuse a checkpoint of other settings, and say which ones they are."""
    other = [key for key in asked if json.dumps(asked[key]) != json.dumps(found.get(key))]
    if other:
        said = "; ".join(f"{key} is {asked[key]}, there {found.get(key)}" for key in other)
        raise ValueError(
            f"{path} is the checkpoint of another training: {said}. "
            "Give each training a folder of its own, or remove the file to start again. To go on "
            "with a training, make network and optimizer anew, from the same random seed."
        )
