"""`make full` and the page of what it recorded, with chapters that take no time."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import results_page
import run_chapters as tool
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from waiting import LONG, wait_for

from siamese_utils import chapters

FIRST, SECOND = "01_koch_paper", "05_omniglot_20way"  # the second takes checkpoints
PARAMETERS = 'profile = "quick"\nseed = 7\nfolder = ""\nrecord = ""'
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def write_notebook(folder, chapter, *cells, parameters=PARAMETERS):
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    notebook = new_notebook(
        cells=[new_markdown_cell(f"# Chapter {chapter}"), tagged, *map(new_code_cell, cells)],
        metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}},
    )
    nbformat.write(notebook, folder / f"{chapter}.ipynb")


def settings_of(chapter, profile="full"):
    return vars(chapters.settings(chapter, profile))


def write_record(path, chapter, profile="full", accuracy=0.5, **changed):
    settings = settings_of(chapter, profile) | changed
    chapters.write_record(path, chapter, profile, settings, {"accuracy": accuracy}, 90.0)


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A repository with two small chapters instead of this one."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, FIRST)
    write_notebook(folder, SECOND, parameters=f'{PARAMETERS}\ncheckpoints = ""')
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "NOTEBOOKS", folder)
    return tmp_path


@pytest.fixture
def records(book):
    return book / "records"


class Runner:
    """Stands for papermill: notes each call, and writes a record or fails."""

    def __init__(self):
        self.calls, self.fails = [], {}

    def __call__(self, chapter, profile, record, output, environment=None, **parameters):
        self.calls.append((chapter, profile, parameters))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text("{}")
        for folder in parameters.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        if chapter in self.fails:
            record.write_text('{"name": ')
            raise self.fails[chapter]
        write_record(record, chapter, profile, accuracy=0.75)

    @property
    def ran(self):
        return [chapter for chapter, *_ in self.calls]


@pytest.fixture
def runner(book, monkeypatch):
    runner = Runner()
    monkeypatch.setattr(tool, "run_papermill", runner)
    return runner


def full(records, *chapters, profile="full", force=False):
    return tool.full(list(chapters or (FIRST, SECOND)), profile, records, force)


def accuracy(records, chapter):
    return chapters.read_record(records / f"{chapter}.json")["metrics"]["accuracy"]


class TestWhatRuns:
    def test_all_that_lack_a_record(self, records, runner, capsys):
        assert full(records) == 0
        assert runner.ran == [FIRST, SECOND]
        assert sorted(p.name for p in records.iterdir()) == [f"{FIRST}.json", f"{SECOND}.json"]
        assert f"recorded: {FIRST}, {SECOND}; covered before: none" in capsys.readouterr().out

    def test_not_what_a_record_covers(self, records, runner, capsys):
        write_record(records / f"{FIRST}.json", FIRST)
        before = (records / f"{FIRST}.json").read_bytes()
        assert full(records) == 0
        assert runner.ran == [SECOND]
        assert (records / f"{FIRST}.json").read_bytes() == before
        said = capsys.readouterr().out
        assert f"{FIRST}: {records / FIRST}.json covers it; --force, or FORCE=1 with make" in said

    def test_a_rehearsal_always(self, records, runner):
        """On another backend, or after the code changed, the settings are the same."""
        for _ in range(2):
            assert full(records, FIRST, profile="smoke") == 0
        assert runner.ran == [FIRST, FIRST]

    def test_all_when_forced(self, records, runner):
        write_record(records / f"{FIRST}.json", FIRST)
        assert full(records, force=True) == 0
        assert runner.ran == [FIRST, SECOND]
        assert accuracy(records, FIRST) == 0.75

    @pytest.mark.parametrize(
        ("record", "said"),
        [
            ({"n_images": 24}, "n_images was 24, is 300"),
            ({"n_old": 1}, "n_old was 1, is absent"),
            ({"profile": "smoke"}, "profile was smoke, is full"),
            ({"chapter": SECOND}, f"name was {SECOND}, is {FIRST}"),
        ],
    )
    def test_what_has_a_record_of_something_else(self, records, runner, capsys, record, said):
        write_record(records / f"{FIRST}.json", record.pop("chapter", FIRST), **record)
        assert full(records, FIRST) == 0
        assert runner.ran == [FIRST]
        assert said in capsys.readouterr().out
        assert tool.lacking(FIRST, "full", records / f"{FIRST}.json") == ""

    def test_settings_are_compared_as_json_has_them(self, records):
        """A tuple comes back from a file as a list."""
        write_record(records / f"{SECOND}.json", SECOND)
        assert any(isinstance(value, tuple) for value in settings_of(SECOND).values())
        assert tool.lacking(SECOND, "full", records / f"{SECOND}.json") == ""

    def test_a_corrupt_record_is_named_and_kept_unless_forced(self, records, runner, capsys):
        path = records / f"{FIRST}.json"
        path.parent.mkdir()
        path.write_text('{"name": ')
        assert full(records) == 1
        assert runner.ran == [SECOND]
        said = capsys.readouterr().out
        assert f"{FIRST}: {path} is not valid JSON" in said
        assert "To write over it: --force" in said
        assert path.read_text() == '{"name": '
        assert full(records, FIRST, force=True) == 0
        assert accuracy(records, FIRST) == 0.75


class TestWhatIsWritten:
    def test_the_record_has_the_parameters_of_the_run(self, records, runner):
        full(records, profile="smoke")
        for chapter in (FIRST, SECOND):
            # without the files and folders that it wrote to
            expected = {"profile": "smoke", "seed": 7, "folder": ""}
            assert chapters.read_record(records / f"{chapter}.json")["parameters"] == expected

    def test_checkpoints_go_to_chapters_that_keep_some(self, book, records, runner):
        folder = book / "_build" / "full" / f"{SECOND}.checkpoints"
        runner.fails = {SECOND: subprocess.CalledProcessError(1, "papermill")}
        full(records)
        assert [given for *_, given in runner.calls] == [{}, {"checkpoints": str(folder)}]
        assert folder.exists()  # the next start goes on from it
        runner.fails = {}
        full(records)
        assert runner.calls[2:] == [(SECOND, "full", {"checkpoints": str(folder)})]
        assert not folder.exists()  # a forced run begins anew

    def test_a_failure_stops_no_other_and_leaves_nothing(self, book, records, runner, capsys):
        write_record(records / f"{FIRST}.json", FIRST, n_images=1)
        before = (records / f"{FIRST}.json").read_bytes()
        runner.fails = {FIRST: subprocess.CalledProcessError(3, "papermill")}
        assert full(records) == 1
        assert runner.ran == [FIRST, SECOND]
        assert (records / f"{FIRST}.json").read_bytes() == before
        assert sorted(p.name for p in records.iterdir()) == [f"{FIRST}.json", f"{SECOND}.json"]
        said = capsys.readouterr().out
        notebook = book / "_build" / "full" / f"{FIRST}.ipynb"
        assert (
            f"{FIRST}: failed with exit status 3; its cells up to there are in {notebook}" in said
        )
        assert said.endswith(f"failed: {FIRST}\n")
        runner.fails = {}
        assert full(records) == 0
        assert runner.ran[2:] == [FIRST]

    def test_what_an_earlier_run_left_is_not_taken_for_a_record(self, book, records, monkeypatch):
        left = book / "_build" / "full" / f"{FIRST}.part.json"
        write_record(left, FIRST)
        monkeypatch.setattr(tool, "run_papermill", lambda *_, **__: None)  # writes no record
        assert full(records, FIRST) == 1
        assert not records.exists()

    def test_an_interrupt_says_what_is_left(self, records, runner, capsys):
        runner.fails = {SECOND: KeyboardInterrupt()}
        assert full(records) == 130
        assert f"recorded: {FIRST}; failed: none; left: {SECOND}" in capsys.readouterr().out
        assert [p.name for p in records.iterdir()] == [f"{FIRST}.json"]


class TestCommandLine:
    def call(self, monkeypatch, *arguments):
        given = []
        monkeypatch.setattr(tool, "full", lambda *values: given.append(values) or 0)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setattr(sys, "argv", ["run_chapters.py", "full", *arguments])
        with pytest.raises(SystemExit) as end:
            tool.main()
        return given, end.value.code

    def test_all_chapters_at_full_by_default(self, book, monkeypatch):
        expected = ([FIRST, SECOND], "full", tool.RECORDS, False)
        assert self.call(monkeypatch) == ([expected], 0)

    def test_a_rehearsal_keeps_its_records_elsewhere(self, book, monkeypatch):
        given, _ = self.call(monkeypatch, FIRST, "--profile", "smoke", "--force")
        assert given == [([FIRST], "smoke", book / "_build" / "smoke", True)]

    def test_a_misspelt_chapter_ends_it_before_anything_runs(self, book, monkeypatch):
        given, message = self.call(monkeypatch, FIRST, "05_omniglot")
        assert given == []
        assert message == f"no chapter '05_omniglot'; there are {FIRST}, {SECOND}"


class TestWhileAChapterRuns:
    def process(self, code):
        return subprocess.Popen([sys.executable, "-c", code])

    def test_there_is_a_line_now_and_then(self, tmp_path, monkeypatch, capsys):
        """The process ends after the third line, however long that takes."""
        monkeypatch.setattr(tool, "LOG_SECONDS", 0.1)
        code = "import sys; sys.stdin.read(); sys.exit(4)"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
        asked = []

        def progress(path):
            asked.append(path)
            if len(asked) == 3:
                process.stdin.close()
            return "starting"

        monkeypatch.setattr(tool, "progress", progress)
        assert tool.watch(process, FIRST, tmp_path / "none.ipynb") == 4
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(asked) >= 3
        assert all(re.fullmatch(rf"{FIRST}: \d+ min, starting", line) for line in lines)

    def test_a_line_names_the_cell_that_runs(self, tmp_path):
        states = ("completed", "completed", "running", "pending")
        cells = [new_code_cell("x", metadata={"papermill": {"status": s}}) for s in states]
        cells.insert(0, new_markdown_cell("x", metadata={"papermill": {"status": "completed"}}))
        path = tmp_path / "run.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        assert tool.progress(path) == "cell 3 of 4"
        for cell in cells:
            cell.metadata["papermill"]["status"] = "completed"
        nbformat.write(new_notebook(cells=cells), path)
        assert tool.progress(path) == "cell 4 of 4"
        path.write_text('{"cells": [')  # papermill is writing it
        assert tool.progress(path) == "between two cells"

    def test_an_earlier_run_is_not_taken_for_the_progress_of_this_one(
        self, book, tmp_path, monkeypatch
    ):
        output = tmp_path / "run.ipynb"
        output.write_text('{"cells": []}')
        seen = []
        monkeypatch.setattr(tool, "watch", lambda *_: seen.append(output.exists()) or 0)
        tool.run_papermill(FIRST, "full", tmp_path / "record.json", output)
        assert seen == [False]

    def test_a_process_that_will_not_stop_is_ended(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tool, "STOP_SECONDS", 0.2)
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        ready = tmp_path / "ready"
        process = self.process(code + f"open({str(ready)!r}, 'w'); time.sleep(60)")
        wait_for(ready.exists)
        tool.stop(process)
        assert process.returncode == -signal.SIGKILL

    @pytest.mark.nightly
    def test_a_failing_cell_fails_the_run_and_leaves_its_copy(self, book, records, capfd):
        """Through papermill itself."""
        write_notebook(tool.NOTEBOOKS, FIRST, "print('before')", "raise ValueError('why')")
        assert full(records, FIRST) == 1
        said = capfd.readouterr()
        assert "failed with exit status 1" in said.out and "ValueError: why" in said.err
        copy = nbformat.read(tool.executed(FIRST, "full"), as_version=4)
        assert any("before" in str(cell.get("outputs")) for cell in copy.cells)
        assert not records.exists()

    @pytest.mark.nightly
    def test_neither_papermill_nor_its_kernel_outlives_an_interrupt(self, book, records):
        beats = book / "beats"
        cell = f"import time\nwhile True:\n    print(file=open({str(beats)!r}, 'a'))\n"
        write_notebook(tool.NOTEBOOKS, FIRST, cell + "    time.sleep(0.05)")
        code = (
            "import sys; from pathlib import Path; import run_chapters; "
            f"run_chapters.ROOT = Path({str(book)!r}); "
            "run_chapters.NOTEBOOKS = run_chapters.ROOT / 'notebooks'; "
            f"sys.argv = ['run_chapters.py', 'full', {FIRST!r}, '--records', {str(records)!r}]; "
            "run_chapters.main()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        wait_for(beats.exists)
        process.terminate()
        # The pipe ends when the last process that holds it does, so papermill has ended as well.
        said, _ = process.communicate(timeout=LONG)
        assert process.returncode == 130
        assert f"interrupted in {FIRST}" in said and f"left: {FIRST}" in said
        counted = beats.stat().st_size
        time.sleep(0.5)
        assert beats.stat().st_size == counted
        assert not records.exists()


class TestPage:
    def test_is_fresh(self):
        stored = results_page.PAGE.read_text(encoding="utf-8")
        assert stored == results_page.page(), "book/results.md is stale: run `make results`"

    def test_a_record_more_or_less_changes_it(self, book):
        records = book / "results"
        without = results_page.page(records)
        path = records / "full" / f"{FIRST}.json"
        write_record(path, FIRST)
        within = results_page.page(records)
        assert within != without
        path.unlink()
        assert results_page.page(records) == without

    def test_says_of_each_chapter_what_is_missing(self, book):
        page = results_page.page(book / "results")
        links = ", ".join(f"[](../notebooks/{chapter})" for chapter in (FIRST, SECOND))
        assert f"No full run is recorded yet of {links}. `make full` makes them" in page
        assert "## Chapter" not in page  # a heading has something below it

    def test_the_picture_shows_the_records(self):
        rows = results_page.official_runs(results_page.RECORDS)
        names = [name for name, _ in rows]
        assert names[: len(results_page.PUBLISHED)] == [p[0] for p in results_page.PUBLISHED]
        assert "the paper's network, in this book" in names
        with Image.open(results_page.PICTURE) as image:
            assert image.text["Description"] == results_page.figure_digest(rows)

    def test_without_records_there_is_no_picture(self, book):
        assert "figure" not in results_page.page(book / "results")

    def test_a_training_s_minutes_are_those_of_its_median_pace(self):
        """The sum has in it what the machine did meanwhile; older records have nothing else."""
        slow = {"training seconds": 600.0, "seconds at the median pace": 120}
        assert results_page.minutes_of_training([slow]) == 2
        assert results_page.minutes_of_training([slow, {"training seconds": 240.0}]) == 3

    def test_minutes_and_machines_are_those_of_all_trainings(self):
        """At the head of a record that grows stands what the last training ran on."""
        record = chapters.read_record(results_page.RECORDS / "recorded" / "mnist_pairs.json")

        def on(hardware, seconds):
            return {"seconds": seconds, "provenance": {"hardware": hardware}}

        record["metrics"] = {"a": on("A, 2 cores", 120), "b": on("A, 1 core", 180)}
        record["metrics"]["c"] = on("A, 2 cores", 300)
        said = results_page.origin(record)
        assert (
            " in 10 minutes on A, 2 cores (2 of the trainings) and A, 1 core (1 of the trainings); "
            in said
        )
        assert record["provenance"]["hardware"] in results_page.origin({**record, "metrics": {}})

    def test_each_network_of_the_frontier_is_a_row_of_its_seeds(self):
        def trained(accuracy, measure):
            share = {"accuracy": accuracy, "interval": [0.1, 1.0], "right": "AAAA"}
            return {"settings": {}, "training seconds": 90, "weights": 1_000, measure: share}

        record = chapters.read_record(results_page.RECORDS / "recorded" / "frontier.json")
        record["metrics"] = {
            "ladder: first, seed 1": trained(0.5, "validation, plain"),
            "ladder: tried: more, seed 1": trained(0.4, "validation, plain"),
            "ladder: first, seed 2": trained(0.7, "validation, plain"),
            "minimal: small1, seed 1": trained(0.9, "official runs, plain"),
            "minimal: small1, seed 2": trained(0.8, "official runs, plain"),
            "minimal: small2, seed 1": trained(0.7, "official runs, plain"),
        }
        page = "\n".join(results_page.frontier_part(record))
        assert "|  | within, one encoding | minutes | weights |" in page
        assert "| first | 60.0 % (50.0 to 70.0, 2 seeds) | 2 | 1,000 |" in page
        assert "| tried: more | 40.0 % | 2 | 1,000 |" in page
        assert "|  | seed 1 | seed 2 | mean |" in page
        one, two = "90.0 % (10.0 to 100.0)", "80.0 % (10.0 to 100.0)"
        assert f"| minimal set 1: official runs, one encoding | {one} | {two} | 85.0 % |" in page
        assert "| minimal set 1: minutes of training | 2 | 2 |  |" in page
        of_one = "| 70.0 % (10.0 to 100.0) |  | 70.0 % |"
        assert f"| minimal set 2: official runs, one encoding {of_one}" in page
        assert "AAAA" not in page

    def test_each_part_of_a_record_has_its_table_and_a_wide_one_is_turned(self):
        def entry(n_measured, seed):
            measured = {f"way {i}": {"accuracy": 0.5 + seed / 10} for i in range(n_measured)}
            return {"settings": {"steps": 40, "seed": seed}, **measured}

        n = results_page.MOST_COLUMNS
        entries = {
            "choice: seed 1": entry(n, 1),  # and the seed, which is one column too many
            "choice: seed 2": entry(n, 2),
            "chosen: seed 1": entry(n - 1, 3),
        }
        tables = "\n".join(results_page.each_training(entries)).split("\n\n")
        assert [table.splitlines()[0] for table in tables[:2]] == [
            "|  | choice: seed 1 | choice: seed 2 |",
            f"|  | seed | {' | '.join(f'way {i}' for i in range(n - 1))} |",
        ]
        assert "| way 0 | 0.6 | 0.7 |" in tables[0] and "| seed | 1 | 2 |" in tables[0]
        assert "| chosen: seed 1 | 3 | 0.8 |" in tables[1]
        assert "| steps | 40 |" in "\n".join(tables[2:])

    def test_a_second_seed_stands_beside_its_rung(self):
        def rung(accuracy):
            share = {"accuracy": accuracy, "interval": [accuracy - 0.01, accuracy + 0.01]}
            return {"pairs": 1_000, "seconds": 60, "validation": share}

        record = chapters.read_record(tool.RECORDS.parent / "recorded" / "paper_network.json")
        record["metrics"] = {
            "ladder: first": rung(0.2),
            "ladder: second": rung(0.6),
            "ladder: second, seed 2": rung(0.7),
        }
        page = "\n".join(results_page.paper_network_part(record))
        assert "| first | 1,000 | 1 | 20.0 % (19.0 to 21.0) |  |" in page
        assert "| second | 1,000 | 1 | 60.0 % (59.0 to 61.0) | 70.0 % (69.0 to 71.0) |" in page
        assert "| second, seed 2" not in page

    def test_says_where_a_run_comes_from(self, book):
        path = book / "results" / "full" / f"{FIRST}.json"
        write_record(path, FIRST, n_images=1)
        record = chapters.read_record(path)
        record["provenance"] |= {"commit": "abc-dirty", "date": "2026-01-02", "hardware": "a GPU"}
        chapters.store_record(path, record | {"parameters": {"seed": 3, "folder": ""}})
        page = results_page.page(book / "results")
        assert "Recorded on 2026-01-02 in 2 minutes on a GPU;" in page
        assert "; commit `abc-dirty`; `seed = 3`." in page
        assert "The chapter has other settings by now: n images was 1, is 300." in page
        # A number that a chapter is about and that its record lacks is said, too.
        assert "| 20-way, nearest pixels | not in the record |" in page

    def test_lists_what_was_recorded_by_other_means(self, book):
        chapters.write_record(
            book / "results" / "recorded" / "a_run.json", "a run", "recorded", {}, {"x": 2}, 1.0
        )
        write_record(book / "results" / "full" / "00_gone.json", FIRST)
        page = results_page.page(book / "results")
        assert "## Other recorded runs" in page
        assert "### a run\n" in page and "### 00 gone\n" in page

    def test_trainings_with_settings_of_their_own_are_one_table(self, book):
        share = {"accuracy": 0.9, "interval": [0.8, 0.95]}
        trainings = {
            name: {
                "settings": {"side": 42, "steps": steps},
                "seconds": 5.0,
                "loss": [2, 1],
                "runs": share,
            }
            for name, steps in (("short", 10), ("long", 2_000))
        }
        path = book / "results" / "recorded" / "a_run.json"
        chapters.write_record(path, "a run", "recorded", {}, trainings, 10.0)
        page = results_page.page(book / "results")
        assert "|  | steps | seconds | runs |" in page
        assert "| long | 2,000 | 5 | 90.0 % (80.0 to 95.0) |" in page
        assert "| side | 42 |" in page and "| steps |" not in page.split("dropdown")[1]

    def test_headlines_are_in_the_stored_record(self):
        record = chapters.read_record(results_page.RECORDS / "full" / "04_att_faces.json")
        rows = [
            results_page.headline_row(line, record["metrics"])
            for line in results_page.HEADLINES["04_att_faces"]
        ]
        assert rows[0]["measured"] == "97.0 %" and rows[0]["source"] == "94.9 %"
        assert rows[2]["measured"] == "16.5 % (12.4 to 22.2, 8 folds)"

    def test_headlines_are_of_chapters_that_there_are(self):
        assert set(results_page.HEADLINES) <= set(chapters.profiles._SETTINGS)


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "share", "text"),
        [
            (results_page.Measured(0.96, (0.939, 0.973)), False, "96.0 % (93.9 to 97.3)"),
            (0.5, True, "50.0 %"),
            (0.02043, False, "0.02043"),
            (12345.6, False, "12,346"),
            (38951745, False, "38,951,745"),
            (True, True, "yes"),
            ([0.5, 0.25], True, "50.0 %, 25.0 %"),
            (list(range(100)), False, "0 … 99 (100 values)"),
            ("kept", True, "kept"),
        ],
    )
    def test_are_shown_as_a_reader_reads_them(self, value, share, text):
        assert results_page.shown(value, share) == text

    def test_intervals_are_found_beside_their_shares(self):
        measured = results_page.Measured
        found = results_page.with_intervals(
            {
                "accuracy": {"a": {"seen": 0.5}, "b": 0.25},
                "other": 1,
                "interval": {"a": {"seen": [0.4, 0.6]}, "b": [0.2, 0.3]},
                "pair": [0.5, [0.4, 0.6]],
                "table": [{"runs": 0.5, "interval": [0.4, 0.6]}],
                "folds": [0.5, 0.6],
            }
        )
        both = measured(0.5, (0.4, 0.6))
        assert found == {
            "accuracy": {"a": {"seen": both}, "b": measured(0.25, (0.2, 0.3))},
            "other": 1,
            "pair": both,
            "table": [{"runs": both}],
            "folds": [0.5, 0.6],
        }

    def test_nested_numbers_become_tables(self):
        node = {
            "one_number": 1,
            "methods": {"a|b": {"eer": 0.5}, "c": {"eer": 0.25, "steps": 3}},
            "deeper": {"x": {"y": {"z": 1}}},
        }
        assert results_page.tables_of("", node, ()) == [
            "|  | value |\n| --- | --- |\n| one number | 1 |\n",
            "**methods**\n",
            "|  | eer | steps |\n| --- | --- | --- |\n| a\\|b | 50.0 % |  |\n| c | 25.0 % | 3 |\n",
            "**deeper**\n",
            "|  | z |\n| --- | --- |\n| x, y | 1 |\n",
        ]

    def test_no_stored_record_is_shown_as_raw_json(self):
        for path in results_page.RECORDS.glob("*/*.json"):  # looks.json is no record
            _, *tables, _ = results_page.all_numbers(chapters.read_record(path))
            assert tables
            assert not set("{}[]") & set("".join(tables)), path
