"""The command ``siamese``: answers, exit status, and errors in one line."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from siamese_utils import (
    _command_checks,
    _command_classes,
    _command_parser,
    _command_tasks,
    command,
    models,
)
from siamese_utils._command_choice import warn_of_choice
from siamese_utils._warn import warn
from siamese_utils.chapters import write_letters
from siamese_utils.models.pretrained import pretrained_names
from siamese_utils.recognition import Recognizer, ThresholdChoice


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
    recognizer = Recognizer(flat_encoder(), 0.9)
    recognizer.save(root / "model.keras")
    save(root / "left.png", LEFT)
    save(root / "up.png", UP, "RGBA")
    save(root / "large.jpg", np.kron(LEFT, np.ones((40, 40))))
    save(root / "down.png", [[0, 0], [200, 200]])
    save(root / "folder" / "left" / "1.png", LEFT)
    save(root / "folder" / "up" / "1.png", np.kron(UP, np.ones((3, 3))), "RGB")
    images, encoder = recognizer.read_folder(root / "folder").images, recognizer.encoder
    names = ["left", "up"]
    Recognizer(encoder).fit(images, names).save_gallery(root / "plain.npz")
    Recognizer(encoder, 0.4, "?").fit(images, names).save_gallery(root / "strict.npz")
    Recognizer(encoder).fit(images, [7, 3]).save_gallery(root / "ints.npz")
    (root / "broken.png").write_text("no image")
    return root


@pytest.fixture
def run(place, capfd, monkeypatch):
    """Run a command in the folder: exit status, stdout, stderr."""
    monkeypatch.chdir(place)

    def run(*arguments):
        capfd.readouterr()
        status = command.main(arguments)
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
    expected = Recognizer.load(place / "model.keras").compare(place / "up.png", place / "left.png")
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
        "skipped": [],
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


def test_an_answer_that_is_a_class_as_well_is_refused(run, place, tmp_path):
    save(tmp_path / "own" / "unknown" / "1.png", LEFT)
    save(tmp_path / "own" / "up" / "1.png", UP)
    status, said, complained = run("classify", "model.keras", str(tmp_path / "own"), "left.png")
    assert (status, said) == (2, "")
    assert "a class is called 'unknown', and that is the answer" in complained


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device")
def test_an_answer_that_cannot_be_written_is_an_error(place, monkeypatch, capfd):
    monkeypatch.chdir(place)
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert command.main(["compare", "model.keras", "left.png", "up.png"]) == 2
    found = capfd.readouterr().err
    assert found.startswith("error: the answer cannot be written") and found.count("\n") == 1


def test_what_is_no_number_does_not_get_into_json(run, monkeypatch):
    """Python would write NaN, which is no JSON."""
    from siamese_utils import _command_tasks

    monkeypatch.setattr(_command_tasks, "compare", lambda asked: ({"similarity": math.nan}, ""))
    with pytest.raises(ValueError, match="not JSON compliant"):
        run("compare", "model.keras", "left.png", "up.png", "--json")


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
    assert (status, out) == (0, "up.png\tup\t1.0000\n")
    assert err.startswith(f"warning: {broken} is not in the gallery: broken image")


def test_what_a_gallery_folder_leaves_out_is_said(run, tmp_path):
    """Nothing is dropped without a word: neither the text nor the image of another kind."""
    for name in ("left", "up"):
        save(tmp_path / name / "1.png", LEFT if name == "left" else UP)
    for name in ("notes.txt", "2.heic"):
        (tmp_path / "up" / name).write_text("?")
    status, out, err = run("classify", "model.keras", str(tmp_path), "up.png", "--json")
    assert status == 0
    skipped = json.loads(out)["skipped"]
    assert sorted(path.rpartition("/")[2] for path, _ in skipped) == ["2.heic", "notes.txt"]
    lines = err.splitlines()
    assert len(lines) == 2 and all("is not in the gallery: " in line for line in lines)


def test_a_model_no_better_than_chance_says_so(run, place):
    recognizer = Recognizer(flat_encoder(), 0.9)
    rng = np.random.default_rng(0)
    with pytest.warns(UserWarning, match="no better than chance"):
        recognizer.evaluate(rng.random((40, 2, 2, 1)), np.arange(40) % 4)
    recognizer.save(place / "chance.keras")
    status, out, err = run("compare", "chance.keras", "left.png", "up.png")
    assert (status, out.splitlines()[2]) == (0, "verdict    different")
    assert err.startswith("warning: on classes that it was not trained on, ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compare", "gone.keras", "left.png", "up.png"],
            "gone.keras is neither a file nor a ready encoder; expected",
        ),
        (["compare", "left.png", "left.png", "up.png"], "left.png is not a Keras file"),
        (["compare", "plain.npz", "left.png", "up.png"], "plain.npz, a gallery, stands where the"),
        (["compare", "photo", "left.png", "up.png"], "or one of omniglot, photos"),
        (["compare", "model.keras", "left.png", "gone.png"], "not there: gone.png; expected"),
        (["compare", "model.keras", "gone.png", "none.png"], "not there: gone.png, none.png;"),
        (["compare", "model.keras", "broken.png", "up.png"], "broken.png cannot be read"),
        (
            ["compare", "model.keras", "folder", "up.png"],
            "folders: folder; expected two image files",
        ),
        (
            ["classify", "model.keras", "folder", "folder"],
            "is a folder; expected image files in folder. Name the images as FOLDER/*/*.jpg",
        ),
        (["classes", "gone.npz"], "gone.npz is not a file; expected a .npz file"),
        (["classes", "text.npz"], "text.npz is not a gallery"),
        (["classes", "model.keras"], "model.keras, a model, stands where the gallery belongs"),
        (["remove", "m", "model.keras", "up"], "m is neither a file nor a ready encoder"),
        (["remove", "model.keras", "gone.npz", "up"], "gone.npz is not a file; expected"),
        (["remove", "model.keras", "plain.npz", "down"], "'down'; expected one of the gallery's"),
        (["remove", "model.keras", "one.npz", "left"], "the only class in the gallery; expected"),
        (["remove", "model.keras", "other.npz", "a"], "other.npz was made by another encoder"),
        (["classify", "model.keras", "gone.npz", "up.png"], "gone.npz is not there; expected"),
        (["classify", "model.keras", "up.png", "up.png"], "up.png, an image, stands where the"),
        (["classify", "model.keras", "model.keras", "up.png"], "model.keras is not a gallery, or"),
        (["classify", "model.keras", "text.npz", "up.png"], "(ValueError: it is no .npz file)"),
        (
            ["classify", "model.keras", "other.npz", "up.png"],
            "other.npz was made by another encoder",
        ),
        (["classify", "model.keras", "none.npz", "up.png"], "none.npz was made of embeddings"),
        (["classify", "model.keras", "folder/up", "up.png"], "up has 0 class folder(s)"),
        (["classify", "model.keras", "folder", "up.png", "gone.png"], "not there: gone.png"),
        (["train", "gone", "new.keras"], "gone is not a folder; expected a folder with one"),
        (["train", "folder", "new.h5"], "new.h5 is to be written; expected a name with .keras"),
        (["train", "folder", "gone/new.keras"], "gone; expected a folder that is there"),
        (["threshold", "photos", "folder", "--out", "new.h5"], "expected a name with .keras"),
        (["export", "model.keras", "new.h5"], "expected a name with .onnx"),
        (["enroll", "model.keras", "new.h5", "left", "left.png"], "a name with .npz"),
        (
            ["enroll", "model.keras", "new.npz", "unknown", "left.png"],
            "a class is called 'unknown', and that is the answer for images of no class",
        ),
        (
            ["enroll", "model.keras", "new.npz", "left", "folder"],
            "left is a folder; expected image",
        ),
        (["enroll", "model.keras", "new.npz", "left", "empty"], "empty has no image; expected"),
        (["enroll", "model.keras", "new.npz", "", "left.png"], "LABEL is ''; expected a name of"),
        (["enroll", "model.keras", "new.npz", "a\tb", "left.png"], "LABEL is 'a\\tb'; expected"),
        (["train", "folder", "new.keras"], "2 class folder(s) with 1 image(s) at most; expected"),
        (["export", "model.keras", "folder.onnx"], "folder.onnx is to be written and is a folder"),
        (
            ["classify", "model.keras", "folder", "broken.png", "--skip-broken"],
            "broken.png cannot be read",
        ),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_errors(run, place, arguments, options, message):
    if "other.npz" in arguments:
        layers = [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
        encoder = keras.Sequential(layers)
        gallery = Recognizer(encoder).fit(np.eye(2).reshape(1, 2, 2, 1), ["a"])
        gallery.save_gallery(place / "other.npz")
    Recognizer().fit(np.ones((1, 4)), ["a"]).save_gallery(place / "none.npz")
    one = Recognizer(flat_encoder()).fit(np.eye(2).reshape(1, 2, 2, 1), ["left"])
    one.save_gallery(place / "one.npz")
    for name in ("empty", "folder.onnx"):
        (place / name).mkdir(exist_ok=True)
    (place / "text.npz").write_text("?")
    before = sorted(place.iterdir())
    status, out, err = run(*arguments, *options)
    assert sorted(place.iterdir()) == before, "nothing is written"
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1, "one line"
    assert message in err


def test_a_folder_of_images_is_classified_in_its_order(run, tmp_path):
    for name, pixels in (("b.png", LEFT), ("a.png", UP)):
        save(tmp_path / name, pixels)
    (tmp_path / "notes.txt").write_text("?")
    status, out, err = run("classify", "model.keras", "plain.npz", str(tmp_path), "left.png")
    assert status == 0
    found = [line.split("\t")[:2] for line in out.splitlines()]
    expected = [[str(tmp_path / "a.png"), "up"], [str(tmp_path / "b.png"), "left"]]
    assert found == [*expected, ["left.png", "left"]]
    assert err.count("\n") == 1 and "notes.txt is left out" in err


def test_a_gallery_is_listed_and_a_class_removed(run, tmp_path):
    gallery = str(tmp_path / "gallery.npz")
    for label, *images in (("left", "left.png", "large.jpg"), ("up", "up.png")):
        run("enroll", "model.keras", gallery, label, *images)
    assert run("classes", gallery) == (0, "left\t2\nup\t1\nthreshold\t0.9000\n", "")
    status, out, err = run("remove", "model.keras", gallery, "left")
    assert (status, err) == (0, "")
    assert out == f"left: 2 removed\n{gallery}: 1 stored of 1 class\n"
    status, out, _ = run("classes", gallery, "--json")
    assert json.loads(out) == {
        "gallery": gallery,
        "threshold": 0.9,
        "classes": [{"label": "up", "stored": 1}],
    }
    _, out, _ = run("classify", "model.keras", gallery, "left.png", "up.png")
    assert [line.split("\t")[1] for line in out.splitlines()] == ["unknown", "up"]


def test_removing_a_class_leaves_the_gallery_s_own_threshold(run, place, tmp_path):
    """Also where it is another one than the model's; and a label may be a number."""
    for name, label, threshold in (("strict.npz", "up", "0.4000"), ("ints.npz", "7", "none")):
        gallery = shutil.copy(place / name, tmp_path)
        status, out, err = run("remove", "model.keras", gallery, label, "--json")
        assert (status, err) == (0, "")
        assert json.loads(out)["removed"] == 1
        assert run("classes", gallery)[1].splitlines()[-1] == f"threshold\t{threshold}"


