"""Which images go together: pairs, triplets and episodes as index arrays, and batches of them."""

from .alphabet_pairs import alphabet_pairs
from .batches import ClassBatches, PairDataset
from .episodes import Episodes, draw_episodes, within_alphabet_trials
from .pairs import balanced_pairs, consecutive_pairs, count_pairs
from .triplets import count_triplets

__all__ = [
    "ClassBatches",
    "Episodes",
    "PairDataset",
    "alphabet_pairs",
    "balanced_pairs",
    "consecutive_pairs",
    "count_pairs",
    "count_triplets",
    "draw_episodes",
    "within_alphabet_trials",
]
