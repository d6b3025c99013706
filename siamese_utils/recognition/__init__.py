"""One recognizer: an encoder, how images are read for it, a threshold, and a gallery.

Images are compared by the cosine of their embeddings: two files, or a query with the stored
images of each class, to which new classes are enrolled without training.
"""

from .assessment import Assessment
from .large_index import QdrantIndex, UsearchIndex, qdrant_index
from .reading import Reading
from .recognizer import Comparison, Recognizer
from .survey import Survey, survey_folder
from .threshold_choice import ThresholdChoice

__all__ = [
    "Assessment",
    "Comparison",
    "QdrantIndex",
    "Reading",
    "Recognizer",
    "Survey",
    "ThresholdChoice",
    "UsearchIndex",
    "qdrant_index",
    "survey_folder",
]
