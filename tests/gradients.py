"""Gradients for the tests, the same way on every backend."""

import keras
import numpy as np


def gradient(function, at: np.ndarray) -> np.ndarray:
    """Gradient of a scalar function of one tensor."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.constant(at)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x).numpy()
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(at))
    import torch

    x = torch.tensor(at, requires_grad=True)
    function(x).backward()
    return x.grad.numpy()
