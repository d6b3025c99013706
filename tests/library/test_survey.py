"""Looking a folder over: which images are in it, and which ready encoder suits them."""

import shutil

import numpy as np
import pytest
from PIL import Image

from siamese_utils.datasets import DataError
from siamese_utils.models.pretrained import pretrained_names
from siamese_utils.recognition import survey_folder


def drawing(rng, paper=255, ink=0, mode="L"):
    """A thick stroke on paper, at a place of its own."""
    image = np.full((48, 64), paper, np.uint8)
    row, column = rng.integers(8, 30, size=2)
    image[row : row + 6, column : column + 20] = ink
    return Image.fromarray(image).convert(mode)


def textured(rng, mode="L"):
    """Grey noise up to the border: a photograph, as far as anybody can tell."""
    return Image.fromarray(rng.integers(0, 255, (40, 40), np.uint8)).convert(mode)


def colored(rng):
    return Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8))


def write(root, make, n_classes=3, n_each=4, seed=0):
    rng = np.random.default_rng(seed)
    for k in range(n_classes):
        (root / f"class {k}").mkdir(parents=True, exist_ok=True)
        for i in range(n_each):
            make(rng).save(root / f"class {k}" / f"{i}.png")
    return root


@pytest.mark.parametrize(
    ("make", "encoder", "reason"),
    [
        (drawing, "omniglot", "drawings on a plain background"),
        (lambda rng: drawing(rng, mode="RGB"), "omniglot", "drawings on a plain background"),
        (lambda rng: drawing(rng, 0, 255), "omniglot", "drawings on a plain background"),
        (lambda rng: drawing(rng, 180, 60), "omniglot", "drawings on a plain background"),
        (textured, "photos", "images have no plain background"),
        (colored, "photos", "images are in colour"),
    ],
)
def test_finds_the_encoder_that_suits(tmp_path, make, encoder, reason):
    survey = survey_folder(write(tmp_path, make))
    assert (survey.encoder, survey.reason) == (encoder, reason)
    assert survey.encoder in pretrained_names()


def test_a_few_in_color_among_drawings_do_not_decide(tmp_path):
    root = write(tmp_path, drawing, n_each=10)
    colored(np.random.default_rng(1)).save(root / "class 0" / "0.png")
    assert survey_folder(root).encoder == "omniglot"


@pytest.mark.parametrize("n_more", [0, 4])
def test_an_image_that_is_there_twice_is_named(tmp_path, n_more):
    write(tmp_path, textured)
    for k in range(n_more + 1):
        shutil.copy(tmp_path / "class 0" / "0.png", tmp_path / "class 1" / f"copy {k}.png")
    with pytest.warns(UserWarning, match="the same image is there twice") as said:
        survey_folder(tmp_path)
    [message] = [str(each.message) for each in said]
    assert message.count("class 0/0.png and class 1/copy") == min(3, n_more + 1)
    assert (", and 2 more." in message) == (n_more == 4)


@pytest.mark.filterwarnings("error::UserWarning")
def test_paths_labels_and_what_is_left_out(tmp_path):
    root = write(tmp_path, drawing, n_classes=2, n_each=2)
    (root / "class 1" / "1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"class 1.1\.png"):
        survey_folder(root)
    survey = survey_folder(root, skip_broken=True)
    assert [path.name for path in survey.paths] == ["0.png", "1.png", "0.png"]
    assert survey.labels == ["class 0", "class 0", "class 1"]
    [(path, why)] = survey.skipped
    assert path.endswith("1.png") and "broken image" in why
    assert str(survey) == (
        "3 images of 2 classes, 1 to 2 of each; 1 files left out\n"
        "drawings on a plain background: encoder 'omniglot'"
    )
