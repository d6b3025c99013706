"""Which trials a system answered rightly, in few characters of a record."""

import base64

import numpy as np


def pack_answers(credit: np.ndarray) -> str:
    """Which of many trials were answered rightly, as a text: eight trials in a byte, in base 64.

    Parameters
    ----------
    credit : array (n_trials,)
        1 where the answer is right; a tie, whose credit lies between 0 and 1, counts as wrong.

    Returns
    -------
    str
        About a sixth of a character for each trial.

    Examples
    --------
    >>> pack_answers([1, 0, 0, 0, 0, 0, 0, 1, 1])
    'gYA='
    """
    bits = np.packbits(np.asarray(credit).ravel() == 1)
    return base64.b64encode(bits.tobytes()).decode("ascii")
