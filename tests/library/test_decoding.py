"""One image file of any mode: its levels, its transparency, and what is said about it."""

import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from siamese_utils.datasets import DataError, load_image_folder
from siamese_utils.datasets.image_files import load_image, load_images

SIZE = 16


def page(mode="L"):
    """A black bar on white paper, off the middle, with one grey pixel."""
    image = Image.new("RGB", (SIZE, SIZE), "white")
    ImageDraw.Draw(image).rectangle([4, 3, 8, 11], fill="black")
    image.putpixel((1, 1), (102, 102, 102))  # a grey that Pillow's palette has
    if mode.startswith("I;16"):
        levels = np.asarray(image.convert("L"), np.uint16) * 257
        return Image.frombytes(mode, image.size, levels.astype(TYPES[mode]).tobytes())
    if mode == "I":
        return Image.fromarray(np.asarray(image.convert("L"), np.int32) * 257)
    if mode == "LAB":
        profiles = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
        return ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    if mode == "PA":
        return image.convert("P").convert("PA")
    return image.convert(mode)


TYPES = {"I;16": "<u2", "I;16B": ">u2", "I;16L": "<u2"}
EXPECTED = np.asarray(page("L")) / 255

# What Pillow can store in which file, and its number of channels; HSV it cannot store.
STORED = [
    *[("1", suffix, 1) for suffix in ("png", "tif", "gif", "bmp", "pbm")],
    *[("L", suffix, 1) for suffix in ("png", "tif", "gif", "bmp", "pgm", "tga", "jp2")],
    *[("LA", suffix, 1) for suffix in ("png", "tif", "tga")],
    *[("P", suffix, 1) for suffix in ("png", "tif", "gif", "bmp")],
    ("PA", "tif", 1),
    *[("RGB", suffix, 3) for suffix in ("png", "tif", "bmp", "ppm", "webp", "qoi", "jp2")],
    *[("RGBA", suffix, 3) for suffix in ("png", "tif", "webp", "tga")],
    *[("I;16", suffix, 1) for suffix in ("png", "tif", "pgm", "jp2")],
    *[("I;16B", suffix, 1) for suffix in ("png", "tif")],
    *[("I;16L", suffix, 1) for suffix in ("tif",)],
    *[("I", suffix, 1) for suffix in ("tif", "pgm")],
    *[("CMYK", suffix, 3) for suffix in ("tif", "jpg")],
    *[("YCbCr", suffix, 3) for suffix in ("tif", "jpg")],
    ("LAB", "tif", 3),
]


def save(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.mark.parametrize(("mode", "suffix", "channels"), STORED)
def test_every_mode_gives_the_same_page(tmp_path, mode, suffix, channels):
    exact = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}
    path = save(tmp_path / f"page.{suffix}", page(mode), **exact.get(suffix, {}))
    tolerance = 0.012
    if mode == "1":  # the grey pixel is dithered
        tolerance = 1
    with warnings.catch_warnings(action="error"):
        array = load_image(path, SIZE)
        grey = load_image(path, SIZE, channels=1)
    assert array.shape == (SIZE, SIZE, channels)
    for found in (*np.moveaxis(array, -1, 0), grey[..., 0]):
        np.testing.assert_allclose(found, EXPECTED, atol=tolerance)
        assert np.corrcoef(found.ravel(), EXPECTED.ravel())[0, 1] > 0.95


# --- transparency


