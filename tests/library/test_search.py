"""The search for layer-wise values: its ranges, what it finds, and that it can be resumed."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import optuna
import pytest
from waiting import LONG, wait_for

from siamese_utils.training import LayerwiseValues, layerwise_search

GROUPS = {"convolutions": ("conv1", "conv2"), "head": ("head",)}


def by_rates(values: LayerwiseValues) -> float:
    """Highest where the head's rate is 0.01, whatever the rest."""
    return 1 / (1 + np.log10(values.rates["head"] / 0.01) ** 2)


@pytest.fixture(scope="module")
def search():
    return layerwise_search(by_rates, GROUPS, 40, seed=1)


@pytest.mark.slow
def test_values_are_in_the_paper_s_ranges(search):
    assert len(search.values) == len(search.accuracies) == 40
    for kind, low, high in (("rates", 1e-4, 0.1), ("momenta", 0, 1), ("l2", 1e-6, 0.1)):
        found = np.array([list(getattr(v, kind).values()) for v in search.values])
        assert found.shape == (40, 3)
        assert low <= found.min() and found.max() <= high
    rates = np.log10([v.rates["conv1"] for v in search.values])
    assert rates.min() < -3.5 and rates.max() > -1.5  # all over a logarithmic scale


@pytest.mark.slow
def test_a_group_shares_its_values(search):
    for values in search.values:
        for found in dataclasses.asdict(values).values():
            assert list(found) == ["conv1", "conv2", "head"]
            assert found["conv1"] == found["conv2"] != found["head"]


@pytest.mark.slow
def test_accuracies_belong_to_their_values(search):
    np.testing.assert_allclose([by_rates(v) for v in search.values], search.accuracies)
    assert by_rates(search.best) == max(search.accuracies)


@pytest.mark.slow
def test_looks_where_it_found_something():
    search = layerwise_search(by_rates, ["head"], 60, seed=1)
    far = np.abs(np.log10([v.rates["head"] / 0.01 for v in search.values]))
    assert np.median(far[30:]) < 0.5 * np.median(far[:10])


def test_names_of_layers_are_groups_of_one():
    found = layerwise_search(lambda v: v.momenta["a"], ["a", "b"], 3)
    assert found.best.momenta["a"] == max(found.accuracies)
    assert found.best.momenta["a"] != found.best.momenta["b"]


def test_goes_on_after_it_was_stopped(tmp_path):
    """With the trials that an uninterrupted search has, and no trial twice."""
    storage, asked = tmp_path / "new" / "search.log", []

    def objective(values):
        asked.append(values)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return by_rates(values)

    with pytest.raises(KeyboardInterrupt):
        layerwise_search(objective, GROUPS, 15, seed=1, storage=storage)
    found = layerwise_search(objective, GROUPS, 15, seed=1, storage=storage)
    whole = layerwise_search(by_rates, GROUPS, 15, seed=1)
    assert found.values == whole.values
    np.testing.assert_array_equal(found.accuracies, whole.accuracies)
    assert len(asked) == 16  # the fourth one came twice
    assert len(set(map(str, whole.values))) == 15
    assert layerwise_search(objective, GROUPS, 15, seed=1, storage=storage).values == whole.values
    assert (
        layerwise_search(objective, GROUPS, 5, seed=1, storage=storage).values == whole.values[:5]
    )
    assert len(asked) == 16


WORKER = """
import json, sys, time
from pathlib import Path
from siamese_utils.training import layerwise_search

storage, name, seconds, n_trials, seed = sys.argv[1:]

def objective(values):
    with open(f"{storage}.asked", "a") as file:
        file.write(f"{name} {values.rates['head']}\\n")
    time.sleep(float(seconds))
    return values.momenta["head"]

print("ready", flush=True)
sys.stdin.readline()
found = layerwise_search(objective, ["head"], int(n_trials), int(seed), storage, n_random=100)
print(json.dumps([list(found.accuracies), [v.rates["head"] for v in found.values]]))
"""


