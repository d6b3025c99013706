"""Which images go together: pairs and episodes as index arrays, and batches made from them."""

from .alphabet_pairs import alphabet_pairs
from .batches import ClassBatches, PairDataset
from .episodes import Episodes, draw_episodes
from .pairs import balanced_pairs, consecutive_pairs, count_pairs

__all__ = [
    "ClassBatches",
    "Episodes",
    "PairDataset",
    "alphabet_pairs",
    "balanced_pairs",
    "consecutive_pairs",
    "count_pairs",
    "draw_episodes",
]
