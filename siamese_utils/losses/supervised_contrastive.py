"""The loss that chooses the partner among all other images of the batch, by a softmax."""

import keras
from keras import ops

from .masks import InBatchLoss, check_temperature, pair_masks


@keras.saving.register_keras_serializable(package="siamese_utils")
class SupervisedContrastiveLoss(InBatchLoss):
    """Cross-entropy of finding the partners of each image among all others of the batch.

    Khosla et al. (2020), eq. 2. The similarities ``z_i . z_j`` of image i to the others are
    divided by a temperature and made into probabilities by a softmax; the loss is the mean of
    ``-log p_j`` over the images j of its class. In place of a margin, the softmax gives the
    nearest wrong images most of the weight. An image alone in its class adds nothing.

    Put it behind an encoder whose embeddings have length 1, with class labels as targets.

    Parameters
    ----------
    temperature : float
        Positive. At 0.1 a similarity that is larger by 0.1 counts e = 2.7 times as much.

    Raises
    ------
    ValueError
        If ``temperature`` is not positive.

    Examples
    --------
    Four points on the unit circle, at 0 and 0 degrees (class 0), and twice at 90 degrees
    (class 1). Each has one partner at similarity 1 and two others at similarity 0; with
    temperature 1 the partner's probability is e / (e + 2) = 0.576, and -log 0.576 = 0.5514.

    >>> import numpy as np
    >>> points = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], "float32")
    >>> round(float(SupervisedContrastiveLoss(1.0)(np.array([0, 0, 1, 1]), points)), 4)
    0.5514
    """

    def __init__(
        self, temperature: float = 0.1, name: str = "supervised_contrastive_loss", **kwargs
    ):
        super().__init__(name=name, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        itself = 1.0 - partners - different
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        similarity = similarity - 1e9 * itself  # an image is not among the others
        log_p = similarity - ops.logsumexp(similarity, axis=1, keepdims=True)  # (batch, batch)
        n_partners = ops.sum(partners, axis=1)
        each = -ops.sum(partners * log_p, axis=1) / ops.maximum(n_partners, 1.0)  # (batch,)
        n_images = ops.sum(ops.cast(n_partners > 0, y_pred.dtype))
        return ops.sum(each) / ops.maximum(n_images, 1.0)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
