"""The content of the data sets, and what happens when a file is not what it should be."""

import gzip
import io
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese_utils.datasets import (
    DataError,
    att_faces,
    load_att_faces,
    load_mnist,
    load_official_runs,
    load_omniglot,
    mnist,
    omniglot,
    omniglot_tables,
    sources,
)
from siamese_utils.datasets.omniglot_tables import (
    RUN_ALPHABETS,
    SMALL1_ALPHABETS,
    SMALL2_ALPHABETS,
)
from siamese_utils.datasets.sources import Source, locate

SMALL1 = omniglot_tables.SOURCES["small1"]
RUNS = omniglot_tables.SOURCES["runs"]
FACES = att_faces._SOURCE
MNIST_LABELS = Source("mnist/t10k-labels-idx1-ubyte.gz", "", ())


@pytest.fixture(scope="module")
def background():
    return load_omniglot("background")


@pytest.fixture(scope="module")
def evaluation():
    return load_omniglot("evaluation")


@pytest.fixture(scope="module")
def runs():
    return load_official_runs()


@pytest.fixture(scope="module")
def digits():
    return load_mnist()


@pytest.fixture(scope="module")
def faces():
    return load_att_faces()


# --- Omniglot


@pytest.mark.parametrize(
    ("subset", "n_alphabets", "n_characters"),
    [("background", 30, 964), ("evaluation", 20, 659), ("small1", 5, 136), ("small2", 5, 156)],
)
def test_omniglot_has_twenty_drawings_of_each_character(subset, n_alphabets, n_characters):
    data = load_omniglot(subset)
    assert len(data) == 20 * n_characters
    assert data.images.shape == (20 * n_characters, 105, 105, 1)
    assert data.images.dtype == np.uint8
    assert len(data.alphabet_names) == n_alphabets
    assert len(set(data.character_names)) == n_characters
    # One character a row, one drawer a column.
    labels, alphabets, drawers = (
        a.reshape(n_characters, 20) for a in (data.labels, data.alphabets, data.drawers)
    )
    assert (labels == np.arange(n_characters)[:, None]).all()
    assert (drawers == np.arange(1, 21)).all()
    assert (alphabets == alphabets[:, :1]).all()
    for name, alphabet in zip(data.character_names, alphabets[:, 0], strict=True):
        assert name.split("/")[0] == data.alphabet_names[alphabet]


def test_ink_is_one_and_paper_is_zero(background, evaluation):
    for data in (background, evaluation):
        sample = data.images[::50]
        assert set(np.unique(sample)) == {0, 1}
        ink = sample.mean(axis=(1, 2, 3))
        assert ink.min() > 0, "no empty drawing"
        assert ink.max() < 0.3, "a drawing is mostly paper"
        # Thin dark strokes: far less ink at the border than paper.
        assert sample[:, [0, -1]].mean() < 0.02


@pytest.mark.parametrize(
    ("alphabet", "character", "drawer"),
    [("Greek", 5, 3), ("Balinese", 1, 1), ("Latin", 26, 20), ("Korean", 40, 7)],
)
def test_an_image_stands_where_its_file_name_says(background, alphabet, character, drawer):
    with zipfile.ZipFile(locate(SMALL1)) as archive:
        (name,) = (
            name
            for name in archive.namelist()
            if f"/{alphabet}/character{character:02d}/" in name
            and name.endswith(f"_{drawer:02d}.png")
        )
        with Image.open(io.BytesIO(archive.read(name))) as image:
            ink = np.asarray(image.convert("L")) == 0
    label = background.character_names.index(f"{alphabet}/character{character:02d}")
    (index,) = np.flatnonzero((background.labels == label) & (background.drawers == drawer))
    np.testing.assert_array_equal(background.images[index, :, :, 0] == 1, ink)


@pytest.mark.parametrize(
    ("subset", "alphabets"), [("small1", SMALL1_ALPHABETS), ("small2", SMALL2_ALPHABETS)]
)
def test_the_small_sets_are_parts_of_the_background_set(background, subset, alphabets):
    small, part = load_omniglot(subset), background.select(alphabets)
    np.testing.assert_array_equal(small.images, part.images)
    np.testing.assert_array_equal(small.labels, part.labels)
    np.testing.assert_array_equal(small.alphabets, part.alphabets)
    assert small.alphabet_names == part.alphabet_names
    assert small.character_names == part.character_names


