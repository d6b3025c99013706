"""``python -m siamese_utils``: answers, exit status, and errors in one line."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image
from siamese_utils.gallery import OneShotClassifier
from siamese_utils.verifier import Verifier

from siamese_utils import cli


def flat_encoder():
    """The embedding is the image itself: four pixels."""
    return keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])


def save(path, pixels, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).convert(mode).save(path)
    return str(path)


LEFT, UP = [[255, 0], [255, 0]], [[255, 255], [0, 0]]  # bright half; their cosine is 1/2


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A model of threshold 0.9, three images, a gallery as a folder and as a file."""
    root = tmp_path_factory.mktemp("cli")
    verifier = Verifier(flat_encoder(), 0.9)
    verifier.save(root / "model.keras")
    save(root / "left.png", LEFT)
    save(root / "up.png", UP, "RGBA")
    save(root / "large.jpg", np.kron(LEFT, np.ones((40, 40))))
    save(root / "down.png", [[0, 0], [200, 200]])
    save(root / "folder" / "left" / "1.png", LEFT)
    save(root / "folder" / "up" / "1.png", np.kron(UP, np.ones((3, 3))), "RGB")
    images, labels = verifier.read_folder(root / "folder")
    OneShotClassifier(verifier.encoder).fit(images, labels).save(root / "plain.npz")
    OneShotClassifier(verifier.encoder, 0.4, "?").fit(images, labels).save(root / "strict.npz")
    OneShotClassifier(verifier.encoder).fit(images, [7, 3]).save(root / "ints.npz")
    (root / "broken.png").write_text("no image")
    return root


@pytest.fixture
def run(place, capfd, monkeypatch):
    """Run a command in the folder: exit status, stdout, stderr."""
    monkeypatch.chdir(place)

    def run(*arguments):
        capfd.readouterr()
        status = cli.main(arguments)
        found = capfd.readouterr()
        return status, found.out, found.err

    return run


def test_compare(run):
    status, out, err = run("compare", "model.keras", "left.png", "up.png")
    assert (status, err) == (0, "")
    assert out.splitlines() == ["score      0.5000", "threshold  0.9000", "verdict    different"]
    status, out, _ = run("compare", "model.keras", "left.png", "large.jpg")
    assert status == 0
    assert out.splitlines()[2] == "verdict    same"


