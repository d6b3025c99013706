"""The affine distortions of Koch et al. (2015, section 3.2), batched, in ``keras.ops``.

Three steps, each of use alone: :func:`draw_parameters`, :func:`affine_matrices` and
:func:`apply_affine`. :func:`affine` does all three.
"""

import functools

import keras
import numpy as np
from keras import ops

from .._backend import JIT_COMPILE

# T = (angle, shear x, shear y, scale x, scale y, shift x, shift y): what changes nothing, and
# how far the paper goes to either side of it. Degrees; shares; pixels of a 105 x 105 image.
NEUTRAL = (0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0)
REACH = (10.0, 0.3, 0.3, 0.2, 0.2, 2.0, 2.0)


def draw_parameters(n: int, seed, strength: float = 1.0):
    """Draw the parameters of ``n`` transforms, uniform over the paper's ranges.

    Koch et al. (2015, section 3.2) turn by up to 10 degrees, shear by up to 0.3, scale by 0.8 to
    1.2 and shift by up to 2 pixels. Each of the seven components is included with probability
    one half and neutral otherwise, so one transform in 128 changes nothing.

    Parameters
    ----------
    n : int
    seed : what ``numpy.random.default_rng`` takes, or keras.random.SeedGenerator
        An integer, or integers such as ``[seed, epoch, index]``, give the same parameters
        each time and on every backend; a NumPy generator gives new ones each time. A
        Keras generator does so inside compiled functions too.
    strength : float in [0, 2]
        The ranges reach this many times as far from neutral as the paper's.

    Returns
    -------
    tensor (n, 7)
        Angle in degrees, shear x and y, scale x and y, shift x and y in pixels.

    Raises
    ------
    ValueError
        If ``strength`` is negative or over 2.

    Examples
    --------
    A thousand transforms reach the ends of the ranges, and half of them have no turn:

    >>> parameters = ops.convert_to_numpy(draw_parameters(1_000, seed=0))
    >>> parameters.shape, round(float((parameters[:, 0] == 0).mean()), 1)
    ((1000, 7), 0.5)
    >>> parameters.min(axis=0).round(1)
    array([-10. ,  -0.3,  -0.3,   0.8,   0.8,  -2. ,  -2. ], dtype=float32)
    >>> parameters.max(axis=0).round(1)
    array([10. ,  0.3,  0.3,  1.2,  1.2,  2. ,  2. ], dtype=float32)
    """
    return _parameters(_draw(n, seed), check_strength(strength))


def _draw(n, seed):
    """Uniform numbers (n, 14): a value and a coin for each component."""
    if isinstance(seed, keras.random.SeedGenerator):
        return keras.random.uniform((n, 14), dtype="float32", seed=seed)
    return np.random.default_rng(seed).random((n, 14), "float32")


def _parameters(chance, strength):
    chance = ops.convert_to_tensor(chance)
    value = (2 * chance[:, :7] - 1) * ops.convert_to_tensor(REACH, "float32")  # (n, 7)
    included = ops.cast(chance[:, 7:] < 0.5, "float32")
    return ops.convert_to_tensor(NEUTRAL, "float32") + included * value * strength


def check_strength(strength: float) -> float:
    """The strength, if it is one; past 3.3 the shears could fold an image onto a line."""
    if not 0 <= strength <= 2:
        raise ValueError(f"strength is {strength}; expected 0 to 2, where 1 is as in the paper")
    return strength


def affine_matrices(parameters):
    """Matrices of transforms: scale, then shear, then turn, then shift.

    They say where a point goes: ``(x', y') = matrix[:, :2] @ (x, y) + matrix[:, 2]``, in
    pixels from the image's centre, with x to the right and y down. A positive angle turns
    clockwise.

    Parameters
    ----------
    parameters : array (n, 7)
        As from :func:`draw_parameters`.

    Returns
    -------
    tensor (n, 2, 3)

    Examples
    --------
    >>> quarter_turn_and_shift = [[90.0, 0, 0, 1, 1, 5, 0]]
    >>> ops.convert_to_numpy(affine_matrices(quarter_turn_and_shift)).round(3) + 0.0
    array([[[ 0., -1.,  5.],
            [ 1.,  0.,  0.]]], dtype=float32)
    """
    parameters = ops.convert_to_tensor(parameters, "float32")
    angle, shear_x, shear_y, scale_x, scale_y, shift_x, shift_y = ops.unstack(parameters, 7, axis=1)
    cos, sin = ops.cos(angle * np.pi / 180), ops.sin(angle * np.pi / 180)
    # [[cos, -sin], [sin, cos]] @ [[1, shear_x], [shear_y, 1]] @ diag(scale_x, scale_y)
    first = [(cos - sin * shear_y) * scale_x, (cos * shear_x - sin) * scale_y, shift_x]
    second = [(sin + cos * shear_y) * scale_x, (sin * shear_x + cos) * scale_y, shift_y]
    return ops.stack([ops.stack(first, axis=-1), ops.stack(second, axis=-1)], axis=1)


