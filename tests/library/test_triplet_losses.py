"""Losses over the triplets of a batch: hand-derived values, loops over listed triplets."""

import itertools

import keras
import numpy as np
import pytest
from gradients import gradient

from siamese_utils import losses
from siamese_utils.losses import LiftedStructureLoss, SupervisedContrastiveLoss, TripletLoss
from siamese_utils.losses.triplet_loss import MININGS

pytestmark = pytest.mark.backend

# Classes of uneven sizes, with images alone in theirs; two images in each; one class and one
# other. All of ten images, as JAX compiles every operation anew for every shape.
BATCHES = {
    "uneven": [0, 1, 2, 0, 3, 1, 4, 0, 1, 0],
    "pairs": [3, 1, 2, 1, 3, 2, 7, 8, 8, 7],
    "one other": [5, 5, 5, 5, 9, 5, 5, 5, 5, 5],
}


def number(tensor):
    return float(keras.ops.convert_to_numpy(tensor))


def value(loss, labels, points):
    return number(loss(np.array(labels), np.array(points, "float32")))


def embeddings(labels, seed=0):
    return np.random.default_rng(seed).normal(size=(len(labels), 3)).astype("float32") / 2


def cost(positive, negative, form, margin):
    """Written from the papers, with Hoffer and Ailon's softmax and both its terms."""
    if form == "hinge":
        return max(positive - negative + margin, 0.0)
    if form == "softplus":
        return float(np.log(1 + np.exp(positive - negative)))
    p = np.exp([positive, negative]) / np.sum(np.exp([positive, negative]))
    return float(np.sum((p - [0, 1]) ** 2) / 2)


def listed(labels, points):
    """All triplets: {anchor: {positive: [negative, ...]}}, and the distances."""
    points = np.asarray(points, float)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    n = range(len(labels))
    triplets = {
        a: {
            p: [k for k in n if labels[k] != labels[a]]
            for p in n
            if p != a and labels[p] == labels[a]
        }
        for a in n
    }
    return triplets, distance


def by_loop(mining, form, margin, labels, points):
    triplets, d = listed(labels, points)
    found = []
    for a, positives in triplets.items():
        chosen = []
        for p, negatives in positives.items():
            if mining == "batch_all":
                chosen += [(p, n) for n in negatives]
            elif mining == "semi_hard" and negatives:
                beyond = [n for n in negatives if d[a, n] > d[a, p]]
                n = min(beyond, key=lambda n: d[a, n]) if beyond else max(
                    negatives, key=lambda n: d[a, n]
                )  # fmt: skip
                chosen.append((p, n))
            elif mining == "batch_hard" and negatives:
                hardest = max(positives, key=lambda p: d[a, p])
                chosen = [(hardest, min(negatives, key=lambda n: d[a, n]))]
        found += [cost(d[a, p], d[a, n], form, margin) for p, n in chosen]
    if mining == "batch_all" and form == "hinge":
        found = [v for v in found if v > 0]
    return np.mean(found) if found else 0.0


class TestTriplet:
    @pytest.mark.parametrize(
        ("form", "positive", "negative", "expected"),
        [
            ("hinge", 0.5, 0.4, 0.3),
            ("hinge", 0.5, 0.7, 0.0),  # farther by just the margin
            ("hinge", 0.5, 9.0, 0.0),
            ("softplus", 0.5, 0.5, 0.693147),  # log 2
            ("softplus", 1.5, 0.5, 1.313262),  # log(1 + e)
            ("softplus", 0.5, 1.5, 0.313262),  # log(1 + 1/e)
            ("ratio", 0.5, 0.5, 0.25),  # probabilities 1/2 and 1/2
            ("ratio", np.log(3), 0.0, 0.5625),  # 3/4 and 1/4
            ("ratio", 0.0, np.log(3), 0.0625),
            ("softplus", 200.0, 0.0, 200.0),
            ("ratio", 200.0, 0.0, 1.0),
        ],
    )
    def test_by_hand(self, form, positive, negative, expected):
        found = losses.triplet(np.float32(positive), np.float32(negative), form, 0.2)
        assert number(found) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("form", losses.FORMS)
    def test_elementwise_on_any_shape(self, form):
        positive, negative = np.random.default_rng(0).uniform(0, 2, (2, 3, 4)).astype("float32")
        found = keras.ops.convert_to_numpy(losses.triplet(positive, negative, form, 0.3))
        loop = [
            [cost(p, n, form, 0.3) for p, n in zip(*rows, strict=True)]
            for rows in zip(positive, negative, strict=True)
        ]
        np.testing.assert_allclose(found, loop, rtol=1e-5, atol=1e-7)

    def test_refuses(self):
        with pytest.raises(ValueError, match="form is 'log'; expected one of hinge, softplus, rat"):
            losses.triplet(np.float32(1), np.float32(2), "log")
        with pytest.raises(ValueError, match=r"margin is 0; expected a positive distance"):
            losses.triplet(np.float32(1), np.float32(2), margin=0)


