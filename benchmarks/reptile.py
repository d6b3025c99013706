"""Reptile on Omniglot: the recorded trainings behind the comparison in chapter 08.

    python benchmarks/reptile.py [PART ...]

Reptile (Nichol, Achiam and Schulman 2018) learns no distance. It looks for weights from which a few
steps of gradient descent on one drawing of each of 20 new letters make a classifier of these
letters.

choice  trained on 25 background alphabets from one seed: how large the inner steps are, and how
        many are taken at the test, measured on 300 trials within the other five
chosen  the best of these on all 30, three seeds, measured on the first 1,000 of the 10,000 trials
        within the evaluation alphabets

Each training is an entry of results/recorded/reptile.json, and is not repeated.
"""

from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import looks
import numpy as np
from entries import Entries, parts_asked_for
from frontier import data_of, prepared, share
from keras import layers

from siamese_utils import datasets, evaluation, sampling

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = Entries(ROOT / "results" / "recorded" / "reptile.json", "benchmarks/reptile")
IMAGES = {"one size": True, "side": 28}  # as the distances of the chapter have them
SIDE = IMAGES["side"]
N_WAY, N_IMAGES = 20, 10  # letters of a task, and drawings of each that it is learned from
N_INNER, BATCH_SIZE = 8, 50  # steps on a task, and images of each
N_TASKS = 4_000
OUTER_RATE = 1.0  # of the way to the weights that a task has led to; falls to 0
INNER_RATES = (0.03, 0.1, 0.3)
TEST_STEPS = (5, 20, 50)  # on the 20 support images
N_VALIDATION, N_TEST = 300, 1_000
SEEDS = (1, 2, 3)


def main():
    for part in parts_asked_for(__doc__, ("choice", "chosen")):
        tried = {rate: tried_out(rate) for rate in INNER_RATES}
        if part == "chosen":
            rate, steps = best_of(tried)
            for seed in SEEDS:
                name = f"chosen: seed {seed}"
                settings = settings_of("background", rate, seed) | {"test steps": steps}
                ENTRIES.entry(name, {"settings": settings}, on_test_alphabets, name, settings)


def settings_of(alphabets, rate, seed):
    return IMAGES | {"alphabets": alphabets, "inner rate": rate, "tasks": N_TASKS, "seed": seed}


def tried_out(rate):
    """The accuracy on validation alphabets after each number of steps."""
    settings = settings_of("25 of background", rate, SEEDS[0])
    name = f"choice: inner rate {rate:g}"
    return ENTRIES.entry(name, {"settings": settings}, on_validation, settings)


def best_of(tried):
    """Inner rate and steps at the test with the highest accuracy on validation alphabets."""
    return max(
        ((rate, steps) for rate in tried for steps in TEST_STEPS),
        key=lambda each: tried[each[0]]["accuracy after"][str(each[1])],
    )


def on_validation(settings):
    train, held_out = data_of(settings["alphabets"])
    network = trained(settings, train)
    trials = first_trials(held_out, N_VALIDATION)
    images = prepared(held_out.images, IMAGES)
    credit = answered(network, images, trials, TEST_STEPS)
    means = {str(steps): float(right.mean()) for steps, right in credit.items()}
    return {"accuracy after": means}


def on_test_alphabets(name, settings):
    train, _ = data_of(settings["alphabets"])
    network = trained(settings, train)
    unseen = datasets.load_omniglot("evaluation")
    trials = first_trials(unseen, N_TEST)
    looks.count("trials within the evaluation alphabets", f"reptile, {name}")
    steps = settings["test steps"]
    credit = answered(network, prepared(unseen.images, IMAGES), trials, (steps,))[steps]
    interval = evaluation.bootstrap_interval(
        credit, unseen.alphabets[trials.queries], np.random.default_rng(0)
    )
    return {"within": share(float(credit.mean()), interval, credit)}


def first_trials(part, n):
    trials = sampling.within_alphabet_trials(part)
    return sampling.Episodes(trials.queries[:n], trials.supports[:n], trials.answers[:n])


def classifier(rate):
    """Four small convolutions and 20 outputs, with plain gradient descent.

    Each image is normalized by itself, so that no answer depends on which other images are asked.
    """
    network = keras.Sequential([keras.Input((SIDE, SIDE, 1))])
    for _ in range(4):
        network.add(layers.Conv2D(64, 3, strides=2, padding="same"))
        network.add(layers.GroupNormalization(1))
        network.add(layers.Activation("relu"))
    network.add(layers.Flatten())
    network.add(layers.Dense(N_WAY))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(rate), loss)
    return network


def trained(settings, train):
    """Weights from which a few steps lead to a classifier of any 20 letters."""
    keras.utils.set_random_seed(settings["seed"])
    network = classifier(settings["inner rate"])
    tasks = sampling.ClassBatches(
        prepared(train.images, IMAGES), train.labels, N_WAY, N_IMAGES,
        settings["tasks"], settings["seed"], groups=train.alphabets,
    )  # fmt: skip
    rng = np.random.default_rng(settings["seed"])
    for task in range(settings["tasks"]):
        images, _ = tasks[task]  # N_IMAGES of one letter after the other
        outputs = rng.permutation(N_WAY)[np.repeat(np.arange(N_WAY), N_IMAGES)]
        start = network.get_weights()
        for _ in range(N_INNER):
            batch = rng.choice(len(images), BATCH_SIZE, replace=False)
            network.train_on_batch(images[batch], outputs[batch])
        rate = OUTER_RATE * (1 - task / settings["tasks"])
        ends = zip(start, network.get_weights(), strict=True)
        network.set_weights([begin + rate * (end - begin) for begin, end in ends])
        if (task + 1) % 500 == 0:
            print(f"task {task + 1}/{settings['tasks']}", flush=True)
    return network


def answered(network, images, trials, steps):
    """For each number of steps, which trials are answered rightly: arrays (n_trials,) of 0 or 1."""
    start = network.get_weights()
    credit = {n: np.zeros(len(trials.queries)) for n in steps}
    letters = np.arange(N_WAY)
    for trial, (query, supports) in enumerate(zip(trials.queries, trials.supports, strict=True)):
        network.set_weights(start)
        for step in range(1, max(steps) + 1):
            network.train_on_batch(images[supports], letters)
            if step in steps:
                scores = network.predict_on_batch(images[query][None])[0]
                credit[step][trial] = scores.argmax() == trials.answers[trial]
    network.set_weights(start)
    return credit


if __name__ == "__main__":
    main()
