"""The recorded trainings of the paper's network: recipes, data, and how they go on."""

import itertools

import keras
import numpy as np
import paper_network
import pytest
from keras import layers

from siamese_utils import chapters, datasets, models, training
from siamese_utils.models.encoders import koch_options

SIDE = 16


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, with a small network and few images, writing into an empty folder."""
    monkeypatch.setattr(paper_network, "RECORD", tmp_path / "paper_network.json")
    monkeypatch.setattr(paper_network, "CHECKPOINTS", tmp_path / "checkpoints")
    return paper_network


def made_up(n_alphabets, first):
    """Letters as noise around a pattern of their own: 22 in each alphabet, by six people."""
    n_letters = 22 * n_alphabets
    rng = np.random.default_rng(first)
    patterns = rng.random((n_letters, 1, SIDE, SIDE, 1)) < 0.2
    images = patterns ^ (rng.random((n_letters, 6, SIDE, SIDE, 1)) < 0.02)
    labels = np.repeat(np.arange(n_letters), 6)
    return datasets.Omniglot(
        images.reshape(-1, SIDE, SIDE, 1).astype("uint8"),
        labels,
        labels // 22,
        np.tile(np.arange(1, 7), n_letters),
        tuple(f"alphabet {i}" for i in range(n_alphabets)),
        tuple(f"letter {i}" for i in range(n_letters)),
    )


def small_encoder(paper_init=True, l2=None):
    """Koch's layers by their names, small."""
    encoder = keras.Sequential([keras.Input((SIDE, SIDE, 1))], name="koch_encoder")
    for name in paper_network.LAYERS[:4]:
        options = koch_options(name, 0.01, paper_init, l2)
        encoder.add(layers.Conv2D(8, 3, 2, "same", activation="relu", **options))
    encoder.add(layers.Flatten())
    options = koch_options("dense", 0.2, paper_init, l2)
    encoder.add(layers.Dense(16, activation="sigmoid", **options))
    return encoder


@pytest.fixture
def small(script, monkeypatch):
    monkeypatch.setattr(models, "koch_encoder", small_encoder)
    monkeypatch.setattr(script, "PER_EPOCH", 2)
    monkeypatch.setattr(script, "data_of", lambda alphabets: (made_up(3, 1), made_up(2, 2)))
    return script


SHORT = {"images": 480}  # three epochs of two steps


class TestRecipes:
    def test_each_rung_changes_one_thing_and_the_last_is_ours(self, script):
        rungs = [recipe for recipe in script.ladder().values() if recipe["seed"] == 1]
        assert len(rungs) == len(script.LADDER)
        assert rungs[0] == script.SOURCES and rungs[-1] == script.OURS
        for a, b in itertools.pairwise(rungs):
            changed = {key for key in a if a[key] != b[key]}
            # a schedule has a rate of its own
            assert len(changed - {"rate"}) == 1, changed

    def test_what_was_tried_is_one_change_of_the_last_rung(self, script):
        for name, recipe in script.tried().items():
            changed = {key for key in recipe if recipe[key] != script.OURS.get(key)}
            assert len(changed - {"rate", "searched"}) <= 1 and changed, name

    def test_the_recorded_runs_differ_by_their_seed(self, script):
        recipes = list(script.recorded().values())
        assert [recipe["seed"] for recipe in recipes] == [1, 2, 3]
        others = [{k: v for k, v in recipe.items() if k != "seed"} for recipe in recipes]
        assert others[0] == others[1] == others[2]
        assert others[0]["alphabets"] == "background"

    def test_chosen_on_alphabets_that_are_in_no_training_and_no_run(self, script):
        in_runs = set(datasets.load_official_runs().alphabets)
        train, validation = script.data_of("25 of background")
        assert (len(train.alphabet_names), len(validation.alphabet_names)) == (25, 5)
        assert not set(train.alphabet_names) & set(validation.alphabet_names)
        train, watching = script.data_of("background")
        assert (len(train.alphabet_names), len(watching.alphabet_names)) == (30, 10)
        assert not in_runs & {*train.alphabet_names, *watching.alphabet_names}

    def test_an_unknown_part_is_an_error(self, script, monkeypatch, capsys):
        monkeypatch.setattr("sys.argv", ["paper_network.py", "laddr"])
        with pytest.raises(SystemExit):
            script.main()
        assert "no part 'laddr'; there are recorded, ladder, tried" in capsys.readouterr().err