@pytest.mark.nightly
class TestSeveralProcesses:
    """Two real processes on one storage: they share the trials, and none ends the other's."""

    @pytest.fixture
    def start(self, tmp_path):
        started = []

        def start(name, seconds, n_trials=12, seed=1):
            """A process that waits for a line before it searches."""
            arguments = [str(tmp_path / "search.log"), name, str(seconds), str(n_trials), str(seed)]
            process = subprocess.Popen(
                [sys.executable, "-c", WORKER, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            started.append(process)
            return process

        yield start
        for process in started:
            process.kill()
            process.communicate()

    @pytest.fixture
    def asked(self, tmp_path):
        def asked():
            path = tmp_path / "search.log.asked"
            return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

        return asked

    def go(self, *processes):
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()

    def result(self, process):
        said, complained = process.communicate(timeout=LONG)
        assert process.returncode == 0, complained
        return json.loads(said)

    def alone(self, n_trials=12):
        found = layerwise_search(
            lambda v: v.momenta["head"], ["head"], n_trials, seed=1, n_random=100
        )
        return [list(found.accuracies), [v.rates["head"] for v in found.values]]

    def states(self, tmp_path):
        backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "search.log"))
        storage = optuna.storages.JournalStorage(backend)
        return [t.state.name for t in optuna.load_study(study_name=None, storage=storage).trials]

    def test_share_the_trials_and_find_the_same(self, tmp_path, start, asked):
        """Random trials, which do not depend on what was found before."""
        first, second = start("first", 0.3), start("second", 0.3)
        self.go(first, second)  # at once, so both want to make the storage
        found = [self.result(first), self.result(second)]
        assert found == [self.alone()] * 2
        assert {name for name, _ in asked()} == {"first", "second"}
        assert len(asked()) == len({rate for _, rate in asked()}) == 12
        assert self.states(tmp_path) == ["COMPLETE"] * 12
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {"search.log", "search.log.asked", "search.log.claim.lock"}

    @pytest.mark.nightly
    def test_one_that_is_killed_leaves_its_trial_to_the_other(self, tmp_path, start, asked):
        killed, other = start("killed", 1000), start("other", 0.1)
        self.go(killed)
        wait_for(lambda: len(asked()) == 1)
        self.go(other)
        wait_for(lambda: len(asked()) == 12)  # all others; for that one it waits
        assert other.poll() is None
        killed.kill()
        assert self.result(other) == self.alone()
        names, rates = zip(*asked(), strict=True)
        assert names == ("killed", *["other"] * 12)
        assert rates[0] == rates[-1]
        assert sorted(self.states(tmp_path)) == ["COMPLETE"] * 12 + ["FAIL"]

    @pytest.mark.nightly
    def test_of_two_searches_one_is_refused(self, start):
        """Whichever is first to make the storage: the other one does not change it."""
        both = [start("a", 0, 1, seed=1), start("b", 0, 1, seed=2)]
        self.go(*both)
        complaints = [process.communicate(timeout=LONG)[1] for process in both]
        assert sorted(process.returncode for process in both) == [0, 1]
        assert "Give each search a file of its own" in "".join(complaints)


def test_another_seed_gives_other_values():
    first, second = (layerwise_search(by_rates, GROUPS, 2, seed=s) for s in (1, 2))
    assert first.values != second.values


@pytest.mark.parametrize("change", [{"seed": 2}, {"layers": ["head"]}, {"n_random": 2}])
def test_refuses_the_storage_of_another_search(tmp_path, change):
    asked = {"layers": GROUPS, "seed": 1, "storage": tmp_path / "search.log"}
    layerwise_search(by_rates, n_trials=1, **asked)
    with pytest.raises(ValueError, match="a file of its own"):
        layerwise_search(by_rates, n_trials=2, **{**asked, **change})


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"n_trials": 0}, "n_trials is 0; expected a whole number of at least 1"),
        ({"n_trials": 2.5}, "n_trials is 2.5; expected a whole number"),
        ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ({"n_random": None}, "n_random is None; expected a whole number"),
    ],
)
def test_refuses_what_is_no_count(option, message):
    with pytest.raises(ValueError, match=message):
        layerwise_search(by_rates, GROUPS, **{"n_trials": 1, **option})


def test_takes_numbers_of_numpy(tmp_path):
    options = {"seed": np.int64(1), "n_random": np.uint8(10), "storage": tmp_path / "search.log"}
    for _ in range(2):
        found = layerwise_search(lambda v: np.float32(0.5), GROUPS, np.int32(2), **options)
    plain = layerwise_search(lambda v: 0.5, GROUPS, 2, seed=1)
    assert found.values == plain.values and found.accuracies.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("accuracy", [np.nan, 1.5, 40.0])
def test_refuses_what_is_no_accuracy(accuracy):
    with pytest.raises(ValueError, match="expected an accuracy"):
        layerwise_search(lambda values: accuracy, GROUPS, 1)


def test_says_nothing(tmp_path, caplog):
    optuna.logging.enable_propagation()
    with caplog.at_level("INFO"):
        layerwise_search(by_rates, GROUPS, 3, storage=tmp_path / "search.log")
    optuna.logging.disable_propagation()
    assert not caplog.records
    assert optuna.logging.get_verbosity() == optuna.logging.INFO  # as it was
