"""Training an encoder on batches of classes, as chapter 08 does."""

from collections.abc import Sequence

import keras
import numpy as np

from .._checks import refuse_bytes, whole_number


def fit_encoder(
    encoder: keras.Model,
    batches: keras.utils.PyDataset,
    loss: keras.losses.Loss,
    n_steps: int,
    rate: float,
    *,
    distortions: Sequence[keras.layers.Layer] = (),
    weight_decay: float = 0.0,
    averaging: float | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train an encoder with AdamW, warm-up and cosine decay.

    Loshchilov and Hutter (2017; 2019). The rate rises in a tenth of the steps to ``rate`` and
    falls along half a cosine to zero; gradients are clipped to length 1 over all weights;
    biases and normalisations are not decayed.

    Parameters
    ----------
    encoder : keras.Model
        Images to what ``loss`` expects. Its weights are changed.
    batches : keras.utils.PyDataset
        Of ``(images, labels)``, such as :class:`siamese_utils.sampling.ClassBatches`.
    loss : keras.losses.Loss
        Of class labels (batch,) and the encoder's output.
    n_steps : int
        A multiple of the batches per epoch.
    rate : float
        The highest learning rate.
    distortions : layers
        In front of the encoder, in training only.
    weight_decay : float
        Each step takes the share ``rate * weight_decay`` off the kernels.
    averaging : float in (0, 1)
        Leave the encoder with a running mean of its weights, of this momentum
        (Polyak and Juditsky 1992); with its last weights if not given.
    callbacks : Keras callbacks
        Of the model in front of whose encoder the distortions stand.

    Returns
    -------
    dict
        Keras' history: ``"loss"``, the mean of each epoch.

    Raises
    ------
    ValueError
        If ``n_steps`` is no multiple of the batches of an epoch, ``averaging`` is no momentum,
        ``rate`` or ``weight_decay`` is negative, or the images are neither in [0, 1] nor
        standardized around 0.

    Examples
    --------
    Four images of one pixel, two of each class. Ten steps are two epochs of five batches:

    >>> import numpy as np
    >>> from siamese_utils import losses, models, sampling
    >>> images = np.array([0.0, 0.1, 0.9, 1.0]).reshape(4, 1, 1, 1)
    >>> batches = sampling.ClassBatches(images, np.array([0, 0, 1, 1]), 2, 2, n_batches=5, seed=0)
    >>> encoder = models.mlp_encoder((1, 1, 1), units=(2,))
    >>> loss = losses.InBatchContrastiveLoss()
    >>> history = fit_encoder(encoder, batches, loss, n_steps=10, rate=0.01)
    >>> list(history), len(history["loss"])
    (['loss'], 2)
    """
    if averaging is not None and not 0 < averaging < 1:
        raise ValueError(f"averaging is {averaging}; expected a momentum in (0, 1), as 0.99")
    for what, value in (("rate", rate), ("weight_decay", weight_decay)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{what} is {value}; expected a finite number of at least 0")
    n_steps = whole_number(n_steps, "n_steps", 1)
    refuse_bytes(np.asarray(batches[0][0]))  # the first batch stands for all
    n_epochs, left_over = divmod(n_steps, len(batches))
    if left_over:
        raise ValueError(
            f"n_steps is {n_steps}; expected a multiple of {len(batches)}, the batches of an epoch"
        )
    warm_up = n_steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 50, n_steps - warm_up, warmup_target=rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(
        schedule,
        weight_decay=weight_decay,
        global_clipnorm=1.0,
        use_ema=averaging is not None,
        ema_momentum=averaging or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model = keras.Sequential([keras.Input(encoder.input_shape[1:]), *distortions, encoder])
    model.compile(optimizer, loss)
    return model.fit(batches, epochs=n_epochs, verbose=0, callbacks=list(callbacks)).history
