"""Scores from embeddings: equal to the pair model's on every pair, in blocks that stay small."""

import keras
import numpy as np
import pytest

from siamese_utils import distances, evaluation, models, sampling

pytestmark = pytest.mark.backend

DIM = 6
FUNCTIONS = [distances.euclidean, distances.l1, distances.cosine, distances.exp_l1]
LAYERS = [distances.EuclideanDistance(), distances.CosineDistance(), distances.ExpL1Similarity()]


@pytest.fixture
def embeddings():
    return np.random.default_rng(0).normal(size=(9, DIM)).astype("float32")


def weighted_l1(alpha, bias):
    head = distances.WeightedL1()
    head.build([(None, len(alpha)), (None, len(alpha))])
    head.set_weights([np.array(alpha, "float32"), np.array(bias, "float32")])
    return head


HEADS = [*FUNCTIONS, *LAYERS]


def one_by_one(head, left, right):
    """The head on one pair after the other."""
    call = head if head in FUNCTIONS else lambda a, b: head([a, b])
    scores = []
    for pair in zip(left, right, strict=True):
        a, b = (keras.ops.convert_to_tensor(row[None]) for row in pair)
        scores.append(keras.ops.convert_to_numpy(call(a, b))[0])
    return np.array(scores)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


class Spy:
    """L1 distance that remembers how many numbers each call had on the way."""

    def __init__(self):
        self.sizes = []

    def __call__(self, a, b):
        self.sizes.append(int(np.prod(np.broadcast_shapes(tuple(a.shape), tuple(b.shape)))))
        return distances.l1(a, b)


class TestAllPairs:
    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("max_bytes", [2**28, 4 * DIM * 7])  # in one block; in many
    def test_equals_one_by_one(self, head, max_bytes, embeddings):
        b = embeddings[2:7] + 1
        scores = evaluation.all_pairs_scores(head, embeddings, b, max_bytes)
        expected = one_by_one(head, np.repeat(embeddings, 5, axis=0), np.tile(b, (9, 1)))
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected.reshape(9, 5), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("n_columns", "n_pairs"), [(4, 1), (4, 3), (4, 8), (4, 11), (4, 99), (9, 7)]
    )
    def test_blocks_stay_below_the_bound(self, n_columns, n_pairs, embeddings):
        """A row is cut where it does not fit."""
        spy, b = Spy(), embeddings[:n_columns]
        scores = evaluation.all_pairs_scores(spy, embeddings, b, max_bytes=4 * DIM * n_pairs + 3)
        assert max(spy.sizes) <= n_pairs * DIM
        assert sum(spy.sizes) == 9 * n_columns * DIM  # and no pair twice
        np.testing.assert_allclose(
            scores, np.abs(embeddings[:, None] - b).sum(axis=2), rtol=1e-5, atol=1e-6
        )

    @pytest.mark.parametrize("head", [distances.euclidean, distances.cosine, LAYERS[0], LAYERS[1]])
    def test_a_matrix_product_needs_no_array_of_all_pairs(self, head, embeddings):
        """81 distances of 4 bytes; all pairs would take 6 times as much."""
        found = evaluation.all_pairs_scores(head, embeddings, embeddings, max_bytes=4 * 9)
        whole = evaluation.all_pairs_scores(head, embeddings, embeddings)
        np.testing.assert_allclose(found, whole, atol=2e-3)  # rounding on the diagonal
        evaluation.all_pairs_scores(head, embeddings, embeddings, max_bytes=4)  # one at a time

    def test_refuses(self, embeddings):
        with pytest.raises(ValueError, match="max_bytes is 23; expected at least 24"):
            evaluation.all_pairs_scores(distances.l1, embeddings, embeddings, max_bytes=23)
        with pytest.raises(ValueError, match="of 6 and of 5 dimensions"):
            evaluation.all_pairs_scores(distances.l1, embeddings, embeddings[:, 1:])
        with pytest.raises(ValueError, match=r"shape \(6,\); expected \(n, dim\)"):
            evaluation.all_pairs_scores(distances.l1, embeddings[0], embeddings)


class TestWeightedL1:
    def test_by_hand(self):
        """1 - 2 x 0.5 - 4 x 0.25 + 3 x 0 = -1, and 1 for equal embeddings."""
        head = weighted_l1([-2, -4, 3], 1)
        a, b = np.array([[1, 0.25, 7], [0.5, 0.5, 7]]), np.array([[0.5, 0.5, 7]])
        np.testing.assert_allclose(evaluation.all_pairs_scores(head, a, b), [[-1], [1]], rtol=1e-6)

    def test_equals_the_pair_model_on_every_pair(self):
        keras.utils.set_random_seed(0)
        encoder = models.mlp_encoder((4, 4, 1), units=(8, DIM))
        network = models.koch_network(encoder, paper_init=False)
        images = np.random.default_rng(0).random((7, 4, 4, 1)).astype("float32")
        left, right = np.divmod(np.arange(49), 7)
        expected = keras.ops.convert_to_numpy(network([images[left], images[right]]))
        assert np.ptp(expected) > 0.05
        embedded, head = models.embed(encoder, images), network.get_layer("head")
        logits = evaluation.all_pairs_scores(head, embedded, embedded, max_bytes=4 * DIM * 10)
        np.testing.assert_allclose(sigmoid(logits).ravel(), expected, rtol=1e-4)

    def test_ranks_where_the_probability_is_saturated(self):
        """Logits of 30 and 25: both probabilities are 1 in float32."""
        head = weighted_l1([-5, 0], 30)
        a, b = np.zeros((1, 2), "float32"), np.array([[0, 3], [1, 3]], "float32")
        tie = keras.ops.convert_to_numpy(head([np.repeat(a, 2, axis=0), b]))
        assert tie[0] == tie[1] == 1
        np.testing.assert_allclose(evaluation.all_pairs_scores(head, a, b), [[30, 25]])


