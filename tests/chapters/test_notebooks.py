"""The chapters: fresh, complete, in the book's form, and runnable through papermill."""

import ast
import copy
import itertools
import json
import re
import statistics

import freshness
import papermill
import pytest
import run_chapters as tool
from compilation import QUICK_XLA
from smoke import DEFAULT, OTHERS, assert_is_smoke_record

from siamese_utils import chapters

CHAPTERS = tool.names()
# `make test` runs every chapter at quick, and one by the call of `make full`; `make test-all`
# runs all of them so, on every backend that is installed.
ONCE = ("06_triplet", DEFAULT)
RUNS = [
    pytest.param(*run, marks=pytest.mark.slow if run == ONCE else pytest.mark.nightly)
    for run in itertools.product(CHAPTERS, (DEFAULT, *OTHERS))
]


@pytest.fixture(params=CHAPTERS)
def chapter(request):
    return request.param


@pytest.fixture
def notebook(chapter):
    return tool.load(chapter)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def image_cells(notebook):
    return [
        cell
        for cell in code_cells(notebook)
        if any("image/png" in output.get("data", {}) for output in cell.outputs)
    ]


def ways_unnamed(table):
    """Of a Markdown table with more than one N-way accuracy, the columns that do not say N.

    What N is tells the row "chance", in percent.
    """
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    ways = {}
    for row in rows:
        for title, cell in zip(rows[0], row, strict=True):
            share = re.fullmatch(r"(\d+(?:\.\d+)?) ?%?", cell)
            if row[0] == "chance" and share and 1 <= float(share[1]) < 50:
                ways[title] = round(100 / float(share[1]))
    several = len(set(ways.values())) > 1
    return [title for title, n in ways.items() if several and f"{n}-way" not in title]


def test_unnamed_ways_are_noticed():
    table = "|  | pairs | AUC | 5-way | letters |\n|---|---|---|---|---|\n| chance | 50 % | 0.5 |"
    assert ways_unnamed(f"{table} 20 % | 5.0 |") == ["letters"]
    assert ways_unnamed(f"{table} 20 % | 20.0 |") == []
    assert ways_unnamed(f"{table} 20 % | 5.0 |".replace("letters", "20-way")) == []
    assert ways_unnamed(f"{table} 20 % | 5.0 |".replace("chance", "pixels")) == []


def test_there_are_chapters():
    assert CHAPTERS
    said = "siamese_utils/chapters/profiles.py has other chapters"
    assert set(CHAPTERS) == set(chapters.profiles._SETTINGS), said


