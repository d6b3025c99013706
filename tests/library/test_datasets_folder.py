"""Images of one's own: a folder with one subfolder a class."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from siamese_utils.datasets import DataError, ImageFolder, load_image_folder
from siamese_utils.datasets.image_files import load_image, load_images


def small(size=(8, 8), mode="L", colour=100):
    """An image of one level, but for one pixel: one colour alone is nothing to look at."""
    image = Image.new(mode, size, colour)
    image.putpixel((1, 1), 255 if mode == "L" else (255, 255, 255))
    return image


def save(path, image=None, **options):
    """Save an image, by default a small grey one, and make the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or small()).save(path, **options)
    return path


@pytest.fixture
def root(tmp_path):
    """Two classes of two grey images of 8 x 8."""
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        save(tmp_path / "mine" / name)
    return tmp_path / "mine"


def drawing(width, height, mode="L"):
    """A black disc of diameter 60 in the middle of white paper."""
    image = Image.new(mode, (width, height), "white")
    middle = np.array([width, height]) / 2
    ImageDraw.Draw(image).ellipse([*(middle - 30), *(middle + 29)], fill="black")
    return image


def extent(array):
    """Height and width in pixels of what is dark in a grey array (h, w, 1)."""
    dark = array[..., 0] < 0.5
    return int(dark.any(axis=1).sum()), int(dark.any(axis=0).sum())


# --- one image


@pytest.mark.parametrize(("width", "height"), [(200, 100), (100, 200), (64, 64), (333, 77)])
def test_padding_keeps_a_disc_round_and_all_of_it(tmp_path, width, height):
    path = save(tmp_path / "disc.png", drawing(width, height))
    array = load_image(path, 50)
    assert array.shape == (50, 50, 1)
    assert array.dtype == np.float32
    diameter = 60 * 50 / max(width, height)
    assert extent(array) == pytest.approx((diameter, diameter), abs=1)


def test_cropping_keeps_a_disc_round_and_in_the_middle(tmp_path):
    array = load_image(save(tmp_path / "disc.png", drawing(200, 100)), 50, fit="crop")
    assert extent(array) == pytest.approx((30, 30), abs=1)
    assert array[25, 25] == 0


def test_stretching_does_what_it_says(tmp_path):
    array = load_image(save(tmp_path / "disc.png", drawing(200, 100)), 50, fit="stretch")
    assert extent(array) == pytest.approx((30, 15), abs=1)


def test_a_size_is_height_and_width(tmp_path):
    path = save(tmp_path / "disc.png", drawing(200, 100))
    assert load_image(path, (30, 40)).shape == (30, 40, 1)


@pytest.mark.parametrize("colour", ["white", "black", (200, 30, 90)])
def test_the_padding_has_the_colour_of_the_border(tmp_path, colour):
    image = Image.new("RGB", (100, 40), colour)
    ImageDraw.Draw(image).rectangle([30, 10, 70, 30], fill=(0, 255, 0))
    array = load_image(save(tmp_path / "a.png", image), 20)
    expected = np.array(image.getpixel((0, 0))) / 255
    np.testing.assert_allclose(array[0], np.tile(expected, (20, 1)), atol=1e-6)
    np.testing.assert_allclose(array[-1], np.tile(expected, (20, 1)), atol=1e-6)


def test_an_image_of_extreme_aspect_keeps_a_line(tmp_path):
    image = small((1000, 3), colour=0)
    array = load_image(save(tmp_path / "a.png", image), 16)
    assert array.shape == (16, 16, 1)
    assert array.max() < 0.1


def test_an_image_of_the_right_size_is_left_as_it_is(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (9, 13), np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(levels))
    for fit in ("pad", "crop", "stretch"):
        array = load_image(path, (9, 13), fit=fit)
        np.testing.assert_allclose(array[..., 0] * 255, levels, atol=1e-4)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_16_bit_grey_keeps_its_levels(tmp_path, suffix, channels):
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(levels))
    array = load_image(path, 8, channels=channels)
    assert array.shape == (8, 8, channels or 1)
    expected = np.broadcast_to(levels[..., None] / 65535, array.shape)
    np.testing.assert_allclose(array, expected, atol=1e-6)