class TestByIndex:
    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("max_bytes", [2**28, 4 * DIM * 4 * 2])  # at once; two at a time
    def test_episodes_equal_one_by_one(self, head, max_bytes, embeddings):
        labels = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])
        episodes = sampling.draw_episodes(labels, 4, 5, np.random.default_rng(0))
        scores = evaluation.episode_scores(head, embeddings, episodes, max_bytes)
        expected = one_by_one(
            head,
            np.repeat(embeddings[episodes.queries], 4, axis=0),
            embeddings[episodes.supports.ravel()],
        )
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected.reshape(5, 4), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("max_bytes", [2**28, 4 * DIM * 2])
    def test_pairs_equal_one_by_one(self, head, max_bytes, embeddings):
        pairs = np.array([[0, 1], [5, 2], [3, 3], [8, 0], [7, 6]])
        scores = evaluation.pair_scores(head, embeddings, pairs, max_bytes)
        expected = one_by_one(head, embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
        assert scores.shape == (5,)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)

    def test_weighted_l1_gives_logits(self, embeddings):
        head = weighted_l1([-1, 2, 0.5, 1, 0, -3], 0.25)
        pairs = np.array([[0, 1], [5, 2], [3, 3]])
        logits = evaluation.pair_scores(head, embeddings, pairs)
        expected = one_by_one(head, embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
        np.testing.assert_allclose(sigmoid(logits), expected, rtol=1e-5)
        assert logits[2] == 0.25

    @pytest.mark.parametrize("n_episodes_at_once", [1, 2, 5, 9])
    def test_blocks_stay_below_the_bound(self, n_episodes_at_once, embeddings):
        spy = Spy()
        labels = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])
        episodes = sampling.draw_episodes(labels, 4, 9, np.random.default_rng(0))
        bound = n_episodes_at_once * 4 * DIM  # numbers
        evaluation.episode_scores(spy, embeddings, episodes, max_bytes=4 * bound + 3)
        assert max(spy.sizes) <= bound
        assert sum(spy.sizes) == 9 * 4 * DIM

    def test_refuses(self, embeddings):
        episodes = sampling.Episodes(np.array([0]), np.array([[1, 9]]), np.array([0]))
        with pytest.raises(ValueError, match="indices from 1 to 9, but there are 9 embeddings"):
            evaluation.episode_scores(distances.l1, embeddings, episodes)
        with pytest.raises(ValueError, match="indices from -1 to 0"):
            evaluation.pair_scores(distances.l1, embeddings, np.array([[0, 1], [-1, 1]]))
        with pytest.raises(ValueError, match=r"pairs have shape \(2,\)"):
            evaluation.pair_scores(distances.l1, embeddings, np.array([0, 1]))
        with pytest.raises(ValueError, match="max_bytes is 20; expected at least 24"):
            evaluation.pair_scores(distances.l1, embeddings, np.array([[0, 1]]), max_bytes=20)


class TestRuns:
    @pytest.mark.parametrize("head", HEADS)
    def test_equals_one_by_one(self, head):
        test, support = np.random.default_rng(0).normal(size=(2, 3, 4, DIM)).astype("float32")
        scores = evaluation.run_scores(head, test, support)
        assert scores.shape == (3, 4, 4)
        for run in range(3):
            expected = one_by_one(
                head, np.repeat(test[run], 4, axis=0), np.tile(support[run], (4, 1))
            )
            np.testing.assert_allclose(scores[run], expected.reshape(4, 4), rtol=1e-5, atol=1e-6)

    def test_weighted_l1_gives_logits(self):
        test = np.array([[[0.0, 0.0], [1.0, 0.0]]])  # one run of two
        support = test + np.array([0.0, 3.0])
        scores = evaluation.run_scores(weighted_l1([-2, 1], 1), test, support)
        np.testing.assert_allclose(scores, [[[4, 2], [2, 4]]])

    def test_refuses(self):
        runs = np.zeros((3, 4, DIM))
        with pytest.raises(ValueError, match=r"\(12, 6\); expected \(n_runs, n_way, dim\)"):
            evaluation.run_scores(distances.l1, runs.reshape(12, DIM), runs)
        with pytest.raises(ValueError, match="3 runs of test images but 2 of support"):
            evaluation.run_scores(distances.l1, runs, runs[:2])
        with pytest.raises(ValueError, match="of 6 and of 5 dimensions"):
            evaluation.run_scores(distances.l1, runs, runs[..., 1:])