def test_a_second_load_decodes_nothing_and_is_a_memory_map(background, monkeypatch):
    monkeypatch.setattr(omniglot, "_decode_images", pytest.fail)
    again = load_omniglot("background")
    assert isinstance(again.images.base, np.memmap)
    np.testing.assert_array_equal(again.images[-1], background.images[-1])


@pytest.mark.slow
def test_a_decoded_copy_with_the_images_of_another_set_is_made_again(
    supplied, originals, background, tmp_path
):
    """Five images under the right name were served with 2,720 labels."""
    shutil.copy(originals[SMALL1.path], supplied(SMALL1))
    load_small1()
    (copy,) = (tmp_path / "cache" / "decoded").iterdir()
    np.save(copy, background.images[:5])
    data = load_small1()
    assert len(data.images) == len(data.labels) == 2720
    np.testing.assert_array_equal(np.load(copy), data.images)


def test_an_unknown_subset_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'training'.*background, evaluation, small1, small2"):
        load_omniglot("training")


def test_select_keeps_alphabets_and_drawers_and_relabels_from_zero(background):
    part = background.select(["Latin", "Greek"], drawers=[2, 19])
    assert part.alphabet_names == ("Greek", "Latin")
    assert len(part) == (24 + 26) * 2
    assert set(part.drawers) == {2, 19}
    assert set(part.labels) == set(range(50))
    assert part.character_names[24] == "Latin/character01"
    original = background.character_names.index("Latin/character01")
    expected = background.images[(background.labels == original) & (background.drawers == 19)]
    np.testing.assert_array_equal(part.images[(part.labels == 24) & (part.drawers == 19)], expected)


def test_select_refuses_what_is_not_there(background):
    with pytest.raises(ValueError, match=r"no alphabet 'Klingon' here; there are .*Greek"):
        background.select(["Greek", "Klingon"])
    with pytest.raises(ValueError, match="no drawer 21 here; there are 1, 2"):
        background.select(drawers=[21])


def test_join_numbers_on_and_select_takes_it_apart_again(background):
    greek, latin = background.select(["Greek"]), background.select(["Latin"])
    both = latin.join(greek)
    assert both.alphabet_names == ("Latin", "Greek")
    assert set(both.labels) == set(range(50))
    again = both.select(["Greek"])
    np.testing.assert_array_equal(again.images, greek.images)
    np.testing.assert_array_equal(again.labels, greek.labels)
    assert again.character_names == greek.character_names
    with pytest.raises(ValueError, match="'Greek' is in both"):
        both.join(greek)


# --- the official runs


def test_the_official_runs_are_400_trials_in_ten_alphabets(runs):
    assert runs.test_images.shape == runs.support_images.shape == (20, 20, 105, 105, 1)
    assert runs.test_images.dtype == runs.support_images.dtype == np.uint8
    assert runs.answers.shape == (20, 20)
    assert (np.sort(runs.answers) == np.arange(20)).all(), "each support image answers once"
    assert runs.alphabets == tuple(name for name in RUN_ALPHABETS for _ in range(2))
    assert 0 < runs.test_images.mean() < 0.3, "ink is 1"


def test_every_image_of_the_runs_is_one_of_the_evaluation_set(runs, evaluation):
    index_of = {image.tobytes(): i for i, image in enumerate(evaluation.images)}
    assert len(index_of) == len(evaluation), "no drawing is there twice"
    test, support = (
        np.array([[index_of[image.tobytes()] for image in run] for run in images])
        for images in (runs.test_images, runs.support_images)
    )  # (20, 20) indices into the evaluation set
    for run, alphabet in enumerate(runs.alphabets):
        used = evaluation.alphabets[np.concatenate([test[run], support[run]])]
        assert {evaluation.alphabet_names[a] for a in used} == {alphabet}
        (test_drawer,) = set(evaluation.drawers[test[run]])
        (support_drawer,) = set(evaluation.drawers[support[run]])
        assert test_drawer != support_drawer
        assert max(test_drawer, support_drawer) <= 8
        np.testing.assert_array_equal(
            evaluation.labels[test[run]], evaluation.labels[support[run][runs.answers[run]]]
        )


# --- MNIST


def test_mnist_has_70000_digits_with_ink_one(digits):
    for (images, labels), n in zip(digits, (60_000, 10_000), strict=True):
        assert images.shape == (n, 28, 28, 1)
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (0, 1)
        assert images[:, [0, -1]].mean() < 0.001, "the border is paper"
        assert labels.shape == (n,)
        assert labels.dtype.kind == "i"


