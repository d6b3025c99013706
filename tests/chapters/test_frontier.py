"""The recorded trainings of chapter 08: what they train, what is kept, and who looked at tests."""

import ast
import base64
import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import frontier
import looks
import numpy as np
import pytest
from claims import source

from siamese_utils import augment, chapters, datasets, evaluation, models, sampling

TINY = {"filters": [2, 2, 2, 2], "side": 35, "steps": 2}


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, writing into an empty folder, with epochs of one step."""
    record = tmp_path / "frontier.json"
    monkeypatch.setattr(frontier, "ENTRIES", frontier.Entries(record, "benchmarks/frontier"))
    monkeypatch.setattr(frontier, "STATES", tmp_path / "states")
    monkeypatch.setattr(frontier, "PER_EPOCH", 1)
    monkeypatch.setattr(frontier, "N_FEW_SHOT", 50)
    monkeypatch.setattr(frontier, "SEEDS", (1,))
    count = looks.count
    monkeypatch.setattr(looks, "count", lambda *a: count(*a, path=tmp_path / "looks.json"))
    return frontier


def test_each_rung_changes_something_and_the_last_is_the_recipe():
    rungs = list(frontier.ladder().values())[: len(frontier.LADDER)]
    assert rungs[-1] == frontier.RECIPE
    assert all(a != b for a, b in itertools.pairwise(rungs))


def test_what_was_tried_and_the_parts_change_one_thing_of_a_rung():
    for base, tried in ((frontier.SHORT, frontier.TRIED), (frontier.RECIPE, frontier.TRIED_LONG)):
        for name, change in tried.items():
            settings = base | change
            assert sum(settings[key] != base[key] for key in base) == 1, name
    for name, change in frontier.PARTS_CHANGED.items():
        assert (frontier.SHORT | change) != frontier.SHORT, name
    assert frontier.ladder()[list(frontier.LADDER)[-2]] == frontier.SHORT


def test_the_chapter_trains_by_the_recipe():
    quick = vars(chapters.settings("08_past_the_paper", "quick"))
    recipe = frontier.QUICK
    assert (quick["n_letters"], 4) == frontier.BATCH
    assert quick["n_steps"] == recipe["steps"]
    assert list(quick["filters"]) == recipe["filters"]
    assert (quick["side"], quick["composed"]) == (recipe["side"], recipe["composed"])
    full = vars(chapters.settings("08_past_the_paper", "full"))
    assert full["n_steps"] == frontier.LONG["steps"]
    assert list(full["filters"]) == frontier.LONG["filters"]
    assert (full["side"], full["composed"]) == (frontier.LONG["side"], frontier.LONG["composed"])


def test_the_chapter_writes_the_recipe_out():
    """What the cells say in numbers is what the records say was trained."""
    code = source("08 code")
    recipe = frontier.QUICK
    for line in (
        f"def in_batch_softmax(labels, z, temperature={recipe['temperature']}):",
        f"training.adamw({recipe['rate']}, config.n_steps, weight_decay={recipe['weight decay']})",
        f"layers.MaxPooling2D({recipe['pool size']}, strides=2",
    ):
        assert re.sub(r"\s", "", line) in re.sub(r"\s|,(?=\s*\))", "", code), line
    composed = recipe | {"composed": 0.3, "seed": 1}
    made = {"augment": augment, "config": SimpleNamespace(composed=0.3)}
    exec(function_of(code, "distortions"), made)
    for own, recorded in zip(made["distortions"](1), frontier.distortions(composed), strict=True):
        assert type(own) is type(recorded)
        assert without_name(own) == without_name(recorded)


def function_of(code, name):
    tree = ast.parse(code)
    [found] = [each for each in ast.walk(tree) if getattr(each, "name", None) == name]
    return ast.get_source_segment(code, found)


def without_name(layer):
    return {key: value for key, value in layer.get_config().items() if key != "name"}


@pytest.mark.nightly
def test_rungs_are_measured_on_alphabets_that_they_do_not_train_on():
    train, validation = frontier.data_of("25 of background")
    assert len(train.alphabet_names) == 25
    both = {*train.alphabet_names, *validation.alphabet_names}
    assert both == set(datasets.omniglot_tables.BACKGROUND_ALPHABETS)


@pytest.mark.nightly
@pytest.mark.parametrize("alphabets", ["background", "small1", "small2"])
def test_no_run_alphabet_is_trained_on(alphabets):
    train, validation = frontier.data_of(alphabets)
    assert validation is None
    assert not set(train.alphabet_names) & set(datasets.omniglot_tables.RUN_ALPHABETS)


@pytest.mark.nightly
@pytest.mark.parametrize("head", ["cosine", "Koch"])
@pytest.mark.parametrize("body", ["residual", "conv4", "Koch"])
def test_every_body_goes_with_every_head(body, head):
    settings = frontier.RECIPE | {"side": 35, "filters": [8] * 4, "encoder": body, "head": head}
    encoder, network, compare = frontier.build(settings)
    images = np.random.default_rng(0).random((2, 35, 35, 1), "float32")
    embeddings = models.embed(encoder, images)[None]  # one run of two images
    (scores,) = evaluation.run_scores(compare, embeddings, embeddings)
    assert scores[0, 0] > scores[0, 1]  # large = alike
    assert network.count_params() >= encoder.count_params()


@pytest.mark.nightly
class TestATraining:
    @pytest.fixture
    def entry(self, script):
        settings = script.RECIPE | TINY | {"seed": 1}
        return script.measured(settings, "ladder: tiny, seed 1")

    def test_on_validation_alphabets_looks_at_no_test(self, script, entry):
        assert sorted(key for key in entry if key.startswith("validation")) == [
            "validation, nine shifts",
            "validation, plain",
        ]
        assert len(entry["loss"]) == 2 and entry["training seconds"] > 0
        assert not (script.STATES.parent / "looks.json").exists()

    def test_keeps_which_trials_were_right(self, entry):
        for found in (entry["validation, plain"], entry["validation, nine shifts"]):
            packed = np.frombuffer(base64.b64decode(found["right"]), "uint8")
            right = np.unpackbits(packed, count=10_000)
            assert right.mean() == pytest.approx(found["accuracy"], abs=1e-3)
            low, high = found["interval"]
            assert low <= found["accuracy"] <= high

    def test_goes_on_where_it_was_stopped(self, script, monkeypatch, entry):
        """A second call finds the state of the first, and trains no more."""
        monkeypatch.setattr(script.sampling.ClassBatches, "on_epoch_end", None)
        again = script.measured(script.RECIPE | TINY | {"seed": 1}, "ladder: tiny, seed 1")
        assert again == entry

    def test_the_first_long_one_is_what_the_package_brings(self, script, monkeypatch, tmp_path):
        """With its card, and with the layer that brings letters to one size."""
        monkeypatch.setattr(sampling, "within_alphabet_trials", few_trials)
        for module, name in ((script, "PRETRAINED"), (models.pretrained, "FOLDER")):
            monkeypatch.setattr(module, name, tmp_path)
        settings = script.RECIPE | TINY | {"seed": 1, "alphabets": "background"}
        found = script.measured(settings, script.KEPT)
        loaded, card = models.load_pretrained("omniglot"), models.pretrained_card("omniglot")
        assert loaded.input_shape == (None, 105, 105, 1)
        assert card["recipe"] == settings
        for name in ("official runs", "within"):
            assert card["metrics"][name]["accuracy"] == found[f"{name}, plain"]["accuracy"]

    @pytest.mark.parametrize("alphabets", ["background", "small1", "1,200 characters of 50"])
    def test_on_test_data_counts_its_looks(self, script, monkeypatch, alphabets):
        monkeypatch.setattr(sampling, "within_alphabet_trials", few_trials)
        settings = script.RECIPE | TINY | {"seed": 1, "alphabets": alphabets}
        found = script.measured(settings, "an entry")
        counted = json.loads((script.STATES.parent / "looks.json").read_text())
        expected = {
            "background": {
                "official runs",
                "trials within the evaluation alphabets",
                "evaluation characters across alphabets",
            },
            "small1": {"official runs"},
            "1,200 characters of 50": {"423 characters across alphabets"},
        }[alphabets]
        assert set(counted) == expected
        assert all([look["by"] for look in each] == ["an entry"] for each in counted.values())
        shares = [value for value in found.values() if isinstance(value, dict)]
        assert len(shares) >= 2 and all(0 <= each["accuracy"] <= 1 for each in shares)


def few_trials(part):
    rng = np.random.default_rng(0)
    return sampling.draw_episodes(
        part.labels, 20, 40, rng, drawers=part.drawers, alphabets=part.alphabets
    )


def test_looks_are_added_up(tmp_path):
    path = tmp_path / "looks.json"
    for by in ("first", "second"):
        looks.count("official runs", by, path)
    looks.count("other", "first", path)
    found = json.loads(path.read_text())
    assert {name: [each["by"] for each in of] for name, of in found.items()} == {
        "official runs": ["first", "second"],
        "other": ["first"],
    }
    assert set(found["other"][0]) == {"by", "date", "commit"}


def test_looks_of_several_writers_are_all_kept(tmp_path):
    path, writers = tmp_path / "looks.json", [f"writer {n}" for n in range(8)]
    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(lambda by: looks.count("official runs", by, path), writers))
    found = json.loads(path.read_text())["official runs"]
    assert sorted(look["by"] for look in found) == writers


def test_entries_of_several_writers_are_all_kept(tmp_path):
    path, names = tmp_path / "entries.json", [f"training {n}" for n in range(8)]

    def write(name):
        frontier.Entries(path, "benchmarks/test").entry(name, {"seed": 1}, lambda: {"a": 1})

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(write, names))
    assert sorted(frontier.Entries(path, "benchmarks/test").read()) == names


def test_the_stored_looks_say_whose_they_were():
    stored = json.loads(looks.PATH.read_text(encoding="utf-8"))
    assert stored
    for test_set, each in stored.items():
        for look in each:
            assert set(look) == {"by", "date", "commit"} and all(look.values()), test_set


def test_recorded_entries_have_the_settings_of_the_script():
    record = frontier.ROOT / "results" / "recorded" / "frontier.json"
    expected = {
        f"{part}: {name}, seed {seed}": settings | {"seed": seed}
        for part, entries in frontier.PARTS.items()
        for name, settings in entries().items()
        for seed in frontier.SEEDS
    }
    found = {
        name: each["settings"] for name, each in chapters.read_record(record)["metrics"].items()
    }
    assert found
    for name, settings in found.items():
        assert settings == expected[name], name
