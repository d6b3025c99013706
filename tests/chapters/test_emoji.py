"""The example set in color: emoji written as files."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from siamese_utils.chapters import emoji, write_emoji
from siamese_utils.datasets import DataError
from siamese_utils.recognition import survey_folder

DESIGNERS = ["noto.png", "openmoji.png", "twemoji.png"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_emoji(tmp_path_factory.mktemp("mine") / "emoji")


def test_three_designers_drew_each_class(written):
    classes = sorted(written.iterdir())
    assert len(classes) == 141
    for folder in classes:
        assert sorted(path.name for path in folder.iterdir()) == DESIGNERS


def test_images_are_in_color_on_white_and_all_differ(written):
    images = np.stack(
        [np.asarray(Image.open(path).convert("RGB")) for path in sorted(written.rglob("*.png"))]
    )
    assert images.shape == (423, 64, 64, 3)
    border = np.ones((64, 64), bool)
    border[4:-4, 4:-4] = False
    assert (images[:, border] > 250).all(), "a margin of white"
    assert len(np.unique(images.reshape(423, -1), axis=0)) == 423
    spread = np.ptp(images.astype(int), axis=3).max(axis=(1, 2))
    assert (spread > 40).mean() > 0.8, "most are colorful; an ant is not"


def test_the_archive_carries_its_licenses():
    with zipfile.ZipFile(emoji.ARCHIVE) as archive:
        text = archive.read("LICENSES.txt").decode()
    for who, what in (
        ("noto.png", "Apache License 2.0"),
        ("twemoji.png", "CC BY 4.0"),
        ("openmoji.png", "CC BY-SA 4.0"),
    ):
        line = next(line for line in text.splitlines() if who in line)
        assert what in line


def test_called_again_it_leaves_its_files_and_no_others(written, tmp_path):
    assert write_emoji(written) == written
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files than these emoji"):
        write_emoji(tmp_path)


def test_suit_the_encoder_for_photographs(written):
    survey = survey_folder(written)
    assert survey.encoder == "photos"
    assert survey.reason == "images are in colour"
    assert len(survey.paths) == len(survey.labels) == 423
    assert survey.skipped == []
