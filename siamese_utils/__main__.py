"""``python -m siamese_utils``: see :mod:`siamese_utils.cli`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
