"""The triplet loss, and which triplets of a batch it is taken over."""

import keras
from keras import ops

from ..distances import all_pairs, euclidean
from .masks import InBatchLoss, check_margin, mean_where, pair_masks

MININGS = ("random", "batch_all", "semi_hard", "batch_hard")
FORMS = ("hinge", "softplus", "ratio")

FAR = 1e9  # stands for a distance that is no candidate


def triplet(positive, negative, form: str = "hinge", margin: float = 0.2):
    """What a triplet costs: its positive should be nearer to the anchor than its negative.

    With ``x = positive - negative``, below 0 where the order is right:

    - ``"hinge"``: ``max(x + margin, 0)``, 0 once the negative is farther by the margin (Schroff
      et al. 2015, section 3.1, on squared distances; on distances as here, Hermans et al. 2017).
    - ``"softplus"``: ``log(1 + exp(x))``, the soft margin of Hermans et al. (2017, section 2).
      It has no margin and never ends: a triplet in good order goes on to count a little.
    - ``"ratio"``: ``sigmoid(x)**2``. Hoffer and Ailon (2015) make the two distances
      probabilities by a softmax and take the squared error against (0, 1). Both terms of the
      error are ``sigmoid(x)**2``; the factor 2 is left out. It is at most 1, and flat for a
      triplet that is very wrong.

    Parameters
    ----------
    positive, negative : tensors with the same number of axes, or a scalar and any tensor
        Distances from the anchor to the positive and to the negative image. They broadcast.
    form : str
        One of ``FORMS``.
    margin : float
        Positive; in the units of the distance. For the hinge alone.

    Returns
    -------
    tensor
        In the shape of ``positive - negative``.

    Raises
    ------
    ValueError
        If the form is unknown, the margin not positive, or one tensor has more axes than the
        other: (n, 1) and (n,) would broadcast to (n, n).

    Examples
    --------
    A positive at distance 0.5 and a negative at 0.4 are in the wrong order by 0.1. The hinge
    with margin 0.2 gives 0.1 + 0.2; softplus log(1 + e**0.1); the ratio 1 / (1 + e**-0.1)**2.

    >>> import numpy as np
    >>> positive, negative = np.float32(0.5), np.float32(0.4)
    >>> [round(float(triplet(positive, negative, form)), 4) for form in FORMS]
    [0.3, 0.7444, 0.2756]
    """
    _check(form, FORMS, "form")
    check_margin(margin)
    positive, negative = ops.convert_to_tensor(positive), ops.convert_to_tensor(negative)
    shapes = [tuple(distance.shape) for distance in (positive, negative)]
    if len(shapes[0]) != len(shapes[1]) and () not in shapes:
        raise ValueError(
            f"positive distances have shape {shapes[0]} and negative ones {shapes[1]}; expected "
            "one number of axes"
        )
    x = ops.subtract(positive, negative)
    if form == "hinge":
        return ops.maximum(x + margin, 0.0)
    if form == "softplus":
        return ops.softplus(x)
    return ops.square(ops.sigmoid(x))


