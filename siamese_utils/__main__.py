"""``python -m siamese_utils``: see :mod:`siamese_utils.recognition.command`."""

import sys

from .recognition.command import main

if __name__ == "__main__":
    sys.exit(main())
