"""The recorded averages of shifts and encoders: a choice on validation alphabets, then a look."""

import json

import frontier
import keras
import looks
import numpy as np
import pytest
import shifts
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
    record = tmp_path / "shifts.json"
    monkeypatch.setattr(shifts, "ENTRIES", shifts.Entries(record, "benchmarks/shifts"))
    monkeypatch.setattr(shifts, "REACHES", (0, 1))
    monkeypatch.setattr(frontier, "STATES", tmp_path / "states")
    monkeypatch.setattr(frontier, "PER_EPOCH", 1)
    monkeypatch.setattr(frontier, "SEEDS", (1, 2))
    for name in ("RECIPE", "LONG"):
        monkeypatch.setattr(frontier, name, getattr(frontier, name) | TINY)
    monkeypatch.setattr(sampling, "within_alphabet_trials", few_trials)
    count = looks.count
    monkeypatch.setattr(looks, "count", lambda *a: count(*a, path=tmp_path / "looks.json"))
    return shifts


def test_the_best_mean_of_the_seeds_is_chosen():
    def accuracies(*values):
        return {shifts.shifts(k): {"accuracy": v} for k, v in zip(range(4), values, strict=True)}

    assert shifts.best_of([accuracies(0.9, 0.8, 0.7, 0.6), accuracies(0.5, 0.7, 0.9, 0.6)]) == 2


@pytest.mark.nightly
def test_the_choice_looks_at_no_test_data(script, tmp_path, monkeypatch):
    load = datasets.load_omniglot

    def background_only(subset="background"):
        assert subset == "background", "test data"
        return load(subset)

    monkeypatch.setattr(datasets, "load_omniglot", background_only)
    monkeypatch.delattr(datasets, "load_official_runs")
    monkeypatch.setattr("sys.argv", ["shifts.py", "choice"])
    script.main()
    found = script.ENTRIES.read()
    assert sorted(found) == ["choice: seed 1", "choice: seed 2"]
    assert all(each["9 shifts"] != each["one encoding"] for each in found.values())
    assert not (tmp_path / "looks.json").exists()


@pytest.mark.nightly
def test_what_was_chosen_is_measured_once_for_each_seed_and_for_all_together(
    script, tmp_path, monkeypatch
):
    asked, train = [], frontier.trained_as
    monkeypatch.setattr(
        frontier, "trained_as", lambda entry, s: asked.append(entry) or train(entry, s)
    )
    monkeypatch.setattr(models, "load_pretrained", shipped)
    monkeypatch.setattr("sys.argv", ["shifts.py"])
    for _ in range(2):  # the second time finds all of it
        script.main()
    found = script.ENTRIES.read()
    reach = found["chosen: seed 1"]["settings"]["reach"]
    assert reach == script.best_of([found[f"choice: seed {seed}"] for seed in (1, 2)])
    assert found["chosen: seed 2"]["settings"]["reach"] == reach
    assert found["chosen: 2 together"]["settings"]["seeds"] == [1, 2]
    assert asked[-1] == f"{script.LONG}, seed 2" and frontier.KEPT not in asked, "that one ships"
    counted = json.loads((tmp_path / "looks.json").read_text())
    expected = [f"shifts, chosen: {what}" for what in ("seed 1", "seed 2", "2 together")]
    assert {name: [look["by"] for look in each] for name, each in counted.items()} == {
        "official runs": expected,
        "trials within the evaluation alphabets": expected,
    }


def test_encoders_together_answer_by_the_mean_of_their_cosines(monkeypatch):
    rng = np.random.default_rng(0)
    of_seed = {1: rng.normal(size=(6, 4)), 2: rng.normal(size=(6, 3))}
    of_seed = {k: x / np.linalg.norm(x, axis=1, keepdims=True) for k, x in of_seed.items()}
    monkeypatch.setattr(shifts, "embedded", lambda settings, *_: of_seed[settings["seed"]])
    both = shifts.together({}, [1, 2], 0)(None, None)
    expected = np.mean([x @ x.T for x in of_seed.values()], axis=0)
    np.testing.assert_allclose(cosine_similarity(both), expected, atol=1e-12)
