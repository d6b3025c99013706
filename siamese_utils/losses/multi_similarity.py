"""The multi-similarity loss: mined pairs, weighted by their own and by their rivals' similarity."""

import keras
from keras import ops

from .masks import InBatchLoss, pair_masks


@keras.saving.register_keras_serializable(package="siamese_utils")
class MultiSimilarityLoss(InBatchLoss):
    """Multi-similarity loss of Wang et al. (2019), eqs. 11, 12 and 15.

    For each image i, the pairs (i, j) are *mined* by their similarity ``s = z_i . z_j``. A
    different pair counts if s is above the least s of a same pair minus ``epsilon``; a same pair
    counts if s is below the greatest s of a different pair plus ``epsilon``. With sums over the
    pairs that count, the loss is the mean over the images of

    ``log(1 + sum exp(-alpha (s_same - base))) / alpha
    + log(1 + sum exp(beta (s_different - base))) / beta``

    Put it behind an encoder whose embeddings have length 1, with class labels as targets. The
    mining is taken as constant. An image alone in its class is not mined and adds nothing.

    Parameters
    ----------
    alpha, beta : float
        How much more the hardest same and different pairs count. Default to 2 and 50, as in the
        paper.
    base : float
        The similarity on whose wrong side a pair costs. The paper has 1 in its text; its code
        has 0.5, which is the default here.
    epsilon : float
        Defaults to 0.1, as in the paper.

    Raises
    ------
    ValueError
        If ``alpha`` or ``beta`` is not positive.

    Examples
    --------
    Three points on the unit circle, two of class 0 at 0 degrees and one of class 1 at 90
    degrees. All pairs are as they should be by more than epsilon, so none counts. Moved to 0
    degrees, the third has similarity 1 to both. Each of the two has one same pair,
    ``log(1 + e**-1) / 2 = 0.1566``, and one different pair, ``log(1 + e**25) / 50 = 0.5``; the
    third has no partner. The mean of 0.6566, 0.6566 and 0 is 0.4378.

    >>> import numpy as np
    >>> labels, right = np.array([0, 0, 1]), np.array([1.0, 0.0])
    >>> for third in ([0.0, 1.0], [1.0, 0.0]):
    ...     points = np.array([right, right, third], "float32")
    ...     print(round(float(MultiSimilarityLoss()(labels, points)), 4))
    0.0
    0.4378
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float = 0.1,
        name: str = "multi_similarity_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        for what, value in (("alpha", alpha), ("beta", beta)):
            if not value > 0:
                raise ValueError(f"{what} is {value}; expected a positive number")
        self.alpha, self.beta, self.base, self.epsilon = alpha, beta, base, epsilon

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        similarity = ops.matmul(y_pred, ops.transpose(y_pred))
        fixed = ops.stop_gradient(similarity)
        least_same = ops.min(fixed + 1e9 * (1.0 - partners), axis=1, keepdims=True)
        greatest_different = ops.max(fixed - 1e9 * (1.0 - different), axis=1, keepdims=True)
        is_hard = ops.cast(fixed > least_same - self.epsilon, fixed.dtype)
        is_far = ops.cast(fixed < greatest_different + self.epsilon, fixed.dtype)
        # A pair that does not count gets -1e9, and exp(-1e9) = 0. We add, and do not multiply by a
        # mask: a compiler may turn that into a choice, which would hide the NaN of bad labels.
        no_push = -1e9 * (2.0 - different - is_hard)
        no_pull = -1e9 * (2.0 - partners - is_far)
        away = similarity - self.base
        # softplus(logsumexp(x)) is log(1 + sum(exp(x)))
        pulls = ops.softplus(ops.logsumexp(no_pull - self.alpha * away, axis=1))
        pushes = ops.softplus(ops.logsumexp(no_push + self.beta * away, axis=1))
        return ops.mean(pulls / self.alpha + pushes / self.beta)

    def get_config(self):
        own = {"alpha": self.alpha, "beta": self.beta, "base": self.base, "epsilon": self.epsilon}
        return {**super().get_config(), **own}
