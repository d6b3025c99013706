"""What the losses and metrics on a whole batch read off its labels, and the checks they share."""

import keras
import numpy as np
from keras import ops

from .._checks import class_labels, squeezed


class InBatchLoss(keras.losses.Loss):
    """Base of the losses on a whole batch: class labels as targets, one number as the answer.

    Keras would convert the labels to the type of the loss, and float32 does not tell apart
    neighbours above 2**24. So the labels are compared as they come, and ``call`` receives which
    images are of one class, a (batch, batch) tensor from :func:`same_class`, in their place.

    Labels (batch,) and the network's output (batch, dim) give one number. It is computed in
    float32, or in float64 where Keras is set to that.

    Raises
    ------
    ValueError
        When called, for sample weights, for labels of another shape or length, and for labels
        that do not number classes.
    """

    def __init__(self, name: str, dtype=None, **kwargs):
        super().__init__(name=name, dtype=at_least_float32(dtype), **kwargs)

    def __call__(self, y_true, y_pred, sample_weight=None):
        refuse_weights(self.name, sample_weight)
        return super().__call__(ops.cast(same_class(y_true, y_pred), self.dtype), y_pred)


def at_least_float32(dtype) -> str:
    """The type to compute in where ``dtype``, or Keras' floatx, is asked for.

    In half precision the sums over pairs overflow, and so do the large numbers that stand for
    *no candidate*.
    """
    asked = keras.backend.standardize_dtype(dtype or keras.config.floatx())
    return "float64" if asked == "float64" else "float32"


def same_class(labels, outputs):
    """Whether every two images of a batch are of one class, compared exactly.

    Parameters
    ----------
    labels : array or tensor (batch,), or (batch, 1) and so on
        Classes: integers of any size, or whole numbers in floating point as long as their type
        has a number for each integer (2**24 in float32).
    outputs : tensor (batch, dim)
        What the labels belong to.

    Returns
    -------
    tensor (batch, batch)
        Of bool. For floating-point labels in a compiled step, which cannot raise an error, of
        float32: NaN everywhere if a label is not whole, or too large.

    Raises
    ------
    ValueError
        For another shape, such as that of one-hot labels; for another number of labels than
        outputs; and for labels that do not number classes.
    """
    if len(outputs.shape) != 2:
        raise ValueError(f"embeddings have shape {tuple(outputs.shape)}; expected (batch, dim)")
    n = outputs.shape[0]
    if not ops.is_tensor(labels):
        # Numbered by NumPy, as a backend may have no integers of 64 bits, and no names.
        labels = np.unique(class_labels(labels, n), return_inverse=True)[1].astype("int32")
    shape, labels = tuple(labels.shape), squeezed(labels, 1)
    if len(labels.shape) != 1 or (None not in (n, labels.shape[0]) and labels.shape[0] != n):
        expected = "(batch,)" if n is None else f"({n},)"
        hint = " For one-hot labels, pass labels.argmax(axis=1)." if len(shape) == 2 else ""
        raise ValueError(f"labels have shape {shape}; expected {expected}, classes.{hint}")
    labels = ops.convert_to_tensor(labels)
    same = ops.expand_dims(labels, 1) == labels
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if "float" not in dtype:
        return same
    bits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[dtype]
    return if_all(
        (labels == ops.round(labels)) & (ops.abs(labels) < 2**bits),
        labels,
        same,
        f"a number that is not whole, or not below 2**{bits}, from where on classes would merge; "
        'expected integers. Convert them by labels.astype("int64"), or number them: '
        "np.unique(labels, return_inverse=True)[1].",
    )


def same_or_different(labels):
    """Labels of pairs as a tensor of float32: 1 = same class, 0 = different.

    In a compiled step, which cannot raise an error, all are NaN if one label is something else.

    Raises
    ------
    ValueError
        For other values, such as the classes of images.
    """
    labels = ops.convert_to_tensor(labels)
    numbers = ops.cast(labels, "float32")
    return if_all(
        (numbers == 0) | (numbers == 1),
        labels,
        numbers,
        "which is no label of a pair; expected 1 = same class or 0 = different. From the classes "
        "of the two images, compute classes_left == classes_right.",
    )


def if_all(good, labels, answer, what_else: str):
    """The answer if all labels are good; otherwise an error, or NaN where none can be raised."""
    all_good = ops.all(good)
    try:
        is_good = bool(all_good)
    except TypeError:  # in a compiled step there are no numbers yet
        return ops.where(all_good, ops.cast(answer, "float32"), float("nan"))
    if not is_good:
        bad = ops.convert_to_numpy(labels)[~ops.convert_to_numpy(good)][0]
        dtype = keras.backend.standardize_dtype(labels.dtype)
        raise ValueError(f"labels of type {dtype} hold {bad}, {what_else}")
    return answer


def refuse_weights(name: str, sample_weight) -> None:
    """``ValueError`` if there are weights of images, where pairs or triplets are counted."""
    if sample_weight is not None:
        raise ValueError(
            f"{name} got sample weights; expected none, as it counts pairs or triplets of images. "
            "Leave out sample_weight and class_weight, and give metrics to compile in metrics, "
            "not in weighted_metrics. ClassBatches draws each class equally often."
        )


def pair_masks(same):
    """From ``same`` (batch, batch), 1 or 0, the masks of partners and of different pairs.

    Both are float (batch, batch). An image is not its own partner.
    """
    # In a compiled step of TensorFlow the batch may have no size yet.
    n = same.shape[0] or ops.shape(same)[0]
    return same - ops.eye(n, dtype=same.dtype), 1.0 - same


def mean_where(mask, values):
    """Mean of the values where the mask is 1; 0 if it is nowhere 1."""
    return ops.sum(mask * values) / ops.maximum(ops.sum(mask), 1.0)


def equal_shapes(same, distance):
    """Labels and distances of pairs without axes of length 1 at the end, in one shape.

    Raises
    ------
    ValueError
        If their shapes still differ: they would broadcast to pairs that nobody asked for.
    """
    shapes = tuple(same.shape), tuple(distance.shape)
    same, distance = squeezed(same, 1), squeezed(distance, 1)
    fits = len(same.shape) == len(distance.shape) and all(
        m == n or None in (m, n) for m, n in zip(same.shape, distance.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"labels have shape {shapes[0]} and distances {shapes[1]}; expected (batch,) for "
            "both, a label 1 = same or 0 = different for each distance"
        )
    return same, distance


def check_temperature(temperature: float) -> None:
    """``ValueError`` unless a temperature is positive."""
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a positive number, as 0.1")


def check_margin(margin: float) -> float:
    """The margin, if it is positive."""
    if not margin > 0:
        raise ValueError(f"margin is {margin}; expected a positive distance, such as 1.0")
    return margin
