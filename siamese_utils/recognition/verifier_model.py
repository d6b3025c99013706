"""The model that compares image files, and what it answers."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import ops

# Imported for what they register too: an encoder read from a file may have layers of theirs.
from .. import augment, distances, models  # noqa: F401
from ..datasets.folder import load_image_folder
from ..datasets.image_files import FITS, load_image
from .checks import checked_threshold, image_shape
from .file import read_verifier


@dataclass(frozen=True)
class Comparison:
    """What a :class:`Verifier` says about two images.

    Attributes
    ----------
    score : float in [-1, 1]
        Cosine similarity of the embeddings; large = alike.
    threshold : float in [-1, 1]
    same : bool
        Whether the score is above the threshold.

    Examples
    --------
    An encoder whose embedding is the image itself, of two pixels. Two white pixels, and a white
    one beside a black one, are vectors at 45 degrees:

    >>> import tempfile
    >>> from PIL import Image
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = [Path(folder) / name for name in ("a.png", "b.png")]
    ...     for file, levels in zip(files, ([[255, 255]], [[255, 0]])):
    ...         Image.fromarray(np.array(levels, "uint8")).save(file)
    ...     answer = Verifier(encoder, threshold=0.6).compare(*files)
    >>> round(answer.score, 3), answer.threshold, answer.same
    (0.707, 0.6, True)
    """

    score: float
    threshold: float
    same: bool


@keras.saving.register_keras_serializable(package="siamese_utils")
class Verifier(keras.Model):
    """An encoder, the threshold of its cosine similarity, and how image files are read.

    Called with ``[left, right]``, each (batch, height, width, channels) as the encoder wants
    them, it returns the cosine similarity (batch,) of their embeddings, in [-1, 1].
    ``verifier.save("model.keras")`` writes all of it into one file.

    Parameters
    ----------
    encoder : keras.Model
        Images (batch, height, width, 1 or 3) to embeddings (batch, dim).
    threshold : float in [-1, 1]
        A pair is same where its *similarity* is above it. From a threshold of the cosine
        distance, as :func:`siamese_utils.evaluation.verify` chooses it on validation pairs:
        ``1 - threshold``.
    fit : {"pad", "crop", "stretch"}
        For files of another aspect, as in :func:`siamese_utils.datasets.load_image`.
    invert : bool
        Whether the encoder wants ink = 1. Files have white paper = 1, and are then read as
        ``1 - image``.

    Raises
    ------
    ValueError
        If the encoder maps something else, or a setting is out of range.

    Examples
    --------
    An encoder whose embedding is the image itself, of two pixels. Black and white images
    are at a right angle; white and half grey are at 45 degrees:

    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> verifier = Verifier(encoder, threshold=0.7)
    >>> left = np.array([1, 0, 1, 0], "float32").reshape(2, 1, 2, 1)
    >>> right = np.array([0, 1, 1, 1], "float32").reshape(2, 1, 2, 1)
    >>> ops.convert_to_numpy(verifier([left, right])).round(3).tolist()
    [0.0, 0.7070000171661377]
    """

    def __init__(
        self,
        encoder: keras.Model,
        threshold: float,
        fit: str = "pad",
        invert: bool = False,
        **kwargs,
    ):
        # float32 whatever the policy of the encoder, as for the layers of distances.
        super().__init__(**{"dtype": "float32", **kwargs})
        if fit not in FITS:
            raise ValueError(f"fit is {fit!r}; expected one of {', '.join(FITS)}")
        self.image_shape = image_shape(encoder)
        self.encoder = encoder
        self.threshold = threshold
        self.fit_mode = fit  # "fit" is the method that trains a Keras model
        self.invert = bool(invert)
        self.built = True  # the encoder has all the weights

    @property
    def threshold(self) -> float:
        """The similarity above which a pair is called same."""
        return self._threshold

    @threshold.setter
    def threshold(self, value: float) -> None:
        self._threshold = checked_threshold(value)

    def call(self, images, training=None):
        """``[left, right]``, each (batch, height, width, channels), to similarity (batch,)."""
        left, right = (ops.cast(self.encoder(x, training=training), "float32") for x in images)
        # Rounding leads a little out of the range.
        return ops.clip(1.0 - distances.cosine(left, right), -1.0, 1.0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0],)

    def read(self, *paths: str | Path) -> np.ndarray:
        """Read image files of any size and mode as the encoder wants them.

        Parameters
        ----------
        *paths : str or Path
            One image file or more.

        Returns
        -------
        float32 array (n, height, width, channels) in [0, 1]

        Raises
        ------
        ValueError
            If no path is given.
        DataError
            If a file is not a readable image.
        """
        if not paths:
            raise ValueError("no paths; expected one image file or more")
        height, width, channels = self.image_shape
        images = [
            load_image(path, (height, width), channels=channels, fit=self.fit_mode)
            for path in paths
        ]
        return self._as_wanted(np.stack(images))

    def read_folder(
        self, root: str | Path, skip_broken: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read a folder with a subfolder a class, of one image or more, as :meth:`read` does.

        Parameters
        ----------
        root : str or Path
        skip_broken : bool
            Whether to skip image files that cannot be read.

        Returns
        -------
        float32 array (n, height, width, channels), str array (n,)
            The images and the names of their classes, as
            :class:`siamese_utils.gallery.OneShotClassifier` takes them.

        Raises
        ------
        DataError
            As :func:`siamese_utils.datasets.load_image_folder` does.
        """
        height, width, channels = self.image_shape
        folder = load_image_folder(
            root,
            (height, width),
            channels=channels,
            fit=self.fit_mode,
            min_images=1,
            skip_broken=skip_broken,
        )
        return self._as_wanted(folder.images), np.array(folder.class_names)[folder.labels]

    def _as_wanted(self, images: np.ndarray) -> np.ndarray:
        return 1 - images if self.invert else images

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Embed images: (n, height, width, channels) to float32 (n, dim)."""
        return models.embed(self.encoder, images).astype("float32", copy=False)

    def compare(self, path_a: str | Path, path_b: str | Path) -> Comparison:
        """Compare two image files. The order does not matter.

        Parameters
        ----------
        path_a, path_b : str or Path

        Returns
        -------
        Comparison

        Raises
        ------
        DataError
            If a file is not a readable image.
        ValueError
            If the encoder gives no finite numbers.
        """
        images = self.read(path_a, path_b)
        score = float(self.predict_on_batch([images[:1], images[1:]])[0])
        if not math.isfinite(score):
            raise ValueError(
                f"the similarity of {path_a} and {path_b} is {score}; expected a number in "
                "[-1, 1]. The encoder's weights are not finite: train it again, with a lower "
                "learning rate."
            )
        return Comparison(score, self.threshold, score > self.threshold)

    def get_config(self):
        encoder = keras.saving.serialize_keras_object(self.encoder)
        # How the encoder was trained is not needed, and may not be known where it is loaded.
        encoder.pop("compile_config", None)
        return {
            "name": self.name,
            "encoder": encoder,
            "threshold": self.threshold,
            "fit": self.fit_mode,
            "invert": self.invert,
        }

    @classmethod
    def from_config(cls, config):
        return cls(
            **{**config, "encoder": keras.saving.deserialize_keras_object(config["encoder"])}
        )

    def save(self, filepath: str | Path, overwrite: bool = True, **kwargs) -> None:
        """Write one ``.keras`` file: the whole file, or none where something goes wrong.

        Raises
        ------
        ValueError
            If the name has another ending, or the file is there and ``overwrite`` is false.
        """
        path = Path(filepath)
        if path.suffix != ".keras":
            raise ValueError(f"the file is {str(path)!r}; expected a name that ends in .keras")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} exists; pass overwrite=True to replace it")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.stem}.{os.getpid()}.keras")
        try:
            super().save(partial, **kwargs)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | Path) -> "Verifier":
        """Read what :meth:`save` wrote, on any backend.

        ``keras.saving.load_model`` does so too, once this module is imported; here the
        errors say what to do.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no Keras file, is one of another model, or has layers of an unknown class.
        """
        return read_verifier(Path(path))
