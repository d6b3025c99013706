"""A description of all that a training depends on, so that only the same call resumes it."""

import functools
import json
import sys
import types
from collections.abc import Callable, Iterator, Mapping

import keras
import numpy as np
from keras import ops

from .._files import digest
from .checkpoint import values


def identity(value) -> str:
    """The name of a function or object, and a digest of all that decides what it computes.

    Of a function: its bytecode, defaults, closure, and the globals that it reads, through
    functions that it calls. Of an object: its class and state; of a Keras layer its settings and
    weights. What comes from an installed library counts by its name. Two that are equal in all
    this have the same identity, in any process with the same version of Python.

    Parameters
    ----------
    value : function or callable object

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a part of it has a state that cannot be read, such as an open file.

    Examples
    --------
    >>> def scaled(factor):
    ...     return lambda images, seed: factor * images
    >>> identity(scaled(0.5)) == identity(scaled(0.5)), identity(scaled(0.5)) == identity(scaled(2))
    (True, False)
    """
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return f"{name} ({digest([describe(value)])[:16]})"


def comparable(settings: dict) -> dict:
    """Settings as they come back from a file, for ``checkpoint.require_equal``."""
    return json.loads(json.dumps(settings, default=describe, sort_keys=True))


def describe(value, around: tuple[int, ...] = ()):
    """A value as plain values for JSON; ``around`` are the ids of those that it is a part of."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.bool_, np.integer, np.floating)):
        return float(value) if isinstance(value, (float, np.floating)) else value.item()
    if isinstance(value, (bytes, complex, slice, range, type(...))):
        return [type(value).__name__, repr(value)]
    if id(value) in around:  # such as a function that calls itself
        return ["part of", around[::-1].index(id(value))]
    part = functools.partial(describe, around=(*around, id(value)))
    if ops.is_tensor(value) or isinstance(value, keras.Variable):
        # With an axis, because TensorFlow hands no single bfloat16 to NumPy.
        flat = ops.convert_to_numpy(ops.reshape(value, (-1,)))
        return ["tensor", list(value.shape), digest([flat])]
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return part(array.tolist()) if array.dtype.hasobject else ["array", digest([array])]
    if isinstance(value, (list, tuple)):
        return [part(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((part(item) for item in value), key=json.dumps)
    if isinstance(value, Mapping):
        items = [[part(key), part(item)] for key, item in value.items()]
        return {"items": sorted(items, key=json.dumps)}
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, (type, types.FunctionType)) and _of_library(value.__module__):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, types.FunctionType):
        return _function(value, part)
    if isinstance(value, type):
        return _class(value, part)
    if hasattr(value, "get_config"):
        return _keras_object(value, part)
    if isinstance(value, (property, functools.cached_property)):
        return part(value.fget if isinstance(value, property) else value.func)
    if hasattr(value, "__wrapped__"):  # a compiled or cached function
        return [part(type(value)), part(value.__wrapped__)]
    return _object(value, part)


def _of_library(module: str | None) -> bool:
    """Whether a module belongs to Python or was installed beside it."""
    top = (module or "").partition(".")[0]
    if top == "__main__":  # a notebook's functions, though its file is that of the kernel
        return False
    path = getattr(sys.modules.get(top), "__file__", None) or ""
    return top in sys.stdlib_module_names or "site-packages" in path


def _function(function: types.FunctionType, part: Callable):
    codes = [function.__code__]
    for code in codes:  # and the functions inside
        codes += [const for const in code.co_consts if isinstance(const, types.CodeType)]
    names = sorted({name for code in codes for name in code.co_names})
    cells = [_content(cell) for cell in function.__closure__ or ()]
    return {
        "name": f"{function.__module__}.{function.__qualname__}",
        "code": [[code.co_code.hex(), code.co_names, _constants(code, part)] for code in codes],
        "defaults": part([function.__defaults__, function.__kwdefaults__]),
        "closure": [_read(value, names, part) for value in cells],
        "globals": {
            name: _read(function.__globals__[name], names, part)
            for name in names
            if name in function.__globals__
        },
    }


def _constants(code: types.CodeType, part: Callable) -> list:
    return [part(const) for const in code.co_consts if not isinstance(const, types.CodeType)]


def _content(cell: types.CellType):
    try:
        return cell.cell_contents
    except ValueError:  # nothing was assigned to the name yet
        return None


def _read(value, names: list[str], part: Callable):
    """A value that a function reads; of the user's own modules, what it may read from there."""
    if not isinstance(value, types.ModuleType) or _of_library(value.__name__):
        return part(value)
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    inner = {
        n: v.__name__ if isinstance(v, types.ModuleType) else part(v) for n, v in found.items()
    }
    return {"module": value.__name__, **inner}


def _class(cls: type, part: Callable):
    """Its bases, methods and values; what Python itself adds to a class says nothing."""
    body = {}
    for name, value in vars(cls).items():
        is_function = isinstance(value, types.FunctionType)
        generated = is_function and value.__code__.co_filename == "<string>"  # a dataclass's
        if generated or isinstance(value, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            continue
        if is_function or not (name.startswith("__") or name == "_abc_impl"):
            body[name] = part(value)
    return {"name": f"{cls.__module__}.{cls.__qualname__}", "bases": part(cls.__bases__), **body}


def settings_of(value) -> dict:
    """The settings of a layer, network or optimizer, without the names that Keras counts up.

    The name of a layer inside, to which others refer, becomes its place among the layers.
    """
    try:
        config = value.get_config()
    except NotImplementedError as error:
        raise _unreadable(value, "its get_config is missing") from error
    places: dict[str, str] = {}

    def number(model) -> None:
        for layer in getattr(model, "operations", getattr(model, "layers", ())):
            places.setdefault(layer.name, f"layer {len(places)}")
            number(layer)

    def renamed(found):
        if isinstance(found, dict):
            return {key: renamed(item) for key, item in found.items() if key != "name"}
        if isinstance(found, (list, tuple)):
            return [renamed(item) for item in found]
        return places.get(found, found) if isinstance(found, str) else found

    number(value)
    return renamed(config)


def _keras_object(value, part: Callable):
    variables = getattr(value, "variables", None) or [getattr(value, "state", 0)]
    weights = digest(values(v for v in variables if isinstance(v, keras.Variable)))
    return [part(type(value)), part(settings_of(value)), weights]


def _object(value, part: Callable):
    """By what pickling would keep of it, without pickling that."""
    try:
        reduced: str | tuple = value.__reduce_ex__(2)
    except Exception as error:
        raise _unreadable(value, str(error)) from error
    if isinstance(reduced, str):  # found by its name
        return [getattr(value, "__module__", None), reduced]
    return [part(list(item) if isinstance(item, Iterator) else item) for item in reduced]


def _unreadable(value, why: str) -> ValueError:
    return ValueError(
        f"The training depends on a {type(value).__qualname__} whose state cannot be read "
        f"({why}), so a checkpoint could not tell it from another one. Make it a function of "
        "numbers and arrays, or train without a folder."
    )
