"""A metric for distances."""

import keras
from keras import ops


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
