"""What a gallery takes: embeddings with a direction, and labels of one type."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._checks import class_labels


def unit_vectors(embeddings: np.ndarray, stored: bool) -> np.ndarray:
    """Embeddings of length 1, as float32.

    Parameters
    ----------
    embeddings : float array (n, dim)
    stored : bool
        Whether they are to be stored. A query may be 0, has no direction then, and stays 0.

    Returns
    -------
    float32 array (n, dim)

    Raises
    ------
    ValueError
        If an embedding is not finite or, to be stored, 0.
    """
    # In float64, so that the square of a large number is finite and that of a small one not 0.
    vectors = np.asarray(embeddings, "float64")
    largest = np.abs(vectors).max(axis=1)
    bad = np.flatnonzero(~np.isfinite(largest))
    if len(bad):
        raise ValueError(
            f"embedding {bad[0]} has values that are not finite numbers; expected finite ones. "
            "If the images are finite too, train the encoder with a lower learning rate."
        )
    empty = np.flatnonzero(largest == 0)
    if stored and len(empty):
        raise ValueError(
            f"embedding {empty[0]} is 0 everywhere, so it has no direction. Leave the image out, "
            "if it is empty, or train the encoder."
        )
    vectors = vectors / np.where(largest > 0, largest, 1)[:, None]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype("float32")


def prototypes(
    vectors: np.ndarray, background: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean direction of each class.

    Parameters
    ----------
    vectors : float32 array (n, dim)
        Of length 1.
    background, labels : arrays (n,)

    Returns
    -------
    float32 array (n_classes, dim), int array (n_classes,), array (n_classes,)
        Means of length 1, the background of most of a class's images, and the classes, sorted.

    Raises
    ------
    ValueError
        If the images of a class cancel out.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(classes), vectors.shape[1]))
    np.add.at(sums, numbers, vectors)
    for name, total in zip(classes.tolist(), np.linalg.norm(sums, axis=1), strict=True):
        if total < 1e-6:
            raise ValueError(
                f"the embeddings of class {name!r} have the mean 0, so that it has no direction. "
                "Store each image by itself: average=False."
            )
    # LIGHT, DARK and UNCLEAR are 1, 0 and -1
    most = [np.bincount(background[numbers == k] + 1).argmax() - 1 for k in range(len(classes))]
    return unit_vectors(sums, stored=True), np.array(most), classes


def label_array(y) -> np.ndarray:
    """Labels as an array (n,) of str, of int64 or of bool, or ``ValueError``."""
    given = list(y) if isinstance(y, list | tuple) else np.asarray(y).ravel().tolist()
    kinds = {isinstance(label, str) for label in given}
    if len(kinds) > 1:
        raise ValueError(
            f"labels such as {given[0]!r} and "
            f"{next(x for x in given if isinstance(x, str) is not isinstance(given[0], str))!r} "
            "are of different types; expected all str or all int"
        )
    if np.asarray(y).ndim == 2 and np.asarray(y).shape[1] > 1:
        class_labels(y)  # its error says what to do about one-hot labels
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind == "O" and kinds == {True}:
        labels = labels.astype(str)
    if labels.dtype.kind not in "Ubiu":
        if labels.dtype.kind != "S":  # which scikit-learn does not know
            check_classification_targets(labels)
        labels = class_labels(labels)
    if labels.dtype.kind == "S":
        raise ValueError(
            f"labels are bytes such as {labels[0]!r}; expected str or int. Decode them: "
            "np.char.decode(labels)."
        )
    return labels if labels.dtype.kind in "Ub" else labels.astype("int64")


def checked_threshold(value: float) -> float:
    """A threshold of a cosine similarity as a float, or ``ValueError``."""
    if isinstance(value, str) or np.size(value) != 1 or not -1 <= value <= 1:
        raise ValueError(
            f"threshold is {value!r}; expected a cosine similarity in [-1, 1], or None to reject "
            "nothing. From a cosine distance: 1 - distance."
        )
    return float(value)


def check_rejection(threshold: float | None, unknown: str | int, classes: np.ndarray) -> None:
    """``ValueError`` unless threshold and ``unknown`` suit the labels, where any is rejected."""
    if threshold is None:
        return
    checked_threshold(threshold)
    is_text = classes.dtype.kind == "U"
    # True and False leave no third value, and -0.5 would make an answer of floats.
    is_number = isinstance(unknown, int | np.integer) and not isinstance(unknown, bool)
    if classes.dtype.kind == "b" or not (isinstance(unknown, str) if is_text else is_number):
        remedy = 'unknown="unknown"' if is_text else "unknown=-1"
        raise ValueError(
            f"unknown is {unknown!r} and the labels are like {classes.tolist()[0]!r}; expected "
            f"one type for both. Pass {remedy}, or another label that is no class."
        )
    refuse_class(unknown, classes)


def refuse_class(unknown: str | int, classes: np.ndarray) -> None:
    """``ValueError`` if ``unknown`` is a class, too: nobody could tell which of them is meant."""
    if unknown in classes.tolist():
        raise ValueError(
            f"a class is called {unknown!r}, and that is the answer for images of no class; "
            "expected no class of this name. Give the class another name."
        )


def accepted(scores: np.ndarray, threshold: float | None) -> np.ndarray:
    """Which scores are above the threshold, so that a known class is answered: bool (n,)."""
    if threshold is None:
        return np.ones(len(scores), bool)
    # In float64, as compare does: the threshold is not rounded.
    return np.asarray(scores, float) > threshold
