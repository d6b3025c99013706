"""The files that describe the project agree with each other and with what is installed."""

import ast
import functools
import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in PROJECT["optional-dependencies"].items()
}
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
ALL = CORE + [requirement for extra in EXTRAS.values() for requirement in extra]
PIN_LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = sorted(path.name for path in (ROOT / ".github" / "workflows").glob("*.yml"))
# The extras of every environment that the Makefile makes.
MAKE_EXTRAS = re.search(r"^EXTRAS :=.*strip ([a-z ]+) \$\(OTHERS\)", MAKEFILE, re.M)[1].split()


def pins():
    pairs = (line.split("==") for line in PIN_LINES)
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def installed_version(name):
    """Without a local part such as +cpu; None where another backend's package is missing."""
    try:
        return Version(Version(importlib.metadata.version(name)).public)
    except importlib.metadata.PackageNotFoundError:
        return None


class TestPins:
    def test_a_pin_is_a_name_and_a_public_version(self):
        """No address, and no local build such as +cpu that only one index has."""
        pin = re.compile(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*")
        assert not [line for line in PIN_LINES if not pin.fullmatch(line)]

    def test_pins_are_sorted_and_unique(self):
        assert sorted(PIN_LINES, key=str.upper) == PIN_LINES
        assert len(pins()) == len(PIN_LINES)

    @pytest.mark.parametrize("requirement", ALL, ids=str)
    def test_every_dependency_is_pinned_within_its_bounds(self, requirement):
        assert pins()[canonicalize_name(requirement.name)] in requirement.specifier

    def test_the_pins_are_what_runs_here(self):
        """Else the versions that the tests ran with are not the ones we say."""
        installed = {r.name: installed_version(r.name) for r in ALL}
        assert not {
            name: f"{version}, pinned {pins()[canonicalize_name(name)]}"
            for name, version in installed.items()
            if version is not None and version != pins()[canonicalize_name(name)]
        }

    def test_the_pins_work_on_the_oldest_python(self):
        """A package may ask for a later 3.11 than the 3.11.0 that we promise."""
        oldest = re.match(r">=([\d.]+)", PROJECT["requires-python"])[1] + ".0"
        assert not {
            name: needs
            for name, pinned in pins().items()
            if installed_version(name) == pinned
            if (needs := importlib.metadata.metadata(name).get("Requires-Python"))
            if oldest not in SpecifierSet(needs)
        }


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml"])
def test_no_address_of_an_index(name):
    """Where packages come from is the business of the machine, not of the project."""
    assert not re.search(r"://|index-url|find-links|pypi", (ROOT / name).read_text())


def test_conda_makes_the_environment_of_the_makefile():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    dependencies = environment["dependencies"]
    (pip,) = (d["pip"] for d in dependencies if isinstance(d, dict))
    assert pip == ["-c constraints.txt", f"-e .[{','.join(MAKE_EXTRAS)}]"]
    (python,) = (d for d in dependencies if str(d).startswith("python"))
    bounds = PROJECT["requires-python"]
    assert bounds in python
    lowest, beyond = re.search(
        r"\((\d+, \d+)\) <= sys.version_info < \((\d+, \d+)\)", MAKEFILE
    ).groups()
    assert f">={lowest.replace(', ', '.')},<{beyond.replace(', ', '.')}" == bounds


def test_the_readers_pip_command_makes_it_too():
    command = f'pip install -c constraints.txt -e ".[{",".join(MAKE_EXTRAS)}]"'
    for name in ("README.md", "book/how_to_run.md"):
        text = (ROOT / name).read_text()
        assert set(re.findall(r"pip install .*\.\[.*", text)) == {command}, name


def test_the_workflows_test_the_supported_versions():
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    versions = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert all(version in SpecifierSet(PROJECT["requires-python"]) for version in versions)
    environment = (ROOT / "environment.yml").read_text()
    bounds = SpecifierSet(re.search(r"python(>=\S+)", environment)[1])
    assert [f"3.{minor}" for minor in range(9, 20) if f"3.{minor}" in bounds] == versions


@pytest.mark.parametrize("name", ["Dockerfile", ".devcontainer/devcontainer.json", *WORKFLOWS])
def test_containers_and_releases_call_commands_that_exist(name):
    path = ROOT / ".github" / "workflows" / name if name in WORKFLOWS else ROOT / name
    called = set(re.findall(r"\bmake ([a-z][a-z-]*)", path.read_text()))
    assert called and called <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_the_container_starts_from_a_python_that_the_book_supports():
    text = (ROOT / "Dockerfile").read_text()
    (version,) = re.findall(r"^FROM python:(\S+)-slim", text, re.MULTILINE)
    assert version in SpecifierSet(PROJECT["requires-python"])
    development = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert f"AS {development['build']['target']}\n" in text
    # What is made here is made anew there.
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "_build", ".git"} <= set(ignored)


def test_binder_installs_the_tested_versions():
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text())
    (python,) = (d for d in environment["dependencies"] if d.startswith("python="))
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    install = ROOT / ".binder" / "postBuild"
    assert '-c constraints.txt -e ".[lab]"' in install.read_text()
    assert install.stat().st_mode & 0o111  # Binder runs it as a program


def test_a_release_has_the_files_that_make_pdf_writes():
    import book_pdf

    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    for path in (book_pdf.PDF, book_pdf.ZIP):
        assert str(path.relative_to(ROOT)) in text


def test_hooks_before_a_commit_run_the_tools_of_the_environment():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    checked = [
        f"{hook['entry'].split()[0]} {hook['entry'].split()[1]}" for hook in repository["hooks"]
    ]
    assert checked == [".venv/bin/ruff check", ".venv/bin/ruff format"]


@functools.cache
def distributions():
    """Which distributions an importable name comes from; asked of all that are installed."""
    return importlib.metadata.packages_distributions()


def imported_by(path):
    """Names of the top-level packages that a Python file or a notebook imports."""
    source = path.read_text()
    if path.suffix == ".ipynb":
        cells = json.loads(source)["cells"]
        source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("folder", ["siamese_utils", "notebooks", "tools", "tests", "benchmarks"])
def test_what_is_imported_is_declared(folder):
    files = [p for p in (ROOT / folder).rglob("*") if p.suffix in (".py", ".ipynb")]
    files = [p for p in files if ".ipynb_checkpoints" not in p.parts]
    # What it exports with, and its large indices, are imported only where they are used
    # (test_onnx_file, test_large_index).
    only_where_used = EXTRAS["export"] + EXTRAS["large"]
    allowed = CORE + only_where_used if folder == "siamese_utils" else ALL
    declared = {canonicalize_name(requirement.name) for requirement in allowed}
    own = {"siamese_utils"} | {
        path.stem
        for name in ("tools", "tests", "benchmarks")
        for path in (ROOT / name).glob("*.py")
    }
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in imported_by(path)
        if name not in sys.stdlib_module_names and name not in own
        if not {canonicalize_name(d) for d in distributions().get(name, [name])} & declared
    }
    assert not undeclared
