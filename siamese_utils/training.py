"""What ``model.fit`` needs beside a loss: a metric for distances, and quiet progress."""

import keras
from keras import ops

# What ``compile(jit_compile=…)`` is given for a small dense network. XLA joins its many
# short operations into few, which TensorFlow on a CPU leaves off by default: an epoch of the
# MNIST pairs took 0.7 of the time. PyTorch's compiler would need a C++ compiler instead.
JIT_COMPILE = "auto" if keras.backend.backend() == "torch" else True


@keras.saving.register_keras_serializable(package="siamese_utils")
class PairAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of pairs on the right side of a threshold: same where ``distance < threshold``.

    Keras' own ``"accuracy"`` reads a large prediction as class 1, and so is upside down
    for distances.

    Parameters
    ----------
    threshold : float
        In the units of the distance.
    """

    def __init__(self, threshold: float = 0.5, name: str = "pair_accuracy", **kwargs):
        def accuracy(y_true, y_pred):
            said_same = ops.cast(y_pred < threshold, y_pred.dtype)
            return ops.cast(ops.equal(said_same, ops.cast(y_true, y_pred.dtype)), y_pred.dtype)

        super().__init__(fn=accuracy, name=name, **kwargs)
        self.threshold = threshold

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "threshold": self.threshold}


class Progress(keras.callbacks.Callback):
    """Print about five lines over a whole training, in place of a bar an epoch.

    Parameters
    ----------
    n_lines : int
        How many epochs to report, evenly spread; the last one always is.
    """

    def __init__(self, n_lines: int = 5):
        super().__init__()
        self.n_lines = n_lines

    def on_epoch_end(self, epoch, logs=None):
        done, n_epochs = epoch + 1, self.params["epochs"]
        every = max(1, -(-n_epochs // self.n_lines))
        if done == n_epochs or done % every == 0:
            values = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
            print(f"epoch {done:3d}/{n_epochs}  {values}")
