"""Drawings of any polarity, paper and light become the same ink, or it is said that they do not."""

import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from siamese_utils import models
from siamese_utils.chapters import write_letters
from siamese_utils.datasets import load_image_folder
from siamese_utils.datasets.doubts import warn_of
from siamese_utils.datasets.image_files import load_image
from siamese_utils.datasets.polarity import read_ink

SIDE = 42
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_letters(tmp_path_factory.mktemp("mine") / "letters", LETTERS)


@pytest.fixture(scope="module")
def page(root):
    """Letters, black on white: (n, 42, 42, 1)."""
    return load_image_folder(root, SIDE, channels=1).images


SHADOW = np.linspace(1, 0.45, SIDE, dtype="float32")[None, None, :, None]
ACROSS = (SHADOW + SHADOW.transpose(0, 2, 1, 3)) / 2


def in_bytes(images):
    """As a camera stores them: within 0 and 1, in 256 levels."""
    return np.round(np.clip(images, 0, 1) * 255) / 255


def noise(images, size):
    return np.random.default_rng(0).normal(0, size, images.shape)


# Each with the lowest correlation of a letter with the clean one.
LOOKS = {
    "black on white": (lambda x: x, 1),
    "white on black": (lambda x: 1 - x, 1),
    "dark grey on light grey": (lambda x: 0.3 + 0.4 * x, 0.9999),
    "light grey on dark grey": (lambda x: 0.7 - 0.4 * x, 0.9999),
    "nearly black on black": (lambda x: 0.1 - 0.1 * x, 0.9999),
    "nearly white on white": (lambda x: 0.9 + 0.1 * x, 0.9999),
    "shadow": (lambda x: in_bytes(x * SHADOW), 0.999),
    "shadow on the other side": (lambda x: in_bytes(x * SHADOW[:, :, ::-1]), 0.999),
    "shadow from above": (lambda x: in_bytes(x * SHADOW.transpose(0, 2, 1, 3)), 0.999),
    "shadow in a corner": (lambda x: in_bytes(x * ACROSS), 0.999),
    "shadow on grey": (lambda x: in_bytes((0.3 + 0.5 * x) * SHADOW), 0.999),
    "shadow on a blackboard": (lambda x: in_bytes((0.8 - 0.6 * x) * SHADOW), 0.98),
    "negative of a shadow": (lambda x: in_bytes(1 - x * SHADOW), 0.98),
    "noise": (lambda x: in_bytes(x + noise(x, 0.05)), 0.97),
    "noise, white on black": (lambda x: in_bytes(1 - x + noise(x, 0.05)), 0.97),
    "noise and a shadow": (lambda x: in_bytes(x * SHADOW + noise(x, 0.05)), 0.96),
    "noise on grey": (lambda x: in_bytes(0.3 + 0.4 * x + noise(x, 0.03)), 0.94),
}


