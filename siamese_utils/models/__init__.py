"""Encoders, the networks that share one, and the one way to embed images."""

from .embedding import embed
from .encoders import conv4_encoder, conv_encoder, koch_encoder, mlp_encoder
from .networks import AllPairs, in_batch_network, koch_network, siamese_network

__all__ = [
    "AllPairs",
    "conv4_encoder",
    "conv_encoder",
    "embed",
    "in_batch_network",
    "koch_encoder",
    "koch_network",
    "mlp_encoder",
    "siamese_network",
]
