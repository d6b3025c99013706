"""The benchmark compares two ways to the same pairs."""

import importlib.util

import chapters
import numpy as np
import pytest

from siamese_utils import results


@pytest.fixture(scope="module")
def benchmark():
    path = chapters.ROOT / "benchmarks" / "pairs.py"
    spec = importlib.util.spec_from_file_location("benchmark_pairs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_ways_make_the_same_kind_of_pairs(benchmark):
    """Same pairs are equal; different pairs start at the same image."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 4)
    images = np.arange(40, dtype="float32").reshape(-1, 1, 1, 1)  # an image is its own index
    stacked, stacked_same = benchmark.materialised_pairs(images, labels, rng)
    pairs, same = benchmark.index_pairs(images, labels, rng)
    found = stacked.reshape(-1, 2).astype(int)
    assert np.array_equal(stacked_same, same)
    assert np.array_equal(found[same == 1], pairs[same == 1])
    assert np.array_equal(found[:, 0], pairs[:, 0])
    assert (labels[found[:, 0]] == labels[found[:, 1]]).tolist() == (same == 1).tolist()


def test_the_stored_table_reaches_the_bars(benchmark):
    record = results.read(benchmark.FOLDER / "pairs.json")
    for key, bar in benchmark.BARS.items():
        assert record["metrics"]["ratios"][key] >= bar
        assert (
            f"{record['metrics']['ratios'][key]:.1f}" in (benchmark.FOLDER / "pairs.md").read_text()
        )
