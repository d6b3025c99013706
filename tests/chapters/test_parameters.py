"""The parameters of a chapter: what papermill passes on, and what is refused before training."""

import json

import nbformat
import papermill
import pytest
import run_chapters as tool
from nbformat.v4 import new_code_cell, new_notebook
from papermill.cli import _resolve_type
from papermill.exceptions import PapermillExecutionError
from smoke import DEFAULT

from siamese_utils import chapters

VALUES = {"a_bool": True, "a_int": 3, "a_float": 0.5, "a_str": "text"}
TYPES = {name: type(value) for name, value in VALUES.items()}


def check(types=TYPES, **changed):
    chapters.check_parameters({**VALUES, **changed, "__annotations__": types})


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"a_bool": False},
        {"a_int": -1},
        {"a_int": 2**40},
        {"a_float": 1},  # a whole number will do
        {"a_float": 1e-30},
        {"a_str": ""},
        {"a_str": "false"},
        {"a_str": "~/ä b"},
        {"another": object()},  # what has no type is no parameter
    ],
)
def test_values_of_the_right_type_pass(changed):
    check(**changed)


@pytest.mark.parametrize(
    ("name", "given", "remedy"),
    [
        # as papermill reads what stands behind -p
        *[("a_bool", text, "-p a_bool False") for text in ("false", "true", "no", "0", "1", "1.0")],
        *[("a_bool", text, "a_bool = False in") for text in ("", "None", "FALSE")],
        *[("a_int", text, "-p a_int 3") for text in ("3.0", "1e3", "True", "three", "None", "")],
        *[("a_float", text, "-p a_float 0.5") for text in ("0,5", "half", "True", "None", "")],
        *[("a_str", text, f"-r a_str {text}") for text in ("2024", "1.5", "True", "None")],
    ],
)
def test_values_of_another_type_are_refused_with_the_remedy(name, given, remedy):
    value = _resolve_type(given)
    with pytest.raises(TypeError) as error:
        check(**{name: value})
    message = str(error.value)
    expected = f"the parameter {name} is {value!r}, a {type(value).__name__}; expected a "
    assert message.startswith(expected + name.removeprefix("a_") + ".")
    assert remedy in message


@pytest.mark.parametrize("given", ["nan", "inf", "-inf"])
def test_a_number_is_finite(given):
    with pytest.raises(ValueError, match=f"a_float is {given}; expected a finite number"):
        check(a_float=_resolve_type(given))


@pytest.mark.parametrize("namespace", [{}, {"__annotations__": {}}])
def test_parameters_without_types_are_no_checked_parameters(namespace):
    with pytest.raises(TypeError, match="Give each its type"):
        chapters.check_parameters({**VALUES, **namespace})


@pytest.mark.parametrize("name", ["keep", "checkpoints", "record"])
class TestPlaces:
    def check(self, name, path):
        check({name: str}, **{name: str(path)})

    def test_new_ones_and_none_pass(self, name, tmp_path):
        for path in ("", tmp_path / "new", tmp_path / "new" / "below.json"):
            self.check(name, path)
        assert list(tmp_path.iterdir()) == []  # nothing is made

    def test_what_was_written_before_passes_and_the_other_kind_is_refused(self, name, tmp_path):
        file, folder = tmp_path / "file", tmp_path / "folder"
        file.touch()
        folder.mkdir()
        right, wrong = (file, folder) if name == "record" else (folder, file)
        self.check(name, right)
        with pytest.raises(ValueError, match=f"{name} names {wrong}, which is a .*; expected a"):
            self.check(name, wrong)

    def test_below_a_file_there_is_no_place(self, name, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ValueError, match=f"nothing can be written in {tmp_path / 'file'}"):
            self.check(name, tmp_path / "file" / "below" / "name")

    def test_where_nothing_can_be_written_it_is_said(self, name, tmp_path, monkeypatch):
        """Told by the system; to an administrator every folder is open."""
        monkeypatch.setattr("os.access", lambda path, mode: False)
        with pytest.raises(ValueError, match=f"nothing can be written in {tmp_path}. Name a f"):
            self.check(name, tmp_path / "name")

    def test_the_home_folder_is_meant_by_a_tilde(self, name, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home").touch()
        with pytest.raises(ValueError, match="nothing can be written in"):
            self.check(name, "~/name")


def test_a_record_is_written_to_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    chapters.write_record("~/record.json", "x", "smoke", {}, {"accuracy": 0.5}, 1.0)
    assert (tmp_path / "record.json").exists() and not (tmp_path / "~").exists()
    assert chapters.read_record("~/record.json")["metrics"] == {"accuracy": 0.5}


# Through papermill itself, up to the cell that checks: nothing of the chapter runs after it.
PARAMETERS = 'mirror: bool = False\nrate: float = 1e-3\nfolder: str = ""'
CHECKED = "from siamese_utils import chapters\nchapters.check_parameters(globals())"


@pytest.mark.nightly
def test_papermill_s_own_cell_takes_no_type_away(tmp_path):
    tagged = new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(
        cells=[tagged, new_code_cell(CHECKED)],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )
    path, output = str(tmp_path / "notebook.ipynb"), str(tmp_path / "output.ipynb")
    nbformat.write(notebook, path)
    run = {"kernel_name": "python3", "progress_bar": False}
    papermill.execute_notebook(path, output, {"mirror": True, "rate": 1}, **run)
    for wrong in ({"mirror": "false"}, {"rate": True}, {"folder": 7}):
        with pytest.raises(PapermillExecutionError, match=f"the parameter {next(iter(wrong))} is"):
            papermill.execute_notebook(path, output, wrong, **run)


@pytest.mark.nightly
@pytest.mark.parametrize("wrong", [{"seed": "false"}, {"keep": "{file}"}])
def test_a_chapter_refuses_before_it_trains(wrong, tmp_path):
    (tmp_path / "file").touch()
    wrong = {name: value.format(file=tmp_path / "file") for name, value in wrong.items()}
    output = tmp_path / "output.ipynb"
    environment = {"KERAS_BACKEND": DEFAULT}
    with pytest.raises(tool.subprocess.CalledProcessError):
        tool.run_papermill(
            "07_your_own_images", "smoke", tmp_path / "r.json", output, environment, **wrong
        )
    cells = [c for c in json.loads(output.read_text())["cells"] if c["cell_type"] == "code"]
    outputs = [each for cell in cells for each in cell["outputs"]]
    (error,) = (each for each in outputs if each["output_type"] == "error")
    assert error["evalue"].startswith(f"the parameter {next(iter(wrong))} ")
    assert sum(cell["execution_count"] is not None for cell in cells) <= 6
