"""Past the paper: the recorded trainings behind chapter 08, on two processor cores.

    python benchmarks/past_the_paper.py [PART ...]

ladder    one change after the other, from the network of chapter 05 to that of chapter 08;
          trained on 25 background alphabets, measured on the other five
parts     the recipe with Koch's head, with Koch's body, and with the losses of matching and
          prototypical networks
minimal   the recipe on the two sets of five alphabets, short and long
long      the recipe with more steps, three seeds

Each training is an entry of results/recorded/past_the_paper.json, written as soon as it is
done. An entry is kept as long as its settings are the same, so what was interrupted goes on
where it was; "ladder" and "parts" take an hour, all together take four.
"""

import argparse
import time
from pathlib import Path

from siamese_utils import (  # isort: skip
    augment,
    datasets,
    distances,
    evaluation,
    losses,
    models,
    results,
    sampling,
    scoring,
    training,
)
import keras
import numpy as np
from keras import layers

FILE = Path(__file__).resolve().parents[1] / "results" / "recorded" / "past_the_paper.json"
N_TRIALS = 3_000  # on the validation alphabets

RECIPE = {
    "alphabets": "background",
    "side": 42,
    "encoder": "residual",
    "head": "cosine",
    "loss": "in-batch softmax",
    "one alphabet a batch": True,
    "symmetries": True,
    "strength": 1.0,
    "thickness": True,
    "weight decay": 0.0001,
    "averaging": None,
    "rate": 0.01,
    "steps": 1_000,
    "seed": 1,
}
# The cosine network of chapter 05, and what each rung of the ladder changes in it.
CHAPTER_05 = {
    "alphabets": "25 of background",
    "side": 35,
    "encoder": "conv4",
    "loss": "supervised contrastive",
    "one alphabet a batch": False,
    "symmetries": False,
    "thickness": False,
    "weight decay": 0.0,
    "rate": 0.004,
}
LADDER = {
    "chapter 05's network, letters of any alphabet": {},
    "letters of one alphabet in a batch": {"one alphabet a batch": True},
    "42 × 42 pixels": {"side": 42},
    "residual encoder": {"encoder": "residual", "rate": 0.01},
    "softmax against other classes only": {"loss": "in-batch softmax"},
    "turned and mirrored alphabets": {"symmetries": True},
    "thicker and thinner strokes": {"thickness": True},
    "half again as strong distortions": {"strength": 1.5},
    "weight decay": {"weight decay": 0.05},
    "mean of the weights": {"averaging": 0.99},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", default=list(PARTS), choices=[*PARTS, []])
    for part in parser.parse_args().part:
        for name, settings in PARTS[part]().items():
            record(f"{part}: {name}", settings)


def ladder():
    settings, rungs = RECIPE | CHAPTER_05, {}
    for name, change in LADDER.items():
        settings = settings | change
        rungs[name] = settings
    return rungs


PARTS = {"ladder": ladder}


def record(name, settings):
    """Train once, unless the entry is there, and add it to the file."""
    metrics = results.read(FILE)["metrics"] if FILE.exists() else {}
    if metrics.get(name, {}).get("settings") == settings:
        print(f"{name}: recorded already", flush=True)
        return


if __name__ == "__main__":
    main()