def drawing(mode, ink):
    """A bar of one colour on a clear ground, in one of the ways to store that."""
    bar = np.zeros((SIZE, SIZE), np.uint8)
    bar[3:12, 4:9] = 255
    clear = 100 if ink != 100 else 50  # the level that a file without alpha has for clear
    level = np.where(bar, ink, clear)
    alpha = Image.fromarray(bar)
    if mode in ("RGBA", "LA"):
        image = Image.new(mode[:-1], (SIZE, SIZE), (ink,) * 3 if mode == "RGBA" else ink)
        image.putalpha(alpha)
        return image, {}
    if mode == "PA":
        image = Image.new("P", (SIZE, SIZE), 1)
        image.putpalette([clear] * 3 + [ink] * 3)
        image = image.convert("PA")
        image.putalpha(alpha)
        return image, {}
    if mode == "I;16":
        return Image.fromarray((level * 257).astype(np.uint16)), {"transparency": clear * 257}
    grey = Image.fromarray(level.astype(np.uint8))
    if mode == "RGB":
        return grey.convert("RGB"), {"transparency": (clear,) * 3}
    if mode == "P":
        image = Image.fromarray((bar // 255).astype(np.uint8)).convert("P")
        image.putpalette([clear] * 3 + [ink] * 3)
        return image, {"transparency": 0}
    return grey, {"transparency": clear}


TRANSPARENT = [
    *[(mode, "png") for mode in ("RGBA", "LA", "P", "L", "RGB", "I;16")],
    *[(mode, "tif") for mode in ("RGBA", "LA", "PA")],
    ("P", "gif"),
    ("RGBA", "webp"),
]


@pytest.mark.parametrize(("mode", "suffix"), TRANSPARENT)
@pytest.mark.parametrize("ink", [0, 60, 127, 180, 255])
def test_a_drawing_on_transparency_stands_out_whatever_its_colour(tmp_path, mode, suffix, ink):
    """In white it was a blank page, and two letters so drawn were "1.0000 same"."""
    image, options = drawing(mode, ink)
    if suffix == "webp":
        options["lossless"] = True
    path = save(tmp_path / f"drawing.{suffix}", image, **options)
    with warnings.catch_warnings(action="error"):
        array = load_image(path, SIZE, channels=1)[..., 0]
    ground = 0 if ink > 127 else 1
    assert array[0, 0] == array[-1, -1] == ground
    assert array[5, 5] == pytest.approx(ink / 255, abs=0.01)
    assert abs(array[5, 5] - ground) > 0.49


def test_the_edges_of_a_white_drawing_are_mixed_with_its_black_ground(tmp_path):
    image = Image.new("LA", (SIZE, SIZE), (255, 0))
    image.putpixel((3, 3), (255, 255))
    image.putpixel((4, 3), (255, 51))
    array = load_image(save(tmp_path / "a.png", image), SIZE)[..., 0]
    np.testing.assert_allclose(array[3, 2:6], [0, 1, 0.2, 0], atol=1e-6)


def test_paper_with_clear_corners_stays_white_all_over(tmp_path):
    """Of a page that shows its own paper, most is light, and yet the ground is not black."""
    image = page("RGBA")
    image.putpixel((0, 0), (255, 255, 255, 0))
    array = load_image(save(tmp_path / "a.png", image), SIZE, channels=1)
    np.testing.assert_allclose(array[..., 0], EXPECTED, atol=1e-6)


# --- one colour


BLANK = [
    ("L", 255), ("L", 0), ("L", 100), ("RGB", (200, 30, 90)), ("RGBA", (0, 0, 0, 0)),
    ("LA", (255, 255)), ("1", 1), ("I;16", 30000), ("I", 40000), ("P", 3),
]  # fmt: skip


def test_a_folder_in_an_image_s_place_is_told_from_a_wrong_ending(tmp_path):
    with pytest.raises(DataError, match="is a folder; expected an image file") as refused:
        load_images([tmp_path], SIZE)
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize(("mode", "colour"), BLANK)
@pytest.mark.parametrize("polarity", ["as is", "ink"])
def test_an_image_of_one_colour_is_reported(tmp_path, mode, colour, polarity):
    paths = [
        save(tmp_path / name, image)
        for name, image in [
            ("a/1.tif", page()),
            ("a/2.tif", Image.new(mode, (SIZE, SIZE), colour)),
            ("b/1.tif", page()),
        ]
    ]
    options = {"channels": 1, "polarity": polarity}
    with pytest.warns(UserWarning, match="is of one colour") as caught:
        load_image(paths[1], SIZE, **options)
    (warning,) = caught
    assert str(paths[1]) in str(warning.message)
    assert "remove or replace it" in str(warning.message)
    assert warning.filename == __file__, "the warning points at the caller"
    with pytest.warns(UserWarning, match="is of one colour") as caught:
        load_images(paths, SIZE, **options)
    assert len(caught) == 1
    assert str(paths[0]) not in str(caught[0].message)
    with pytest.warns(UserWarning, match="is of one colour") as caught:
        folder = load_image_folder(tmp_path, SIZE, min_images=1, **options)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "To be looked at: 1" in folder.report()
    assert f"  {paths[1]} is of one colour" in folder.report()


# --- levels that use a small part of their range


def levels(highest, dtype):
    return Image.fromarray((np.asarray(page("L")) / 255 * highest).astype(dtype))


SMALL = [
    ("png", np.uint16, 4095, 65535, "12 bits in a 16-bit PNG"),
    ("png", np.uint16, 255, 65535, "8 bits in a 16-bit PNG"),
    ("png", np.uint16, 1, 65535, "one bit in a 16-bit PNG"),
    ("png", np.uint16, 16383, 65535, "14 bits in a 16-bit PNG"),
    ("tif", np.uint16, 1023, 65535, "10 bits in a 16-bit TIFF"),
    ("tif", np.int32, 255, 65535, "8 bits in a 32-bit TIFF"),
    ("tif", np.int32, 1, 65535, "one bit in a 32-bit TIFF"),
    ("png", np.uint8, 1, 255, "one bit in 8"),
    ("bmp", np.uint8, 15, 255, "4 bits in 8"),
]


@pytest.mark.parametrize(
    ("suffix", "dtype", "highest", "capacity", "what"), SMALL, ids=[case[-1] for case in SMALL]
)
def test_levels_of_a_small_part_of_the_range_are_reported(
    tmp_path, suffix, dtype, highest, capacity, what
):
    """A 16-bit PNG with levels of 12 bits is nearly black: two letters were "0.998 same"."""
    path = save(tmp_path / f"a.{suffix}", levels(highest, dtype))
    with pytest.warns(UserWarning) as caught:
        load_image(path, SIZE)
    (warning,) = caught
    assert f"{path} has levels up to {highest}, where {capacity} is white" in str(warning.message)
    assert "scale them to its whole range" in str(warning.message)


@pytest.mark.parametrize(("suffix", "dtype"), [("png", np.uint16), ("tif", np.int32)])
@pytest.mark.parametrize("highest", [20000, 40000, 65535])
def test_levels_of_most_of_the_range_are_not(tmp_path, suffix, dtype, highest):
    path = save(tmp_path / f"a.{suffix}", levels(highest, dtype))
    with warnings.catch_warnings(action="error"):
        assert load_image(path, SIZE).max() == pytest.approx(highest / 65535, abs=1e-4)


def test_a_color_image_of_small_range_is_reported_too(tmp_path):
    dark = Image.fromarray(np.asarray(page("RGB")) // 16)
    with pytest.warns(UserWarning, match="has levels up to 15, where 255 is white"):
        load_image(save(tmp_path / "a.png", dark), SIZE)


@pytest.mark.parametrize(
    "array",
    [
        np.full((8, 8), 0.5, np.float32),
        np.full((8, 8), 255, np.float32),
        np.full((8, 8), 1 << 20, np.int32),
        np.full((8, 8), -1, np.int32),
    ],
)
def test_grey_levels_of_unknown_range_are_refused(tmp_path, array):
    path = save(tmp_path / "a.tif", Image.fromarray(array))
    with pytest.raises(DataError, match=r"neither of 8 nor of 16 bits; scale them to 0 to 65535"):
        load_image(path, 8)


# --- endings


def test_one_list_of_endings_for_a_file_and_for_a_folder(tmp_path):
    """What one of them reads, the other one reads, and what it refuses, the other one skips."""
    content = save(tmp_path / "content.png", page()).read_bytes()
    endings = ["png", "PNG", "jfif", "jpe", "apng", "dib", "avif", "heic", "jxl", "svg", "nef"]
    endings += ["pdf", "eps", "h5", "mpg", "txt", "npy", "png~", "webp", "jp2", "tiff", "ico"]
    names = [*(f"1.{ending}" for ending in endings), "no_ending"]
    for folder in ("a", "b"):
        for name in names:
            path = tmp_path / "mine" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    folder = load_image_folder(tmp_path / "mine", SIZE)
    read = {path.name for path in folder.paths}
    skipped = {path.name: reason for path, reason in folder.skipped}
    assert read | set(skipped) == set(names) and not read & set(skipped)
    for name in names:
        path = tmp_path / "mine" / "a" / name
        if name in read:
            load_image(path, SIZE)
        else:
            with pytest.raises(DataError) as raised:
                load_image(path, SIZE)
            assert skipped[name] in str(raised.value)
            assert ".png" in str(raised.value), "what is expected"
    assert {"1.png", "1.PNG", "1.jfif", "1.jpe", "1.apng", "1.tiff"} <= read
    assert {"1.txt", "1.npy", "1.png~", "no_ending", "1.h5", "1.mpg", "1.pdf"} <= set(skipped)
    assert "install pillow-heif" in skipped["1.heic"]
    assert "convert it to PNG" in skipped["1.heic"]
    assert "export it as PNG" in skipped["1.svg"]


def test_a_decoder_that_was_added_to_pillow_is_used(tmp_path, monkeypatch):
    """As pillow-heif does; here it reads PNG."""
    content = save(tmp_path / "content.png", page()).read_bytes()
    path = tmp_path / "1.heic"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no decoder for \.heic"):
        load_image(path, SIZE)
    monkeypatch.setitem(Image.EXTENSION, ".heic", "PNG")
    np.testing.assert_allclose(load_image(path, SIZE)[..., 0], EXPECTED, atol=1e-6)
