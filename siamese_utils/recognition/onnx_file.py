"""An encoder as an ONNX file, checked against Keras before it is kept."""

import json
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

from .._files import write_whole
from ..models import embed

N_CHECKED = 4  # images that both programs embed
TOLERANCE = 1e-3  # of a number of an embedding of length 1
NEEDED = (
    'pip install "siamese-book[export]", or the packages onnx, onnxruntime and, on TensorFlow, '
    "tf2onnx"
)


def write_onnx(path: Path, encoder: keras.Model, settings: dict) -> float:
    """Write an encoder, with embeddings of length 1, whole or not at all.

    Parameters
    ----------
    path : Path
        Of a name that ends in ``.onnx``.
    encoder : keras.Model
    settings : dict
        Of plain values; each becomes a metadata property of the file, as JSON.

    Returns
    -------
    float
        The largest difference between ONNX Runtime's numbers and Keras', on random images.

    Raises
    ------
    ValueError
        For another ending, or if the two programs differ by more than 0.001.
    ImportError
        If a package is missing that Keras or the check needs.
    """
    if path.suffix != ".onnx":
        raise ValueError(f"the file is {str(path)!r}; expected a name that ends in .onnx")
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"{error}. To write ONNX files: {NEEDED}.") from error
    shape = encoder.input_shape[1:]
    images = keras.Input(shape, name="images")
    model = keras.Model(images, layers.UnitNormalization(dtype="float32")(encoder(images)))
    sample = np.random.default_rng(0).random((N_CHECKED, *shape), "float32")
    expected = embed(model, sample)
    model(sample)  # Keras exports only what was called
    difference = np.inf

    def write(temporary: Path) -> None:
        nonlocal difference
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the converters, about NumPy and each other
            try:
                model.export(temporary, format="onnx", verbose=False)
            except ImportError as error:
                raise ImportError(f"{error}. To write ONNX files: {NEEDED}.") from error
        content = onnx.load(temporary)
        found = {name: json.dumps(value) for name, value in settings.items()}
        onnx.helper.set_model_props(content, found)
        onnx.save(content, temporary)
        session = onnxruntime.InferenceSession(temporary, providers=["CPUExecutionProvider"])
        (answer,) = session.run(None, {session.get_inputs()[0].name: sample})
        difference = float(np.abs(answer - expected).max())
        if not difference <= TOLERANCE:
            raise ValueError(
                f"ONNX Runtime differs from Keras by {difference:.2g}; expected no more than "
                f"{TOLERANCE}, so {path} was not written. Leave out layers that ONNX computes "
                "otherwise."
            )

    write_whole(path, write)
    return difference
