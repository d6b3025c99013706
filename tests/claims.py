"""Numbers of a page against the stored outputs and records that they come from.

A claim is a piece of the page, the source of its numbers, and the line that stands there: ``#``
is a number, ``*`` anything within the line. The numbers of the piece have to be those at the
``#``, in their order and to the digit.
"""

import functools
import re

import nbformat
from conftest import ROOT

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"

SHARE = "#% (#% to #%)"
SPACED = "# % (# % to # %)"
BARE = "# (#–#)"
MEAN = "# (# to #)"  # of repetitions, with the lowest and the highest
FOLDS = "# % (# % to # % in # folds)"
POINTS = "*# points (*# to *#)"  # with or without signs
WORDS = {"@share": SHARE, "@spaced": SPACED, "@bare": BARE, "@mean": MEAN}
WORDS |= {"@folds": FOLDS, "@points": POINTS}


@functools.cache
def source(name):
    """The text that a claim is compared with."""
    if name == "results":
        return (ROOT / "book" / "results.md").read_text(encoding="utf-8")
    if not name[0].isdigit():
        return (ROOT / "results" / "benchmarks" / f"{name}.md").read_text(encoding="utf-8")
    (path,) = ROOT.glob(f"notebooks/{name[:2]}_*.ipynb")
    cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    if name.endswith("code"):
        return "\n".join(cell.source for cell in cells)
    outputs = [output for cell in cells for output in cell.outputs]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/markdown", "") for o in outputs)


def at_the_numbers(pattern, text):
    """What stands at each ``#`` of a pattern, wherever it occurs: a set of tuples."""
    for word, meaning in WORDS.items():
        pattern = pattern.replace(word, meaning)
    start, end = pattern.startswith("^"), pattern.endswith("$")
    expression = re.escape(pattern[start : len(pattern) - end])
    expression = expression.replace(r"\#", f"({NUMBER})").replace(r"\*", r"[^\n|]*?")
    expression = "^" * start + expression + "$" * end
    return {match.groups() for match in re.finditer(expression, text, re.MULTILINE)}


def numbers(piece):
    return tuple(re.findall(rf"(?<![\w.,]){NUMBER}", piece))


def fault(piece, pattern, page, text):
    """What is wrong with a claim, or None."""
    start = r"(?<![\d.,])" if piece[0].isdigit() else ""  # 9.8 is not in 19.8
    if not re.search(start + re.escape(piece) + r"(?![.,]?\d)", page):
        return f"the page does not say {piece!r}"
    found = at_the_numbers(pattern, text)
    if found != {numbers(piece)}:
        return f"the page says {piece!r}, and its source {sorted(found)}"
    return None
