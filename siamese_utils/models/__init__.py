"""Encoders, the networks that share one, and the one way to embed images."""

from .adaptation import fit_adaptation
from .embedding import embed
from .encoders import conv4_encoder, conv_encoder, koch_encoder, mlp_encoder
from .networks import in_batch_network, koch_network, siamese_network
from .pretrained import load_pretrained, pretrained_card
from .proxies import Proxies
from .residual import residual_encoder
from .shifts import embed_shifted
from .size_normalization import SizeNormalization
from .start import start_from_data

__all__ = [
    "Proxies",
    "SizeNormalization",
    "conv4_encoder",
    "conv_encoder",
    "embed",
    "embed_shifted",
    "fit_adaptation",
    "in_batch_network",
    "koch_encoder",
    "koch_network",
    "load_pretrained",
    "mlp_encoder",
    "pretrained_card",
    "residual_encoder",
    "siamese_network",
    "start_from_data",
]
