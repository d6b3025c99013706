"""Run the chapters, and store their outputs or their records.

python tools/run_chapters.py refresh [CHAPTER]   run at quick, store the outputs in place
python tools/run_chapters.py full [CHAPTER]      run at full, write results/full/CHAPTER.json

`full` leaves out what a record covers already, and goes on where it was interrupted.
"""

import argparse
import ast
import asyncio
import base64
import contextlib
import datetime
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
from freshness import RECORDS, ROOT, input_digest, output_digest
from nbclient import NotebookClient

from siamese_utils import chapters
from siamese_utils._files import write_whole

NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT = 600  # seconds
LOG_SECONDS = 60  # from one line about a chapter that runs to the next
STOP_SECONDS = 20  # that an interrupted chapter has to end its kernel
# An absolute path of this machine would mean nothing on the reader's.
MACHINE_PATH = re.compile(
    r"(?:/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\?Users)|" + re.escape(str(ROOT))
)


def names() -> list[str]:
    """The chapters' names, in order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def load(chapter: str) -> nbformat.NotebookNode:
    path = NOTEBOOKS / f"{chapter}.ipynb"
    if not path.exists():
        raise SystemExit(f"no chapter {chapter!r}; there are {', '.join(names())}")
    return nbformat.read(path, as_version=4)


# TensorFlow's notes (I = information) on import, which its log level does not silence, and its
# complaints (W, E) of CUDA libraries that it finds twice, or finds without a card. Any other
# warning and error is worth reading.
START_UP_NOTE = re.compile(
    r"^(?:WARNING: All log messages before absl::InitializeLog\(\).*"
    r"|To enable the following instructions: .*"
    r"|(?:I0000 |\d{4}-\d\d-\d\d [\d:.]+: I ).*"
    r"|(?:[WE]0000 |\d{4}-\d\d-\d\d [\d:.]+: [WE] ).*"
    r"(?:Unable to register cu\w+ (?:factory|plugin)|cuInit|computation placer already).*)\n?",
    re.MULTILINE,
)
# What a training showed of its state, and wrote over.
WRITTEN_OVER = re.compile(r"[^\n]*\r")


# Running -----------------------------------------------------------------------------


def refresh(chapter: str) -> None:
    """Run a chapter at quick and store its outputs; nothing is written unless all went well."""
    path = NOTEBOOKS / f"{chapter}.ipynb"
    notebook = load(chapter)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        coalesce_streams=True,  # one output of all that a cell prints
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    interrupts: list[int] = []
    client.on_notebook_start = functools.partial(_take_interrupts, interrupts)
    try:
        client.execute()
    except Exception as error:
        raise (KeyboardInterrupt if interrupts else error) from error
    report_times(notebook)
    clear_away(notebook)
    faults = output_faults(notebook)
    if faults:
        raise SystemExit(f"{chapter}: not stored, because\n" + "\n".join(faults))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "siamese_book": {
            "inputs": input_digest(chapter, notebook),
            "outputs": output_digest(notebook),
        },
    }
    for name, png in pictures(notebook).items():
        picture = ROOT / "book" / "figures" / name
        write_whole(picture, functools.partial(Path.write_bytes, data=png))
    write_whole(path, functools.partial(nbformat.write, notebook))


def _take_interrupts(interrupts: list[int], notebook: nbformat.NotebookNode) -> None:
    """Have an interrupt noted, and end the run that has just begun.

    nbclient would end the kernel alone, and then, now and then, stumble over that.
    """
    run, loop = asyncio.current_task(), asyncio.get_running_loop()

    def interrupt(number: int) -> None:
        interrupts.append(number)
        run.cancel()

    with contextlib.suppress(NotImplementedError):  # Windows has none
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)


def clear_away(notebook: nbformat.NotebookNode) -> None:
    """Take off the outputs what nobody wants to read: start-up notes, and overwritten lines.

    What a cell writes on one stream, and nothing between, becomes one output.
    """
    for cell in notebook.cells:
        outputs = []
        for output in cell.get("outputs", []):
            before = outputs[-1] if outputs else {}
            if output.output_type == "stream" and output.name == before.get("name"):
                before.text += output.text
            else:
                outputs.append(output)
        for output in outputs:
            if output.output_type == "stream":
                if output.name == "stderr":
                    output.text = START_UP_NOTE.sub("", output.text)
                output.text = WRITTEN_OVER.sub("", output.text)
        if cell.cell_type == "code":
            cell.outputs = [o for o in outputs if o.output_type != "stream" or o.text.strip()]


def refresh_all(chapters: list[str]) -> None:
    """Refresh chapters one by one; an interrupt says which are done."""
    for number, chapter in enumerate(chapters):
        print(f"refresh: {chapter}", flush=True)
        try:
            refresh(chapter)
        except KeyboardInterrupt:
            print(f"\ninterrupted: {chapter} is as it was;", end=" ")
            print(f"refreshed: {_listed(chapters[:number])};", end=" ")
            print(f"left: {_listed(chapters[number:])}", flush=True)
            raise SystemExit(130) from None  # as shells do


# What a cell keeps beside its source and its outputs.
KEPT = ("tags", "mystnb", "siamese_book")


def report_times(notebook: nbformat.NotebookNode) -> None:
    """Print what took long, and drop the times, which would make every diff large.

    What an editor keeps beside them, such as whether a cell is a slide, is dropped as well.
    """
    seconds = {}
    for number, cell in enumerate(notebook.cells, 1):
        times = cell.metadata.pop("execution", None)
        if times:
            begun, ended = (
                datetime.datetime.fromisoformat(times[key].replace("Z", "+00:00"))
                for key in ("iopub.execute_input", "shell.execute_reply")
            )
            seconds[number] = (ended - begun).total_seconds()
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
    print(f"{sum(seconds.values()):.0f} s in all; longest:")
    for number in sorted(seconds, key=lambda n: -seconds[n])[:8]:
        first_line = notebook.cells[number - 1].source.splitlines()[0]
        print(f"  {seconds[number]:6.1f} s  cell {number}: {first_line[:60]}")


def pictures(notebook: nbformat.NotebookNode) -> dict[str, bytes]:
    """Figures that other pages show too, by file name: cells name one as ``save_as``."""
    return {
        cell.metadata["siamese_book"]["save_as"]: base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        if "siamese_book" in cell.metadata
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    }


def output_faults(notebook: nbformat.NotebookNode) -> list[str]:
    """What must not stand on a page: text on stderr, errors, paths of this machine."""
    faults = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            text = json.dumps({k: v for k, v in output.items() if k != "data"})
            text += json.dumps(
                {k: v for k, v in output.get("data", {}).items() if k.startswith("text/")}
            )
            if output.get("name") == "stderr":
                faults.append(f"cell {number} wrote on stderr: {output.text.strip()[:300]}")
            if output.output_type == "error":
                faults.append(f"cell {number} raised {output.ename}: {output.evalue}")
            if MACHINE_PATH.search(text):
                faults.append(f"cell {number} shows a path of this machine")
    return faults


def run_papermill(
    chapter: str,
    profile: str,
    record: Path,
    output: Path,
    environment: dict[str, str] | None = None,
    **parameters,
) -> None:
    """Run a chapter through papermill and have it write its record.

    An unknown parameter name is an error here; papermill alone only warns. What stands in
    ``environment`` is set for the run beside what is set already.
    """
    path = NOTEBOOKS / f"{chapter}.ipynb"
    parameters = {"profile": profile, "record": str(record.resolve()), **parameters}
    known = set(papermill.inspect_notebook(str(path)))
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise ValueError(f"{chapter} has no parameter {unknown[0]!r}; it has {sorted(known)}")
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "papermill", str(path), str(output)]
    command += ["--cwd", str(NOTEBOOKS), "-k", "python3", "--no-progress-bar"]
    for name, value in parameters.items():
        command += ["-p", name, str(value)]
    # What a run before this one left would be taken for the progress of this one.
    output.unlink(missing_ok=True)
    # A process for each chapter, so that none inherits another's memory.
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})})
    try:
        status = watch(process, chapter, output)
    finally:
        stop(process)
    if output.exists():
        copy = nbformat.read(output, as_version=4)
        clear_away(copy)
        write_whole(output, functools.partial(nbformat.write, copy))
    if status:
        raise subprocess.CalledProcessError(status, command)


def watch(process: subprocess.Popen, chapter: str, output: Path) -> int:
    """Wait for a chapter, with a line now and then on how far it is; its exit status."""
    start = time.monotonic()
    while True:
        try:
            return process.wait(timeout=LOG_SECONDS)
        except subprocess.TimeoutExpired:
            minutes = (time.monotonic() - start) / 60
            print(f"{chapter}: {minutes:.0f} min, {progress(output)}", flush=True)


def progress(output: Path) -> str:
    """Which cell runs, by the copy that papermill saves before and after each cell."""
    if not output.exists():
        return "starting"
    try:
        cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    except ValueError:  # being saved at this moment
        return "between two cells"
    code = [cell["metadata"] for cell in cells if cell["cell_type"] == "code"]
    through = sum(each.get("papermill", {}).get("status") == "completed" for each in code)
    return f"cell {min(through + 1, len(code))} of {len(code)}"


def stop(process: subprocess.Popen) -> None:
    """End a chapter that still runs; papermill then ends its kernel."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also where a second interrupt ends the waiting
        process.kill()
        process.wait()


