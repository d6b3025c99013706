"""A trained encoder as one file that answers: do these two image files show the same class?

The file holds the encoder, the threshold, and how image files are read for it.
"""

from .checks import checked_threshold
from .model import Comparison, Verifier

__all__ = ["Comparison", "Verifier", "checked_threshold"]
