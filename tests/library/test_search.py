"""The search for layer-wise values: its ranges, what it finds, and that it can be resumed."""

import dataclasses

import numpy as np
import optuna
import pytest

from siamese_utils.training import LayerwiseValues, layerwise_search

GROUPS = {"convolutions": ("conv1", "conv2"), "head": ("head",)}


def by_rates(values: LayerwiseValues) -> float:
    """Highest where the head's rate is 0.01, whatever the rest."""
    return 1 / (1 + np.log10(values.rates["head"] / 0.01) ** 2)


@pytest.fixture(scope="module")
def search():
    return layerwise_search(by_rates, GROUPS, 40, seed=1)


def test_values_are_in_the_paper_s_ranges(search):
    assert len(search.values) == len(search.accuracies) == 40
    for kind, low, high in (("rates", 1e-4, 0.1), ("momenta", 0, 1), ("l2", 1e-6, 0.1)):
        found = np.array([list(getattr(v, kind).values()) for v in search.values])
        assert found.shape == (40, 3)
        assert low <= found.min() and found.max() <= high
    rates = np.log10([v.rates["conv1"] for v in search.values])
    assert rates.min() < -3.5 and rates.max() > -1.5  # all over a logarithmic scale


def test_a_group_shares_its_values(search):
    for values in search.values:
        for found in dataclasses.asdict(values).values():
            assert list(found) == ["conv1", "conv2", "head"]
            assert found["conv1"] == found["conv2"] != found["head"]


def test_accuracies_belong_to_their_values(search):
    np.testing.assert_allclose([by_rates(v) for v in search.values], search.accuracies)
    assert by_rates(search.best) == max(search.accuracies)


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


def test_another_seed_gives_other_values():
    first, second = (layerwise_search(by_rates, GROUPS, 2, seed=s) for s in (1, 2))
    assert first.values != second.values


@pytest.mark.parametrize("change", [{"seed": 2}, {"layers": ["head"]}, {"n_random": 2}])
def test_refuses_the_storage_of_another_search(tmp_path, change):
    asked = {"layers": GROUPS, "seed": 1, "storage": tmp_path / "search.log"}
    layerwise_search(by_rates, n_trials=1, **asked)
    with pytest.raises(ValueError, match="a file of its own"):
        layerwise_search(by_rates, n_trials=2, **{**asked, **change})


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