class TestTripletLoss:
    POINTS = ((0.0,), (0.5,), (0.4,), (1.1,))  # of classes 0, 0, 1, 1; see the docstring

    @pytest.mark.parametrize(
        ("mining", "margin", "expected"),
        [
            ("batch_hard", 0.2, 2.0 / 4),
            ("batch_all", 0.2, 2.6 / 6),
            ("semi_hard", 0.2, 0.6 / 4),
            ("batch_all", 0.6, (0.7 + 1 + 0.5 + 0.9 + 1.2 + 0.2 + 0.7) / 7),  # of 8
        ],
    )
    def test_by_hand(self, mining, margin, expected):
        found = value(TripletLoss(mining, margin=margin), [0, 0, 1, 1], self.POINTS)
        assert found == pytest.approx(expected, abs=1e-5)

    def test_a_negative_as_near_as_the_positive_is_not_beyond_it(self):
        """0 and 1 against -1 and 3. For 0, the negative at -1 is as near as the positive, and 3
        is taken; for 1, both are farther. -1 and 3 have none beyond 4: the farthest, 2 and 3.
        """
        found = value(TripletLoss("semi_hard", margin=0.2), [0, 0, 1, 1], [[0], [1], [-1], [3]])
        assert found == pytest.approx((0 + 0 + 2.2 + 1.2) / 4, abs=1e-5)

    @pytest.mark.parametrize("form", losses.FORMS)
    @pytest.mark.parametrize("mining", MININGS[1:])
    def test_equals_a_loop_over_listed_triplets(self, mining, form):
        for seed, labels in enumerate(BATCHES.values()):
            points = embeddings(labels, seed)
            expected = by_loop(mining, form, 0.3, labels, points)
            found = value(TripletLoss(mining, form, 0.3), labels, points)
            assert found == pytest.approx(expected, rel=1e-4), labels
            assert found > 0

    @pytest.mark.parametrize("form", losses.FORMS)
    @pytest.mark.slow
    def test_random_takes_one_listed_negative_a_pair(self, form):
        """The mean over pairs lies between those with the best and the worst negatives; it is
        one of the possible means; and images in other places draw other negatives.
        """
        labels = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]  # two ordered pairs, with eight negatives each
        points = embeddings(labels)
        triplets, d = listed(labels, points)
        choices = [
            [cost(d[a, p], d[a, n], form, 0.9) for n in negatives]
            for a, positives in triplets.items()
            for p, negatives in positives.items()
        ]
        possible = np.array([np.mean(c) for c in itertools.product(*choices)])
        found = set()
        for seed in range(30):
            order = np.random.default_rng(seed).permutation(10)
            mean = value(TripletLoss("random", form, 0.9), np.array(labels)[order], points[order])
            assert np.abs(possible - mean).min() < 1e-5
            found.add(round(mean, 5))
        assert len(found) > 10

    def test_random_draws_every_negative_alike(self):
        """Twenty images of a class in one point, and negatives at 1, 2 ... 20. Below a large
        margin the hinge is linear: it tells the mean distance of the 380 that were drawn.
        """
        labels = [0] * 20 + list(range(1, 21))
        mean = 30 - value(TripletLoss("random", margin=30), labels, [[k] for k in labels])
        assert mean == pytest.approx(10.5, abs=4 * 20 / np.sqrt(12 * 380))

    @pytest.mark.parametrize("mining", ["batch_all", "semi_hard", "batch_hard"])
    def test_order_does_not_matter(self, mining):
        labels = np.array(BATCHES["uneven"])
        points, order = embeddings(labels), np.random.default_rng(1).permutation(len(labels))
        loss = TripletLoss(mining)
        moved = value(loss, labels[order], points[order])
        assert moved == pytest.approx(value(loss, labels, points), rel=1e-4)

    @pytest.mark.parametrize("mining", MININGS)
    def test_labels_may_be_a_column_and_of_any_number_type(self, mining):
        labels = np.array(BATCHES["uneven"])
        points = embeddings(labels)
        expected = value(TripletLoss(mining), labels, points)
        for other in (labels[:, None], labels.astype("uint8"), labels.astype("float32")):
            assert value(TripletLoss(mining), other, points) == expected

    @pytest.mark.parametrize("mining", MININGS)
    @pytest.mark.parametrize("labels", [[0] * 10, list(range(10))], ids=["one", "ten"])
    def test_no_triplet_no_loss_and_no_gradient(self, mining, labels):
        """With softplus, which no triplet that is counted brings to 0."""
        loss, points = TripletLoss(mining, "softplus"), embeddings(labels)
        assert value(loss, labels, points) == 0.0
        tensor = keras.ops.convert_to_tensor(np.array(labels))
        slope = gradient(lambda z: loss(tensor, z), points)
        np.testing.assert_array_equal(slope, np.zeros_like(points))

    @pytest.mark.parametrize("mining", MININGS)
    def test_a_batch_of_one(self, mining):
        assert value(TripletLoss(mining), [7], [[0.1, 0.2, 0.3]]) == 0.0

    @pytest.mark.parametrize(
        ("mining", "form", "expected"),
        [
            ("random", "hinge", 0.2),
            ("batch_all", "hinge", 0.2),
            ("semi_hard", "softplus", np.log(2)),
            ("batch_hard", "ratio", 0.25),
        ],
    )
    def test_all_embeddings_equal(self, mining, form, expected):
        """The collapse: every triplet costs the same, and the gradient is finite."""
        loss, points = TripletLoss(mining, form), np.full((10, 3), 0.5, "float32")
        labels = BATCHES["pairs"]
        assert value(loss, labels, points) == pytest.approx(expected, abs=1e-3)
        tensor = keras.ops.convert_to_tensor(np.array(labels))
        assert np.isfinite(gradient(lambda z: loss(tensor, z), points)).all()

    @pytest.mark.parametrize(
        ("mining", "form"),
        [("batch_all", "hinge"), ("semi_hard", "ratio"), ("batch_hard", "softplus")],
    )
    def test_gradient_equals_the_loops(self, mining, form):
        """By differences of the loop; the points are in no tie."""
        labels, step = BATCHES["uneven"], 1e-5
        points = embeddings(labels, 3).astype(float)
        expected = np.zeros_like(points)
        for place in np.ndindex(points.shape):
            moved = np.zeros_like(points)
            moved[place] = step
            ends = [by_loop(mining, form, 0.3, labels, points + s * moved) for s in (1, -1)]
            expected[place] = (ends[0] - ends[1]) / (2 * step)
        tensor = keras.ops.convert_to_tensor(np.array(labels))
        loss = TripletLoss(mining, form, 0.3)
        slope = gradient(lambda z: loss(tensor, z), points.astype("float32"))
        np.testing.assert_allclose(slope, expected, atol=2e-4)

    @pytest.mark.parametrize("mining", MININGS)
    @pytest.mark.slow
    def test_trains_an_encoder_on_class_labels(self, mining):
        """Through Keras, whose batches have no size when the step is compiled."""
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(48) % 2
        points = rng.normal(size=(48, 2)).astype("float32") + 2 * labels[:, None]
        encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        encoder.compile(keras.optimizers.SGD(0.1), TripletLoss(mining, "softplus"))
        before = encoder.evaluate(points, labels, batch_size=24, verbose=0)
        encoder.fit(points, labels, batch_size=24, epochs=10, verbose=0)
        assert encoder.evaluate(points, labels, batch_size=24, verbose=0) < before - 0.02

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"mining": "hard"},
                "mining is 'hard'; expected one of random, batch_all, semi_hard, batch_hard",
            ),
            ({"form": "soft"}, "form is 'soft'; expected one of hinge, softplus, ratio"),
            ({"margin": 0}, "margin is 0; expected a positive distance"),
            ({"margin": float("nan")}, "margin is nan; expected a positive distance"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(ValueError, match=message):
            TripletLoss(**options)

    def test_survives_its_config(self):
        loss = TripletLoss("batch_hard", "ratio", 0.7)
        again = keras.losses.deserialize(keras.losses.serialize(loss))
        assert isinstance(again, TripletLoss)
        assert (again.mining, again.form, again.margin) == ("batch_hard", "ratio", 0.7)


class TestLiftedStructure:
    @staticmethod
    def by_loop(margin, labels, points):
        """Oh Song et al. (2016), eq. 4, over unordered pairs."""
        triplets, d = listed(labels, points)
        terms = []
        for i, j in itertools.combinations(range(len(labels)), 2):
            if j in triplets[i] and triplets[i][j]:
                total = sum(np.exp(margin - d[i, k]) for k in triplets[i][j])
                total += sum(np.exp(margin - d[j, k]) for k in triplets[j][i])
                terms.append(max(0.0, np.log(total) + d[i, j]) ** 2)
        return sum(terms) / (2 * len(terms))

    def test_by_hand(self):
        """J = 0.5 + log(exp(1 - 1.5) + exp(1 - 1)) = 0.974077."""
        found = value(LiftedStructureLoss(1.0), [0, 0, 1], [[0.0], [0.5], [1.5]])
        assert found == pytest.approx(0.974077**2 / 2, abs=1e-5)

    def test_far_negatives_cost_nothing(self):
        """J = 0.5 + log(exp(1 - 9.5) + exp(1 - 9)) is below 0."""
        assert value(LiftedStructureLoss(1.0), [0, 0, 1], [[0.0], [0.5], [9.5]]) == 0.0

    @pytest.mark.parametrize("margin", [0.5, 2.0])
    def test_equals_a_loop(self, margin):
        for seed, labels in enumerate(BATCHES.values()):
            points = embeddings(labels, seed)
            found = value(LiftedStructureLoss(margin), labels, points)
            assert found == pytest.approx(self.by_loop(margin, labels, points), rel=1e-4)

    def test_gradient_equals_the_loops(self):
        labels, step = BATCHES["uneven"], 1e-5
        points = embeddings(labels).astype(float)
        expected = np.zeros_like(points)
        for place in np.ndindex(points.shape):
            moved = np.zeros_like(points)
            moved[place] = step
            ends = [self.by_loop(1.0, labels, points + s * moved) for s in (1, -1)]
            expected[place] = (ends[0] - ends[1]) / (2 * step)
        tensor = keras.ops.convert_to_tensor(np.array(labels))
        slope = gradient(lambda z: LiftedStructureLoss()(tensor, z), points.astype("float32"))
        np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=2e-4)

    def test_huge_distances_do_not_overflow(self):
        """J = 500 + log(exp(1 - 700) + exp(1 - 200)) = 301, where exp(-199) is 0 in float32."""
        points = np.array([[0.0], [500.0], [700.0]], "float32")
        assert value(LiftedStructureLoss(), [0, 0, 1], points) == pytest.approx(
            301**2 / 2, rel=1e-4
        )

    @pytest.mark.parametrize("labels", [[0] * 10, list(range(10))], ids=["one", "ten"])
    def test_no_negatives_or_no_partners_no_loss(self, labels):
        points = embeddings(labels)
        assert value(LiftedStructureLoss(), labels, points) == 0.0
        tensor = keras.ops.convert_to_tensor(np.array(labels))
        slope = gradient(lambda z: LiftedStructureLoss()(tensor, z), points)
        np.testing.assert_array_equal(slope, np.zeros_like(points))

    def test_gradient_is_finite_for_equal_images(self):
        points = np.full((10, 3), 0.5, "float32")
        tensor = keras.ops.convert_to_tensor(np.array(BATCHES["pairs"]))
        assert np.isfinite(gradient(lambda z: LiftedStructureLoss()(tensor, z), points)).all()

    @pytest.mark.slow
    def test_trains_an_encoder_on_class_labels(self):
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(64) % 2
        points = rng.normal(size=(64, 2)).astype("float32") + 2 * labels[:, None]
        encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
        encoder.compile(keras.optimizers.SGD(0.01), LiftedStructureLoss())
        history = encoder.fit(points, labels, batch_size=32, epochs=10, verbose=0).history
        assert history["loss"][-1] < history["loss"][0] - 0.1

    def test_refuses_a_margin_that_is_not_positive(self):
        with pytest.raises(ValueError, match=r"margin is -1; expected a positive"):
            LiftedStructureLoss(-1)

    def test_survives_its_config(self):
        again = keras.losses.deserialize(keras.losses.serialize(LiftedStructureLoss(0.7)))
        assert isinstance(again, LiftedStructureLoss)
        assert again.margin == 0.7


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_with_two_images_a_class_the_supervised_loss_is_nt_xent(temperature):
    """Chen et al. (2020), eq. 1: the images 2k - 1 and 2k are the two views of one example, the
    mean is over both orders of each, and an image is compared with all but itself.
    """
    points = np.random.default_rng(0).normal(size=(10, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    terms = []
    for k in range(5):
        for i, j in ((2 * k, 2 * k + 1), (2 * k + 1, 2 * k)):
            total = sum(np.exp(points[i] @ points[a] / temperature) for a in range(10) if a != i)
            terms.append(-np.log(np.exp(points[i] @ points[j] / temperature) / total))
    order = np.random.default_rng(1).permutation(10)
    labels = np.repeat(np.arange(5), 2)
    found = value(SupervisedContrastiveLoss(temperature), labels[order], points[order])
    assert found == pytest.approx(np.mean(terms), rel=1e-5)
