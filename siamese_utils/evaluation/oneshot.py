"""One-shot classification on the official runs of Omniglot. NumPy in, NumPy out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .._checks import real_numbers
from .identification import identify
from .intervals import Interval, mean_with_interval


class Runs(Protocol):
    """The key of :class:`siamese_utils.datasets.OfficialRuns`, which is all that is needed."""

    @property
    def answers(self) -> np.ndarray:
        """Right support image of each test image, (n_runs, n_way)."""

    @property
    def alphabets(self) -> tuple[str, ...]:
        """Alphabet of each run."""


@dataclass(frozen=True)
class OneShot:
    """How often the right one of 20 characters is the nearest, in the official runs.

    Attributes
    ----------
    accuracy : float
        Mean credit of the 400 trials.
    interval : (low, high)
        95 % Wilson interval. It assumes that the trials are independent; as the 20 trials of a
        run share their drawers and support images, the true interval is a little wider.
    per_alphabet : dict
        Alphabet to ``(accuracy, interval)`` over its 40 trials, in the order of the runs.
    credit : float array (20, 20)
        Run, test image: 1 where the right character alone is nearest, 1/k where k tie for
        it, else 0.

    Examples
    --------
    A distance that knows nothing, on the key of 20 runs: each right character ties with 19
    others, and the credit of every trial is 1/20.

    >>> from types import SimpleNamespace
    >>> answers = np.tile(np.arange(20), (20, 1))
    >>> runs = SimpleNamespace(answers=answers, alphabets=("Greek", "Tibetan") * 10)
    >>> found = official_runs(np.ones((20, 20, 20)), runs)
    >>> round(found.accuracy, 2), found.credit.shape, list(found.per_alphabet)
    (0.05, (20, 20), ['Greek', 'Tibetan'])
    """

    accuracy: float
    interval: Interval
    per_alphabet: dict[str, tuple[float, Interval]]
    credit: np.ndarray


def official_runs(distances: np.ndarray, runs: Runs) -> OneShot:
    """Accuracy on the 20 official runs of Lake et al. (2015).

    Each test image gets the character of its nearest support image. Ties count as in
    :func:`identify`, so that a constant distance earns 5 %.

    Parameters
    ----------
    distances : float array (20, 20, 20)
        Run, test image, support image; small = alike. Pass a similarity negated.
    runs : OfficialRuns
        Only its ``answers`` and ``alphabets`` are used.

    Returns
    -------
    OneShot

    Raises
    ------
    ValueError
        If the shape does not fit or a distance is not a finite number.

    Examples
    --------
    Two runs of two characters. In the first both are found; in the second one is, and the other
    is a tie of two.

    >>> from types import SimpleNamespace
    >>> key = SimpleNamespace(answers=np.array([[1, 0], [0, 1]]), alphabets=("Greek", "Tibetan"))
    >>> first, second = [[0.9, 0.1], [0.2, 0.8]], [[0.5, 0.5], [0.7, 0.3]]
    >>> found = official_runs(np.array([first, second]), key)
    >>> found.accuracy, {name: accuracy for name, (accuracy, _) in found.per_alphabet.items()}
    (0.875, {'Greek': 1.0, 'Tibetan': 0.75})
    """
    distances = real_numbers(distances, "distances", ("n_runs", "n_way", "n_way"))
    n_runs, n_way = runs.answers.shape
    if distances.shape != (n_runs, n_way, n_way):
        raise ValueError(
            f"distances have shape {distances.shape}; expected {(n_runs, n_way, n_way)}: "
            "run, test image, support image"
        )
    found = identify(distances.reshape(-1, n_way), runs.answers.ravel())
    credit = found.credit.reshape(n_runs, n_way)
    per_alphabet = {
        name: mean_with_interval(credit[np.array(runs.alphabets) == name])
        for name in dict.fromkeys(runs.alphabets)  # each once, in order
    }
    return OneShot(found.accuracy, found.interval, per_alphabet, credit)
