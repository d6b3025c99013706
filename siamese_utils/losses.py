"""Losses on distances. Label: 1 = same class, 0 = different."""

import keras
from keras import ops

from .distances import all_pairs, euclidean


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
        super().__init__(name=name, **kwargs)
        self.margin = _positive(margin)

    def call(self, y_true, y_pred):
        return _contrastive(ops.cast(y_true, y_pred.dtype), y_pred, self.margin)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="siamese_utils")
class InBatchContrastiveLoss(keras.losses.Loss):
    """The contrastive loss over all pairs of a batch: B encodings give B (B - 1) / 2 pairs.

    Put it behind an encoder, with class labels as targets. The mean over the same pairs
    and the mean over the different pairs count alike, which is what
    :class:`ContrastiveLoss` computes on pairs drawn balanced. An image is not paired with
    itself; a kind of pair that a batch lacks adds nothing.

    Parameters
    ----------
    margin : float
        Positive; in the units of the distance, which is Euclidean.

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
    """

    def __init__(self, margin: float = 1.0, name: str = "in_batch_contrastive_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.margin = _positive(margin)

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1,))  # (batch,), also if Keras made it (batch, 1)
        same = ops.cast(ops.expand_dims(labels, 1) == labels, y_pred.dtype)  # (batch, batch)
        others = 1.0 - ops.eye(labels.shape[0] or ops.shape(labels)[0], dtype=y_pred.dtype)
        values = _contrastive(same, all_pairs(euclidean, y_pred, y_pred), self.margin)
        means = [
            ops.sum(kind * values) / ops.maximum(ops.sum(kind), 1.0)
            for kind in (same * others, 1.0 - same)
        ]
        return (means[0] + means[1]) / 2.0

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="siamese_utils")
class InBatchVerificationLoss(keras.losses.Loss):
    """Cross-entropy of *same or different* over all pairs of a batch, from logits.

    The loss of Koch et al. (2015, section 3.2) on all pairs that a batch holds. The mean over
    the same pairs and the mean over the different pairs count alike, as if pairs were drawn
    balanced. Each image may weight its different pairs towards the hard ones: with weights
    proportional to ``exp(hardness * logit)``, on average 1, which are taken as constants.

    Put it behind :func:`siamese_utils.models.in_batch_network`, with class labels as targets.
    An image is not paired with itself; a kind of pair that a batch lacks adds nothing.

    Parameters
    ----------
    hardness : float
        0 counts all different pairs alike. At 1, of two pairs whose odds *same : different*
        are 2 : 1 and 1 : 1, the first has twice the weight.

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

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1,))  # (batch,), also if Keras made it (batch, 1)
        same = ops.cast(ops.expand_dims(labels, 1) == labels, y_pred.dtype)  # (batch, batch)
        others = 1.0 - ops.eye(labels.shape[0] or ops.shape(labels)[0], dtype=y_pred.dtype)
        different = 1.0 - same
        partners = same * others
        pulled = ops.sum(partners * ops.softplus(-y_pred)) / ops.maximum(ops.sum(partners), 1.0)
        scores = self.hardness * ops.stop_gradient(y_pred) - 1e9 * same
        n_different = ops.sum(different, axis=1, keepdims=True)  # of each image
        weights = n_different * ops.softmax(scores, axis=1)  # 0 for the same pairs
        pushed = ops.sum(weights * ops.softplus(y_pred)) / ops.maximum(ops.sum(n_different), 1.0)
        return (pulled + pushed) / 2.0

    def get_config(self):
        return {**super().get_config(), "hardness": self.hardness}


@keras.saving.register_keras_serializable(package="siamese_utils")
class SupervisedContrastiveLoss(keras.losses.Loss):
    """Each image of a batch is to find those of its class among all others.

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
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; expected a positive number, as 0.1")
        self.temperature = temperature

    def call(self, y_true, y_pred):
        labels = ops.reshape(y_true, (-1,))  # (batch,), also if Keras made it (batch, 1)
        diagonal = ops.eye(labels.shape[0] or ops.shape(labels)[0], dtype=y_pred.dtype)
        same = ops.cast(ops.expand_dims(labels, 1) == labels, y_pred.dtype) - diagonal
        similarity = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
        similarity = similarity - 1e9 * diagonal  # an image is not among the others
        log_p = similarity - ops.logsumexp(similarity, axis=1, keepdims=True)  # (batch, batch)
        n_partners = ops.sum(same, axis=1)
        each = -ops.sum(same * log_p, axis=1) / ops.maximum(n_partners, 1.0)  # (batch,)
        n_images = ops.sum(ops.cast(n_partners > 0, y_pred.dtype))
        return ops.sum(each) / ops.maximum(n_images, 1.0)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


def _contrastive(same, distance, margin):
    """Hadsell's two terms, elementwise."""
    gap = ops.maximum(margin - distance, 0.0)
    return same * ops.square(distance) + (1.0 - same) * ops.square(gap)


def _positive(margin: float) -> float:
    if not margin > 0:
        raise ValueError(f"margin is {margin}; expected a positive distance, such as 1.0")
    return margin
