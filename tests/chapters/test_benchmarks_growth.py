"""The benchmarks of growth, backends and time, and the page that draws them."""

import importlib.metadata
import importlib.util
import itertools
import json
import math
from types import SimpleNamespace

import keras
import numpy as np
import performance_page
import pytest
import results_page
import run_chapters
from PIL import Image

from siamese_utils import chapters, datasets, distances, models


def load(name):
    path = run_chapters.ROOT / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recorded(name):
    path = performance_page.BENCHMARKS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not recorded yet")
    return chapters.read_record(path)["metrics"], path.with_suffix(".md").read_text(
        encoding="utf-8"
    )


SMALL_GROWTH = {
    **{"STORED": (20, 40), "DIM": 4, "TOGETHER": 3, "WAYS": (2, 4), "N_TRIALS": 6, "N_TIMED": 2},
    **{"BATCHES": (8, 16), "STEPS": 1, "REPEATS": 1, "SIDE": 8},
    "BARS": {"ways": 0, "batch": 0},
}


class SmallOmniglot:
    """Ten characters by four drawers, of random ink."""

    labels = np.repeat(np.arange(10), 4)
    drawers = np.tile(np.arange(4), 10)
    alphabets = np.zeros(40, int)
    images = (np.random.default_rng(0).random((40, 16, 16, 1)) < 0.2).astype("uint8")


@pytest.fixture(scope="module")
def growth(tmp_path_factory):
    """The benchmark, with its record and tables of a rehearsal."""
    module = load("growth")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL_GROWTH.items():
            patch.setattr(module, name, value)
        patch.setattr(module, "FOLDER", tmp_path_factory.mktemp("benchmarks"))
        patch.setattr(datasets, "load_omniglot", lambda subset: SmallOmniglot)
        module.main()
        yield module


class TestGrowth:
    @pytest.mark.nightly
    def test_the_gallery_holds_what_is_stored(self, growth):
        rows = chapters.read_record(growth.FOLDER / "growth.json")["metrics"]["gallery"]
        assert [row["stored"] for row in rows] == [20, 40]
        for row in rows:
            # The embeddings, and two arrays of labels of 8 bytes.
            arrays = row["stored"] * (4 * 4 + 2 * 8) / 1e6
            assert arrays <= row["held_mb"] < arrays + 0.2
            assert row["alone_ms"] > 0 and row["together_ms"] > 0

    @pytest.mark.nightly
    def test_encodings_are_counted(self, growth):
        for row in chapters.read_record(growth.FOLDER / "growth.json")["metrics"]["ways"]:
            assert row["encoded_pairs"] == 6 * 2 * row["ways"]
            assert row["ways"] < row["encoded_once"] <= min(40, 6 * (row["ways"] + 1))
            assert row["ratio"] == row["seconds_pairs"] / row["seconds_once"]

    @pytest.mark.nightly
    def test_listed_pairs_are_scaled_to_the_pairs_of_the_batch(self, growth):
        for row in chapters.read_record(growth.FOLDER / "growth.json")["metrics"]["batch"]:
            assert row["pairs"] == math.comb(row["images"], 2)
            times = row["pairs"] / row["listed_a_step"]
            assert row["seconds_listed"] == pytest.approx(times * row["seconds_listed_step"])

    @pytest.mark.nightly
    def test_both_ways_of_a_trial_find_the_same_distances(self, growth):
        encoder = growth.new_encoder()
        images = datasets.area_resize(SmallOmniglot.images, 8)
        supports = np.array([[1, 5, 9], [13, 2, 30]])
        trials = growth.sampling.Episodes(np.array([0, 12]), supports, np.array([0, 0]))
        network = models.siamese_network(encoder, distances.CosineDistance())
        np.testing.assert_allclose(
            growth.by_pairs(network, images, trials),
            growth.by_embeddings(encoder, images, trials),
            atol=1e-5,
        )

    @pytest.mark.nightly
    def test_below_a_bar_it_fails(self, growth, monkeypatch):
        slow = [{"ratio": 0.5}]
        for part in ("gallery", "ways", "batch"):
            monkeypatch.setattr(growth, f"grow_{part}", lambda *_: slow)
        monkeypatch.setattr(growth, "tables_of", lambda found: {})
        monkeypatch.setattr(growth, "FOLDER", growth.FOLDER / "slow")
        monkeypatch.setattr(growth, "BARS", {"ways": 0.5, "batch": 0.6})
        with pytest.raises(SystemExit, match=r"below the bar: batch$"):
            growth.main()

    def test_the_stored_tables_reach_the_bars(self):
        metrics, table = recorded("growth")
        for key, bar in load("growth").BARS.items():
            assert metrics[key][-1]["ratio"] >= bar
            assert f"{metrics[key][-1]['ratio']:.1f} | ≥ {bar} |" in table


