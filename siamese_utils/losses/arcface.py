"""ArcFace: a softmax over classes on the sphere, with a margin for the right one."""

import keras
from keras import ops

from .._checks import squeezed
from .masks import at_least_float32, if_all, refuse_weights


@keras.saving.register_keras_serializable(package="siamese_utils")
class ArcFaceLoss(keras.losses.Loss):
    """Cross-entropy over cosines, the right one's angle enlarged (Deng et al. 2019, eq. 3).

    Put it behind an encoder and :class:`siamese_utils.models.Proxies`, which give each image's
    cosines to one learned vector of each class, its *proxy*. The angle to the right proxy is
    enlarged by ``margin``, all cosines are multiplied by ``scale``, and a softmax follows. With
    margin 0 it is the normalized softmax of Zhai and Wu (2019). Where the enlarged angle would
    pass pi, the cosine is lowered by ``margin * sin(margin)`` instead, so that it keeps falling.

    Parameters
    ----------
    scale : float
        Positive: the inverse of a temperature. Defaults to 30.
    margin : float in [0, pi)
        In radians. Defaults to 0.5, as in the paper.

    Raises
    ------
    ValueError
        If ``scale`` or ``margin`` is out of range. When called with labels (batch,) and cosines
        (batch, n_classes): if there are sample weights, a shape is another one, or a label is no
        column of the cosines. A compiled step cannot raise an error about a label, and gives NaN.

    Examples
    --------
    Two classes. The cosine to the right proxy is 0.5, an angle of 60 degrees, and to the wrong
    one 0. Without margin and with scale 1, p = e**0.5 / (e**0.5 + 1) and the loss is 0.4741.
    A margin of 30 degrees makes the right cosine 0, and the loss log 2.

    >>> import numpy as np
    >>> cosines = np.array([[0.5, 0.0]], "float32")
    >>> for margin in (0.0, np.pi / 6):
    ...     print(round(float(ArcFaceLoss(1.0, margin)(np.array([0]), cosines)), 4))
    0.4741
    0.6931
    """

    def __init__(
        self,
        scale: float = 30.0,
        margin: float = 0.5,
        name: str = "arc_face_loss",
        dtype=None,
        **kwargs,
    ):
        super().__init__(name=name, dtype=at_least_float32(dtype), **kwargs)
        if not scale > 0:
            raise ValueError(f"scale is {scale}; expected a positive number, such as 30")
        if not 0 <= margin < 3.14:
            raise ValueError(f"margin is {margin}; expected an angle in [0, pi), such as 0.5")
        self.scale, self.margin = scale, margin

    def __call__(self, y_true, y_pred, sample_weight=None):
        refuse_weights(self.name, sample_weight)
        return super().__call__(y_true, y_pred)

    def call(self, y_true, y_pred):
        n_classes, labels = y_pred.shape[-1], squeezed(y_true, 1)
        if len(y_pred.shape) != 2 or len(labels.shape) != 1:
            raise ValueError(
                f"labels have shape {tuple(y_true.shape)} and cosines {tuple(y_pred.shape)}; "
                "expected (batch,) and (batch, n_classes). For one-hot labels, pass "
                "labels.argmax(axis=1)."
            )
        margin = ops.cast(self.margin, y_pred.dtype)
        # The square root has no finite gradient at 0.
        sine = ops.sqrt(ops.maximum(1.0 - ops.square(y_pred), 1e-7))
        enlarged = y_pred * ops.cos(margin) - sine * ops.sin(margin)
        past = y_pred - margin * ops.sin(margin)
        enlarged = ops.where(y_pred > -ops.cos(margin), enlarged, past)
        numbers = ops.cast(labels, "int32")
        # Clipped, because PyTorch would refuse bad labels here, with a less helpful message.
        right = ops.one_hot(ops.clip(numbers, 0, n_classes - 1), n_classes, dtype=y_pred.dtype)
        logits = self.scale * (right * enlarged + (1.0 - right) * y_pred)
        return if_all(
            (labels >= 0) & (labels < n_classes) & (ops.cast(numbers, labels.dtype) == labels),
            labels,
            ops.logsumexp(logits, axis=1) - ops.sum(right * logits, axis=1),
            f"which is no class; expected whole numbers from 0 to {n_classes - 1}. Number them: "
            "np.unique(labels, return_inverse=True)[1].",
        )

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "margin": self.margin}
