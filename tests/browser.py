"""Headless Chromium for the tests that need a reader's eyes."""

import contextlib
import os

import pytest
from chromium import NAMES, executable, running
from waiting import LONG

LONG_MS = 1000 * LONG  # as Playwright counts
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


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


def violations(window, context, rules=None, left_out=()):
    """What axe-core finds of serious or critical impact, and where."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = rules
    options["rules"] = {rule: {"enabled": False} for rule in left_out}
    found = Axe().run(window, context=context, options=options).response["violations"]
    return [
        (each["id"], node["target"])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