# Full runs ---------------------------------------------------------------------------


def full(chapters: list[str], profile: str, records: Path, force: bool) -> int:
    """Record the chapters that have no record yet, or rehearse them; the exit status.

    A chapter that fails is reported at the end and stops no other.
    """
    covered, recorded, failed = [], [], []
    for number, chapter in enumerate(chapters):
        path = records / f"{chapter}.json"
        try:
            # What a rehearsal is to find does not show in the settings: code and backend.
            is_rehearsal = profile != "full"
            reason = "forced" if force or is_rehearsal else lacking(chapter, profile, path)
            if not reason:
                print(
                    f"{chapter}: {path} covers it; --force, or FORCE=1 with make, runs it again",
                    flush=True,
                )
                covered.append(chapter)
                continue
            print(f"{chapter}: runs at {profile} ({reason})", flush=True)
            record_run(chapter, profile, path)
        except KeyboardInterrupt:
            print(f"\ninterrupted in {chapter}; recorded: {_listed(covered + recorded)};", end=" ")
            print(f"failed: {_listed(failed)}; left: {_listed(chapters[number:])}", flush=True)
            return 130  # as shells do
        except subprocess.CalledProcessError as error:
            print(f"{chapter}: failed with exit status {error.returncode};", end=" ")
            print(f"its cells up to there are in {executed(chapter, profile)}", flush=True)
            failed.append(chapter)
        except (OSError, ValueError) as error:
            print(f"{chapter}: {error}", flush=True)
            failed.append(chapter)
        else:
            print(f"{chapter}: recorded in {path}", flush=True)
            recorded.append(chapter)
    print(f"recorded: {_listed(recorded)}; covered before: {_listed(covered)};", end=" ")
    print(f"failed: {_listed(failed)}", flush=True)
    return 1 if failed else 0


