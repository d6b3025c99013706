"""Metrics: for distances, and for the embeddings of a batch with class labels as targets."""

import keras
from keras import ops

from ..distances import all_pairs, euclidean
from ..losses import triplet
from ..losses.masks import (
    at_least_float32,
    check_margin,
    equal_shapes,
    mean_where,
    pair_masks,
    refuse_weights,
    same_class,
    same_or_different,
)


@keras.saving.register_keras_serializable(package="siamese_utils")
class PairAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of pairs on the right side of a threshold: same where ``distance < threshold``.

    Keras' own ``"accuracy"`` reads a large prediction as class 1, and so is upside down
    for distances.

    Parameters
    ----------
    threshold : float
        In the units of the distance. Defaults to 0.5.

    Raises
    ------
    ValueError
        When updated, if there is not one label for each distance, or a label is neither 0 nor
        1. A compiled step cannot raise an error about a label, and gives NaN.

    Examples
    --------
    Labels (batch,) and distances (batch,). The second same pair is too far apart:

    >>> import numpy as np
    >>> metric = PairAccuracy(threshold=0.5)
    >>> metric.update_state(np.array([1, 1, 0, 0]), np.array([0.1, 0.6, 0.7, 0.9], "float32"))
    >>> float(metric.result())
    0.75
    """

    def __init__(self, threshold: float = 0.5, name: str = "pair_accuracy", dtype=None, **kwargs):
        dtype = at_least_float32(dtype)

        def accuracy(y_true, y_pred):
            y_true, y_pred = equal_shapes(*map(ops.convert_to_tensor, (y_true, y_pred)))
            said_same = ops.cast(ops.cast(y_pred, dtype) < threshold, dtype)
            is_same = ops.cast(same_or_different(y_true), dtype)
            return 1.0 - ops.abs(said_same - is_same)  # so NaN stays NaN

        super().__init__(fn=accuracy, name=name, dtype=dtype, **kwargs)
        self.threshold = threshold

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype, "threshold": self.threshold}


class _BatchMean(keras.metrics.Mean):
    """Mean over the batches of what is itself a mean over some pairs or triplets of a batch."""

    def __init__(self, name: str, dtype=None, **kwargs):
        super().__init__(name=name, dtype=at_least_float32(dtype), **kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        refuse_weights(self.name, sample_weight)
        embeddings = ops.cast(y_pred, self.dtype)
        masks = pair_masks(ops.cast(same_class(y_true, embeddings), self.dtype))
        values, counted = self._batch(all_pairs(euclidean, embeddings, embeddings), *masks)
        # A batch without any is left out; NaN, from labels that are no classes, is not.
        some = ops.cast(ops.any(counted != 0), self.dtype)
        super().update_state(mean_where(counted, values), sample_weight=some)


@keras.saving.register_keras_serializable(package="siamese_utils")
class ActiveTriplets(_BatchMean):
    """Share of a batch's triplets that the hinge loss still works on: those with a loss above 0.

    Behind an encoder, with class labels as targets: of all (anchor, positive, negative), those
    with ``positive + margin > negative`` in Euclidean distances. The mean over the batches;
    one without a triplet is left out. Near 0 there is little left to learn from random triplets.

    Parameters
    ----------
    margin : float
        In the units of the distance; as that of the loss. Defaults to 0.2.

    Raises
    ------
    ValueError
        If ``margin`` is not positive, or, when updated, for labels that are not (batch,).

    Notes
    -----
    Holds batch**3 numbers: for 128 images 2 million, 8 MB.

    Examples
    --------
    Points on a line, 0 and 0.5 of class 0, 1 of class 1. For the anchor 0 the positive is at
    0.5 and the negative at 1, which is enough; for 0.5 both are at 0.5.

    >>> import numpy as np
    >>> metric = ActiveTriplets(0.2)
    >>> metric.update_state(np.array([0, 0, 1]), np.array([[0.0], [0.5], [1.0]], "float32"))
    >>> float(metric.result())
    0.5
    """

    def __init__(self, margin: float = 0.2, name: str = "active_triplets", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = check_margin(margin)

    def _batch(self, distance, partners, different):
        losses = triplet(distance[:, :, None], distance[:, None, :], "hinge", self.margin)
        valid = partners[:, :, None] * different[:, None, :]  # (anchor, positive, negative)
        return ops.cast(losses > 0, self.dtype), valid

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="siamese_utils")
class MeanDistance(_BatchMean):
    """Mean Euclidean distance between different images of a batch: near 0 where all collapsed.

    Behind an encoder, with any class labels as targets: they do not matter here. The mean over
    the batches; a batch of one image is left out. Compare it with the margin: distances far
    below it mean that every image has the same embedding.

    Examples
    --------
    Points at 0, 1 and 3 are 1, 3 and 2 apart:

    >>> import numpy as np
    >>> metric = MeanDistance()
    >>> metric.update_state(np.array([0, 0, 1]), np.array([[0.0], [1.0], [3.0]], "float32"))
    >>> float(metric.result())
    2.0
    """

    def __init__(self, name: str = "mean_distance", **kwargs):
        super().__init__(name=name, **kwargs)

    def _batch(self, distance, partners, different):
        return distance, partners + different
