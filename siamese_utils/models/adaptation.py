"""Fitting a ready encoder to images of one's own, without training it."""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers
from sklearn.covariance import ledoit_wolf_shrinkage

from .._checks import class_labels, real_numbers

NAME = "adapted_encoder"  # of the encoders that are made here


class Adaptation(NamedTuple):
    """A shift and a matrix for embeddings of length 1, from :func:`fit_adaptation`.

    Attributes
    ----------
    mean : float32 array (dim,)
        The mean of the embeddings, which all images have in common; it is subtracted.
    matrix : float32 array (dim, dim) or None
        What the difference is multiplied by from the right. None where no labels were given.
    """

    mean: np.ndarray
    matrix: np.ndarray | None

    def apply(self, embeddings: np.ndarray) -> np.ndarray:
        """Adapted embeddings (n, dim), float32, of length 1; in NumPy what the layers do."""
        moved = _unit(real_numbers(embeddings, "embeddings", ("n", "dim"))) - self.mean
        return _unit(moved if self.matrix is None else moved @ self.matrix).astype("float32")


def fit_adaptation(embeddings: np.ndarray, labels=None) -> Adaptation:
    """What makes embeddings of one kind of image easier to tell apart by their cosine.

    A ready encoder sees in all images of one kind the same things: in faces, above all a face.
    The mean of their embeddings holds what they share, and without it the cosine compares what
    differs. With labels we also know in which directions the images of *one* class differ, by
    pose or light. Dividing by that spread makes these directions count less: within-class
    covariance normalization (Hatch, Kajarekar and Stolcke 2006). There are more directions
    than images, as a rule, so the covariance is mixed with a multiple of the identity, to the
    share that Ledoit and Wolf (2004) derive.

    Parameters
    ----------
    embeddings : array (n, dim)
        Of any length but 0.
    labels : array (n,) of str or int
        Their classes; new images may be of others. Defaults to None: only the mean is found.

    Returns
    -------
    Adaptation

    Raises
    ------
    ValueError
        If there are fewer than two embeddings, one of them is 0, or labels are given, but no two
        images of one class differ.

    Examples
    --------
    Two embeddings that share their first number. Their cosine was -0.28; without what they
    share, they are opposites:

    >>> adapted = fit_adaptation([[3, 4], [3, -4]]).apply([[3, 4], [3, -4]])
    >>> float(adapted[0] @ adapted[1])
    -1.0
    """
    vectors = real_numbers(embeddings, "embeddings", ("n", "dim"))
    if len(vectors) < 2:
        raise ValueError(f"{len(vectors)} embedding(s) to adapt to; expected two or more")
    vectors = _unit(vectors)
    mean = vectors.mean(axis=0)
    if labels is None:
        return Adaptation(mean.astype("float32"), None)
    _, numbers = np.unique(class_labels(labels, len(vectors)), return_inverse=True)
    sizes = np.bincount(numbers)
    sums = np.zeros((len(sizes), vectors.shape[1]))
    np.add.at(sums, numbers, vectors)
    # An image that is alone in its class says nothing about how images of one class differ.
    paired = sizes[numbers] > 1
    within = (vectors - (sums / sizes[:, None])[numbers])[paired]  # (n_paired, dim)
    mean_square = np.mean(within**2) if paired.any() else 0.0
    if mean_square < 1e-12:
        raise ValueError(
            f"{len(vectors)} images of {len(sizes)} classes, no two of one class that differ; "
            "expected two images or more of some classes. Leave the labels out to centre only."
        )
    share = ledoit_wolf_shrinkage(within, assume_centered=True)
    if share < 1e-9:
        # Nothing is known of a shape, since all differences lie along one line, or there is none,
        # since they are alike in all directions.
        share = 1.0
    _, singular, axes = np.linalg.svd(within, full_matrices=False)
    # In directions in which no image differs, only the identity's share remains of the spread.
    rest = (share * mean_square) ** -0.5
    spread = (1 - share) * singular**2 / len(within) + share * mean_square
    matrix = rest * np.eye(len(mean)) + (axes.T * (spread**-0.5 - rest)) @ axes
    return Adaptation(mean.astype("float32"), matrix.astype("float32"))


def adapted_encoder(encoder: keras.Model, adaptation: Adaptation) -> keras.Model:
    """An encoder followed by an adaptation, as one Keras model that shares its weights.

    Parameters
    ----------
    encoder : keras.Model
        Images to embeddings (batch, dim).
    adaptation : Adaptation
        Of this encoder's embeddings.

    Returns
    -------
    keras.Model
        Images to embeddings (batch, dim) of length 1.
    """
    images = keras.Input(encoder.input_shape[1:])
    x = layers.UnitNormalization(dtype="float32")(encoder(images))
    mean, matrix = adaptation
    if matrix is None:
        # Fixed, it takes a mean off and divides by 1. keras.layers.Normalization keeps its mean
        # outside of the weights, where an export to ONNX loses it.
        shift = layers.BatchNormalization(
            center=False, scale=False, epsilon=1e-3, trainable=False, dtype="float32"
        )
        x = shift(x)
        shift.set_weights([mean, np.full_like(mean, 1 - 1e-3)])
    else:
        dense = layers.Dense(len(mean), trainable=False, dtype="float32")
        x = dense(x)
        dense.set_weights([matrix, -mean @ matrix])
    return keras.Model(images, layers.UnitNormalization(dtype="float32")(x), name=NAME)


def adapt_embeddings(encoder: keras.Model, embeddings: np.ndarray) -> np.ndarray:
    """What an adapted encoder makes of embeddings (n, dim) of the encoder inside it."""
    x = keras.ops.convert_to_tensor(embeddings)
    for layer in encoder.layers[2:]:  # after the images and the encoder
        x = layer(x)
    return keras.ops.convert_to_numpy(x)


def without_adaptation(encoder: keras.Model) -> keras.Model:
    """The encoder that :func:`adapted_encoder` was given; any other one is returned as it is."""
    inside = [layer for layer in encoder.layers if isinstance(layer, keras.Model)]
    return inside[0] if encoder.name == NAME and len(inside) == 1 else encoder


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not length.all():
        raise ValueError(
            f"embedding {np.flatnonzero(length == 0)[0]} is 0 everywhere, so it has no direction. "
            "Leave its image out."
        )
    return vectors / length
