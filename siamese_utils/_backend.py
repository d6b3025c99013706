"""What depends on the Keras backend and on the device that it computes on."""

import contextlib
from collections.abc import Iterator

import keras
from keras import ops

# What ``compile(jit_compile=…)`` is given for the affine transformation of a batch. XLA joins its
# many short operations into few, which takes an eighth of the time, and TensorFlow leaves it off
# on a CPU. Convolutions gain nothing: training a ConvNet took more than twice as long with it.
# PyTorch's compiler would need a C++ compiler instead.
JIT_COMPILE = "auto" if keras.backend.backend() == "torch" else True


def has_gpu() -> bool:
    """Whether Keras' backend computes on a GPU, judged by the device of a new tensor.

    Returns
    -------
    bool

    Examples
    --------
    It decides what :func:`mixed_precision` does by itself:

    >>> with mixed_precision() as policy:
    ...     on = policy == "mixed_bfloat16"
    >>> on == has_gpu()
    True
    """
    device = str(ops.zeros(()).device).lower()
    return "gpu" in device or "cuda" in device


@contextlib.contextmanager
def mixed_precision(on: bool | None = None) -> Iterator[str]:
    """Layers built inside compute in bfloat16, with float32 weights, where there is a GPU.

    On a GPU of 2020 or later this halves the memory and makes convolutions several times as fast.
    bfloat16 has the range of float32, so that no loss needs scaling, but only eight
    significant bits. The heads of :mod:`siamese_utils.distances`, the loss and the optimiser
    stay in float32, whatever is built inside.

    Parameters
    ----------
    on : bool
        Defaults to True where Keras computes on a GPU: a CPU is often slower in bfloat16.

    Yields
    ------
    str
        The policy: "mixed_bfloat16", or the one that was set.

    Examples
    --------
    >>> with mixed_precision(on=True):
    ...     layer = keras.layers.Dense(4)
    >>> layer.compute_dtype, layer.variable_dtype, keras.layers.Dense(4).compute_dtype
    ('bfloat16', 'float32', 'float32')
    """
    before = keras.config.dtype_policy()
    try:
        if has_gpu() if on is None else on:
            keras.config.set_dtype_policy("mixed_bfloat16")
        yield keras.config.dtype_policy().name
    finally:
        keras.config.set_dtype_policy(before)
