"""A record that grows by one training at a time, and repeats none."""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock

from siamese_utils import chapters


class Entries:
    """The entries of one file in results/recorded, by name.

    Parameters
    ----------
    path : Path
    experiment : str
        Name of the script, for the record.
    """

    def __init__(self, path: Path, experiment: str):
        self.path, self.experiment = path, experiment

    def read(self) -> dict:
        """All entries; none before the first training."""
        return chapters.read_record(self.path)["metrics"] if self.path.exists() else {}

    def entry(self, name: str, settings: dict, measure: Callable[..., dict], *arguments) -> dict:
        """What was measured with these settings; measured now and kept unless it is there.

        Parameters
        ----------
        name : str
        settings : dict
            All that decides the outcome, of plain values. With others, it is measured anew.
        measure : function
            Of the arguments, to plain values by name.

        Returns
        -------
        dict
            The settings, what was measured, ``"seconds"`` and ``"provenance"``.
        """
        found = self.read().get(name)
        if found and all(found.get(key) == value for key, value in settings.items()):
            return found
        provenance = chapters.provenance()  # of now: the files may be changed while it trains
        start = time.perf_counter()
        measured = measure(*arguments)
        seconds = round(time.perf_counter() - start, 1)
        found = {**settings, **measured, "seconds": seconds, "provenance": provenance}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):  # another process may add to it at the same time
            metrics = self.read() | {name: found}
            total = sum(each["seconds"] for each in metrics.values())
            chapters.write_record(self.path, self.experiment, "recorded", {}, metrics, total)
        print(time.strftime("%H:%M:%S"), name, f"{seconds:.0f} s", flush=True)
        return found


def plain(values: dict[str, float]) -> str:
    """Values by name as words, for the name of an entry: ``rate 0.001, margin 0.5``."""
    return ", ".join(f"{name} {value:g}" for name, value in values.items())


def parts_asked_for(description: str, parts: Iterable[str]) -> list[str]:
    """The parts that the command line names, or all; another name ends the program."""
    parts = list(parts)
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("part", nargs="*", help=f"some of {', '.join(parts)}; all if none is named")
    asked = parser.parse_args().part
    unknown = sorted(set(asked) - set(parts))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(parts)}")
    return asked or parts