def _listed(chapters: list[str]) -> str:
    return ", ".join(chapters) or "none"


def lacking(chapter: str, profile: str, path: Path) -> str:
    """Why a record does not cover a chapter with its settings of now; empty if it does.

    Raises
    ------
    ValueError
        If there is a file that is no record. It may hold hours of work, so nothing but
        ``--force`` writes over it.
    """
    settings = json.loads(json.dumps(vars(chapters.settings(chapter, profile))))
    now = {**settings, "name": chapter, "profile": profile}
    if not path.exists():
        return "no record yet"
    try:
        record = chapters.read_record(path)
    except ValueError as error:
        raise ValueError(f"{error} To write over it: --force, or FORCE=1 with make.") from error
    then = {**record["settings"], "name": record["name"], "profile": record["profile"]}
    absent = "absent"  # which None is not
    both = {k: (then.get(k, absent), now.get(k, absent)) for k in sorted(then.keys() | now.keys())}
    return ", ".join(f"{k} was {was}, is {new}" for k, (was, new) in both.items() if was != new)


def executed(chapter: str, profile: str) -> Path:
    """Where the executed copy of a chapter is kept."""
    return ROOT / "_build" / profile / f"{chapter}.ipynb"


def record_run(chapter: str, profile: str, path: Path) -> None:
    """Run a chapter and put its record in place, with the parameters that it ran with."""
    output = executed(chapter, profile)
    written = output.with_suffix(".part.json")
    written.unlink(missing_ok=True)
    checkpoints = output.with_suffix(".checkpoints")
    found = papermill.inspect_notebook(str(NOTEBOOKS / f"{chapter}.ipynb"))
    parameters = {name: ast.literal_eval(each["default"]) for name, each in found.items()}
    parameters["profile"] = profile
    given = {"checkpoints": str(checkpoints)} if "checkpoints" in parameters else {}
    run_papermill(chapter, profile, written, output, **given)
    # Where something was kept says nothing about what was computed.
    for place in ("record", "checkpoints"):
        parameters.pop(place, None)
    chapters.store_record(path, {**chapters.read_record(written), "parameters": parameters})
    written.unlink()
    # A forced run is to train again, not to find everything done.
    shutil.rmtree(checkpoints, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("refresh", "full"):
        commands.add_parser(command).add_argument("chapter", nargs="*", default=names())
    runs = commands.choices["full"]
    runs.add_argument("--force", action="store_true", help="run what a record covers, too")
    runs.add_argument("--profile", choices=chapters.PROFILES, default="full")
    runs.add_argument(
        "--records",
        type=Path,
        help="folder of the records: results/full, and _build/PROFILE for another profile",
    )
    arguments = parser.parse_args()
    for chapter in arguments.chapter:
        load(chapter)  # a misspelt name ends it here, not after an hour
    # Else a chapter would go on alone where this program is ended, not interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if arguments.command == "full":
        profile = arguments.profile
        # A rehearsal must not write over the records that the book shows.
        kept = RECORDS if profile == "full" else ROOT / "_build" / profile
        raise SystemExit(
            full(arguments.chapter, profile, arguments.records or kept, arguments.force)
        )
    refresh_all(arguments.chapter)


if __name__ == "__main__":
    main()
