"""One learned vector for each class, to compare embeddings with."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="siamese_utils")
class Proxies(layers.Layer):
    """Cosines of embeddings to one learned vector of each class (Movshovitz-Attias et al. 2017).

    It stands behind the encoder in training, in front of
    :class:`siamese_utils.losses.ArcFaceLoss`, and is taken off afterwards: new classes have no
    proxy, and are compared by their embeddings.

    Parameters
    ----------
    n_classes : int

    Examples
    --------
    Embeddings (1, 2) to the cosines with three proxies:

    >>> import numpy as np
    >>> layer = Proxies(3)
    >>> layer.build((None, 2))
    >>> layer.set_weights([np.array([[1.0, 0.0], [0.0, 5.0], [-2.0, 0.0]])])
    >>> ops.convert_to_numpy(layer(np.array([[3.0, 0.0]]))).tolist()
    [[1.0, 0.0, -1.0]]
    """

    def __init__(self, n_classes: int, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.n_classes = n_classes

    def build(self, input_shape):
        self.proxies = self.add_weight(
            shape=(self.n_classes, input_shape[-1]), initializer="glorot_normal", name="proxies"
        )

    def call(self, embeddings):
        return ops.matmul(ops.normalize(embeddings), ops.transpose(ops.normalize(self.proxies)))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.n_classes)

    def get_config(self):
        return {**super().get_config(), "n_classes": self.n_classes}
