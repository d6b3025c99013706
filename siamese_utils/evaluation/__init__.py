"""Scores from embeddings; verification, identification, the official runs, and intervals.

NumPy in, NumPy out.
"""

from .calibration import Calibration, Reliability, calibrate, reliability
from .hausdorff import hausdorff_matrix, modified_hausdorff
from .identification import Identification, identify, nearest_neighbour_accuracy
from .intervals import wilson_interval
from .oneshot import OneShot, official_runs
from .scoring import all_pairs_scores, episode_scores, pair_scores, run_scores
from .verification import (
    RocCurve,
    Verification,
    best_threshold,
    roc,
    verification_accuracy,
    verify,
)

__all__ = [
    "Calibration",
    "Identification",
    "OneShot",
    "Reliability",
    "RocCurve",
    "Verification",
    "all_pairs_scores",
    "best_threshold",
    "calibrate",
    "episode_scores",
    "hausdorff_matrix",
    "identify",
    "modified_hausdorff",
    "nearest_neighbour_accuracy",
    "official_runs",
    "pair_scores",
    "reliability",
    "roc",
    "run_scores",
    "verification_accuracy",
    "verify",
    "wilson_interval",
]
