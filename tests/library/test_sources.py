"""Finding, downloading, verifying and caching files."""

import hashlib
import socket
import subprocess
import sys
import textwrap
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from siamese_utils.datasets import DataError, sources
from siamese_utils.datasets.sources import Source, locate, memory_mapped

CONTENT = b"the publisher's bytes " * 1000
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache in place of the user's, and no data directory."""
    monkeypatch.delenv("SIAMESE_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(sources, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


class _Mirror(BaseHTTPRequestHandler):
    """Answers well at /good and in one bad way at each other path."""

    def do_GET(self):
        self.server.requested.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        body = b"<html>Please log in</html>" if self.path == "/html" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Mirror) as server:
        server.requested = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def refused():
    """The URL of a port at which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/file"


@pytest.fixture(params=["404", "HTML with status 200", "cut short", "no network"])
def bad_url(request, server):
    if request.param == "no network":
        with refused() as url:
            yield url
    else:
        paths = {"404": "/missing", "HTML with status 200": "/html", "cut short": "/cut"}
        yield server.url + paths[request.param]


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def source(*urls: str) -> Source:
    return Source("set/images.zip", CHECKSUM, urls)


def run_python(code: str) -> tuple[str, str]:
    """What a program writes on stdout and stderr."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


# --- where a file is looked for


def test_the_data_directory_is_looked_at_before_the_cache(cache, tmp_path, monkeypatch):
    for folder in (cache, tmp_path / "mine"):
        (folder / "set").mkdir(parents=True)
        (folder / "set/images.zip").write_bytes(b"")
    assert locate(source()) == cache / "set/images.zip"
    monkeypatch.setenv("SIAMESE_DATA_DIR", str(tmp_path / "mine"))
    assert locate(source()) == tmp_path / "mine/set/images.zip"


def test_what_the_data_directory_lacks_is_downloaded_into_the_cache(
    cache, tmp_path, monkeypatch, server
):
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("SIAMESE_DATA_DIR", str(tmp_path / "mine"))
    assert locate(source(server.url + "/good")) == cache / "set/images.zip"
    assert files_below(tmp_path / "mine") == []


def test_a_data_directory_that_is_none_is_an_error(cache, tmp_path, monkeypatch):
    (tmp_path / "a_file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "a_file"):
        monkeypatch.setenv("SIAMESE_DATA_DIR", str(path))
        with pytest.raises(DataError) as raised:
            locate(source())
        message = str(raised.value)
        assert "SIAMESE_DATA_DIR" in message
        assert str(path) in message
        assert "not a directory" in message
        assert "unset the variable" in message


# --- downloading


def test_a_download_happens_once(cache, server):
    server.requested.clear()
    path = locate(source(server.url + "/good"))
    assert path.read_bytes() == CONTENT
    assert locate(source(server.url + "/good")) == path
    assert server.requested == ["/good"]
    assert files_below(cache) == [path]


def test_a_download_says_so_on_stdout_and_nothing_on_stderr(cache, server):
    url = server.url + "/good"
    # In a process of its own: pytest hides what a logger writes to an earlier stderr.
    done = run_python(f"""
        from pathlib import Path
        from siamese_utils.datasets import sources
        sources.cache_dir = lambda: Path({str(cache)!r})
        sources.locate(sources.Source("set/images.zip", {CHECKSUM!r}, ({url!r},)))
    """)
    assert done == (f"Downloading set/images.zip from {url}\n", "")
    assert (cache / "set/images.zip").exists()


def test_a_failed_download_says_what_to_do_and_leaves_no_file(cache, bad_url):
    with pytest.raises(DataError) as raised:
        locate(source(bad_url))
    message = str(raised.value)
    assert "set/images.zip" in message
    assert bad_url in message
    assert f"Expected {CHECKSUM}" in message
    assert str(cache / "set/images.zip") in message, "where to put it by hand"
    assert "SIAMESE_DATA_DIR" in message
    assert files_below(cache) == []


def test_the_next_mirror_is_tried_after_a_bad_one(cache, bad_url, server):
    path = locate(source(bad_url, server.url + "/good"))
    assert path.read_bytes() == CONTENT
    assert files_below(cache) == [path]


def test_all_mirrors_are_named_when_all_fail(cache, server):
    urls = [server.url + "/missing", server.url + "/html"]
    with pytest.raises(DataError, match="404") as raised:
        locate(source(*urls))
    assert str(raised.value).index(urls[0]) < str(raised.value).index(urls[1])


def test_a_cache_that_cannot_be_made_is_named(cache, server):
    cache.write_text("a file stands where the folder should be")
    with pytest.raises(DataError, match="SIAMESE_DATA_DIR") as raised:
        locate(source(server.url + "/good"))
    assert str(cache) in str(raised.value)


# --- the decoded copy

ARRAY = np.arange(1000, dtype=np.uint8)


def test_an_array_is_decoded_once_then_mapped_read_only(cache):
    calls = []

    def decode():
        calls.append(1)
        return ARRAY.copy()

    for _ in range(2):
        array = memory_mapped("set", "0123", decode)
        np.testing.assert_array_equal(array, ARRAY)
        assert isinstance(array.base, np.memmap)
        assert type(array) is np.ndarray
        assert not array.flags.writeable
    assert len(calls) == 1
    assert [path.name for path in files_below(cache)] == ["set-0123.npy"]


def test_another_expected_content_never_meets_an_old_copy(cache):
    memory_mapped("set", "old", lambda: np.zeros(3))
    np.testing.assert_array_equal(memory_mapped("set", "new", lambda: np.ones(3)), 1)


@pytest.mark.parametrize("n_bytes", [0, 60, 500])
def test_a_decoded_copy_that_is_cut_short_is_made_again(cache, n_bytes):
    memory_mapped("set", "0123", ARRAY.copy)
    (path,) = files_below(cache)
    whole = path.read_bytes()
    path.write_bytes(whole[:n_bytes])
    np.testing.assert_array_equal(memory_mapped("set", "0123", ARRAY.copy), ARRAY)
    assert path.read_bytes() == whole


def test_an_unwritable_cache_warns_and_still_returns_the_array(cache):
    cache.write_text("a file stands where the folder should be")
    with pytest.warns(UserWarning, match="could not be written") as caught:
        array = memory_mapped("set", "0123", ARRAY.copy)
    assert str(cache) in str(caught[0].message)
    np.testing.assert_array_equal(array, ARRAY)
    assert not array.flags.writeable, "as from a map"


@pytest.mark.parametrize("stop", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_decoded_copy_is_never_half_written(cache, monkeypatch, stop):
    def full_disk(file, array):
        file.write(b"half")
        raise stop

    monkeypatch.setattr(np, "save", full_disk)
    with warnings.catch_warnings(action="ignore"):
        if isinstance(stop, OSError):
            np.testing.assert_array_equal(memory_mapped("set", "0123", ARRAY.copy), ARRAY)
        else:
            with pytest.raises(KeyboardInterrupt):
                memory_mapped("set", "0123", ARRAY.copy)
    assert files_below(cache) == []


# --- the package


def test_importing_the_data_sets_does_not_import_keras():
    code = "import sys, siamese_utils.datasets; print('keras' in sys.modules)"
    assert run_python(code) == ("False\n", "")