def test_compare_json(run, place):
    status, out, err = run("compare", "model.keras", "up.png", "left.png", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found == {
        "left": "up.png",
        "right": "left.png",
        "score": pytest.approx(0.5),
        "threshold": 0.9,
        "same": False,
    }
    expected = Verifier.load(place / "model.keras").compare(place / "up.png", place / "left.png")
    assert found["score"] == pytest.approx(expected.score, abs=1e-7)


@pytest.mark.parametrize("gallery", ["folder", "plain.npz"])
def test_classify(run, gallery):
    """The lower half is at a right angle to the upper one; with the left one, cos is 1/2."""
    status, out, err = run("classify", "model.keras", gallery, "large.jpg", "up.png", "down.png")
    assert (status, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[:2] for row in rows] == [
        ["large.jpg", "left"],
        ["up.png", "up"],
        ["down.png", "unknown"],
    ]
    np.testing.assert_allclose([float(row[2]) for row in rows], [1, 1, 0.5], atol=0.03)


def test_classify_json(run):
    status, out, err = run("classify", "model.keras", "folder", "down.png", "left.png", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "threshold": 0.9,
        "results": [
            {
                "image": "down.png",
                "label": "unknown",
                "score": pytest.approx(0.5),
                "nearest": "left",
            },
            {"image": "left.png", "label": "left", "score": pytest.approx(1), "nearest": "left"},
        ],
    }


@pytest.mark.parametrize(
    ("arguments", "threshold", "label"),
    [
        (["plain.npz"], 0.9, "unknown"),
        (["strict.npz"], 0.4, "left"),
        (["strict.npz", "--threshold", "0.6"], 0.6, "?"),
        (["folder", "--threshold", "0"], 0.0, "left"),
        (["folder", "--threshold", "-0.5"], -0.5, "left"),
        (["ints.npz"], 0.9, "unknown"),
        (["ints.npz", "--threshold", "0.1"], 0.1, 7),
    ],
)
def test_which_threshold(run, arguments, threshold, label):
    """--threshold, else the gallery's own, else the model's."""
    gallery, *options = arguments
    status, out, _ = run("classify", "model.keras", gallery, "down.png", "--json", *options)
    assert status == 0
    found = json.loads(out)
    assert (found["threshold"], found["results"][0]["label"]) == (threshold, label)


def test_at_the_threshold_is_unknown(run):
    def classify(*options):
        out = run("classify", "model.keras", "folder", "down.png", "--json", *options)[1]
        return json.loads(out)["results"][0]

    score = classify()["score"]
    assert classify("--threshold", repr(score))["label"] == "unknown"
    assert classify("--threshold", repr(score - 1e-9))["label"] == "left"


def test_a_gallery_with_a_broken_image(run, place, tmp_path):
    for name in ("left", "up"):
        save(tmp_path / name / "1.png", LEFT if name == "left" else UP)
    broken = tmp_path / "up" / "2.png"
    broken.write_text("no image")
    status, out, err = run("classify", "model.keras", str(tmp_path), "up.png")
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {broken} cannot be read")
    assert "--skip-broken" in err
    status, out, err = run("classify", "model.keras", str(tmp_path), "up.png", "--skip-broken")
    assert (status, out, err) == (0, "up.png\tup\t1.0000\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "gone.keras", "left.png", "up.png"], "gone.keras is not a file. Expected"),
        (["compare", "left.png", "left.png", "up.png"], "left.png is not a Keras file"),
        (["compare", "plain.npz", "left.png", "up.png"], "plain.npz is not a Keras file"),
        (["compare", "model.keras", "left.png", "gone.png"], "gone.png cannot be read"),
        (["compare", "model.keras", "broken.png", "up.png"], "broken.png cannot be read"),
        (["compare", "model.keras", "folder", "up.png"], "folder cannot be read"),
        (["classify", "model.keras", "gone.npz", "up.png"], "gone.npz is not a file. Expected"),
        (["classify", "model.keras", "up.png", "up.png"], "up.png is not a gallery"),
        (["classify", "model.keras", "other.npz", "up.png"], "other.npz was made by the encoder"),
        (["classify", "model.keras", "none.npz", "up.png"], "none.npz was made of embeddings"),
        (["classify", "model.keras", "folder/up", "up.png"], "up has 0 class folder(s)"),
        (["classify", "model.keras", "folder", "up.png", "gone.png"], "gone.png cannot be read"),
        (["classify", "model.keras", "folder", "up.png", "--threshold", "2"], "threshold is 2.0;"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_errors(run, place, arguments, options, message):
    if "other.npz" in arguments:
        layers = [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
        encoder = keras.Sequential(layers)
        gallery = OneShotClassifier(encoder).fit(np.ones((1, 2, 2, 1)), ["a"])
        gallery.save(place / "other.npz")
    OneShotClassifier().fit(np.ones((1, 4)), ["a"]).save(place / "none.npz")
    status, out, err = run(*arguments, *options)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1, "one line"
    assert message in err


def test_stderr_is_given_back(run, capfd):
    """The file descriptor: Python's own sys.stderr is another one under pytest."""
    run("compare", "model.keras", "left.png", "gone.png")
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


def test_the_shell(place):
    """A process of its own, with TensorFlow's notes on; then --help, without Keras."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    command = [sys.executable, "-m", "siamese_utils"]
    options = {"capture_output": True, "text": True, "env": kept, "check": False}
    files = [str(place / name) for name in ("model.keras", "strict.npz", "down.png")]
    done = subprocess.run([*command, "classify", *files, "--json"], **options)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["threshold"] == 0.4
    assert found["results"][0]["label"] == "left"
    assert found["results"][0]["score"] == pytest.approx(0.5)
    options["env"] = {**kept, "KERAS_BACKEND": "none of these"}  # Keras would not start
    for name in ("compare", "classify"):
        done = subprocess.run([*command, name, "--help"], **options)
        assert (done.returncode, done.stderr) == (0, "")
        assert "MODEL" in done.stdout
    done = subprocess.run([*command, "compare", "one"], **options)
    assert done.returncode == 2
    assert "the following arguments are required: A, B" in done.stderr
