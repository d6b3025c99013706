"""The benchmarks compare two ways to the same result."""

import importlib.util

import keras
import numpy as np
import pytest
import run_chapters

from siamese_utils import augment, chapters, datasets, models, sampling


def load(name):
    path = run_chapters.ROOT / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benchmark():
    return load("pairs")


@pytest.fixture(scope="module")
def affine():
    return load("affine")


@pytest.fixture(scope="module")
def oneshot():
    return load("oneshot")


@pytest.fixture(scope="module")
def triplets():
    return load("triplets")


def test_both_ways_make_the_same_kind_of_pairs(benchmark):
    """Same pairs are equal; different pairs start at the same image."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 4)
    images = np.arange(40, dtype="float32").reshape(-1, 1, 1, 1)  # an image is its own index
    stacked, stacked_same = benchmark.materialised_pairs(images, labels, rng)
    pairs, same = benchmark.index_pairs(images, labels, rng)
    found = stacked.reshape(-1, 2).astype(int)
    assert np.array_equal(stacked_same, same)
    assert np.array_equal(found[same == 1], pairs[same == 1])
    assert np.array_equal(found[:, 0], pairs[:, 0])
    assert (labels[found[:, 0]] == labels[found[:, 1]]).tolist() == (same == 1).tolist()


def test_the_stored_table_reaches_the_bars(benchmark):
    record = chapters.read_record(benchmark.FOLDER / "pairs.json")
    for key, bar in benchmark.BARS.items():
        assert record["metrics"]["ratios"][key] >= bar
        assert (
            f"{record['metrics']['ratios'][key]:.1f}" in (benchmark.FOLDER / "pairs.md").read_text()
        )


@pytest.mark.nightly
def test_both_ways_distort_alike(affine, monkeypatch):
    """At the same parameters, the loop and the batch give the same images."""
    images = np.zeros((6, 20, 15, 1), "float32")
    images[:, 6:14, 5:10] = np.random.default_rng(0).random((6, 8, 5, 1))  # paper around
    parameters = augment.draw_parameters(6, seed=1)
    drawn = iter(keras.ops.convert_to_numpy(parameters).astype(float))
    monkeypatch.setattr(affine, "draw", lambda rng: next(drawn))
    slowly = affine.one_by_one(images.astype(float), None, order=1)
    at_once = augment.apply_affine(images, augment.affine_matrices(parameters))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(at_once), slowly, atol=1e-4)


@pytest.mark.nightly
def test_the_loop_draws_as_the_package_does(affine):
    rng = np.random.default_rng(0)
    drawn = np.array([affine.draw(rng) for _ in range(2_000)])
    included = drawn != augment.NEUTRAL
    np.testing.assert_allclose(included.mean(axis=0), 0.5, atol=0.06)
    assert (np.abs(drawn - augment.NEUTRAL) <= augment.REACH).all()


def test_the_stored_affine_table_reaches_the_bars(affine):
    ratios = chapters.read_record(affine.FOLDER / "affine.json")["metrics"]["ratios"]
    table = (affine.FOLDER / "affine.md").read_text()
    for key, bar in affine.BARS.items():
        assert ratios[key] >= bar
        assert f"{ratios[key]:.1f}" in table


@pytest.mark.nightly
def test_both_ways_answer_alike(oneshot):
    """Probabilities of the pair model, trial by trial, and logits from embeddings."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(8)]
    encoder = keras.Sequential(layers, name="koch_encoder")
    network = models.koch_network(encoder, paper_init=False)
    labels = np.repeat(np.arange(10), 2)
    images = np.random.default_rng(0).random((20, 4, 4, 1)).astype("float32")
    episodes = sampling.draw_episodes(labels, 5, 12, np.random.default_rng(0))
    p = oneshot.by_pairs(network, images, episodes, range(12))
    logits = oneshot.by_embeddings(network, images, episodes)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), p, rtol=1e-4)
    compared = oneshot.compare(network, images, episodes)  # two of the trials are timed
    assert (compared["trials"], compared["trials_timed"]) == (12, 2)
    assert compared["encodings"] == {"pairs": 12 * 10, "embeddings": 20}


@pytest.mark.nightly
def test_the_official_trials_are_the_official_runs(oneshot):
    images, episodes = oneshot.official_trials()
    runs = datasets.load_official_runs()
    assert images.shape == (800, 105, 105, 1)
    for trial in (0, 137, 399):
        run, item = divmod(trial, 20)
        query, supports = images[episodes.queries[trial]], images[episodes.supports[trial]]
        np.testing.assert_array_equal(query, runs.test_images[run, item])
        np.testing.assert_array_equal(supports, runs.support_images[run])
        assert episodes.answers[trial] == runs.answers[run, item]


@pytest.mark.nightly
def test_the_random_trials_hold_each_image_once(oneshot):
    images, episodes = oneshot.random_trials()
    data = datasets.load_omniglot("evaluation").select([oneshot.ALPHABET])
    names = {image.tobytes(): label for image, label in zip(data.images, data.labels, strict=True)}
    labels = np.array([names[image.tobytes()] for image in images])
    right = labels[episodes.supports] == labels[episodes.queries][:, None]
    np.testing.assert_array_equal(right, episodes.answers[:, None] == np.arange(oneshot.N_WAY))
    assert len(np.unique(np.append(episodes.supports, episodes.queries))) == len(images) <= 400


def test_the_stored_one_shot_table_reaches_the_bar(oneshot):
    together = chapters.read_record(oneshot.FOLDER / "oneshot.json")["metrics"]["measured"][
        "together"
    ]
    assert together["trials"] == 650
    assert together["ratio"] >= oneshot.BAR
    assert f"{together['ratio']:.1f}" in (oneshot.FOLDER / "oneshot.md").read_text()


def test_the_triplets_of_a_batch_are_listed(triplets):
    labels = np.array([4, 7, 4, 7, 4, 9])
    listed = triplets.list_triplets(labels)
    anchor, positive, negative = labels[listed].T
    assert len(np.unique(listed, axis=0)) == len(listed) == sampling.count_triplets(labels)
    assert (anchor == positive).all() and (anchor != negative).all()
    assert (listed[:, 0] != listed[:, 1]).all()
    images = np.arange(6).reshape(6, 1, 1, 1)  # an image is its own index
    np.testing.assert_array_equal(triplets.materialise(images, listed).reshape(-1, 3), listed)


@pytest.mark.nightly
def test_triplets_and_their_batch_give_the_same_loss_and_step(triplets):
    images = np.random.default_rng(0).random((6, 28, 28, 1)).astype("float32")
    assert max(triplets.agreement(images, np.array([0, 0, 0, 1, 1, 2]))) < 1e-3


def test_the_stored_triplet_table_reaches_the_bars(triplets):
    metrics = chapters.read_record(triplets.FOLDER / "triplets.json")["metrics"]
    table = (triplets.FOLDER / "triplets.md").read_text()
    assert metrics["n_triplets"] == 4320
    assert max(metrics["apart"].values()) < 1e-3
    for key, bar in triplets.BARS.items():
        assert metrics["ratios"][key] >= bar
        assert f"{metrics['ratios'][key]:.1f}" in table
