"""What all tests share."""

import importlib.util
import os

import pytest
from compilation import QUICK_XLA

if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.update(QUICK_XLA)


def pytest_configure(config):
    """A backend that this run requires must be there: a test left out is not a test passed."""
    required = os.environ.get("SIAMESE_REQUIRE_BACKENDS", "").split()
    missing = [name for name in required if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(f"required backends that are not installed: {', '.join(missing)}")
