"""The example set of one's own images: letters written as files."""

import tempfile

import numpy as np
import pytest
from PIL import Image

from siamese_utils.chapters import letters, write_letters
from siamese_utils.datasets import DataError, load_image_folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_letters(tmp_path_factory.mktemp("mine") / "letters")


def ink(path):
    """True where a written image is not white."""
    return np.asarray(Image.open(path)) < 255


def test_the_loader_finds_every_letter_in_every_font(written):
    folder = load_image_folder(written, 64)
    assert folder.class_names == tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert folder.images.shape == (26 * 23, 64, 64, 1)
    assert folder.skipped == ()
    assert [path.relative_to(written).as_posix() for path in folder.paths[:2]] == [
        "A/DejaVuSans-Bold.png",
        "A/DejaVuSans-BoldOblique.png",
    ]


def test_letters_are_black_on_white(written):
    for path in (written / "A").iterdir():
        image = Image.open(path)
        pixels = np.asarray(image)
        assert image.mode == "L"
        assert pixels[0, 0] == 255
        assert pixels.min() < 60
        assert 0.01 < (pixels < 128).mean() < 0.4


@pytest.mark.parametrize("size", [16, 33, 64, 105])
def test_letters_stand_in_the_middle_and_nothing_is_cut_off(tmp_path, size):
    for path in write_letters(tmp_path / "letters", size=size).glob("*/*.png"):
        for axis in (0, 1):
            where = np.flatnonzero(ink(path).any(axis=axis))
            before, after = where[0], size - 1 - where[-1]
            assert min(before, after) >= 1, path
            assert abs(before - after) <= 1, path


def test_all_fonts_have_one_scale(written):
    """The H has half of the image's height, and an E of the same font is as high."""
    for path in (written / "H").iterdir():
        height = ink(path).any(axis=1).sum()
        other = ink(written / "E" / path.name).any(axis=1).sum()
        assert height == pytest.approx(32, abs=2), path
        assert other == pytest.approx(height, abs=4), path


def test_a_font_draws_26_different_letters(written):
    """A font without letters would draw the same frame, or nothing, for all of them."""
    for font in letters.FONTS:
        images = {(written / letter / f"{font}.png").read_bytes() for letter in "ABCDEFGHIJKLMN"}
        assert len(images) == 14, font


def test_two_fonts_draw_a_letter_in_two_ways(written):
    assert len({path.read_bytes() for path in (written / "A").iterdir()}) == 23


def test_letters_and_size_can_be_chosen(tmp_path):
    root = write_letters(tmp_path / "deep" / "letters", "QA", size=20)
    assert load_image_folder(root, 20).images.shape == (46, 20, 20, 1)
    assert sorted(path.name for path in root.iterdir()) == ["A", "Q"]


def test_the_folder_may_lie_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert write_letters("~/letters", "A") == tmp_path / "letters"
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


def test_a_second_call_changes_nothing(tmp_path):
    root = write_letters(tmp_path / "letters", "AB")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert write_letters(root, "AB") == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "letters").mkdir()
    assert len(list(write_letters(tmp_path / "letters", "AB").iterdir())) == 2


def test_a_folder_with_anything_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds other files.*another path, or remove"):
        write_letters(tmp_path, "AB")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_changed_letter_is_noticed_and_kept(tmp_path):
    root = write_letters(tmp_path / "letters", "AB")
    (root / "A" / "cmr10.png").write_bytes(b"mine")
    with pytest.raises(DataError, match="holds other files"):
        write_letters(root, "AB")
    assert (root / "A" / "cmr10.png").read_bytes() == b"mine"


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "letters").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        write_letters(tmp_path / "letters", "AB")
    assert (tmp_path / "letters").read_text() == "mine"


def test_nothing_is_left_where_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(letters, "FONTS", ("cmr10", "no such font"))
    with pytest.raises(OSError):
        write_letters(tmp_path / "letters", "AB")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_prepared_beside_its_place(tmp_path, monkeypatch):
    """From the usual temporary folder, on another disk, it could not be renamed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert write_letters(tmp_path / "letters", "AB").is_dir()


@pytest.mark.parametrize("wrong", ["", "ab", "AA", "A1", "Ä"])
def test_other_letters_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="capitals from A to Z, each once"):
        write_letters(tmp_path / "letters", wrong)


def test_a_tiny_size_is_refused(tmp_path):
    with pytest.raises(ValueError, match="size is 15; expected at least 16"):
        write_letters(tmp_path / "letters", size=15)
