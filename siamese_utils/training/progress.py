"""What a training says while it runs."""

import keras


class Progress(keras.callbacks.Callback):
    """Print about five lines over a whole training, in place of a bar an epoch.

    Parameters
    ----------
    n_lines : int
        How many epochs to report, evenly spread; the last one always is. With as many lines
        as epochs, each is reported.
    """

    def __init__(self, n_lines: int = 5):
        super().__init__()
        self.n_lines = n_lines

    def on_epoch_end(self, epoch, logs=None):
        done, n_epochs = epoch + 1, self.params["epochs"]
        every = max(1, -(-n_epochs // self.n_lines))
        if done == n_epochs or done % every == 0:
            values = "  ".join(f"{name} {_short(v)}" for name, v in (logs or {}).items())
            print(f"epoch {done:3d}/{n_epochs}  {values}")


def _short(value: float) -> str:
    """Four decimals; none from 1,000 on, where a number counts things, as pairs a second."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
