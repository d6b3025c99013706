"""TensorFlow, JAX and PyTorch on one encoder: a training step, and embedding 1,000 images.

The encoder, loss, distortions and batches are those of chapter 08 at the quick profile,
compiled as `fit_encoder` does: JAX by XLA, TensorFlow as a graph, PyTorch step by step. A
backend is chosen before Keras is imported, so each has a process of its own. The processes
take turns, one at a time, several times, so that a busy moment meets all; the medians count.
The first call compiles and is timed apart. Of the backends those that are installed are
compared; there is no bar, because none of them is ours.

    python benchmarks/backends.py

prints a table and writes it to results/benchmarks/.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import frontier
import keras
import numpy as np

from siamese_utils import chapters, datasets, models, sampling, training
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
RECIPE = frontier.QUICK | {"seed": 1}
TURNS = 3
STEPS = 20  # of a turn, after as many that compile and warm up
REPEATS = 3  # of embedding, in a turn
N_IMAGES = 1_000


def measure():
    """Seconds of a step, of embedding, and of the first call of each, on this backend."""
    keras.utils.set_random_seed(RECIPE["seed"])
    data = datasets.load_omniglot()
    images = frontier.prepared(data.images[:N_IMAGES], RECIPE)
    batches = sampling.ClassBatches(
        images,
        data.labels[:N_IMAGES],
        *frontier.BATCH,
        STEPS,
        RECIPE["seed"],
        groups=data.alphabets[:N_IMAGES],
    )
    encoder, network, _ = frontier.build(RECIPE)
    epochs = Epochs()
    training.fit_encoder(
        network,
        batches,
        frontier.loss_of(RECIPE),
        training.adamw(RECIPE["rate"], 2 * STEPS, weight_decay=RECIPE["weight decay"]),
        2 * STEPS,
        distortions=frontier.distortions(RECIPE),
        callbacks=[epochs],
    )
    first, second = epochs.seconds
    found = {
        "first step": first - second * (STEPS - 1) / STEPS,
        "step": second / STEPS,
        "first embedding": seconds(models.embed, encoder, images),
    }
    repeated = [seconds(models.embed, encoder, images) for _ in range(REPEATS)]
    return found | {"embedding": float(np.median(repeated))}


class Epochs(keras.callbacks.Callback):
    """The seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def seconds(function, *arguments, **options):
    start = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - start


def in_its_process(backend):
    """What :func:`measure` finds on another backend."""
    said = subprocess.run(
        [sys.executable, __file__, "--here"],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(said.splitlines()[-1])


def table_of(medians, versions):
    """A row a backend, beside TensorFlow."""
    rows = []
    for backend, found in medians.items():
        times = {key: found[key] / medians["tensorflow"][key] for key in ("step", "embedding")}
        rows.append(
            {
                "backend": f"{BACKENDS[backend]} {versions[backend]}",
                "step (ms)": f"{1e3 * found['step']:.0f}",
                "step, ratio": f"{times['step']:.2f}",
                f"{N_IMAGES:,} images (ms)": f"{1e3 * found['embedding']:.0f}",
                "images, ratio": f"{times['embedding']:.2f}",
                "first step (s)": f"{found['first step']:.1f}",
                "first images (s)": f"{found['first embedding']:.1f}",
            }
        )
    table = chapters.markdown_table(rows)
    absent = [name for backend, name in BACKENDS.items() if backend not in medians]
    return f"{table}\n\nNot installed, so not measured: {', '.join(absent)}." if absent else table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--here", action="store_true", help="measure the backend of this process, print it as JSON"
    )
    if parser.parse_args().here:
        print(json.dumps(measure()))
        return
    start = time.perf_counter()
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    measured = {backend: [] for backend in installed}
    for _ in range(TURNS):
        for backend in installed:
            measured[backend].append(in_its_process(backend))
            print(backend, measured[backend][-1], flush=True)
    medians = {
        backend: {key: float(np.median([turn[key] for turn in turns])) for key in turns[0]}
        for backend, turns in measured.items()
    }
    versions = {backend: importlib.metadata.version(backend) for backend in installed}
    table = table_of(medians, versions)
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(
        FOLDER / "backends.md", lambda path: path.write_text(table + "\n", encoding="utf-8")
    )
    settings = {
        "turns": TURNS,
        "steps": STEPS,
        "images": N_IMAGES,
        "recipe": RECIPE,
    }
    metrics = {"medians": medians, "measured": measured, "versions": versions}
    chapters.write_record(
        FOLDER / "backends.json",
        "benchmarks/backends",
        "full",
        settings,
        metrics,
        time.perf_counter() - start,
    )


if __name__ == "__main__":
    main()