def correlations(found, expected):
    return [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(found, expected, strict=True)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.slow
def test_all_looks_of_a_letter_give_nearly_the_same_ink(page, look):
    change, lowest = LOOKS[look]
    page = page[::4]
    with warnings.catch_warnings(action="error"):
        ink = as_ink(change(page))
    assert ink.dtype == np.float32 and ink.shape == page.shape
    assert min(correlations(ink, 1 - page)) >= lowest - 1e-6
    assert ink.min() == 0 and (ink.max(axis=(1, 2, 3)) == 1).all()
    paper = ink[:, [0, -1]]
    assert paper.mean() < 0.03


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clean_black_on_white_is_bit_equal_to_one_minus_the_image(page, dtype):
    page = page.astype(dtype)
    expected = (1 - page).astype("float32")
    np.testing.assert_array_equal(as_ink(page), expected)
    np.testing.assert_array_equal(as_ink(1 - page), expected)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_ink_that_is_ink_already_stays_of_any_type(page, dtype):
    ink = (page < 0.5).astype(dtype)
    np.testing.assert_array_equal(as_ink(ink), ink)


@pytest.mark.parametrize("look", LOOKS)
def test_a_second_time_changes_nothing_more(page, look):
    once = as_ink(LOOKS[look][0](page[::20]))
    np.testing.assert_allclose(as_ink(once), once, atol=1e-6)


def test_images_are_independent_of_each_other(page):
    both = as_ink(np.concatenate([page[:3], 1 - page[3:6]]))
    np.testing.assert_array_equal(both, 1 - page[:6])


def tight(page, cut):
    """The middle of each image, enlarged, so that letters come near the border or cross it."""
    inner = [
        Image.fromarray(image[cut:-cut, cut:-cut, 0]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        for image in page
    ]
    return np.stack(inner).clip(0, 1)[..., None]


@pytest.mark.parametrize("paper", [0.3, 0.8, 1.0])
def test_a_bar_that_crosses_even_paper_leaves_no_trace_on_it(paper):
    image = np.full((1, SIDE, SIDE, 1), paper)
    image[0, :, 4:18] = 0.1  # a sixth of the border, off its middle: it must not tilt the plane
    np.testing.assert_allclose(as_ink(image), image == 0.1, atol=1e-6)


@pytest.mark.parametrize("change", [lambda x: x, lambda x: x * SHADOW], ids=["even", "shadow"])
def test_ink_that_touches_the_border_is_no_ground(page, change):
    """Letters that cross the border: correct, or named; never the wrong way round in silence."""
    images = tight(page[::4], 10)
    assert np.mean((images[:, 0] < 0.5).any(axis=1)) > 0.5, "they do touch it"
    right = np.array(correlations(as_ink_quietly(change(images)), 1 - images)) > 0.9
    named = [str(warned(change(images[i : i + 1]))) != "" for i in np.flatnonzero(~right)]
    assert np.mean(right) > 0.9
    assert all(named)


def as_ink(images, names=None):
    """The ink, with one warning of all doubts."""
    ink, doubts = read_ink(images, names or [f"image {i}" for i in range(len(images))])
    warn_of(doubts)
    return ink


def as_ink_quietly(images):
    with warnings.catch_warnings(action="ignore"):
        return as_ink(images)


def warned(images, names=None):
    """The one warning about images, or ""."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        as_ink(images, names)
    assert len(caught) <= 1
    assert all(each.filename == __file__ for each in caught), "it points at the caller"
    return str(caught[0].message) if caught else ""


# --- what it cannot tell, it says

EDGE = np.where(np.arange(SIDE) < SIDE // 2, 1, 0.5)[None, None, :, None]
DOUBTFUL = {
    "white": (lambda x: np.ones_like(x), "is of one colour (level 1.00)", "remove or replace"),
    "black": (lambda x: np.zeros_like(x), "is of one colour (level 0.00)", "remove or replace"),
    "faint": (
        lambda x: 0.5 + 0.02 * x,
        "has a contrast of 0.020",
        "differs from its background by",
    ),
    "a shadow without a drawing": (
        lambda x: np.broadcast_to(SHADOW, x.shape),
        "has a contrast of 0.000",
        "differs from its background by",
    ),
    "half of the border is dark": (
        lambda x: np.where(np.arange(SIDE)[:, None] < SIDE // 2, x, 1 - x),
        "of its border",
        "leave a margin",
    ),
    "a shadow with a sharp edge": (lambda x: x * EDGE, "of its border", "leave a margin"),
    "noise alone": (lambda x: 0.5 + noise(x, 0.1), "has", "Expected"),
    "marks on both sides": (
        lambda x: 0.5 + 0.5 * (x[:, ::-1] - x),
        "is both lighter and darker than its background",
        "one of the two",
    ),
}


@pytest.mark.parametrize("look", DOUBTFUL)
def test_what_cannot_be_told_is_named_once_for_all(page, look):
    change, found, advice = DOUBTFUL[look]
    images = page[5:17].copy()
    images[[2, 7]] = np.clip(change(images), 0, 1)[[2, 7]]
    message = warned(images)
    assert found in message and advice in message
    assert "image 2 " in message and "image 7 " in message and "image 3 " not in message
    names = [f"folder/{i}.png" for i in range(12)]
    message = warned(images, names)
    assert "folder/2.png" in message and "folder/7.png" in message and "image" not in message[:8]


def test_many_doubtful_images_are_counted(page):
    message = warned(np.ones((25, 8, 8, 1)))
    assert "image 9 " in message and "image 10 " not in message and "and 15 more" in message


def test_of_one_colour_is_no_ink():
    assert not as_ink_quietly(np.full((1, 8, 8, 1), 0.7)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (2, 3)])
def test_tiny_images_are_answered(shape):
    image = np.zeros((1, *shape, 1))
    image[0, 0, 0] = 1
    ink = as_ink_quietly(image)
    assert ink.shape == image.shape and np.isfinite(ink).all()


@pytest.mark.parametrize(
    ("images", "names", "message"),
    [
        (np.zeros((4, 8, 8)), None, r"shape \(4, 8, 8\); expected grey"),
        (np.zeros((4, 8, 8, 3)), None, r"shape \(4, 8, 8, 3\); expected grey"),
        (np.full((4, 8, 8, 1), 255, "uint8"), None, "from 255 to 255; expected"),
        (np.full((4, 8, 8, 1), np.nan), None, "values from nan"),
        (np.zeros((4, 8, 8, 1)), ["a"], "4 images but 1 names"),
    ],
)
def test_refuses(images, names, message):
    with pytest.raises(ValueError, match=message):
        as_ink(images, names)


# --- files


def test_a_file_is_read_as_its_pixels_are(root, page):
    folder = load_image_folder(root, SIDE, channels=1, polarity="ink")
    np.testing.assert_array_equal(folder.images, 1 - page)
    path = root / "A" / "cmr10.png"
    image = load_image(path, SIDE, channels=1)
    np.testing.assert_array_equal(
        load_image(path, SIDE, channels=1, polarity="ink"), as_ink(image[None])[0]
    )


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("ground", [255, 0, 180])
def test_the_padding_of_ink_is_paper(tmp_path, fit, ground):
    levels = np.full((30, 60), ground, np.uint8)
    levels[10:20, 25:35] = 60 if ground else 255
    Image.fromarray(levels).save(tmp_path / "a.png")
    ink = load_image(tmp_path / "a.png", 30, channels=1, fit=fit, polarity="ink")[..., 0]
    assert ink.max() == 1
    assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()


def test_a_shadow_stays_beside_the_padding(tmp_path):
    """The padding has one brightness, the page has not: its ground is taken off first."""
    levels = np.full((20, 40), 255.0) * np.linspace(1, 0.45, 40)
    levels[5:15, 10:13] = levels[5:15, 27:30] = 0
    Image.fromarray(levels.astype(np.uint8)).save(tmp_path / "a.png")
    with warnings.catch_warnings(action="error"):
        ink = load_image(tmp_path / "a.png", 40, channels=1, polarity="ink")[..., 0]
    expected = np.zeros((40, 40))
    expected[15:25, 10:13] = expected[15:25, 27:30] = 1
    np.testing.assert_allclose(ink, expected, atol=0.03)


@pytest.mark.parametrize("channels", [None, 3])
def test_ink_has_no_colour(root, channels):
    for load, path in ((load_image, root / "A" / "cmr10.png"), (load_image_folder, root)):
        with pytest.raises(ValueError, match=r'polarity is "ink".*expected channels=1'):
            load(path, SIDE, channels=channels, polarity="ink")


def test_doubtful_ink_of_files_is_named_by_file(tmp_path):
    good = np.full((16, 16), 255, np.uint8)
    good[5:9, 5:9] = 0
    bad = good.copy()
    bad[:8] = 255 - bad[:8]
    for name, levels in (("a/1", good), ("a/2", bad), ("b/1", bad), ("b/2", good)):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(levels).save(path)
    with pytest.warns(UserWarning, match="of its border") as caught:
        folder = load_image_folder(tmp_path, 16, channels=1, polarity="ink")
    assert len(caught) == 1
    for name in ("a/2", "b/1"):
        assert str(tmp_path / f"{name}.png") in str(caught[0].message)
    assert str(tmp_path / "a/1.png") not in str(caught[0].message)
    assert "To be looked at: 2" in folder.report()
    with pytest.warns(UserWarning, match="of its border") as caught:
        load_image(tmp_path / "a/2.png", 16, channels=1, polarity="ink")
    assert str(tmp_path / "a/2.png") in str(caught[0].message)


# --- what it is for


@pytest.fixture(scope="module")
def accuracy(root, page):
    """Share of letters whose nearest neighbor, of other fonts and in clean ink, is the same one."""
    folder = load_image_folder(root, SIDE, channels=1)
    is_query = np.array([path.stem.startswith(("DejaVu", "STIX")) for path in folder.paths])
    encoder = models.load_pretrained("omniglot")

    def embedded(images):
        wide = keras.ops.image.resize(images.astype("float32"), encoder.input_shape[1:3])
        return models.embed(encoder, keras.ops.convert_to_numpy(wide))

    gallery = embedded(1 - page[~is_query])

    def measure(images):
        embeddings = embedded(images[is_query])
        nearest = (embeddings @ gallery.T).argmax(axis=1)
        return np.mean(folder.labels[~is_query][nearest] == folder.labels[is_query])

    return measure


@pytest.mark.parametrize(
    ("look", "raw"),
    [
        ("black on white", lambda x: x),
        ("shadow", lambda x: 1 - x),
        ("noise and a shadow", lambda x: 1 - x),
    ],
)
@pytest.mark.slow
def test_neighbors_are_found_whichever_way_round_the_ink_is(page, accuracy, look, raw):
    """Read as they are, drawings of another polarity, or in a shadow, often miss their letter."""
    images = LOOKS[look][0](page)
    assert accuracy(raw(images)) < 0.5
    assert accuracy(as_ink(images)) > 0.98
