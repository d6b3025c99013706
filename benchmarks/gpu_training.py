"""Pairs a second of the paper's network on a GPU: this package beside plain PyTorch.

Three measurements, each in a process of its own so that none holds the other's memory: the
card's rate of multiplying matrices in bfloat16; a training step of Koch's network by
`training.fit_pairs`, on the Keras backend that is set; and the same network, batch and
optimiser written in plain PyTorch as its manuals advise (channels last, autocast to bfloat16,
fused Adam, compiled). They take turns, and the medians count. In neither are the images
distorted, and in both they lie on the card.

    KERAS_BACKEND=jax python benchmarks/gpu_training.py

prints a table and writes it to results/benchmarks/. It needs PyTorch, and a GPU that both see.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import chapters, models, training
from siamese_utils._backend import has_gpu
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
TURNS = 3
BATCH = 128  # pairs, as in the paper
STEPS = 50  # of a measurement, after as many that compile and warm up
N_IMAGES = 2_000
DIM = 4096
RATE = 6e-5
MATRIX = 8_192  # rows and columns
BARS = {"share of the matrix rate": 0.2, "times plain PyTorch": 1.0}
# Of each convolution: filters, and their size.
CONVOLUTIONS = ((64, 10), (128, 7), (128, 4), (256, 4))


def data():
    """Images as bytes, pairs of them, and whether they are the same, all made up."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 2, (N_IMAGES, 105, 105, 1), "uint8")
    pairs = rng.integers(0, N_IMAGES, (STEPS * BATCH, 2))
    return images, pairs, rng.integers(0, 2, len(pairs))


def operations_a_pair():
    """Multiplications and additions of a training step, a pair.

    Forwards, and backwards once for the weights and once for the inputs, which the first
    convolution does not need.
    """
    side, channels, forwards, of_first = 105, 1, 0, 0
    for i, (filters, size) in enumerate(CONVOLUTIONS):
        side = side - size + 1
        layer = 2 * side**2 * filters * size**2 * channels
        forwards, of_first = forwards + layer, of_first or layer
        channels, side = filters, side // 2 if i < 3 else side
    forwards += 2 * side**2 * channels * DIM
    return 2 * (3 * forwards - of_first)


def ours():
    """Pairs a second of `training.fit_pairs`."""
    keras.utils.set_random_seed(1)
    with training.mixed_precision():
        network = models.koch_network(models.koch_encoder(dim=DIM))
    images, pairs, same = data()
    history = training.fit_pairs(
        network, images, pairs, same, keras.optimizers.Adam(RATE), 2, batch_size=BATCH
    )
    return history["pairs_per_second"][1]


def plain_network():
    """The network in PyTorch: left and right images to one logit."""
    import torch  # here, because the package runs without it
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            layers, channels = [], 1
            for i, (filters, size) in enumerate(CONVOLUTIONS):
                layers += [nn.Conv2d(channels, filters, size), nn.ReLU()]
                layers += [nn.MaxPool2d(2)] if i < 3 else []
                channels = filters
            dense = [nn.Flatten(), nn.Linear(36 * channels, DIM), nn.Sigmoid()]
            self.encoder = nn.Sequential(*layers, *dense)
            self.head = nn.Linear(DIM, 1)

        def forward(self, left, right):
            left, right = self.encoder(torch.cat([left, right])).chunk(2)
            return self.head((left - right).abs())[:, 0]

    return Network()


def plain():
    """Pairs a second in plain PyTorch."""
    import torch

    torch.manual_seed(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    network = plain_network().to(device, memory_format=torch.channels_last)
    compiled = torch.compile(network) if device == "cuda" else network
    optimizer = torch.optim.Adam(network.parameters(), RATE, fused=True)
    images, pairs, same = (torch.from_numpy(array).to(device) for array in data())
    images = images.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    for _ in range(2):
        start = time.perf_counter()
        total = torch.zeros((), device=device)  # summed there: to fetch a number is to wait
        for batch in range(STEPS):
            chosen = slice(batch * BATCH, (batch + 1) * BATCH)
            left, right = (images[pairs[chosen, side]].float() for side in (0, 1))
            with torch.autocast(device, torch.bfloat16):
                logit = compiled(left, right)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                logit.float(), same[chosen].float()
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        assert np.isfinite(total.item())  # which waits for the last step
        seconds = time.perf_counter() - start
    return STEPS * BATCH / seconds


def matrix():
    """Operations a second of a product of two square matrices in bfloat16."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a, b = (torch.randn(MATRIX, MATRIX, dtype=torch.bfloat16, device=device) for _ in range(2))
    for _ in range(2):
        start = time.perf_counter()
        for _ in range(STEPS):
            product = a @ b
        product[0, 0].item()  # waits for the last product
        seconds = time.perf_counter() - start
    return STEPS * 2 * MATRIX**3 / seconds


MEASURED = {"matrix": matrix, "ours": ours, "plain": plain}


def in_its_process(name):
    """A measurement in a new process, which gives the card's memory back at its end."""
    said = subprocess.run(
        [sys.executable, __file__, "--one", name],
        env={"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return json.loads(said.splitlines()[-1])


def table_of(medians, backend):
    rate = medians["matrix"]
    rows = []
    for name, key in ((f"this package, Keras on {backend}", "ours"), ("plain PyTorch", "plain")):
        share = medians[key] * operations_a_pair() / rate
        rows.append(
            {
                "Koch's network": name,
                "pairs a second": f"{medians[key]:,.0f}",
                "share of the matrix rate": f"{100 * share:.0f} %",
                "times plain PyTorch": f"{medians[key] / medians['plain']:.2f}",
            }
        )
    note = (
        f"The card multiplies matrices in bfloat16 at {rate / 1e12:,.0f} TFLOP/s, and a training "
        f"step costs {operations_a_pair() / 1e9:.2f} GFLOP a pair."
    )
    return f"{chapters.markdown_table(rows)}\n\n{note}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", choices=MEASURED, help="measure this one here, print it as JSON")
    asked = parser.parse_args().one
    if asked:
        print(json.dumps(MEASURED[asked]()))
        return
    import torch

    backend = keras.backend.backend()
    for name, seen in (
        ("PyTorch", torch.cuda.is_available()),
        (f"Keras on {backend}", has_gpu()),
    ):
        if not seen:
            raise SystemExit(f"{name} sees no GPU, and on a processor this would take hours")
    start = time.perf_counter()
    measured = {name: [] for name in MEASURED}
    for _ in range(TURNS):
        for name in MEASURED:
            measured[name].append(in_its_process(name))
            print(f"{name}: {measured[name][-1]:.4g}", flush=True)
    medians = {name: float(np.median(turns)) for name, turns in measured.items()}
    found = {
        "share of the matrix rate": medians["ours"] * operations_a_pair() / medians["matrix"],
        "times plain PyTorch": medians["ours"] / medians["plain"],
    }
    table = table_of(medians, backend)
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(
        FOLDER / "gpu_training.md", lambda path: path.write_text(table + "\n", encoding="utf-8")
    )
    settings = {"turns": TURNS, "batch": BATCH, "steps": STEPS, "matrix": MATRIX, "bars": BARS}
    metrics = {"medians": medians, "measured": measured, "torch": torch.__version__, **found}
    chapters.write_record(
        FOLDER / "gpu_training.json",
        "benchmarks/gpu_training",
        "full",
        settings,
        metrics,
        time.perf_counter() - start,
    )
    below = [name for name, bar in BARS.items() if found[name] < bar]
    if below:
        raise SystemExit(f"below the bar: {', '.join(below)}")


if __name__ == "__main__":
    main()