@pytest.fixture
def backends(monkeypatch):
    module = load("backends")
    recipe = module.RECIPE | {"side": 8}
    small = {"STEPS": 1, "REPEATS": 1, "N_IMAGES": 40, "RECIPE": recipe, "TURNS": 3}
    for name, value in small.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module.frontier, "BATCH", (4, 2))
    monkeypatch.setattr(datasets, "load_omniglot", lambda: SmallOmniglot)
    return module


class TestBackends:
    @pytest.mark.nightly
    def test_it_measures_the_backend_of_its_process(self, backends, monkeypatch, capsys):
        monkeypatch.setattr("sys.argv", ["backends.py", "--here"])
        backends.main()
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert set(found) == {"first step", "step", "first embedding", "embedding"}
        assert min(found.values()) > 0

    @pytest.mark.nightly
    def test_another_backend_is_measured_in_a_process_of_its_own(
        self, backends, monkeypatch, tmp_path
    ):
        script = tmp_path / "script.py"
        script.write_text(
            "import json, os, sys\n"
            "print('a note of a library')\n"
            "print(json.dumps([os.environ['KERAS_BACKEND'], sys.argv[1:]]))\n"
        )
        monkeypatch.setattr(backends, "__file__", str(script))
        assert backends.in_its_process("torch") == ["torch", ["--here"]]

    def test_the_medians_of_the_turns_count(self, backends, monkeypatch, tmp_path):
        times = {"tensorflow": iter([2.0, 9.0, 4.0]), "jax": iter([6.0, 2.0, 1.0])}
        order = []

        def turn(backend):
            order.append(backend)
            keys = ("first step", "step", "first embedding", "embedding")
            return dict.fromkeys(keys, next(times[backend]))

        monkeypatch.setattr(backends, "in_its_process", turn)
        monkeypatch.setattr(backends, "FOLDER", tmp_path)
        monkeypatch.setattr("sys.argv", ["backends.py"])
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in times or None)
        monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
        backends.main()
        assert order == ["tensorflow", "jax"] * 3
        medians = chapters.read_record(tmp_path / "backends.json")["metrics"]["medians"]
        assert medians["tensorflow"]["step"] == 4.0 and medians["jax"]["step"] == 2.0
        table = (tmp_path / "backends.md").read_text()
        assert "| JAX 1.0 | 2000 | 0.50 | 2000 | 0.50 | 2.0 | 2.0 |" in table
        assert "Not installed, so not measured: PyTorch." in table

    def test_the_stored_table_is_the_record_s(self):
        metrics, table = recorded("backends")
        for backend, found in metrics["medians"].items():
            assert metrics["versions"][backend] in table
            assert f"| {1e3 * found['step']:.0f} |" in table


