"""Losses. On pairs: label 1 = same class, 0 = different. On batches: class labels as targets."""

from .arcface import ArcFaceLoss
from .contrastive import ContrastiveLoss, InBatchContrastiveLoss
from .episodic import EpisodicLoss
from .in_batch_softmax import InBatchSoftmaxLoss
from .in_batch_verification import InBatchVerificationLoss
from .lifted import LiftedStructureLoss
from .multi_similarity import MultiSimilarityLoss
from .supervised_contrastive import SupervisedContrastiveLoss
from .triplet_loss import FORMS, TripletLoss, triplet

__all__ = [
    "FORMS",
    "ArcFaceLoss",
    "ContrastiveLoss",
    "EpisodicLoss",
    "InBatchContrastiveLoss",
    "InBatchSoftmaxLoss",
    "InBatchVerificationLoss",
    "LiftedStructureLoss",
    "MultiSimilarityLoss",
    "SupervisedContrastiveLoss",
    "TripletLoss",
    "triplet",
]
