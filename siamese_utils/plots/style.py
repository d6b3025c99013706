"""The look that all figures share: the same thing has the same colour in the whole book."""

import matplotlib.pyplot as plt

# Okabe and Ito's colours, which stay apart for colour-blind readers.
SAME = "#0072B2"  # blue
DIFFERENT = "#D55E00"  # vermilion
GREY = "#666666"
CLASS_COLORS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#CC79A7",
    "#0072B2", "#D55E00", "#8C6D31", "#999999", "#7A4FBF",
)  # fmt: skip


def use_style() -> None:
    """Set the book's figure style: legible at page width, white paper in dark mode too.

    It changes Matplotlib's settings until the process ends, or, as here, to the end of an
    ``rc_context``.

    Examples
    --------
    >>> with plt.rc_context():
    ...     use_style()
    ...     plt.rcParams["figure.facecolor"], plt.rcParams["image.cmap"]
    ('white', 'gray_r')
    """
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.2),
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "font.size": 10,
            "legend.frameon": False,
            "image.cmap": "gray_r",  # ink = 1 is drawn black
            "image.interpolation": "nearest",
        }
    )
