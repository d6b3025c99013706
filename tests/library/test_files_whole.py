"""Files that are written whole or not at all, by however many writers; digests of any array."""

import json
import os
import stat
import subprocess
import sys
import textwrap
import threading

import ml_dtypes
import numpy as np
import pytest

from siamese_utils._files import digest, read_arrays, write_arrays, write_whole

POSIX = pytest.mark.skipif(os.name != "posix", reason="about modes, links and limits of POSIX")


def text(content):
    return lambda temporary: temporary.write_text(content)


class TestManyWriters:
    """Each writes a text that is the same letter throughout; readers must never see two."""

    N, LENGTH = 40, 200_000

    def read_until(self, path, over):
        seen = set()
        while not over():
            found = path.read_text()
            assert len(found) == self.LENGTH
            seen |= {frozenset(found)}
        assert all(len(letters) == 1 for letters in seen)

    def test_threads(self, tmp_path):
        path, errors = tmp_path / "file.txt", []
        write_whole(path, text("x" * self.LENGTH))

        def write(letter):
            try:
                for _ in range(self.N):
                    write_whole(path, text(letter * self.LENGTH))
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
        for thread in threads:
            thread.start()
        self.read_until(path, lambda: not any(thread.is_alive() for thread in threads))
        assert not errors
        assert os.listdir(tmp_path) == ["file.txt"]
        assert set(path.read_text()) < set("abcd")

    def test_processes(self, tmp_path):
        path = tmp_path / "file.txt"
        write_whole(path, text("x" * self.LENGTH))
        code = textwrap.dedent(f"""
            import sys
            from siamese_utils._files import write_whole
            print("ready", flush=True)
            sys.stdin.readline()
            for _ in range({self.N}):
                write_whole(sys.argv[1], lambda t: t.write_text(sys.argv[2] * {self.LENGTH}))
        """)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, path, letter],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for letter in "ab"
        ]  # fmt: skip
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:  # both at once, however long each took to start
            process.stdin.write("\n")
            process.stdin.flush()
        self.read_until(path, lambda: all(p.poll() is not None for p in processes))
        for process in processes:
            process.communicate()
        assert [p.returncode for p in processes] == [0, 0]
        assert os.listdir(tmp_path) == ["file.txt"]
        assert set(path.read_text()) < set("ab")


class TestFailures:
    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
    @pytest.mark.parametrize("old", [None, "old"])
    def test_the_old_file_stays_and_nothing_else(self, tmp_path, error, old):
        path = tmp_path / "file.txt"
        if old:
            path.write_text(old)

        def half(temporary):
            temporary.write_text("ha")
            raise error

        with pytest.raises(error):
            write_whole(path, half)
        assert {p.name: p.read_text() for p in tmp_path.iterdir()} == (
            {"file.txt": old} if old else {}
        )

    @POSIX
    def test_a_full_disk(self, tmp_path):
        (tmp_path / "file.npz").write_bytes(b"old")
        code = textwrap.dedent("""
            import resource, signal, sys
            import numpy as np
            from siamese_utils._files import write_arrays
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
            try:
                write_arrays(sys.argv[1], {}, {"a": [np.zeros(5000)]})
            except OSError as error:
                print(error.strerror)
        """)
        command = [sys.executable, "-c", code, tmp_path / "file.npz"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "File too large\n"
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"file.npz": b"old"}

    def test_a_folder_is_refused_before_anything_is_written(self, tmp_path):
        with pytest.raises(
            IsADirectoryError, match=f"expected the name of a file.*{tmp_path.name}"
        ):
            write_whole(tmp_path, lambda temporary: pytest.fail("written"))

    def test_a_file_in_place_of_the_folder(self, tmp_path):
        (tmp_path / "runs").write_text("old")
        with pytest.raises(OSError, match="runs"):
            write_whole(tmp_path / "runs" / "file.txt", text("new"))

    def test_a_folder_that_cannot_be_written_to_is_named(self, tmp_path, monkeypatch):
        """Tests may run as a user who may write anywhere, so the system's answer is given here."""
        if os.geteuid():
            tmp_path.chmod(0o500)
        else:

            def refuse(path, flags, mode):
                raise PermissionError(13, "Permission denied", path)

            monkeypatch.setattr(os, "open", refuse)
        path = tmp_path / "file.txt"
        with pytest.raises(PermissionError, match="Permission denied") as caught:
            write_whole(path, lambda temporary: pytest.fail("written"))
        assert caught.value.filename == str(path)
        monkeypatch.undo()
        tmp_path.chmod(0o700)


