"""Distortions as layers: they distort while training, and do nothing otherwise."""

import keras
from keras import ops

from .transforms import affine


@keras.saving.register_keras_serializable(package="siamese_utils")
class RandomAffine(keras.layers.Layer):
    """:func:`affine` as a layer: distorts while training, and does nothing otherwise.

    Images (batch, height, width, 1), as numbers of any type, to float32 of the same shape.

    Parameters
    ----------
    seed : int
        Each batch is distorted anew. A layer that is loaded from a file starts from the seed
        again, as Keras' own random layers do.
    """

    def __init__(self, seed: int, **kwargs):
        # float32 whatever the policy: bfloat16 has eight bits, too few for a coordinate.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        return affine(images, self.generator) if training else ops.cast(images, "float32")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="siamese_utils")
class RandomThickness(keras.layers.Layer):
    """Thickens the strokes of some images while training, and does nothing otherwise.

    Every pixel moves by a share, drawn for each image, towards the largest of its 3 x 3
    neighbours, which is a grey-scale dilation. A third of the images stay as they are, the
    others have shares uniform in [0, 1]. Images (batch, height, width, 1), ink 1 on paper 0,
    to the same.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        images = ops.cast(images, "float32")
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 1)
        share = keras.random.uniform(shape, -0.5, 1.0, dtype="float32", seed=self.generator)
        dilated = ops.max_pool(images, 3, strides=1, padding="same")
        return images + ops.maximum(share, 0.0) * (dilated - images)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
