"""What depends on the Keras backend and on the device that it computes on."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import keras
from keras import ops

# What ``compile(jit_compile=…)`` is given for a small dense network. XLA joins its many
# short operations into few, which TensorFlow on a CPU leaves off by default: an epoch of the
# MNIST pairs took 0.7 of the time. PyTorch's compiler would need a C++ compiler instead.
JIT_COMPILE = "auto" if keras.backend.backend() == "torch" else True


def has_gpu() -> bool:
    """Whether Keras' backend computes on a GPU: on what device does it put a number?

    Returns
    -------
    bool

    Examples
    --------
    It decides what :func:`mixed_precision` does by itself:

    >>> with mixed_precision() as policy:
    ...     on = policy == "mixed_bfloat16"
    >>> on == (has_gpu() or has_bfloat16_units())
    True
    """
    device = str(ops.zeros(()).device).lower()
    return "gpu" in device or "cuda" in device


def has_bfloat16_units() -> bool:
    """Whether this processor multiplies bfloat16 faster than float32, and Keras' backend knows.

    Intel calls the instructions AVX512_BF16 and AMX, AMD has the first of them since Zen 4.
    TensorFlow and PyTorch use them; JAX on a processor computes in float32 all the same.

    Returns
    -------
    bool
    """
    if keras.backend.backend() == "jax":
        return False
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return False
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    return flags is not None and bool({"avx512_bf16", "amx_bf16"} & set(flags[1].split()))


@contextlib.contextmanager
def mixed_precision(on: bool | None = None) -> Iterator[str]:
    """Layers built inside compute in bfloat16, with float32 weights, where that is faster.

    It is several times as fast for convolutions on a GPU of 2020 or later, and about twice as
    fast on a processor with units for it. bfloat16 has the range of float32, so that no loss
    needs scaling, but only eight significant bits. The heads of
    :mod:`siamese_utils.distances`, the loss and the optimiser stay in float32, whatever is built
    inside.

    Parameters
    ----------
    on : bool
        By default it is on where Keras computes on a GPU, or on a processor that has units for
        bfloat16; any other processor is slower in bfloat16.

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
        if (has_gpu() or has_bfloat16_units()) if on is None else on:
            keras.config.set_dtype_policy("mixed_bfloat16")
        yield keras.config.dtype_policy().name
    finally:
        keras.config.set_dtype_policy(before)
