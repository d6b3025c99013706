"""Identification: which stored class is it? NumPy in, NumPy out."""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from .intervals import wilson_interval


def nearest_neighbour_accuracy(
    stored: np.ndarray, stored_labels: np.ndarray, queries: np.ndarray, query_labels: np.ndarray
) -> float:
    """Share of queries whose nearest stored vector, by Euclidean distance, has their label.

    Parameters
    ----------
    stored : float array (n, dim)
    stored_labels : int array (n,)
    queries : float array (m, dim)
    query_labels : int array (m,)

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ValueError
        If the shapes do not fit; from scikit-learn.

    Examples
    --------
    Class 0 is stored at 0 and class 1 at 10. A query at 9 is of class 1, and so found; one at
    6 is of class 0, and missed.

    >>> stored, queries = np.array([[0.0], [10.0]]), np.array([[9.0], [6.0]])
    >>> nearest_neighbour_accuracy(stored, np.array([0, 1]), queries, np.array([1, 0]))
    0.5
    """
    classifier = KNeighborsClassifier(n_neighbors=1, algorithm="brute")
    return float(classifier.fit(stored, stored_labels).score(queries, query_labels))


@dataclass(frozen=True)
class Identification:
    """How often the right one of N stored classes is the nearest.

    Attributes
    ----------
    credit : float array (n_trials,)
        1 where the right class alone is nearest, 1/k where k classes tie for it, else 0.
    accuracy : float
        Mean credit.
        In [0, 1].
    interval : (low, high)
        95 % Wilson interval (Wilson 1927), of the credit rounded to whole trials. It takes the
        trials as independent.

    Examples
    --------
    Two of two queries find their class. That may be luck:

    >>> found = identify(np.array([[0.1, 0.5], [0.9, 0.3]]), np.array([0, 1]))
    >>> found.accuracy, [round(bound, 2) for bound in found.interval]
    (1.0, [0.34, 1.0])
    """

    credit: np.ndarray
    accuracy: float
    interval: tuple[float, float]


def identify(distances: np.ndarray, answers: np.ndarray) -> Identification:
    """N-way identification: each query gets the class of its nearest support image.

    A constant distance earns 1/n_way, wherever the right answer stands: of k nearest
    classes that tie, each is taken to be chosen once in k times.

    Parameters
    ----------
    distances : float array (n_trials, n_way)
        Of each trial's query to its support classes; for a similarity, pass it negated.
    answers : int array (n_trials,)
        The right column of each trial.

    Returns
    -------
    Identification

    Raises
    ------
    ValueError
        If the shapes do not fit, a distance is not a finite number, or an answer is no column.

    Examples
    --------
    Right, wrong, and a tie of two for the right one:

    >>> distances = np.array([[0.1, 0.5, 0.9], [0.2, 0.1, 0.9], [0.3, 0.9, 0.3]])
    >>> identify(distances, np.array([0, 0, 2])).credit
    array([1. , 0. , 0.5])
    """
    distances, answers = np.asarray(distances, float), np.asarray(answers)
    if distances.ndim != 2 or answers.shape != distances.shape[:1] or distances.size == 0:
        raise ValueError(
            f"distances of shape {distances.shape} and answers of shape {answers.shape}; "
            "expected (n_trials, n_way) and (n_trials,)"
        )
    if not np.isfinite(distances).all():
        raise ValueError(f"{np.sum(~np.isfinite(distances))} distances are not finite numbers")
    n_trials, n_way = distances.shape
    if not ((answers >= 0) & (answers < n_way)).all():
        raise ValueError(
            f"answers from {answers.min()} to {answers.max()}; expected 0 to {n_way - 1}"
        )
    nearest = distances == distances.min(axis=1, keepdims=True)  # (n_trials, n_way)
    credit = nearest[np.arange(n_trials), answers] / nearest.sum(axis=1)
    accuracy = float(credit.mean())
    return Identification(credit, accuracy, wilson_interval(round(accuracy * n_trials), n_trials))
