"""Profiles, records of runs, tables, figures: the plain parts of the package."""

import base64
import json
import subprocess
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from siamese_utils import _backend, chapters, evaluation, plots
from siamese_utils.chapters import records


class TestProfiles:
    def test_every_chapter_has_all_three(self):
        for chapter in chapters.profiles._SETTINGS:
            names = [set(vars(chapters.settings(chapter, p))) for p in chapters.PROFILES]
            assert names[0] == names[1] == names[2]

    def test_smoke_is_never_larger_than_quick_nor_quick_than_full(self):
        for chapter in chapters.profiles._SETTINGS:
            smoke, quick, full = (vars(chapters.settings(chapter, p)) for p in chapters.PROFILES)
            for name in smoke:
                assert smoke[name] <= quick[name] <= full[name], f"{chapter}: {name}"

    @pytest.mark.parametrize(
        ("chapter", "profile", "message"),
        [
            ("99_nothing", "quick", "no settings for chapter '99_nothing'"),
            ("03_mnist_pairs", "fast", "unknown profile 'fast'; expected one of smoke"),
        ],
    )
    def test_refuses_unknown_names(self, chapter, profile, message):
        with pytest.raises(ValueError, match=message):
            chapters.settings(chapter, profile)


class TestRecords:
    arguments = ("03_mnist_pairs", "smoke", {"epochs": 1}, {"accuracy": 0.5}, 12.34)

    def test_what_is_written_is_read(self, tmp_path):
        path = tmp_path / "made" / "run.json"
        chapters.write_record(path, *self.arguments)
        record = chapters.read_record(path)
        assert record["metrics"] == {"accuracy": 0.5}
        assert record["seconds"] == 12.3
        known = {"date", "commit", "hardware", "backend", "python", "versions"}
        assert set(record["provenance"]) == known
        assert record["provenance"]["versions"]["keras"]

    def test_a_card_is_named_only_where_the_backend_computes_on_it(self, monkeypatch):
        said = {"nvidia-smi": ["A card"]}
        monkeypatch.setattr(records, "_lines", lambda command: said.get(command[0], []))
        assert " core" in records._hardware(on_gpu=False)
        assert records._hardware(on_gpu=True) == "A card"
        said.clear()
        assert "does not tell" in records._hardware(on_gpu=True)

    @pytest.mark.parametrize(
        ("device", "on_gpu"),
        [
            ("/job:localhost/replica:0/task:0/device:GPU:0", True),  # TensorFlow
            ("/job:localhost/replica:0/task:0/device:CPU:0", False),
            ("cuda:0", True),  # JAX and PyTorch
            ("TFRT_CPU_0", False),
            ("cpu", False),
        ],
    )
    def test_the_device_is_asked_where_the_backend_puts_a_number(self, monkeypatch, device, on_gpu):
        monkeypatch.setattr(_backend.ops, "zeros", lambda shape: SimpleNamespace(device=device))
        monkeypatch.setattr(records, "_hardware", lambda on_gpu: f"a GPU: {on_gpu}")
        assert chapters.provenance()["hardware"] == f"a GPU: {on_gpu}"

    def test_nothing_is_written_of_a_record_that_is_not_json(self, tmp_path):
        path = tmp_path / "run.json"
        chapters.write_record(path, *self.arguments)
        before = path.read_text()
        for bad in (np.float32(1), float("nan")):
            with pytest.raises((TypeError, ValueError)):
                chapters.write_record(path, "name", "smoke", {}, {"accuracy": bad}, 1.0)
        assert path.read_text() == before
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('{"name": "x", ', "not valid JSON.*run the chapter again"),
            ('{"name": "x"}', "lacks profile, settings, metrics, seconds, provenance"),
            ("[]", "not the record of a run"),
            ('{"name": "x", "settings": []}', "lacks profile, settings"),
        ],
    )
    def test_a_corrupt_record_is_named(self, tmp_path, content, message):
        path = tmp_path / "run.json"
        path.write_text(content)
        with pytest.raises(ValueError, match=message) as error:
            chapters.read_record(path)
        assert str(path) in str(error.value)

    def test_stored_records_are_whole(self, request):
        for path in (request.config.rootpath / "results").glob("*/*.json"):
            assert json.dumps(chapters.read_record(path)["metrics"], allow_nan=False)


