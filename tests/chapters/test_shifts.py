"""The recorded choice of how many shifts are averaged: on validation alphabets, then one look."""

import json

import frontier
import keras
import looks
import numpy as np
import pytest
import shifts

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
def test_what_was_chosen_is_measured_once_for_each_seed(script, tmp_path, monkeypatch):
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
    assert asked[-1] == f"{script.LONG}, seed 2" and frontier.KEPT not in asked, "that one ships"
    counted = json.loads((tmp_path / "looks.json").read_text())
    expected = ["shifts, chosen: seed 1", "shifts, chosen: seed 2"]
    assert {name: [look["by"] for look in each] for name, each in counted.items()} == {
        "official runs": expected,
        "trials within the evaluation alphabets": expected,
    }
