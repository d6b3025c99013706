"""Checks of arguments that several modules share: labels, numbers, indices, images in [0, 1]."""

import operator

import numpy as np


def real_numbers(values, name: str, axes: tuple[str, ...], dtype: str = "float64") -> np.ndarray:
    """Finite numbers of any type as one floating-point array with the axes that are expected.

    Whoever compares, averages or rescales numbers converts them here first, and once: a number
    in half precision and the same number in double precision then give the same answer.

    Parameters
    ----------
    values : array, list, or what NumPy can make an array of
        Integers, floats of any width and bfloat16. Axes of length 1 behind the expected ones
        are taken off.
    name : str
        What the numbers are, in the plural, for the message of an error.
    axes : tuple of str
        Name of each axis, such as ``("n_trials", "n_way")``, or its length, as ``"2"``. With
        ``()`` any shape is taken.
    dtype : str
        Type of the answer. Defaults to "float64".

    Raises
    ------
    ValueError
        For another shape, for no numbers at all, and for NaN or infinity.

    Examples
    --------
    >>> real_numbers([[1], [2]], "distances", ("n_pairs",))
    array([1., 2.])
    """
    try:
        found = np.asarray(values)
        if found.dtype.kind not in "biufOV":  # V: bfloat16, which NumPy itself does not know
            raise TypeError(f"their type is {found.dtype}")
        with np.errstate(over="ignore"):  # what is too large is infinite, and refused below
            found = found.astype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} are not an array of real numbers: {error}") from error
    found = _with_axes(found, name, axes) if axes else found
    n_bad = np.size(found) - np.count_nonzero(np.isfinite(found))
    if n_bad:
        raise ValueError(f"{n_bad} of {found.size} {name} are not finite numbers of {dtype}")
    return found


def indices(values, name: str, axes: tuple[str, ...], n: int) -> np.ndarray:
    """Whole numbers from 0 to n - 1, of any integer type, as an int64 array.

    Parameters
    ----------
    values, name, axes
        As for :func:`real_numbers`.
    n : int
        How many things are counted.

    Raises
    ------
    ValueError
        For another shape, for numbers that are not whole, for booleans, which NumPy would take
        as a mask, and for numbers out of range.

    Examples
    --------
    >>> indices([[0, 2]], "pairs", ("n_pairs", "2"), n=3)
    array([[0, 2]])
    """
    found = real_numbers(values, name, axes)
    if np.asarray(values).dtype.kind == "b" or (found != np.round(found)).any():
        raise ValueError(f"{name} of type {np.asarray(values).dtype}; expected whole numbers")
    found = found.astype("int64")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(f"{name} from {found.min()} to {found.max()}; expected 0 to {n - 1}")
    return found


def whole_number(value, name: str, low: int) -> int:
    """An integer of any type, at least ``low``, as an ``int``; otherwise a ``ValueError``.

    Examples
    --------
    >>> whole_number(np.uint8(10), "n_bins", 1)
    10
    """
    try:
        found = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = None
    if found is None or found < low:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {low}")
    return found


