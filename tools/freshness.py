"""Tell whether the stored outputs of a chapter belong to the code of now.

A digest over all that can change them is stored with the outputs.
"""

import ast
import functools
import hashlib
import json
import re
import tomllib
from pathlib import Path

import address
import nbformat
from packaging.requirements import Requirement

from siamese_utils.chapters import settings

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "results" / "full"


def input_digest(chapter: str, notebook: nbformat.NotebookNode) -> str:
    """Digest of all that can change a chapter's outputs.

    Its code cells; the package modules that it uses, directly or not, without comments
    and docstrings; its settings at quick; its recorded full run, and other records that it
    names; the encoder that comes with the package, if it loads one; and the locked versions
    of what the package depends on. Text may be edited, and code laid out in other lines, without
    running anything again.
    """
    code = [c for c in notebook.cells if c.cell_type == "code" and not _fetches(c)]
    parts = [[_bare_source(c.source), sorted(c.metadata.get("tags", []))] for c in code]
    sources = {}
    for name in sorted(_modules_used("\n".join(c.source for c in code))):
        if name == "siamese_utils.chapters.profiles":
            # Another chapter's settings do not concern this one.
            sources[name] = _quick_settings(chapter)
        elif name == "siamese_utils.chapters.records":
            continue  # what it writes is for full runs; the record shown counts below
        else:
            sources[name] = _bare_source(_module_file(name).read_text(encoding="utf-8"))
        if name == "siamese_utils.models.pretrained":
            cards = _module_file(name).with_suffix("").glob("*.json")
            sources["cards"] = "".join(sorted(c.read_text(encoding="utf-8") for c in cards))
    shown = "".join(
        _content(record)
        for record in sorted({RECORDS / f"{chapter}.json", *_named_records(code)})
        if record.exists()
    )
    return _digest([parts, sources, shown, _locked_versions()])


def _fetches(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell only brings the book along: another address changes no output."""
    return address.TAG in cell.metadata.get("tags", [])


def _named_records(code: list[nbformat.NotebookNode]) -> list[Path]:
    """Records in results whose names begin as a path in the code does."""
    named = {name for c in code for name in re.findall(r"results/(\w+(?:/\w+)?)", c.source)}
    folder = RECORDS.parent
    return sorted(
        p for name in named for p in folder.glob(f"{name}*") if p.suffix in (".json", ".npz")
    )


def _content(record: Path) -> str:
    if record.suffix == ".json":
        return record.read_text(encoding="utf-8")
    return hashlib.sha256(record.read_bytes()).hexdigest()


def output_digest(notebook: nbformat.NotebookNode) -> str:
    """Digest of the stored outputs, so that none can be edited by hand."""
    return _digest([c.outputs for c in notebook.cells if c.cell_type == "code"])


def _digest(content) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _module_file(name: str) -> Path:
    path = ROOT.joinpath(*name.split("."))
    package = path / "__init__.py"  # a folder of data may bear a module's name
    return package if package.exists() else path.with_suffix(".py")


def _modules_used(source: str) -> set[str]:
    """Modules of the package that some code uses, and those that they use."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = list(_imports(source, package=""))
    while todo:
        name = todo.pop()
        if name in seen or not _module_file(name).exists():
            continue  # a name that a module defines, not a module
        seen.add(name)
        is_package = _module_file(name).name == "__init__.py"
        package = name if is_package else name.rpartition(".")[0]
        todo += _imports(_module_file(name).read_text(encoding="utf-8"), package)
        todo.append(package.partition(".")[0])  # importing a module runs its package
        if _exports(name) is None:
            found.add(name)
    return found


@functools.cache
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
                if exports is not None and alias.name in exports:
                    names.add(exports[alias.name])
                elif _exports(name) is not None:
                    names |= _passed_on(tree, name, alias.asname or alias.name)
                else:
                    names |= {name} if exports is not None else {base, name}
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
    if any(alias.asname for node in passing for alias in node.names):
        return None  # under another name: the package says what is meant
    return {
        a.name: _absolute(n, name) if n.module else f"{_absolute(n, name)}.{a.name}"
        for n in passing
        for a in n.names
    }


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


@functools.cache
def _bare_source(source: str) -> str:
    """Python code without comments and docstrings, and the same however its lines are broken.

    As JSON of its tree: what ``ast.unparse`` and ``ast.dump`` write depends on the Python.
    """
    return json.dumps(_plain(bare_tree(source)))


def _plain(node):
    """A tree of code as lists, without what is empty: later Pythons have more such fields."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [
        [name, _plain(value)] for name, value in ast.iter_fields(node) if value not in (None, [])
    ]
    return [type(node).__name__, *fields]


def bare_tree(source: str) -> ast.Module:
    """The tree of some code without its docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            del node.body[0]
    return tree


def _quick_settings(chapter: str) -> str:
    return json.dumps(vars(settings(chapter, "quick"))) + "\n"


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