@pytest.fixture
def timed(monkeypatch, tmp_path):
    """The benchmark, with trainings that are made up: 0.1 s a step, 91 % + steps / 1,000."""
    module = load("time_to_92")
    accuracy = {}

    def train_ours(n_steps):
        accuracy["now"] = 0.91 + n_steps / 1_000
        return "encoder", n_steps / 10

    def train_sources(data, side, seconds):
        accuracy["now"] = side / 1_000
        return "encoder", "head", seconds + 0.5, 7

    def on_runs(*_, **__):
        return {"accuracy": accuracy["now"], "interval": [0.0, 1.0]}

    monkeypatch.setattr(module, "train_ours", train_ours)
    monkeypatch.setattr(module, "train_sources", train_sources)
    monkeypatch.setattr(module, "on_runs", on_runs)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "SCHEDULES", (4, 8, 16, 32))
    return module


class TestTimeTo92:
    def test_the_first_schedule_that_passes_counts(self, timed):
        timed.main()
        metrics = chapters.read_record(timed.FOLDER / "time_to_92.json")["metrics"]
        assert [entry["steps"] for entry in metrics["ours"]] == [4, 8, 16]  # 92.6 % at 16
        assert metrics["reached"] and metrics["seconds"] == 1.6
        assert metrics["looks"] == 5
        # Three schedules of 80 images: all their pairs. Seven steps of 32 listed ones.
        assert metrics["ours"][0]["pairs"] == 4 * 3160
        assert metrics["sources"][0]["pairs"] == 224 and metrics["sources"][0]["images"] == 448
        table = (timed.FOLDER / "time_to_92.md").read_text()
        assert "looked at 5 times" in table and "took 1 s more" in table
        assert (
            "| ours, 16 steps | 2 | 16 | 1,280 | 50,560 | 92.6 % (0.0 to 100.0) | ≥ 92.0 % |"
            in table
        )

    def test_it_fails_where_no_schedule_passes(self, timed, monkeypatch):
        monkeypatch.setattr(timed, "SCHEDULES", (4, 8))
        with pytest.raises(SystemExit, match="below the bar"):
            timed.main()
        assert not chapters.read_record(timed.FOLDER / "time_to_92.json")["metrics"]["reached"]

    def test_no_schedule_is_begun_that_would_be_too_long(self, timed, monkeypatch):
        monkeypatch.setattr(timed, "LIMIT", 0.8)  # seconds: eight steps
        assert [entry["steps"] for entry in timed.until_it_passes(None)] == [4, 8]

    @pytest.mark.nightly
    def test_the_sources_network_is_koch_s(self):
        encoder, head = load("time_to_92").koch_of_the_sources(105)
        assert models.siamese_network(encoder, head).count_params() == 38_951_745
        dense = encoder.layers[-1]
        assert abs(float(np.std(dense.kernel.numpy()[:1000])) - 0.01) < 1e-4
        assert abs(float(np.mean(dense.bias.numpy())) - 0.5) < 1e-2
        assert not np.allclose(dense.bias.numpy()[:64], encoder.layers[0].bias.numpy())
        assert dense.kernel_regularizer.l2 == pytest.approx(1e-3)
        assert encoder.layers[0].kernel_regularizer.l2 == pytest.approx(2e-4)

    @pytest.mark.nightly
    def test_the_sources_train_until_the_time_is_over(self, monkeypatch):
        module = load("time_to_92")
        small = {"BODIES": {8: ((2, 3),)}, "DIM": 4, "N_PAIRS": 16, "PAIRS_A_BATCH": 4}
        clock = itertools.count()  # a second each time that it is looked at
        small["time"] = SimpleNamespace(perf_counter=lambda: next(clock))
        for name, value in small.items():
            monkeypatch.setattr(module, name, value)
        encoder, head, seconds, steps = module.train_sources(SmallOmniglot, 8, 10)
        assert steps == 10 and seconds == 11  # in the third epoch of four steps
        assert encoder.output_shape == (None, 4) and head.built

    @pytest.mark.nightly
    def test_a_constant_distance_earns_five_percent(self):
        module = load("time_to_92")
        encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
        found = module.on_runs(
            encoder, lambda a, b: 0 * distances.l1(a, b), datasets.load_official_runs()
        )
        assert found["accuracy"] == pytest.approx(0.05)

    def test_the_stored_table_reaches_the_bar(self):
        metrics, table = recorded("time_to_92")
        assert metrics["ours"][-1]["accuracy"] >= load("time_to_92").BAR
        assert metrics["looks"] == len(metrics["ours"]) + len(metrics["sources"])
        assert f"looked at {metrics['looks']} times" in table


