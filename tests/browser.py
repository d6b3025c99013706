"""Headless Chromium for the tests that need a reader's eyes."""

import contextlib
import os

import pytest
from chromium import NAMES, executable, running
from waiting import LONG

LONG_MS = 1000 * LONG  # as Playwright counts


@contextlib.contextmanager
def chromium():
    """A running browser; skips where there is none, and fails where there has to be one."""
    path = executable()
    if not path and os.environ.get("SIAMESE_REQUIRE_BROWSER"):
        pytest.fail("there is no Chromium, and SIAMESE_REQUIRE_BROWSER asks for one")
    if not path:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the PATH")
    with running(path) as browser:
        yield browser
