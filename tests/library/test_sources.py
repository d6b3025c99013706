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
from waiting import LONG

from siamese_utils._files import digest
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


@pytest.mark.parametrize("given", ["~/mine", "~"])
def test_the_data_directory_may_lie_in_the_home_folder(given, cache, tmp_path, monkeypatch):
    """As it is written in a notebook or in an env file, where no shell expands it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    expected = tmp_path / given.replace("~", ".") / "set/images.zip"
    expected.parent.mkdir(parents=True)
    expected.write_bytes(b"")
    monkeypatch.setenv("SIAMESE_DATA_DIR", given)
    assert locate(source()) == expected


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
OTHER = ARRAY[::-1].copy()
EXPECTED = digest([ARRAY])
PATH = f"decoded/set-{EXPECTED[:16]}.npy"


def test_an_array_is_decoded_once_then_mapped_read_only(cache):
    calls = []

    def decode():
        calls.append(1)
        return ARRAY.copy()

    for _ in range(2):
        array = memory_mapped("set", EXPECTED, decode)
        np.testing.assert_array_equal(array, ARRAY)
        assert isinstance(array.base, np.memmap)
        assert type(array) is np.ndarray
        assert not array.flags.writeable
    assert len(calls) == 1
    assert files_below(cache) == [cache / PATH]


def write_npz(path):
    with path.open("wb") as file:
        np.savez(file, ARRAY)


def write_objects(path):
    with path.open("wb") as file:
        np.save(file, ARRAY.astype(object), allow_pickle=True)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: np.save(path, OTHER), id="other values"),
        pytest.param(lambda path: np.save(path, ARRAY[:5]), id="fewer"),
        pytest.param(lambda path: np.save(path, ARRAY.astype(np.int16)), id="another type"),
        pytest.param(lambda path: np.save(path, ARRAY.reshape(10, 100)), id="another shape"),
        pytest.param(lambda path: np.save(path, ARRAY[None]), id="an axis more"),
        pytest.param(write_npz, id="an archive"),
        pytest.param(write_objects, id="objects"),
        pytest.param(lambda path: path.write_text("<html>"), id="text"),
        pytest.param(lambda path: path.write_bytes(b""), id="nothing"),
    ],
)
def test_a_decoded_copy_is_not_trusted_by_its_name(cache, write):
    """Five images were once served with 2,720 labels."""
    memory_mapped("set", EXPECTED, ARRAY.copy)
    whole = (cache / PATH).read_bytes()
    write(cache / PATH)
    assert (cache / PATH).read_bytes() != whole
    np.testing.assert_array_equal(memory_mapped("set", EXPECTED, ARRAY.copy), ARRAY)
    assert (cache / PATH).read_bytes() == whole, "and it is written again"


@pytest.mark.parametrize("n_bytes", [0, 60, 500])
def test_a_decoded_copy_that_is_cut_short_is_made_again(cache, n_bytes):
    memory_mapped("set", EXPECTED, ARRAY.copy)
    whole = (cache / PATH).read_bytes()
    (cache / PATH).write_bytes(whole[:n_bytes])
    np.testing.assert_array_equal(memory_mapped("set", EXPECTED, ARRAY.copy), ARRAY)
    assert (cache / PATH).read_bytes() == whole


def test_another_expected_content_never_meets_an_old_copy(cache):
    memory_mapped("set", EXPECTED, ARRAY.copy)
    array = memory_mapped("set", digest([OTHER]), OTHER.copy)
    np.testing.assert_array_equal(array, OTHER)
    assert len(files_below(cache)) == 2


def test_an_unwritable_cache_warns_and_still_returns_the_array(cache):
    cache.write_text("a file stands where the folder should be")
    with pytest.warns(UserWarning, match="could not be written") as caught:
        array = memory_mapped("set", EXPECTED, ARRAY.copy)
    assert str(cache) in str(caught[0].message)
    np.testing.assert_array_equal(array, ARRAY)
    assert not array.flags.writeable, "as from a map"


@pytest.mark.parametrize("stop", [OSError("No space left on device"), KeyboardInterrupt()])
def test_a_decoded_copy_is_never_half_written(cache, monkeypatch, stop):
    def full_disk(path, array):
        path.write_bytes(b"half")
        raise stop

    monkeypatch.setattr(np, "save", full_disk)
    with warnings.catch_warnings(action="ignore"):
        if isinstance(stop, OSError):
            np.testing.assert_array_equal(memory_mapped("set", EXPECTED, ARRAY.copy), ARRAY)
        else:
            with pytest.raises(KeyboardInterrupt):
                memory_mapped("set", EXPECTED, ARRAY.copy)
    assert files_below(cache) == []


@pytest.mark.slow
def test_processes_that_decode_the_same_file_at_once_all_get_it(cache):
    """They wait for each other before they write, so that all of them find no copy."""
    code = f"""
        import sys, time
        from pathlib import Path
        import numpy as np
        from siamese_utils.datasets import sources
        sources.cache_dir = lambda: Path({str(cache)!r})
        here = Path({str(cache.parent)!r})
        def decode():
            (here / f"{{sys.argv[1]}}.ready").touch()
            while len(list(here.glob("*.ready"))) < 3:
                time.sleep(0.01)
            return np.arange(1000, dtype=np.uint8)
        for _ in range(20):
            array = sources.memory_mapped("set", {EXPECTED!r}, decode)
            assert (array == np.arange(1000, dtype=np.uint8)).all() and len(array) == 1000
        print("right")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    running = [subprocess.Popen([*command, str(i)], **pipes) for i in range(3)]
    assert [process.communicate(timeout=LONG)[0] for process in running] == ["right\n"] * 3
    assert files_below(cache) == [cache / PATH]


# --- the package


@pytest.mark.parametrize("level", ["NOTSET", "DEBUG", "ERROR"])
@pytest.mark.slow
def test_the_log_of_pooch_is_the_user_s_before_and_after(cache, server, level):
    """Importing sets nothing, and a download puts back what it sets, even if it fails."""
    urls = server.url + "/missing", server.url + "/good"
    done = run_python(f"""
        import logging, pooch
        from pathlib import Path
        pooch.get_logger().setLevel({level!r})
        from siamese_utils.datasets import sources
        print(logging.getLevelName(pooch.get_logger().level))
        sources.cache_dir = lambda: Path({str(cache)!r})
        sources.locate(sources.Source("set/images.zip", {CHECKSUM!r}, {urls!r}))
        print(logging.getLevelName(pooch.get_logger().level))
    """)
    lines = done[0].splitlines()
    assert (lines[0], lines[-1]) == (level, level)
    assert done[1] == ""


def test_importing_the_data_sets_does_not_import_keras():
    code = "import sys, siamese_utils.datasets; print('keras' in sys.modules)"
    assert run_python(code) == ("False\n", "")