def truth(value, name: str) -> bool:
    """True or False, of Python or NumPy; else a ``ValueError``, as the text "false" counts as true.

    Examples
    --------
    >>> truth(np.bool_(False), "skip_broken")
    False
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; expected True or False")
    return bool(value)


def _with_axes(found: np.ndarray, name: str, axes: tuple[str, ...]) -> np.ndarray:
    shape = found.shape
    found = squeezed(found, len(axes))
    expected = str(axes).replace("'", "")
    if found.size == 0:
        raise ValueError(f"{name} are empty, of shape {shape}; expected {expected}")
    lengths = zip(axes, found.shape, strict=False)
    if found.ndim != len(axes) or any(a.isdigit() and int(a) != n for a, n in lengths):
        raise ValueError(f"{name} have shape {shape}; expected {expected}")
    return found


def squeezed(found, n_axes: int):
    """An array or tensor without the axes of length 1 that stand behind the first ``n_axes``."""
    while len(found.shape) > n_axes and found.shape[-1] == 1:
        found = found[..., 0]
    return found


def class_labels(labels, n: int | None = None, what: str = "labels") -> np.ndarray:
    """Labels as an array (n,): harmless axes of length 1 at the end are taken off.

    Parameters
    ----------
    labels : array (n,), or (n, 1) and so on
        One label for each image: whole numbers or names.
    n : int
        How many labels there have to be. The number is not checked by default.
    what : str
        What the labels are called in the messages. Defaults to "labels".

    Returns
    -------
    array (n,)
        Of integers, booleans or strings.

    Raises
    ------
    ValueError
        For another shape, such as that of one-hot labels; for another length; for numbers that
        are not whole, or too large for their type to tell from their neighbours; and for names
        mixed with numbers.

    Examples
    --------
    >>> class_labels([[3], [1]]).tolist()
    [3, 1]
    """
    found = squeezed(np.asarray(labels), 1)
    if found.ndim != 1:
        hint = f" For one-hot {what}, pass {what}.argmax(axis=1)." if found.ndim == 2 else ""
        raise ValueError(f"{what} have shape {np.shape(labels)}; expected (n,).{hint}")
    if n is not None and len(found) != n:
        raise ValueError(f"{n} images but {len(found)} {what}; expected one for each image")
    if found.dtype.kind in "OUS" and not isinstance(labels, np.ndarray | np.generic):
        # From a list such as ["a", 1] NumPy makes strings, and would turn the number 1 into "1".
        found = squeezed(np.array(labels, object), 1)
    if found.dtype.kind == "O":
        kinds = {str if isinstance(label, str) else type(label) for label in found}
        if len(kinds) > 1 or not kinds <= {str, int, bool}:
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ValueError(f"{what} are of type {names}; expected all names or all integers")
        found = np.array(found.tolist())
    if found.dtype.kind not in "iubUSf":
        raise ValueError(f"{what} are of type {found.dtype}; expected integers or names")
    if found.dtype.kind == "f":
        # From this size on the type cannot tell an integer from its neighbour.
        largest = 2 / np.finfo(found.dtype).eps
        bad = found[~((found == np.round(found)) & (np.abs(found) < largest))]
        if len(bad):
            raise ValueError(
                f"{what} such as {bad[0]} ({found.dtype}) do not number classes; expected whole "
                f"numbers below {largest:.0f}, or integers of any size"
            )
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
    found = squeezed(np.asarray(same), 1)
    if found.shape != (n,):
        raise ValueError(f"labels have shape {np.shape(same)}; expected ({n},), one for each pair")
    if not np.isin(found, (0, 1)).all():
        raise ValueError(f"labels {np.unique(found)[:5]}; expected 1 = same and 0 = different")
    return found.astype(bool)


def require_unit_range(images: np.ndarray) -> None:
    """``ValueError`` unless images hold values in [0, 1], as those do that are read from files.

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
    _require_range(images, -0.1, 1.1)  # bicubic resizing overshoots a little


def refuse_bytes(images: np.ndarray) -> None:
    """``ValueError`` where images hold bytes from 0 to 255, on which no network here is trained.

    Values in [0, 1] are the rule; standardized ones, around 0 and of order 1, are accepted, too:
    those that have negative values.

    Parameters
    ----------
    images : array of any shape and any type
        Whole numbers have to be 0 and 1; others in [0, 1], but for a little that resizing
        overshoots, or between -20 and 20 and some of them negative.

    Examples
    --------
    >>> refuse_bytes(np.array([-1.7, 2.3]))
    >>> refuse_bytes(np.array([0.0, 255.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: images have values from 0 to 255; expected [0, 1]. Bytes: divide by 255...
    """
    if np.asarray(images).dtype.kind in "iu":
        _require_range(images, 0, 1)
    elif np.size(images) and images.dtype.kind in "fV" and float(images.min()) < -0.1:
        _require_range(images, -20, 20)
    else:
        require_unit_range(images)


def _require_range(images: np.ndarray, lowest: float, highest: float) -> None:
    if images.size == 0:
        return
    if images.dtype.kind not in "biufV":  # V: bfloat16, which NumPy itself does not know
        raise ValueError(f"images are of type {images.dtype}; expected numbers in [0, 1]")
    low, high = float(images.min()), float(images.max())
    if not (low >= lowest and high <= highest):  # NaN is refused, too
        raise ValueError(
            f"images have values from {low:g} to {high:g}; expected [0, 1]. Bytes: divide by 255."
        )


def require_generator(rng) -> None:
    """``ValueError`` unless ``rng`` is a generator of NumPy: a seed would draw the same each time.

    Examples
    --------
    >>> require_generator(0)
    Traceback (most recent call last):
        ...
    ValueError: rng is 0; expected a generator: np.random.default_rng(0)
    """
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is {rng!r}; expected a generator: np.random.default_rng(0)")
