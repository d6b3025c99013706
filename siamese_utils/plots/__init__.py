"""Draw arrays on given Matplotlib axes or as a new figure, in the colours of the whole book."""

from .curves import det_curve, distance_histogram, learning_curves, reliability_curve, roc_curve
from .diagrams import show_trial, siamese_diagram, triplet_diagram
from .embeddings import embedding_scatter
from .pair_figures import pairs_by_distance, show_pairs
from .style import CLASS_COLORS, DIFFERENT, GREY, SAME, use_style

__all__ = [
    "CLASS_COLORS",
    "DIFFERENT",
    "GREY",
    "SAME",
    "det_curve",
    "distance_histogram",
    "embedding_scatter",
    "learning_curves",
    "pairs_by_distance",
    "reliability_curve",
    "roc_curve",
    "show_pairs",
    "show_trial",
    "siamese_diagram",
    "triplet_diagram",
    "use_style",
]
