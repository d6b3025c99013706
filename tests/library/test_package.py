"""What importing the package sets up, and what it leaves to the user."""

import os
import platform
import subprocess
import sys

import pytest


def run(code, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS_", "TF_"))}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


SHOW_BACKEND = "import siamese_utils, os; print(os.environ['KERAS_BACKEND'])"


def test_tensorflow_is_the_default_backend():
    assert run(SHOW_BACKEND) == "tensorflow"


def test_the_user_s_backend_is_kept():
    assert run(SHOW_BACKEND, KERAS_BACKEND="jax") == "jax"


WARN = """
import logging, sys
import siamese_utils
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logger = logging.getLogger("tensorflow")  # where TensorFlow writes
logger.warning("out of memory")
logger.warning("%d out of the last %d calls triggered tf.function retracing.", 5, 5)
"""


def test_of_tensorflow_s_warnings_only_that_of_retracing_is_kept_back():
    assert run(WARN) == "out of memory"


FAULTS = """
import resource
{first}
import numpy as np
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**23)  # the first array is paid for in any case
before = faults()
for _ in range(10):
    np.ones(2**23)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_memory_is_kept_for_the_next_step():
    plain = int(run(FAULTS.format(first="")))
    kept = int(run(FAULTS.format(first="import siamese_utils")))
    assert plain > 200
    assert kept < plain / 10