class TestFreshness:
    def test_outputs_come_from_this_code(self, chapter, notebook):
        stored = notebook.metadata.get("siamese_book", {}).get("inputs")  # none before a refresh
        assert stored == freshness.input_digest(chapter, notebook), (
            f"the stored outputs of {chapter} are stale: run `make refresh CHAPTER={chapter}`"
        )

    def test_outputs_are_as_they_were_stored(self, chapter, notebook):
        assert notebook.metadata["siamese_book"]["outputs"] == freshness.output_digest(notebook), (
            f"an output of {chapter} was changed by hand: run `make refresh CHAPTER={chapter}`"
        )

    def test_pictures_on_other_pages_are_the_chapter_s(self, notebook):
        for name, png in tool.pictures(notebook).items():
            assert (tool.ROOT / "book" / "figures" / name).read_bytes() == png

    def test_a_changed_number_is_noticed(self, notebook):
        changed = copy.deepcopy(notebook)
        streams = [o for c in code_cells(changed) for o in c.outputs if o.output_type == "stream"]
        streams[0].text = streams[0].text + "1"
        assert freshness.output_digest(changed) != freshness.output_digest(notebook)

    def test_changed_code_is_noticed_and_changed_text_is_not(self):
        chapter = CHAPTERS[0]
        notebook = tool.load(chapter)
        before = freshness.input_digest(chapter, notebook)
        changed = copy.deepcopy(notebook)
        changed.cells[0].source += "\nMore text."
        assert freshness.input_digest(chapter, changed) == before
        code_cells(changed)[-1].source += "\nx = 1"
        assert freshness.input_digest(chapter, changed) != before

    def test_comments_docstrings_and_line_breaks_do_not_count(self):
        bare = 'def f(x):\n    return x + "#"\n'
        full = '"""Module."""\n\ndef f(x):  # why\n    """What."""\n\n    return (\n  x + "#")\n'
        assert freshness._bare_source(full) == freshness._bare_source(bare)
        assert freshness._bare_source(bare.replace("+", "-")) != freshness._bare_source(bare)

    @pytest.mark.parametrize(
        ("source", "used", "unused"),
        [
            ("from siamese_utils.models import embed", {"models.embedding"}, {"distances"}),
            ("from siamese_utils import models\nmodels.koch_network", {"distances"}, {"losses"}),
            # only the names that are used, but all of them where any could be
            (
                "from siamese_utils import losses as s\ns.TripletLoss",
                {"losses.triplet_loss"},
                {"losses.contrastive"},
            ),
            (
                "from siamese_utils import losses\nlosses.triplet",
                {"losses.triplet_loss"},
                {"losses.lifted"},
            ),
            ("from siamese_utils import losses\nvars(losses)", {"losses.lifted"}, set()),
            ("import siamese_utils.datasets.mnist", {"datasets.mnist"}, {"datasets.folder"}),
            ("from siamese_utils.models import load_pretrained", {"models.pretrained"}, set()),
            # what a chapter sets on its host, and the letters that it draws
            (
                "from siamese_utils.chapters import set_up",
                {"chapters.set_up"},
                {"chapters.letters"},
            ),
            (
                "from siamese_utils import chapters\nchapters.write_letters",
                {"chapters.letters"},
                {"chapters.set_up"},
            ),
        ],
    )
    def test_modules_are_followed_through_the_package(self, source, used, unused):
        modules = freshness._modules_used(source)
        found = {name.removeprefix("siamese_utils").strip(".") for name in modules}
        assert used <= found
        assert not unused & found
        # a name that is no longer a module's would never be found, and say nothing
        for name in used | unused:
            assert freshness._module_file(f"siamese_utils.{name}".strip(".")).exists()

    def test_records_and_encoders_that_are_shown_count(self, tmp_path, monkeypatch):
        """Of the recorded runs those that the code names, and the cards of ready encoders."""
        code = 'models.load_pretrained()\nf"../results/recorded/ladder_{part}.json"'
        code += '\nread("../results/looks.json")'
        cell = tool.nbformat.v4.new_code_cell("from siamese_utils import models\n" + code)
        page = tool.nbformat.v4.new_notebook(cells=[cell])
        monkeypatch.setattr(freshness, "RECORDS", tmp_path / "full")
        monkeypatch.setattr(freshness, "_quick_settings", lambda chapter: "")
        (tmp_path / "recorded").mkdir()
        digests = [freshness.input_digest("a chapter", page)]
        for name in ("recorded/other.json", "recorded/ladder_1.json", "recorded/ladder_1.npz",
                     "looks.json"):  # fmt: skip
            (tmp_path / name).write_bytes(b"{}")
            digests.append(freshness.input_digest("a chapter", page))
        assert digests[0] == digests[1]
        assert len(set(digests)) == 4

        read = tool.Path.read_text
        monkeypatch.setattr(
            tool.Path,
            "read_text",
            lambda path, **kw: "{}" if path.name == "omniglot.json" else read(path, **kw),
        )
        assert freshness.input_digest("a chapter", page) not in digests