class TestBuild:
    def test_the_sources_start(self, small):
        network, *_ = small.build(small.SOURCES, made_up(1, 1))
        for variable in network.trainable_variables:
            value = keras.ops.convert_to_numpy(variable)
            mean = 0.5 if variable.name == "bias" else 0.0
            assert abs(value.mean() - mean) < 0.05
            if value.size > 500:
                assert value.std() == pytest.approx(0.01, rel=0.1)

    def test_the_start_from_data(self, small):
        train = made_up(3, 1)
        _, encoder, head, _ = small.build(small.OURS, train)
        h = models.embed(encoder, train.images)
        assert 0.4 < h.mean() < 0.6 and h.std(axis=0).min() > 0.05
        assert float(head.bias) == 8.0

    @pytest.mark.parametrize("start", ["paper", "Keras"])
    def test_other_starts(self, small, start):
        _, encoder, *_ = small.build(small.OURS | {"start": start}, made_up(1, 1))
        bias = encoder.get_layer("conv1").get_weights()[1]
        assert bias.mean() == pytest.approx(0.5 if start == "paper" else 0.0, abs=0.01)


def test_listed_pairs_are_taken_once_from_start_to_end(script, monkeypatch):
    monkeypatch.setattr(script, "PER_EPOCH", 3)
    n_pairs = 2 * 3 * script.PER_STEP // 2
    images = np.arange(n_pairs * 2).reshape(-1, 1, 1, 1)
    pairs = np.arange(n_pairs * 2).reshape(-1, 2)
    batches = script.ListedPairs(images, pairs, np.arange(n_pairs) % 2)
    seen = []
    for _ in range(2):
        for i in range(len(batches)):
            (left, right), same = batches[i]
            assert left.dtype == "float32" and len(left) == len(same) == script.PER_STEP // 2
            seen += np.stack([left.ravel(), right.ravel()], axis=1).astype(int).tolist()
        batches.on_epoch_end()
    assert seen == pairs.tolist()


def test_watches_runs_of_two_people_within_an_alphabet(script):
    part = made_up(2, 1)
    numbered = np.arange(len(part)).reshape(-1, 1, 1, 1)  # an image is its own number
    part = datasets.Omniglot(
        numbered, part.labels, part.alphabets, part.drawers, part.alphabet_names,
        part.character_names,
    )  # fmt: skip
    chosen = script.Watch(None, None, part, 1).images.reshape(20, 20, 2)
    labels, drawers = part.labels[chosen], part.drawers[chosen]
    assert (labels[..., 0] == labels[..., 1]).all()
    assert (drawers[..., 0] != drawers[..., 1]).all()
    for run in range(20):
        assert len(set(labels[run, :, 0])) == 20
        assert len(np.unique(drawers[run], axis=0)) == 1
        assert set(part.alphabets[chosen[run]].ravel()) == {run % 2}


