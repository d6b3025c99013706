"""Contrastive losses on distances. Label: 1 = same class, 0 = different."""

import keras
from keras import ops

from ..distances import all_pairs, euclidean
from .masks import (
    InBatchLoss,
    at_least_float32,
    check_margin,
    equal_shapes,
    mean_where,
    pair_masks,
    same_or_different,
)


@keras.saving.register_keras_serializable(package="siamese_utils")
class ContrastiveLoss(keras.losses.Loss):
    """Contrastive loss of Hadsell, Chopra and LeCun (2006), eq. 4.

    ``same * d**2 + (1 - same) * max(margin - d, 0)**2``: same pairs are pulled together
    with no limit, different pairs are pushed apart until they are ``margin`` away.

    The paper writes Y = 0 for same and a factor 1/2; here 1 = same, as in the whole
    book, and the factor is left out, which only rescales the learning rate.
    ``d`` must be a distance: a sigmoid before this loss would keep it below 1 and pull
    every pair's gradient towards 0.

    Parameters
    ----------
    margin : float
        Positive; in the units of the distance.

    Raises
    ------
    ValueError
        If ``margin`` is not positive: the loss would then be least with all images in
        one point. When called, if there is not one label for each distance, or a label is
        neither 0 nor 1. A compiled step cannot raise an error about a label, and gives NaN.

    Examples
    --------
    A same pair and a different pair, each at distance 0.25, margin 1: 0.25**2 = 0.0625
    and (1 - 0.25)**2 = 0.5625, on average 0.3125.

    >>> import numpy as np
    >>> float(ContrastiveLoss(1.0)(np.array([1.0, 0.0]), np.array([0.25, 0.25])))
    0.3125
    """

    def __init__(self, margin: float = 1.0, name: str = "contrastive_loss", dtype=None, **kwargs):
        super().__init__(name=name, dtype=at_least_float32(dtype), **kwargs)
        self.margin = check_margin(margin)

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Before Keras weights the pairs: distances (n, 1) and weights (n,) would make (n, n).
        y_true, y_pred = equal_shapes(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        return super().__call__(same_or_different(y_true), y_pred, sample_weight)

    def call(self, y_true, y_pred):
        return _contrastive(y_true, y_pred, self.margin)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="siamese_utils")
class InBatchContrastiveLoss(InBatchLoss):
    """The contrastive loss over all pairs of a batch: B embeddings give B (B - 1) / 2 pairs.

    Put it behind an encoder: embeddings (batch, dim) and class labels (batch,) give one number.
    The mean over the same pairs and the mean over the different pairs count alike, which is what
    :class:`ContrastiveLoss` computes on pairs drawn balanced. An image is not paired with
    itself; a kind of pair that a batch lacks adds nothing.

    Parameters
    ----------
    margin : float
        Positive; in the units of the distance, which is Euclidean.
    hardest : bool
        Whether only the nearest different image of each image counts, in place of all. Defaults
        to False.

    Raises
    ------
    ValueError
        If ``margin`` is not positive.

    Examples
    --------
    Three points on a line, at 0, 0.25 and 0.5, of classes 0, 0, 1. The same pair is at
    0.25 and gives 0.0625; the different ones, at 0.5 and 0.25, give 0.25 and 0.5625, on
    average 0.40625. The mean of the two kinds is 0.234375.

    >>> import numpy as np
    >>> points = np.array([[0.0], [0.25], [0.5]], "float32")
    >>> round(float(InBatchContrastiveLoss(1.0)(np.array([0, 0, 1]), points)), 4)
    0.2344

    With the nearest different image alone, at 0.5, 0.25 and 0.25, the different pairs have a
    mean of 0.4583:

    >>> loss = InBatchContrastiveLoss(1.0, hardest=True)
    >>> round(float(loss(np.array([0, 0, 1]), points)), 4)
    0.2604
    """

    def __init__(
        self,
        margin: float = 1.0,
        hardest: bool = False,
        name: str = "in_batch_contrastive_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.margin, self.hardest = check_margin(margin), hardest

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        distance = all_pairs(euclidean, y_pred, y_pred)
        values = _contrastive(1.0 - different, distance, self.margin)
        if self.hardest:
            candidates = ops.stop_gradient(distance + 1e9 * (1.0 - different))
            nearest = candidates == ops.min(candidates, axis=1, keepdims=True)
            different = different * ops.cast(nearest, different.dtype)
        return (mean_where(partners, values) + mean_where(different, values)) / 2.0

    def get_config(self):
        return {**super().get_config(), "margin": self.margin, "hardest": self.hardest}


def _contrastive(same, distance, margin):
    """Hadsell's two terms, elementwise."""
    gap = ops.maximum(margin - distance, 0.0)
    return same * ops.square(distance) + (1.0 - same) * ops.square(gap)
