"""Identification: which stored class is it? NumPy in, NumPy out."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import pairwise_distances_chunked

from .._checks import class_labels, indices, real_numbers
from .intervals import mean_with_interval


@dataclass(frozen=True)
class Identification:
    """How often the right one of N stored classes is the nearest.

    Accuracies of different ``n_way`` cannot be compared: the more classes there are to choose
    from, the harder is each trial.

    Attributes
    ----------
    credit : float array (n_trials,)
        1 where the right class alone is nearest, 1/k where k classes tie for it, else 0.
    accuracy : float
        Mean credit, in [0, 1].
    interval : (low, high)
        95 % Wilson interval (Wilson 1927), of the credit rounded to whole trials. It assumes
        that the trials are independent.
    n_way : int
        Number of classes in each trial.

    Examples
    --------
    Two of two queries find their class among two. That may be luck:

    >>> found = identify(np.array([[0.1, 0.5], [0.9, 0.3]]), np.array([0, 1]))
    >>> found.accuracy, [round(bound, 2) for bound in found.interval], found.chance
    (1.0, [0.34, 1.0], 0.5)
    """

    credit: np.ndarray
    accuracy: float
    interval: tuple[float, float]
    n_way: int

    @property
    def chance(self) -> float:
        """The accuracy of guessing, ``1 / n_way``."""
        return 1 / self.n_way


def identify(distances: np.ndarray, answers: np.ndarray) -> Identification:
    """N-way identification: each query gets the class of its nearest support image.

    A constant distance earns 1/n_way, wherever the right answer stands: of k nearest
    classes that tie, each is taken to be chosen once in k times.

    Parameters
    ----------
    distances : float array (n_trials, n_way)
        From each trial's query to its support classes; pass a similarity negated.
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
    distances = real_numbers(distances, "distances", ("n_trials", "n_way"))
    n_trials, n_way = distances.shape
    answers = indices(answers, "answers", ("n_trials",), n_way)
    if len(answers) != n_trials:
        raise ValueError(f"{n_trials} trials but {len(answers)} answers; expected one for each")
    nearest = distances == distances.min(axis=1, keepdims=True)  # (n_trials, n_way)
    credit = nearest[np.arange(n_trials), answers] / nearest.sum(axis=1)
    return Identification(credit, *mean_with_interval(credit), n_way)


def nearest_neighbor_accuracy(
    stored: np.ndarray, stored_labels: np.ndarray, queries: np.ndarray, query_labels: np.ndarray
) -> float:
    """Share of queries whose nearest stored vector, by Euclidean distance, has their label.

    Where the nearest vectors of k classes tie, the right class earns 1/k, as in
    :func:`identify`. An encoder that maps every image to one point therefore gets one share in
    the number of stored classes, which is what guessing has. It does not matter how many images
    of a class tie: a second copy of an image says nothing new.

    Parameters
    ----------
    stored : float array (n, dim)
    stored_labels : array (n,)
    queries : float array (m, dim)
    query_labels : array (m,)
        Every one of them must be among the stored labels.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is not finite, or the class of a query is not stored.

    Examples
    --------
    Class 0 is stored at 0 and class 1 at 10. A query at 9 is of class 1, and so found; one at 6
    is of class 0, and missed; for one at 5 the two classes tie.

    >>> stored, queries = np.array([[0.0], [10.0]]), np.array([[9.0], [6.0], [5.0]])
    >>> nearest_neighbor_accuracy(stored, np.array([0, 1]), queries, np.array([1, 0, 0]))
    0.5
    """
    stored = real_numbers(stored, "stored vectors", ("n", "dim"))
    queries = real_numbers(queries, "queries", ("m", "dim"))
    if stored.shape[1] != queries.shape[1]:
        raise ValueError(
            f"stored vectors of {stored.shape[1]} and queries of {queries.shape[1]} "
            "dimensions; expected one encoder's"
        )
    classes, columns = np.unique(class_labels(stored_labels, len(stored)), return_inverse=True)
    query_labels = class_labels(query_labels, len(queries))
    unknown = np.setdiff1d(query_labels, classes)
    if unknown.size:
        raise ValueError(
            f"queries have {unknown.size} labels that no stored vector has, such as "
            f"{unknown[0]!r}; store their classes or leave these queries out"
        )
    # A shift and a scale change no order. They keep the squares below in range, and the
    # rounding error small against the distances, where all vectors lie far from 0.
    size = max(np.abs(stored).max(), np.abs(queries).max()) or 1.0
    stored, queries = stored / size, queries / size
    center = stored.mean(axis=0)
    stored, queries = stored - center, queries - center
    order = np.argsort(columns, kind="stable")
    first = np.searchsorted(columns[order], np.arange(len(classes)))
    per_class = np.concatenate(
        list(
            pairwise_distances_chunked(
                queries,
                stored[order],
                reduce_func=lambda squared, _: np.minimum.reduceat(squared, first, axis=1),
                metric="euclidean",
                squared=True,
            )
        )
    )  # (m, n_classes): squared distance to the nearest vector of each class
    # The squares come from a matrix product, whose rounding depends on the column: what differs
    # by less than its bound is a tie.
    lengths = (queries**2).sum(axis=1) + (stored**2).sum(axis=1).max()
    bound = stored.shape[1] * np.finfo(float).eps * lengths
    nearest = per_class.min(axis=1, keepdims=True)
    per_class = np.where(per_class <= nearest + bound[:, None], nearest, per_class)
    return identify(per_class, np.searchsorted(classes, query_labels)).accuracy
