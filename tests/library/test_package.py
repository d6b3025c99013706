"""The package as a guest: an import changes nothing on its host, and set_up what it says."""

import collections
import importlib
import importlib.util
import inspect
import json
import os
import pkgutil
import platform
import re
import subprocess
import sys
from dataclasses import is_dataclass

import nbformat
import pytest
from conftest import ROOT

import siamese_utils

PACKAGES = [
    name for _, name, _ in pkgutil.iter_modules(siamese_utils.__path__) if not name.startswith("_")
]
IMPORT_ALL = f"from siamese_utils import {', '.join(PACKAGES)}"
GLIBC = platform.libc_ver()[0] == "glibc"


def run(code, **environment):
    """What some code prints in a process of its own, without this one's Keras and TensorFlow."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS_", "TF_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


# What an import could change on its host. The libraries do change some of it when they are
# imported, so they come first; what is listed here is all that the package imports.
HOST = """
import json, locale, logging, os, random, signal, sys, threading, warnings
import filelock, keras, matplotlib.pyplot, numpy, optuna, PIL.Image, pooch, requests
import scipy.ndimage, scipy.optimize, scipy.special, scipy.stats
import sklearn.base, sklearn.metrics, sklearn.model_selection, sklearn.neighbors, sklearn.utils

def host():
    loggers = {"": logging.getLogger(), **logging.root.manager.loggerDict}
    return {
        "environment": dict(os.environ),
        "loggers": {
            name: [logger.level, logger.disabled, logger.propagate, logger.filters, logger.handlers]
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger) and not name.startswith("siamese_utils")
        },
        "warnings": warnings.filters,
        "how warnings are shown": warnings.showwarning,
        "matplotlib": dict(matplotlib.rcParams.copy()),
        "keras": [
            keras.config.backend(), keras.config.floatx(), keras.config.epsilon(),
            keras.config.image_data_format(), keras.config.dtype_policy().name,
            keras.config.is_interactive_logging_enabled(),
            keras.config.is_traceback_filtering_enabled(),
        ],
        "numpy": [numpy.geterr(), numpy.get_printoptions(), numpy.random.get_state()],
        "random": random.getstate(),
        "python": [
            sys.path, sys.excepthook, sys.displayhook, os.getcwd(), locale.setlocale(locale.LC_ALL),
            sys.getrecursionlimit(), threading.active_count(),
            [signal.getsignal(each) for each in signal.valid_signals()],
        ],
    }

def texts(state):
    return {key: repr(value) for key, value in state.items()}

for code in CODES:
    before = texts(host())
    exec(code)
    after = texts(host())
    print(json.dumps([key for key in before if before[key] != after[key]]))
"""

# Code that does change something, and what: else the test of the import might see nothing.
CHANGES = {
    "os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'": ["environment"],
    "logging.getLogger('tensorflow').addFilter(print)": ["loggers"],
    "warnings.simplefilter('ignore')": ["warnings"],
    "matplotlib.rcParams['image.cmap'] = 'gray'": ["matplotlib"],
    "keras.config.set_floatx('float64')": ["keras"],
    "numpy.seterr(all='raise')": ["numpy"],
    "random.seed(1)": ["random"],
    "sys.path.append('x')": ["python"],
}


class TestImport:
    @pytest.mark.slow
    def test_changes_nothing_on_its_host(self):
        lines = run(f"CODES = {[IMPORT_ALL, *CHANGES]}\n{HOST}").splitlines()
        by_import, *by_code = map(json.loads, lines[-1 - len(CHANGES) :])
        assert by_import == []
        assert by_code == list(CHANGES.values())

    @pytest.mark.nightly
    @pytest.mark.parametrize("backend", ["jax", "torch"])
    def test_the_backend_of_the_user_s_keras_json_stays(self, backend, tmp_path):
        if importlib.util.find_spec(backend) is None:
            pytest.skip(f"{backend} is not installed")
        config = {"backend": backend, "floatx": "float64"}
        (tmp_path / "keras.json").write_text(json.dumps(config))
        show = "import keras; print(keras.config.backend(), keras.config.floatx())"
        for code in (IMPORT_ALL, "from siamese_utils.chapters import set_up; set_up()"):
            assert run(f"{code}\n{show}", KERAS_HOME=str(tmp_path)) == f"{backend} float64"

    @pytest.mark.parametrize("package", ["chapters", "datasets"])
    def test_who_sets_up_or_loads_data_does_not_start_a_backend(self, package):
        """set_up has to come before Keras, and chapters import it first of all."""
        code = f"import sys, siamese_utils.{package}; print('keras' in sys.modules)"
        assert run(code) == "False"


FAULTS = """
import resource
{first}
import numpy as np
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**23)  # the first array is paid for in any case
before = faults()
for _ in range(10):
    np.ones(2**23)
print(faults() - before)
"""

WARN = """
import logging, sys
from siamese_utils import chapters
chapters.set_up()
logging.basicConfig(stream=sys.stdout, format="%(message)s")
logger = logging.getLogger("tensorflow")  # where TensorFlow writes
logger.warning("out of memory")
logger.warning("%d out of the last %d calls triggered tf.function retracing.", 5, 5)
"""

SET_UP = """
import json, logging, os, sys, types, warnings
from siamese_utils import chapters
{first}
before = dict(os.environ)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range({times}):
        chapters.set_up()