def test_an_interruption_is_no_traceback(run, monkeypatch):
    def interrupted(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(_command_tasks, "compare", interrupted)
    assert run("compare", "model.keras", "left.png", "up.png") == (130, "", "")


def test_its_version_is_the_package_s(run, capfd):
    with pytest.raises(SystemExit) as raised:
        run("--version")
    assert raised.value.code == 0
    assert capfd.readouterr().out == f"siamese {metadata.version('siamese-book')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "folder", "new.keras", "--strangers", "5"], "'5' is not a share above 0"),
        (["train", "folder", "new.keras", "--folds", "1"], "'1' is not a whole number of 2"),
        (["train", "folder", "new.keras", "--folds", "x"], "'x' is not a whole number of 2"),
        (["classify", "photos", "folder", "up.png", "--threshold", "2"], "'2' is not a similarity"),
        (["compare", "photos", "up.png", "up.png", "--threshold", "nan"], "is not a similarity"),
        (["train", "folder", "new.keras", "--encoder", "photo"], "'omniglot', 'photos'"),
    ],
)
def test_numbers_are_refused_at_once(run, capfd, arguments, message):
    with pytest.raises(SystemExit) as raised:
        run(*arguments)
    assert raised.value.code == 2
    assert message in capfd.readouterr().err


