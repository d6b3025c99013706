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


def unpack_answers(text: str, n_trials: int) -> np.ndarray:
    """The trials of :func:`pack_answers`, so that two recorded systems can be compared in pairs.

    Parameters
    ----------
    text : str
    n_trials : int
        As many as were packed; the text itself only knows them up to a multiple of eight.

    Returns
    -------
    float array (n_trials,)
        1 where the answer was right, else 0.

    Raises
    ------
    ValueError
        If the text is not one of so many trials.

    Examples
    --------
    >>> unpack_answers("gYA=", 9)
    array([1., 0., 0., 0., 0., 0., 0., 1., 1.])
    """
    packed = np.frombuffer(base64.b64decode(text, validate=True), "uint8")
    if len(packed) != -(-n_trials // 8):
        raise ValueError(
            f"n_trials is {n_trials}, but the text holds {8 * len(packed) - 7} to "
            f"{8 * len(packed)} trials"
        )
    return np.unpackbits(packed, count=n_trials).astype(float)
