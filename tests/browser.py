"""Headless Chromium for the tests that need a reader's eyes."""

import contextlib
import functools
import http.server
import os
import shutil
import threading

import pytest
from waiting import LONG

LONG_MS = 1000 * LONG  # as Playwright counts
NAMES = ("chromium", "chromium-browser", "google-chrome")
# What Chromium would otherwise ask its maker's servers for; and no name but this machine's.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def path() -> str:
    """Where Chromium is; skips where it is not, and fails where it has to be."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found and os.environ.get("SIAMESE_REQUIRE_BROWSER"):
        pytest.fail("there is no Chromium, and SIAMESE_REQUIRE_BROWSER asks for one")
    if not found:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    return found


@contextlib.contextmanager
def chromium():
    """A running browser that reaches nothing outside this machine."""
    executable = path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=executable, args=[*FLAGS, OFFLINE])


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing: what is missing, the page that asks for it notices."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # a page asks for thirty files at once, and five is the default


@contextlib.contextmanager
def served(folder):
    """The address at which the files of a folder are served while the block runs."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