@POSIX
class TestModesAndLinks:
    @pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
    def test_a_new_file_has_the_user_s_usual_mode(self, tmp_path, mask, mode):
        before = os.umask(mask)
        try:
            write_whole(tmp_path / "file", text("x"))
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
    def test_an_old_file_keeps_its_mode(self, tmp_path, mode):
        path = tmp_path / "file"
        path.write_text("old")
        path.chmod(mode)
        write_whole(path, text("new"))
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)

    def test_the_process_s_mask_is_not_touched(self, tmp_path, monkeypatch):
        """It belongs to all threads: a file that another one makes meanwhile would get it."""
        monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("set"))
        write_whole(tmp_path / "file", text("x"))

    @pytest.mark.parametrize("there", [True, False])
    def test_a_link_stays_a_link(self, tmp_path, there):
        target, link = tmp_path / "store" / "file.txt", tmp_path / "link.txt"
        target.parent.mkdir()
        if there:
            target.write_text("old")
        link.symlink_to(target)
        write_whole(link, text("new"))
        assert link.is_symlink() and target.read_text() == "new"
        assert sorted(p.name for p in tmp_path.rglob("*")) == ["file.txt", "link.txt", "store"]

    def test_a_name_as_long_as_the_system_allows(self, tmp_path):
        path = tmp_path / ("n" * 251 + ".txt")
        write_whole(path, text("x"))
        assert os.listdir(tmp_path) == [path.name]


DTYPES = [
    *("bool", "uint8", "int64", "float16", "float32", "float64", "complex64", "<U3"),
    *("datetime64[s]", ml_dtypes.bfloat16),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 2)])
class TestArrays:
    def make(self, dtype, shape, first=1):
        values = np.arange(first, first + np.prod(shape, dtype=int)).reshape(shape)
        return values.astype(dtype)

    def test_come_back_as_they_were(self, tmp_path, dtype, shape):
        array = self.make(dtype, shape)
        write_arrays(tmp_path / "file.npz", {"n": 1}, {"a": [array, array], "b": [array]})
        record, arrays = read_arrays(tmp_path / "file.npz")
        assert record == {"n": 1}
        assert {name: len(group) for name, group in arrays.items()} == {"a": 2, "b": 1}
        for found in (*arrays["a"], *arrays["b"]):
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            assert found.tobytes() == array.tobytes()

    def test_have_a_digest(self, dtype, shape):
        array = self.make(dtype, shape)
        assert digest([array]) == digest([array.copy(order="F")])
        assert digest([array]) != digest([array[None]])
        assert array.size == 0 or digest([array]) != digest([self.make(dtype, shape, first=0)])


def test_digests_of_plain_values_do_not_run_into_each_other():
    parts = ([1, 2], [12], ["1", 2], [[1, 2]], [{"a": 1}], ["a", 1], [None], [])
    assert len({digest(part) for part in parts}) == len(parts)
    assert digest([{"a": 1, "b": 2}]) == digest([{"b": 2, "a": 1}])


@pytest.mark.parametrize("part", [object(), np.array([object()]), np.array(["a", None])])
def test_what_has_no_values_has_no_digest(part):
    with pytest.raises(TypeError):
        digest([part])


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "file.npz", record=json.dumps({}), a=np.array([object()]))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(tmp_path / "file.npz")
