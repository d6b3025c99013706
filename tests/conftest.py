"""What all tests share."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from compilation import QUICK_XLA

ROOT = Path(__file__).resolve().parents[1]

if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.update(QUICK_XLA)


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
    """The folder of the built book; the build's warnings are errors."""
    output = tmp_path_factory.mktemp("book")
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(ROOT)]
    start = time.perf_counter()
    build = subprocess.run(
        [*command, "--path-output", str(output), "-W", "-n", "--keep-going"],
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - start
    assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]
    assert seconds < 120
    return output / "_build" / "html"
