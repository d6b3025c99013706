"""Run the chapters, store their outputs, and tell whether stored outputs are fresh.

python tools/chapters.py refresh [CHAPTER]   run at quick, store the outputs in place
python tools/chapters.py full [CHAPTER]      run at full, write results/full/CHAPTER.json
"""

import argparse
import ast
import base64
import datetime
import functools
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from pathlib import Path

import nbformat
import papermill
from nbclient import NotebookClient
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
RECORDS = ROOT / "results" / "full"
CELL_TIMEOUT = 600  # seconds
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


# TensorFlow's notes (I = information) on import, which its log level does not silence.
START_UP_NOTE = re.compile(
    r"(WARNING: All log messages before absl::InitializeLog\(\).*|I0000 .*)\n?"
)


# Freshness ---------------------------------------------------------------------------


def input_digest(chapter: str, notebook: nbformat.NotebookNode) -> str:
    """Digest of all that can change a chapter's outputs.

    Its code cells; the package modules that it uses, directly or not, without comments
    and docstrings; its settings at quick; its recorded full run; and the locked versions of
    what the package depends on. Text may be edited without running anything again.
    """
    code = [c for c in notebook.cells if c.cell_type == "code"]
    parts = [[c.source, sorted(c.metadata.get("tags", []))] for c in code]
    sources = {}
    for name in sorted(_modules_used("\n".join(_importable(c.source) for c in code))):
        if name == "siamese_utils.profiles":
            # Another chapter's settings do not concern this one.
            sources[name] = _quick_settings(chapter)
        elif name == "siamese_utils.results.records":
            continue  # what it writes is for full runs; the record shown counts below
        else:
            sources[name] = _bare_source(_module_file(name).read_text(encoding="utf-8"))
    record = RECORDS / f"{chapter}.json"
    shown = record.read_text(encoding="utf-8") if record.exists() else ""
    return _digest([parts, sources, shown, _locked_versions()])


def output_digest(notebook: nbformat.NotebookNode) -> str:
    """Digest of the stored outputs, so that none can be edited by hand."""
    return _digest([c.outputs for c in notebook.cells if c.cell_type == "code"])


def _digest(content) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _importable(source: str) -> str:
    """A cell without IPython's magics, so that Python can parse it."""
    return "\n".join(ln for ln in source.splitlines() if not ln.lstrip().startswith(("%", "!")))


def _module_file(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _modules_used(source: str) -> set[str]:
    """Modules of the package that some code uses, and those that they use."""
    found: set[str] = set()
    todo = list(_imports(source, package=""))
    while todo:
        name = todo.pop()
        if name in found or not _module_file(name).exists():
            continue  # a name that a module defines, not a module
        is_package = _module_file(name).name == "__init__.py"
        package = name if is_package else name.rpartition(".")[0]
        todo += _imports(_module_file(name).read_text(encoding="utf-8"), package)
        todo.append(package.partition(".")[0])  # importing a module runs its package
        if _exports(name) is None:
            found.add(name)
    return found


def _imports(source: str, package: str) -> set[str]:
    """Names of the package's modules in the import statements of some code.

    Of a package that only passes names on, the modules count whose names are used: what is
    new beside them changes no result.
    """
    tree = ast.parse(source)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            for alias in node.names:
                name = f"{base}.{alias.name}"
                exports = _exports(base)
                if exports is not None:
                    names.add(exports.get(alias.name, name))
                elif _exports(name) is not None:
                    names |= _passed_on(tree, name, alias.asname or alias.name)
                else:
                    names |= {base, name}
    return {name for name in names if name.split(".")[0] == "siamese_utils"}


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The absolute name of the module that ``from … import`` names."""
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


@functools.cache
def _exports(name: str) -> dict[str, str] | None:
    """Where the names of a package come from, if it does no more than pass them on."""
    path = _module_file(name)
    if name.split(".")[0] != "siamese_utils" or path.name != "__init__.py" or not path.exists():
        return None
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    passing = [node for node in statements if isinstance(node, ast.ImportFrom)]
    for node in statements:
        says = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        lists = isinstance(node, ast.Assign) and ast.unparse(node).startswith("__all__ = ")
        if not (says or lists or node in passing):
            return None
    return {a.asname or a.name: _absolute(n, name) for n in passing for a in n.names}


def _passed_on(tree: ast.Module, package: str, alias: str) -> set[str]:
    """The modules behind the names ``alias.…`` in some code; all, where it uses ``alias`` else."""
    exports = _exports(package) or {}
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == alias]
    attributes = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == alias
    ]
    if len(attributes) < len(uses) or not uses:
        return set(exports.values())
    return {exports.get(attribute, f"{package}.{attribute}") for attribute in attributes}


def _bare_source(source: str) -> str:
    """Python code without comments, docstrings and blank lines, otherwise to the letter."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            for row in range(text.lineno, (text.end_lineno or text.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _quick_settings(chapter: str) -> str:
    code = (
        "import json; from siamese_utils.profiles import settings; "
        f"print(json.dumps(vars(settings({chapter!r}, 'quick'))))"
    )
    return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)


def _locked_versions() -> dict[str, str]:
    """Pins of the package's own dependencies; a new linter changes no result."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {Requirement(line).name.lower() for line in project["dependencies"]}
    pins = dict(
        line.strip().split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    return {name: version for name, version in sorted(pins.items()) if name.lower() in wanted}


# Running -----------------------------------------------------------------------------


def refresh(chapter: str) -> None:
    """Run a chapter at quick and store its outputs; nothing is written unless all went well."""
    path = NOTEBOOKS / f"{chapter}.ipynb"
    notebook = load(chapter)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    ).execute()
    report_times(notebook)
    for cell in notebook.cells:
        for output in list(cell.get("outputs", [])):
            if output.get("name") == "stderr":
                output.text = START_UP_NOTE.sub("", output.text)
                if not output.text:
                    cell.outputs.remove(output)
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
        (ROOT / "book" / "figures" / name).write_bytes(png)
    temporary = path.with_name(f".{chapter}.{os.getpid()}")
    try:
        nbformat.write(notebook, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def report_times(notebook: nbformat.NotebookNode) -> None:
    """Print what took long, and drop the times, which would make every diff large."""
    seconds = {}
    for number, cell in enumerate(notebook.cells, 1):
        times = cell.metadata.pop("execution", None)
        if times:
            begun, ended = (
                datetime.datetime.fromisoformat(times[key].replace("Z", "+00:00"))
                for key in ("iopub.execute_input", "shell.execute_reply")
            )
            seconds[number] = (ended - begun).total_seconds()
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
        raise SystemExit(f"{chapter} has no parameter {unknown[0]!r}; it has {sorted(known)}")
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "papermill", str(path), str(output)]
    command += ["--cwd", str(NOTEBOOKS), "-k", "python3", "--no-progress-bar"]
    for name, value in parameters.items():
        command += ["-p", name, str(value)]
    # A process for each chapter, so that none inherits another's memory.
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **(environment or {})})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("refresh", "full"))
    parser.add_argument("chapter", nargs="*", default=names())
    arguments = parser.parse_args()
    for chapter in arguments.chapter:
        print(f"{arguments.command}: {chapter}", flush=True)
        if arguments.command == "refresh":
            refresh(chapter)
        else:
            output = ROOT / "_build" / "full" / f"{chapter}.ipynb"
            run_papermill(chapter, "full", RECORDS / f"{chapter}.json", output)


if __name__ == "__main__":
    main()
