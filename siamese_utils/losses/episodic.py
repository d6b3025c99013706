"""Matching and prototypical networks, as losses on batches that are episodes."""

import keras
from keras import ops

from .._checks import whole_number
from .masks import InBatchLoss, check_temperature, mean_where

EPISODES = ("matching", "prototypical")


@keras.saving.register_keras_serializable(package="siamese_utils")
class EpisodicLoss(InBatchLoss):
    """Cross-entropy of finding the class of each query from a few support images of each class.

    The first ``n_shot`` images of each class, in the order of the batch, are its support
    images, and the others are queries. The batch may hold any number of images of each class,
    in any order; :class:`siamese_utils.sampling.ClassBatches` makes such batches. The loss is
    the cross-entropy of a softmax over the classes. A batch without a query gives 0.

    * "matching", Vinyals et al. (2016, eq. 1), without their context embeddings: the weight of
      a class is the sum over its support images of ``exp(cosine similarity / temperature)``.
    * "prototypical", Snell et al. (2017, eq. 2): it is ``exp(-d / temperature)``, d the squared
      Euclidean distance to the mean of its support images.

    Put it behind an encoder whose embeddings have length 1, with class labels as targets. With
    one support image a squared distance is then 2 - 2 x similarity, so prototypical at
    temperature 2 t is matching at t.

    Parameters
    ----------
    form : {"matching", "prototypical"}
    n_shot : int
        Support images of each class, at least 1. Defaults to 1.
    temperature : float
        Positive. Defaults to 0.1. The papers have none; but on the sphere 20 similarities
        between -1 and 1 would leave the softmax almost flat.

    Raises
    ------
    ValueError
        For another form, for ``n_shot`` that is no whole number of at least 1, and for a
        temperature that is not positive.

    Examples
    --------
    Two classes, one support image and one query each; each query equals its support image and
    is at a right angle to the other one, so it costs log(1 + exp(-1)) = 0.3133.

    >>> import numpy as np
    >>> points = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], "float32")
    >>> loss = EpisodicLoss("matching", n_shot=1, temperature=1.0)
    >>> round(float(loss(np.array([0, 0, 1, 1]), points)), 4)
    0.3133
    """

    def __init__(
        self,
        form: str,
        n_shot: int = 1,
        temperature: float = 0.1,
        name: str = "episodic_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if form not in EPISODES:
            raise ValueError(f"unknown form {form!r}; expected one of {', '.join(EPISODES)}")
        check_temperature(temperature)
        self.form = form
        self.n_shot = whole_number(n_shot, "n_shot", 1)
        self.temperature = temperature

    def call(self, same, y_pred):
        n_before = ops.sum(ops.tril(same, -1), axis=1)  # images of one's class, (batch,)
        support = ops.cast(n_before < self.n_shot, same.dtype)
        if self.form == "matching":
            # The weights of all classes together are those of all support images.
            logits = ops.matmul(y_pred, ops.transpose(y_pred)) / self.temperature
            candidates, own = support * ops.ones_like(same), support * same  # (batch, batch)
        else:
            # In the column of each class' first image stands the class.
            of_class = same * support
            prototypes = ops.matmul(of_class, y_pred) / ops.sum(of_class, axis=1, keepdims=True)
            logits = -_squared_distances(y_pred, prototypes) / self.temperature
            first = ops.cast(n_before < 1, same.dtype)
            candidates, own = first * ops.ones_like(same), first * same
        every, right = (
            ops.logsumexp(logits - 1e9 * (1.0 - chosen), axis=1) for chosen in (candidates, own)
        )
        return mean_where(1.0 - support, every - right)

    def get_config(self):
        return {
            **super().get_config(),
            "form": self.form,
            "n_shot": self.n_shot,
            "temperature": self.temperature,
        }


def _squared_distances(a, b):
    """Of every row of a to every row of b, by one matrix product."""
    lengths = ops.sum(ops.square(a), axis=1, keepdims=True) + ops.sum(ops.square(b), axis=1)
    return lengths - 2.0 * ops.matmul(a, ops.transpose(b))