def apply_affine(images, matrices):
    """Transform each image by its own matrix, with bilinear interpolation.

    All around an image is paper (0).

    Parameters
    ----------
    images : tensor (n, height, width, 1)
    matrices : tensor (n, 2, 3)
        As from :func:`affine_matrices`; they must be invertible.

    Returns
    -------
    float32 tensor (n, height, width, 1)

    Raises
    ------
    ValueError
        For images of another shape, as those in colour.

    Examples
    --------
    A row of three pixels moves by one to the right, and then by half a pixel:

    >>> row = np.array([[0.0, 1.0, 0.0]], "float32").reshape(1, 1, 3, 1)
    >>> right = np.array([[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]], "float32")
    >>> ops.convert_to_numpy(apply_affine(row, right)).ravel().tolist()
    [0.0, 0.0, 1.0]
    >>> half = np.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]], "float32")
    >>> ops.convert_to_numpy(apply_affine(row, half)).ravel().tolist()
    [0.0, 0.5, 0.5]
    """
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or images.shape[3] != 1:
        raise ValueError(f"images have shape {tuple(images.shape)}; expected (n, height, width, 1)")
    if keras.backend.standardize_dtype(images.dtype) == "bool":
        images = ops.cast(images, "uint8")
    height, width = images.shape[1:3]
    x, y = np.meshgrid(np.arange(width, dtype="float32"), np.arange(height, dtype="float32"))
    x, y = (ops.convert_to_tensor(values.reshape(1, -1)) for values in (x, y))
    # Which point of the image comes to each place? Few operations on few numbers first, then
    # two multiplications for each pixel.
    matrices = ops.convert_to_tensor(matrices, "float32")
    a, b, shift_x, c, d, shift_y = ops.unstack(ops.reshape(matrices, (-1, 6, 1)), 6, axis=1)
    determinant = a * d - b * c
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    from_x, from_y = middle_x + shift_x, middle_y + shift_y
    column = a * x + b * y + (middle_x - a * from_x - b * from_y)  # (n, height * width)
    row = c * x + d * y + (middle_y - c * from_x - d * from_y)
    # A frame of paper, one pixel at the top and left and two at the bottom and right, holds
    # all four neighbours of any place; places farther out are moved onto it.
    stride = width + 3
    flat = ops.reshape(
        ops.pad(images[..., 0], ((0, 0), (1, 2), (1, 2))), (-1, stride * (height + 3))
    )
    column = ops.clip(column + 1, 0, width + 1)
    row = ops.clip(row + 1, 0, height + 1)
    left, top = ops.floor(column), ops.floor(row)
    corner = ops.cast(top * stride + left, "int32")

    def neighbour(step):
        return ops.cast(ops.take_along_axis(flat, corner + step, axis=1), "float32")

    right, down = column - left, row - top  # weights in [0, 1)
    above, below = neighbour(0), neighbour(stride)
    above = above + (neighbour(1) - above) * right
    below = below + (neighbour(stride + 1) - below) * right
    return ops.reshape(above + (below - above) * down, (-1, height, width, 1))


def affine(images, seed, strength: float = 1.0):
    """Distort each image by a transform of its own, as Koch et al. (2015, section 3.2) do.

    Parameters
    ----------
    images : array, list or tensor (n, height, width, 1)
        Ink 1 on paper 0, as numbers of any type. A NumPy array or a list is transformed by a
        compiled function and comes back as a NumPy array. A tensor comes back as one; inside a
        compiled function, this becomes part of it.
    seed : what ``numpy.random.default_rng`` takes, or keras.random.SeedGenerator
        As for :func:`draw_parameters`; ``[seed, epoch, index]`` for a batch that depends on
        nothing else.
    strength : float in [0, 2]
        The parameters reach this many times as far from neutral as the paper's.

    Returns
    -------
    float32 array or tensor (n, height, width, 1)

    Raises
    ------
    ValueError
        If the images are not of this shape, or for another strength.

    Examples
    --------
    Two images of one bar are distorted each by itself; the same seed does the same again:

    >>> bars = np.zeros((2, 15, 15, 1), "uint8")
    >>> bars[:, 3:12, 7] = 1
    >>> once, again = affine(bars, seed=[0, 1, 2]), affine(bars, seed=[0, 1, 2])
    >>> once.dtype, bool((once == again).all()), bool((once[0] == once[1]).all())
    (dtype('float32'), True, False)
    """
    if isinstance(images, list | tuple):
        images = np.asarray(images)
    if len(images.shape) != 4 or images.shape[3] != 1:
        raise ValueError(
            f"images have shape {tuple(images.shape)}; expected (n, height, width, 1). "
            "Transform the channels of a colour image one by one with the same matrices."
        )
    check_strength(strength)
    chance = _draw(ops.shape(images)[0], seed)
    if not isinstance(images, np.ndarray):
        return _affine(images, chance, strength)
    # Bytes are sent to the device as they are. Of all other types float32 is made here, as not
    # every backend has them.
    if images.dtype != np.uint8:
        images = images.astype("float32", copy=False)
    model = _compiled(images.shape[1:], images.dtype.name, strength)
    return model.predict_on_batch([images, ops.convert_to_numpy(chance)])


def _affine(images, chance, strength):
    return apply_affine(images, affine_matrices(_parameters(chance, strength)))


class _AffineLayer(keras.layers.Layer):
    def __init__(self, strength, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength

    def call(self, inputs):
        return _affine(*inputs, self.strength)


@functools.cache
def _compiled(shape: tuple[int, int, int], dtype: str, strength: float) -> keras.Model:
    """Images and drawn numbers to images, as a model, which Keras compiles on every backend."""
    inputs = [keras.Input(shape, dtype=dtype), keras.Input((14,), dtype="float32")]
    # float32 whatever the policy: bfloat16 has eight bits, too few for a coordinate.
    model = keras.Model(inputs, _AffineLayer(strength, dtype="float32")(inputs))
    model.compile(jit_compile=JIT_COMPILE)
    return model
