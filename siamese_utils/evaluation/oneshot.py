"""One-shot classification on the official runs of Omniglot. NumPy in, NumPy out."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .identification import identify

Interval = tuple[float, float]


class Runs(Protocol):
    """What is needed of :class:`siamese_utils.datasets.OfficialRuns`: its key."""

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
        95 % Wilson interval. It takes the trials as independent; the 20 trials of a run
        share their drawers and support images.
    per_alphabet : dict
        Alphabet to ``(accuracy, interval)`` over its 40 trials, in the order of the runs.
    credit : float array (20, 20)
        Run, test image: 1 where the right character alone is nearest, 1/k where k tie for
        it, else 0.
    """

    accuracy: float
    interval: Interval
    per_alphabet: dict[str, tuple[float, Interval]]
    credit: np.ndarray


def official_runs(distances: np.ndarray, runs: Runs) -> OneShot:
    """Accuracy on the 20 official runs of Lake et al. (2015).

    Each test image gets the character of its nearest support image. A constant distance
    earns 5 %, because ties count as in :func:`identify`.

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
    """
    distances = np.asarray(distances)
    n_runs, n_way = runs.answers.shape
    if distances.shape != (n_runs, n_way, n_way):
        raise ValueError(
            f"distances of shape {distances.shape}; expected {(n_runs, n_way, n_way)}: "
            "run, test image, support image"
        )
    found = identify(distances.reshape(-1, n_way), runs.answers.ravel())
    per_alphabet = {}
    for name in dict.fromkeys(runs.alphabets):  # each once, in order
        own = np.array(runs.alphabets) == name
        part = identify(distances[own].reshape(-1, n_way), runs.answers[own].ravel())
        per_alphabet[name] = (part.accuracy, part.interval)
    return OneShot(
        found.accuracy, found.interval, per_alphabet, found.credit.reshape(n_runs, n_way)
    )
