"""Verification, identification, and how far a figure may be off. NumPy in, NumPy out."""

from .calibration import Calibration, Reliability, calibrate, reliability
from .identification import Identification, identify, nearest_neighbour_accuracy
from .intervals import wilson_interval
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
    "Reliability",
    "RocCurve",
    "Verification",
    "best_threshold",
    "calibrate",
    "identify",
    "nearest_neighbour_accuracy",
    "reliability",
    "roc",
    "verification_accuracy",
    "verify",
    "wilson_interval",
]
