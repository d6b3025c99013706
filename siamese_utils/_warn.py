"""One warning for the line of the reader's own that led to it, however deep it was found."""

import os
import sys
import warnings
from pathlib import Path

PACKAGE = str(Path(__file__).parent) + os.sep


def warn(message: str) -> None:
    """A ``UserWarning`` that names the nearest line outside of the package.

    As ``skip_file_prefixes`` of :func:`warnings.warn`, which came with Python 3.12.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
