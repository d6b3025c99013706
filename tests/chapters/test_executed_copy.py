"""What a chapter printed, as it is stored: in place by refresh, and in papermill's copy."""

import nbformat
import pytest
import run_chapters as tool
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTES = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795598817.003496   12415 cudart_stub.cc:31] Could not find cuda drivers.",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.",
    "E0000 00:00:1795598817.1   1 cuda_dnn.cc:8579] Unable to register cuDNN factory: Attempting",
    "E0000 00:00:1795598817.1   1 cuda_blas.cc:1407] Unable to register cuBLAS factory: Attempting",
    "W0000 00:00:1795598817.1   1 computation_placer.cc:177] computation placer already there",
    "E0000 00:00:1795598817.1   1 cuda_platform.cc:51] failed call to cuInit: INTERNAL: CUDA error",
    "2026-01-02 03:04:05.678901: I tensorflow/core/util/port.cc:153] oneDNN operations are on",
    "2026-01-02 03:04:05.678901: E external/xla/cuda_fft.cc:467] Unable to register cuFFT factory",
]
WORTH_READING = [
    "W0000 00:00:1795598817.1   1 polymorphic_function.py:154] 5 of the last 5: retracing",
    "E0000 00:00:1795598817.1   1 bfc_allocator.cc:1] ran out of memory",
    "UserWarning: I0000 is no note in the middle of a line",
    "WARNING: something else",
]


def stream(text, name="stderr"):
    return new_output("stream", name=name, text=text)


def cleared(*outputs):
    notebook = new_notebook(
        cells=[new_markdown_cell("x"), new_code_cell("x", outputs=list(outputs))]
    )
    tool.clear_away(notebook)
    nbformat.validate(notebook)
    return [(o.get("name"), o.get("text")) for o in notebook.cells[1].outputs]


class TestClearAway:
    @pytest.mark.parametrize("note", NOTES)
    def test_a_note_goes_whatever_stands_around_it(self, note):
        assert cleared(stream(note)) == []
        assert cleared(stream(f"{note}\n{note}\n")) == []
        assert cleared(stream(f"before\n{note}\nafter\n")) == [("stderr", "before\nafter\n")]

    @pytest.mark.parametrize("text", WORTH_READING)
    def test_what_is_worth_reading_stays(self, text):
        assert cleared(stream(f"{NOTES[0]}\n{text}\n")) == [("stderr", f"{text}\n")]

    def test_a_note_in_pieces_goes_as_well(self):
        assert cleared(stream(NOTES[1][:20]), stream(NOTES[1][20:] + "\n")) == []

    def test_what_the_chapter_prints_stays_even_if_it_looks_like_a_note(self):
        printed = stream(NOTES[1], "stdout")
        assert cleared(printed, stream(NOTES[1])) == [("stdout", NOTES[1])]

    def test_of_lines_written_over_the_last_stays(self):
        lines = [stream(f"epoch 1/5, {share} %\r", "stdout") for share in (2, 4, 6)]
        assert cleared(*lines, stream("      \r", "stdout")) == []
        assert cleared(*lines, stream("through\n", "stdout")) == [("stdout", "through\n")]

    def test_streams_are_joined_only_where_nothing_stands_between(self):
        shown = new_output("display_data", {"text/plain": "figure"})
        outputs = [stream("a\n", "stdout"), stream("b\n", "stdout"), shown, stream("c\n", "stdout")]
        assert cleared(*outputs) == [("stdout", "a\nb\n"), (None, None), ("stdout", "c\n")]


CELL = """
import sys, time
for line in {notes!r}:
    print(line, file=sys.stderr, flush=True)
for share in range(5):
    print(f"epoch 1/5, {{share}} %", end="\\r", flush=True)
    time.sleep(0.05)
print("through")
{last}
"""


@pytest.mark.nightly
@pytest.mark.parametrize("fails", [False, True])
def test_the_executed_copy_has_no_notes(fails, tmp_path, monkeypatch):
    """Through papermill; of a chapter that fails as well, whose copy is read most closely."""
    source = CELL.format(notes=NOTES, last="raise ValueError('why')" if fails else "")
    parameters = 'profile: str = "quick"\nrecord: str = ""'
    tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(
        cells=[tagged, new_code_cell(source)],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )
    nbformat.write(notebook, tmp_path / "01_chapter.ipynb")
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    record, output = tmp_path / "record.json", tmp_path / "output.ipynb"
    try:
        tool.run_papermill("01_chapter", "smoke", record, output)
        assert not fails
    except tool.subprocess.CalledProcessError:
        assert fails
    copy = nbformat.read(output, as_version=4)
    outputs = [each for cell in copy.cells for each in cell.get("outputs", [])]
    streams = [(o.name, o.text) for o in outputs if o.output_type == "stream"]
    assert streams == [("stdout", "through\n")]
    raised = [o.ename for o in outputs if o.output_type == "error"]
    assert raised == (["ValueError"] if fails else [])
