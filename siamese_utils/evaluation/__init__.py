"""Scores from embeddings; verification, identification, the official runs, and intervals.

NumPy in, NumPy out.
"""

from .calibration import Calibration, Reliability, calibrate, reliability
from .error_rates import RocCurve, roc
from .hausdorff import hausdorff_matrix
from .identification import Identification, identify, nearest_neighbor_accuracy
from .intervals import wilson_interval
from .oneshot import OneShot, official_runs
from .scoring import episode_scores, pair_scores, run_scores
from .verification import Verification, best_threshold, verification_accuracy, verify

__all__ = [
    "Calibration",
    "Identification",
    "OneShot",
    "Reliability",
    "RocCurve",
    "Verification",
    "best_threshold",
    "calibrate",
    "episode_scores",
    "hausdorff_matrix",
    "identify",
    "nearest_neighbor_accuracy",
    "official_runs",
    "pair_scores",
    "reliability",
    "roc",
    "run_scores",
    "verification_accuracy",
    "verify",
    "wilson_interval",
]
