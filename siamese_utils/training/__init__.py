"""What ``model.fit`` needs beside a loss, and Koch's training as a whole.

Metrics, quiet progress, and the optimiser of Koch's paper; its training on
listed pairs, which can be stopped and resumed; and a search for its layer-wise values.
"""

from .._backend import JIT_COMPILE, mixed_precision
from .encoder_training import adamw, fit_encoder
from .layerwise import LayerwiseSGD
from .metrics import ActiveTriplets, MeanDistance, PairAccuracy
from .pair_training import fit_pairs
from .precision import has_fast_bfloat16
from .progress import Progress
from .search import LayerwiseSearch, LayerwiseValues, layerwise_search
from .stopping import OneShotStopping

__all__ = [
    "JIT_COMPILE",
    "ActiveTriplets",
    "LayerwiseSGD",
    "LayerwiseSearch",
    "LayerwiseValues",
    "MeanDistance",
    "OneShotStopping",
    "PairAccuracy",
    "Progress",
    "adamw",
    "fit_encoder",
    "fit_pairs",
    "has_fast_bfloat16",
    "layerwise_search",
    "mixed_precision",
]
