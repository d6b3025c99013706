"""Stop a training by what it is for: one-shot accuracy on classes kept aside."""

import time
from collections.abc import Callable

import keras
import numpy as np

from .._checks import whole_number
from .logged import plain_number


class OneShotStopping(keras.callbacks.Callback):
    """Measure after each epoch, keep the best weights, and stop when nothing gets better.

    Koch et al. (2015, section 3.2) measure 320 one-shot trials of the validation set after
    each epoch, and stop after 20 epochs without a better result. The validation *loss* is a
    different criterion: a network may tell pairs apart and still rank twenty characters wrongly.

    At the end, the network has the weights of its best measure; the first of several.
    Works in ``fit`` and in :func:`siamese_utils.training.fit_pairs`.

    Parameters
    ----------
    measure : function () -> float
        One-shot accuracy of the network as it is now, on validation classes.
    patience : int
        At least 1. Stop after so many measures in a row without a better one.
    every : int
        At least 1. Epochs from one measure to the next; the last epoch of a training is
        measured too.
    max_seconds : float
        Stop after the first epoch that ends later than this. No limit if not given.

    Attributes
    ----------
    measured : list of (int, float)
        Epochs, counted from 1, and accuracies.
    best, best_epoch : float, int
        Highest accuracy, and the first epoch that reached it.
    seconds : float
        From the start of the training to the end of its last epoch.

    Raises
    ------
    ValueError
        If ``patience`` or ``every`` is no whole number of at least 1, ``max_seconds`` is
        negative, or ``measure`` returns something else than a finite number.

    Notes
    -----
    Keras' ``EarlyStopping`` behind a callback that measures would not do: it forgets its best
    weights at the start of each ``fit``, so it cannot go on in another process, it counts
    epochs where this counts measures, and it knows no limit in time.

    Examples
    --------
    Measures that are written down in advance, of which the second is the best. Two more are no
    better, and the training of at most ten epochs ends:

    >>> accuracies = iter([0.5, 0.75, 0.7, 0.75, 0.9])
    >>> stopping = OneShotStopping(lambda: next(accuracies), patience=2)
    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> network.compile("sgd", "mse")
    >>> x = np.zeros((2, 1))
    >>> history = network.fit(x, x, epochs=10, verbose=0, callbacks=[stopping])
    >>> stopping.measured, stopping.best, stopping.best_epoch
    ([(1, 0.5), (2, 0.75), (3, 0.7), (4, 0.75)], 0.75, 2)
    """

    def __init__(
        self,
        measure: Callable[[], float],
        patience: int = 20,
        every: int = 1,
        max_seconds: float | None = None,
    ):
        super().__init__()
        self.measure = measure
        self.patience = whole_number(patience, "patience", 1)
        self.every = whole_number(every, "every", 1)
        if max_seconds is not None and not max_seconds >= 0:  # so NaN is refused too
            raise ValueError(f"max_seconds is {max_seconds}; expected 0 or more")
        self.max_seconds = max_seconds
        self.reset()

    def reset(self):
        """Forget the training before."""
        self.measured: list[tuple[int, float]] = []
        self.best, self.best_epoch = -np.inf, 0
        self.best_weights: list[np.ndarray] | None = None
        self.seconds = self._seconds_before = 0.0
        self._restored = False

    def state(self) -> dict:
        """What has to be kept, apart from the best weights, to go on in another process."""
        return {
            "measured": self.measured,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
        }

    def restore(self, state: dict, best_weights: list[np.ndarray] | None) -> None:
        """Go on from a :meth:`state`."""
        self.measured = [(int(epoch), float(value)) for epoch, value in state["measured"]]
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.seconds = self._seconds_before = state["seconds"]
        self.best_weights = best_weights
        self._restored = True

    def on_train_begin(self, logs=None):
        if not self._restored:
            self.reset()
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        late = self.max_seconds is not None and self._elapsed() > self.max_seconds
        if late or done % self.every == 0 or done == self.params.get("epochs"):
            accuracy = float(plain_number("one_shot", self.measure()))
            if not np.isfinite(accuracy):
                raise ValueError(
                    f"measure returned {accuracy} after epoch {done}; expected a finite number. "
                    "Where the embeddings are not finite either, lower the learning rate."
                )
            self.measured.append((done, accuracy))
            if logs is not None:
                logs["one_shot"] = accuracy  # for the callbacks after this one, and the history
            if accuracy > self.best:
                self.best, self.best_epoch = accuracy, done
                self.best_weights = self.model.get_weights()
        self.seconds = self._elapsed()
        if late or sum(e > self.best_epoch for e, _ in self.measured) >= self.patience:
            self.model.stop_training = True

    def _elapsed(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        self._restored = False
