"""The recorded trainings of chapter 08: what they train, what is kept, what they reached."""

import importlib.util
import itertools

import chapters
import numpy as np
import pytest

from siamese_utils import datasets, models, results, scoring


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, writing into an empty folder."""
    path = chapters.ROOT / "benchmarks" / "past_the_paper.py"
    spec = importlib.util.spec_from_file_location("past_the_paper", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "PRETRAINED", tmp_path / "pretrained")
    return module


@pytest.fixture
def encoder():
    return models.residual_encoder((42, 42, 1), (2, 2, 2, 2))


def entry(accuracy=0.5):
    share = {"accuracy": accuracy, "interval": [0.4, 0.6]}
    return {"seconds": 2.0, "weights": 7, "plain": share, "nine shifts": share}


def test_the_last_rung_is_the_recipe_and_each_rung_changes_something(script):
    ladder = script.ladder()
    rungs = [settings for name, settings in ladder.items() if not name.startswith("tried: ")]
    assert rungs[-1] == script.RECIPE | {"alphabets": "25 of background"}
    assert all(a != b for a, b in itertools.pairwise(rungs))
    tried = [settings for name, settings in ladder.items() if name.startswith("tried: ")]
    for settings in tried:
        assert sum(settings[key] != rungs[-1][key] for key in settings) == 1


def test_rungs_are_chosen_on_alphabets_that_they_do_not_train_on(script):
    train, validation = script.data_of("25 of background")
    assert len(train.alphabet_names) == 25
    both = {*train.alphabet_names, *validation.alphabet_names}
    assert both == set(datasets.BACKGROUND_ALPHABETS)


@pytest.mark.parametrize("alphabets", ["background", "small1", "small2"])
def test_no_run_alphabet_is_trained_on(script, alphabets):
    train, validation = script.data_of(alphabets)
    assert validation is None
    assert not set(train.alphabet_names) & set(datasets.RUN_ALPHABETS)


def test_an_entry_is_kept_until_its_settings_change(script, monkeypatch, encoder):
    asked = []

    def measured(settings):
        asked.append(settings)
        return encoder, entry()

    monkeypatch.setattr(script, "measured", measured)
    for settings in ({"seed": 2}, {"seed": 2}, {"seed": 3}):
        script.run("long", "seed 2", settings)
    assert asked == [{"seed": 2}, {"seed": 3}]
    record = results.read(script.ROOT / "results" / "recorded" / "past_the_paper_long.json")
    assert record["metrics"]["seed 2"] == {"settings": {"seed": 3}, **entry()}


def test_entries_stand_in_the_order_of_the_part(script, monkeypatch, encoder):
    monkeypatch.setattr(script, "measured", lambda settings: (encoder, entry()))
    for name in ("seed 3", "seed 2"):
        script.run("long", name, script.long()[name])
    record = results.read(script.ROOT / "results" / "recorded" / "past_the_paper_long.json")
    assert list(record["metrics"]) == ["seed 2", "seed 3"]


def test_the_first_long_training_is_what_the_package_brings(script, monkeypatch, encoder):
    monkeypatch.setattr(script, "measured", lambda settings: (encoder, entry(0.97)))
    monkeypatch.setattr(models.pretrained, "FOLDER", script.PRETRAINED)
    script.run("long", "seed 1", script.long()["seed 1"])
    loaded = models.load_pretrained("omniglot")
    images = np.random.default_rng(0).random((3, 42, 42, 1), "float32")
    np.testing.assert_allclose(
        models.embed(loaded, images), models.embed(encoder, images), atol=1e-6
    )
    assert models.pretrained_card("omniglot")["metrics"]["official runs"]["accuracy"] == 0.97


@pytest.mark.parametrize("head", ["cosine", "Koch"])
@pytest.mark.parametrize("body", ["residual", "conv4", "Koch"])
def test_every_body_goes_with_every_head(script, head, body):
    encoder, network, compare = script.build(script.RECIPE | {"encoder": body, "head": head})
    images = np.random.default_rng(0).random((2, 42, 42, 1), "float32")
    embeddings = models.embed(encoder, images)[None]  # one run of two images
    (scores,) = scoring.run_scores(compare, embeddings, embeddings)
    assert scores[0, 0] > scores[0, 1]  # large = alike
    assert network.count_params() >= encoder.count_params()


RECORDED = sorted((chapters.ROOT / "results" / "recorded").glob("past_the_paper_*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_is_recorded_has_the_settings_of_the_script(path, script):
    settings = script.PARTS[path.stem.removeprefix("past_the_paper_")]()
    for name, found in results.read(path)["metrics"].items():
        assert found["settings"] == settings[name], f"run {name!r} again"
