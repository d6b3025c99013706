"""Train a Siamese network on listed pairs, at the scale of Koch's paper."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from .._checks import indices, refuse_bytes, same_labels, whole_number
from .._files import digest, read_arrays, write_arrays
from .checkpoint import assign, checkpoint_path, require_equal, values
from .identity import comparable, describe, identity, settings_of
from .logged import NumbersOnly
from .stopping import OneShotStopping
from .store import IndexedPairs


def fit_pairs(
    network: keras.Model,
    images: np.ndarray,
    pairs: np.ndarray,
    same: np.ndarray,
    optimizer: keras.optimizers.Optimizer,
    epochs: int,
    *,
    batch_size: int = 128,
    distort: Callable | None = None,
    stopping: OneShotStopping | None = None,
    folder: str | Path | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Train a network with the output p(same) on listed pairs (Koch et al. 2015, section 3.2).

    The images are sent to the device once, and then only the indices of each batch. An epoch takes
    all pairs once, in an order that depends on the seed and the epoch alone. The last pairs are
    left out if they do not fill a batch; they are different ones in each epoch. The loss is the
    cross-entropy, plus what the layers' regularisers add.

    With a folder, the state is saved there after each epoch, and the same call goes on where an
    earlier one was stopped. It ends with the weights of a training that was not stopped (except
    with dropout on PyTorch, where Keras draws it from a generator that it does not keep). Once
    the training is over, the same call returns at once, with its weights. The same call means:
    the same images and pairs, start weights, optimizer, distortion with all values that it
    depends on, and numbers. Callbacks may differ, and their own state is not saved, so they
    should watch the training and not steer it.

    Parameters
    ----------
    network : keras.Model
        ``[left, right]`` images to p(same) (batch,), as from
        :func:`siamese_utils.models.koch_network`. It is trained in place.
    images : array (n, height, width, channels)
        Numbers of any type in [0, 1], with ink = 1. Integers stay on the device as bytes.
    pairs : int array (n_pairs, 2)
        Indices into ``images``.
    same : array (n_pairs,)
        1 = same, 0 = different.
    optimizer : Keras optimiser
        A new one, as :class:`LayerwiseSGD` with ``steps_per_epoch = n_pairs // batch_size``.
    epochs : int
        At most.
    batch_size : int
        The paper's 128.
    distort : function (images, keras.random.SeedGenerator) -> images, or Keras layer
        Called inside the compiled step on all images of a batch, left and right. What it draws
        must come from the generator that it is given, whose state is saved. With
        :func:`siamese_utils.augment.affine`, each image is distorted anew each time that it
        comes. The paper makes eight versions of each pair once, and counts nine pairs for one.
    stopping : OneShotStopping
        Says when to stop, and which weights to keep. Otherwise all epochs are trained and
        the last weights stay.
    folder : path
        Where ``checkpoint.npz`` is kept: three times the network's size with Adam, twice with
        momentum, and once more with ``stopping``. Defaults to None: nothing is saved.
    seed : int
        Of the order and of the distortions.
    callbacks : Keras callbacks
        Such as :class:`Progress`. They are attached to the network, and called at the start and
        at the end of the training and of each epoch. By default none.

    Returns
    -------
    dict of lists, one value for each epoch
        ``loss``; ``pairs_per_second`` and ``seconds``, of the steps alone, which in the first
        epoch include compiling; and the numbers that callbacks add, such as ``one_shot``.

    Raises
    ------
    ValueError
        If ``pairs`` are not indices of images, there are fewer of them than one batch holds, the
        images are neither in [0, 1] nor standardized around 0, a callback logs anything but a
        number, the optimizer averages weights, or the folder holds the checkpoint of another
        training; with a folder also if the
        distortion depends on something that cannot be compared, such as an open file.
    NotADirectoryError
        If ``folder`` is a file.

    Examples
    --------
    Two images of one pixel, 0 and 1, an encoder that changes nothing, and a head with alpha -1
    and bias 0. The same pair starts with logit 0, a loss of log 2 = 0.6931; the different one
    with logit -1, a loss of log(1 + 1/e) = 0.3133. The first epoch, of one step, measures
    their mean, and the second what the step gained.

    >>> from siamese_utils import distances, models
    >>> encoder = keras.Sequential([keras.Input((1, 1, 1)), keras.layers.Flatten()])
    >>> head = distances.WeightedL1(keras.initializers.Constant(-1.0))
    >>> network = models.siamese_network(encoder, head)
    >>> images = np.array([0, 1], "uint8").reshape(2, 1, 1, 1)
    >>> pairs, same = np.array([[0, 0], [0, 1]]), np.array([1, 0])
    >>> optimizer = keras.optimizers.SGD(1.0)
    >>> history = fit_pairs(network, images, pairs, same, optimizer, epochs=2, batch_size=2)
    >>> sorted(history), round(history["loss"][0], 4), history["loss"][1] < history["loss"][0]
    (['loss', 'pairs_per_second', 'seconds'], 0.5032, True)
    """
    epochs, seed = whole_number(epochs, "epochs", 1), whole_number(seed, "seed", 0)
    images, pairs, same, batch_size = _checked(images, pairs, same, batch_size)
    path = checkpoint_path(folder)
    model = IndexedPairs(network, images, distort, seed)
    # "auto" is XLA on a GPU but not for TensorFlow on a CPU, where it made the convolutions of
    # a small network two to three times slower.
    model.compile(optimizer, "binary_crossentropy", jit_compile="auto")
    model.build((None, 2))
    optimizer.build(model.trainable_variables)
    if optimizer.use_ema:
        raise ValueError(
            "the optimizer averages weights, and here it would put the mean in their place after "
            "each epoch; expected one with averaging=None. To average, train with fit_encoder."
        )
    state = {
        "network": network.variables,  # with the states of its dropout, if it has any
        "optimizer": optimizer.variables,
        "generator": [model.generator.state],
        "distort": distort.variables if isinstance(distort, keras.layers.Layer) else [],
    }
    past = NumbersOnly()  # the last of the callbacks: it sees what they add
    first, over = 0, False
    if stopping:
        stopping.reset()
    if path:
        settings = {
            "images": digest([images])[:16],
            "pairs": digest([pairs, same])[:16],
            "network": digest([describe(settings_of(network))])[:16],
            "start": digest(values([*network.variables, *optimizer.variables]))[:16],
            "optimizer": {"class": type(optimizer).__name__, **settings_of(optimizer)},
            "epochs": epochs,
            "batch_size": batch_size,
            "distort": distort and identity(distort),
            "seed": seed,
            "stopping": stopping and [stopping.patience, stopping.every, stopping.max_seconds],
        }
        settings = comparable(settings)
    if path and path.exists():
        record, arrays = read_arrays(path)
        require_equal(settings, record["settings"], path)
        first, over, past.history = record["epochs_done"], record["over"], record["history"]
        for name, variables in state.items():
            if name in arrays:
                assign(variables, arrays[name])
        if stopping:
            stopping.restore(record["stopping"], arrays.get("best"))
    if over:
        return past.history

    # The network's own callbacks, around one `fit` an epoch, so that each has its own order.
    events = keras.callbacks.CallbackList(
        [*([stopping] if stopping else []), *callbacks, past], model=network, epochs=epochs
    )
    network.stop_training = False
    events.on_train_begin()
    for epoch in range(first, epochs):
        events.on_epoch_begin(epoch)
        logs = _one_epoch(model, pairs, same, batch_size, np.random.default_rng([seed, epoch]))
        events.on_epoch_end(epoch, logs)
        over = network.stop_training or epoch + 1 == epochs
        if over:
            events.on_train_end()  # the best weights are put back
        if path:
            arrays = {name: values(variables) for name, variables in state.items()}
            if over:  # nobody will go on from here
                arrays = {"network": arrays["network"]}
            elif stopping and stopping.best_weights:
                arrays["best"] = stopping.best_weights
            record = {
                "settings": settings,
                "epochs_done": epoch + 1,
                "over": over,
                "history": past.history,
                "stopping": stopping and stopping.state(),
            }
            write_arrays(path, record, arrays)
        if over:
            break
    return past.history