def test_mnist_labels_are_those_of_the_publisher(digits):
    (_, train), (_, test) = digits
    assert train[:5].tolist() == [5, 0, 4, 1, 9]
    assert test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(train).tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]
    assert np.bincount(test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


# --- AT&T faces


def test_att_faces_are_ten_pictures_of_forty_people(faces):
    images, labels = faces
    assert images.shape == (400, 112, 92, 1)
    assert images.dtype == np.float32
    assert 0 <= images.min() < 0.1 < 0.9 < images.max() <= 1
    np.testing.assert_array_equal(labels, np.repeat(np.arange(40), 10))


@pytest.mark.parametrize(("person", "picture"), [(1, 1), (3, 10), (40, 2)])
def test_a_face_stands_where_its_file_name_says(faces, person, picture):
    with zipfile.ZipFile(locate(FACES)) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(f"s{person}/{picture}.pgm"))
        content = archive.read(name)
    pixels = np.frombuffer(content[-112 * 92 :], np.uint8).reshape(112, 92, 1)
    image = faces[0][10 * (person - 1) + picture - 1]
    np.testing.assert_array_equal(np.rint(image * 255).astype(np.uint8), pixels)


# --- files that are not what they should be


@pytest.fixture
def supplied(tmp_path, monkeypatch):
    """A data directory of ours and an empty cache; returns where a source's file goes."""
    monkeypatch.setenv("SIAMESE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(sources, "cache_dir", lambda: tmp_path / "cache")

    def place(source: Source) -> Path:
        path = tmp_path / "data" / source.path
        path.parent.mkdir(parents=True)
        return path

    return place


@pytest.fixture(scope="module")
def originals():
    """The true files, found before a test changes where to look."""
    found = {source.path: locate(source) for source in (SMALL1, RUNS, FACES)}
    found[MNIST_LABELS.path] = locate(
        Source(
            MNIST_LABELS.path,
            f"md5:{mnist._FILES['test_labels'][1]}",
            (mnist._MIRRORS[0] + "t10k-labels-idx1-ubyte.gz",),
        )
    )
    return found


def load_small1():
    return load_omniglot("small1")


def load_mnist_labels():
    return mnist._read("test_labels")


SETS = [
    pytest.param(SMALL1, load_small1, id="omniglot"),
    pytest.param(RUNS, load_official_runs, id="runs"),
    pytest.param(FACES, load_att_faces, id="faces"),
    pytest.param(MNIST_LABELS, load_mnist_labels, id="mnist"),
]


def repacked(original: Path, target: Path, change=lambda name, content: (name, content)):
    """Write the members of a zip again, in another order and without compression."""
    with zipfile.ZipFile(original) as old, zipfile.ZipFile(target, "w") as new:
        for name in sorted(old.namelist(), reverse=True):
            if not name.endswith("/"):
                changed = change(name, old.read(name))
                if changed is not None:
                    new.writestr(*changed)


def one_pixel_off(encoded: bytes) -> bytes:
    with Image.open(io.BytesIO(encoded)) as image:
        pixels = np.array(image)
        pixels[50, 50] ^= 1  # of a boolean image, too
        changed = io.BytesIO()
        Image.fromarray(pixels).save(changed, image.format)
    return changed.getvalue()


@pytest.mark.parametrize(("source", "load"), SETS)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_named_with_a_remedy(supplied, originals, source, load, kept):
    content = originals[source.path].read_bytes()
    path = supplied(source)
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError) as raised:
        load()
    message = str(raised.value)
    assert str(path) in message
    assert "cannot be read" in message
    assert "Expected a complete archive" in message
    assert "Delete the file" in message


