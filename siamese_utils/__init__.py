"""The package behind the book: small modules, one job each, on any Keras 3 backend."""

import ctypes
import logging
import os
import sys

# Keras reads its backend once, at import: this line has to run before that.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# TensorFlow's start-up notes on stderr are not for readers of a page.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow takes oneDNN's kernels by itself on some processors only; on the others, too,
# they took 0.3 to 0.6 of the processor time in small convolutional networks.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# Nor is its warning of "retracing", which takes a chapter's fifth model, one a fold, for the
# first one compiled over and over. A filter, because TensorFlow sets the level itself.
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in record.getMessage())


def _keep_freed_memory() -> None:
    """Let the C library keep memory that a training step frees, for the next step.

    By default glibc returns each large array to the system, and the next step pays for
    every page anew: with TensorFlow on a CPU that was half of the time of a step of the
    small ConvNet (69 against 34 ms, 15,767 against 59 page faults a step).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # as in glibc's malloc.h
    mallopt(mmap_threshold, 2**30)  # bytes: larger arrays than ours
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 2**26)  # keeps the 64 MB heaps of TensorFlow's threads


if sys.platform == "linux":
    _keep_freed_memory()