class TestPage:
    def test_is_fresh(self):
        stored = performance_page.PAGE.read_text(encoding="utf-8")
        stale = "book/performance.md is stale: run `make results`"
        assert stored == performance_page.page(), stale

    def test_figures_show_the_record(self):
        metrics, _ = recorded("growth")
        for part in performance_page.GROWTH:
            path = performance_page.FIGURES / f"performance_{part.key}.png"
            with Image.open(path) as image:
                drawn = image.text["Description"]
            assert drawn == results_page.figure_digest(metrics[part.key]), path

    def test_a_bar_that_was_missed_is_told(self):
        record = {
            "settings": {"bars": {"images": 1.8, "pairs": 50}},
            "metrics": {"ratios": {"images": 1.709, "pairs": 50.0}},
        }
        (said,) = performance_page.missed_bars(record)
        assert said == "This run missed a bar: in images the ratio is 1.71, and the bar is 1.8.\n"
        assert performance_page.missed_bars({"settings": {}, "metrics": {}}) == []

    def test_the_figure_at_the_top_shows_the_ratios_of_the_tables(self):
        rows = performance_page.ratios(performance_page.BENCHMARKS)
        assert len(rows) == len(performance_page.RATIOS)
        with Image.open(performance_page.FIGURES / "performance_ratios.png") as image:
            drawn = image.text["Description"]
        assert drawn == results_page.figure_digest(rows)
        for (_, record, _), (name, ratio) in zip(performance_page.RATIOS, rows, strict=True):
            assert f"| {ratio:,.1f} |" in recorded(record)[1], name

    def test_no_figure_stays_without_a_record(self, tmp_path):
        (tmp_path / "performance_old.png").touch()
        (tmp_path / "mnist_pairs.png").touch()
        performance_page.write_figures(tmp_path, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mnist_pairs.png"]

    def test_what_is_not_recorded_is_said(self, tmp_path):
        page = performance_page.page(tmp_path)
        names = ["time_to_92", "growth", "backends", "pairs", "oneshot", "affine", "triplets"]
        for name in names:
            assert page.count(f"No run of `benchmarks/{name}.py` is recorded yet;") == 1
        assert "```" not in page

    @pytest.mark.nightly
    def test_a_growth_record_is_drawn_and_described(self, growth, tmp_path):
        page = performance_page.page(growth.FOLDER)
        performance_page.write_figures(growth.FOLDER, tmp_path)
        table = (growth.FOLDER / "growth.md").read_text()
        metrics = chapters.read_record(growth.FOLDER / "growth.json")["metrics"]
        for part in performance_page.GROWTH:
            rows = metrics[part.key]
            assert f"figures/performance_{part.key}.png" in page
            assert page.count(part.finding(rows)) == 2  # in the text and as the description
            assert f":start-after: '**{part.name}**'" in page
            assert table.count(f"**{part.name}**\n") == 1
            with Image.open(tmp_path / f"performance_{part.key}.png") as image:
                assert image.text["Description"] == results_page.figure_digest(rows)

    def test_the_time_is_said(self, timed):
        timed.main()
        page = performance_page.page(timed.FOLDER)
        assert (
            "Our schedule of 16 steps has 92.6 % after 2 s; the sources' recipe has 10.5 % "
            "(105 × 105 pixels) and 4.2 % (42 × 42 pixels) after as long." in page
        )
        assert "include} ../results/benchmarks/time_to_92.md" in page
