"""The examples in the docstrings give what they say, and every public name has a docstring."""

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
