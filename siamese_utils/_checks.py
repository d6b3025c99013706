"""Checks of arguments that several modules share: labels, and images in [0, 1]."""

import numpy as np


def class_labels(labels, n: int | None = None) -> np.ndarray:
    """Labels as an array (n,): harmless axes of length 1 behind it are taken off.

    Parameters
    ----------
    labels : array (n,), or (n, 1) and so on
        Classes: whole numbers or names.
    n : int
        How many there have to be. Not checked if not given.

    Returns
    -------
    array (n,)

    Raises
    ------
    ValueError
        For another shape, such as that of one-hot labels, for another length, and for numbers
        that are not whole.

    Examples
    --------
    >>> class_labels([[3], [1]]).tolist()
    [3, 1]
    """
    found = np.asarray(labels)
    while found.ndim > 1 and found.shape[-1] == 1:
        found = found[..., 0]
    if found.ndim != 1:
        hint = " Of one-hot labels take labels.argmax(axis=1)." if found.ndim == 2 else ""
        raise ValueError(f"labels have shape {np.shape(labels)}; expected (n,).{hint}")
    if n is not None and len(found) != n:
        raise ValueError(f"{n} images but {len(found)} labels; expected one for each image")
    if found.dtype.kind == "f":
        if not (found == np.round(found)).all():
            raise ValueError(f"labels such as {found[found != np.round(found)][0]} are no classes")
        found = found.astype("int64")
    return found


def same_labels(same, n: int) -> np.ndarray:
    """Labels of pairs as a boolean array (n,), from 1 = same class and 0 = different.

    Raises
    ------
    ValueError
        For another shape, another length, or other values.

    Examples
    --------
    >>> same_labels([[1], [0]], 2).tolist()
    [True, False]
    """
    found = np.asarray(same)
    while found.ndim > 1 and found.shape[-1] == 1:
        found = found[..., 0]
    if found.shape != (n,):
        raise ValueError(f"labels have shape {np.shape(same)}; expected ({n},), one for each pair")
    if not np.isin(found, (0, 1)).all():
        raise ValueError(f"labels {np.unique(found)[:5]}; expected 1 = same and 0 = different")
    return found.astype(bool)


def require_unit_range(images: np.ndarray) -> None:
    """``ValueError`` unless images hold values in [0, 1], which bytes from 0 to 255 do not.

    Parameters
    ----------
    images : array of any shape and any type

    Examples
    --------
    >>> require_unit_range(np.array([0, 255], "uint8"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: images have values from 0 to 255; expected [0, 1]. Bytes: divide by 255...
    """
    if images.size == 0:
        return
    low, high = images.min(), images.max()
    # Bicubic resizing overshoots a little; NaN fails the comparison, too.
    if not (low >= -0.1 and high <= 1.1):
        raise ValueError(
            f"images have values from {low:g} to {high:g}; expected [0, 1]. Bytes: divide by 255."
        )
