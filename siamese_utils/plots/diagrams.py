"""What the book explains, drawn: a Siamese and a triplet network, and an N-way trial."""
# mypy: disable-error-code="misc,call-arg"

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import DIFFERENT, GREY, SAME

# Of a box's inside; the text on it is black.
FILLED, PLAIN = "#DCEBF5", "white"


# What stands behind the two embeddings: boxes from left to right, the result, and their name.
KOCH_HEAD = ("$|h_1 - h_2|$", r"$\sigma(\Sigma\,\alpha_j\cdot)$"), "$p$(same)", "the head"
DISTANCE = (r"$\Vert z_1 - z_2\Vert$",), "distance $d$", ""


def siamese_diagram(left: np.ndarray, right: np.ndarray, koch: bool = True) -> Figure:
    """Draw a Siamese network around two images: one encoder used twice, and what follows it.

    Parameters
    ----------
    left, right : array (height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black, after :func:`use_style`.
    koch : bool
        Whether Koch's head follows, which gives a probability, or the Euclidean distance.
        Defaults to True.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = siamese_diagram(np.zeros((5, 5, 1)), np.ones((5, 5, 1)))
    >>> [text.get_text() for text in figure.axes[0].texts].count("encoder")
    2
    >>> plt.close(figure)
    """
    boxes, result, title = KOCH_HEAD if koch else DISTANCE
    names = ("$h_1$", "$h_2$") if koch else ("$z_1$", "$z_2$")
    figure, axis = plt.subplots(figsize=(6.0, 3.6))
    axis.set(xlim=(0, 10), ylim=(0, 6.2), aspect="equal")
    axis.set_axis_off()
    for y, image, name in ((4.7, left, names[0]), (1.5, right, names[1])):
        _branch(axis, y, image)
        _arrow(axis, (4.65, y), (6.0, 3.1 + 0.35 * np.sign(y - 3.1)))
        axis.text(5.35, y - 0.3 * np.sign(y - 3.1), name, ha="left", va="center", fontsize=12)
    axis.set(xlim=(-0.1, 10.1), ylim=(0, 6.2))
    _shared(axis, 2.1, 4.1)
    for k, text in enumerate(boxes):
        _box(axis, (6.7 + 2.05 * k, 3.1), (1.5, 0.9), text, PLAIN)
        if k:
            _arrow(axis, (5.45 + 2.05 * k, 3.1), (5.95 + 2.05 * k, 3.1))
    if koch:
        _arrow(axis, (8.75, 2.6), (8.75, 1.9))
        axis.text(8.75, 1.55, result, ha="center", va="center", fontsize=12)
    else:
        _arrow(axis, (7.5, 3.1), (8.0, 3.1))
        axis.text(8.1, 3.1, result, ha="left", va="center", fontsize=12)
    axis.text(7.75, 4.0, title, ha="center", va="center", color=GREY)
    return figure