@keras.saving.register_keras_serializable(package="siamese_utils")
class TripletLoss(InBatchLoss):
    """The triplet loss over triplets of a batch, on Euclidean distances.

    Put it behind an encoder: embeddings (batch, dim) and class labels (batch,) give one number.
    The images are embedded once, and :func:`triplet` is taken over triplets (anchor, positive,
    negative) of the batch:

    - ``"random"``: one for each anchor and positive, with a negative drawn at random.
    - ``"batch_all"``: all of them. With the hinge the mean is over those that are not yet 0
      (Hermans et al. 2017, section 2), else over all.
    - ``"semi_hard"``: one for each anchor and positive, with the nearest negative that is
      farther than the positive (Schroff et al. 2015, section 3.2). Where no negative is, the
      farthest is taken: the paper leaves this case open, and common implementations do so.
    - ``"batch_hard"``: one for each anchor, of its farthest positive and its nearest negative
      (Hermans et al. 2017, eq. 5).

    A batch without a triplet gives 0.

    Parameters
    ----------
    mining : str
        One of those above.
    form : str
        One of ``FORMS``.
    margin : float
        Positive; in the units of the distance. For the hinge alone.

    Raises
    ------
    ValueError
        If mining or form are unknown, or the margin is not positive.

    Notes
    -----
    ``"batch_all"`` and ``"semi_hard"`` hold batch**3 numbers: for 128 images 2 million, 8 MB
    in float32, and a few times that for the gradient. The others hold batch**2.

    The negatives of ``"random"`` are drawn by their position in the batch, with a fixed seed. They
    change from step to step because each batch has other images at these positions.

    Examples
    --------
    Four points on a line: 0 and 0.5 are of class 0, 0.4 and 1.1 of class 1. Each has one
    positive and two negatives. With margin 0.2 its two triplets give

    - for 0 (positive at 0.5): 0.3 with the one at 0.4, and 0 with 1.1;
    - for 0.5 (positive at 0.5): 0.6 with 0.4, and 0.1 with 1.1;
    - for 0.4 (positive at 0.7): 0.5 with 0, and 0.8 with 0.5;
    - for 1.1 (positive at 0.7): 0 with 0, and 0.3 with 0.5.

    Batch-hard takes the larger of each line: (0.3 + 0.6 + 0.8 + 0.3) / 4 = 0.5. Batch-all is
    the mean of the six that are not 0: 2.6 / 6 = 0.4333. Semi-hard takes the negative beyond
    the positive; 0.4 has none, so its farthest: (0 + 0.1 + 0.5 + 0) / 4 = 0.15.

    >>> import numpy as np
    >>> labels, points = np.array([0, 0, 1, 1]), np.array([[0], [0.5], [0.4], [1.1]], "float32")
    >>> minings = ("batch_hard", "batch_all", "semi_hard")
    >>> [round(float(TripletLoss(mining)(labels, points)), 4) for mining in minings]
    [0.5, 0.4333, 0.15]
    """

    def __init__(
        self,
        mining: str = "semi_hard",
        form: str = "hinge",
        margin: float = 0.2,
        name: str = "triplet_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.mining = _check(mining, MININGS, "mining")
        self.form = _check(form, FORMS, "form")
        self.margin = check_margin(margin)

    def call(self, same, y_pred):
        partners, different = pair_masks(same)  # (batch, batch) each
        distance = all_pairs(euclidean, y_pred, y_pred)  # (batch, batch)
        if self.mining == "batch_all":
            # (anchor, positive, negative)
            values = self._triplet(distance[:, :, None], distance[:, None, :])
            valid = partners[:, :, None] * different[:, None, :]
            if self.form == "hinge":
                valid = valid * ops.cast(values > 0, y_pred.dtype)
            return mean_where(valid, values)
        has_negative = ops.max(different, axis=1, keepdims=True)  # (anchor, 1)
        if self.mining == "batch_hard":
            positive = ops.max(partners * distance, axis=1, keepdims=True)
            negative = ops.min(distance + FAR * (1.0 - different), axis=1, keepdims=True)
            valid = ops.max(partners, axis=1, keepdims=True) * has_negative
            return mean_where(valid, self._triplet(positive, negative))
        choose = _random if self.mining == "random" else _semi_hard
        negative = ops.take_along_axis(distance, choose(distance, different), axis=1)
        # (anchor, positive)
        return mean_where(partners * has_negative, self._triplet(distance, negative))

    def _triplet(self, positive, negative):
        return triplet(positive, negative, self.form, self.margin)

    def get_config(self):
        return {
            **super().get_config(),
            "mining": self.mining,
            "form": self.form,
            "margin": self.margin,
        }


def _random(distance, different):
    """A negative for each anchor and positive: int (anchor, positive), places of the batch."""
    # A fixed seed: JAX cannot keep the state of a generator inside a loss.
    draw = keras.random.uniform(ops.shape(distance), seed=0)  # in [0, 1)
    n_different = ops.sum(different, axis=1, keepdims=True)
    rank = ops.cast(draw * n_different, "int32")  # 0 .. n_different - 1
    negatives_first = ops.argsort(1.0 - different, axis=1)
    return ops.take_along_axis(negatives_first, rank, axis=1)


def _semi_hard(distance, different):
    """The same, of the nearest negative beyond the positive, or the farthest if none is."""
    to_negative = distance[:, None, :]  # (anchor, 1, negative)
    beyond = ops.logical_and(different[:, None, :] > 0, to_negative > distance[:, :, None])
    nearest = ops.argmin(ops.where(beyond, to_negative, FAR), axis=2)
    farthest = ops.argmax(different * distance, axis=1, keepdims=True)
    return ops.where(ops.any(beyond, axis=2), nearest, farthest)


def _check(value: str, known: tuple[str, ...], what: str) -> str:
    if value not in known:
        raise ValueError(f"{what} is {value!r}; expected one of {', '.join(known)}")
    return value
