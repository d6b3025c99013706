"""How often the test data were looked at: every measurement on them is counted where it is made."""

import json
from pathlib import Path

from filelock import FileLock

from siamese_utils import chapters
from siamese_utils._files import write_whole

PATH = Path(__file__).resolve().parents[1] / "results" / "looks.json"


def count(test_set: str, by: str, path: Path = PATH) -> None:
    """Note that a system was measured on a test set, before its result is seen.

    Parameters
    ----------
    test_set : str
        Such as ``"official runs"``.
    by : str
        What was measured, as its record names it.
    path : Path
        The file that is added to.
    """
    origin = chapters.provenance()
    look = {"by": by, "date": origin["date"], "commit": origin["commit"]}
    with FileLock(f"{path}.lock"):  # two trainings may look at the same time
        looks = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        looks.setdefault(test_set, []).append(look)
        text = json.dumps(looks, indent=1, ensure_ascii=False) + "\n"
        write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
