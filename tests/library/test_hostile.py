"""What happens where everything goes wrong: a clear message, nothing lost, no code run.

What belongs to one module is tested with it: a mistyped SIAMESE_DATA_DIR, mirrors that fail and
downloads that are cut short (test_sources), corrupt records (test_records), files that
are old or no model at all (test_recognizer_files), interrupted full runs (test_full_runs).
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import freshness
import keras
import nbformat
import numpy as np
import pytest
import run_chapters as tool
from conftest import ROOT
from nbclient.exceptions import CellExecutionError
from waiting import LONG, wait_for

from siamese_utils.recognition import Recognizer

CONTENT = b"pixels" * 1000


def start(code, **environment):
    """A Python process that runs some code, with the package on its path."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    said, complained = process.communicate(timeout=LONG)
    return process.returncode, said, complained


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
class TestSetUp:
    @pytest.fixture
    def copy(self, tmp_path):
        for name in ("Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, tmp_path)
        (tmp_path / "siamese_utils").mkdir()
        return tmp_path

    def make(self, folder, *arguments, **environment):
        environment = {**os.environ, "MAKEFLAGS": "", **environment}
        return subprocess.run(
            ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )

    @pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
    def test_a_python_of_another_version_is_named_with_a_remedy(self, copy, version):
        other = copy / "python"
        ask = f"import sys; sys.version_info = {version}; exec(sys.argv[1])"
        other.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{ask}" "$2"\n')
        other.chmod(0o755)
        found = self.make(copy, "setup", f"PYTHON={other}")
        assert found.returncode
        assert "Python 3.11, 3.12 or 3.13 is needed" in found.stderr
        assert "make PYTHON=python3.12" in found.stderr
        assert not (copy / ".venv").exists()

    def test_compiled_code_is_kept_whatever_the_environment_says(self, copy):
        (copy / "more.mk").write_text("told:; @echo [$$PYTHONDONTWRITEBYTECODE]\n")
        two = ("--no-print-directory", "-f", "Makefile", "-f", "more.mk")
        assert self.make(copy, *two, "told", PYTHONDONTWRITEBYTECODE="1").stdout == "[]\n"

    @pytest.mark.nightly
    def test_packages_that_cannot_be_had_leave_no_mark_of_success(self, copy):
        found = self.make(copy, "setup", f"PYTHON={sys.executable}", PIP_NO_INDEX="1",
                          PIP_FIND_LINKS=str(copy))  # fmt: skip
        assert found.returncode
        assert "could not be installed" in found.stderr
        assert "run the same command again" in found.stderr
        assert not list((copy / ".venv").glob(".installed*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no limit on a file's size")
class TestFullDisk:
    def test_old_files_stay_and_no_half_of_a_new_one(self, tmp_path):
        """No file may grow beyond 2,000 bytes, as where the disk is full."""
        process = start(f"""
            import resource, signal, sys
            from pathlib import Path
            import keras, numpy as np
            from siamese_utils import chapters, datasets, models
            from siamese_utils.datasets import sources
            from siamese_utils.recognition import Recognizer

            folder = Path({str(tmp_path)!r})
            encoder = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
            sources.cache_dir = lambda: folder
            gallery = Recognizer().fit(np.eye(64), np.arange(64))
            writes = {{
                "record.json": lambda path, n: chapters.store_record(path, {{"x": "y" * n}}),
                "model.keras": lambda path, n: Recognizer(encoder, 0.5).save(path),
                "gallery.npz": lambda path, n: gallery.save_gallery(path),
                "decoded": lambda path, n: sources.memory_mapped("d", "0", lambda: np.ones(9999)),
            }}
            for name in list(writes)[:3]:
                (folder / name).write_bytes(b"old")
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
            for name, write in writes.items():
                try:
                    write(folder / name, 5000)
                    print(name, "went on")
                except OSError as error:
                    print(name, error.strerror)
        """)
        status, said, complained = ended(process)
        assert status == 0, complained
        # Of what is only a copy, the array is used all the same.
        assert said.splitlines() == [
            *(f"{name} File too large" for name in ("record.json", "model.keras", "gallery.npz")),
            "decoded went on",
        ]
        assert "could not be written" in complained
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert kept == dict.fromkeys(("record.json", "model.keras", "gallery.npz"), b"old")
        assert not list((tmp_path / "decoded").iterdir())


class _Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requested.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100])
        self.wfile.flush()
        self.server.go_on.wait(LONG)
        self.wfile.write(CONTENT[100:])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def slow_server():
    """A mirror that stops after the first hundred bytes until it is told to go on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Slow) as server:
        server.requested, server.go_on = [], threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/file"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


@pytest.mark.slow
class TestCache:
    @pytest.fixture
    def locating(self, tmp_path, slow_server):
        """Starts a process that wants the file, and says what it found."""
        import hashlib

        checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

        def begin():
            return start(f"""
                from pathlib import Path
                from siamese_utils.datasets import sources
                sources.cache_dir = lambda: Path({str(tmp_path)!r})
                source = sources.Source("set/file", {checksum!r}, ({slow_server.url!r},))
                print(len(sources.locate(source).read_bytes()), flush=True)
            """)

        return begin

    def test_two_runs_at_once_download_once(self, locating, slow_server, monkeypatch):
        monkeypatch.delenv("SIAMESE_DATA_DIR", raising=False)
        first = locating()
        wait_for(lambda: slow_server.requested or first.poll())
        second = locating()
        # It waits, and says so; should it not, the first goes on, and both end.
        late = threading.Timer(LONG, slow_server.go_on.set)
        late.start()
        line = second.stdout.readline()
        late.cancel()
        slow_server.go_on.set()
        said = [ended(process)[1] for process in (first, second)]
        assert "Another run is downloading data; waiting for it" in line
        assert [each.splitlines()[-1] for each in said] == [str(len(CONTENT))] * 2
        assert slow_server.requested == ["/file"]

    def test_a_run_that_is_killed_leaves_neither_a_lock_nor_a_file(
        self, locating, slow_server, tmp_path, monkeypatch
    ):
        monkeypatch.delenv("SIAMESE_DATA_DIR", raising=False)
        killed = locating()
        wait_for(lambda: slow_server.requested or killed.poll())
        killed.kill()
        killed.wait()
        assert not (tmp_path / "set/file").exists()
        slow_server.go_on.set()
        status, said, complained = ended(locating())
        assert status == 0, complained
        assert said.splitlines()[-1] == str(len(CONTENT))

    def test_a_cache_that_cannot_be_written_to_is_named_with_a_remedy(self, tmp_path, monkeypatch):
        from siamese_utils.datasets import DataError, sources

        monkeypatch.delenv("SIAMESE_DATA_DIR", raising=False)
        (tmp_path / "cache").write_text("a file where the folder should be")
        monkeypatch.setattr(sources, "cache_dir", lambda: tmp_path / "cache")
        with pytest.raises(DataError, match=r"cache.* cannot be written to .*SIAMESE_DATA_DIR"):
            sources.locate(sources.Source("set/file", "sha256:0", ("http://127.0.0.1:9/",)))


@pytest.mark.nightly
class TestRefresh:
    def test_an_interrupt_keeps_the_chapter_as_it_was(self, tmp_path):
        notebooks, began = tmp_path / "notebooks", tmp_path / "began"
        notebooks.mkdir()
        cell = f"import time; open({str(began)!r}, 'w').close(); time.sleep(3600)"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        path = notebooks / "01_koch_paper.ipynb"
        nbformat.write(notebook, path)
        before = path.read_bytes()
        code = (
            "import sys; from pathlib import Path; import run_chapters; "
            f"run_chapters.NOTEBOOKS = Path({str(notebooks)!r}); "
            "sys.argv = ['run_chapters.py', 'refresh', '01_koch_paper']; run_chapters.main()"
        )
        process = start(code)
        wait_for(began.exists)
        process.terminate()
        status, said, complained = ended(process)
        assert status == 130, complained
        assert "interrupted: 01_koch_paper is as it was" in said
        assert path.read_bytes() == before
        assert [found.name for found in notebooks.iterdir()] == [path.name]

    @pytest.mark.nightly
    def test_what_a_training_wrote_over_is_not_stored(self, tmp_path, monkeypatch):
        """The live line in a kernel; where a cell says nothing else, nothing is stored."""
        monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
        monkeypatch.setattr(tool, "input_digest", lambda chapter, notebook: "")
        cells = [
            "import keras, numpy as np, time; from siamese_utils import training\n"
            "class Slow(keras.callbacks.Callback):\n"
            "    def on_train_batch_end(self, batch, logs=None): time.sleep(0.3)\n"
            "network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\n"
            "network.compile('sgd', 'mse')\n"
            "def fit(n_lines):\n"
            "    calls = [training.Progress(n_lines), Slow()]\n"
            "    x = np.zeros((8, 1))\n"
            "    network.fit(x, x, batch_size=2, verbose=0, epochs=2, callbacks=calls)\n",
            "fit(0)",
            "fit(0); print('after')",
            "fit(1)",
        ]
        path = tmp_path / "01_koch_paper.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        nbformat.write(notebook, path)
        tool.refresh("01_koch_paper")
        stored = [cell.outputs for cell in nbformat.read(path, as_version=4).cells]
        assert [[o.text for o in outputs] for outputs in stored] == [
            [],
            [],
            ["after\n"],
            ["epoch   2/2  loss 0.0000\n"],
        ]

    def test_a_cell_that_fails_keeps_it_too(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
        path = tmp_path / "01_koch_paper.ipynb"
        nbformat.write(notebook, path)
        before = path.read_bytes()
        with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
            tool.refresh("01_koch_paper")
        assert path.read_bytes() == before
        assert [found.name for found in tmp_path.iterdir()] == [path.name]


class TestUntrustedFile:
    """A file that brings code along is refused, and the code is not run."""

    @pytest.fixture
    def model(self, tmp_path):
        mark = tmp_path / "run"
        touch = eval(f"lambda x: (open({str(mark)!r}, 'w').close(), x)[1]")
        layers = [keras.Input((4, 4, 1)), keras.layers.Lambda(touch), keras.layers.Flatten()]
        Recognizer(keras.Sequential(layers), 0.5).save(tmp_path / "model.keras")
        mark.unlink()
        return tmp_path / "model.keras"

    @pytest.mark.slow
    def test_a_model_with_a_lambda(self, model):
        """By default, and where its user has allowed such files for something else."""
        status, said, complained = ended(
            start(f"""
                import keras
                from siamese_utils.recognition import Recognizer
                for allow in (None, keras.config.enable_unsafe_deserialization):
                    if allow:
                        allow()
                    try:
                        Recognizer.load({str(model)!r})
                    except ValueError as error:
                        print("refused:", *str(error).split())
            """)
        )
        assert status == 0, complained
        refused = [line for line in said.splitlines() if line.startswith("refused:")]
        assert len(refused) == 2
        for line in refused:
            assert "model.keras cannot be loaded" in line and "Lambda" in line
        assert not (model.parent / "run").exists()

    def rewrite(self, path, change):
        """A file of a verifier whose settings were changed by hand."""
        encoder = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        Recognizer(encoder, 0.5).save(path)
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        config = json.loads(parts["config.json"])
        parts["config.json"] = change(config) or json.dumps(config)
        with zipfile.ZipFile(path, "w") as file:
            for name, content in parts.items():
                file.writestr(name, content)

    def with_layer(self, module, name, registered_name=None):
        def change(config):
            layer = {"module": module, "class_name": name, "registered_name": registered_name}
            config["config"]["layers"].append({**layer, "config": {}})

        return change

    @pytest.mark.parametrize(
        "layer",
        [
            ("keras.layers", "TorchModuleWrapper"),  # Keras would unpickle it
            ("keras.layers", "TFSMLayer"),  # and run a graph from another file
            ("keras", "layers.Lambda"),
            ("keras.layers", "Flatten", "Lambda"),
            ("keras.layers", "Flatten", "any>Lambda"),
        ],
    )
    def test_other_layers_made_of_code_and_other_spellings(self, tmp_path, layer):
        path = tmp_path / "model.keras"
        self.rewrite(path, self.with_layer(*layer))
        with pytest.raises(ValueError, match=r"model\.keras cannot be .* it brings code along"):
            Recognizer.load(path)

    @pytest.mark.parametrize(("module", "name"), [("subprocess", "Popen"), ("os", "system")])
    def test_what_is_no_layer(self, tmp_path, module, name):
        path = tmp_path / "model.keras"
        self.rewrite(path, self.with_layer(module, name))
        with pytest.raises(ValueError, match=rf"model\.keras cannot be loaded .*{name}"):
            Recognizer.load(path)

    @pytest.mark.parametrize(
        "settings", ["[]", "{}", "[" * 200_000, '{"x":' * 900 + "1" + "}" * 900]
    )
    def test_settings_that_are_none(self, tmp_path, settings):
        """A list, and nested without end."""
        path = tmp_path / "model.keras"
        self.rewrite(path, lambda config: settings)
        with pytest.raises(ValueError, match=r"model\.keras (is not a Keras file|holds a)"):
            Recognizer.load(path)

    def test_a_gallery_with_a_pickle(self, tmp_path):
        class Opens:
            def __reduce__(self):
                return open, (str(tmp_path / "run"), "w")

        path = tmp_path / "gallery.npz"
        Recognizer().fit(np.eye(2), ["a", "b"]).save_gallery(path)
        with np.load(path) as file:
            arrays = dict(file)
        for name in arrays:
            np.savez(path, **{**arrays, name: np.array([Opens()], dtype=object)})
            with pytest.raises(ValueError, match=r"gallery\.npz"):
                Recognizer().load_gallery(path)
        assert not (tmp_path / "run").exists()

    def test_nothing_in_the_package_loads_pickles(self):
        unsafe = ("import pickle", "import joblib", "allow_pickle=True", "torch.load")
        unsafe += ("safe_mode=False", "enable_unsafe")
        for path in (ROOT / "siamese_utils").rglob("*.py"):
            code = ast.unparse(freshness.bare_tree(path.read_text(encoding="utf-8")))
            assert not any(word in code for word in unsafe), path


def test_the_chapters_records_are_read_with_a_clear_error(tmp_path):
    """As chapters 04 and 08 read them; `full` and the page of results do it in the same way."""
    from siamese_utils import chapters

    path = tmp_path / "record.json"
    path.write_text(json.dumps({"name": "x"}))
    with pytest.raises(ValueError, match=r"record\.json"):
        chapters.read_record(path)


def test_a_record_that_does_not_say_where_it_comes_from_is_named(tmp_path):
    """The page of results shows that of each record."""
    from siamese_utils import chapters

    path = tmp_path / "record.json"
    chapters.write_record(path, "x", "full", {}, {}, 1.0)
    record = chapters.read_record(path)
    del record["provenance"]["versions"], record["provenance"]["date"]
    chapters.store_record(path, record)
    with pytest.raises(ValueError, match=r"record\.json .*lacks provenance/date, provenance/vers"):
        chapters.read_record(path)
