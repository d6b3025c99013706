"""What the curves draw, on a canvas without a screen."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from siamese_utils import evaluation, plots


@pytest.fixture
def axis():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


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