print(json.dumps({
    "set": {k: v for k, v in os.environ.items() if before.get(k) != v},
    "filters": len(logging.getLogger("tensorflow").filters),
    "warned": [str(each.message) for each in caught],
}))
"""
SETTINGS = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "1"}
TENSORFLOW = "sys.modules['tensorflow'] = types.ModuleType('tensorflow')"  # as if it were imported


def after_set_up(first="", times=1, **environment):
    code = SET_UP.replace("{first}", first).replace("{times}", str(times))
    return json.loads(run(code, **environment))


@pytest.mark.slow
class TestSetUp:
    @pytest.mark.nightly
    @pytest.mark.skipif(not GLIBC, reason="only glibc can be told")
    def test_freed_memory_is_kept_for_the_next_step_and_not_by_an_import(self):
        plain = int(run(FAULTS.format(first="")))
        imported = int(run(FAULTS.format(first=IMPORT_ALL)))
        set_up = "from siamese_utils import chapters; chapters.set_up()"
        kept = int(run(FAULTS.format(first=set_up)))
        assert plain > 200
        assert imported > plain / 2
        assert kept < plain / 10

    def test_of_tensorflow_s_warnings_only_that_of_retracing_is_kept_back(self):
        assert run(WARN) == "out of memory"

    @pytest.mark.parametrize("times", [1, 2])
    def test_sets_what_it_says_once(self, times):
        assert after_set_up(times=times) == {"set": SETTINGS, "filters": 1, "warned": []}

    @pytest.mark.parametrize("name", SETTINGS)
    def test_what_the_user_has_set_stays(self, name):
        others = {key: value for key, value in SETTINGS.items() if key != name}
        assert after_set_up(**{name: "0"})["set"] == others

    def test_too_late_for_tensorflow_it_says_so(self):
        found = after_set_up(TENSORFLOW, times=2)
        assert len(found["warned"]) == 1
        assert re.search("imported already.*Call it before Keras.*restart", found["warned"][0])

    def test_in_time_or_with_all_of_it_set_it_says_nothing(self):
        assert after_set_up(TENSORFLOW, **SETTINGS)["warned"] == []


def public(package):
    """The public names of a package, or of a module that has no list of them."""
    module = importlib.import_module(f"siamese_utils.{package}")
    own = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    ]
    return getattr(module, "__all__", own)


def book_text():
    """What uses the package: chapters, pages other than the list of all names, commands."""
    texts = []
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "code"]
    paths = [ROOT / "README.md", ROOT / "siamese_utils" / "command.py"]
    paths += [path for path in (ROOT / "book").glob("*.md") if path.name != "api.md"]
    paths += [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")]
    return "\n".join([*texts, *(path.read_text(encoding="utf-8") for path in paths)])


def unused(package, names, text):
    """Of the names of a package those that a text does not use, nor gets from what it uses."""
    listed = rf"from (?:siamese_utils|\.)?\.{package} import (?:[^\n(]*|\([^)]*)\b%s\b"
    used = {
        name
        for name in names
        if re.search(rf"\b{package}\.{name}\b", text) or re.search(listed % name, text)
    }
    module = importlib.import_module(f"siamese_utils.{package}")
    signatures = ""
    for name in used:
        thing = getattr(module, name)
        members = [getattr(thing, key) for key in vars(thing)] if inspect.isclass(thing) else []
        called = [m for m in (thing, *members) if inspect.isfunction(m) or inspect.ismethod(m)]
        signatures += " ".join(str(inspect.signature(each)) for each in called)
    return [n for n in names if n not in used and not re.search(rf"\b{n}\b", signatures)]


class TestNames:
    @pytest.mark.parametrize("package", [name for name in PACKAGES if name != "command"])
    def test_whatever_is_public_is_used_by_the_book(self, package):
        assert public(package)
        assert unused(package, public(package), book_text()) == []

    def test_a_name_that_nothing_uses_would_be_seen(self):
        text = "from siamese_utils.losses import (\n    triplet,\n)\ndatasets.load_omniglot()"
        assert unused("losses", ["TripletLoss", "triplet"], text) == ["TripletLoss"]
        names = ["DataError", "Omniglot", "load_omniglot"]  # the last returns the second
        assert unused("datasets", names, text) == ["DataError"]

    def test_no_two_files_have_one_name(self):
        paths = [p for p in (ROOT / "siamese_utils").rglob("*.py") if p.name != "__init__.py"]
        counts = collections.Counter(path.name for path in paths)
        assert [name for name, n in counts.items() if n > 1] == []

    def test_a_module_can_be_read_in_one_sitting(self):
        """Examples and formulas included."""
        lengths = {
            path.relative_to(ROOT / "siamese_utils").as_posix(): len(path.read_text().splitlines())
            for path in (ROOT / "siamese_utils").rglob("*.py")
        }
        long = {name for name, n in lengths.items() if n > LONGEST}
        assert long == set(LONGER)


LONGEST = 280  # lines
# Longer, for a reason.
LONGER = {
    "distances.py": "a formula, its range and an example for each of a dozen functions",
    "recognition/recognizer.py": "all that its user calls, in one class; half are docstrings",
}


def test_what_a_function_answers_cannot_be_changed():
    """Records are shared, by a cache or by who holds them; they compare and print as values."""
    names = [m.name for m in pkgutil.walk_packages(siamese_utils.__path__, "siamese_utils.")]
    things = [thing for name in names for thing in vars(importlib.import_module(name)).values()]
    records = {thing for thing in things if inspect.isclass(thing) and is_dataclass(thing)}
    own = {record for record in records if record.__module__.startswith("siamese_utils")}
    assert len(own) > 5
    assert [record for record in own if not record.__dataclass_params__.frozen] == []
