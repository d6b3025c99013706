"""In which precision a large network trains fastest here."""

import re
from pathlib import Path

import keras

from .._backend import has_gpu


def has_fast_bfloat16() -> bool:
    """Whether convolutions are faster in bfloat16 than in float32 on this machine.

    Every GPU counts. Those from 2020 on are several times as fast in bfloat16; older ones are not
    told apart here. A processor counts if Linux reports its units for bfloat16, AVX512_BF16 (AMD
    since Zen 4) or Intel's AMX, which are about twice as fast, and if the backend is TensorFlow
    or PyTorch: JAX does not use them. On other systems a processor never counts.

    Returns
    -------
    bool

    Examples
    --------
    It decides in which precision a network is built:

    >>> from siamese_utils.training import mixed_precision
    >>> with mixed_precision(has_fast_bfloat16()) as policy:
    ...     on = policy == "mixed_bfloat16"
    >>> on == has_fast_bfloat16()
    True
    """
    return has_gpu() or (keras.backend.backend() != "jax" and _has_units())


def _has_units() -> bool:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return False
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    return flags is not None and bool({"avx512_bf16", "amx_bf16"} & set(flags[1].split()))
