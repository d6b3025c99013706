"""The examples in the docstrings give what they say, and every public name has a docstring."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import siamese_utils

MODULES = [m.name for m in pkgutil.walk_packages(siamese_utils.__path__, "siamese_utils.")]


@pytest.mark.parametrize("name", MODULES)
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
