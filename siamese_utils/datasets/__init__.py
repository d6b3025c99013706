"""Find or download a data set, verify it, and return NumPy arrays and class-disjoint splits.

Data is looked for below ``SIAMESE_DATA_DIR``, then in the user's cache, then downloaded.
"""

from .att_faces import load_att_faces
from .folder import load_image_folder
from .image_folder import ImageFolder
from .mnist import load_mnist
from .official_runs import OfficialRuns, load_official_runs
from .omniglot import Omniglot, load_omniglot
from .resolution import area_resize
from .sources import DataError
from .splits import class_folds, koch_split, split_alphabets, split_classes, track

__all__ = [
    "DataError",
    "ImageFolder",
    "OfficialRuns",
    "Omniglot",
    "area_resize",
    "class_folds",
    "koch_split",
    "load_att_faces",
    "load_image_folder",
    "load_mnist",
    "load_official_runs",
    "load_omniglot",
    "split_alphabets",
    "split_classes",
    "track",
]