@pytest.mark.nightly
class TestTraining:
    @pytest.mark.parametrize("rung", ["the sources' recipe", "the paper's distortions"])
    def test_writes_an_entry_and_does_not_train_again(self, small, rung, capsys):
        recipe = small.ladder()[rung] | SHORT
        small.PARTS["ladder"], before = lambda: {rung: recipe}, small.PARTS["ladder"]
        try:
            small.run(f"ladder: {rung}", recipe)
            (entry,) = chapters.read_record(small.RECORD)["metrics"].values()
            small.run(f"ladder: {rung}", recipe)
        finally:
            small.PARTS["ladder"] = before
        assert "recorded already" in capsys.readouterr().out
        assert entry["recipe"] == recipe and entry["images"] == 480
        assert entry["pairs"] == (240 if recipe["pairs"] == "listed" else 6 * 3_160)
        assert entry["curve"]["images"] == [160, 320, 480]
        assert {len(values) for values in entry["curve"].values()} == {3}
        low, high = entry["validation"]["interval"]
        assert low <= entry["validation"]["accuracy"] <= high
        right = np.unpackbits(np.frombuffer(bytes.fromhex(entry["validation"]["right"]), np.uint8))
        # The shares of ties are in the accuracy alone: at this size nearly all are of 20.
        missing = entry["validation"]["accuracy"] - right[:3_000].mean()
        assert 0 <= missing < 0.06
        assert not list(small.CHECKPOINTS.iterdir())

    def test_the_paper_s_optimizer_gets_the_values_that_were_found(self, small, monkeypatch):
        used = []
        make = small.optimizer_of

        def optimizer_of(recipe, n_steps, values):
            used.append(values)
            return make(recipe, n_steps, values)

        monkeypatch.setattr(small, "optimizer_of", optimizer_of)
        recipe = small.tried()["the paper's optimizer"] | SHORT | {"searched": 3}
        found = small.measured(recipe, small.CHECKPOINTS / "search")["search"]
        assert len(found["accuracies"]) == 3 and len(used) == 4
        best = used[int(np.argmax(found["accuracies"]))]
        assert best == used[3] and found["best"]["rates"] == best.rates
        assert set(best.rates) == set(small.LAYERS)

    def test_a_training_that_diverges_is_worth_chance_and_ends(self, small):
        recipe = small.OURS | SHORT | {"optimizer": "Adam", "rate": 1e30}
        train, validation = small.data_of("")
        network, encoder, head, _ = small.build(recipe, train)
        history = small.trained(recipe, network, encoder, head, train, validation, None)
        assert history["one_shot"] == [0.05] and not np.isfinite(history["loss"][0])

    def test_the_strengths_of_l2_reach_every_layer(self, small):
        l2 = {name: 0.01 for name in small.LAYERS}
        values = training.LayerwiseValues({}, {}, l2)
        train = made_up(3, 1)
        _, encoder, head, _ = small.build(small.OURS, train, values)
        network = models.in_batch_network(encoder, head)
        assert len(network.losses) == len(small.LAYERS)

    def test_goes_on_where_it_was_stopped(self, small, monkeypatch, tmp_path):
        recipe = small.OURS | SHORT
        train, validation = small.data_of("")

        def history(folder):
            network, encoder, head, _ = small.build(recipe, train)
            found = small.trained(recipe, network, encoder, head, train, validation, folder)
            return {k: v for k, v in found.items() if k != "seconds"}, encoder.get_weights()

        whole, weights = history(tmp_path / "whole")
        measure = small.Watch.on_epoch_begin

        def stop(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            measure(self, epoch, logs)

        with monkeypatch.context() as patch:
            patch.setattr(small.Watch, "on_epoch_begin", stop)
            with pytest.raises(KeyboardInterrupt):
                history(tmp_path / "parts")
        resumed, again = history(tmp_path / "parts")
        assert resumed == whole
        for a, b in zip(weights, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_digits_are_enlarged_with_paper_around_them_and_thinner_strokes(script):
    digit = np.zeros((1, 28, 28, 1), "float32")
    digit[0, 4:24, 12:16] = 1  # a bar, 4 pixels wide
    plain, padded, thin = (script.enlarged(digit, *fit) for fit in ((0, 0), (8, 0), (0, 1)))
    width = (plain[0, 52, :, 0] > 0.5).sum()
    assert width == 15  # 4 x 105 / 28
    assert (padded[0, 52, :, 0] > 0.5).sum() == pytest.approx(4 * 105 / 44, abs=1)
    assert (thin[0, 52, :, 0] > 0.5).sum() == width - 2
