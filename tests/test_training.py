"""The metric that reads distances the right way round, and quiet progress."""

import keras
import numpy as np
import pytest

from siamese_utils.training import PairAccuracy, Progress

pytestmark = pytest.mark.backend


@pytest.mark.parametrize(
    ("same", "distance", "expected"),
    [
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], 1.0),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.0),  # Keras' own accuracy would say 1
        ([1, 1, 0, 0], [0.1, 0.7, 0.3, 0.9], 0.5),
        ([1, 0], [0.5, 0.5], 0.5),  # at the threshold means different
    ],
)
def test_pair_accuracy_by_hand(same, distance, expected):
    metric = PairAccuracy(0.5)
    metric.update_state(np.array(same, "float32"), np.array(distance, "float32"))
    assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(expected)


def test_pair_accuracy_averages_over_batches():
    metric = PairAccuracy(1.0)
    metric.update_state(np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.5]))
    metric.update_state(np.array([1.0]), np.array([2.0]))
    assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("n_epochs", "reported"),
    [(1, [1]), (5, [1, 2, 3, 4, 5]), (20, [4, 8, 12, 16, 20]), (7, [2, 4, 6, 7])],
)
def test_progress_prints_about_five_lines(n_epochs, reported, capsys):
    progress = Progress()
    progress.set_params({"epochs": n_epochs})
    for epoch in range(n_epochs):
        progress.on_epoch_end(epoch, {"loss": 0.5})
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1].split("/")[0]) for line in lines] == reported
    assert all(line.endswith("loss 0.5000") for line in lines)
