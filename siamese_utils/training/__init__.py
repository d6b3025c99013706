"""Training on batches of classes or on listed pairs, and what ``model.fit`` needs beside a loss.

:func:`fit_encoder` trains on batches of classes, and :func:`fit_pairs` on listed pairs, as Koch
et al. (2015) do; both can be stopped and resumed. There are also optimisers, metrics, a quiet
report of progress, stopping by one-shot accuracy, and a search for Koch's layer-wise values.
"""

from .._backend import mixed_precision
from .encoder_training import adamw, fit_encoder
from .layerwise import LayerwiseSGD
from .metrics import ActiveTriplets, MeanDistance, PairAccuracy
from .pair_training import fit_pairs
from .precision import has_fast_bfloat16
from .progress import Progress
from .search import LayerwiseSearch, LayerwiseValues, layerwise_search
from .stopping import OneShotStopping

__all__ = [
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