@pytest.mark.parametrize(("source", "load"), SETS)
def test_a_file_with_damage_in_the_middle_is_named(supplied, originals, source, load):
    content = bytearray(originals[source.path].read_bytes())
    middle = slice(len(content) // 2, len(content) // 2 + 2000)
    content[middle] = bytes(byte ^ 0xFF for byte in content[middle])
    path = supplied(source)
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read") as raised:
        load()
    assert str(path) in str(raised.value)


def test_an_archive_packed_in_a_way_unknown_to_python_is_named(supplied, originals):
    content = originals[RUNS.path].read_bytes()
    path = supplied(RUNS)
    # The method stands ten bytes into each entry of the directory; 9 is Deflate64.
    entry, deflate64 = b"PK\x01\x02", b"\x09\x00"
    path.write_bytes(
        re.sub(entry + b"(.{6})..", entry + rb"\g<1>" + deflate64, content, flags=re.DOTALL)
    )
    with pytest.raises(DataError, match="compression method is not supported") as raised:
        load_official_runs()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(("source", "load"), SETS)
def test_an_html_page_in_place_of_a_file_is_named(supplied, source, load):
    path = supplied(source)
    path.write_text("<html>Not found</html>")
    with pytest.raises(DataError, match="cannot be read") as raised:
        load()
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("source", "load", "member"),
    [
        pytest.param(SMALL1, load_small1, "0394_01.png", id="omniglot"),
        pytest.param(RUNS, load_official_runs, "run07/test/item03.png", id="runs"),
        pytest.param(FACES, load_att_faces, "s7/3.pgm", id="faces"),
    ],
)
@pytest.mark.slow
def test_one_wrong_pixel_in_a_sound_archive_is_an_error(supplied, originals, source, load, member):
    changes = []

    def change(name, content):
        if name.endswith(member):
            changes.append(name)
            content = one_pixel_off(content)
        return name, content

    path = supplied(source)
    repacked(originals[source.path], path, change)
    assert len(changes) == 1
    expect_wrong_content(load, path)


def test_one_wrong_answer_of_the_runs_is_an_error(supplied, originals):
    def swap(name, content):
        if name == "run20/class_labels.txt":
            content = content.replace(b"item01", b"item00").replace(b"item02", b"item01")
            content = content.replace(b"item00", b"item02")
        return name, content

    path = supplied(RUNS)
    repacked(originals[RUNS.path], path, swap)
    expect_wrong_content(load_official_runs, path)


def test_one_wrong_label_of_mnist_is_an_error(supplied, originals):
    content = bytearray(gzip.decompress(originals[MNIST_LABELS.path].read_bytes()))
    content[-1] ^= 1
    path = supplied(MNIST_LABELS)
    path.write_bytes(gzip.compress(content))
    expect_wrong_content(load_mnist_labels, path)


def expect_wrong_content(load, path):
    with pytest.raises(DataError) as raised:
        load()
    message = str(raised.value)
    assert str(path) in message
    assert "not to the expected pixels" in message
    assert "expected " in message
    assert "replace it with the publisher's" in message


@pytest.mark.parametrize(
    ("source", "load", "member", "named"),
    [
        pytest.param(
            *(SMALL1, load_small1, "0394_07.png", "Greek/character01 by drawer 7"), id="omniglot"
        ),
        pytest.param(
            *(RUNS, load_official_runs, "run07/test/item03.png", "run07/test/item03.png"),
            id="runs",
        ),
        pytest.param(FACES, load_att_faces, "s7/3.pgm", "s7/3.pgm", id="faces"),
    ],
)
def test_a_missing_image_is_named(supplied, originals, source, load, member, named):
    def drop(name, content):
        return None if name.endswith(member) else (name, content)

    path = supplied(source)
    repacked(originals[source.path], path, drop)
    with pytest.raises(DataError, match="cannot be read") as raised:
        load()
    assert str(path) in str(raised.value)
    assert named in str(raised.value)


@pytest.mark.slow
def test_a_repacked_archive_passes(supplied, originals, background, faces):
    repacked(originals[SMALL1.path], supplied(SMALL1))
    np.testing.assert_array_equal(load_small1().images, background.select(SMALL1_ALPHABETS).images)
    repacked(originals[FACES.path], supplied(FACES), lambda n, c: (f"another/folder/{n}", c))
    np.testing.assert_array_equal(load_att_faces()[0], faces[0])


def test_an_unwritable_cache_warns_and_omniglot_still_loads(supplied, originals, tmp_path):
    shutil.copy(originals[SMALL1.path], supplied(SMALL1))
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    with pytest.warns(UserWarning, match="could not be written") as caught:
        data = load_small1()
    assert len(data) == 2720
    assert str(tmp_path / "cache") in str(caught[0].message)


def test_a_good_load_prints_nothing(capfd, recwarn):
    for load in (load_small1, load_official_runs, load_att_faces, load_mnist_labels):
        load()
    assert capfd.readouterr() == ("", "")
    assert list(recwarn) == []
