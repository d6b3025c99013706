"""The official runs and their smoke test; verification on alphabets and drawers never seen."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from siamese_utils import datasets, distances, evaluation, sampling


@pytest.fixture(scope="module")
def runs():
    return datasets.load_official_runs()


def perfect(runs):
    """Distance 0 to the right support image, 1 to the others."""
    return (runs.answers[..., None] != np.arange(20)).astype(float)


class TestOfficialRuns:
    def test_by_hand(self):
        """Right, tie of two; wrong, right; the second run is of another alphabet."""
        few = SimpleNamespace(answers=np.array([[1, 0], [0, 1]]), alphabets=("Tibetan", "Greek"))
        near = [[[0.9, 0.1], [0.4, 0.4]], [[0.8, 0.2], [0.7, 0.3]]]
        found = evaluation.official_runs(near, few)
        np.testing.assert_array_equal(found.credit, [[1, 0.5], [0, 1]])
        assert found.accuracy == 2.5 / 4
        assert list(found.per_alphabet) == ["Tibetan", "Greek"]
        assert [share for share, _ in found.per_alphabet.values()] == [0.75, 0.5]
        assert found.per_alphabet["Greek"][1] == evaluation.wilson_interval(1, 2)

    @pytest.mark.parametrize("constant", [0.0, 1.0, -3.5])
    def test_a_constant_scorer_gives_5_percent(self, runs, constant):
        found = evaluation.official_runs(np.full((20, 20, 20), constant), runs)
        assert found.accuracy == pytest.approx(0.05, abs=1e-12)
        np.testing.assert_array_equal(found.credit, 0.05)
        assert all(share == pytest.approx(0.05) for share, _ in found.per_alphabet.values())

    def test_a_perfect_one_100_and_per_alphabet_over_40_trials(self, runs):
        near = perfect(runs)
        near[2] = -near[2]  # the first run of Ge_ez: the right one is farthest
        found = evaluation.official_runs(near, runs)
        assert found.accuracy == 380 / 400
        assert found.interval == evaluation.wilson_interval(380, 400)
        assert tuple(found.per_alphabet) == datasets.omniglot_tables.RUN_ALPHABETS
        for name, (share, interval) in found.per_alphabet.items():
            right = 20 if name == "Ge_ez" else 40
            assert share == right / 40
            assert interval == evaluation.wilson_interval(right, 40)

    def test_chance(self, runs):
        noise = np.random.default_rng(0).random((20, 20, 20))
        assert 0.02 < evaluation.official_runs(noise, runs).accuracy < 0.09

    @pytest.mark.parametrize("shape", [(400, 20), (20, 20), (20, 20, 19), (19, 20, 20)])
    def test_refuses_shapes(self, runs, shape):
        with pytest.raises(ValueError, match=r"distances have shape .*; expected \((20|n_runs), "):
            evaluation.official_runs(np.zeros(shape), runs)

    def test_refuses_what_is_no_number(self, runs):
        near = perfect(runs)
        near[3, 4, 5] = np.nan
        with pytest.raises(ValueError, match="1 of 8000 distances are not finite"):
            evaluation.official_runs(near, runs)

    def test_nearest_neighbour_in_every_third_pixel(self, runs):
        """Scores of all trials at once, against three trials on their own."""
        both = (runs.test_images, runs.support_images)
        pixels = [x[:, :, ::3, ::3].reshape(20, 20, -1) for x in both]
        scores = evaluation.run_scores(distances.l1, *pixels)
        found = evaluation.official_runs(scores, runs)
        test, support = (x.astype(int) for x in pixels)
        for run, item in ((0, 0), (7, 13), (19, 19)):
            np.testing.assert_array_equal(
                scores[run, item], np.abs(test[run, item] - support[run]).sum(axis=1)
            )
        assert 0.15 < found.accuracy < 0.3


def modified_hausdorff(a, b):
    matrix = evaluation.hausdorff_matrix(np.array(a)[None], np.array(b)[None])
    assert matrix.shape == (1, 1)
    return matrix[0, 0]


class TestHausdorff:
    def test_by_hand(self):
        """Three dots, centred at -1, 0, 1, and two at -2 and 2: on average the three are
        (1 + 2 + 1) / 3 from the nearest of the two, the two 1 from the nearest of the three."""
        three, two = np.array([[1, 1, 1, 0, 0]]), np.array([[1, 0, 0, 0, 1]])
        assert modified_hausdorff(three, two) == pytest.approx(4 / 3)
        assert modified_hausdorff(two, three) == pytest.approx(4 / 3)

    def test_does_not_see_where_the_ink_stands(self):
        image = np.zeros((12, 9), np.uint8)
        image[1:4, 2] = image[3, 2:6] = 1
        assert modified_hausdorff(image, np.roll(image, (5, 3), (0, 1))) < 1e-12

    def test_equals_loops(self):
        a, b = np.random.default_rng(0).random((2, 10, 8)) < 0.2
        points = [np.argwhere(x) - np.argwhere(x).mean(axis=0) for x in (a, b)]
        ways = [
            np.mean([min(np.hypot(*(p - q)) for q in there) for p in here])
            for here, there in (points, points[::-1])
        ]
        assert ways[0] != ways[1]
        assert modified_hausdorff(a, b) == pytest.approx(max(ways))

    def test_matrix_is_each_pair(self):
        images = np.random.default_rng(0).random((5, 10, 8, 1)) < 0.2
        matrix = evaluation.hausdorff_matrix(images[:2], images[2:])
        loop = [[modified_hausdorff(a, b) for b in images[2:]] for a in images[:2]]
        np.testing.assert_array_equal(matrix, loop)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.zeros((1, 3, 3)), r"an image of shape \(3, 3\) has no ink"),
            (np.ones((3, 3)), r"images have shape \(3, 3\); expected \(n, height, width\)"),
            (np.ones((1, 3, 3, 2)), r"images have shape \(1, 3, 3, 2\)"),
            (np.ones((0, 3, 3)), "images are empty"),
            (np.full((1, 3, 3), np.nan), "9 of 9 images are not finite"),
        ],
    )
    def test_refuses(self, image, message):
        ink = np.eye(3)[None]
        with pytest.raises(ValueError, match=message):
            evaluation.hausdorff_matrix(ink, image)
        with pytest.raises(ValueError, match=message):
            evaluation.hausdorff_matrix(image, ink)

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", ml_dtypes.bfloat16, "float64"])
    @pytest.mark.parametrize("convert", [np.asarray, np.ndarray.tolist])
    def test_images_of_any_type(self, dtype, convert):
        images = (np.random.default_rng(0).random((3, 6, 5)) < 0.4).astype(dtype)
        found = evaluation.hausdorff_matrix(convert(images), convert(images))
        np.testing.assert_array_equal(found, evaluation.hausdorff_matrix(images, images))
        assert found.max() > 0

    def test_faint_ink_is_ink(self):
        image = np.eye(3)[None]
        np.testing.assert_array_equal(evaluation.hausdorff_matrix(1e-60 * image, image), [[0]])

    @pytest.mark.slow
    def test_the_official_runs_as_published(self, runs):
        """38.8 % of the trials wrong (Lake et al. 2015): 155 of 400."""
        near = [
            evaluation.hausdorff_matrix(test, support)
            for test, support in zip(runs.test_images, runs.support_images, strict=True)
        ]
        found = evaluation.official_runs(np.array(near), runs)
        assert found.credit.sum() == 400 - 155


def test_verification_with_koch_s_split_and_numbers_of_pairs():
    """From the split to the interval: a threshold of the validation alphabets' pairs, applied
    to the pairs of other alphabets by other drawers. The embedding is the ink in 7 x 7 tiles."""
    split = datasets.koch_split(
        datasets.load_omniglot("background"), datasets.load_omniglot("evaluation")
    )
    found, same = {}, {}
    for part in ("validation", "test"):
        data = split[part]
        ink = data.images.reshape(-1, 15, 7, 15, 7).mean(axis=(2, 4)).reshape(-1, 225)
        pairs, same[part] = sampling.alphabet_pairs(
            data.labels, data.alphabets, 10_000, np.random.default_rng(0), data.drawers
        )
        found[part] = evaluation.pair_scores(distances.euclidean, ink, pairs)
    verified = evaluation.verify(
        found["validation"], same["validation"], found["test"], same["test"]
    )
    assert verified.threshold == evaluation.best_threshold(found["validation"], same["validation"])
    right = (found["test"] < verified.threshold) == same["test"]
    assert verified.accuracy == right.mean()
    assert verified.interval == evaluation.wilson_interval(right.sum(), 10_000)
    assert 0.55 < verified.interval[0] < verified.interval[1] < 0.75
