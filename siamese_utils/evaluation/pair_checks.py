"""What every function of pairs asks of its numbers and labels."""

import numpy as np

from .._checks import real_numbers, same_labels


def check_pairs(
    distances: np.ndarray, same: np.ndarray, name: str = "distances", both_kinds_for: str = ""
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as float64 and labels as booleans, each (n_pairs,), or an error.

    ``both_kinds_for`` names what cannot be had without both same and different pairs.
    """
    distances = real_numbers(distances, name, ("n_pairs",))
    same = same_labels(same, len(distances))
    if both_kinds_for and (same.all() or not same.any()):
        kind = "same" if same[0] else "different"
        raise ValueError(f"all {len(same)} pairs are {kind}; {both_kinds_for} needs both kinds")
    return distances, same
