"""Distortions as layers: they distort while training, and do nothing otherwise."""

import keras
import numpy as np
from keras import ops

from .._checks import whole_number
from .transforms import affine, apply_affine, check_strength


@keras.saving.register_keras_serializable(package="siamese_utils")
class RandomAffine(keras.layers.Layer):
    """:func:`affine` as a layer: distorts while training, and does nothing otherwise.

    Images (batch, height, width, 1), as numbers of any type, to float32 of the same shape.

    Parameters
    ----------
    seed : int
        Each batch is distorted anew. A layer that is loaded from a file starts from the seed
        again, as Keras' own random layers do.
    strength : float in [0, 2]
        The parameters reach this many times as far from neutral as those of Koch et al. (2015,
        section 3.2). Defaults to 1.

    Raises
    ------
    ValueError
        If ``strength`` is negative or over 2; in training, if the images have another shape.

    Examples
    --------
    Two images of the same bar. In training each is distorted by itself; otherwise they stay.

    >>> import numpy as np
    >>> bars = np.zeros((2, 15, 15, 1), "float32")
    >>> bars[:, 3:12, 7] = 1.0
    >>> layer = RandomAffine(seed=0)
    >>> kept, distorted = (ops.convert_to_numpy(layer(bars, training=t)) for t in (False, True))
    >>> distorted.shape, bool((kept == bars).all()), bool((distorted[0] == distorted[1]).all())
    ((2, 15, 15, 1), True, False)
    """

    def __init__(self, seed: int, strength: float = 1.0, **kwargs):
        # float32 whatever the policy: bfloat16 has eight bits, too few for a coordinate.
        super().__init__(**{"dtype": "float32", **kwargs})
        check_strength(strength)
        self.seed = seed
        self.strength = strength
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        if not training:
            return ops.cast(images, "float32")
        return affine(images, self.generator, self.strength)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed, "strength": self.strength}


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
    thin : bool
        Whether to thin as well: one third of the images is thickened, one third stays, and in one
        third each pixel moves towards the smallest of its neighbours, an erosion. Defaults to
        False.

    Examples
    --------
    One pixel of ink, in 9,000 images. A third of them stays at an ink of 1; in the others the
    pixel grows up to a block of 3 x 3, with an ink of 9.

    >>> import numpy as np
    >>> dots = np.zeros((9_000, 5, 5, 1), "float32")
    >>> dots[:, 2, 2] = 1.0
    >>> thick = ops.convert_to_numpy(RandomThickness(seed=0)(dots, training=True))
    >>> ink = thick.sum(axis=(1, 2, 3))
    >>> round(float(ink.min())), round(float(ink.max())), round(float((ink == 1).mean()), 1)
    (1, 9, 0.3)
    """

    def __init__(self, seed: int, thin: bool = False, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.seed = seed
        self.thin = thin
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        images = ops.cast(images, "float32")
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 1)
        # Above 0 thickens; from 0 down to -1 nothing happens; below that, as with `thin`, thins.
        share = keras.random.uniform(
            shape, -2.0 if self.thin else -0.5, 1.0, dtype="float32", seed=self.generator
        )
        dilated = ops.max_pool(images, 3, strides=1, padding="same")
        changed = images + ops.maximum(share, 0.0) * (dilated - images)
        if self.thin:
            eroded = -ops.max_pool(-images, 3, strides=1, padding="same")
            changed = changed + ops.maximum(-1.0 - share, 0.0) * (eroded - images)
        return changed

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed, "thin": self.thin}


@keras.saving.register_keras_serializable(package="siamese_utils")
class RandomSymmetry(keras.layers.Layer):
    """Turns and mirrors a whole batch while training, and does nothing otherwise.

    One of the eight symmetries of the square is drawn for the batch and applied to all its
    images. A batch from one alphabet becomes a batch from a new one, so there are eight times
    as many alphabets. (Santoro et al. 2016 turn each *class* by itself; then a letter has its
    turned copies for rivals, which are easy to tell apart.) Images (batch, side, side,
    channels), to the same.

    Parameters
    ----------
    seed : int

    Raises
    ------
    ValueError
        When called, if the images are not square.

    Examples
    --------
    An image of four different pixels looks different in each of the eight symmetries:

    >>> import numpy as np
    >>> image, layer = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1), RandomSymmetry(0)
    >>> turned = [ops.convert_to_numpy(layer(image, training=True)) for _ in range(100)]
    >>> turned[0].shape, len({tuple(t.ravel().tolist()) for t in turned})
    ((1, 2, 2, 1), 8)
    """

    def __init__(self, seed: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        images = ops.cast(images, "float32")
        if len(images.shape) != 4 or images.shape[1] != images.shape[2]:
            raise ValueError(
                f"images have shape {tuple(images.shape)}; expected (batch, side, side, channels), "
                "as a turned image has to have the same shape"
            )
        if not training:
            return images
        coins = keras.random.uniform((3,), dtype="float32", seed=self.generator) < 0.5
        images = ops.where(coins[0], ops.transpose(images, (0, 2, 1, 3)), images)
        images = ops.where(coins[1], ops.flip(images, axis=1), images)
        return ops.where(coins[2], ops.flip(images, axis=2), images)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="siamese_utils")
class RandomComposition(keras.layers.Layer):
    """Composes new letters out of those of a batch while training, and does nothing otherwise.

    In a share of the batches each letter becomes a letter of two parts: itself, reduced and moved
    to one side, and another letter of the batch, reduced and moved to the other side. All images
    of a letter get the same second letter, but different images of it. The places and the sizes of
    the two parts are drawn once for the batch. The letters of such a batch have parts in common, as
    those of a real alphabet do, and the labels stay right. Takes images (batch, side, side, 1), ink
    1 on paper 0, and returns float32 images of the same shape.

    Parameters
    ----------
    seed : int
    n_images : int
        Images of each letter, which follow each other in the batch, as
        :class:`siamese_utils.sampling.ClassBatches` gives them; at least 1.
    share : float in [0, 1]
        Of the batches that are composed. Defaults to 0.3.

    Raises
    ------
    ValueError
        If a number is out of range; or, when called, if the images are not square or do not come
        in groups of ``n_images``, of which there must be two or more.

    Examples
    --------
    Three letters of two images each. A letter has more ink with a second one beside it:

    >>> import numpy as np
    >>> letters = np.zeros((6, 30, 30, 1), "float32")
    >>> letters[0:2, 5:25, 14] = letters[2:4, 14, 5:25] = letters[4:6, 8:22, 8:22] = 1.0
    >>> layer = RandomComposition(seed=0, n_images=2, share=1.0)
    >>> composed = ops.convert_to_numpy(layer(letters, training=True))
    >>> composed.shape, bool((composed.sum(axis=(1, 2, 3))[:4] > 20).all())
    ((6, 30, 30, 1), True)
    """

    def __init__(self, seed: int, n_images: int, share: float = 0.3, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if not 0 <= share <= 1:
            raise ValueError(f"share is {share}; expected a share of the batches, in [0, 1]")
        self.seed = seed
        self.n_images = whole_number(n_images, "n_images", 1)
        self.share = share
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, images, training=False):
        images = ops.cast(images, "float32")
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 1:
            raise ValueError(f"images have shape {shape}; expected (batch, side, side, 1)")
        if not training:
            return images
        n = shape[0]
        if n is not None and (n % self.n_images or n < 2 * self.n_images):
            raise ValueError(
                f"a batch of {n} images; expected two letters or more, with {self.n_images} "
                "images each, one letter after the other"
            )
        n_letters = ops.shape(images)[0] // self.n_images
        # One layout for the batch: if each letter had its own, the layout would tell them apart.
        chances = keras.random.uniform((5,), dtype="float32", seed=self.generator)
        whether, direction, apart, size, other_size = ops.unstack(chances, 5)
        # Side by side, one above the other, or overlapping, but both in the picture.
        angle, far = 2 * np.pi * direction, images.shape[1] * (0.11 + 0.12 * apart)
        shift = ops.stack([far * ops.cos(angle), far * ops.sin(angle)])
        ahead = keras.random.uniform((n_letters, 1), dtype="float32", seed=self.generator)
        ahead = 1 + ops.cast(ops.floor(ahead * (ops.cast(n_letters, "float32") - 1)), "int32")
        partner = (ops.arange(n_letters)[:, None] + ahead) % n_letters  # never the letter itself
        places = partner * self.n_images + ops.arange(self.n_images)[None]

        def composed():
            first = _reduced(images, 0.55 + 0.3 * size, shift)
            second = ops.take(images, ops.reshape(places, (-1,)), axis=0)
            return ops.maximum(first, _reduced(second, 0.55 + 0.3 * other_size, -shift))

        return ops.cond(whether < self.share, composed, lambda: images)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"seed": self.seed, "n_images": self.n_images, "share": self.share}
        return {**super().get_config(), **own}


def _reduced(images, size, shift):
    """All images at so many times their size, and moved by the shift (x, y) in pixels."""
    matrix = ops.concatenate([size * ops.eye(2), shift[:, None]], axis=1)
    return apply_affine(images, ops.broadcast_to(matrix, (ops.shape(images)[0], 2, 3)))
