"""Scores from embeddings: equal to the pair model's on every pair, in blocks that stay small."""

import keras
import ml_dtypes
import numpy as np
import pytest

from siamese_utils import distances, evaluation, models, sampling

pytestmark = pytest.mark.backend

DIM = 6
FUNCTIONS = [distances.euclidean, distances.l1, distances.cosine, distances.exp_l1]
LAYER_TYPES = [
    distances.EuclideanDistance,
    distances.L1Distance,
    distances.CosineDistance,
    distances.ExpL1Similarity,
]
LAYERS = [layer() for layer in LAYER_TYPES]


@pytest.fixture
def embeddings():
    return np.random.default_rng(0).normal(size=(9, DIM)).astype("float32")


def weighted_l1(alpha, bias, dtype=None):
    head = distances.WeightedL1(**({"dtype": dtype} if dtype else {}))
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


class TestWeightedL1:
    def test_by_hand(self):
        """1 - 2 x 0.5 - 4 x 0.25 + 3 x 0 = -1, and 1 for equal embeddings."""
        head = weighted_l1([-2, -4, 3], 1)
        embeddings = np.array([[1, 0.25, 7], [0.5, 0.5, 7]])
        scores = evaluation.pair_scores(head, embeddings, [[0, 1], [1, 1]])
        np.testing.assert_allclose(scores, [-1, 1], rtol=1e-6)

    def test_equals_the_pair_model_on_every_pair(self):
        keras.utils.set_random_seed(0)
        encoder = models.mlp_encoder((4, 4, 1), units=(8, DIM))
        network = models.koch_network(encoder, paper_init=False)
        images = np.random.default_rng(0).random((7, 4, 4, 1)).astype("float32")
        left, right = np.divmod(np.arange(49), 7)
        expected = keras.ops.convert_to_numpy(network([images[left], images[right]]))
        assert np.ptp(expected) > 0.05
        embedded, head = models.embed(encoder, images), network.get_layer("head")
        pairs = np.stack([left, right], axis=1)
        logits = evaluation.pair_scores(head, embedded, pairs, max_bytes=4 * DIM * 10)
        np.testing.assert_allclose(sigmoid(logits), expected, rtol=1e-4)

    def test_ranks_where_the_probability_is_saturated(self):
        """Logits of 30 and 25: both probabilities are 1 in float32."""
        head = weighted_l1([-5, 0], 30)
        a, b = np.zeros((1, 2), "float32"), np.array([[0, 3], [1, 3]], "float32")
        tie = keras.ops.convert_to_numpy(head([np.repeat(a, 2, axis=0), b]))
        assert tie[0] == tie[1] == 1
        scores = evaluation.pair_scores(head, np.concatenate([a, b]), [[0, 1], [0, 2]])
        np.testing.assert_allclose(scores, [30, 25])


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

    @pytest.mark.parametrize(
        ("supports", "pairs", "message"),
        [
            ([[1, 9]], [[0, 9]], "from 0 to 9; expected 0 to 8|from 1 to 9; expected 0 to 8"),
            ([[-1, 1]], [[-1, 1]], "from -1 to 1; expected 0 to 8"),
            ([1, 2], [0, 1], r"have shape \(2,\); expected \(n_(pairs|episodes), (2|n_way)\)"),
            ([[True, False]], [[True, False]], "of type bool; expected whole numbers"),
            ([[0.5, 1]], [[0.5, 1]], "of type float64; expected whole numbers"),
            ([["a", "b"]], [["a", "b"]], "are not an array of real numbers"),
            (np.zeros((0, 2), int), np.zeros((0, 2), int), "are empty"),
        ],
    )
    def test_refuses_indices(self, supports, pairs, message, embeddings):
        episodes = sampling.Episodes(np.array([0]), np.array(supports), np.array([0]))
        with pytest.raises(ValueError, match=f"supports.* ({message})"):
            evaluation.episode_scores(distances.l1, embeddings, episodes)
        with pytest.raises(ValueError, match=f"pairs.* ({message})"):
            evaluation.pair_scores(distances.l1, embeddings, pairs)

    def test_refuses_triples(self, embeddings):
        with pytest.raises(ValueError, match=r"pairs have shape \(1, 3\); expected \(n_pairs, 2\)"):
            evaluation.pair_scores(distances.l1, embeddings, [[0, 1, 2]])

    @pytest.mark.parametrize("wrong", [20, 0, -1, 1e9, "1", None])
    def test_refuses_a_bound_that_holds_no_pair(self, wrong, embeddings):
        with pytest.raises(ValueError, match=f"max_bytes is {wrong!r}; .* of at least 24"):
            evaluation.pair_scores(distances.l1, embeddings, [[0, 1]], max_bytes=wrong)


