"""Letters brought to one size: against an integral by hand, and what an encoder gains by it."""

import itertools

import keras
import numpy as np
import pytest

from siamese_utils import models, training

pytestmark = pytest.mark.backend


def normalised(images, side, **options):
    return keras.ops.convert_to_numpy(models.SizeNormalization(side, **options)(images))


def box(shape, top, left, height, width):
    """One image (1, side, side, 1) with a filled box of ink."""
    image = np.zeros((1, shape, shape, 1), "float32")
    image[0, top : top + height, left : left + width] = 1.0
    return image


def test_a_blank_image_stays_blank_beside_a_letter():
    images = np.concatenate([np.zeros((1, 9, 9, 1), "float32"), box(9, 2, 3, 4, 2)])
    found = normalised(images, 6)
    assert (found[0] == 0).all()
    np.testing.assert_allclose(found[1], normalised(images[1:], 6)[0], atol=1e-5)
    assert found[1].max() > 0.9


def by_integral(image, side, fill, zoom):
    """The definition, with many points in each new pixel and interpolation between old ones."""
    old, fine = len(image), 40
    ink = image > 0.5 * image.max()
    (top, bottom), (left, right) = (
        (np.flatnonzero(ink.any(axis))[0], np.flatnonzero(ink.any(axis))[-1] + 1) for axis in (1, 0)
    )
    window = max(max(bottom - top, right - left) / fill, old / zoom)
    rows, columns = (
        (low + high - window) / 2 + window * (np.arange(side * fine) + 0.5) / (side * fine)
        for low, high in ((top, bottom), (left, right))
    )
    padded = np.pad(image, 1)  # paper around
    places = np.arange(old + 2) - 0.5

    def interpolated(values, at):
        return np.array([np.interp(at, places, row, left=0.0, right=0.0) for row in values])

    dense = interpolated(interpolated(padded.T, rows).T, columns)
    return dense.reshape(side, fine, side, fine).mean(axis=(1, 3))


@pytest.mark.parametrize(("side", "fill", "zoom"), [(9, 0.8, 2.5), (30, 0.8, 2.5), (14, 1.0, 1.0)])
def test_is_the_mean_of_what_lies_between_the_old_pixels(side, fill, zoom):
    rng = np.random.default_rng(0)
    images = np.zeros((4, 21, 21, 1), "float32")
    for image, (top, left, size) in zip(
        images, [(0, 0, 21), (3, 10, 6), (12, 1, 9), (18, 18, 3)], strict=True
    ):
        image[top : top + size, left : left + size, 0] = rng.uniform(0.6, 1.0, (size, size))
    expected = [by_integral(image[..., 0], side, fill, zoom) for image in images]
    found = normalised(images, side, fill=fill, zoom=zoom)
    assert found.shape == (4, side, side, 1) and found.dtype == np.float32
    np.testing.assert_allclose(found[..., 0], expected, atol=2e-3)


def test_a_letter_looks_the_same_wherever_it_stands():
    places = [(0, 0), (0, 20), (11, 7), (20, 20)]
    found = normalised(np.concatenate([box(30, *place, 6, 10) for place in places]), 24)
    assert np.abs(found - found[:1]).max() < 1e-5


@pytest.mark.parametrize("factor", [2, 3])
def test_a_letter_looks_the_same_whatever_its_size(factor):
    """Up to the edge, which is sharper where the letter was larger."""
    small = box(48, 5, 9, 8, 16)
    large = box(48, 0, 0, 8 * factor, 16 * factor)
    one, other = (normalised(image, 24, zoom=6) for image in (small, large))
    assert np.abs(one - other).mean() < 0.02
    assert (one > 0.5).sum() == (other > 0.5).sum()


def test_the_larger_side_fills_its_share():
    for height, width in ((12, 40), (40, 12)):
        found = normalised(box(60, 4, 7, height, width), 50, fill=0.8)[0, ..., 0] > 0.5
        sides = [np.ptp(np.flatnonzero(found.any(axis))) + 1 for axis in (1, 0)]
        assert max(sides) == 40 and min(sides) == 12