def test_16_bit_grey_stays_within_0_and_1_when_enlarged(tmp_path):
    levels = np.where(np.arange(16) < 8, 0, 65535).astype(np.uint16)
    path = save(tmp_path / "a.png", Image.fromarray(np.tile(levels, (16, 1))))
    array = load_image(path, 50)
    assert (array.min(), array.max()) == (0, 1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_the_orientation_of_the_camera_is_applied(tmp_path, suffix):
    lying = Image.new("L", (60, 30), 255)
    ImageDraw.Draw(lying).rectangle([0, 0, 29, 29], fill=0)  # left half dark
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    path = save(tmp_path / f"a.{suffix}", lying, exif=exif)
    array = load_image(path, (60, 30))
    assert array[:28].mean() < 0.02, "the left half is up"
    assert array[32:].mean() > 0.98


@pytest.mark.parametrize(
    ("mode", "ink", "clear"),
    [("RGBA", (255, 0, 0, 255), (0, 0, 0, 0)), ("LA", (90, 255), (0, 0))],
)
def test_transparency_becomes_white(tmp_path, mode, ink, clear):
    image = Image.new(mode, (8, 8), clear)
    image.putpixel((3, 2), ink)
    array = load_image(save(tmp_path / "a.png", image), 8)
    np.testing.assert_allclose(array[2, 3], np.array(ink[:-1]) / 255, atol=1e-6)
    array[2, 3] = 1
    assert (array == 1).all()


def test_a_half_transparent_pixel_is_mixed_with_white(tmp_path):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 51))
    np.testing.assert_allclose(load_image(save(tmp_path / "a.png", image), 8), 0.8, atol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "gif"])
@pytest.mark.parametrize(("colour", "channels"), [((90, 90, 90), 1), ((90, 0, 0), 3)])
def test_a_palette_is_grey_if_its_colours_are(tmp_path, suffix, colour, channels):
    image = Image.new("RGB", (8, 8), colour).quantize()
    array = load_image(save(tmp_path / f"a.{suffix}", image), 8)
    assert array.shape == (8, 8, channels)
    np.testing.assert_allclose(array, np.broadcast_to(colour[:channels], array.shape) / 255.0)


def test_a_transparent_palette_colour_becomes_white(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.putpixel((1, 1), 1)
    array = load_image(save(tmp_path / "a.gif", image, transparency=0), 8)
    np.testing.assert_allclose(array[1, 1], [200 / 255, 0, 0], atol=1e-6)
    assert (array[0] == 1).all()


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("RGB", 3), ("CMYK", 3), ("YCbCr", 3)]
)
def test_the_file_decides_between_grey_and_colour_unless_told(tmp_path, mode, channels):
    path = save(tmp_path / "a.tif", drawing(64, 64, "RGB").convert(mode))
    assert load_image(path, 64).shape == (64, 64, channels)
    assert load_image(path, 64, channels=1).shape == (64, 64, 1)
    rgb = load_image(path, 64, channels=3)
    assert rgb.shape == (64, 64, 3)
    assert rgb[0, 0] == pytest.approx([1, 1, 1], abs=0.01)
    assert rgb[32, 32] == pytest.approx([0, 0, 0], abs=0.01)


