"""Lower resolution: against block means, and pixel by pixel with the overlap of areas."""

import numpy as np
import pytest

from siamese_utils.datasets import area_resize


@pytest.fixture
def images():
    """Noise in two channels, so that neither axes nor channels may be mixed up."""
    return np.random.default_rng(0).random((3, 105, 105, 2), "float32")


def overlap(new, old, side, old_side):
    """Share of the new pixel, of ``old_side / side`` old ones, that lies on the old pixel."""
    width = old_side / side
    return max(0.0, min((new + 1) * width, old + 1) - max(new * width, old)) / width


def by_loop(image, side):
    """One image: each old pixel gives to the new ones by the area they have in common."""
    old_side = len(image)
    small = np.zeros((side, side))
    for r, c in np.argwhere(image):
        top, left = r * side // old_side, c * side // old_side
        for row in range(top, min(top + 2, side)):  # it is smaller than they are: two each way
            for column in range(left, min(left + 2, side)):
                share = overlap(row, r, side, old_side) * overlap(column, c, side, old_side)
                small[row, column] += share * image[r, c]
    return small


@pytest.mark.parametrize("side", [1, 21, 35, 105])
def test_a_side_that_divides_gives_block_means(images, side):
    """Down to one pixel, the mean, and up to all of them, the image itself."""
    step = 105 // side
    blocks = images.reshape(3, side, step, side, step, 2)
    found = area_resize(images, side)
    assert found.shape == (3, side, side, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found, blocks.mean(axis=(2, 4), dtype=float), atol=1e-6)


@pytest.mark.parametrize(("old", "side"), [(105, 42), (28, 20), (7, 6), (5, 2)])
def test_any_other_side_shares_pixels_by_area(old, side):
    """Sparse ink, as in drawings, off the middle."""
    rng = np.random.default_rng(1)
    image = rng.random((old, old)) * (rng.random((old, old)) < 0.05)
    image[0, 1], image[-1, 0], image[2, -1] = 0.5, 1, 0.25
    (found,) = area_resize(image[None, :, :, None], side)
    np.testing.assert_allclose(found[..., 0], by_loop(image, side), atol=1e-6)


@pytest.mark.parametrize("side", [1, 2, 13, 28, 42, 64, 104, 105])
def test_ink_is_neither_lost_nor_made(images, side):
    found = area_resize(images, side)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1e-5)
    assert found.min() >= images.min() and found.max() <= images.max() + 1e-6


def test_by_hand():
    """Three pixels to two, each of 1.5 x 1.5: whole, half, half and quarter pixels."""
    image = np.array([[9, 0, 0], [0, 0, 18], [0, 36, 0]]).reshape(1, 3, 3, 1) / 36
    found = area_resize(image, 2)[0, :, :, 0] * 36
    np.testing.assert_allclose(found, [[4, 4], [8, 12]], atol=1e-5)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64"])
def test_numbers_of_any_type(images, dtype):
    ink = (images > 0.5).astype(dtype)
    found = area_resize(ink, 42)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, area_resize(ink.astype("float32"), 42))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("value", [255, 2, -1])
def test_values_out_of_range_are_refused_of_any_type(dtype, value):
    """Bytes from 0 to 255 passed, and the encoder behind answered with a collapse."""
    images = np.zeros((2, 4, 4, 1), dtype)
    images[1, 2, 2, 0] = dtype_value = np.array(value).astype(dtype)
    with pytest.raises(ValueError, match=rf"to {dtype_value:g}; expected|from {value} to 0"):
        area_resize(images, 2)


@pytest.mark.parametrize("images", [np.full((1, 4, 4, 1), np.nan), np.full((1, 4, 4, 1), "ink")])
def test_what_is_no_number_is_refused(images):
    with pytest.raises(ValueError, match=r"expected .*\[0, 1\]"):
        area_resize(images, 2)


@pytest.mark.parametrize("n", [0, 999, 1_000, 1_001, 2_003])
def test_every_image_by_itself_however_many(n):
    """Image k is all k: each keeps its place where one chunk ends and the next begins."""
    images = np.broadcast_to(np.linspace(0, 1, n).reshape(n, 1, 1, 1), (n, 5, 5, 1))
    found = area_resize(images, 2)
    assert found.shape == (n, 2, 2, 1)
    np.testing.assert_allclose(found, images[:, :2, :2], rtol=1e-5)


def test_the_images_stay_as_they_are(images):
    before = images.copy()
    same = area_resize(images, 105)
    same[:] = 7
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("shape", [(5, 5), (4, 5, 5), (4, 5, 6, 1)])
def test_refuses_images_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"images have shape .*expected \(n, side, side, channels"):
        area_resize(np.zeros(shape), 2)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        *[(side, "a whole number of at least 1") for side in (-1, 0, 2.0, "3", True, None)],
        *[(side, "1 to 5") for side in (6, np.int64(105))],
    ],
)
def test_refuses_a_side_that_is_none_or_larger(side, expected):
    with pytest.raises(ValueError, match=rf"side is .*; expected {expected}"):
        area_resize(np.zeros((4, 5, 5, 1)), side)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_a_side_of_any_integer_type(images, dtype):
    np.testing.assert_array_equal(
        area_resize(images, np.dtype(dtype).type(42)), area_resize(images, 42)
    )