def test_what_is_said_in_words_of_the_shell_is_said_in_python():
    """Each phrase that is replaced stands in a message of the package, or it went stale."""
    paths = set((ROOT / "siamese_utils").rglob("*.py")) - {Path(command.__file__)}
    # a message may be divided over lines
    texts = [re.sub(r"""["']\s*f?["']""", "", path.read_text("utf-8")) for path in paths]
    for python in command.IN_THE_SHELL:
        assert any(python in text for text in texts), python


VERDICT = (
    r"warning: on classes left out the model "
    r"(is no better than chance|cannot be told from chance with \d+ images)\. Give more classes"
)


@pytest.mark.parametrize(
    ("one_shot", "verdict"),
    [(0.25, "is no better than chance"), (0.4, "cannot be told from chance with 12 images")],
)
def test_no_better_than_chance_is_told_from_too_few_to_tell(one_shot, verdict):
    rates = (0.5, 0.5, 0.5)
    choice = ThresholdChoice(
        0.5, None, 4, 12, 3, 4, rates, rates, rates, (one_shot, one_shot, one_shot)
    )
    with pytest.warns(UserWarning) as said:
        warn_of_choice(choice)
    assert f"on classes left out the model {verdict}. Give more" in str(said[-1].message)


@pytest.mark.parametrize(("refused", "is_told"), [(0.5, False), (0.51, True)])
def test_most_pairs_refused_is_told_above_half(refused, is_told):
    few, most = (0.01,) * 3, (0.9,) * 3
    choice = ThresholdChoice(0.5, 0.05, 6, 36, 3, 5, few, (refused,) * 3, few, most)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_of_choice(choice)
    told = ["51 % of pairs of one class are called different" in str(w.message) for w in said]
    assert told == [True] * is_told


