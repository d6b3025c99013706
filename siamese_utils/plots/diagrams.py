"""What the book explains, drawn: a Siamese network, and an N-way trial."""
# mypy: disable-error-code="misc,call-arg"

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import DIFFERENT, GREY, SAME

# Of a box's inside; the text on it is black.
FILLED, PLAIN = "#DCEBF5", "white"


def siamese_diagram(left: np.ndarray, right: np.ndarray) -> Figure:
    """Draw Koch's network around two images: one encoder used twice, and the head.

    Parameters
    ----------
    left, right : array (height, width, channels)
        In [0, 1]; one channel is drawn with ink = 1 as black, after :func:`use_style`.

    Returns
    -------
    Figure

    Examples
    --------
    >>> figure = siamese_diagram(np.zeros((5, 5, 1)), np.ones((5, 5, 1)))
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_text()][:2]
    ['encoder', 'encoder']
    >>> plt.close(figure)
    """
    figure, axis = plt.subplots(figsize=(6.0, 3.6))
    axis.set(xlim=(0, 10), ylim=(0, 6.2), aspect="equal")
    axis.set_axis_off()
    for y, image in ((4.7, left), (1.5, right)):
        axis.imshow(image, extent=(0, 1.9, y - 0.95, y + 0.95), vmin=0, vmax=1, zorder=2)
        axis.add_patch(plt.Rectangle((0, y - 0.95), 1.9, 1.9, fill=False, color=GREY))
        _arrow(axis, (1.95, y), (2.55, y))
        _box(axis, (3.6, y), (2.0, 1.1), "encoder", FILLED)
    axis.set(xlim=(-0.1, 10.1), ylim=(0, 6.2))
    for y, name in ((4.7, "$h_1$"), (1.5, "$h_2$")):
        _arrow(axis, (4.65, y), (6.0, 3.1 + 0.35 * np.sign(y - 3.1)))
        axis.text(5.35, y - 0.3 * np.sign(y - 3.1), name, ha="left", va="center", fontsize=12)
    axis.annotate("", (3.6, 2.1), (3.6, 4.1), arrowprops=_line("<->", SAME))
    axis.text(3.45, 3.1, "same\nweights", ha="right", va="center", color=SAME)
    _box(axis, (6.7, 3.1), (1.5, 0.9), "$|h_1 - h_2|$", PLAIN)
    _arrow(axis, (7.5, 3.1), (8.0, 3.1))
    _box(axis, (8.75, 3.1), (1.4, 0.9), r"$\sigma(\Sigma\,\alpha_j\cdot)$", PLAIN)
    _arrow(axis, (8.75, 2.6), (8.75, 1.9))
    axis.text(8.75, 1.55, "$p$(same)", ha="center", va="center", fontsize=12)
    axis.text(7.75, 4.0, "the head", ha="center", va="center", color=GREY)
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
        Frames of this color. By default all frames are thin and grey.

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


def _box(axis: Axes, center, size, text: str, color: str) -> None:
    corner = (center[0] - size[0] / 2, center[1] - size[1] / 2)
    axis.add_patch(plt.Rectangle(corner, *size, facecolor=color, edgecolor="black", zorder=2))
    axis.text(*center, text, ha="center", va="center", fontsize=12, zorder=3)


def _arrow(axis: Axes, start, end) -> None:
    axis.annotate("", end, start, arrowprops=_line("->", "black"))


def _line(style: str, color: str) -> dict:
    return {"arrowstyle": style, "color": color, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
