"""A training's state in one file, whole or not there at all."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

Arrays = Mapping[str, Sequence[np.ndarray]]


def write_checkpoint(path: Path, record: dict, arrays: Arrays) -> None:
    """Write a record and groups of arrays as one ``.npz`` file.

    The file is written under another name first and then renamed, so that a process that is
    killed at any moment leaves the old file or the new one.
    """
    named: dict = {f"{group}/{i}": a for group in arrays for i, a in enumerate(arrays[group])}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, record=np.array(json.dumps(record)), **named)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:  # where the disk is full, the part that was written would fill it further
        partial.unlink(missing_ok=True)


def read_checkpoint(path: Path) -> tuple[dict, dict[str, list[np.ndarray]]]:
    """The record and the groups of arrays of :func:`write_checkpoint`."""
    arrays: dict[str, list[np.ndarray]] = {}
    with np.load(path) as file:
        record = json.loads(str(file["record"]))
        for name in file.files:
            if name != "record":
                arrays.setdefault(name.rpartition("/")[0], []).append(file[name])
    return record, arrays


def values(variables: Iterable) -> list[np.ndarray]:
    """Copies of variables as NumPy arrays."""
    return [np.array(ops.convert_to_numpy(v.value)) for v in variables]


def assign(variables: Sequence, arrays: Sequence[np.ndarray]) -> None:
    """Give variables their values back."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def digest(*parts) -> str:
    """A short name for arrays and plain values: equal for equal ones only."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype} {part.shape}".encode())
            found.update(np.ascontiguousarray(part).data)
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
    return found.hexdigest()[:16]


def architecture(model: keras.Model) -> list[dict]:
    """The settings of all layers inside, without the names that Keras counts up by itself."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += architecture(layer)
        else:
            found.append({k: v for k, v in layer.get_config().items() if k != "name"})
    return found


def require_equal(asked: dict, found: dict, path: Path) -> None:
    """Refuse a checkpoint of other settings, and say which ones they are."""
    asked = json.loads(json.dumps(asked, default=str))
    other = [key for key in asked if asked[key] != found.get(key)]
    if other:
        said = "; ".join(f"{key} is {asked[key]}, there {found.get(key)}" for key in other)
        raise ValueError(
            f"{path} is the checkpoint of another training: {said}. "
            "Give each training a folder of its own, or remove the file to start again."
        )
