"""A recognizer's ``.keras`` file: the encoder as Keras saves it, and beside it the settings."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import keras

# Imported for what they register: an encoder read from a file may have layers of theirs.
from .. import augment, distances, models  # noqa: F401
from .._files import first_line, write_whole

SETTINGS = "recognizer.json"  # the part of the file that Keras does not know
EXPECTED = "Expected a .keras file written by Recognizer.save."
VERSION_1 = "siamese_utils>Verifier"
# What Keras makes from code: Python's bytecode, a pickled PyTorch module, a TensorFlow graph.
MADE_OF_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer"}


def write_model(path: Path, encoder: keras.Model, settings: dict) -> None:
    """Write encoder and settings as one file, whole or not at all.

    How the encoder was trained, with its loss and its optimizer's state, is not written.

    Raises
    ------
    ValueError
        If the name does not end in ``.keras``.
    """
    if path.suffix != ".keras":
        raise ValueError(f"the file is {str(path)!r}; expected a name that ends in .keras")
    if encoder.compiled:
        plain = type(encoder).from_config(encoder.get_config())
        plain.set_weights(encoder.get_weights())
        encoder = plain

    def write(temporary: Path) -> None:
        encoder.save(temporary)
        with zipfile.ZipFile(temporary, "a") as file:
            file.writestr(SETTINGS, json.dumps(settings))

    write_whole(path, write)


def read_model(path: Path) -> tuple[keras.Model, dict]:
    """Encoder and settings of a file; a verifier of version 1.0 is read as well.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, brings code along, or has layers of an unknown class.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file. {EXPECTED} Correct the path.")
    config, settings = _parts(path)
    if settings is None and config.get("registered_name") != VERSION_1:
        raise ValueError(
            f"{path} holds a {config.get('class_name')} without settings. {EXPECTED} Put the "
            "encoder into a Recognizer, with a threshold, and save that."
        )
    # Keras refuses them too, unless somebody has allowed them for the whole process.
    if _holds_code(config):
        raise ValueError(
            f"{path} cannot be loaded: it brings code along, in a Lambda layer or the like, "
            f"and code of a file is never run here. {EXPECTED} Write the layer as a class, "
            "register it by keras.saving.register_keras_serializable, and save the model again."
        )
    try:
        model = keras.saving.load_model(
            path, compile=False, safe_mode=True, custom_objects={VERSION_1: _Verifier}
        )
        return (model.encoder, model.settings) if settings is None else (model, settings)
    except Exception as error:  # Keras raises errors of many types for a bad file
        # Keras wraps the error in others with long texts; the innermost says what is wrong.
        cause = str(error).rpartition("Exception encountered: ")[2].partition("\n")[0]
        raise ValueError(
            f"{path} cannot be loaded ({cause}). {EXPECTED} If its encoder has "
            "layers of your own, import the module that registers them first, by "
            "keras.saving.register_keras_serializable; else save the model again."
        ) from error


class _Verifier(keras.Model):
    """What version 1.0 saved: the encoder inside a model that held the settings."""

    def __init__(self, encoder, threshold, fit="pad", invert=False, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        height, width, channels = encoder.input_shape[1:]
        polarity = "ink" if invert and channels == 1 else "as is"
        if invert and channels == 3:
            raise ValueError("it reads colour files inverted, which is not done any more")
        reading = {"size": [height, width], "channels": channels, "fit": fit, "polarity": polarity}
        self.settings = {"threshold": threshold, "reading": reading, "assessment": None}
        self.built = True  # the encoder has all the weights

    @classmethod
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})


def _parts(path: Path) -> tuple[dict, dict | None]:
    """The encoder's settings and the recognizer's, before Keras makes any layer of them."""
    try:
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
            settings = json.loads(file.read(SETTINGS)) if SETTINGS in file.namelist() else None
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError("its settings are no model's")
        _holds_code(config)  # nested without end it may raise an error, too
    except Exception as error:  # of many types: a bad archive, bad JSON, nesting without end
        raise ValueError(
            f"{path} is not a Keras file, or not a whole one ({first_line(error)}). "
            f"{EXPECTED} Save the model again."
        ) from error
    return config, settings


def _holds_code(config: Any) -> bool:
    """Whether something made of code stands anywhere in a model's settings."""
    if isinstance(config, dict):
        names = (config.get("class_name"), config.get("registered_name"))
        # Keras finds keras.layers.Lambda by other spellings too, as "layers.Lambda" in "keras".
        last = {re.split("[.>]", name)[-1] for name in names if isinstance(name, str)}
        return bool(MADE_OF_CODE & last) or any(map(_holds_code, config.values()))
    return isinstance(config, list) and any(map(_holds_code, config))
