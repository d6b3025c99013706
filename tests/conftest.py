"""What all tests share."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compilation import QUICK_XLA
from filelock import FileLock

from siamese_utils.chapters import set_up

ROOT = Path(__file__).resolve().parents[1]

if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.update(QUICK_XLA)
# As in a chapter: TensorFlow's small networks then take half of the time.
set_up()


def pytest_configure(config):
    """A backend that this run requires must be there: a test left out is not a test passed."""
    required = os.environ.get("SIAMESE_REQUIRE_BACKENDS", "").split()
    missing = [name for name in required if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(f"required backends that are not installed: {', '.join(missing)}")


def pages_listed() -> list[str]:
    """The pages of the book's contents, in order, without their endings."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [
        contents["root"],
        *(chapter["file"] for part in contents["parts"] for chapter in part["chapters"]),
    ]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built book, by the command of `make book`; warnings are errors.

    Where tests run in two processes, the second one waits for the book of the first.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    pages = shared / "book" / "_build" / "html"
    with FileLock(shared / "book.lock"):
        if not (pages / "index.html").exists():
            build(shared / "book")
    return pages


def build(output):
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(ROOT)]
    done = subprocess.run(
        [*command, "--path-output", str(output), "--all", "-W", "-n", "--keep-going"],
        capture_output=True,
        text=True,
    )
    if done.returncode:  # what it wrote up to there is no book
        shutil.rmtree(output)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
