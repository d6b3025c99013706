"""Initial weights that are fitted to images."""

import keras
import numpy as np
from keras import layers

from .._checks import whole_number
from ..distances import WeightedL1
from .embedding import embed

# Identical images start at p(same) = sigmoid(8) = 0.9997, a typical pair of images at 0.5.
LOGIT_OF_EQUAL_IMAGES = 8.0


def start_from_data(encoder: keras.Model, head: WeightedL1, images: np.ndarray, seed: int) -> None:
    """Set the weights of Koch's network so that every sigmoid and the head start in mid-range.

    Data-dependent initialisation (Salimans and Kingma 2016, section 3; Mishkin and Matas 2016),
    for an architecture that has no normalisation layers. Convolutions get He-normal weights and
    zero biases. The weights into each sigmoid unit are drawn at random, divided by the standard
    deviation of the unit's sums over the images, and its bias takes their mean off: the sums
    then have mean 0 and standard deviation 1 *over images*. Every alpha of the head is minus 8
    over the mean L1 distance of two images, and its bias 8, so that a typical pair has logit 0.

    Parameters
    ----------
    encoder : keras.Model
        A stack of layers that ends in a dense layer of sigmoid units, such as
        :func:`koch_encoder`. The weights of its convolutions and of that last layer are set.
    head : WeightedL1
        Its weights are set, too. It must have been built, by a network or a call.
    images : array (n, height, width, channels)
        Some hundred training images, in [0, 1].
    seed : int
        Of the random weights.

    Raises
    ------
    ValueError
        If the encoder does not end in a dense layer, ``seed`` is no whole number of at least 0, or
        a unit has the same sum for all images.

    Examples
    --------
    Three images of one pixel, and one sigmoid unit. Whatever weight is drawn, the unit's sums
    become -1.22, 0 and 1.22, which have mean 0 and standard deviation 1:

    >>> images = np.array([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1)
    >>> encoder = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten()])
    >>> encoder.add(layers.Dense(1, activation="sigmoid"))
    >>> head = WeightedL1()
    >>> head.build([(None, 1), (None, 1)])
    >>> start_from_data(encoder, head, images, seed=0)
    >>> h = embed(encoder, images).ravel()
    >>> [f"{size:.2f}" for size in abs(np.log(h / (1 - h)))]
    ['1.22', '0.00', '1.22']
    """
    rng = np.random.default_rng(whole_number(seed, "seed", 0))
    *stack, dense = encoder.layers
    if not isinstance(dense, layers.Dense):
        raise ValueError(
            f"the encoder ends in a {type(dense).__name__} layer; expected a Dense one, as in "
            "koch_encoder"
        )
    for layer in stack:
        if isinstance(layer, layers.Conv2D):
            layer.kernel.assign(_he_normal(layer.kernel.shape, rng))
            layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
    below = keras.Sequential([keras.Input(encoder.input_shape[1:]), *stack])
    flat = embed(below, images)  # (n, inputs of each unit)
    kernel = _he_normal(dense.kernel.shape, rng)
    sums = flat @ kernel  # (n, units)
    deviation = sums.std(axis=0)
    if not deviation.min() > 0:
        raise ValueError(
            f"a sigmoid unit has the same sum for all {len(flat)} images; expected images that "
            "differ. Give some hundred training images."
        )
    dense.kernel.assign(kernel / deviation)
    dense.bias.assign(-sums.mean(axis=0) / deviation)
    embeddings = 1 / (1 + np.exp(-(sums - sums.mean(axis=0)) / deviation))
    # Each image beside the next one, in random order.
    order = rng.permutation(len(embeddings))
    apart = np.abs(embeddings[order] - embeddings[np.roll(order, 1)]).sum(axis=1).mean()
    head.alpha.assign(np.full(head.alpha.shape, -LOGIT_OF_EQUAL_IMAGES / apart, "float32"))
    head.bias.assign(LOGIT_OF_EQUAL_IMAGES)


def _he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """He et al. (2015, section 2.2): normal, with variance 2 over the number of inputs."""
    n_inputs = int(np.prod(shape[:-1]))
    return rng.normal(0.0, np.sqrt(2 / n_inputs), shape).astype("float32")
