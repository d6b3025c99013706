"""A chapter in JupyterLab itself: opened, run by *Run All Cells*, and saved, by its menus."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request

import nbformat
import pytest
import run_chapters as tool
from browser import LONG_MS, chromium
from conftest import ROOT
from smoke import DEFAULT, assert_is_smoke_record
from waiting import LONG, wait_for

TOKEN = "read-and-run"
IDLE = "Python 3 (ipykernel) | Idle"  # in the status bar
ONCE = "02_contrastive_loss"
# `make test` runs and reads one chapter, `make test-all` all of them.
CHAPTERS = [
    pytest.param(name, marks=pytest.mark.slow if name == ONCE else pytest.mark.nightly)
    for name in tool.names()
]


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """The chapters as a reader has them, at smoke and without outputs, and what they read."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "notebooks").mkdir()
    shutil.copytree(ROOT / "results", folder / "results")
    shutil.copytree(ROOT / "book", folder / "book", ignore=shutil.ignore_patterns("_vendor"))
    for chapter in tool.names():
        notebook = tool.load(chapter)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", []):
                for name, value in (("profile", "smoke"), ("record", f"{folder / chapter}.json")):
                    cell.source, n = re.subn(
                        rf'^({name}\b.*?= )"\w*"', rf'\g<1>"{value}"', cell.source, flags=re.M
                    )
                    assert n == 1, name
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
    log = copies / "jupyterlab.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=copies, stderr=said, env={**os.environ, "KERAS_BACKEND": DEFAULT}
        )
    address = f"http://127.0.0.1:{port}"

    def answers():
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}").close()
        except OSError:
            return False
        return True

    try:
        wait_for(answers, every=0.3)
        yield address
    finally:
        process.terminate()
        process.wait(LONG)


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


def opened(browser, server, chapter):
    """A chapter in a window of its own, with its kernel started."""
    # Small and still, because here the processor draws what moves while a kernel is busy.
    window = browser.new_page(viewport={"width": 800, "height": 500}, reduced_motion="reduce")
    window.set_default_timeout(LONG_MS)
    window.goto(f"{server}/lab/tree/notebooks/{chapter}.ipynb?token={TOKEN}&reset")
    window.get_by_text(IDLE).wait_for()
    return window


def choose(window, menu, entry):
    window.get_by_role("menuitem", name=menu, exact=True).click()
    window.get_by_role("menuitem", name=entry, exact=True).click()


def close(window):
    """The kernel ends, too, so that its memory is free for the next."""
    choose(window, "Kernel", "Shut Down Kernel")
    window.get_by_text(IDLE).wait_for(state="detached")
    window.close()


def run_through(window, path):
    """Run all cells, wait until nothing runs any more, save by the keyboard, read the file."""
    choose(window, "Run", "Run All Cells")

    def through():
        window.wait_for_timeout(1000)
        if window.get_by_text(IDLE).count() == 0:
            return None
        window.keyboard.press("Control+s")
        window.wait_for_timeout(1000)
        try:
            notebook = nbformat.read(path, as_version=4)
        except nbformat.reader.NotJSONError:  # being saved at this moment
            return None
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        failed = any(o.output_type == "error" for c in code for o in c.outputs)
        return notebook if failed or code[-1].execution_count else None

    return wait_for(through, seconds=6 * LONG)


@pytest.fixture(scope="module", params=CHAPTERS)
def saved(request, browser, server, copies):
    """The name of a chapter, and the chapter as JupyterLab saved it after the run."""
    window = opened(browser, server, request.param)
    yield request.param, run_through(window, copies / "notebooks" / f"{request.param}.ipynb")
    close(window)


class TestChapterInJupyterLab:
    def test_runs_from_top_to_bottom(self, saved):
        code = [cell for cell in saved[1].cells if cell.cell_type == "code"]
        counts = [cell.execution_count for cell in code]
        assert counts == list(range(1, len(code) + 1))

    def test_writes_its_record(self, saved, copies):
        chapter, _ = saved
        assert_is_smoke_record(copies / f"{chapter}.json", chapter, DEFAULT)

    def test_leaves_no_error_and_no_noise(self, saved):
        code = [cell for cell in saved[1].cells if cell.cell_type == "code"]
        shown = "".join(o.get("text", "") for c in code for o in c.outputs)
        assert not [o for c in code for o in c.outputs if o.output_type == "error"]
        # Progress that was written over is gone from what is saved.
        assert "\r" not in shown
        assert "%" not in [line[-1:] for line in shown.splitlines() if line.startswith("epoch")]


# What stands there where nobody rendered a role or a directive: {cite:p}`…`, :::{note}
RAW = re.compile(r"\{[a-z][\w:+-]*\}`|^(?:`{3}|:{3,})\{", re.M)
RENDERED = "[...document.querySelectorAll('.jp-MarkdownCell .myst')]"


@pytest.fixture(scope="module")
def window(browser, server):
    window = opened(browser, server, ONCE)
    yield window
    close(window)


@pytest.mark.slow
class TestText:
    """What a reader sees of the chapter's text, before anything is run."""

    def test_roles_and_directives_are_rendered(self, window):
        texts = [cell.source for cell in tool.load(ONCE).cells if cell.cell_type == "markdown"]
        assert any(RAW.search(text) for text in texts)  # else the chapter has none
        # The cells below are drawn one by one when the browser has nothing else to do.
        window.wait_for_function(
            f"n => {RENDERED}.filter(cell => cell.textContent.trim()).length >= n", arg=len(texts)
        )
        shown = window.evaluate(f"{RENDERED}.map(cell => cell.textContent)")
        assert [text for text in shown if RAW.search(text)] == []

    def test_a_link_opens_the_other_chapter_beside_this_one(self, window):
        link = window.locator(".myst a[href*='.ipynb']").last
        name = re.search(r"(\w+\.ipynb)", link.get_attribute("href"))[1]
        assert name != f"{ONCE}.ipynb"
        link.scroll_into_view_if_needed()
        link.click()
        tabs = window.locator(".lm-TabBar-tabLabel")
        tabs.filter(has_text=name).wait_for()
        tabs.filter(has_text=f"{ONCE}.ipynb").click()
