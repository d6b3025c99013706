"""Matching and prototypical networks, as losses on batches that are episodes."""

import keras
from keras import ops

EPISODES = ("matching", "prototypical")


@keras.saving.register_keras_serializable(package="siamese_utils")
class EpisodicLoss(keras.losses.Loss):
    """Each query of a batch is to find its class by a few support images of each.

    The batch holds ``n_images`` of each class in a row, as it comes from
    :class:`siamese_utils.sampling.ClassBatches`; the first ``n_support`` of each class are its
    support images, the others are queries. The loss is the cross-entropy of a softmax over the
    classes.

    * "matching", Vinyals et al. (2016, eq. 1), without their context embeddings: the weight of
      a class is the sum over its support images of ``exp(cosine similarity / temperature)``.
    * "prototypical", Snell et al. (2017, eq. 2): it is ``exp(-d / temperature)``, d the squared
      Euclidean distance to the mean of its support images.

    Put it behind an encoder whose embeddings have length 1. With one support image a squared
    distance is then 2 - 2 x similarity, so prototypical at temperature 2 t is matching at t.

    Parameters
    ----------
    form : {"matching", "prototypical"}
    n_images, n_support : int
        Of each class in the batch; ``1 <= n_support < n_images``.
    temperature : float
        Positive. The papers have none; but on the sphere 20 similarities between -1 and 1
        would leave the softmax almost flat.

    Raises
    ------
    ValueError
        For another form, numbers that leave no support or no query, or a temperature that is
        not positive.

    Examples
    --------
    Two classes, one support image and one query each; each query equals its support image and
    is at a right angle to the other one, so it costs log(1 + exp(-1)) = 0.3133.

    >>> import numpy as np
    >>> points = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], "float32")
    >>> loss = EpisodicLoss("matching", n_images=2, n_support=1, temperature=1.0)
    >>> round(float(loss(np.array([0, 0, 1, 1]), points)), 4)
    0.3133
    """

    def __init__(
        self,
        form: str,
        n_images: int,
        n_support: int = 1,
        temperature: float = 0.1,
        name: str = "episodic_loss",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        if form not in EPISODES:
            raise ValueError(f"unknown form {form!r}; expected one of {', '.join(EPISODES)}")
        if not 1 <= n_support < n_images:
            raise ValueError(
                f"n_support is {n_support} of {n_images} images; expected at least one support "
                "image and one query"
            )
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; expected a positive number, as 0.1")
        self.form = form
        self.n_images = n_images
        self.n_support = n_support
        self.temperature = temperature

    def call(self, y_true, y_pred):
        dim = y_pred.shape[-1]
        classes = ops.reshape(y_pred, (-1, self.n_images, dim))  # (n_way, n_images, dim)
        support = classes[:, : self.n_support]
        queries = ops.reshape(classes[:, self.n_support :], (-1, dim))  # (n_queries, dim)
        if self.form == "matching":
            similarity = ops.einsum("qd,wsd->qws", queries, support)
            logits = ops.logsumexp(similarity / self.temperature, axis=2)  # (n_queries, n_way)
        else:
            prototypes = ops.mean(support, axis=1)  # (n_way, dim)
            difference = ops.expand_dims(queries, 1) - prototypes
            logits = -ops.sum(ops.square(difference), axis=2) / self.temperature
        log_p = logits - ops.logsumexp(logits, axis=1, keepdims=True)
        n_way = ops.shape(classes)[0]
        own = ops.repeat(ops.eye(n_way), self.n_images - self.n_support, axis=0)
        return -ops.sum(own * log_p) / ops.cast(ops.shape(queries)[0], log_p.dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "form": self.form,
            "n_images": self.n_images,
            "n_support": self.n_support,
            "temperature": self.temperature,
        }
