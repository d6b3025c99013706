"""What all tests share."""

import importlib.util
import os

import pytest

# Tests on JAX are mostly compilation. Without the compiler's costly passes they took 0.6 of
# the time, and what they compute is the same. Read when JAX starts, here and in the kernels.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)


def pytest_configure(config):
    """A backend that this run requires must be there: a test left out is not a test passed."""
    required = os.environ.get("SIAMESE_REQUIRE_BACKENDS", "").split()
    missing = [name for name in required if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(f"required backends that are not installed: {', '.join(missing)}")
