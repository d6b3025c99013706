"""The Chromium of this machine, which prints the book and opens its pages in the tests."""

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# What Chromium would otherwise ask its maker's servers for; and no name but this machine's.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def executable() -> str | None:
    """Where Chromium is, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def running(path: str) -> Iterator[Browser]:
    """A browser that reaches nothing outside this machine."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=FLAGS)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing: what is missing, the page that asks for it notices."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # a page asks for thirty files at once, and five is the default


@contextlib.contextmanager
def served(folder: str | Path) -> Iterator[str]:
    """The address at which the files of a folder are served while the block runs."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
