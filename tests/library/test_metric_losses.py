"""Multi-similarity, ArcFace with its proxies, and the hardest negatives: values by loops."""

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import models
from siamese_utils.losses import ArcFaceLoss, InBatchContrastiveLoss, MultiSimilarityLoss

pytestmark = pytest.mark.backend

# All of ten images, as JAX compiles every operation anew for every shape.
BATCHES = {
    "uneven": [0, 1, 2, 0, 3, 1, 4, 0, 1, 0],
    "pairs": [3, 1, 2, 1, 3, 2, 7, 8, 8, 7],
    "one other": [5, 5, 5, 5, 9, 5, 5, 5, 5, 5],
}


def number(tensor):
    return float(keras.ops.convert_to_numpy(tensor))


def unit_vectors(seed, n=10, dim=3):
    points = np.random.default_rng(seed).normal(size=(n, dim))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype("float32")


class TestMultiSimilarity:
    def by_loop(self, labels, points, alpha=2.0, beta=50.0, base=0.5, epsilon=0.1):
        """Equations 11, 12 and 15 of Wang et al., image by image."""
        similarity = np.asarray(points, float) @ np.asarray(points, float).T
        total = 0.0
        for i, label in enumerate(labels):
            same = [similarity[i, j] for j, k in enumerate(labels) if k == label and j != i]
            other = [similarity[i, j] for j, k in enumerate(labels) if k != label]
            if not same or not other:
                continue
            pushed = [s for s in other if s > min(same) - epsilon]
            pulled = [s for s in same if s < max(other) + epsilon]
            total += np.log1p(sum(np.exp(-alpha * (s - base)) for s in pulled)) / alpha
            total += np.log1p(sum(np.exp(beta * (s - base)) for s in pushed)) / beta
        return total / len(labels)

    @pytest.mark.parametrize("options", [{}, {"alpha": 1.0, "beta": 10.0, "base": 0.2}])
    def test_equals_a_loop(self, options):
        for seed, labels in enumerate(BATCHES.values()):
            points = unit_vectors(seed)
            found = number(MultiSimilarityLoss(**options)(np.array(labels), points))
            assert found == pytest.approx(self.by_loop(labels, points, **options), rel=1e-4)

    def test_what_is_well_apart_is_not_mined(self):
        points = np.repeat(np.eye(5, dtype="float32"), 2, axis=0)
        assert number(MultiSimilarityLoss()(np.repeat(np.arange(5), 2), points)) == 0.0

    @pytest.mark.parametrize("labels", [[0] * 10, list(range(10))], ids=["one", "ten"])
    def test_no_negatives_or_no_partners_no_loss(self, labels):
        assert number(MultiSimilarityLoss()(np.array(labels), unit_vectors(0))) == 0.0

    def test_gradient_is_finite_for_equal_images(self):
        points = np.tile(np.float32([[0.6, 0.8, 0.0]]), (10, 1))
        labels = keras.ops.convert_to_tensor(np.array(BATCHES["pairs"]))
        assert np.isfinite(gradient(lambda z: MultiSimilarityLoss()(labels, z), points)).all()

    @pytest.mark.parametrize("name", ["alpha", "beta"])
    def test_refuses_a_factor_that_is_not_positive(self, name):
        with pytest.raises(ValueError, match=f"{name} is 0; expected a positive number"):
            MultiSimilarityLoss(**{name: 0})

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(MultiSimilarityLoss(1, 20, 0.4)))
        assert (again.alpha, again.beta, again.base, again.epsilon) == (1, 20, 0.4, 0.1)


