"""Reading a verifier's ``.keras`` file, with errors that say what to do."""

import json
import zipfile
from pathlib import Path

import keras

from ..datasets.files import first_line

REGISTERED_NAME = "siamese_utils>Verifier"
EXPECTED = "Expected a .keras file written by Verifier.save."


def read_verifier(path: Path) -> keras.Model:
    """The verifier in a file, once its class is registered; errors as of ``Verifier.load``."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file. {EXPECTED} Correct the path.")
    _require_verifier(path)
    try:
        return keras.saving.load_model(path, compile=False)
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
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is not a Keras file, or not a whole one ({first_line(error)}). "
            f"{EXPECTED} Save the model again."
        ) from error
    if config.get("registered_name") != REGISTERED_NAME:
        raise ValueError(
            f"{path} holds a {config.get('class_name')}. {EXPECTED} Put the encoder into a "
            "Verifier with a threshold, and save that."
        )