def test_a_dot_stays_a_dot():
    found = normalised(box(100, 70, 20, 3, 3), 100, zoom=2.5)[0, ..., 0]
    assert found.sum() == pytest.approx(9 * 2.5**2, rel=1e-3)


def test_specks_do_not_count():
    """They stay in the picture, if they are near enough."""
    letter = box(60, 20, 22, 15, 12)
    dirty = letter + box(60, 1, 1, 1, 3) + box(60, 50, 57, 2, 1) + box(60, 18, 40, 1, 1)
    clean, found = (normalised(image, 30) for image in (letter, dirty))
    assert 0 < np.abs(found - clean).sum() < 4
    # Four pixels are the least that counts.
    assert np.abs(normalised(letter + box(60, 1, 1, 2, 2), 30) - clean).sum() > 50


def test_a_speck_alone_is_resampled_as_a_whole():
    found = normalised(box(60, 29, 29, 1, 2), 60, fill=1)
    np.testing.assert_allclose(found, normalised(box(60, 29, 29, 1, 2), 60, fill=1, zoom=1))


def test_pale_ink_counts_as_ink():
    dark = box(40, 3, 5, 9, 6)
    np.testing.assert_allclose(normalised(0.2 * dark, 20), 0.2 * normalised(dark, 20), atol=1e-6)


def test_an_image_without_ink_stays_white():
    found = normalised(np.zeros((2, 20, 20, 1), "float32"), 10)
    assert found.shape == (2, 10, 10, 1) and not found.any()


def test_bytes_of_ink_and_paper_are_taken():
    image = box(20, 3, 5, 9, 6)
    np.testing.assert_array_equal(normalised(image.astype("uint8"), 10), normalised(image, 10))


@pytest.mark.parametrize("shape", [(2, 20, 20), (2, 20, 18, 1), (2, 20, 20, 3)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"expected \(batch, side, side, 1\)"):
        models.SizeNormalization(10)(np.zeros(shape, "float32"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": 0}, "side is 0"),
        ({"side": 2.5}, r"side is 2\.5"),
        ({"side": 10, "fill": 0.0}, r"fill is 0\.0; expected a share"),
        ({"side": 10, "fill": 1.1}, r"fill is 1\.1"),
        ({"side": 10, "fill": float("nan")}, "fill is nan"),
        ({"side": 10, "zoom": 0.5}, r"zoom is 0\.5; expected at least 1"),
        ({"side": 10, "zoom": float("nan")}, "zoom is nan"),
    ],
)
def test_refuses_numbers_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        models.SizeNormalization(**options)


def test_an_encoder_with_it_is_saved_and_loaded(tmp_path):
    layers = [models.SizeNormalization(12, 0.9, 3.0), keras.layers.Flatten()]
    encoder = keras.Sequential([keras.Input((20, 20, 1)), *layers])
    encoder.save(tmp_path / "encoder.keras")
    again = keras.saving.load_model(tmp_path / "encoder.keras")
    images = np.concatenate([box(20, 1, 2, 5, 7), box(20, 9, 3, 8, 2)])
    assert encoder.output_shape == (None, 144)
    np.testing.assert_array_equal(models.embed(encoder, images), models.embed(again, images))
    config = keras.layers.serialize(layers[0])["config"]
    assert (config["side"], config["fill"], config["zoom"]) == (12, 0.9, 3.0)


def test_computes_in_float32_under_any_policy():
    """With eight bits for a coordinate, a letter would jump by half a pixel."""
    with training.mixed_precision(True):
        layer = models.SizeNormalization(12)
    assert keras.backend.standardize_dtype(layer(box(20, 1, 2, 5, 7)).dtype) == "float32"


def test_letters_of_one_batch_do_not_change_each_other():
    images = np.concatenate(
        [box(30, t, s, h, 5) for t, s, h in itertools.product((2, 9), (3, 8), (4, 11))]
    )
    alone = np.concatenate([normalised(image[None], 16) for image in images])
    np.testing.assert_allclose(normalised(images, 16), alone, atol=1e-6)
