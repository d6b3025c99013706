"""Reading a verifier's ``.keras`` file, with errors that say what to do."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import keras

from ..datasets.files import first_line

REGISTERED_NAME = "siamese_utils>Verifier"
EXPECTED = "Expected a .keras file written by Verifier.save."
# What Keras makes from code: Python's bytecode, a pickled PyTorch module, a TensorFlow graph.
MADE_OF_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer"}


def read_verifier(path: Path) -> keras.Model:
    """The verifier in a file, once its class is registered; errors as of ``Verifier.load``."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file. {EXPECTED} Correct the path.")
    _require_verifier(path)
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises errors of many types for a bad file
        # Keras wraps the error in others with long texts; the innermost says what is wrong.
        cause = str(error).rpartition("Exception encountered: ")[2].partition("\n")[0]
        raise ValueError(
            f"{path} cannot be loaded ({cause}). {EXPECTED} If its encoder has "
            "layers of your own, import the module that registers them first, by "
            "keras.saving.register_keras_serializable; else save the model again."
        ) from error


def _require_verifier(path: Path) -> None:
    """Look at the file's settings, before Keras makes any layer of it."""
    try:
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
        if not isinstance(config, dict):
            raise ValueError("its settings are no JSON object")
        holds_code = _holds_code(config)
    except Exception as error:  # of many types: a bad archive, bad JSON, nesting without end
        raise ValueError(
            f"{path} is not a Keras file, or not a whole one ({first_line(error)}). "
            f"{EXPECTED} Save the model again."
        ) from error
    if config.get("registered_name") != REGISTERED_NAME:
        raise ValueError(
            f"{path} holds a {config.get('class_name')}. {EXPECTED} Put the encoder into a "
            "Verifier with a threshold, and save that."
        )
    # Keras refuses them too, unless somebody has allowed them for the whole process.
    if holds_code:
        raise ValueError(
            f"{path} cannot be loaded: it brings code along, in a Lambda layer or the like, "
            f"and code of a file is never run here. {EXPECTED} Write the layer as a class, "
            "register it by keras.saving.register_keras_serializable, and save the model again."
        )


def _holds_code(config: Any) -> bool:
    """Whether something made of code stands anywhere in a model's settings."""
    if isinstance(config, dict):
        names = (config.get("class_name"), config.get("registered_name"))
        # Keras finds keras.layers.Lambda by other spellings too, as "layers.Lambda" in "keras".
        last = {re.split("[.>]", name)[-1] for name in names if isinstance(name, str)}
        return bool(MADE_OF_CODE & last) or any(map(_holds_code, config.values()))
    return isinstance(config, list) and any(map(_holds_code, config))
