"""``python -m siamese_utils`` is the command ``siamese``: see :mod:`siamese_utils.command`."""

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
