"""Distortions of drawings, batched, in ``keras.ops``: as functions, and as layers for training."""

from .layers import RandomAffine, RandomComposition, RandomSymmetry, RandomThickness
from .transforms import NEUTRAL, REACH, affine, affine_matrices, apply_affine, draw_parameters

__all__ = [
    "NEUTRAL",
    "REACH",
    "RandomAffine",
    "RandomComposition",
    "RandomSymmetry",
    "RandomThickness",
    "affine",
    "affine_matrices",
    "apply_affine",
    "draw_parameters",
]
