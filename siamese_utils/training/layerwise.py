"""The optimiser of Koch et al. (2015), with values of its own for each layer."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from .._checks import whole_number


@keras.saving.register_keras_serializable(package="siamese_utils")
class LayerwiseSGD(keras.optimizers.Optimizer):
    """Gradient descent with momentum and a schedule for each layer (Koch et al. 2015, section 3.2).

    In epoch T = 0, 1, 2, … a weight ``w`` of layer ``j`` with gradient ``g`` takes the step ::

        step = momentum_j(T) * step - rate_j(T) * g
        w    = w + step

    with ``rate_j(T) = rates[j] * decay**T`` and a momentum that goes in a straight line from
    ``start_momentum`` to ``momenta[j]`` over ``rise_epochs`` epochs. The epoch is counted
    from the steps taken, so the schedule goes on where it was after saving and loading.
    The paper's L2 term belongs to the loss here: give the layers a regulariser.

    Parameters
    ----------
    rates : mapping from layer name to float
        Learning rate of each layer in the first epoch, in [0, 1]. Every layer that is trained
        must be named, and no other; a layer inside an encoder has its own name, such as
        ``"conv1"``.
    momenta : float, or mapping from layer name to float
        Final momentum of all layers, or of each, in [0, 1].
    steps_per_epoch : int
        Batches per epoch, at least 1.
    rise_epochs : int
        At least 1. The paper does not say after how many epochs a momentum reaches its final value.
    start_momentum, decay : float
        In [0, 1]. By default the paper's: 0.5, and a fall of the rates by 1 % in each epoch.
    learning_rate : float
        A factor common to all layers, for callbacks that set the learning rate. Defaults to 1.
    **kwargs
        As for any Keras optimiser: ``clipnorm`` and so on.

    Raises
    ------
    ValueError
        For names in ``momenta`` other than those in ``rates`` and for numbers out of range;
        and, when training starts, for a layer without a rate or a rate without a layer.

    Examples
    --------
    The rate falls by 1 % in each epoch; the momentum is at half its rise after two of four epochs.

    >>> optimizer = LayerwiseSGD({"dense": 0.1}, momenta=0.9, steps_per_epoch=2, rise_epochs=4)
    >>> round(optimizer.rate("dense", 1), 4), round(float(optimizer.momentum("dense", 2)), 4)
    (0.099, 0.7)

    Two steps of the first epoch, from a weight of 1 and with gradients of 1. The first is
    -0.1, the second 0.5 x -0.1 - 0.1 = -0.15.

    >>> layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="dense")
    >>> layer.build((None, 1))
    >>> optimizer.build(layer.trainable_variables)
    >>> for _ in range(2):
    ...     optimizer.apply([ops.ones((1, 1))])
    >>> round(float(ops.convert_to_numpy(layer.kernel)[0, 0]), 4)
    0.75
    """

    def __init__(
        self,
        rates: Mapping[str, float],
        momenta: float | Mapping[str, float],
        steps_per_epoch: int,
        rise_epochs: int,
        start_momentum: float = 0.5,
        decay: float = 0.99,
        learning_rate: float = 1.0,
        name: str = "layerwise_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not isinstance(momenta, Mapping):
            momenta = dict.fromkeys(rates, momenta)
        if set(rates) != set(momenta):
            raise ValueError(
                f"rates are for {sorted(rates)} and momenta for {sorted(momenta)}; "
                "expected the same layers"
            )
        self.rates = {layer: _share(f"rate of layer {layer!r}", v) for layer, v in rates.items()}
        self.momenta = {
            layer: _share(f"momentum of layer {layer!r}", v) for layer, v in momenta.items()
        }
        self.steps_per_epoch = whole_number(steps_per_epoch, "steps_per_epoch", 1)
        self.rise_epochs = whole_number(rise_epochs, "rise_epochs", 1)
        self.start_momentum = _share("start_momentum", start_momentum)
        self.decay = _share("decay", decay)

    def rate(self, layer: str, epoch):
        """Learning rate of a layer in an epoch, counted from 0, in the type and shape of ``epoch``.

        ``KeyError`` for a layer that has no rate.
        """
        return self.rates[layer] * self.decay**epoch

    def momentum(self, layer: str, epoch):
        """Momentum of a layer in an epoch, counted from 0: a tensor in the epoch's shape.

        ``KeyError`` for a layer that has no momentum.
        """
        risen = ops.minimum(epoch / self.rise_epochs, 1.0)
        return self.start_momentum + (self.momenta[layer] - self.start_momentum) * risen

    def build(self, variables):
        if self.built:
            return
        # A path ends in the layer and the weight: "siamese/koch_encoder/conv1/kernel".
        names = [variable.path.split("/")[-2] for variable in variables]
        if set(names) != set(self.rates):
            raise ValueError(
                f"rates are for the layers {sorted(self.rates)}; "
                f"the layers with weights to train are {sorted(set(names))}"
            )
        super().build(variables)  # last, because it would not be asked again
        self._layers = names
        self._steps = self.add_optimizer_variables(variables, "step")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        layer, step = self._layers[index], self._steps[index]
        dtype = variable.dtype
        epoch = ops.cast(ops.floor_divide(self.iterations, self.steps_per_epoch), "float32")
        rate = ops.cast(learning_rate * self.rate(layer, epoch), dtype)
        momentum = ops.cast(self.momentum(layer, epoch), dtype)
        self.assign(step, momentum * step - rate * ops.cast(gradient, dtype))
        self.assign_add(variable, step)

    def get_config(self):
        return {
            **super().get_config(),
            "rates": dict(self.rates),
            "momenta": dict(self.momenta),
            "steps_per_epoch": self.steps_per_epoch,
            "rise_epochs": self.rise_epochs,
            "start_momentum": self.start_momentum,
            "decay": self.decay,
        }


def _share(what: str, value) -> float:
    """A number from 0 to 1 of any type, as a Python one, which a saved model can hold."""
    found = np.asarray(value)
    if found.size != 1 or found.dtype.kind not in "biuf" or not 0 <= found.item() <= 1:
        raise ValueError(f"{what} is {value!r}; expected 0 to 1")
    return float(found.item())