def _one_epoch(model, pairs, same, batch_size: int, rng: np.random.Generator) -> dict[str, float]:
    """Train on all pairs once, in random order, but for those that do not fill a batch."""
    order = rng.permutation(len(pairs))[: len(pairs) // batch_size * batch_size]
    start = time.perf_counter()
    # NumPy arrays that are shuffled already: a keras.utils.PyDataset took 25 ms for each step.
    fitted = model.fit(
        pairs[order].astype("int32"),
        same[order],
        batch_size=batch_size,
        shuffle=False,
        verbose=0,
    )
    seconds = time.perf_counter() - start
    loss = fitted.history["loss"][0]
    return {"loss": loss, "pairs_per_second": len(order) / seconds, "seconds": seconds}


def _checked(images, pairs, same, batch_size):
    """The images as float32 or bytes, the pairs as int64, the labels as float32."""
    images = np.asarray(images)
    refuse_bytes(images)
    if images.ndim != 4:
        raise ValueError(f"images have shape {images.shape}; expected (n, height, width, channels)")
    images = images.astype("uint8" if images.dtype.kind in "biu" else "float32", copy=False)
    pairs = indices(pairs, "pairs", ("n_pairs", "2"), len(images))
    same = same_labels(same, len(pairs)).astype("float32")
    batch_size = whole_number(batch_size, "batch_size", 1)
    if len(pairs) < batch_size:
        raise ValueError(f"{len(pairs)} pairs do not fill a batch of {batch_size}")
    return images, pairs, same, batch_size
