"""One recognizer: an encoder, how images are read for it, a threshold, and a gallery.

Images are compared by the cosine of their embeddings: two files, or a query with the stored
images of each class, to which new classes are enrolled without training.
"""

from .assessment import Assessment
from .reading import Reading
from .recognizer import Comparison, Recognizer
from .survey import Survey, survey_folder
from .threshold_choice import ThresholdChoice

__all__ = [
    "Assessment",
    "Comparison",
    "Reading",
    "Recognizer",
    "Survey",
    "ThresholdChoice",
    "survey_folder",
]
