"""A training step of the paper's network, by this book's way and by plain Keras, side by side.

Plain Keras, as the tutorials have it: listed pairs of images, a Siamese model in float32,
cross-entropy, `fit`. The book's way: a batch of 80 images, all of its pairs, and bfloat16 where
the machine has units for it. Both train on the same number of images a step, without
distortions, and take turns in one process each, so that a busy moment meets both.

    python benchmarks/paper_step.py

prints a table and writes it to results/benchmarks/.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import chapters, losses, models, training
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
SHAPE, DIM = (105, 105, 1), 4096
IMAGES = 80  # a step
STEPS = 8  # that are timed, after two that compile and warm up
TURNS = 3
# How many times plain Keras, at least; the first where there are units for bfloat16 only.
BARS = {"images a second": 1.8, "pairs a second": 50}
MOST_GIGABYTES = 6  # of the book's way


def ours():
    """All pairs of a batch, in the precision that the machine is best at."""
    with training.mixed_precision(training.has_fast_bfloat16()):
        encoder = models.koch_encoder(SHAPE, DIM)
    head = models.koch_network(encoder).get_layer("head")
    network = models.in_batch_network(encoder, head)
    network.compile(training.adamw(1e-4, 1_000), losses.InBatchVerificationLoss(1.0))
    images = np.random.default_rng(1).random((IMAGES, *SHAPE), "float32")
    labels = np.repeat(np.arange(IMAGES // 4), 4)
    return measured(network, images, labels, IMAGES * (IMAGES - 1) // 2)


def plain():
    """Listed pairs in float32."""
    keras.config.set_dtype_policy("float32")
    network = models.koch_network(models.koch_encoder(SHAPE, DIM))
    network.compile(keras.optimizers.Adam(6e-5), "binary_crossentropy")
    n_pairs = IMAGES // 2
    left, right = np.random.default_rng(1).random((2, n_pairs, *SHAPE), "float32")
    return measured(network, [left, right], np.arange(n_pairs) % 2, n_pairs)


def measured(network, images, labels, n_pairs):
    """Images and pairs a second, and the most memory that the process had."""
    for _ in range(2):
        network.train_on_batch(images, labels)
    start = time.perf_counter()
    for _ in range(STEPS):
        loss = network.train_on_batch(images, labels)
    assert np.isfinite(float(loss))  # which waits for the last step
    seconds = (time.perf_counter() - start) / STEPS
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "images a second": IMAGES / seconds,
        "pairs a second": n_pairs / seconds,
        "gigabytes": kilobytes * (1 if sys.platform == "darwin" else 1024) / 1e9,
    }


WAYS = {"ours": ours, "plain": plain}


def in_its_process(name):
    """A measurement in a new process, which gives its memory back at its end."""
    said = subprocess.run(
        [sys.executable, __file__, "--one", name],
        stdout=subprocess.PIPE, text=True, check=True, env=os.environ,
    ).stdout  # fmt: skip
    return json.loads(said.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", choices=WAYS, help="measure this one here, print it as JSON")
    asked = parser.parse_args().one
    if asked:
        print(json.dumps(WAYS[asked]()))
        return
    start = time.perf_counter()
    turns = {name: [] for name in WAYS}
    for _ in range(TURNS):
        for name in WAYS:
            turns[name].append(in_its_process(name))
            print(name, turns[name][-1], flush=True)
    medians = {
        name: {key: float(np.median([turn[key] for turn in found])) for key in found[0]}
        for name, found in turns.items()
    }
    fast = training.has_fast_bfloat16()
    ratios = {key: medians["ours"][key] / medians["plain"][key] for key in BARS}
    bars = {key: bar for key, bar in BARS.items() if fast or key != "images a second"}
    rows = [
        {
            "Koch's network": key,
            "listed pairs, float32": f"{medians['plain'][key]:,.1f}",
            "all pairs of a batch": f"{medians['ours'][key]:,.1f}",
            "ratio": f"{ratios[key]:.1f}",
            "bar": f"≥ {bars[key]}" if key in bars else "",
        }
        for key in BARS
    ]
    gigabytes = {name: found["gigabytes"] for name, found in medians.items()}
    rows.append(
        {
            "Koch's network": "memory of the process (GB)",
            "listed pairs, float32": f"{gigabytes['plain']:.1f}",
            "all pairs of a batch": f"{gigabytes['ours']:.1f}",
            "ratio": "",
            "bar": f"≤ {MOST_GIGABYTES}",
        }
    )
    table = chapters.markdown_table(rows)
    print(table)
    write_whole(
        FOLDER / "paper_step.md", lambda path: path.write_text(table + "\n", encoding="utf-8")
    )
    settings = {"images": IMAGES, "steps": STEPS, "turns": TURNS, "bars": bars}
    metrics = {"turns": turns, "ratios": ratios, "bfloat16": fast}
    chapters.write_record(
        FOLDER / "paper_step.json", "benchmarks/paper_step", "full", settings, metrics,
        time.perf_counter() - start,
    )  # fmt: skip
    missed = [key for key, bar in bars.items() if ratios[key] < bar]
    missed += ["memory"] if gigabytes["ours"] > MOST_GIGABYTES else []
    if missed:
        raise SystemExit(f"missed the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
