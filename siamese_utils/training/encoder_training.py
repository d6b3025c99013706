"""Training a network on batches of classes, all of whose pairs the loss compares."""
# mypy: disable-error-code="dict-item"

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from .._checks import refuse_bytes, whole_number
from .._files import digest, read_arrays, write_arrays
from .checkpoint import assign, checkpoint_path, require_equal, values
from .identity import comparable, describe, identity, settings_of
from .logged import NumbersOnly


def adamw(
    rate: float, n_steps: int, *, weight_decay: float = 0.0, averaging: float | None = None
) -> keras.optimizers.AdamW:
    """AdamW with warm-up and cosine decay (Loshchilov and Hutter 2017; 2019).

    The learning rate rises in a tenth of the steps to ``rate`` and falls along half a cosine to
    zero. Gradients are clipped to length 1 over all weights. Biases and normalisations are not
    decayed. Without weight decay it is Adam.

    Parameters
    ----------
    rate : float
        The highest learning rate.
    n_steps : int
        Of the whole training.
    weight_decay : float
        Each step takes the share ``rate * weight_decay`` off the kernels. Defaults to 0.
    averaging : float in (0, 1)
        At the end of ``fit`` the weights become a running mean of all that they were, with this
        momentum (Polyak and Juditsky 1992). By default the last weights stay.

    Returns
    -------
    keras.optimizers.AdamW

    Raises
    ------
    ValueError
        If ``rate`` or ``weight_decay`` is negative, ``n_steps`` is no whole number of at least 1,
        or ``averaging`` is no momentum.

    Examples
    --------
    The rate at the start, at the end of the warm-up, half-way down, and at the end:

    >>> rate = adamw(0.01, n_steps=100)._learning_rate
    >>> [round(float(rate(step)), 4) for step in (0, 10, 55, 100)]
    [0.0002, 0.01, 0.005, 0.0]
    """
    if averaging is not None and not 0 < averaging < 1:
        raise ValueError(f"averaging is {averaging}; expected a momentum in (0, 1), as 0.99")
    for what, value in (("rate", rate), ("weight_decay", weight_decay)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{what} is {value}; expected a finite number of at least 0")
    n_steps = whole_number(n_steps, "n_steps", 1)
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
    return optimizer


def fit_encoder(
    encoder: keras.Model,
    batches: keras.utils.PyDataset,
    loss: keras.losses.Loss | str,
    optimizer: keras.optimizers.Optimizer,
    n_steps: int,
    *,
    distortions: Sequence[keras.layers.Layer] = (),
    folder: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train an encoder, or a network around one, on batches.

    With a folder, the state is saved there after each epoch, and the same call goes on where an
    earlier one was stopped. It ends with the weights of a training that was not stopped. Once
    the training is over, the same call returns at once, with its weights. The same call means:
    the same batches, start weights, loss, optimizer, distortions and numbers. Callbacks may
    differ; what they log is kept.

    Parameters
    ----------
    encoder : keras.Model
        Images to what ``loss`` expects, such as an encoder, an ``in_batch_network``, or, for
        listed pairs, a ``siamese_network``. Its weights are changed.
    batches : keras.utils.PyDataset
        New ones, such as :class:`siamese_utils.sampling.ClassBatches`: batch i of an epoch
        depends on nothing but i and how often ``on_epoch_end`` was called.
    loss : keras.losses.Loss or its name
        Of the batches' targets and the encoder's output.
    optimizer : Keras optimizer
        A new one, such as :func:`adamw`, or :class:`LayerwiseSGD`.
    n_steps : int
        A multiple of the batches per epoch.
    distortions : layers
        Applied to the images before the encoder, in training only. By default none.
    folder : path
        Where ``checkpoint.npz`` is kept: three times the encoder's size with Adam, twice with
        momentum. By default nothing is saved.
    callbacks : Keras callbacks
        They are attached to the model that is trained: the distortions, then the encoder. By
        default none.

    Returns
    -------
    dict of lists, one value for each epoch
        ``"loss"``, the mean over the epoch's batches, and what the callbacks log.

    Raises
    ------
    ValueError
        If ``n_steps`` is no multiple of the batches of an epoch, the images are neither in
        [0, 1] nor standardized around 0, a callback logs something else than a number, or the
        folder has the checkpoint of another training.
    NotADirectoryError
        If ``folder`` is a file.

    Examples
    --------
    Four images of one pixel, two of each class. Ten steps are two epochs of five batches:

    >>> import numpy as np
    >>> from siamese_utils import losses, models, sampling
    >>> images = np.array([0.0, 0.1, 0.9, 1.0]).reshape(4, 1, 1, 1)
    >>> batches = sampling.ClassBatches(images, np.array([0, 0, 1, 1]), 2, 2, n_batches=5, seed=0)
    >>> encoder = models.mlp_encoder((1, 1, 1), units=(2,))
    >>> loss = losses.InBatchContrastiveLoss()
    >>> history = fit_encoder(encoder, batches, loss, adamw(0.01, 10), n_steps=10)
    >>> list(history), len(history["loss"])
    (['loss'], 2)
    """
    n_steps = whole_number(n_steps, "n_steps", 1)
    for images in keras.tree.flatten(batches[0][0]):  # the first batch stands for all
        refuse_bytes(np.asarray(images))
    n_epochs, left_over = divmod(n_steps, len(batches))
    if left_over:
        raise ValueError(
            f"n_steps is {n_steps}; expected a multiple of {len(batches)}, the batches of an epoch"
        )
    path = checkpoint_path(folder)

    inputs = [keras.Input(x.shape[1:]) for x in encoder.inputs]  # two for listed pairs
    distorted = inputs
    for layer in distortions:
        distorted = [layer(x) for x in distorted]
    model = keras.Model(_one_or_all(inputs), encoder(_one_or_all(distorted)))
    model.compile(optimizer, loss)
    optimizer.build(model.trainable_variables)
    past = NumbersOnly()  # the last of the callbacks: it sees what they add
    saving: list[keras.callbacks.Callback] = []
    first = 0
    if path:
        settings = {
            "batches": [
                len(batches),
                digest(keras.tree.flatten([batches[0], batches[len(batches) - 1]]))[:16],
            ]
        }
        settings |= {
            "encoder": digest([describe(settings_of(encoder))])[:16],
            "start": digest(values([*model.variables, *optimizer.variables]))[:16],
            "loss": loss if isinstance(loss, str) else identity(loss),
            "optimizer": {"class": type(optimizer).__name__, **settings_of(optimizer)},
            "distortions": [identity(layer) for layer in distortions],
            "n_steps": n_steps,
        }
        settings = comparable(settings)
        if path.exists():
            record, arrays = read_arrays(path)
            require_equal(settings, record["settings"], path)
            first, past.history = record["epochs_done"], record["history"]
            assign(model.variables, arrays["model"])
            if first == n_epochs:
                return past.history
            assign(optimizer.variables, arrays["optimizer"])
            for _ in range(first):
                batches.on_epoch_end()
        saving = [_Saving(path, settings, model, optimizer, past, n_epochs)]
    model.fit(
        _Held(batches),
        initial_epoch=first,
        epochs=n_epochs,
        shuffle=False,  # Keras would draw the order of batches from a generator that nobody saves
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: batches.on_epoch_end()),
            *callbacks,
            past,
            *saving,
        ],
    )
    if path:  # after `fit`, which ends with the averaged weights if they were asked for
        record = {"settings": settings, "epochs_done": n_epochs, "history": past.history}
        write_arrays(path, record, {"model": values(model.variables)})
    return past.history


def _one_or_all(tensors: list):
    return tensors[0] if len(tensors) == 1 else tensors


class _Held(keras.utils.PyDataset):
    """Batches that go on to the next epoch when an epoch is over.

    Keras by itself tells them so once more before the first epoch, on some backends.
    """

    def __init__(self, batches: keras.utils.PyDataset):
        super().__init__(batches.workers, batches.use_multiprocessing, batches.max_queue_size)
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


class _Saving(keras.callbacks.Callback):
    """Save a training after each epoch but the last, which :func:`fit_encoder` saves itself."""

    def __init__(self, path, settings, model, optimizer, past, n_epochs):
        super().__init__()
        self.path, self.settings, self.past, self.n_epochs = path, settings, past, n_epochs
        self.state = {"model": model, "optimizer": optimizer}

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 < self.n_epochs:
            record = {
                "settings": self.settings,
                "epochs_done": epoch + 1,
                "history": self.past.history,
            }
            arrays = {name: values(part.variables) for name, part in self.state.items()}
            write_arrays(self.path, record, arrays)
