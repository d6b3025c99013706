"""Every chapter in JupyterLab itself: opened, run by *Run All Cells*, and saved, by its menus."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
import run_chapters as tool
from browser import chromium
from conftest import ROOT
from smoke import QUICKEST, assert_is_smoke_record

TOKEN = "read-and-run"
SECONDS = 400  # for a chapter at smoke, beside other tests
IDLE = "Python 3 (ipykernel) | Idle"  # in the status bar

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """The chapters as a reader has them, at smoke and without outputs, and what they read."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "notebooks").mkdir()
    shutil.copytree(ROOT / "results", folder / "results")
    for chapter in tool.names():
        notebook = tool.load(chapter)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", []):
                for old, new in (
                    ('profile = "quick"', 'profile = "smoke"'),
                    ('record = ""', f'record = "{folder / chapter}.json"'),
                ):
                    assert old in cell.source
                    cell.source = cell.source.replace(old, new)
        nbformat.write(notebook, folder / "notebooks" / f"{chapter}.ipynb")
    return folder


@pytest.fixture(scope="module")
def server(copies):
    """The address of a JupyterLab that serves these copies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={copies}"]
    log = (copies / "jupyterlab.log").open("w")
    process = subprocess.Popen(
        command, cwd=copies, stderr=log, env={**os.environ, "KERAS_BACKEND": QUICKEST}
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}").close()
                break
            except OSError:
                time.sleep(0.3)
        else:
            pytest.fail((copies / "jupyterlab.log").read_text()[-2000:])
        yield address
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def start(browser, server, chapter):
    """Open a chapter in a window of its own, and choose Run, Run All Cells."""
    # Small and still, because here the processor draws what moves while a kernel is busy.
    window = browser.new_page(viewport={"width": 800, "height": 500}, reduced_motion="reduce")
    window.goto(f"{server}/lab/tree/notebooks/{chapter}.ipynb?token={TOKEN}&reset")
    # Before its kernel is there, Run asks for one.
    window.get_by_text(IDLE).wait_for(timeout=90_000)
    window.get_by_role("menuitem", name="Run", exact=True).click()
    window.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    return window


def save(window, path):
    """Wait until nothing runs any more, save by the keyboard, and read the file."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        window.wait_for_timeout(1000)
        if window.get_by_text(IDLE).count() == 0:
            continue
        window.keyboard.press("Control+s")
        window.wait_for_timeout(1000)
        try:
            notebook = nbformat.read(path, as_version=4)
        except nbformat.reader.NotJSONError:  # being saved at this moment
            continue
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        failed = any(o.output_type == "error" for c in code for o in c.outputs)
        if failed or code[-1].execution_count:
            return notebook
    raise TimeoutError(f"{path.stem} is not through after {SECONDS} s")


@pytest.fixture(scope="module")
def saved(copies, server):
    """The chapters as JupyterLab saved them after the run."""
    notebooks = {}
    with chromium() as browser:
        for chapter in tool.names():
            window = start(browser, server, chapter)
            notebooks[chapter] = save(window, copies / "notebooks" / f"{chapter}.ipynb")
            # The kernel, too, so that the memory is free for the next.
            window.get_by_role("menuitem", name="Kernel", exact=True).click()
            window.get_by_role("menuitem", name="Shut Down Kernel", exact=True).click()
            window.wait_for_timeout(500)
            window.close()
    return notebooks


@pytest.mark.parametrize("chapter", tool.names())
class TestChapterInJupyterLab:
    def test_runs_from_top_to_bottom(self, chapter, saved):
        code = [cell for cell in saved[chapter].cells if cell.cell_type == "code"]
        counts = [cell.execution_count for cell in code]
        assert counts == list(range(1, len(code) + 1))

    def test_writes_its_record(self, chapter, saved, copies):
        assert_is_smoke_record(copies / f"{chapter}.json", chapter, QUICKEST)

    def test_leaves_no_error_and_no_noise(self, chapter, saved):
        code = [cell for cell in saved[chapter].cells if cell.cell_type == "code"]
        shown = "".join(o.get("text", "") for c in code for o in c.outputs)
        assert not [o for c in code for o in c.outputs if o.output_type == "error"]
        # Progress that was written over is gone from what is saved.
        assert "\r" not in shown
        assert "%" not in [line[-1:] for line in shown.splitlines() if line.startswith("epoch")]