class TestForm:
    def test_ran_from_top_to_bottom(self, notebook):
        counts = [cell.execution_count for cell in code_cells(notebook)]
        assert counts == list(range(1, len(counts) + 1)), "run `make refresh CHAPTER=…`"

    def test_cells_are_short(self, notebook):
        lengths = {
            cell.source.splitlines()[0]: sum(bool(ln.strip()) for ln in cell.source.splitlines())
            for cell in code_cells(notebook)
            if cell.source
        }
        assert statistics.median(lengths.values()) <= 16
        assert {first: n for first, n in lengths.items() if n > 25} == {}

    def test_each_parameter_stands_on_a_line_of_its_own(self, notebook):
        """With its type and what it is for: papermill reads them so."""
        (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
        for line in cell.source.splitlines():
            assert re.fullmatch(r"\w+: \w+ = [^\s(]+(  # .+)?", line), line

    def test_a_sentence_stands_between_code_cells(self, notebook):
        """Only the set-up at the top may be a run of code."""
        kinds = [cell.cell_type for cell in notebook.cells]
        later = kinds[kinds.index("markdown", kinds.index("code")) :]
        assert ("code", "code") not in list(itertools.pairwise(later))

    def test_figures_have_alt_text_and_a_caption(self, notebook):
        assert image_cells(notebook)
        for cell in image_cells(notebook):
            form = cell.metadata["mystnb"]
            assert len(form["image"]["alt"]) > 40, cell.source
            assert len(form["figure"]["caption"]) > 20, cell.source
            assert form["figure"]["name"], cell.source

    def test_the_letters_of_figures_have_nine_points_or_more(self, notebook):
        code = "\n".join(cell.source for cell in code_cells(notebook))
        sizes = re.findall(r"(?:fontsize|labelsize|titlesize)\W+([\d.]+)", code)
        assert [size for size in sizes if float(size) < 9] == []

    def test_the_colours_of_figures_are_the_book_s(self, notebook):
        """So that a class has one colour throughout; beside them ink, paper and grey only."""
        code = "\n".join(cell.source for cell in code_cells(notebook))
        named = re.findall(r"\b(?:edge|face)?colou?r[\"']?\s*[:=]\s*[\"']([^\"']+)[\"']", code)
        assert set(named) <= {"black", "white", "silver", "none"}

    def test_figures_are_png(self, notebook):
        """Drawings as SVG would be compared letter by letter when the chapter is checked."""
        kinds = {k for c in code_cells(notebook) for o in c.outputs for k in o.get("data", {})}
        assert not kinds & {"image/svg+xml", "application/vnd.jupyter.widget-view+json"}

    def test_links_to_other_pages_open_in_jupyterlab(self, notebook):
        """There a link has to name the file with its ending; the role `doc` leads nowhere."""
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert "{doc}" not in text
        local = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        assert [path for path in local if not (tool.NOTEBOOKS / path).is_file()] == []

    def test_nothing_that_a_page_must_not_show(self, notebook):
        assert tool.output_faults(notebook) == []
        for cell in notebook.cells:
            assert not tool.MACHINE_PATH.search(cell.source)
            assert not re.search(r"\bpip3? install\b|\bconda install\b", cell.source)

    def test_parameters_are_literals_with_the_quick_profile(self, chapter, notebook):
        tagged = [c for c in code_cells(notebook) if "parameters" in c.metadata.get("tags", [])]
        assert len(tagged) == 1
        values = {}
        for statement in ast.parse(tagged[0].source).body:
            assert isinstance(statement, ast.AnnAssign), "each parameter has its type"
            values[statement.target.id] = ast.literal_eval(statement.value)
        assert values["profile"] == "quick"
        assert values["record"] == ""
        # papermill sees them all, with the same defaults
        seen = papermill.inspect_notebook(str(tool.NOTEBOOKS / f"{chapter}.ipynb"))
        assert {name: ast.literal_eval(each["default"]) for name, each in seen.items()} == values

    def test_parameters_are_checked_before_anything_else(self, chapter, notebook):
        sources = [cell.source for cell in code_cells(notebook)]
        (tagged,) = (k for k, s in enumerate(sources) if s.startswith("profile: str"))
        first = sources[tagged + 1].splitlines()
        assert "chapters.check_parameters(globals())" in first[:2]
        # the defaults pass
        namespace = {}
        exec(sources[tagged], namespace)
        chapters.check_parameters(namespace)

    def test_accuracies_have_their_number_of_ways_beside_them(self, notebook):
        """Else a 5-way accuracy would be compared with a 20-way one."""
        outputs = [o for cell in code_cells(notebook) for o in cell.outputs]
        tables = [o.data["text/markdown"] for o in outputs if "text/markdown" in o.get("data", {})]
        assert [title for table in tables for title in ways_unnamed(table)] == []

    def test_some_outputs_are_checked(self, notebook):
        tags = [set(c.metadata.get("tags", [])) for c in code_cells(notebook) if c.outputs]
        assert sum("nbval-check-output" in t for t in tags) >= 3

    def test_metadata_is_clean(self, notebook):
        assert set(notebook.metadata) == {"kernelspec", "language_info", "siamese_book"}
        keys = {key for cell in notebook.cells for key in cell.metadata}
        assert keys <= set(tool.KEPT)

    def test_faults_are_found(self, notebook):
        """A page with stderr, an error or a path of this machine is not stored."""
        stream = {"output_type": "stream", "name": "stderr", "text": "W0000 retracing"}
        path = {"output_type": "stream", "name": "stdout", "text": "/home/someone/data"}
        for fault in (stream, path):
            bad = copy.deepcopy(notebook)
            code_cells(bad)[0].outputs = [tool.nbformat.from_dict(fault)]
            assert len(tool.output_faults(bad)) == 1


class TestPapermill:
    @pytest.mark.parametrize(("chapter", "backend"), RUNS)
    def test_every_cell_runs_at_smoke(self, chapter, backend, tmp_path):
        """The call of `make full`, at the smallest size."""
        record, output = tmp_path / "record.json", tmp_path / "output.ipynb"
        environment = {"KERAS_BACKEND": backend} | (QUICK_XLA if backend == "jax" else {})
        tool.run_papermill(chapter, "smoke", record, output, environment=environment)
        assert json.loads(output.read_text())["metadata"]["papermill"]["exception"] is None
        assert_is_smoke_record(record, chapter, backend)

    def test_an_unknown_parameter_is_an_error(self, tmp_path):
        output = tmp_path / "output.ipynb"
        with pytest.raises(ValueError, match="no parameter 'profil'"):
            tool.run_papermill(CHAPTERS[0], "smoke", tmp_path / "r.json", output, profil="smoke")
        assert not output.exists()