def triplet_diagram(anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> Figure:
    """Draw a triplet network around three images: one encoder used three times, two distances.

    Parameters
    ----------
    anchor, positive, negative : array (height, width, channels)
        As for :func:`siamese_diagram`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = triplet_diagram(*np.zeros((3, 5, 5, 1)))
    >>> [text.get_text() for text in figure.axes[0].texts].count("encoder")
    3
    >>> plt.close(figure)
    """
    figure, axis = plt.subplots(figsize=(6.4, 4.4))
    axis.set(xlim=(0, 11), ylim=(0, 7.6), aspect="equal")
    axis.set_axis_off()
    rows = ((6.5, positive, "positive"), (3.8, anchor, "anchor"), (1.1, negative, "negative"))
    for y, image, name in rows:
        _branch(axis, y, image)
        axis.text(-0.2, y, name, ha="right", va="center", color=GREY)
    axis.set(xlim=(-1.9, 10.6), ylim=(0, 7.6))
    _shared(axis, 1.7, 3.2)
    _shared(axis, 4.4, 5.9, text="")
    for y, other, color, name in (
        (5.2, 6.5, SAME, "$d(a, p)$"),
        (2.4, 1.1, DIFFERENT, "$d(a, n)$"),
    ):
        for end in (3.8, other):
            _arrow(axis, (4.65, end), (5.95, y + 0.25 * np.sign(end - y)))
        _box(axis, (6.8, y), (1.7, 0.9), name, PLAIN, edge=color)
        _arrow(axis, (7.7, y), (8.3, 3.8 + 0.25 * np.sign(y - 3.8)))
    axis.text(8.4, 3.8, "$d(a, p) + m$\n$\\leq d(a, n)$?", ha="left", va="center", fontsize=12)
    return figure


def show_trial(
    query: np.ndarray,
    supports: Sequence[np.ndarray],
    titles: Sequence[str] = (),
    marked: dict[int, str] | None = None,
) -> Figure:
    """Draw an N-way trial: the query on the left, the support images in rows of five.

    Parameters
    ----------
    query : array (height, width, channels)
    supports : N such arrays
        In [0, 1]; one channel is drawn with ink = 1 as black, after :func:`use_style`.
    titles : N strings
        Above the support images, such as their scores. By default none.
    marked : mapping from a support's number to a colour
        Frames of this colour. By default all frames are thin and grey.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are titles, but not one for each support image.

    Examples
    --------
    Four ways, with the third support image marked:

    >>> images = np.zeros((5, 6, 6, 1))
    >>> figure = show_trial(images[0], images[1:], titles=list("abcd"), marked={2: SAME})
    >>> [axis.get_title() for axis in figure.axes]
    ['query', 'a', 'b', 'c', 'd']
    >>> plt.close(figure)
    """
    if titles and len(titles) != len(supports):
        raise ValueError(f"{len(titles)} titles for {len(supports)} support images")
    n_columns = min(5, len(supports))
    n_rows = -(-len(supports) // n_columns)
    height = (1.05 if titles else 0.9) * n_rows + 0.2
    figure = plt.figure(figsize=(6.4, max(1.7, height)))
    left, right = figure.subfigures(1, 2, width_ratios=(1.5, n_columns))
    axis = left.subplots()
    axis.set_title("query", color=DIFFERENT)
    axes = right.subplots(n_rows, n_columns, squeeze=False).ravel()
    for axis_of_image, image in zip([axis, *axes], [query, *supports], strict=False):
        axis_of_image.imshow(image, vmin=0, vmax=1)
        axis_of_image.spines[:].set(visible=True, color=GREY)
    for each in [axis, *axes]:
        each.set(xticks=[], yticks=[])
    for each in axes[len(supports) :]:
        each.set_axis_off()
    for each, title in zip(axes, titles, strict=False):
        each.set_title(title, fontsize=9)
    for number, color in (marked or {}).items():
        axes[number].spines[:].set(color=color, linewidth=3)
    return figure


def _branch(axis: Axes, y: float, image: np.ndarray) -> None:
    """An image on the left, and the encoder that reads it."""
    axis.imshow(image, extent=(0, 1.9, y - 0.95, y + 0.95), vmin=0, vmax=1, zorder=2)
    axis.add_patch(plt.Rectangle((0, y - 0.95), 1.9, 1.9, fill=False, color=GREY))
    _arrow(axis, (1.95, y), (2.55, y))
    _box(axis, (3.6, y), (2.0, 1.1), "encoder", FILLED)


def _shared(axis: Axes, low: float, high: float, text: str = "same\nweights") -> None:
    """A double arrow between two encoders."""
    axis.annotate("", (3.6, low), (3.6, high), arrowprops=_line("<->", SAME))
    axis.text(3.45, (low + high) / 2, text, ha="right", va="center", color=SAME)


def _box(axis: Axes, center, size, text: str, color: str, edge: str = "black") -> None:
    corner = (center[0] - size[0] / 2, center[1] - size[1] / 2)
    axis.add_patch(plt.Rectangle(corner, *size, facecolor=color, edgecolor=edge, zorder=2))
    axis.text(*center, text, ha="center", va="center", fontsize=12, zorder=3)


def _arrow(axis: Axes, start, end) -> None:
    axis.annotate("", end, start, arrowprops=_line("->", "black"))


def _line(style: str, color: str) -> dict:
    return {"arrowstyle": style, "color": color, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
