"""What a training says while it runs."""

import sys
import time

import keras

from .._checks import whole_number
from .logged import plain_number

SECONDS = 0.5  # between two states of the live line


class Progress(keras.callbacks.Callback):
    """Say how far a training is: a few lines that stay, and in between one that does not.

    About five lines over the whole training stay, in place of a bar for each epoch. Where
    somebody watches, in a terminal or in a notebook that is open, the present state stands
    below them: it is written over twice a second and is gone at the end. A notebook that runs
    without anybody in front of it, as under papermill, gets the lines that stay and nothing else,
    because the copy that is stored there would keep every state.

    Parameters
    ----------
    n_lines : int
        How many epochs to report, evenly spread; the last one always is. With as many lines
        as epochs, each is reported; with 0 none, and only the live line is seen. Defaults to 5.

    Raises
    ------
    ValueError
        If ``n_lines`` is no whole number of at least 0, or what is logged is no number.

    Examples
    --------
    >>> import numpy as np
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    >>> network.compile("sgd", "mse")
    >>> network.set_weights([np.ones((1, 1))])
    >>> x = np.ones((2, 1))
    >>> _ = network.fit(x, x, epochs=4, verbose=0, callbacks=[Progress(2)])
    epoch   2/4  loss 0.0000
    epoch   4/4  loss 0.0000
    """

    def __init__(self, n_lines: int = 5):
        super().__init__()
        self.n_lines = whole_number(n_lines, "n_lines", 0)

    def on_train_begin(self, logs=None):
        self.epoch, self.live, self.written = 0, "", time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    # At the beginning of a batch, where Keras need not wait for the numbers of the last one.
    def on_train_batch_begin(self, batch, logs=None):
        steps = self.params.get("steps")
        if steps and _rewrites() and time.monotonic() - self.written >= SECONDS:
            # Of one width, to cover itself, and shorter than the lines that stay, which cover it.
            self.live = f"epoch {self.epoch + 1:3d}/{self.params['epochs']}, {batch / steps:4.0%}"
            self.written = time.monotonic()
            print(f"\r{self.live}", end="", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        done, n_epochs = epoch + 1, self.params["epochs"]
        if self.n_lines and (done == n_epochs or done % -(-n_epochs // self.n_lines) == 0):
            values = "  ".join(_short(name, value) for name, value in (logs or {}).items())
            start = "\r" if self.live else ""
            self.live = ""
            print(f"{start}epoch {done:3d}/{n_epochs}  {values}", flush=True)

    def on_train_end(self, logs=None):
        if self.live:
            print(f"\r{' ' * len(self.live)}\r", end="", flush=True)


def _rewrites() -> bool:
    """Whether somebody sees the line and it can be written over.

    A front end in front of which somebody sits tells the kernel with each cell that it could
    answer a question (``allow_stdin`` in Jupyter's messages). nbclient, and with it papermill,
    nbconvert and nbval, says that it could not.
    """
    if not type(sys.stdout).__module__.startswith("ipykernel"):
        return sys.stdout.isatty()
    # The kernel that put its stdout here has imported this; the package does not depend on it.
    kernel = sys.modules["ipykernel.kernelapp"].IPKernelApp.instance().kernel
    request = kernel.get_parent("shell")
    return request.get("content", {}).get("allow_stdin", False)


def _short(name: str, value) -> str:
    """A name and its value with four decimals, or none from 1,000 on, as of pairs per second."""
    value = plain_number(name, value)
    return f"{name} {value:.4f}" if abs(value) < 1000 else f"{name} {value:,.0f}"