def test_a_warning_is_said_once(run, monkeypatch):
    """The images of a command are read more than once."""

    def compare(asked):
        for _ in range(3):
            warn("dark")
        return {}, "done"

    monkeypatch.setattr(_command_tasks, "compare", compare)
    assert run("compare", "model.keras", "left.png", "up.png") == (0, "done\n", "warning: dark\n")


def test_a_fault_of_the_program_is_not_told_as_one_of_its_user(run, monkeypatch):
    def compare(asked):
        raise KeyError("nothing")

    monkeypatch.setattr(_command_tasks, "compare", compare)
    status, out, err = run("compare", "model.keras", "left.png", "up.png")
    assert (status, out) == (2, "")
    assert (
        err == "error: this is a fault of siamese itself (KeyError: 'nothing'). Please report it.\n"
    )


def test_stderr_is_given_back(run, capfd):
    """The file descriptor: Python's own sys.stderr is another one under pytest."""
    run("compare", "model.keras", "left.png", "broken.png")
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


@pytest.mark.slow
def test_the_shell(place):
    """A process of its own, with TensorFlow's notes on; then --help, without Keras."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    command = [sys.executable, "-m", "siamese_utils"]
    options = {"capture_output": True, "text": True, "env": kept, "check": False}
    files = [str(place / name) for name in ("model.keras", "plain.npz", "down.png")]
    files += ["--threshold", "0.4"]
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


def in_a_shell(place, line, **environment):
    options = {"capture_output": True, "cwd": place, "check": False}
    program = f"{sys.executable} -m siamese_utils"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(["bash", "-c", line.replace("siamese", program)], env=env, **options)


@pytest.mark.slow
def test_a_backend_that_is_not_there_is_named_in_a_line(place):
    """No traceback: for a name that Keras does not know, and for a package that is missing."""
    line = "siamese compare model.keras left.png up.png"
    found = in_a_shell(place, line, KERAS_BACKEND="nonesuch")
    assert (found.returncode, found.stdout) == (2, b"")
    assert found.stderr.startswith(b"error: ")
    assert found.stderr.count(b"\n") == 1
    assert b"nonesuch" in found.stderr


@pytest.mark.nightly
def test_letters_that_the_terminal_lacks_do_not_end_it(place):
    (place / "\u00e9.png").write_bytes((place / "left.png").read_bytes())
    line = "siamese classify model.keras plain.npz \u00e9.png"
    line += " && siamese compare model.keras \u00e9 up.png"
    found = in_a_shell(place, line, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C.UTF-8")
    assert found.stdout.decode("ascii").startswith("\\xe9.png\tleft\t1.0000")
    assert found.returncode == 2, "of the second, whose file is not there"
    assert found.stderr.decode("ascii").startswith("error: not there: \\xe9")


@pytest.mark.nightly
def test_a_reader_who_goes_away_is_no_error(place):
    line = "siamese classify model.keras plain.npz left.png | true; exit ${PIPESTATUS[0]}"
    found = in_a_shell(place, line)
    assert (found.returncode, found.stderr) == (0, b"")


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    """Six letters in six typefaces, as files: drawings, dark on white."""
    root = tmp_path_factory.mktemp("letters") / "letters"
    write_letters(root, "ABEKTX")
    return root


@pytest.fixture(scope="module")
def emblems(tmp_path_factory):
    """Four classes of five colored pictures: a shape and its color, somewhere, on a background."""
    root, rng = tmp_path_factory.mktemp("emblems") / "emblems", np.random.default_rng(0)
    for name, color in (
        ("red", (200, 30, 30)),
        ("green", (20, 160, 60)),
        ("blue", (30, 60, 200)),
        ("gold", (230, 190, 20)),
    ):
        (root / name).mkdir(parents=True)
        for k in range(5):
            pixels = np.full((48, 48, 3), 235) + rng.integers(-15, 16, (48, 48, 3))
            top, left = rng.integers(4, 20, 2)
            pixels[top : top + 22, left : left + 22] = color
            Image.fromarray(pixels.astype("uint8")).save(root / name / f"{k}.png")
    return root


class TestTrain:
    def test_drawings(self, run, drawings, tmp_path):
        model = str(tmp_path / "letters.keras")
        status, out, err = run("train", str(drawings), model, "--folds", "3")
        assert (status, err) == (0, "")
        assert "letters.keras: encoder omniglot (drawings on a plain background)" in out
        assert "6-way one-shot accuracy on classes left out: " in out
        trained = Recognizer.load(model)
        choice = trained.threshold_choice_
        assert trained.threshold == choice.threshold
        assert f"threshold {choice.threshold:.3f}, chosen for equal error rates" in out
        assert "fitted to " in out
        assert f"next: siamese enroll {model} gallery.npz LABEL IMAGE" in out
        assert choice.one_shot[0] > 0.6
        assert choice.false_reject[0] < 0.3

    def test_is_adapted_and_its_threshold_is_cross_validated(self, drawings, tmp_path, run):
        """As the same calls in Python have it."""
        model = str(tmp_path / "letters.keras")
        out = run("train", str(drawings), model, "--folds", "3", "--strangers", "0.1", "--json")[1]
        found = json.loads(out)
        recognizer = Recognizer.pretrained("omniglot")
        folder = recognizer.read_folder(drawings)
        recognizer.adapt(folder.images, folder.labels)
        expected = recognizer.choose_threshold(folder.images, folder.labels, 0.1, 3)
        assert found["threshold"] == pytest.approx(expected.threshold, abs=1e-4)
        assert found["strangers"] == pytest.approx(list(expected.strangers), abs=0.03)
        assert (found["encoder"], found["chance"], found["skipped"]) == ("omniglot", 1 / 6, [])

    @pytest.mark.slow
    def test_photographs_from_the_folder_to_the_answer(self, run, emblems, tmp_path):
        model, gallery = str(tmp_path / "model.keras"), str(tmp_path / "gallery.npz")
        status, out, err = run("train", str(emblems), model, "--json")
        assert status == 0, err
        found = json.loads(out)
        assert (found["encoder"], found["reason"]) == ("photos", "images are in colour")
        for name in ("red", "green", "blue"):
            paths = [str(emblems / name / f"{k}.png") for k in (0, 1)]
            status, out, err = run("enroll", model, gallery, name, *paths, "--average")
            assert status == 0, err
        assert out.splitlines()[1].endswith("gallery.npz: 3 stored of 3 classes")
        asked = [str(emblems / name / "4.png") for name in ("red", "green", "blue")]
        status, out, err = run("classify", model, gallery, *asked, "--threshold", "-1")
        assert [line.split("\t")[1] for line in out.splitlines()] == ["red", "green", "blue"]
        status, out, err = run("evaluate", model, str(emblems))
        assert status == 0
        assert "4-way one-shot accuracy on classes left out" in out
        onnx = str(tmp_path / "model.onnx")
        status, out, err = run("export", model, onnx, "--json")
        assert (status, json.loads(out)["difference"] < 1e-3) == (0, True)

    def test_what_is_left_out_is_said(self, run, drawings, tmp_path):
        (drawings / "A" / "notes.txt").write_text("?")
        try:
            status, out, err = run("evaluate", "omniglot", str(drawings), "--json")
        finally:
            (drawings / "A" / "notes.txt").unlink()
        assert status == 0
        assert err.startswith("warning: ") and "notes.txt is left out: " in err
        assert json.loads(out)["skipped"][0][0].endswith("notes.txt")

    def test_classes_of_a_single_image_are_said(self, run, drawings, tmp_path):
        shutil.copytree(drawings, tmp_path / "some")
        for path in sorted((tmp_path / "some" / "A").iterdir())[1:]:
            path.unlink()
        status, _, err = run("evaluate", "omniglot", str(tmp_path / "some"), "--folds", "2")
        assert status == 0
        assert err.startswith("warning: 1 of 6 classes have a single image")

    def test_a_model_that_is_replaced_is_named(self, run, drawings, tmp_path):
        model = tmp_path / "model.keras"
        model.touch()
        _, _, err = run("train", str(drawings), str(model), "--folds", "7")
        assert "model.keras was there and is replaced. Galleries that it made" in err
        assert "--folds 7 is more than 6 classes; 6 are taken" in err

    @pytest.mark.parametrize("strangers", [None, "0.05"])
    def test_a_threshold_that_lets_most_strangers_in_says_so(
        self, run, drawings, monkeypatch, strangers
    ):
        half, few = (0.5, 0.5, 0.5), (0.1, 0.1, 0.1)
        wanted = None if strangers is None else float(strangers)
        found = ThresholdChoice(0.1, wanted, 6, 36, 3, 5, few, few, (0.8,) * 3, half)
        monkeypatch.setattr(Recognizer, "choose_threshold", lambda *arguments: found)
        options = [] if strangers is None else ["--strangers", strangers]
        _, _, err = run("evaluate", "omniglot", str(drawings), *options)
        said = "With 5 classes stored, 80 % of images of other classes get a label"
        assert (said in err) == (strangers is None)

    def test_few_classes_are_named(self, run, drawings, tmp_path):
        for name in "ABK":
            shutil.copytree(drawings / name, tmp_path / "some" / name)
        _, _, err = run("evaluate", "omniglot", str(tmp_path / "some"))
        assert "warning: 3 classes are few" in err

    def test_the_model_s_own_threshold_is_measured_as_well(self, run, drawings, tmp_path):
        model = str(tmp_path / "model.keras")
        recognizer = Recognizer.pretrained("omniglot")
        recognizer.threshold = 0.9999
        recognizer.save(model)
        _, out, _ = run("evaluate", model, str(drawings))
        lines = out.splitlines()
        assert lines[0] == "the model's threshold 1.000, on all pairs of these images:"
        assert lines[2] == "  same pairs called different: 100.0 %"
        assert lines[3] == "if it were chosen anew on this folder:"
        own = json.loads(run("evaluate", model, str(drawings), "--json")[1])["own"]
        assert (own["threshold"], own["false_reject"]) == (0.9999, 1.0)
        assert json.loads(run("evaluate", "omniglot", str(drawings), "--json")[1])["own"] is None

    @pytest.mark.parametrize("refused", [0.3, 0.96])
    @pytest.mark.parametrize("before", [0.5, 0.9])
    def test_doubts_of_what_was_chosen_are_said(
        self, run, drawings, tmp_path, monkeypatch, before, refused
    ):
        rates, one_shot = (0.0, 0.0, 0.0), (0.8, 0.8, 0.8)
        found = ThresholdChoice(
            *(0.9, None, 6, 36, 3, 4, rates, (refused,) * 3, rates, one_shot, (before,) * 3)
        )
        monkeypatch.setattr(Recognizer, "choose_threshold", lambda *arguments: found)
        _, out, err = run("train", str(drawings), str(tmp_path / "model.keras"))
        assert ("96 % of pairs of one class are called different" in err) == (refused == 0.96)
        helped = before == 0.5
        said = "as it is, since fitting did not help: 80.0 % after it, 90.0 % before"
        assert (said in out) == (not helped)
        encoder = Recognizer.load(tmp_path / "model.keras").encoder
        assert (models.adaptation.without_adaptation(encoder) is encoder) == (not helped)

    @pytest.mark.parametrize(
        ("passed", "is_told"), [((0.05, 0.0, 0.2), False), ((0.09, 0.0, 0.2), True)]
    )
    def test_strangers_beyond_what_was_asked_are_said(
        self, run, drawings, tmp_path, monkeypatch, passed, is_told
    ):
        few, half = (0.1, 0.1, 0.1), (0.5, 0.5, 0.5)
        found = ThresholdChoice(0.1, 0.05, 6, 36, 3, 5, few, few, passed, half)
        monkeypatch.setattr(Recognizer, "choose_threshold", lambda *arguments: found)
        asked = ("train", str(drawings), str(tmp_path / "m.keras"), "--strangers", "0.05")
        said = "5 % of strangers were asked for, and on classes left out 9.0 % get a label"
        assert (said in run(*asked)[2]) == is_told

    def test_a_model_is_measured_by_the_rule_of_its_threshold(self, run, drawings, tmp_path):
        model = str(tmp_path / "model.keras")
        run("threshold", "omniglot", str(drawings), "--out", model, "--strangers", "0.3")
        assert "chosen for 30 % of strangers accepted" in run("evaluate", model, str(drawings))[1]
        out = run("evaluate", model, str(drawings), "--strangers", "0.2")[1]
        assert "chosen for 20 % of strangers accepted" in out

    def test_an_image_that_is_there_twice_is_said(self, run, drawings, tmp_path):
        shutil.copytree(drawings, tmp_path / "some")
        image = next((tmp_path / "some" / "A").iterdir())
        shutil.copy(image, tmp_path / "some" / "B" / "again.png")
        asked = (str(tmp_path / "some"), str(image))
        for command_line in (("evaluate", "omniglot", asked[0]), ("classify", "omniglot", *asked)):
            err = run(*command_line)[2]
            assert f"the same image is there twice: A/{image.name} and B/again.png." in err

    def test_no_better_than_chance_is_said(self, run, tmp_path):
        rng = np.random.default_rng(1)
        for k in range(4):
            for i in range(4):
                save(tmp_path / "noise" / f"c{k}" / f"{i}.png", rng.integers(0, 256, (20, 20)))
        status, _, err = run("evaluate", "omniglot", str(tmp_path / "noise"))
        assert status == 0
        assert re.search(VERDICT, err)
        assert "photos (photographs)" in err


class TestGallery:
    def test_a_ready_encoder_by_its_name(self, run, drawings, tmp_path):
        gallery = str(tmp_path / "gallery.npz")
        files = {name: sorted((drawings / name).iterdir()) for name in "ABK"}
        for name, paths in files.items():
            status, out, err = run("enroll", "omniglot", gallery, name, str(paths[0]))
            assert (status, err) == (0, "")
        assert out.splitlines() == ["K: 1 stored", f"{gallery}: 3 stored of 3 classes"]
        asked = [str(paths[1]) for paths in files.values()]
        status, out, err = run("classify", "omniglot", gallery, *asked)
        assert [line.split("\t")[1] for line in out.splitlines()] == list("ABK")
        assert err.startswith("warning: omniglot has no threshold, so every image gets a label")
        status, out, err = run("compare", "omniglot", *asked[:2])
        assert status == 0
        assert out.splitlines()[1:] == ["threshold  none", "verdict    none"]
        assert err.startswith("warning: omniglot has no threshold, so there is no verdict.")
        found = json.loads(run("compare", "omniglot", *asked[:2], "--json")[1])
        assert (found["threshold"], found["same"]) == (None, None)
        out = run("compare", "omniglot", asked[0], str(files["A"][0]), "--threshold", "0.3")[1]
        assert out.splitlines()[2] == "verdict    same"

    def test_enrolling_again_adds(self, run, place, tmp_path):
        gallery = str(tmp_path / "gallery.npz")
        run("enroll", "model.keras", gallery, "left", "left.png", "large.jpg")
        out = run("enroll", "model.keras", gallery, "left", "left.png", "large.jpg", "--average")[1]
        assert out.splitlines()[0] == "left: 3 stored"

    @pytest.mark.parametrize("label", ["left", "other"])
    def test_an_image_that_is_stored_already_is_named(self, run, tmp_path, label):
        gallery = str(tmp_path / "gallery.npz")
        run("enroll", "model.keras", gallery, "left", "left.png")
        status, _, err = run("enroll", "model.keras", gallery, label, "up.png", "left.png")
        assert status == 0
        assert err == (
            f"warning: an image of {label} is stored already, as left. Every image of a gallery "
            "should be another one.\n"
        )

    def test_the_model_s_threshold_is_written_and_another_one_is_named(self, run, tmp_path):
        """A model that got a stricter threshold must not go on with the old one in silence."""
        model, gallery = tmp_path / "m.keras", str(tmp_path / "g.npz")
        for threshold in (0.3, 0.99):
            Recognizer(flat_encoder(), threshold).save(model)
            if threshold == 0.3:
                run("enroll", str(model), gallery, "left", "left.png")
        _, out, err = run("classify", str(model), gallery, "up.png")
        assert out.split("\t")[1] == "left"
        assert "g.npz has the threshold 0.300, and the model has 0.990; the gallery's counts" in err
        assert "For the model's, enroll an image, or pass --threshold" in err
        _, _, err = run("enroll", str(model), gallery, "left", "large.jpg")
        assert "g.npz had the threshold 0.300, and gets that of" in err
        assert err.endswith("m.keras, 0.990.\n")
        _, out, err = run("classify", str(model), gallery, "up.png")
        assert (out.split("\t")[1], err) == ("unknown", "")

    def test_a_folder_of_one_class(self, run, place, tmp_path):
        save(tmp_path / "own" / "1.png", LEFT)
        save(tmp_path / "own" / "2.png", np.kron(LEFT, np.ones((2, 2))))
        for name in (".hidden", "Thumbs.db"):
            (tmp_path / "own" / name).write_text("?")
        gallery = str(tmp_path / "gallery.npz")
        asked = ("enroll", "model.keras", gallery, "left", str(tmp_path / "own"), "up.png")
        _, out, err = run(*asked)
        assert out.splitlines()[0] == "left: 3 stored"
        assert "Thumbs.db is left out" in err and "hidden" not in err
        assert run(*asked, "broken.png")[0] == 2
        found = json.loads(run(*asked, "broken.png", "--skip-broken", "--json")[1])
        assert found["stored"] == 6
        names = [Path(name).name for name, _ in found["skipped"]]
        assert names == ["Thumbs.db", "broken.png"]

    def test_broken_queries_are_left_out_if_asked_for(self, run):
        asked = ("classify", "model.keras", "plain.npz", "up.png", "broken.png", "left.png")
        status, out, err = run(*asked)
        assert (status, out) == (2, "")
        status, out, err = run(*asked, "--skip-broken")
        assert [line.split("\t")[:2] for line in out.splitlines()] == [
            ["up.png", "up"],
            ["left.png", "left"],
        ]
        assert err.startswith("warning: broken.png cannot be read") and "left out" in err
        [(name, reason)] = json.loads(run(*asked, "--skip-broken", "--json")[1])["skipped"]
        assert name == "broken.png" and "cannot be read" in reason

    def test_the_mean_of_each_class_of_a_folder(self, run, place, tmp_path):
        """The mean of left and up is at 30 degrees to both, and to a third that lies between."""
        save(tmp_path / "g" / "both" / "1.png", LEFT)
        save(tmp_path / "g" / "both" / "2.png", UP)
        save(tmp_path / "g" / "down" / "1.png", [[0, 0], [200, 200]])
        asked = ["classify", "model.keras", str(tmp_path / "g"), "left.png", "--json"]
        one = json.loads(run(*asked)[1])["results"][0]["score"]
        mean = json.loads(run(*asked, "--average")[1])["results"][0]["score"]
        assert one == pytest.approx(1)
        assert mean == pytest.approx(np.sqrt(3) / 2, abs=1e-4)
        status, _, err = run("classify", "model.keras", "plain.npz", "left.png", "--average")
        assert status == 2
        assert "--average is for a folder" in err


class TestThreshold:
    def test_is_written_into_the_model(self, run, drawings, tmp_path):
        model = tmp_path / "model.keras"
        Recognizer.pretrained("omniglot").save(model)
        status, out, err = run("threshold", str(model), str(drawings), "--folds", "2")
        assert (status, err) == (0, "")
        saved = Recognizer.load(model)
        assert saved.threshold == saved.threshold_choice_.threshold
        assert f"threshold {saved.threshold:.3f} is written; it was none" in out

    def test_a_ready_encoder_is_not_written(self, run, drawings, tmp_path):
        status, _, err = run("threshold", "omniglot", str(drawings))
        assert status == 2
        assert "name a file: --out model.keras" in err
        out = str(tmp_path / "new.keras")
        assert run("threshold", "omniglot", str(drawings), "--out", out, "--folds", "2")[0] == 0
        assert Recognizer.load(out).threshold is not None


def test_long_work_says_how_far_it_is(monkeypatch, tmp_path):
    times = iter([0.0, 1.0, 2.5, 3.0, 9.0, 9.5])
    monkeypatch.setattr(command.time, "monotonic", lambda: next(times))
    with (tmp_path / "said").open("wb") as file:
        progress = command._Progress(file.fileno())
        for done in (41, 82, 123, 164):  # after 1, 2.5, 3 and 9 seconds
            progress("storing", done, 164)
        progress("recognizing", 5, 5)  # too short to speak of
    assert (tmp_path / "said").read_text().splitlines() == [
        "storing: 82 of 164 images",
        "storing: 164 of 164 images",
    ]


def test_the_ready_names_are_known_without_keras():
    assert _command_checks.ready_names() == pretrained_names()


def test_every_command_has_an_example_that_its_parser_takes():
    for name, example in _command_parser.EXAMPLES.items():
        asked = _command_parser.parser().parse_args(example.split()[1:])
        assert asked.command == name
        tasks = _command_classes if name == "classes" else _command_tasks
        assert callable(getattr(tasks, name))


@pytest.mark.slow
def test_what_a_gallery_holds_is_said_without_keras(place):
    """By a backend that is none, any import of Keras would fail."""
    found = subprocess.run(
        [sys.executable, "-m", "siamese_utils", "classes", str(place / "plain.npz")],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "none"},
        check=False,
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.endswith("threshold\tnone\n")
