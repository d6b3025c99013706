"""A warning names the line of whoever called the package, however deep it was found."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese_utils import _warn, evaluation
from siamese_utils._warn import warn
from siamese_utils.datasets import load_image_folder
from siamese_utils.datasets.doubts import N_NAMED, Doubt, warn_of
from siamese_utils.datasets.image_files import load_image, load_images, unreadable
from siamese_utils.recognition import Reading, Recognizer, survey_folder

NO_PAPER = np.random.default_rng(0).random((1, 16, 16, 1)).astype("float32")  # to tell ink from


@pytest.fixture
def files(tmp_path):
    """Two classes, each with noise that is no drawing, and with the same file twice."""
    for k, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(k).integers(0, 255, (16, 16), np.uint8)
        Image.fromarray(noise).save(tmp_path / name / "1.png")
        shutil.copy(tmp_path / name / "1.png", tmp_path / name / "2.png")
    return tmp_path


def recognizer(**settings):
    return Recognizer.pretrained("omniglot").set_params(**settings)


def two_thresholds(files):
    """A gallery and a model that differ in it."""
    model, gallery = files / "model.keras", files / "gallery.npz"
    found = recognizer(threshold=0.2)
    found.enroll("up", square()).save_gallery(gallery)
    found.set_params(threshold=0.4).save(model)
    return model, gallery


def square():
    image = np.zeros((1, 105, 105, 1), "float32")
    image[0, 30:60, 40:80] = 1
    return image


CALLS = {
    "image": lambda files: load_image(files / "a/1.png", 16, channels=1, polarity="ink"),
    "images": lambda files: load_images([files / "a/1.png"], 16, channels=1, polarity="ink"),
    "folder": lambda files: load_image_folder(files, 16, channels=1, polarity="ink"),
    "reading of arrays": lambda files: Reading((16, 16), 1, polarity="ink").prepare(NO_PAPER),
    "survey": survey_folder,
    "folder of a recognizer": lambda files: recognizer().read_folder(files),
    "comparison": lambda files: recognizer(threshold=0.5, reading=Reading((105, 105), 1)).compare(
        square()[0], 1 - square()[0]
    ),
    "load with a gallery": lambda files: Recognizer.load(*two_thresholds(files)),
    "calibration": lambda files: evaluation.calibrate([1.0, 2.0, 3.0, 4.0], [1, 1, 0, 0]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_it_names_the_caller_s_line(call, files):
    with pytest.warns(UserWarning) as said:
        call(files)
    assert {each.filename for each in said if each.category is UserWarning} == {__file__}


def test_of_another_library_in_between(recwarn):
    """What a library calls back is as near as a line outside of the package comes."""
    np.apply_along_axis(lambda row: warn("dark") or 0, 0, np.zeros(1))
    assert [(each.filename, str(each.message)) for each in recwarn] == [(__file__, "dark")]


def test_a_file_beside_the_package_is_no_part_of_it(recwarn):
    """Named siamese_utils_demo.py, for one."""
    code = compile(
        "from siamese_utils._warn import warn\nwarn('dark')",
        f"{_warn.PACKAGE[:-1]}_demo.py",
        "exec",
    )
    exec(code)
    assert recwarn[0].filename == f"{_warn.PACKAGE[:-1]}_demo.py"


@pytest.mark.parametrize(
    ("n", "more"),
    [
        (N_NAMED - 1, None),
        (N_NAMED, None),
        (N_NAMED + 1, "and 1 more"),
        (N_NAMED + 5, "and 5 more"),
    ],
)
def test_a_long_list_names_the_first_and_counts_the_others(n, more):
    names = [f"image_{i}." for i in range(n)]
    with pytest.warns(UserWarning) as caught:
        warn_of([(name, Doubt("is grey", "Expected ink.")) for name in names])
    error = unreadable([(Path(name), "truncated") for name in names], "Copy them again.")
    for message in (str(caught[0].message), str(error)):
        assert [name in message for name in names] == [i < N_NAMED for i in range(n)]
        assert more in message if more else " more" not in message
