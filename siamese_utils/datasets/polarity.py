"""The one policy for the polarity of drawings: ink is 1 and paper is 0, however they came.

The background of a drawing is what its border shows. It may be light or dark, grey, noisy, or lit
more on one side than on the other.
"""

from collections.abc import Sequence

import numpy as np

from .._checks import require_unit_range
from .doubts import Doubt, Doubts

POLARITIES = ("as is", "ink")
GREY_LEVEL = 1 / 255
CLEAR_BORDER = 0.75  # the smallest share of the border that has to be background
CLEAR_SIDE = 0.5  # least share by which marks on one side of the background outweigh the others
FAINTEST = 0.05  # contrast of ink and background below which they are hardly a drawing

_REMEDY = (
    "Otherwise make the ink 1 and the paper 0 yourself and read the images as they are, or leave "
    "them out. What is returned for them is a guess."
)


def read_ink(images: np.ndarray, names: Sequence[object]) -> tuple[np.ndarray, Doubts]:
    """Drawings with ink = 1 on paper = 0, whichever way round each of them is, and the doubts.

    The background of an image is a plane of brightness that is fitted to its outermost pixels, so
    that grey paper and a shadow across the page become 0, too. If the drawing is darker than
    that background, it is inverted. Then the noise of the background is cut off, and the
    strongest ink becomes 1. Clean black on white becomes exactly ``1 - images``, and clean white
    on black stays as it is; where ink covers a tenth of the border or more, up to 2e-6.

    There is a doubt about each image whose background or ink cannot be determined: those of one
    colour, which become 0 everywhere, with hardly any contrast, with a border of no clear
    brightness, and with marks that are lighter and others that are darker than the background.

    Parameters
    ----------
    images : array (n, height, width, 1) in [0, 1]
    names : sequence of n names
        What the doubts call the images, such as their files.

    Returns
    -------
    float32 array (n, height, width, 1) in [0, 1], and the doubts

    Raises
    ------
    ValueError
        For another shape, for another number of names, and for values outside [0, 1].

    Examples
    --------
    A dark stroke on grey paper, and the same one in white on black:

    >>> stroke = np.zeros((5, 5, 1))
    >>> stroke[1:4, 2] = 1
    >>> ink, doubts = read_ink(np.stack([0.7 - 0.5 * stroke, stroke]), "ab")
    >>> ink[:, :, 2, 0].tolist(), doubts
    ([[0.0, 1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 1.0, 0.0]], [])
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 1:
        raise ValueError(
            f"images have shape {images.shape}; expected grey ones, (n, height, width, 1)"
        )
    if len(names) != len(images):
        raise ValueError(f"{len(images)} images but {len(names)} names; expected one for each")
    require_unit_range(images)
    ink = np.empty(images.shape, "float32")
    doubts: Doubts = []
    for i, image in enumerate(images):
        ink[i, :, :, 0], doubt = to_ink(image[:, :, 0])
        if doubt:
            doubts.append((names[i], doubt))
    return ink, doubts


def to_ink(image: np.ndarray) -> tuple[np.ndarray, Doubt | None]:
    """One image (height, width) as ink = 1 on paper = 0, and a doubt about the result, or None."""
    image = image.astype("float64")
    if np.ptp(image) < GREY_LEVEL / 2:
        return np.zeros(image.shape), one_color(image.mean())
    ground = _ground(image)
    difference = image - ground
    contrast = np.abs(difference).max()
    if contrast < GREY_LEVEL / 2:  # light that changes across a page without a drawing
        return np.zeros(image.shape), _doubt(contrast, 1, 1)
    # The cubes let what stands out decide, and noise on both sides of the background cancel.
    cubes = difference**3
    side = cubes.sum() / np.abs(cubes).sum()
    ink = -difference if side < 0 else difference
    strongest = ink.max()
    border = np.abs(_border(difference))
    is_ground = border < strongest / 8
    # Nine tenths of normal noise lie within 1.645 deviations. On clean paper, nine tenths of these
    # pixels have no difference at all, even where ink touches the border, so the noise is then 0.
    noise = np.quantile(border[is_ground], 0.9) / 1.645 if is_ground.any() else 0
    # Four deviations leave no speck of noise, which an encoder would take for strokes. Where the
    # noise is as strong as the ink, some range has to remain.
    ink = (ink - 4 * min(noise, strongest / 6)).clip(0)
    if side < 0:  # in a shadow, ink is darker than its paper by a share of the light there
        ink /= np.maximum(ground, FAINTEST)
    ink /= ink.max()
    return ink, _doubt(contrast, np.mean(is_ground), abs(side))


def _doubt(contrast: float, share: float, side: float) -> Doubt | None:
    if contrast < FAINTEST:
        return Doubt(
            f"has a contrast of {contrast:.3f}",
            f"Expected ink that differs from its background by {FAINTEST} or more of 1: "
            f"scale the levels of the files. {_REMEDY}",
        )
    if share < CLEAR_BORDER:
        return Doubt(
            f"has one background on {share:.0%} of its border",
            f"Expected {CLEAR_BORDER:.0%} or more, to tell ink from paper: leave a margin around "
            f"the drawing. {_REMEDY}",
        )
    if side < CLEAR_SIDE:
        return Doubt(
            "is both lighter and darker than its background",
            f"Expected ink that is one of the two. {_REMEDY}",
        )
    return None


def one_color(level: float) -> Doubt:
    """The doubt about an image of one colour, given its mean level in [0, 1]."""
    return Doubt(
        f"is of one colour (level {level:.2f})",
        "Expected a drawing or a photograph. Look at the file, at its transparency too, and "
        "remove or replace it.",
    )


def _border(image: np.ndarray) -> np.ndarray:
    """The outermost pixels of an array (height, width, ...), each once."""
    inside = image[1:-1]
    sides = (image[0], *([image[-1]] if len(image) > 1 else []), inside[:, 0])
    return np.concatenate([*sides, *([inside[:, -1]] if image.shape[1] > 1 else [])])


def _ground(image: np.ndarray) -> np.ndarray:
    """The brightness of the background, (height, width): the median of the border, or a plane.

    The plane has the smallest sum of absolute distances from the border, so that ink that
    touches it does not count, as it does not in a median. It is found by reweighted squares.
    """
    height, width = image.shape
    border = _border(image)
    level = np.median(border)
    if np.mean(np.abs(border - level) <= GREY_LEVEL) > 0.9:
        return np.full(image.shape, level)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    axes = np.stack([np.ones_like(x), x, y], axis=-1)
    at_border = _border(axes)  # (n, 3)
    plane = np.array([level, 0, 0])
    for _ in range(20):
        weights = 1 / np.maximum(np.abs(border - at_border @ plane), 1e-6)
        weighted = at_border.T * weights
        plane = np.linalg.lstsq(weighted @ at_border, weighted @ border, rcond=None)[0]
    return axes @ plane
