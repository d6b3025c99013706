"""Losses. On pairs: label 1 = same class, 0 = different. On batches: class labels as targets."""

from .episodic import EPISODES, EpisodicLoss
from .in_batch_softmax import InBatchSoftmaxLoss
from .lifted import LiftedStructureLoss
from .pairs import ContrastiveLoss, InBatchContrastiveLoss
from .softmax import SupervisedContrastiveLoss
from .triplets import FORMS, MININGS, TripletLoss, triplet
from .verification import InBatchVerificationLoss

__all__ = [
    "EPISODES",
    "FORMS",
    "MININGS",
    "ContrastiveLoss",
    "EpisodicLoss",
    "InBatchContrastiveLoss",
    "InBatchSoftmaxLoss",
    "InBatchVerificationLoss",
    "LiftedStructureLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
    "triplet",
]
