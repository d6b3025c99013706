"""Write the repository's address from _config.yml into the first code cell of each chapter.

A chapter that is opened alone, as on Colab, has no package beside it and no _config.yml to
ask: the cell fetches the book from the address that this program wrote into it.

python tools/address.py
"""

import functools
from pathlib import Path

import nbformat
import yaml

from siamese_utils._files import write_whole

ROOT = Path(__file__).resolve().parents[1]
TAG = "fetch-the-book"  # the cell is no part of what a chapter computes
CELL = """\
# Opened alone, as on Colab, a chapter fetches the book.
# Elsewhere this cell does nothing.
import importlib.util
import os
import subprocess
import sys

repository = "{address}"  # from _config.yml, by `make address`
if not importlib.util.find_spec("siamese_utils"):
    if not repository:
        raise ModuleNotFoundError(
            "siamese_utils: open this chapter in a copy of the book"
        )
    if not os.path.exists("book"):
        subprocess.run(
            ["git", "clone", "--quiet", "--depth=1", repository, "book"],
            check=True,
        )
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "./book"],
        check=True,
    )
    importlib.invalidate_caches()
# what was fetched, after a restart of the kernel, too
if os.path.exists("book/notebooks"):
    os.chdir("book/notebooks")"""


def address() -> str:
    """The repository's address of _config.yml; empty where the book has none."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"]


def first_cell(url: str) -> nbformat.NotebookNode:
    """The cell that fetches the book, which the pages do not show."""
    cell = nbformat.v4.new_code_cell(CELL.format(address=url), id=TAG)
    cell.metadata["tags"] = [TAG, "remove-cell"]
    return cell


def with_first_cell(notebook: nbformat.NotebookNode, url: str) -> nbformat.NotebookNode:
    """The notebook, with the cell before its other code."""
    cells = [c for c in notebook.cells if TAG not in c.metadata.get("tags", [])]
    at = [c.cell_type for c in cells].index("code")
    old = [c for c in notebook.cells if TAG in c.metadata.get("tags", [])]
    new = first_cell(url)
    new.execution_count = old[0].execution_count if old else None
    notebook.cells = [*cells[:at], new, *cells[at:]]
    return notebook


def main() -> None:
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        notebook = with_first_cell(nbformat.read(path, as_version=4), address())
        write_whole(path, functools.partial(nbformat.write, notebook))
    print(f"the chapters fetch the book from {address() or 'nowhere: repository.url is empty'}")


if __name__ == "__main__":
    main()
