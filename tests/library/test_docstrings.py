"""Docstrings: every public name has one, and its examples and its defaults are true."""

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import siamese_utils

MODULES = [m.name for m in pkgutil.walk_packages(siamese_utils.__path__, "siamese_utils.")]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.slow
def test_examples(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name):
    module = importlib.import_module(name)
    public = [
        (key, value)
        for key, value in vars(module).items()
        if not key.startswith("_") and getattr(value, "__module__", None) == name
    ]
    bare = [key for key, value in public if callable(value) and not inspect.getdoc(value)]
    assert not bare


PACKAGES = [
    f"siamese_utils.{m.name}"
    for m in pkgutil.iter_modules(siamese_utils.__path__)
    if not m.name.startswith("_") and m.name != "command"  # whose functions the shell calls
]


def public(package):
    """The public names of a package, or of a module that has no list of them."""
    module = importlib.import_module(package)
    own = [key for key, value in vars(module).items() if not key.startswith("_")]
    own = [key for key in own if getattr(vars(module)[key], "__module__", None) == package]
    return getattr(module, "__all__", own)


PUBLIC = [
    (package, name)
    for package in PACKAGES
    for name in public(package)
    if callable(getattr(importlib.import_module(package), name))
]

# What every loss, metric and layer takes; Keras describes them.
KERAS = ("name", "reduction", "dtype")


def docstrings(thing):
    """Its own, and those of the methods that a class itself defines."""
    yield inspect.getdoc(thing) or ""
    if inspect.isclass(thing):
        yield from (inspect.getdoc(value) or "" for value in vars(thing).values())


# A parameter, or several, and what is said of it.
ENTRY = re.compile(r"^(\w+(?:, \w+)*) : .*\n((?:(?: {4}.*)?\n)*)", re.MULTILINE)
# A default that the docstring states without a condition ("True where there is a GPU").
DEFAULT = re.compile(r'Defaults to ("[^"]*"|-?[\d.,]*\d(?: MiB)?|None|True|False)(?! where)')


def stated_defaults(doc):
    """The defaults that a docstring states, by the parameter's name."""
    found = {}
    for names, text in ENTRY.findall(doc + "\n"):
        if match := DEFAULT.search(" ".join(text.split())):
            value = match[1]  # text in quotes, a number, or a constant
            if not value.startswith('"'):
                value = value.replace(",", "").replace(" MiB", " * 2**20")
            found |= dict.fromkeys(names.split(", "), eval(value))
    return found


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=[".".join(pair) for pair in PUBLIC])
class TestPublicName:
    def test_has_an_example_that_runs(self, package, name):
        text = "\n".join(docstrings(getattr(importlib.import_module(package), name)))
        lines = [line for line in text.splitlines() if line.lstrip().startswith(">>>")]
        assert [line for line in lines if "+SKIP" not in line]

    def test_says_what_each_parameter_is(self, package, name):
        """A class does so for what it is made from, in its own docstring."""
        thing = getattr(importlib.import_module(package), name)
        made = thing.__init__ if inspect.isclass(thing) else thing
        if inspect.isclass(thing) and (
            "__init__" not in vars(thing) or hasattr(thing, "__dataclass_fields__")
        ):
            return  # made as its base is, or by the package only
        text = inspect.getdoc(thing) or ""
        names = [
            parameter.name
            for parameter in inspect.signature(made).parameters.values()
            if parameter.name not in ("self", *KERAS)
            if parameter.kind is not parameter.VAR_KEYWORD
        ]
        assert [each for each in names if not re.search(rf"\b{each}\b", text)] == []

    def test_states_the_defaults_that_the_code_has(self, package, name):
        thing = getattr(importlib.import_module(package), name)
        methods = vars(thing) if inspect.isclass(thing) else ()
        called = {name: thing} | {
            f"{name}.{key}": getattr(thing, key)
            for key in methods
            if not key.startswith("_") and callable(getattr(thing, key))
        }
        for label, each in called.items():
            stated = stated_defaults(inspect.getdoc(each) or "")
            parameters = inspect.signature(each).parameters if stated else {}
            assert stated.keys() <= parameters.keys(), label
            has = {key: parameters[key].default for key in stated}
            assert stated == has, label
            kinds = [[isinstance(value, bool) for value in each.values()] for each in (stated, has)]
            assert kinds[0] == kinds[1], label  # True equals 1


def test_stated_defaults_are_found():
    doc = """
    a, b : int
        Two numbers. Defaults to
        10,000.
    c : str
        Defaults to "pad".
    d : bool
        Defaults to True where there is a GPU.
    e : int
        Defaults to 2 MiB.
    """
    found = {"a": 10_000, "b": 10_000, "c": "pad", "e": 2 * 2**20}
    assert stated_defaults(inspect.cleandoc(doc)) == found
    things = [getattr(importlib.import_module(package), name) for package, name in PUBLIC]
    assert sum(any(map(stated_defaults, docstrings(each))) for each in things) > 25
