"""The record of a run: what was measured, with which settings, on what machine."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import keras

_REQUIRED = ("name", "profile", "settings", "metrics", "seconds", "provenance")
_BACKEND_PACKAGES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def provenance() -> dict[str, Any]:
    """Date, hardware, backend and versions of this run."""
    backend = keras.backend.backend()
    packages = ("keras", "numpy", _BACKEND_PACKAGES[backend])
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "hardware": _hardware(),
        "backend": backend,
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def _hardware() -> str:
    """The first GPU that Keras' backend sees, else the processor and its cores."""
    try:
        names = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
    except (FileNotFoundError, subprocess.CalledProcessError):
        names = []
    if names:
        return names[0]
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [ln for ln in cpuinfo.read_text().splitlines() if ln.startswith("model name")]
        processor = models[0].split(":", 1)[1].strip() if models else processor
    return f"{processor}, {os.cpu_count()} cores"


def write(
    path: str | Path,
    name: str,
    profile: str,
    settings: dict[str, Any],
    metrics: dict[str, Any],
    seconds: float,
) -> None:
    """Write the record of a run as JSON, whole or not at all.

    Parameters
    ----------
    path : file to write; its folder is made if need be
    name : what ran, such as ``"03_mnist_pairs"``
    profile : str
    settings : dict
        All that was chosen before the run.
    metrics : dict
        Numbers, strings, lists and dicts of them; shares in [0, 1].
    seconds : float
        Wall-clock time of the run.

    Raises
    ------
    TypeError
        If a value is not plain JSON (a NumPy array, say); nothing is written.
    """
    record = {
        "name": name,
        "profile": profile,
        "settings": settings,
        "metrics": metrics,
        "seconds": round(seconds, 1),
        "provenance": provenance(),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str | Path) -> dict[str, Any]:
    """Read a record that :func:`write` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such record.
    ValueError
        If the file is not a whole record.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not valid JSON ({error}). Restore it, or run the chapter again."
        ) from error
    missing = [key for key in _REQUIRED if not isinstance(record, dict) or key not in record]
    if missing:
        raise ValueError(
            f"{path} is not the record of a run: it lacks {', '.join(missing)}. "
            "Restore it, or run the chapter again."
        )
    return record
