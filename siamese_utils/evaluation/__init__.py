"""Verification, identification, the official runs, and how far a figure may be off.

NumPy in, NumPy out.
"""

from .calibration import Calibration, Reliability, calibrate, reliability
from .hausdorff import hausdorff_matrix, modified_hausdorff
from .identification import Identification, identify, nearest_neighbour_accuracy
from .intervals import wilson_interval
from .oneshot import OneShot, official_runs
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
    "best_threshold",
    "calibrate",
    "hausdorff_matrix",
    "identify",
    "modified_hausdorff",
    "nearest_neighbour_accuracy",
    "official_runs",
    "reliability",
    "roc",
    "verification_accuracy",
    "verify",
    "wilson_interval",
]
