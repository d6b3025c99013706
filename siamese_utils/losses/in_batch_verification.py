"""*Same or different* as a question about every pair of a batch."""

import keras
from keras import ops

from .masks import InBatchLoss, mean_where, pair_masks


@keras.saving.register_keras_serializable(package="siamese_utils")
class InBatchVerificationLoss(InBatchLoss):
    """Cross-entropy of *same or different* over all pairs of a batch, from logits.

    The loss of Koch et al. (2015, section 3.2) on all pairs that a batch holds. The mean over
    the same pairs and the mean over the different pairs count alike, as if pairs were drawn
    balanced. With ``hardness`` above 0, the hard ones among the different pairs of each image count
    more: their weights are proportional to ``exp(hardness * logit)``, have the mean 1, and are
    taken as constants.

    Put it behind :func:`siamese_utils.models.in_batch_network`, with class labels as targets.
    An image is not paired with itself; a kind of pair that a batch lacks adds nothing.

    Parameters
    ----------
    hardness : float
        Defaults to 0: all different pairs count alike. At 1, of two pairs whose odds
        *same : different* are 2 : 1 and 1 : 1, the first has twice the weight.

    Raises
    ------
    ValueError
        If ``hardness`` is negative.

    Examples
    --------
    Three images of classes 0, 0, 1. The same pair has logit 0, a loss of log 2 = 0.6931. Image
    0 and 2 have logit log 3, p(same) = 3/4, a loss of log 4 = 1.3863; image 1 and 2 have logit
    0. Plain, the different pairs have a mean of 1.0397. With hardness 1, image 2 weights its
    two as 3/2 : 1/2, while images 0 and 1 have one each: (1.3863 + 0.6931 + 3/2 x 1.3863
    + 1/2 x 0.6931) / 4 = 1.1264.

    >>> import numpy as np
    >>> logits = np.array([[9, 0, np.log(3)], [0, 9, 0], [np.log(3), 0, 9]], "float32")
    >>> [round(float(InBatchVerificationLoss(h)(np.array([0, 0, 1]), logits)), 4) for h in (0, 1)]
    [0.8664, 0.9098]
    """

    def __init__(self, hardness: float = 0.0, name: str = "in_batch_verification_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        if not hardness >= 0:
            raise ValueError(f"hardness is {hardness}; expected 0 or a positive number, as 1.0")
        self.hardness = hardness

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        pulled = mean_where(partners, ops.softplus(-y_pred))
        scores = self.hardness * ops.stop_gradient(y_pred) - 1e9 * (1.0 - different)
        n_different = ops.sum(different, axis=1, keepdims=True)  # of each image
        weights = n_different * ops.softmax(scores, axis=1)  # 0 for the same pairs
        pushed = ops.sum(weights * ops.softplus(y_pred)) / ops.maximum(ops.sum(n_different), 1.0)
        return (pulled + pushed) / 2.0

    def get_config(self):
        return {**super().get_config(), "hardness": self.hardness}
