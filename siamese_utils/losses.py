"""Losses on distances. Label: 1 = same class, 0 = different."""

import keras
from keras import ops


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
        one point.

    Examples
    --------
    A same pair and a different pair, each at distance 0.25, margin 1: 0.25**2 = 0.0625
    and (1 - 0.25)**2 = 0.5625, on average 0.3125.

    >>> import numpy as np
    >>> float(ContrastiveLoss(1.0)(np.array([1.0, 0.0]), np.array([0.25, 0.25])))
    0.3125
    """

    def __init__(self, margin: float = 1.0, name: str = "contrastive_loss", **kwargs):
        if not margin > 0:
            raise ValueError(f"margin is {margin}; expected a positive distance, such as 1.0")
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        same = ops.cast(y_true, y_pred.dtype)
        gap = ops.maximum(self.margin - y_pred, 0.0)
        return same * ops.square(y_pred) + (1.0 - same) * ops.square(gap)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}
