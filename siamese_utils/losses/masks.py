"""Which images of a batch go together, and the checks that the losses share."""

from keras import ops


def pair_masks(labels, dtype):
    """Which ordered pairs of a batch are partners, and which are different.

    Parameters
    ----------
    labels : tensor (batch,)
        Classes. Also (batch, 1), which Keras may make of them.
    dtype : str

    Returns
    -------
    partners : tensor (batch, batch)
        1 where two different images are of one class; an image is not its own partner.
    different : tensor (batch, batch)
        1 where two images are of different classes.
    """
    labels = ops.reshape(labels, (-1,))
    same = ops.cast(ops.expand_dims(labels, 1) == labels, dtype)
    # In a compiled step of TensorFlow the batch may have no size yet.
    n = labels.shape[0] or ops.shape(labels)[0]
    return same - ops.eye(n, dtype=dtype), 1.0 - same


def mean_where(mask, values):
    """Mean of the values where the mask is 1; 0 if it is nowhere 1."""
    return ops.sum(mask * values) / ops.maximum(ops.sum(mask), 1.0)


def check_margin(margin: float) -> float:
    """The margin, if it is positive."""
    if not margin > 0:
        raise ValueError(f"margin is {margin}; expected a positive distance, such as 1.0")
    return margin