def test_every_grey_level_survives(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    array = load_image(save(tmp_path / "a.png", Image.fromarray(levels)), 16)
    np.testing.assert_array_equal(np.rint(array[..., 0] * 255), levels)


def make_broken(path, how):
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "text":
        path.write_text("not an image")
    elif how == "empty":
        path.touch()
    elif how == "no such file":
        path.symlink_to(path.parent / "gone.png")
    else:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
        save(path, Image.fromarray(noise))
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    return path


BROKEN = ["text", "empty", "truncated", "no such file"]


@pytest.mark.parametrize("suffix", ["png", "jpg", "pgm", "bmp", "tif"])
@pytest.mark.parametrize("how", ["text", "truncated"])
def test_a_broken_image_is_named_with_a_remedy(tmp_path, suffix, how):
    path = make_broken(tmp_path / f"broken.{suffix}", how)
    with pytest.raises(DataError) as raised:
        load_image(path, 8)
    message = str(raised.value)
    assert f"{path} cannot be read" in message
    assert "Expected complete image files" in message
    assert "Repair or replace" in message


@pytest.mark.parametrize("n_broken", [3, 12])
def test_broken_images_are_named_together(root, n_broken):
    """Ten of them at most, so that nobody repairs one after the other."""
    for k in range(n_broken):
        make_broken(root / "cat" / f"broken{k:02}.png", "truncated")
    message = expect_error("Repair or remove them, or pass skip_broken=True", root, 8)
    assert message.count("cannot be read") == min(n_broken, 10)
    assert ("and 2 more" in message) == (n_broken == 12)
    with pytest.raises(DataError) as raised:
        load_images(sorted((root / "cat").glob("broken*")), 8)
    assert str(raised.value).count("cannot be read") == min(n_broken, 10)


def test_a_class_without_a_readable_image_is_skipped_if_asked_for(root):
    (root / "emu").mkdir()
    make_broken(root / "emu" / "1.png", "text")
    (root / "cow").mkdir()
    folder = load_image_folder(root, 8, skip_broken=True)
    assert folder.class_names == ("cat", "dog")
    assert set(folder.labels.tolist()) == {0, 1}
    assert {path.name: why for path, why in folder.skipped if path.is_dir()} == {
        "cow": "no readable image",
        "emu": "no readable image",
    }
    for path in (root / "dog").iterdir():
        make_broken(path, "text")
    expect_error(r"cow has 0 readable image\(s\); .*dog has 0", root, 8, skip_broken=True)


BAD_ARGUMENTS = [
    *[
        ({"size": size}, "size is .*; expected a positive int or")
        for size in (0, (8, -1), (8, 8, 1), (), 8.0, "8", True, None, (8, 8.5), np.array([]))
    ],
    *[
        ({"channels": channels}, "channels is .*; expected")
        for channels in (4, 2, 0, True, 3.0, "3", "grey")
    ],
    *[({"fit": fit}, "fit is .*; expected one of pad, crop, stretch") for fit in ("squash", None)],
    *[
        ({"polarity": polarity}, "polarity is .*; expected one of as is, ink")
        for polarity in ("INK", True, None)
    ],
]
BAD_FOLDER_ARGUMENTS = [
    *[
        ({"min_images": n}, "min_images is .*; expected a whole number of at least 1")
        for n in (0, -1, 2.0, "2", True, None)
    ],
    *[
        ({"skip_broken": flag}, f"skip_broken is {flag!r}; expected True or False")
        for flag in ("false", "True", 0, 1, None)
    ],
]


@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS)
def test_load_image_refuses_bad_arguments(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_image(root / "cat/1.png", **{"size": 8, **arguments})


@pytest.mark.parametrize("load", [load_image, load_image_folder])
@pytest.mark.parametrize("path", [None, 5, b"letters", ["letters"]])
def test_what_is_no_path_is_refused(load, path):
    with pytest.raises(ValueError, match=r"(path|root) is .*; expected a str or Path"):
        load(path, 8)


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8, np.intp])
def test_sizes_and_numbers_of_any_integer_type(root, integer):
    path = root / "cat/1.png"
    assert load_image(path, integer(32)).shape == (32, 32, 1)
    for size in ((integer(6), integer(4)), np.array([6, 4], integer), [6, integer(4)]):
        assert load_image(path, size, channels=integer(3)).shape == (6, 4, 3)
    options = {"channels": integer(1), "min_images": integer(2), "skip_broken": np.bool_(False)}
    assert load_image_folder(root, integer(32), **options).images.shape == (4, 32, 32, 1)


