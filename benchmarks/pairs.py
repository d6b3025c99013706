"""Pairs of MNIST digits: the tutorials' way and the package's, side by side in one run.

The tutorials' way, from its description: a Python loop over digits and places that
appends both images of every pair to a list, made into one float32 array at the end, on
which `fit` is called. The package keeps indices and looks images up batch by batch.

    python benchmarks/pairs.py

prints a table and writes it to results/benchmarks/.
"""

import time
import tracemalloc
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import chapters, datasets, losses, models, sampling
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BARS = {"build": 20, "memory": 50, "epoch": 1}  # how many times better, at least
SEED = 1
REPEATS = 3


def materialised_pairs(images, labels, rng):
    """The tutorials' way: lists of images, pair by pair."""
    places = [np.where(labels == digit)[0] for digit in range(10)]
    n = min(len(place) for place in places) - 1
    pairs, same = [], []
    for digit in range(10):
        for i in range(n):
            first, second = places[digit][i], places[digit][i + 1]
            pairs += [[images[first], images[second]]]
            other = (digit + rng.integers(1, 10)) % 10
            pairs += [[images[first], images[places[other][i]]]]
            same += [1, 0]
    return np.array(pairs), np.array(same, "float32")


def index_pairs(images, labels, rng):
    """The package's way; the images are not needed yet."""
    return sampling.consecutive_pairs(labels, rng)


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def peak_megabytes(function, *arguments):
    """Largest memory in use while building, beyond what was there before."""
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def epoch(network, *data, **options):
    return seconds(lambda: network.fit(*data, epochs=1, verbose=0, **options))


def new_network():
    keras.utils.set_random_seed(SEED)
    network = models.siamese_network(models.mlp_encoder((28, 28, 1)))
    network.compile("rmsprop", losses.ContrastiveLoss())
    return network


def main():
    (images, labels), _ = datasets.load_mnist()
    measured = {key: [] for key in ("build", "memory", "epoch")}
    for _ in range(REPEATS):  # taking turns, so that a busy moment meets both
        for way in (materialised_pairs, index_pairs):
            measured["build"].append(seconds(way, images, labels, np.random.default_rng(SEED)))
    for way in (materialised_pairs, index_pairs):
        measured["memory"].append(peak_megabytes(way, images, labels, np.random.default_rng(SEED)))

    stacked, stacked_same = materialised_pairs(images, labels, np.random.default_rng(SEED))
    pairs, same = index_pairs(images, labels, np.random.default_rng(SEED))
    left, right = stacked[:, 0], stacked[:, 1]
    batches = sampling.PairDataset(images, pairs, same, batch_size=128, seed=SEED)
    by_array, by_index = new_network(), new_network()
    # The first epoch compiles and is not counted.
    for _ in range(1 + REPEATS):
        measured["epoch"].append(epoch(by_array, [left, right], stacked_same, batch_size=128))
        measured["epoch"].append(epoch(by_index, batches))
    measured["epoch"] = measured["epoch"][2:]

    names = {
        "build": f"build {len(pairs):,} pairs (s)",
        "memory": "peak memory of building them (MB)",
        "epoch": "one training epoch (s)",
    }
    rows, ratios = [], {}
    for key, values in measured.items():
        theirs, ours = np.median(values[::2]), np.median(values[1::2])
        ratios[key] = float(theirs / ours)
        rows.append(
            {
                "what": names[key],
                "images in memory": f"{theirs:.3g}",
                "indices": f"{ours:.3g}",
                "ratio": f"{ratios[key]:.1f}",
                "bar": f"≥ {BARS[key]}",
            }
        )
    table = chapters.markdown_table(rows)
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(FOLDER / "pairs.md", lambda path: path.write_text(table + "\n", encoding="utf-8"))
    metrics = {"measured": measured, "ratios": ratios}
    total = sum(map(sum, (measured["build"], measured["epoch"])))
    settings = {"repeats": REPEATS}
    chapters.write_record(
        FOLDER / "pairs.json", "benchmarks/pairs", "full", settings, metrics, total
    )
    missed = [key for key, ratio in ratios.items() if ratio < BARS[key]]
    if missed:
        raise SystemExit(f"below the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
