"""The lifted structure loss: every pair of partners against all their negatives at once."""

import keras
from keras import ops

from ..distances import all_pairs, euclidean
from .masks import InBatchLoss, check_margin, mean_where, pair_masks


@keras.saving.register_keras_serializable(package="siamese_utils")
class LiftedStructureLoss(InBatchLoss):
    """Lifted structure loss of Oh Song et al. (2016), eq. 4, on Euclidean distances.

    For each pair of partners (i, j) of the batch,

    ``J = d(i, j) + log(sum_k exp(margin - d(i, k)) + sum_l exp(margin - d(j, l)))``

    with k and l over the images of other classes: a smooth form of *the nearest negative of
    either is to be farther than the partner, by the margin*. The loss is the mean of
    ``max(J, 0)**2 / 2``, and 0 for a batch without such a pair.

    Put it behind an encoder: embeddings (batch, dim) and class labels (batch,) give one number.

    Parameters
    ----------
    margin : float
        Positive; in the units of the distance.

    Raises
    ------
    ValueError
        If ``margin`` is not positive.

    Examples
    --------
    Three points on a line, at 0, 0.5 and 1.5, of classes 0, 0, 1. The partners are 0.5 apart,
    and their negative is 1.5 and 1 away: J = 0.5 + log(e**-0.5 + e**0) = 0.9741, and half its
    square is 0.4744.

    >>> import numpy as np
    >>> points = np.array([[0.0], [0.5], [1.5]], "float32")
    >>> round(float(LiftedStructureLoss(1.0)(np.array([0, 0, 1]), points)), 4)
    0.4744
    """

    def __init__(self, margin: float = 1.0, name: str = "lifted_structure_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = check_margin(margin)

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        distance = all_pairs(euclidean, y_pred, y_pred)
        # What is not a negative adds exp(-1e9) = 0; without any, J is far below 0.
        pushed = ops.logsumexp(self.margin - distance - 1e9 * (1.0 - different), axis=1)
        j = distance + ops.logaddexp(pushed[:, None], pushed[None, :])
        return mean_where(partners, ops.square(ops.maximum(j, 0.0))) / 2.0

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