def test_a_tilde_is_the_home_folder(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    monkeypatch.setenv("USERPROFILE", str(root.parent))
    for home in ("~/mine", Path("~/mine")):
        folder = load_image_folder(home, 8)
        assert folder.paths[0] == root / "cat/1.png"
        np.testing.assert_array_equal(load_image(Path(home) / "cat/1.png", 8), folder.images[0])


# --- a folder of classes


def test_a_subfolder_is_a_class_and_names_are_sorted(tmp_path):
    for name in ("b/2.png", "b/1.png", "a/9.JPG", "a/10.png", "a/1.tiff"):
        save(tmp_path / name)
    data = load_image_folder(tmp_path, (6, 4))
    assert data.images.shape == (5, 6, 4, 1)
    assert data.images.dtype == np.float32
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.class_names == ("a", "b")
    names = ["a/1.tiff", "a/10.png", "a/9.JPG", "b/1.png", "b/2.png"]
    assert data.paths == tuple(tmp_path / name for name in names)
    assert data.skipped == ()


@pytest.mark.parametrize(
    "arguments", [{}, {"channels": 3}, {"fit": "crop"}, {"fit": "stretch", "channels": 1}]
)
def test_each_image_is_what_load_image_returns(tmp_path, arguments):
    for i, name in enumerate(("a/1.png", "a/2.png", "b/1.png", "b/2.png")):
        save(tmp_path / name, drawing(70 + 40 * i, 90, "RGB"))
    data = load_image_folder(str(tmp_path), 32, **arguments)
    for path, image in zip(data.paths, data.images, strict=True):
        np.testing.assert_array_equal(image, load_image(path, 32, **arguments))


def test_what_is_no_image_is_skipped_and_reported(root):
    save(root / "loose.png")
    save(root / "cat/inner/3.png")
    save(root / "cat/.hidden.png")
    save(root / ".cache/1.png")
    (root / "dog/notes.txt").touch()
    (root / ".DS_Store").touch()
    data = load_image_folder(root, 8)
    assert data.class_names == ("cat", "dog")
    assert len(data.images) == 4
    reasons = {
        ".DS_Store": "hidden",
        ".cache": "hidden",
        "loose.png": "not in a class folder",
        "cat/.hidden.png": "hidden",
        "cat/inner": "folder inside a class",
        "dog/notes.txt": "not the ending of an image",
    }
    assert {str(p.relative_to(root).as_posix()): r for p, r in data.skipped} == reasons
    report = data.report()
    assert "Skipped: 6" in report
    for name, reason in reasons.items():
        assert f"{root / name}: {reason}" in report


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_image_stops_unless_it_is_to_be_skipped(root, how):
    path = make_broken(root / "cat/3.png", how)
    with pytest.raises(DataError) as raised:
        load_image_folder(root, 8)
    assert str(path) in str(raised.value)
    assert "skip_broken=True" in str(raised.value)
    data = load_image_folder(root, 8, skip_broken=True)
    assert len(data.images) == 4
    ((skipped, reason),) = data.skipped
    assert skipped == path
    assert reason.startswith("broken image (")
    assert f"{path}: broken image (" in data.report()


def test_grey_and_colour_together_need_a_decision(root):
    colour = save(root / "dog/3.png", small((8, 8), "RGB", "red"))
    with pytest.raises(DataError) as raised:
        load_image_folder(root, 8)
    message = str(raised.value)
    assert f"{root / 'cat/1.png'} is grey" in message
    assert f"{colour} is in colour" in message
    assert "channels=1" in message
    assert "channels=3" in message
    assert load_image_folder(root, 8, channels=1).images.shape == (5, 8, 8, 1)
    assert load_image_folder(root, 8, channels=3).images.shape == (5, 8, 8, 3)


def expect_error(match, *args, **options):
    with pytest.raises(DataError, match=match) as raised:
        load_image_folder(*args, **options)
    return str(raised.value)


def test_no_such_folder(tmp_path):
    message = expect_error("is not a folder", tmp_path / "nowhere", 8)
    assert str(tmp_path / "nowhere") in message
    assert "one subfolder for each class" in message


def test_a_file_for_a_folder(root):
    expect_error("1.png is not a folder", root / "cat/1.png", 8)


def test_an_empty_folder(tmp_path):
    message = expect_error("has 0 class folder", tmp_path, 8)
    assert str(tmp_path / "cat" / "1.png") in message, "an example of what is expected"


def test_one_class_alone(tmp_path):
    save(tmp_path / "cat/1.png")
    save(tmp_path / "cat/2.png")
    expect_error(r"has 1 class folder\(s\), expected at least 2", tmp_path, 8)


def test_every_class_with_too_few_images_is_named_with_all_remedies(root):
    save(root / "emu/1.png")
    save(root / "fox/1.png")
    message = expect_error(r"has 1 readable image\(s\)", root, 8)
    assert str(root / "emu") in message and str(root / "fox") in message
    assert str(root / "cat") not in message
    assert "at least 2 in each class" in message
    for remedy in ("Add images", f"take the folder out of {root}", "a dot", "lower min_images"):
        assert remedy in message
    assert len(load_image_folder(root, 8, min_images=1).images) == 6
    expect_error("cat has 2 readable.*at least 3 in each", root, 8, min_images=3)
    (root / "emu").rename(root / ".emu")
    (root / "fox").rename(root / ".fox")
    assert load_image_folder(root, 8).class_names == ("cat", "dog")


def test_a_class_of_files_without_a_decoder_says_what_to_do(root):
    (root / "emu").mkdir()
    (root / "emu/1.heic").touch()
    message = expect_error(r"has 0 readable image\(s\), 1 skipped \(1.heic: no decoder", root, 8)
    assert "convert it to PNG or install pillow-heif" in message


def test_broken_images_do_not_count(root):
    make_broken(root / "emu/1.png", "text")
    save(root / "emu/2.png")
    expect_error(
        r"emu has 1 readable image\(s\), 1 skipped \(1.png: broken", root, 8, skip_broken=True
    )


@pytest.mark.parametrize(("arguments", "message"), [*BAD_ARGUMENTS, *BAD_FOLDER_ARGUMENTS])
def test_load_image_folder_refuses_bad_arguments(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        load_image_folder(root, **{"size": 8, **arguments})


MACHINE_MADE = ["__MACOSX", "__pycache__", ".git", ".ipynb_checkpoints", "@eaDir", "$RECYCLE.BIN"]


@pytest.mark.parametrize("name", MACHINE_MADE)
@pytest.mark.parametrize("inside", [None, "1.png", "notes.txt"])
@pytest.mark.parametrize("where", [".", "cat"])
def test_folders_that_no_user_made_are_skipped_and_named(root, name, inside, where):
    """An empty one was a class without images, and stopped the loader."""
    path = root / where / name
    path.mkdir()
    if inside:
        (path / inside).touch()
    folder = load_image_folder(root, 8)
    assert folder.class_names == ("cat", "dog") and len(folder.images) == 4
    ((skipped, reason),) = folder.skipped
    assert skipped == path
    assert reason in ("hidden", "made by the system, not a class")
    assert str(path) in folder.report()


def test_where_all_is_skipped_the_reasons_are_given(tmp_path):
    (tmp_path / "__MACOSX").mkdir()
    save(tmp_path / "1.png")
    message = expect_error("has 0 class folder", tmp_path, 8)
    assert "__MACOSX: made by the system" in message and "1.png: not in a class folder" in message


# --- the report


def report(tmp_path, fit) -> str:
    sizes = {"cat": [(32, 32), (64, 64), (48, 32)], "dog": [(32, 32), (32, 64)]}
    for name, of_class in sizes.items():
        for i, size in enumerate(of_class):
            save(tmp_path / name / f"{i}.png", small(size))
    return load_image_folder(tmp_path, 32, fit=fit).report()


@pytest.mark.parametrize(
    ("fit", "done"),
    [
        ("pad", "resized, aspect kept, and padded with the colour of their border"),
        ("crop", "resized, aspect kept, and cropped: up to 50% of it is lost"),
        ("stretch", "stretched: distorted by a factor of up to 2.00"),
    ],
)
def test_the_report_says_what_was_found_and_how_it_was_resized(tmp_path, fit, done):
    assert report(tmp_path, fit).splitlines() == [
        "5 images of 2 classes:",
        "  cat: 3",
        "  dog: 2",
        "Now 32 x 32 x 1 (height x width x channels):",
        "  2 had this height and width already",
        "  1 resized, aspect kept",
        f"  2 of another aspect {done}",
        "Skipped: 0",
    ]


def test_the_report_counts_the_size_of_the_upright_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"):
        save(tmp_path / name, small((60, 30)), exif=exif)
    data = load_image_folder(tmp_path, (60, 30))
    assert isinstance(data, ImageFolder)
    assert set(data.original_sizes) == {(60, 30)}
    assert "4 had this height and width already" in data.report()
    assert "another aspect" not in data.report()
