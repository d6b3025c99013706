"""The recorded averages: chosen on validation alphabets, then one look each at the test."""

import itertools
import json

import averaging
import frontier
import keras
import looks
import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from siamese_utils import datasets, models, sampling

TINY = {"filters": [2, 2, 2, 2], "side": 35, "steps": 2}


def few_trials(part):
    """As the 10,000 trials, but quickly made: 40 of them."""
    rng = np.random.default_rng(0)
    return sampling.draw_episodes(
        part.labels, 20, 40, rng, drawers=part.drawers, alphabets=part.alphabets
    )


def shipped(name):
    """In place of the encoder that ships, which has other sizes."""
    assert name == "omniglot"
    encoder, *_ = frontier.build(frontier.LONG)
    return keras.Sequential([keras.Input((105, 105, 1)), models.SizeNormalization(35), encoder])


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script with two tiny trainings, writing into an empty folder."""
    record = tmp_path / "averaging.json"
    monkeypatch.setattr(averaging, "ENTRIES", averaging.Entries(record, "benchmarks/averaging"))
    for name, values in {"REACHES": (0, 1), "WEIGHTS": (0, 1)}.items():
        monkeypatch.setattr(averaging, name, values)
    monkeypatch.setattr(frontier, "STATES", tmp_path / "states")
    monkeypatch.setattr(frontier, "PER_EPOCH", 1)
    monkeypatch.setattr(frontier, "SEEDS", (1, 2))
    for name in ("RECIPE", "LONG"):
        monkeypatch.setattr(frontier, name, getattr(frontier, name) | TINY)
    monkeypatch.setattr(sampling, "within_alphabet_trials", few_trials)
    count = looks.count
    monkeypatch.setattr(looks, "count", lambda *a: count(*a, path=tmp_path / "looks.json"))
    return averaging


def test_the_best_mean_of_the_seeds_is_chosen():
    def accuracies(best, other):
        choices = itertools.product(averaging.REACHES, averaging.WEIGHTS)
        found = {averaging.name_of(*choice): {"accuracy": 0.5} for choice in choices}
        found[averaging.name_of(1, 0.25)]["accuracy"] = best
        found[averaging.name_of(2, 1.0)]["accuracy"] = other
        return found

    assert averaging.best_of([accuracies(0.9, 0.7), accuracies(0.8, 0.95)]) == (1, 0.25)


def test_encoders_together_answer_by_the_weighted_mean_of_their_cosines():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(6, dim)) for dim in (4, 3, 5, 4, 2, 6)]
    parts = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts]
    cosines = [part @ part.T for part in parts]
    for weight in (0.0, 0.25, 1.0):
        expected = np.average(cosines, axis=0, weights=[weight, weight, 1] * 2)
        joined = averaging.side_by_side([parts[:3], parts[3:]], weight)
        np.testing.assert_allclose(cosine_similarity(joined), expected, atol=1e-6)


def test_the_maps_are_those_that_go_into_the_last_two_blocks():
    keras.utils.set_random_seed(0)
    encoder = models.residual_encoder((35, 35, 1), (2, 3, 4, 5))
    images = np.random.default_rng(0).random((3, 35, 35, 1)).astype("float32")
    third, fourth, embedding = averaging.parts_of(encoder, images, 0)
    np.testing.assert_allclose(embedding, models.embed(encoder, images), atol=1e-6)
    convolutions = [each for each in encoder.layers if isinstance(each, keras.layers.Conv2D)]
    into = {each.kernel.shape[2:]: each.input for each in convolutions if each.kernel.shape[0] > 1}
    for found, channels in ((third, (3, 4)), (fourth, (4, 5))):
        maps = keras.Model(encoder.input, into[channels]).predict_on_batch(images)
        expected = np.asarray(maps).reshape(3, -1)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.nightly
def test_the_choice_looks_at_no_test_data(script, tmp_path, monkeypatch):
    load = datasets.load_omniglot

    def background_only(subset="background"):
        assert subset == "background", "test data"
        return load(subset)

    monkeypatch.setattr(datasets, "load_omniglot", background_only)
    monkeypatch.delattr(datasets, "load_official_runs")
    monkeypatch.setattr("sys.argv", ["averaging.py", "choice"])
    script.main()
    found = script.ENTRIES.read()
    assert sorted(found) == ["choice: seed 1", "choice: seed 2"]
    names = [script.name_of(*choice) for choice in [(0, 0), (0, 1), (1, 0), (1, 1)]]
    for each in found.values():
        assert len({each[name]["right"] for name in names}) == 4
    assert not (tmp_path / "looks.json").exists()


@pytest.mark.nightly
def test_what_was_chosen_is_measured_once_for_each_seed_and_for_all_together(
    script, tmp_path, monkeypatch
):
    asked, train = [], frontier.trained_as
    monkeypatch.setattr(
        frontier, "trained_as", lambda entry, s: asked.append(entry) or train(entry, s)
    )
    joined, join = [], averaging.side_by_side
    monkeypatch.setattr(
        averaging, "side_by_side", lambda of, w: joined.append((len(of), w)) or join(of, w)
    )
    monkeypatch.setattr(models, "load_pretrained", shipped)
    monkeypatch.setattr("sys.argv", ["averaging.py"])
    for _ in range(2):  # the second time finds all of it
        script.main()
    found = script.ENTRIES.read()
    assert found["chosen: 2 together"]["settings"]["seeds"] == [1, 2]
    best = script.best_of([found[f"choice: seed {seed}"] for seed in (1, 2)])
    for name in ("seed 1", "seed 2", "2 together"):
        settings = found[f"chosen: {name}"]["settings"]
        assert (settings["reach"], settings["weight"]) == best
    # The supports and the queries of the runs, then the evaluation alphabets.
    assert joined[-9:] == [(1, best[1])] * 6 + [(2, best[1])] * 3
    assert asked[-1] == f"{script.LONG_ENTRY}, seed 2" and frontier.KEPT not in asked, (
        "that one ships"
    )
    counted = json.loads((tmp_path / "looks.json").read_text())
    expected = [f"averaging, chosen: {what}" for what in ("seed 1", "seed 2", "2 together")]
    assert {name: [look["by"] for look in each] for name, each in counted.items()} == {
        "official runs": expected,
        "trials within the evaluation alphabets": expected,
    }
