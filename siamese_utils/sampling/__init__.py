"""Which images go together: pairs as index arrays, and batches made from them."""

from .batches import ClassBatches, PairDataset
from .pairs import balanced_pairs, consecutive_pairs, count_pairs

__all__ = ["ClassBatches", "PairDataset", "balanced_pairs", "consecutive_pairs", "count_pairs"]
