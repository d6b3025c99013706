"""In which precision a large network trains fastest here."""

import re
from pathlib import Path

import keras

from .._backend import has_gpu


def has_fast_bfloat16() -> bool:
    """Whether convolutions are faster in bfloat16 than in float32 on this machine.

    So it is on a GPU of 2020 or later, where they are several times as fast, and on a processor
    with units for bfloat16, where they are about twice as fast: AVX512_BF16, which AMD has since
    Zen 4, and Intel's AMX. TensorFlow and PyTorch use these units; JAX on a processor does not.

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
