"""What a training says while it runs."""

import sys
import time

import keras

SECONDS = 0.5  # between two states of the live line


class Progress(keras.callbacks.Callback):
    """Say how far a training is: a few lines that stay, and in between one that does not.

    The lines that stay are about five over the whole training, in place of a bar an epoch. In
    a notebook and in a terminal the state of the moment stands below them, is written over
    twice a second, and is gone at the end, so that a stored output holds no noise.

    Parameters
    ----------
    n_lines : int
        How many epochs to report, evenly spread; the last one always is. With as many lines
        as epochs, each is reported; with 0 none, and only the live line is seen.

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
        self.n_lines = n_lines

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
            values = "  ".join(f"{name} {_short(v)}" for name, v in (logs or {}).items())
            start = "\r" if self.live else ""
            self.live = ""
            print(f"{start}epoch {done:3d}/{n_epochs}  {values}", flush=True)

    def on_train_end(self, logs=None):
        if self.live:
            print(f"\r{' ' * len(self.live)}\r", end="", flush=True)


def _rewrites() -> bool:
    """Whether what stands on the line can be written over: a terminal or a notebook."""
    return sys.stdout.isatty() or type(sys.stdout).__module__.startswith("ipykernel")


def _short(value: float) -> str:
    """Four decimals; none from 1,000 on, where a number counts things, as pairs a second."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
