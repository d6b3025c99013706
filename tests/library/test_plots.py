"""What the curves draw, on a canvas without a screen."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from siamese_utils import evaluation, plots


@pytest.fixture
def axis():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def test_tiles_of_pairs_share_one_scale_of_grey():
    """A pale image stays pale beside a dark one."""
    images = np.full((4, 6, 6, 1), 0.5)
    images[:, 2, 2] = 0.6
    distances = np.linspace(0, 1, 6)
    pairs = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
    with plt.rc_context():
        plots.use_style()
        figure = plots.pairs_by_distance(images, pairs, np.arange(6) % 2, distances, 0.5)
    tiles = [box.offsetbox for box in figure.axes[0].artists]
    plt.close(figure)
    assert {(tile.image.norm.vmin, tile.image.norm.vmax) for tile in tiles} == {(0, 1)}


class TestDetCurve:
    @pytest.fixture
    def curve(self, axis):
        """From all rejected to all accepted, by way of equal errors and of 10 % against 2 %."""
        roc = evaluation.RocCurve(
            np.array([0.0, 0.05, 0.1, 1.0]), np.array([0.0, 0.95, 0.98, 1.0]), 0.9, 0.05
        )
        plots.det_curve(axis, roc, "some", "black")
        return axis.lines[0].get_xydata()

    def test_equal_errors_are_on_the_diagonal(self, axis, curve):
        """Deviates from a table of the normal distribution: 5 %, 10 % and 2 %."""
        np.testing.assert_allclose(curve[1:3], [[-1.645, -1.645], [-1.282, -2.054]], atol=1e-3)
        diagonal = axis.lines[1].get_xydata()
        np.testing.assert_array_equal(diagonal[:, 0], diagonal[:, 1])

    def test_rates_of_0_and_1_are_drawn_out_of_the_picture(self, axis, curve):
        assert np.isfinite(curve).all()
        low, high = axis.get_xlim()
        assert axis.get_ylim() == (low, high)
        assert curve[0, 0] < low  # nothing is accepted
        assert curve[0, 1] > high
        assert curve[-1, 0] > high  # nothing is rejected
        assert curve[-1, 1] < low
        axis.figure.canvas.draw()  # an infinite limit would stop it


def test_reliability_curve_draws_a_point_and_a_bar_for_each_bin(axis):
    found = evaluation.reliability([0.05, 0.15, 0.12, 0.95, 1.0], [0, 0, 1, 1, 1])
    plots.reliability_curve(axis, found, "some", "black")
    line, _, (bars,) = axis.containers[0]
    np.testing.assert_allclose(line.get_xydata(), np.stack([found.stated, found.observed], axis=1))
    assert len(line.get_xdata()) == 3  # of ten bins, seven are empty
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, np.stack([found.low, found.high], axis=1), atol=1e-12)


# Of red, green and blue by people who lack the cones for red, or those for green.
SEEN_BY = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


class TestStyle:
    @pytest.fixture(autouse=True)
    def style(self):
        with plt.rc_context():
            plots.use_style()
            yield

    def test_letters_have_nine_points_or_more_at_the_width_of_a_page(self):
        width, _ = plt.rcParams["figure.figsize"]
        assert width == 7  # inches, the width of a page's column
        for part in ("axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize",
                     "legend.fontsize"):  # fmt: skip
            assert FontProperties(size=plt.rcParams[part]).get_size_in_points() >= 9

    @pytest.mark.parametrize("seen_by", SEEN_BY.values(), ids=SEEN_BY)
    def test_colours_stay_apart_for_colour_blind_readers(self, seen_by):
        """Machado et al. (2009), on linear light: same and different, and any two classes.

        Classes may be nearer, because each is named where it is drawn.
        """

        def seen(colours):
            return np.power([to_rgb(colour) for colour in colours], 2.2) @ np.transpose(seen_by)

        same, different = seen([plots.SAME, plots.DIFFERENT])
        assert np.linalg.norm(same - different) > 0.4
        classes = seen(plots.CLASS_COLORS)
        apart = np.linalg.norm(classes[:, None] - classes, axis=-1) + np.eye(len(classes))
        assert apart.min() > 0.03

    def test_paper_is_white_so_that_a_figure_is_legible_in_the_dark(self):
        assert to_rgb(plt.rcParams["figure.facecolor"]) == (1, 1, 1)
        assert plt.rcParams["savefig.facecolor"] in ("auto", "white")
