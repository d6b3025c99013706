"""Metrics behind an encoder: active triplets and the mean distance of a batch."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest

from siamese_utils.losses import TripletLoss
from siamese_utils.training import ActiveTriplets, MeanDistance

pytestmark = pytest.mark.backend

LABELS = np.array([0, 1, 2, 0, 3, 1, 4, 0, 1, 0])


def result(metric, *batches):
    for labels, points in batches:
        metric.update_state(np.array(labels), np.array(points, "float32"))
    return float(keras.ops.convert_to_numpy(metric.result()))


def points(seed, n=10):
    return np.random.default_rng(seed).normal(size=(n, 3)) / 2


def active_by_loop(labels, points, margin):
    found = [
        np.linalg.norm(points[a] - points[p]) + margin > np.linalg.norm(points[a] - points[n])
        for a, p, n in itertools.permutations(range(len(labels)), 3)
        if labels[a] == labels[p] != labels[n]
    ]
    return np.mean(found)


class TestActiveTriplets:
    @pytest.mark.parametrize(("margin", "expected"), [(0.2, 0.5), (0.6, 1.0)])
    def test_by_hand(self, margin, expected):
        """0 and 0.5 of one class, 1 of another: the negative is farther by 0.5, and by 0."""
        found = result(ActiveTriplets(margin), ([0, 0, 1], [[0.0], [0.5], [1.0]]))
        assert found == expected

    @pytest.mark.parametrize("margin", [0.01, 0.2, 1.0])
    def test_equals_a_loop(self, margin):
        expected = active_by_loop(LABELS, points(0), margin)
        assert 0 < expected < 1
        found = result(ActiveTriplets(margin), (LABELS, points(0)))
        assert found == pytest.approx(expected, abs=1e-6)

    def test_mean_of_batches_that_have_a_triplet(self):
        """The second has none. The third, with fewer triplets, counts as much as the first."""
        third = [0, 0, 1, 1]
        batches = (LABELS, points(0)), ([0, 1, 2], points(1, 3)), (third, points(2, 4))
        shares = [active_by_loop(*batches[i], 0.2) for i in (0, 2)]
        found = result(ActiveTriplets(0.2), *batches)
        assert found == pytest.approx(np.mean(shares), abs=1e-6)

    def test_all_are_active_after_a_collapse(self):
        assert result(ActiveTriplets(), (LABELS, np.full((10, 3), 0.5))) == 1.0

    def test_labels_may_be_a_column(self):
        expected = result(ActiveTriplets(), (LABELS, points(0)))
        assert result(ActiveTriplets(), (LABELS[:, None], points(0))) == expected

    def test_refuses_a_margin_that_is_not_positive(self):
        with pytest.raises(ValueError, match=r"margin is 0; expected a positive"):
            ActiveTriplets(0)

    def test_survives_its_config(self):
        again = keras.metrics.deserialize(keras.metrics.serialize(ActiveTriplets(0.7)))
        assert isinstance(again, ActiveTriplets)
        assert (again.margin, again.name) == (0.7, "active_triplets")


class TestMeanDistance:
    def test_by_hand(self):
        found = result(MeanDistance(), ([0, 0, 1], [[0.0], [1.0], [3.0]]))
        assert found == pytest.approx(2.0, abs=1e-5)

    def test_mean_of_batches_of_two_or_more(self):
        """2 from the first and 5 from the last; one image has no distance."""
        batches = ([0, 0, 1], [[0], [1], [3]]), ([4], [[7]]), ([1, 1], [[1], [6]])
        assert result(MeanDistance(), *batches) == pytest.approx(3.5, abs=1e-5)

    def test_near_zero_after_a_collapse(self):
        assert result(MeanDistance(), (LABELS, np.full((10, 3), 0.5))) < 0.001

    def test_survives_its_config(self):
        again = keras.metrics.deserialize(keras.metrics.serialize(MeanDistance()))
        assert isinstance(again, MeanDistance)
        assert again.name == "mean_distance"


@pytest.mark.slow
def test_in_fit_they_start_anew_in_every_epoch():
    """With weights that do not move, every epoch gives the mean over its batches."""
    encoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    metrics = [ActiveTriplets(0.3), MeanDistance()]
    encoder.compile(keras.optimizers.SGD(0.0), TripletLoss(), metrics=metrics)
    x = points(0, 16).astype("float32")
    labels = np.arange(16) % 3
    history = encoder.fit(x, labels, batch_size=8, shuffle=False, epochs=2, verbose=0).history
    batches = [(labels[i : i + 8], encoder.predict(x[i : i + 8], verbose=0)) for i in (0, 8)]
    active = np.mean([active_by_loop(*batch, 0.3) for batch in batches])
    gaps = [
        np.mean([np.linalg.norm(a - b) for a, b in itertools.combinations(z, 2)])
        for _, z in batches
    ]
    np.testing.assert_allclose(history["active_triplets"], [active, active], atol=1e-5)
    np.testing.assert_allclose(history["mean_distance"], [np.mean(gaps)] * 2, rtol=1e-4)


def test_sample_weights_are_refused():
    with pytest.raises(ValueError, match="mean_distance got sample weights; expected none"):
        MeanDistance().update_state(LABELS, points(0), sample_weight=np.ones(10))


LOAD = """
import sys
import numpy as np
import siamese_utils.losses, siamese_utils.training
import keras
encoder = keras.saving.load_model(sys.argv[1])
batch = np.load(sys.argv[2])
found = encoder.evaluate(batch["x"], batch["y"], verbose=0, return_dict=True)
np.savez(sys.argv[3], **found)
"""


@pytest.mark.nightly
def test_saved_encoder_loads_with_loss_and_metrics_in_a_fresh_process(tmp_path):
    encoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    loss = TripletLoss("batch_hard", "softplus", 0.7)
    encoder.compile("sgd", loss, metrics=[ActiveTriplets(0.1), MeanDistance()])
    x = points(0).astype("float32")
    expected = encoder.evaluate(x, LABELS, verbose=0, return_dict=True)
    encoder.save(tmp_path / "model.keras")
    np.savez(tmp_path / "batch.npz", x=x, y=LABELS)
    paths = [str(tmp_path / name) for name in ("model.keras", "batch.npz", "found.npz")]
    subprocess.run([sys.executable, "-c", LOAD, *paths], check=True)
    found = np.load(tmp_path / "found.npz")
    assert set(found) == set(expected) == {"loss", "active_triplets", "mean_distance"}
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, rel=1e-5)
