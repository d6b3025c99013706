"""The ONNX file that a recognizer exports, as a program without Keras reads it."""

import json
import sys
from dataclasses import replace

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from siamese_utils.recognition import Reading, Recognizer, onnx_file

READING = Reading((8, 6), 1, "stretch", "ink")


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((8, 6, 1)), *layers, keras.layers.Dense(5)])


@pytest.fixture
def images():
    """Drawings: a few dark strokes on white."""
    images = np.ones((5, 8, 6, 1), "float32")
    for k in range(5):
        images[k, 2 + k % 3, 1 + k : 5] = images[k, 1:6, 1 + k % 4] = 0
    return images


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def test_gives_the_similarities_of_compare(encoder, images, path):
    recognizer = Recognizer(encoder, 0.25, reading=READING)
    difference = recognizer.export(path)
    assert 0 <= difference < 1e-5
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (into,) = session.get_inputs()
    prepared = READING.prepare(images)
    for some in (prepared, prepared[:1]):  # any number of images
        (vectors,) = session.run(None, {into.name: some})
        for vector, image in zip(vectors, images, strict=False):
            expected = recognizer.compare(images[0], image).score
            assert float(vectors[0] @ vector) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("labels", [None, list("aabbb")], ids=["centred", "whitened"])
def test_an_adapted_encoder_is_exported_with_its_adaptation(encoder, images, path, labels):
    recognizer = Recognizer(encoder, reading=READING).adapt(images, labels)
    assert recognizer.export(path) < 1e-4


@pytest.mark.parametrize(
    ("polarity", "pixels"),
    [("ink", "ink 1 and paper 0"), ("as is", "red first, from 0 (black) to 1 (white)")],
)
def test_says_how_images_are_read(encoder, path, polarity, pixels):
    reading = replace(READING, polarity=polarity)
    Recognizer(encoder, 0.25, reading=reading).export(path)
    props = {prop.key: json.loads(prop.value) for prop in onnx.load(path).metadata_props}
    assert props["threshold"] == 0.25
    assert Reading.from_dict(props["reading"]) == reading
    assert props["pixels"] == f"(batch, height, width, channels), {pixels}"


def test_an_answer_that_differs_leaves_the_old_file(encoder, path, monkeypatch):
    path.write_bytes(b"old")
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(ValueError, match=r"differs from Keras by .*was not written"):
        Recognizer(encoder).export(path)
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_package_is_named_with_the_remedy(encoder, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"onnxruntime.*siamese-book\[export\]"):
        Recognizer(encoder).export(path)
    assert not path.exists()


def test_refuses_names_thresholds_and_no_encoder(encoder, path):
    with pytest.raises(ValueError, match=r"'model\.pb'; expected a name that ends in \.onnx"):
        Recognizer(encoder).export("model.pb")
    with pytest.raises(ValueError, match="threshold is 2"):
        Recognizer(encoder, 2).export(path)
    with pytest.raises(ValueError, match="no encoder to export"):
        Recognizer().export(path)
