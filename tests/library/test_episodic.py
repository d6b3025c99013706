"""Matching and prototypical networks as losses: by hand, against a loop, at the edges."""

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils.losses import EpisodicLoss
from siamese_utils.losses.episodic import EPISODES
from siamese_utils.sampling import ClassBatches

pytestmark = pytest.mark.backend

N_WAY, N_IMAGES = 5, 4


def loss(points, form, n_images=N_IMAGES, n_shot=1, temperature=1.0):
    points = np.array(points, "float32")
    labels = np.arange(len(points)) // n_images
    value = EpisodicLoss(form, n_shot, temperature)(labels, points)
    return float(keras.ops.convert_to_numpy(value))


def slope(points, form, n_images=N_IMAGES, n_shot=1, temperature=1.0):
    points = np.array(points, "float32")
    labels = keras.ops.convert_to_tensor(np.arange(len(points)) // n_images)
    chosen = EpisodicLoss(form, n_shot, temperature)
    return gradient(lambda z: chosen(labels, z), points)


@pytest.fixture
def batch():
    """Unit vectors of five classes, four of each in a row."""
    points = np.random.default_rng(0).normal(size=(N_WAY * N_IMAGES, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def by_loop(points, form, n_shot, temperature):
    """The papers' formulas, query by query and class by class."""
    classes = points.reshape(N_WAY, N_IMAGES, -1)
    terms = []
    for own in range(N_WAY):
        for query in classes[own, n_shot:]:
            weights = []
            for other in range(N_WAY):
                support = classes[other, :n_shot]
                if form == "matching":
                    weights.append(sum(np.exp(query @ image / temperature) for image in support))
                else:
                    distance = np.sum((query - support.mean(axis=0)) ** 2)
                    weights.append(np.exp(-distance / temperature))
            terms.append(-np.log(weights[own] / sum(weights)))
    return np.mean(terms)


def test_matching_by_hand():
    """Two support images each. The query of the first class is at similarity 1 and 0 to its own
    and -1 and 0 to the others: its class has the share (e + 1) / (e + 1 + 1 / e + 1), which is
    e / (e + 1). So has that of the second class.
    """
    points = [[1, 0], [0, 1], [1, 0], [-1, 0], [0, -1], [-1, 0]]
    found = loss(points, "matching", n_images=3, n_shot=2)
    assert found == pytest.approx(np.log(1 + np.exp(-1)), abs=1e-6)


def test_prototypical_by_hand():
    """Prototypes at 1 and 5. The queries 1 and 4 are 0 and 1 from their own, squared, and 16 and
    9 from the other: by temperature 8 that costs log(1 + exp(-2)) and log(1 + exp(-1)).
    """
    points = [[0], [2], [1], [4], [6], [4]]
    found = loss(points, "prototypical", n_images=3, n_shot=2, temperature=8.0)
    assert found == pytest.approx((0.126928 + 0.313262) / 2, abs=1e-6)


@pytest.mark.parametrize("form", EPISODES)
@pytest.mark.parametrize("n_shot", [1, 2, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_equals_a_loop_over_queries_and_classes(batch, form, n_shot, temperature):
    found = loss(batch, form, n_shot=n_shot, temperature=temperature)
    assert found == pytest.approx(by_loop(batch, form, n_shot, temperature), rel=1e-5)


def test_with_one_support_image_prototypical_is_matching_at_half_the_temperature(batch):
    """On the sphere a squared distance is 2 - 2 x similarity. With two images it is not so."""
    matching = loss(batch, "matching", temperature=0.1)
    assert loss(batch, "prototypical", temperature=0.2) == pytest.approx(matching, rel=1e-5)
    matching = loss(batch, "matching", n_shot=2, temperature=0.1)
    two = loss(batch, "prototypical", n_shot=2, temperature=0.2)
    assert two != pytest.approx(matching, rel=1e-2)


@pytest.mark.parametrize("form", EPISODES)
class TestOrder:
    def test_of_the_classes_does_not_matter(self, batch, form):
        classes = batch.reshape(N_WAY, N_IMAGES, 3)
        moved = classes[[3, 0, 4, 1, 2]].reshape(-1, 3)
        expected = loss(batch, form, n_shot=2, temperature=0.1)
        assert loss(moved, form, n_shot=2, temperature=0.1) == pytest.approx(expected, rel=1e-5)

    def test_within_the_support_and_within_the_queries_does_not_matter(self, batch, form):
        moved = batch.reshape(N_WAY, N_IMAGES, 3)[:, [1, 0, 3, 2]].reshape(-1, 3)
        expected = loss(batch, form, n_shot=2, temperature=0.1)
        assert loss(moved, form, n_shot=2, temperature=0.1) == pytest.approx(expected, rel=1e-5)

    def test_says_what_is_a_query(self, batch, form):
        moved = batch.reshape(N_WAY, N_IMAGES, 3)[:, [2, 3, 0, 1]].reshape(-1, 3)
        expected = loss(batch, form, n_shot=2, temperature=0.1)
        found = loss(moved, form, n_shot=2, temperature=0.1)
        assert found != pytest.approx(expected, rel=1e-2)

    def test_of_the_images_does_not_matter_where_the_labels_follow(self, batch, form):
        """As long as the support images of a class come before its queries."""
        labels = np.arange(len(batch)) // N_IMAGES
        by_place = np.argsort(np.tile(np.arange(N_IMAGES), N_WAY), kind="stable")
        rng = np.random.default_rng(1)
        shuffled = np.concatenate([rng.permutation(part) for part in np.split(by_place, 2)])
        expected = loss(batch, form, n_shot=2, temperature=0.1)
        for order in (by_place, shuffled):
            points = batch[order].astype("float32")
            found = float(EpisodicLoss(form, 2, 0.1)(labels[order], points))
            assert found == pytest.approx(expected, rel=1e-5)

    def test_other_labels_make_another_episode(self, batch, form):
        """Images of one place in their class, taken as a class of their own."""
        labels = np.arange(len(batch)) % N_WAY
        classes = np.stack([batch[labels == c] for c in range(N_WAY)])
        expected = loss(classes.reshape(-1, 3), form, n_shot=2, temperature=0.1)
        found = float(EpisodicLoss(form, 2, 0.1)(labels, batch.astype("float32")))
        assert found == pytest.approx(expected, rel=1e-5)
        assert found != pytest.approx(loss(batch, form, n_shot=2, temperature=0.1), rel=1e-2)


@pytest.mark.parametrize("form", EPISODES)
class TestUnevenClasses:
    """Classes of 4, 3, 2 and 1 images, in no order: the last one has no query, but is chosen."""

    LABELS = np.array([7, 2, 9, 7, 2, 7, 4, 2, 7, 9])

    def by_loop(self, points, form, n_shot, temperature):
        members = {c: np.flatnonzero(c == self.LABELS) for c in np.unique(self.LABELS)}
        terms = []
        for own, places in members.items():
            for query in points[places[n_shot:]]:
                weight = {}
                for other, there in members.items():
                    support = points[there[:n_shot]]
                    if form == "matching":
                        weight[other] = np.exp(support @ query / temperature).sum()
                    else:
                        squared = np.sum((query - support.mean(axis=0)) ** 2)
                        weight[other] = np.exp(-squared / temperature)
                terms.append(-np.log(weight[own] / sum(weight.values())))
        return np.mean(terms)

    @pytest.mark.parametrize("n_shot", [1, 2, 3])
    def test_equals_a_loop(self, batch, form, n_shot):
        points = batch[:10].astype("float32")
        found = float(EpisodicLoss(form, n_shot, 0.2)(self.LABELS, points))
        expected = self.by_loop(points.astype(float), form, n_shot, 0.2)
        assert found == pytest.approx(expected, rel=1e-5)

    def test_without_a_query_nothing_is_lost(self, batch, form):
        """Nor moved: each class has as many images as support images, or fewer."""
        points = batch[:10].astype("float32")
        chosen, labels = EpisodicLoss(form, 4, 0.2), keras.ops.convert_to_tensor(self.LABELS)
        assert float(chosen(labels, points)) == 0
        np.testing.assert_array_equal(gradient(lambda z: chosen(labels, z), points), 0 * points)


@pytest.mark.parametrize("form", EPISODES)
class TestEdges:
    def test_one_class_costs_nothing(self, batch, form):
        points = batch[:N_IMAGES]
        assert loss(points, form, temperature=0.01) == pytest.approx(0, abs=1e-5)
        np.testing.assert_allclose(slope(points, form, temperature=0.01), 0 * points, atol=1e-4)

    @pytest.mark.parametrize("temperature", [1.0, 0.01])
    def test_equal_images_cost_a_blind_guess(self, form, temperature):
        """A fifth for each class; each image is pulled and pushed alike."""
        points = np.tile([0.6, 0.8], (N_WAY * N_IMAGES, 1))
        options = {"n_shot": 2, "temperature": temperature}
        assert loss(points, form, **options) == pytest.approx(np.log(N_WAY), abs=1e-4)
        assert np.isfinite(slope(points, form, **options)).all()

    @pytest.mark.parametrize("temperature", [0.01, 0.0001])
    def test_low_temperature_by_hand(self, form, temperature):
        """Each query is where the other class's support is: at similarity 1 to it and -1 to its
        own, or squared distances of 0 and 4; the exponents differ by 2 / t or 4 / t.
        """
        points = [[1, 0], [-1, 0], [-1, 0], [1, 0]]
        apart = {"matching": 2, "prototypical": 4}[form] / temperature
        found = loss(points, form, n_images=2, temperature=temperature)
        assert found == pytest.approx(apart, rel=1e-6)
        assert np.isfinite(slope(points, form, n_images=2, temperature=temperature)).all()

    @pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
    def test_computed_in_float32_under_mixed_precision(self, batch, form, dtype):
        """Of the embeddings as they are rounded."""
        rounded = keras.ops.cast(batch.astype("float32"), dtype)
        labels = np.arange(len(batch)) // N_IMAGES
        found = EpisodicLoss(form, 2, 0.05)(labels, rounded)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        points = keras.ops.convert_to_numpy(keras.ops.cast(rounded, "float32")).astype(float)
        assert float(found) == pytest.approx(by_loop(points, form, 2, 0.05), rel=1e-5)


@pytest.mark.parametrize("form", EPISODES)
@pytest.mark.slow
def test_trains_an_encoder_on_class_batches(form):
    """Through Keras, whose batches have no size when the step is compiled."""
    keras.utils.set_random_seed(0)
    labels = np.arange(60) % 6
    corners = np.random.default_rng(1).normal(size=(6, 4))
    points = corners[labels] + 0.5 * np.random.default_rng(0).normal(size=(60, 4))
    points = (points - points.min()) / np.ptp(points)  # images are in [0, 1]
    batches = ClassBatches(points, labels, N_WAY, N_IMAGES, n_batches=20, seed=0)
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Rescaling(8, offset=-4)])
    encoder.add(keras.layers.Dense(3))
    encoder.add(keras.layers.UnitNormalization())
    encoder.compile(keras.optimizers.Adam(0.05), EpisodicLoss(form, 2, 0.2))
    history = encoder.fit(batches, epochs=3, verbose=0).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]


class TestRefuses:
    def test_another_form(self):
        with pytest.raises(ValueError, match=r"'relation'; expected one of matching, prototypical"):
            EpisodicLoss("relation")

    @pytest.mark.parametrize("n_shot", [-1, 0, 1.0, True, None])
    def test_episodes_without_a_support_image(self, n_shot):
        message = rf"n_shot is {n_shot}; expected a whole number of at least 1"
        with pytest.raises(ValueError, match=message):
            EpisodicLoss("matching", n_shot)

    @pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
    def test_a_temperature_that_is_not_positive(self, temperature):
        with pytest.raises(ValueError, match=rf"temperature is {temperature}.*positive"):
            EpisodicLoss("matching", 2, temperature)


def test_survives_its_config():
    loss = EpisodicLoss("prototypical", n_shot=2, temperature=0.7)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, EpisodicLoss)
    assert (again.form, again.n_shot, again.temperature) == ("prototypical", 2, 0.7)