class TestCommit:
    """The commit that a record names is the one of the package that ran."""

    @pytest.fixture
    def package(self, tmp_path):
        """A package in a checkout with one commit."""
        package = tmp_path / "checkout" / "package"
        package.mkdir(parents=True)
        (package / "module.py").write_text("x = 1\n")
        self.git(package.parent, "init", "--quiet")
        self.commit(package)
        return package

    def git(self, folder, *command):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        git = ["git", "-C", str(folder), *identity, *command]
        return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, folder):
        self.git(folder, "add", "--all", ":/")
        self.git(folder, "commit", "--quiet", "--message", "x")

    def test_names_head(self, package):
        assert records._commit(package) == self.git(package, "rev-parse", "HEAD")

    def test_says_when_a_tracked_file_differs(self, package):
        head = records._commit(package)
        (package / "new.py").write_text("")
        assert records._commit(package) == head
        (package / "module.py").write_text("x = 2\n")
        assert records._commit(package) == f"{head}-dirty"

    def test_records_written_by_the_run_before_do_not_count(self, package):
        record = package.parent / "results" / "full" / "01.json"
        chapters.store_record(record, {"x": 1})
        self.commit(package)
        chapters.store_record(record, {"x": 2})
        assert records._commit(package) == self.git(package, "rev-parse", "HEAD")

    def test_is_none_where_there_is_none(self, package, tmp_path, monkeypatch):
        outside = tmp_path / "package"
        outside.mkdir()
        assert records._commit(outside) is None
        # An installed copy lies in the checkout of something else.
        installed = package.parent / ".venv" / "package"
        installed.mkdir(parents=True)
        assert records._commit(installed) is None
        monkeypatch.setenv("PATH", "")
        assert records._commit(package) is None


@pytest.mark.parametrize("n", [1, 7, 8, 9, 10_000])
def test_answers_are_packed_eight_in_a_byte(n):
    right = np.random.default_rng(n).integers(2, size=n)
    text = chapters.pack_answers(right)
    assert len(text) <= n / 6 + 4
    packed = np.frombuffer(base64.b64decode(text), "uint8")
    np.testing.assert_array_equal(np.unpackbits(packed, count=n), right)


def test_a_tie_is_no_right_answer():
    text = chapters.pack_answers(np.array([[1.0, 0.5], [1 / 3, 1.0]]))
    packed = np.frombuffer(base64.b64decode(text), "uint8")
    assert np.unpackbits(packed, count=4).tolist() == [1, 0, 0, 1]


def test_markdown_table():
    rows = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    assert chapters.markdown_table(rows) == "| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | y |"


class TestPlots:
    """What is drawn is what was given; how it looks is looked at."""

    @pytest.fixture(autouse=True)
    def axis(self):
        plots.use_style()
        _, axis = plt.subplots()
        yield axis
        plt.close("all")

    def test_pairs(self):
        images = np.random.default_rng(0).random((4, 5, 5, 1))
        pairs = np.array([[0, 1], [2, 3]])
        figure = plots.show_pairs(images, pairs, ["same", "different"], [plots.SAME, "k"])
        drawn = [image.get_array() for axis in figure.axes for image in axis.get_images()]
        order = [0, 2, 1, 3]  # left images on top
        np.testing.assert_array_equal(np.stack(drawn), images[order, :, :, 0])
        assert figure.axes[0].get_title() == "same"

    def test_histogram_counts_every_pair(self, axis):
        distances = np.array([0.1, 0.2, 0.9])
        plots.distance_histogram(axis, distances, np.array([1, 1, 0]), threshold=0.5)
        assert sum(bar.get_height() for bar in axis.patches) == 3
        assert [text.get_text().strip() for text in axis.texts] == ["threshold 0.50"]

    def test_roc_names_its_error_rate(self, axis):
        curve = evaluation.roc(np.array([0.1, 0.4, 0.3, 0.9]), np.array([1, 1, 0, 0]))
        plots.roc_curve(axis, curve, "model", plots.SAME)
        assert axis.get_legend_handles_labels()[1] == ["model (EER 50.0 %)"]

    def test_learning_curves_start_at_epoch_one(self, axis):
        plots.learning_curves(axis, [0.5, 0.4], [0.6, 0.5])
        assert [list(line.get_xdata()) for line in axis.lines] == [[1, 2], [1, 2]]

    def test_scatter_names_each_class(self, axis):
        points = np.random.default_rng(0).random((10, 2))
        plots.embedding_scatter(axis, points, np.arange(10) % 2, ["zero", "one"])
        assert [text.get_text() for text in axis.texts] == ["zero", "one"]