class TestTypes:
    """Embeddings, heads and indices of any type and container give the scores of float32."""

    labels = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])
    pairs = np.array([[0, 1], [5, 2], [8, 0]])

    @pytest.fixture
    def eighths(self, embeddings):
        """Numbers that every type holds exactly."""
        return np.round(4 * embeddings) / 8

    def all_scores(self, head, embeddings):
        episodes = sampling.draw_episodes(self.labels, 3, 4, np.random.default_rng(0))
        rows = np.asarray(embeddings)
        runs = (rows[:4].reshape(2, 2, DIM), rows[4:8].reshape(2, 2, DIM))
        return [
            evaluation.pair_scores(head, embeddings, self.pairs),
            evaluation.episode_scores(head, embeddings, episodes),
            evaluation.run_scores(head, *runs),
        ]

    def assert_equal_scores(self, found, expected, rtol=1e-6):
        for one, other in zip(found, expected, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)

    @pytest.mark.parametrize("head", HEADS)
    @pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float64", "longdouble"])
    def test_embeddings(self, head, dtype, eighths):
        expected = self.all_scores(head, eighths.astype("float32"))
        self.assert_equal_scores(self.all_scores(head, eighths.astype(dtype)), expected)

    @pytest.mark.parametrize("head", HEADS)
    def test_embeddings_in_a_list(self, head, eighths):
        expected = self.all_scores(head, eighths)
        self.assert_equal_scores(self.all_scores(head, eighths.tolist()), expected)

    @pytest.mark.parametrize("layer", LAYER_TYPES)
    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_bfloat16", "float64"])
    def test_layers(self, layer, dtype, embeddings):
        expected = self.all_scores(layer(), embeddings)
        self.assert_equal_scores(self.all_scores(layer(dtype=dtype), embeddings), expected)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_bfloat16", "float64"])
    def test_layers_with_weights(self, dtype, eighths):
        alpha = [-1, 2, 0.5, 1, 0, -3]
        expected = self.all_scores(weighted_l1(alpha, 0.25), eighths)
        found = self.all_scores(weighted_l1(alpha, 0.25, dtype), eighths)
        self.assert_equal_scores(found, expected)

    @pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
    def test_a_layer_of_one_s_own(self, dtype, eighths):
        """A subclass is asked itself, not the function of its base."""

        class Twice(distances.L1Distance):
            def call(self, embeddings):
                return 2 * super().call(embeddings)

        expected = [2 * scores for scores in self.all_scores(distances.l1, eighths)]
        found = self.all_scores(Twice(dtype=dtype), eighths)
        self.assert_equal_scores(found, expected, rtol=0.02)  # eight bits

    @pytest.mark.parametrize(
        "dtype", ["int8", "uint8", "int16", "uint32", "int64", "uint64", "float32", "object"]
    )
    def test_indices(self, dtype, embeddings):
        expected = evaluation.pair_scores(distances.l1, embeddings, self.pairs)
        found = evaluation.pair_scores(distances.l1, embeddings, self.pairs.astype(dtype))
        np.testing.assert_array_equal(found, expected)
        episodes = sampling.draw_episodes(self.labels, 3, 4, np.random.default_rng(0))
        other = sampling.Episodes(
            episodes.queries.astype(dtype), episodes.supports.astype(dtype), episodes.answers
        )
        np.testing.assert_array_equal(
            evaluation.episode_scores(distances.l1, embeddings, other),
            evaluation.episode_scores(distances.l1, embeddings, episodes),
        )

    def test_pairs_in_lists(self, embeddings):
        expected = evaluation.pair_scores(distances.l1, embeddings, self.pairs)
        for pairs in (self.pairs.tolist(), [tuple(pair) for pair in self.pairs]):
            found = evaluation.pair_scores(distances.l1, embeddings, pairs)
            np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("max_bytes", [np.int64(48), np.uint32(48)])
    def test_bounds(self, max_bytes, embeddings):
        expected = evaluation.pair_scores(distances.l1, embeddings, self.pairs)
        found = evaluation.pair_scores(distances.l1, embeddings, self.pairs, max_bytes)
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda z: np.where(z == z[0, 0], np.nan, z), "1 of 54 embeddings are not finite"),
            (lambda z: np.where(z == z[0, 0], 1e300, z), "1 of 54 embeddings are not finite"),
            (lambda z: z[0], r"embeddings have shape \(6,\); expected \(n, dim\)"),
            (lambda z: z[:, :0], r"embeddings are empty, of shape \(9, 0\)"),
            (lambda z: z[:0], r"embeddings are empty, of shape \(0, 6\)"),
        ],
    )
    def test_refuses_embeddings(self, change, message, embeddings):
        wrong = change(embeddings.astype("float64"))
        episodes = sampling.draw_episodes(self.labels, 3, 4, np.random.default_rng(0))
        with pytest.raises(ValueError, match=message):
            evaluation.pair_scores(distances.l1, wrong, self.pairs)
        with pytest.raises(ValueError, match=message):
            evaluation.episode_scores(distances.l1, wrong, episodes)

    def test_refuses_a_head_without_weights(self, embeddings):
        with pytest.raises(ValueError, match="the head has no weights yet; call it"):
            evaluation.pair_scores(distances.WeightedL1(), embeddings, self.pairs)


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
        with pytest.raises(ValueError, match=r"\(3, 4, 6\) and support embeddings.* \(2, 4, 6\)"):
            evaluation.run_scores(distances.l1, runs, runs[:2])
        with pytest.raises(ValueError, match=r"\(3, 4, 6\) and support embeddings.* \(3, 4, 5\)"):
            evaluation.run_scores(distances.l1, runs, runs[..., 1:])
