"""The softmax loss that sets each pair of a class against all other classes of the batch."""

import keras
from keras import ops

from .masks import InBatchLoss, check_temperature, mean_where, pair_masks


@keras.saving.register_keras_serializable(package="siamese_utils")
class InBatchSoftmaxLoss(InBatchLoss):
    """Cross-entropy of choosing each partner of an image among the images of other classes.

    With ``s = z_i . z_j / temperature``, each pair (i, p) of one class costs

        log(1 + sum over n of exp(s_in - s_ip)) = softplus(logsumexp over n of s_in - s_ip),

    n over the images of other classes; the loss is the mean over these pairs. It is the loss
    of Sohn (2016, eq. 6) with all other images of the batch as negatives, on cosine similarity
    with a temperature as in Chen et al. (2020, eq. 1): the cross-entropy of a softmax that has
    to choose p among the negatives. :class:`SupervisedContrastiveLoss` has the other images of
    the class among the candidates as well, so that they compete with each other.

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
    Four points on the unit circle, two at 0 degrees (class 0) and two at 90 (class 1). Each
    has its partner at similarity 1 and two negatives at similarity 0; with temperature 1 that
    costs log(1 + 2 exp(-1)) = 0.5514.

    >>> import numpy as np
    >>> points = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], "float32")
    >>> round(float(InBatchSoftmaxLoss(1.0)(np.array([0, 0, 1, 1]), points)), 4)
    0.5514
    """

    def __init__(self, temperature: float = 0.1, name: str = "in_batch_softmax_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        check_temperature(temperature)
        self.temperature = temperature

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        negatives = similarity - 1e9 * (1.0 - different)
        against = ops.logsumexp(negatives, axis=1, keepdims=True)  # (batch, 1)
        return mean_where(partners, ops.softplus(against - similarity))

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
