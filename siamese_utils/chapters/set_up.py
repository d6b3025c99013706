"""What a chapter sets on its host before it starts; importing the package sets nothing."""

import ctypes
import logging
import os
import sys

from .._warn import warn


def set_up() -> None:
    """Quiet the libraries' start, and let a training use its memory again.

    A chapter calls it in its first cell, before Keras is imported: TensorFlow reads its
    environment once, when it is imported. The backend stays the reader's choice.

    * ``TF_CPP_MIN_LOG_LEVEL`` is 3 and ``TF_ENABLE_ONEDNN_OPTS`` is 1, unless they are set.
      With oneDNN's kernels, which TensorFlow takes by itself on some processors only, small
      convolutional networks took 0.3 to 0.6 of the processor time.
    * TensorFlow's warning of "retracing" is suppressed. It takes a chapter's fifth model, one
      for each fold, for the first one compiled over and over.
    * Under Linux with glibc, memory that a training step frees is kept for the next step.

    Warns
    -----
    UserWarning
        If TensorFlow is imported already, so that it does not read its environment again.

    Examples
    --------
    >>> import os, sys
    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ), mock.patch.dict(sys.modules):
    ...     _ = sys.modules.pop("tensorflow", None)
    ...     set_up()
    ...     os.environ["TF_ENABLE_ONEDNN_OPTS"]
    '1'
    """
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
    if "tensorflow" in sys.modules and not all(name in os.environ for name in settings):
        warn(
            "TensorFlow is imported already, so set_up() comes too late for its kernels and its "
            "messages. Call it before Keras is imported, or restart the kernel.",
        )
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    # A filter, because TensorFlow sets the logger's level itself.
    logger = logging.getLogger("tensorflow")
    if _is_worth_reading not in logger.filters:
        logger.addFilter(_is_worth_reading)
    if sys.platform == "linux":
        _keep_freed_memory()


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return "retracing" not in record.getMessage()


def _keep_freed_memory() -> None:
    """Let the C library keep memory that a training step frees, for the next step.

    By default glibc returns each large array to the system, and the next step pays for
    every page anew: with TensorFlow on a CPU that was half of the time of a step of the
    small ConvNet (69 against 34 ms, 15,767 against 59 page faults in each step).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # as in glibc's malloc.h
    mallopt(mmap_threshold, 2**30)  # bytes: larger arrays than ours
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(top_pad, 2**26)  # keeps the 64 MB heaps of TensorFlow's threads
