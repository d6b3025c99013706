"""The tests themselves: what none of them may lean on."""

import ast
import collections
import tomllib

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILES = sorted((ROOT / "tests").rglob("*.py"))
CLOCKS = {"perf_counter", "monotonic", "process_time", "time", "thread_time", "now", "utcnow"}


def is_clock(node):
    """Whether a node calls a clock: ``time.monotonic()``, ``perf_counter_ns()``, …"""
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return name.removesuffix("_ns") in CLOCKS


def timed_asserts(code):
    """The lines of the assertions on what a clock said, by itself or through a variable."""
    tree = ast.parse(code)
    timed, known = set(), -1
    while len(timed) > known:  # until no variable is added that was computed from a timed one
        known = len(timed)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AugAssign | ast.NamedExpr) and any(
                is_clock(part) or (isinstance(part, ast.Name) and part.id in timed)
                for part in ast.walk(node.value)
            ):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                timed |= {t.id for t in targets if isinstance(t, ast.Name)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        and any(
            is_clock(part) or (isinstance(part, ast.Name) and part.id in timed)
            for part in ast.walk(node.test)
        )
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_test_asserts_how_long_a_thing_takes(path):
    """A machine may be slow or busy. Speed is measured by `benchmarks/`."""
    assert timed_asserts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import time\nassert time.time() - start < 1", [2]),
        ("start = time.monotonic()\nlong = time.monotonic() - start\nassert long < 9", [3]),
        ("a = perf_counter_ns()\nb = a + 1\nassert f(b)", [3]),
        ("assert (took := datetime.now() - start) < 1", [1]),
        ("assert record['seconds'] > 0\nassert len(times) == 3", []),
    ],
)
def test_such_an_assertion_is_found(code, lines):
    assert timed_asserts(code) == lines


def strict_lines(code):
    """The lines that make an error of every warning, of whatever class."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        given = [part.value for part in node.args if isinstance(part, ast.Constant)]
        given += [k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)]
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_filter = name in {"filterwarnings", "simplefilter", "catch_warnings"}
        if is_filter and given == ["error"] and len(node.args) + len(node.keywords) == 1:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_test_on_other_backends_counts_their_own_warnings(path):
    """Keras warns of deprecated names of JAX and PyTorch, which no test here is about."""
    code = path.read_text(encoding="utf-8")
    if "mark.backend" in code:
        assert strict_lines(code) == []


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("@pytest.mark.filterwarnings('error')\ndef test(): ...", [1]),
        ("with warnings.catch_warnings(action='error'): ...", [1]),
        ("warnings.simplefilter('error')", [1]),
        ("warnings.simplefilter('error', UserWarning)", []),
        ("@pytest.mark.filterwarnings('error::UserWarning')\ndef test(): ...", []),
    ],
)
def test_such_a_filter_is_found(code, lines):
    assert strict_lines(code) == lines


def test_no_two_files_have_the_same_name():
    """pytest imports them by their names alone."""
    names = collections.Counter(path.stem for path in FILES)
    assert [name for name, count in names.items() if count > 1] == []


def test_what_builds_the_package_belongs_to_the_tests():
    """A test that builds without a network takes the environment's own tools, which may be as old
    as the Python that brought them, unless the tests ask for newer ones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = {
        canonicalize_name(requirement.name): requirement.specifier
        for requirement in map(Requirement, project["project"]["optional-dependencies"]["test"])
    }
    for needed in map(Requirement, project["build-system"]["requires"]):
        assert asked.get(canonicalize_name(needed.name)) == needed.specifier, needed
