"""What callbacks log, as plain numbers."""

import contextlib
import numbers

import keras
import numpy as np
from keras import ops


def plain_number(name: str, value) -> bool | int | float:
    """A logged value of any type of number as Python's own, which JSON and formats can take.

    Parameters
    ----------
    name : str
        What it was logged as, for the message.
    value : number, array or tensor with one entry
        NaN and infinity stay what they are.

    Raises
    ------
    ValueError
        If it is no number.

    Examples
    --------
    >>> plain_number("loss", np.float16(0.5)), plain_number("steps", np.array([3]))
    (0.5, 3)
    """
    is_tensor = ops.is_tensor(value) or isinstance(value, keras.Variable)
    # With an axis, because TensorFlow hands no single bfloat16 to NumPy.
    found = ops.convert_to_numpy(ops.reshape(value, (-1,))) if is_tensor else np.asarray(value)
    if found.size == 1:
        if found.dtype.kind in "biu":
            return found.item()
        # V: bfloat16, which NumPy itself does not know. O: fractions and decimals.
        if found.dtype.kind in "fV" or isinstance(found.item(), numbers.Number):
            with contextlib.suppress(TypeError):  # complex
                return float(found.item())
    raise ValueError(
        f"a callback logged {name} = {value!r}; expected one number. Take the mean of several, "
        "and keep what is no number as an attribute of the callback."
    )


class NumbersOnly(keras.callbacks.History):
    """Keras' history, of plain numbers."""

    def on_epoch_end(self, epoch, logs=None):
        plain = {name: plain_number(name, value) for name, value in (logs or {}).items()}
        super().on_epoch_end(epoch, plain)