class TestArcFace:
    COSINES = np.float32([[0.9, 0.2, -0.5], [-0.99, 0.3, 0.1], [0.0, 1.0, -1.0]])
    LABELS = np.array([0, 0, 1])

    def by_loop(self, scale, margin):
        total = 0.0
        for cosines, label in zip(self.COSINES.astype(float), self.LABELS, strict=True):
            angle = np.arccos(cosines[label])
            right = np.cos(angle + margin)
            if angle + margin > np.pi:
                right = cosines[label] - margin * np.sin(margin)
            logits = scale * np.where(np.arange(3) == label, right, cosines)
            total += np.log(np.exp(logits).sum()) - logits[label]
        return total / 3

    @pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
    @pytest.mark.parametrize("scale", [1.0, 16.0])
    def test_equals_a_loop(self, scale, margin):
        found = number(ArcFaceLoss(scale, margin)(self.LABELS, self.COSINES))
        assert found == pytest.approx(self.by_loop(scale, margin), abs=2e-3)

    def test_falls_with_the_right_cosine_everywhere(self):
        """Also where the enlarged angle passes pi, from where cos(angle + margin) would rise."""
        right = np.linspace(-0.999, 0.999, 50).astype("float32")
        cosines = np.stack([right, np.zeros(50, "float32")], axis=1)
        loss = ArcFaceLoss(10.0, 0.5, reduction="none")
        values = keras.ops.convert_to_numpy(loss(np.zeros(50, int), cosines))
        assert (np.diff(values) < 0).all()

    def test_gradient_is_finite_where_an_image_lies_on_its_proxy(self):
        labels = keras.ops.convert_to_tensor(self.LABELS)
        slope = gradient(lambda cosines: ArcFaceLoss()(labels, cosines), self.COSINES)
        assert np.isfinite(slope).all()
        assert slope[0, 0] < 0 < slope[0, 1]

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0, 3, 1], r"hold 3.*whole numbers from 0 to 2"),
            ([0, -1, 1], r"hold -1.*whole numbers from 0 to 2"),
            ([0, 0.5, 1], r"hold 0\.5.*whole numbers from 0 to 2"),
            (np.eye(3), r"shape \(3, 3\).*argmax"),
        ],
    )
    def test_refuses_labels_that_are_no_columns(self, labels, message):
        with pytest.raises(ValueError, match=message):
            ArcFaceLoss()(np.array(labels), self.COSINES)

    def test_a_column_of_labels_is_one_label_for_each_image(self):
        values = [number(ArcFaceLoss()(labels, self.COSINES)) for labels in
                  (self.LABELS, self.LABELS[:, None])]  # fmt: skip
        assert values[0] == values[1]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"scale": 0}, "scale is 0; expected a positive"),
            ({"margin": -0.1}, "margin is -0.1; expected an angle"),
            ({"margin": 4}, "margin is 4; expected an angle"),
        ],
    )
    def test_refuses_numbers_out_of_range(self, options, message):
        with pytest.raises(ValueError, match=message):
            ArcFaceLoss(**options)

    def test_refuses_weights_of_images(self):
        with pytest.raises(ValueError, match="sample weights"):
            ArcFaceLoss()(self.LABELS, self.COSINES, sample_weight=np.ones(3))

    @pytest.mark.slow
    def test_trains_an_encoder_behind_proxies(self):
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(60) % 3
        points = rng.normal(size=(60, 2)).astype("float32")
        points += 4 * np.float32([[1, 0], [-1, 1], [-1, -1]])[labels]
        encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        network = keras.Sequential([encoder, models.Proxies(3)])
        # The backends draw other weights; the proxies begin in no good order.
        network.set_weights([np.eye(2), np.zeros(2), np.array([[0, 1], [1, 0], [-1, 0]])])
        network.compile(keras.optimizers.Adam(0.05), ArcFaceLoss(8.0, 0.2))
        network.fit(points, labels, epochs=40, verbose=0)
        found = keras.ops.convert_to_numpy(network(points)).argmax(axis=1)
        assert (found == labels).mean() > 0.95

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(ArcFaceLoss(20.0, 0.3)))
        assert (again.scale, again.margin) == (20.0, 0.3)


class TestProxies:
    def test_cosines_do_not_depend_on_lengths(self):
        layer = models.Proxies(4)
        points = unit_vectors(0)
        cosines = [keras.ops.convert_to_numpy(layer(c * points)) for c in (1, 7)]
        np.testing.assert_allclose(cosines[0], cosines[1], atol=1e-6)
        assert cosines[0].shape == layer.compute_output_shape(points.shape) == (10, 4)
        proxies = layer.get_weights()[0]
        expected = points @ (proxies / np.linalg.norm(proxies, axis=1, keepdims=True)).T
        np.testing.assert_allclose(cosines[0], expected, atol=1e-6)

    def test_survives_its_file(self, tmp_path):
        network = keras.Sequential([keras.Input((3,)), models.Proxies(4)])
        network.save(tmp_path / "network.keras")
        again = keras.saving.load_model(tmp_path / "network.keras")
        points = unit_vectors(1)
        np.testing.assert_array_equal(
            network.predict(points, verbose=0), again.predict(points, verbose=0)
        )


class TestHardestNegatives:
    @staticmethod
    def by_loop(labels, points, margin):
        distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
        pulled = [
            distance[i, j] ** 2
            for i, a in enumerate(labels)
            for j, b in enumerate(labels)
            if a == b and i != j
        ]
        pushed = []
        for i, a in enumerate(labels):
            others = [distance[i, j] for j, b in enumerate(labels) if b != a]
            pushed += [max(margin - min(others), 0) ** 2] if others else []
        return (np.mean(pulled or [0]) + np.mean(pushed or [0])) / 2

    @pytest.mark.parametrize("margin", [0.5, 2.0])
    def test_equals_a_loop(self, margin):
        for seed, labels in enumerate(BATCHES.values()):
            points = unit_vectors(seed)
            found = number(InBatchContrastiveLoss(margin, hardest=True)(np.array(labels), points))
            assert found == pytest.approx(self.by_loop(labels, points, margin), rel=1e-3)

    def test_without_negatives_only_the_pulls_remain(self):
        labels, points = [0] * 10, unit_vectors(0)
        found = number(InBatchContrastiveLoss(1.0, hardest=True)(np.array(labels), points))
        assert found == pytest.approx(self.by_loop(labels, points, 1.0), rel=1e-3)

    def test_only_the_nearest_is_pushed(self):
        """An image at 0; others at 0.2, whose place matters, and at 0.5, whose does not."""
        labels = keras.ops.convert_to_tensor(np.array([0, 1, 2]))
        points = np.float32([[0.0], [0.2], [-0.5]])
        slope = gradient(lambda z: InBatchContrastiveLoss(1.0, hardest=True)(labels, z), points)
        # The third pushes the first, its nearest; the second and the first push each other.
        expected = np.array([2 * (2 * 0.8) - 2 * 0.5, -2 * (2 * 0.8), 2 * 0.5]) / 6
        np.testing.assert_allclose(slope[:, 0], expected, atol=1e-3)
