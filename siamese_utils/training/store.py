"""Images that stay on the device, and a network that is fed with their indices."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="siamese_utils")
class ImageStore(keras.layers.Layer):
    """Holds images and looks them up: indices (batch,) to float32 images (batch, …).

    The images are a weight that is not trained, so they are on the device once, with one byte
    for each pixel if they are bytes, and are saved with the layer. Only the indices of a batch
    are sent to the device. Fill the layer by ``store.images.assign(images)``.

    Parameters
    ----------
    shape : tuple of int
        Of all images: (n, height, width, channels).
    kind : str
        Their type, such as "uint8".

    Examples
    --------
    Three images of one pixel; a batch of two numbers takes the last and the first.

    >>> store = ImageStore((3, 1, 1, 1), kind="uint8")
    >>> _ = store.images.assign(np.array([5, 6, 7], "uint8").reshape(3, 1, 1, 1))
    >>> found = ops.convert_to_numpy(store(np.array([2, 0])))
    >>> found.shape, found.dtype.name, found.ravel().tolist()
    ((2, 1, 1, 1), 'float32', [7.0, 5.0])
    """

    def __init__(self, shape: Sequence[int], kind: str = "uint8", **kwargs):
        # float32 whatever the policy: the distortions compute with coordinates.
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs})
        self.shape, self.kind = tuple(shape), kind
        self.images = self.add_weight(
            shape=self.shape, dtype=kind, initializer="zeros", trainable=False, name="images"
        )

    def call(self, numbers):
        return ops.cast(ops.take(self.images, numbers, axis=0), "float32")

    def compute_output_shape(self, input_shape):
        return (*input_shape, *self.shape[1:])

    def get_config(self):
        return {**super().get_config(), "shape": self.shape, "kind": self.kind}


class IndexedPairs(keras.Model):
    """A Siamese network fed with pairs of indices of images (batch, 2), for training only.

    Parameters
    ----------
    network : keras.Model
        ``[left, right]`` images to what the loss takes (batch,).
    images : array (n, height, width, channels)
    distort : function (images, keras.random.SeedGenerator) -> images, or Keras layer
        Such as :func:`siamese_utils.augment.affine`. By default the images are not changed.
    seed : int
        Of the distortions.
    """

    def __init__(
        self, network: keras.Model, images: np.ndarray, distort: Callable | None, seed: int
    ):
        super().__init__(name="indexed_pairs", dtype="float32")
        self.network = network
        self.store = ImageStore(images.shape, images.dtype.name)
        self.store.images.assign(images)
        self.distort = distort
        if isinstance(distort, keras.layers.Layer) and not distort.built:
            distort.build((None, *images.shape[1:]))
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Nothing: the network and the store have their weights already."""

    def call(self, pairs, training=False):  # Keras tells it so only if it asks
        images = self.store(ops.reshape(ops.transpose(pairs), (-1,)))  # all left, all right
        if isinstance(self.distort, keras.layers.Layer):
            images = self.distort(images, training=training)
        elif self.distort is not None:
            images = self.distort(images, self.generator)
        return self.network(ops.split(images, 2), training=training)
