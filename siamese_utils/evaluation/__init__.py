"""Scores from embeddings; verification, identification, calibration, and intervals.

NumPy in, NumPy out: numbers of any type, in arrays or lists, are compared in double precision.

Scores come from a *head*, the end of a network, which is one of

* a function of :mod:`siamese_utils.distances`, such as ``distances.euclidean``;
* a layer that ends a network, such as ``network.get_layer("head")``.

Scores are what the head gives: for a distance small = alike, for a similarity large = alike;
negate those for :func:`~siamese_utils.evaluation.identify`. For
:class:`~siamese_utils.distances.WeightedL1` the scores are its *logits*, because the sigmoid of a
logit of 17 or more is 1 in float32, so that supports which the network tells apart would tie. The
logit rises with the probability, so every rank is the same, and a pair is called same at
probability 0.5 where the logit is 0.
"""

from .calibration import Calibration, Reliability, calibrate, reliability
from .comparison import PairedTest, bootstrap_interval, mcnemar
from .error_rates import RocCurve, roc
from .hausdorff import hausdorff_matrix
from .identification import Identification, identify, nearest_neighbor_accuracy
from .intervals import wilson_interval
from .oneshot import OneShot, official_runs
from .retrieval import Retrieval, retrieval
from .scoring import episode_scores, pair_scores, run_scores
from .verification import Verification, best_threshold, verification_accuracy, verify

__all__ = [
    "Calibration",
    "Identification",
    "OneShot",
    "PairedTest",
    "Reliability",
    "Retrieval",
    "RocCurve",
    "Verification",
    "best_threshold",
    "bootstrap_interval",
    "calibrate",
    "episode_scores",
    "hausdorff_matrix",
    "identify",
    "mcnemar",
    "nearest_neighbor_accuracy",
    "official_runs",
    "pair_scores",
    "reliability",
    "retrieval",
    "roc",
    "run_scores",
    "verification_accuracy",
    "verify",
    "wilson_interval",
]
