"""Losses. On pairs: label 1 = same class, 0 = different. On batches: class labels as targets."""

from .lifted import LiftedStructureLoss
from .pairs import ContrastiveLoss, InBatchContrastiveLoss
from .softmax import SupervisedContrastiveLoss
from .triplets import FORMS, MININGS, TripletLoss, triplet
from .verification import InBatchVerificationLoss

__all__ = [
    "FORMS",
    "MININGS",
    "ContrastiveLoss",
    "InBatchContrastiveLoss",
    "InBatchVerificationLoss",
    "LiftedStructureLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
    "triplet",
]
