"""The record of a run: what was measured, with which settings, on what machine."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from .._files import write_whole

_REQUIRED = {
    "name": str,
    "profile": str,
    "settings": dict,
    "metrics": dict,
    "seconds": int | float,
    "provenance": dict,
}
_ORIGIN = ("date", "hardware", "backend", "python", "versions")
_WRITTEN = (":(top,exclude)results", ":(top,exclude)siamese_utils/models/pretrained")


def provenance() -> dict[str, Any]:
    """Date, commit, hardware, backend and versions of this run.

    Returns
    -------
    dict
        ``date`` (ISO, of UTC), ``commit`` (None outside a checkout of the book, and with
        ``-dirty`` where a file differs from it), ``hardware``, ``backend``, ``python``, and
        ``versions`` of Keras, NumPy and the backend: all of it plain JSON.

    Examples
    --------
    >>> import keras
    >>> found = provenance()
    >>> sorted(found)
    ['backend', 'commit', 'date', 'hardware', 'python', 'versions']
    >>> found["backend"] == keras.backend.backend(), len(found["versions"])
    (True, 3)
    """
    # Here, because who reads a record needs no backend, and a chapter sets up before Keras.
    import keras

    from .._backend import has_gpu

    backend = keras.backend.backend()
    packages = ("keras", "numpy", backend)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _commit(Path(__file__).parents[1]),
        "hardware": _hardware(has_gpu()),
        "backend": backend,
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }


def _commit(package: Path) -> str | None:
    """HEAD of the checkout that the package lies in, or None where it lies in no checkout.

    ``-dirty`` follows where a tracked file differs from it. The records and the ready encoders
    do not count: a run of all chapters writes them one after the other, and they change no
    result of another.
    """
    git = ["git", "--no-optional-locks", "-C", str(package)]
    try:
        prefix, head = _lines([*git, "rev-parse", "--show-prefix", "HEAD"])
        # An environment inside the checkout of something else is not a checkout of the book.
        if prefix != f"{package.name}/":
            return None
        status = [*git, "status", "--porcelain", "--untracked-files=no", "--"]
        changed = _lines([*status, ":/", *_WRITTEN])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return f"{head}-dirty" if changed else head


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _hardware(on_gpu: bool) -> str:
    """The name of the first GPU, or of the processor with the cores that this process may use."""
    if on_gpu:
        try:
            return _lines(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])[0]
        except (OSError, IndexError, subprocess.CalledProcessError):
            return "a GPU whose name nvidia-smi does not tell"
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [ln for ln in cpuinfo.read_text().splitlines() if ln.startswith("model name")]
        processor = models[0].split(":", 1)[1].strip() if models else processor
    # Fewer than there are under taskset or in a container; not every system can tell.
    affinity = getattr(os, "sched_getaffinity", None)
    n_cores = len(affinity(0)) if affinity else os.cpu_count()
    return f"{processor}, {n_cores} core{'' if n_cores == 1 else 's'}"


def write_record(
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
    path : str or Path
        The file to write; its folder is made if need be.
    name : str
        What ran, such as ``"03_mnist_pairs"``.
    profile : str
        The size at which it ran, such as ``"quick"``.
    settings : dict
        All that was chosen before the run.
    metrics : dict
        Numbers, strings, lists and dicts of them; shares in [0, 1].
    seconds : float
        Wall-clock time of the run, written to a tenth.

    Raises
    ------
    TypeError
        If a value is not plain JSON (a NumPy array, say); nothing is written.
    ValueError
        If a number is not finite; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "quick" / "trial.json"
    ...     write_record(path, "trial", "quick", {"n_steps": 100}, {"accuracy": 0.5}, seconds=12.34)
    ...     record = read_record(path)
    >>> record["metrics"], record["seconds"]
    ({'accuracy': 0.5}, 12.3)
    """
    record = {
        "name": name,
        "profile": profile,
        "settings": settings,
        "metrics": metrics,
        "seconds": round(seconds, 1),
        "provenance": provenance(),
    }
    store_record(path, record)


def store_record(path: str | Path, record: dict[str, Any]) -> None:
    """Write a record that is complete already as JSON, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is made if need be.
    record : dict
        As :func:`read_record` returns it.

    Raises
    ------
    TypeError
        If a value is not plain JSON; nothing is written.
    ValueError
        If a number is not finite; nothing is written.

    Examples
    --------
    A value that JSON does not have leaves no file:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     try:
    ...         store_record(Path(folder) / "trial.json", {"metrics": {"loss": float("nan")}})
    ...     except ValueError:
    ...         print(os.listdir(folder))
    []
    """
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(
        Path(path).expanduser(), lambda temporary: temporary.write_text(text, encoding="utf-8")
    )


def read_record(path: str | Path) -> dict[str, Any]:
    """Read a record that :func:`write_record` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        With the keys ``name``, ``profile``, ``settings``, ``metrics``, ``seconds`` (float) and
        ``provenance``, as :func:`write_record` and :func:`provenance` describe them.

    Raises
    ------
    FileNotFoundError
        If there is no such record.
    ValueError
        If the file is not a whole record.

    Examples
    --------
    A file that lacks something is named, with what it lacks:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store_record(Path(folder) / "trial.json", {"name": "trial", "profile": "quick"})
    ...     read_record(Path(folder) / "trial.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: ...trial.json is not the record of a run: it lacks settings, metrics, ...
    """
    try:
        record = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not valid JSON ({error}). Restore it, or run the chapter again."
        ) from error
    found = record if isinstance(record, dict) else {}
    missing = [key for key, kind in _REQUIRED.items() if not isinstance(found.get(key), kind)]
    if "provenance" not in missing:
        missing += [f"provenance/{key}" for key in _ORIGIN if key not in found["provenance"]]
    if missing:
        raise ValueError(
            f"{path} is not the record of a run: it lacks {', '.join(missing)}. "
            "Restore it, or run the chapter again."
        )
    return record
