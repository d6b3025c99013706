"""What a gallery takes: embeddings with a direction, labels of one type, a label for unknown."""

import numpy as np

from ..distances import SQUARED_DISTANCE_FLOOR


def unit_vectors(embeddings: np.ndarray, stored: bool) -> np.ndarray:
    """Embeddings of length 1.

    Parameters
    ----------
    embeddings : float32 array (n, dim)
    stored : bool
        Whether they are to be stored. A query may have no direction, and is then shorter.

    Returns
    -------
    float32 array (n, dim)

    Raises
    ------
    ValueError
        If the shape is another one, or an embedding is not finite or, to be stored, too short.
    """
    if embeddings.ndim != 2 or embeddings.size == 0:
        raise ValueError(
            f"embeddings have shape {embeddings.shape}; expected (n, dim) with n of at least 1. "
            "Pass an encoder to store images; a single embedding needs a first axis: "
            "embedding[None]."
        )
    # In float64, so that the square of a large number is finite.
    squared = np.einsum("nd,nd->n", embeddings, embeddings, dtype="float64")
    bad = np.flatnonzero(~np.isfinite(squared))
    if len(bad):
        raise ValueError(
            f"embedding {bad[0]} has values that are not finite numbers; expected finite ones. "
            "If images are finite too, train the encoder with a lower learning rate."
        )
    short = np.flatnonzero(squared < SQUARED_DISTANCE_FLOOR)
    if stored and len(short):
        raise ValueError(
            f"embedding {short[0]} has the length {squared[short[0]] ** 0.5:.2g}; expected at "
            f"least {SQUARED_DISTANCE_FLOOR**0.5:.2g}, so that it has a direction. Leave the "
            "image out, if it is empty, or train the encoder."
        )
    length = np.sqrt(np.maximum(squared, SQUARED_DISTANCE_FLOOR))
    return embeddings / length[:, None].astype("float32")


def require_dim(embeddings: np.ndarray, dim: int) -> None:
    """``ValueError`` unless embeddings (n, ...) have the gallery's dimensions."""
    if embeddings.shape[1] != dim:
        raise ValueError(
            f"embeddings have {embeddings.shape[1]} dimensions; expected {dim} as in the gallery. "
            "Take both from one encoder."
        )


def label_array(y) -> np.ndarray:
    """Labels as an array (n,) of str or of int64, or ``ValueError``."""
    labels = np.asarray(y)
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.ndim != 1 or labels.dtype.kind not in "Uiu":
        raise ValueError(
            f"labels have shape {labels.shape} and type {labels.dtype}; expected (n,) of str or "
            "of int. Convert them first, as by labels.astype(str)."
        )
    return labels if labels.dtype.kind == "U" else labels.astype("int64")


def check_rejection(threshold: float | None, unknown: str | int, classes: np.ndarray) -> None:
    """``ValueError`` unless threshold and ``unknown`` suit the labels, where any is rejected."""
    if threshold is None:
        return
    if not -1 <= threshold <= 1:
        raise ValueError(
            f"threshold is {threshold}; expected a cosine similarity in [-1, 1], or None to "
            "reject nothing"
        )
    kind = str if classes.dtype.kind == "U" else (int, np.integer)
    if not isinstance(unknown, kind):
        raise ValueError(
            f"unknown is {unknown!r} and the labels are like {classes.tolist()[0]!r}; "
            'expected one type. Pass unknown=-1 for int labels, unknown="unknown" for str.'
        )
    if unknown in classes:
        raise ValueError(
            f"unknown is {unknown!r}, which is a class; expected another value. Pass one that is "
            "no label."
        )
