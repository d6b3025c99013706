"""The paper's own network, trained: the recorded runs behind chapters 01 and 05.

    python benchmarks/paper_network.py [PART ...]

recorded  the best recipe on all 30 background alphabets, three seeds; then the official runs,
          verification and MNIST are looked at, once each
ladder    one change after the other, from the recipe of the public implementations to the one
          above; trained on 25 background alphabets, measured on the other five
tried     one change each of the last rung, on the same alphabets, from which the recipe was chosen

Each training is an entry of results/recorded/paper_network.json, written as soon as it is done.
An entry is kept as long as its recipe is the same. A training that was interrupted goes on from
its last checkpoint, in _build/paper_network: the same command again ends with the same weights.
It computes in bfloat16 where the machine has units for it, and runs as it is on a GPU.
"""

import argparse
import dataclasses
import json
import os
import re
import shutil
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import (
    augment,
    chapters,
    datasets,
    evaluation,
    losses,
    models,
    sampling,
    training,
)
from siamese_utils._files import write_whole

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "results" / "recorded" / "paper_network.json"
CHECKPOINTS = Path(os.environ.get("SIAMESE_CHECKPOINTS", ROOT / "_build" / "paper_network"))
BATCH = (20, 4)  # letters, and drawings of each
PER_STEP = 80  # images, also of listed pairs
PER_EPOCH = 125  # steps; a checkpoint and a point of the curve after each
LAYERS = ("conv1", "conv2", "conv3", "conv4", "dense", "head")

# What the public implementations do: weights N(0, 0.01), biases N(0.5, 0.01), listed pairs of
# any two letters, cross-entropy, Adam at 6e-5.
SOURCES = {
    "alphabets": "25 of background",
    "start": "sources",
    "pairs": "listed",
    "one alphabet a batch": False,
    "hardness": 0.0,
    "affine": 0.0,
    "thickness": 0,
    "symmetries": False,
    "optimizer": "Adam",
    "rate": 6e-5,
    "averaging": None,
    "images": 60_000,
    "seed": 1,
}
LADDER = {
    "the sources' recipe": {},
    "a start fitted to the images": {"start": "data"},
    "all pairs of a batch": {"pairs": "batch"},
    "letters of one alphabet in a batch": {"one alphabet a batch": True},
    "hard pairs weighted": {"hardness": 1.0},
    "the paper's distortions": {"affine": 1.0},
    "a higher rate that rises and falls": {"optimizer": "AdamW", "rate": 3e-4},
}
# All rungs but the first, whose step is beyond doubt, are trained again from a second seed.
TWICE = (
    "a start fitted to the images",
    "all pairs of a batch",
    "letters of one alphabet in a batch",
    "hard pairs weighted",
    "the paper's distortions",
    "a higher rate that rises and falls",
)
OURS = SOURCES | {key: value for change in LADDER.values() for key, value in change.items()}
TRIED = {
    "half the rate": {"rate": 1.5e-4},
    "hardness 2": {"hardness": 2.0},
    "thicker strokes": {"thickness": 2},
    "turned and mirrored alphabets": {"symmetries": True},
    "mean of the weights": {"averaging": 0.99},
    "the paper's optimizer": {"optimizer": "layer-wise momentum", "rate": 1.0, "searched": 12},
    "the paper's start": {"start": "paper"},
    "Keras' start": {"start": "Keras"},
}
RECORDED = {"alphabets": "background", "images": 240_000, "symmetries": True}
# Layers that share the values which the paper's optimizer is given, as its search finds them.
GROUPS = {"convolutions": LAYERS[:4], "dense": ["dense"], "head": ["head"]}


def ladder():
    recipe, rungs = SOURCES, {}
    for name, change in LADDER.items():
        recipe = recipe | change
        rungs[name] = recipe
    return rungs | {f"{name}, seed 2": rungs[name] | {"seed": 2} for name in TWICE}


def tried():
    return {name: OURS | change for name, change in TRIED.items()}


def recorded():
    return {f"seed {seed}": OURS | RECORDED | {"seed": seed} for seed in (1, 2, 3)}


PARTS = {"recorded": recorded, "ladder": ladder, "tried": tried}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help=f"some of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--only", help="only this entry of the part")
    asked = parser.parse_args()
    unknown = sorted(set(asked.part) - set(PARTS))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    entries = {
        f"{part}: {name}": recipe
        for part in asked.part or PARTS
        for name, recipe in PARTS[part]().items()
        if asked.only in (None, name)
    }
    if not entries:
        parser.error(f"no entry {asked.only!r} there")
    for name, recipe in entries.items():
        run(name, recipe)


def run(name, recipe):
    """Train and measure, unless the entry is there, and add it to the record."""
    if read()["metrics"].get(name, {}).get("recipe") == recipe:
        print(f"{name}: recorded already", flush=True)
        return
    provenance = chapters.provenance()  # of now: the files may be changed while it trains
    folder = CHECKPOINTS / re.sub(r"\W+", "_", name)
    entry = {"recipe": recipe, **measured(recipe, folder), "provenance": provenance}
    entries = read()["metrics"] | {name: entry}  # another process may have added to it by now
    every = [f"{part}: {each}" for part, make in PARTS.items() for each in make()]
    entries = {key: entries[key] for key in every if key in entries}
    seconds = sum(entry["seconds"] for entry in entries.values())
    chapters.write_record(RECORD, "benchmarks/paper_network", "recorded", {}, entries, seconds)
    if recipe["alphabets"] != "background":
        shutil.rmtree(folder)  # the weights of the recorded runs stay
    print(f"{name}: {json.dumps(entry)}", flush=True)


def read():
    """The record, empty before the first training."""
    return chapters.read_record(RECORD) if RECORD.exists() else {"metrics": {}}


def measured(recipe, folder):
    """Train by a recipe, and measure on what it was not trained on."""
    train, validation = data_of(recipe["alphabets"])
    search = values = None
    if "searched" in recipe:
        search = search_values(recipe, train, validation, folder)
        values = search.best
    network, encoder, head, precision = build(recipe, train, values)
    history = trained(recipe, network, encoder, head, train, validation, folder, values)
    n_epochs = len(history["loss"])
    images = [PER_STEP * PER_EPOCH * (epoch + 1) for epoch in range(n_epochs)]
    per_step = PER_STEP // 2 if recipe["pairs"] == "listed" else PER_STEP * (PER_STEP - 1) // 2
    curve = {name: [round(value, 4) for value in values] for name, values in history.items()}
    validated = on_validation(encoder, head, validation)
    right = np.packbits(validated.credit == 1)  # which trials, for paired tests
    found = {
        "weights": encoder.count_params() + head.count_params(),
        "seconds": round(sum(history["seconds"]), 1),
        "images": images[-1],
        "pairs": per_step * PER_EPOCH * n_epochs,
        "precision": precision,
        "curve": {"images": images, **curve},
        "validation": share(validated) | {"right": right.tobytes().hex()},
    }
    if search:
        accuracies = [round(float(each), 4) for each in search.accuracies]
        found["search"] = {"accuracies": accuracies, "best": dataclasses.asdict(values)}
    if recipe["alphabets"] == "background":
        found |= looked_at_once(encoder, head, recipe["seed"])
    return found


def data_of(alphabets):
    """The images to learn from, and those that watch the training."""
    background = datasets.load_omniglot("background")
    if alphabets == "25 of background":
        return datasets.split_alphabets(background, 5, np.random.default_rng(1))
    # All 30: the evaluation alphabets that are in no official run watch.
    evaluation_set = datasets.load_omniglot("evaluation")
    others = datasets.koch_split(background, evaluation_set)["validation"].alphabet_names
    return background, evaluation_set.select(others)


def search_values(recipe, train, validation, folder):
    """Rates, momenta and L2 for groups of layers, by 20-way accuracy after one epoch each."""

    def accuracy(values):
        network, encoder, head, _ = build(recipe, train, values)
        short = recipe | {"images": PER_STEP * PER_EPOCH}
        history = trained(short, network, encoder, head, train, validation, None, values)
        return history["one_shot"][-1]

    folder.mkdir(parents=True, exist_ok=True)
    return training.layerwise_search(
        accuracy, GROUPS, recipe["searched"], recipe["seed"], folder / "search.log", n_random=6
    )


def build(recipe, train, values=None):
    """The network that is trained, its encoder and head, and the precision they compute in."""
    seed = recipe["seed"]
    keras.utils.set_random_seed(seed)
    with training.mixed_precision(training.has_fast_bfloat16()) as precision:
        l2 = values.l2 if values else {}
        of_encoder = {layer: l2[layer] for layer in LAYERS[:-1] if layer in l2}
        encoder = models.koch_encoder(paper_init=recipe["start"] == "paper", l2=of_encoder)
        network = models.koch_network(encoder, recipe["start"] == "paper", l2.get("head"))
    head = network.get_layer("head")
    if recipe["start"] == "sources":
        rng = np.random.default_rng(seed)
        for variable in network.trainable_variables:
            mean = 0.5 if variable.name == "bias" else 0.0
            variable.assign(rng.normal(mean, 0.01, variable.shape))
    elif recipe["start"] == "data":
        chosen = np.random.default_rng(seed).choice(len(train), 300, replace=False)
        models.start_from_data(encoder, head, train.images[chosen], seed)
    return network, encoder, head, precision


def trained(recipe, network, encoder, head, train, validation, folder, values=None):
    """Train by a recipe; the history of losses, seconds and accuracies."""
    seed, n_steps = recipe["seed"], recipe["images"] // PER_STEP
    if recipe["pairs"] == "listed":
        drawn = sampling.alphabet_pairs(
            train.labels, np.zeros(len(train), int), PER_STEP // 2 * n_steps,
            np.random.default_rng(seed), drawers=train.drawers,
        )  # fmt: skip
        batches, loss = ListedPairs(train.images, *drawn), "binary_crossentropy"
    else:
        groups = train.alphabets if recipe["one alphabet a batch"] else None
        batches = sampling.ClassBatches(
            train.images, train.labels, *BATCH, PER_EPOCH, seed, groups=groups
        )
        network = models.in_batch_network(encoder, head)
        loss = losses.InBatchVerificationLoss(recipe["hardness"])
    watch = Watch(encoder, head, validation, n_steps // PER_EPOCH)
    return training.fit_encoder(
        network,
        batches,
        loss,
        optimizer_of(recipe, n_steps, values),
        n_steps,
        distortions=distortions(recipe),
        folder=folder,
        callbacks=[watch],
    )


class ListedPairs(keras.utils.PyDataset):
    """A long list of pairs, taken once from its start to its end."""

    def __init__(self, images, pairs, same):
        super().__init__()
        self.images, self.pairs, self.same, self.epoch = images, pairs, same, 0

    def __len__(self):
        return PER_EPOCH

    def __getitem__(self, index):
        first = (self.epoch * PER_EPOCH + index) * PER_STEP // 2
        chosen = slice(first, first + PER_STEP // 2)
        left, right = (self.images[self.pairs[chosen, side]] for side in (0, 1))
        return (left.astype("float32"), right.astype("float32")), self.same[chosen]

    def on_epoch_end(self):
        self.epoch += 1


def optimizer_of(recipe, n_steps, values):
    rate = recipe["rate"]
    if recipe["optimizer"] == "AdamW":
        return training.adamw(rate, n_steps, averaging=recipe["averaging"])
    if recipe["optimizer"] == "Adam":
        return keras.optimizers.Adam(rate)
    # An epoch of the paper's rule is as long as 2,000 images here, so that the momenta have risen
    # after 10,000. Clipping is ours: at the upper end of the paper's range of rates it diverges.
    return training.LayerwiseSGD(
        values.rates, values.momenta, 25, rise_epochs=5, learning_rate=rate, global_clipnorm=1.0
    )


def distortions(recipe):
    """Layers in front of the network, in training only."""
    seed, chosen = recipe["seed"], []
    if recipe["symmetries"]:
        chosen.append(augment.RandomSymmetry(seed))
    if recipe["affine"]:
        chosen.append(augment.RandomAffine(seed, recipe["affine"]))
    # One of them thickens a stroke by up to two pixels.
    return chosen + [augment.RandomThickness(seed + i) for i in range(recipe["thickness"])]


class Watch(keras.callbacks.Callback):
    """After each epoch: 20-way accuracy and verification on validation alphabets, and a line.

    Measured as the official runs are, by 20 runs of 20 letters of one alphabet by two drawers.
    """

    def __init__(self, encoder, head, validation, n_epochs):
        super().__init__()
        self.encoder, self.head, self.n_epochs = encoder, head, n_epochs
        rng = np.random.default_rng(1)
        n_alphabets = len(validation.alphabet_names)
        chosen = []  # (20, 20, 2) of indices: run, letter, drawer
        for run in range(20):
            of_alphabet = validation.alphabets == run % n_alphabets
            letters = rng.choice(np.unique(validation.labels[of_alphabet]), 20, replace=False)
            of_run = of_alphabet & np.isin(validation.labels, letters)
            one, other = rng.choice(np.unique(validation.drawers[of_run]), 2, replace=False)
            chosen.append(
                [
                    [
                        np.flatnonzero(
                            (validation.labels == letter) & (validation.drawers == drawer)
                        )[0]
                        for drawer in (one, other)
                    ]
                    for letter in letters
                ]
            )
        self.images = validation.images[np.ravel(chosen)]
        # Other alphabets for the different pairs of any two letters: the next run's supports.
        self.next_run = np.roll(np.arange(20), 1)

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.began
        if not np.isfinite(logs["loss"]):  # diverged: its embeddings are no numbers
            logs |= {"one_shot": 1 / 20, "eer_one_alphabet": 0.5, "eer_any_two": 0.5}
            self.model.stop_training = True
            return
        embeddings = models.embed(self.encoder, self.images, batch_size=100)
        queries, supports = np.moveaxis(embeddings.reshape(20, 20, 2, -1), 2, 0)
        scores = evaluation.run_scores(self.head, queries, supports)
        answers = np.tile(np.arange(20), 20)
        found = evaluation.identify(-scores.reshape(400, 20), answers)
        logs["one_shot"] = found.accuracy
        alike = np.eye(20, dtype=bool)
        same, one_alphabet = scores[:, alike], scores[:, ~alike]
        any_two = evaluation.run_scores(self.head, queries, supports[self.next_run])
        for name, different in (("one_alphabet", one_alphabet), ("any_two", any_two)):
            apart = -np.concatenate([same.ravel(), different.ravel()])
            kind = np.repeat([1, 0], [same.size, different.size])
            logs[f"eer_{name}"] = evaluation.roc(apart, kind).equal_error_rate
        left = (self.n_epochs - epoch - 1) * (time.perf_counter() - self.began)
        print(
            f"{time.strftime('%H:%M:%S')} {PER_STEP * PER_EPOCH * (epoch + 1):,} images, "
            f"{logs['seconds']:.0f} s, loss {logs['loss']:.4f}, 20-way {found.accuracy:.1%}, "
            f"EER {logs['eer_any_two']:.1%} and {logs['eer_one_alphabet']:.1%}, "
            f"{left / 60:.0f} min left",
            flush=True,
        )


def on_validation(encoder, head, validation):
    """3,000 trials by all drawers, each within one of the validation alphabets."""
    trials = random_trials(validation, 3_000, within=True)
    embeddings = models.embed(encoder, validation.images)
    scores = evaluation.episode_scores(head, embeddings, trials)
    return evaluation.identify(-scores, trials.answers)


def looked_at_once(encoder, head, seed):
    """All test figures of a recorded run; the scores go to a file beside the record."""
    runs = datasets.load_official_runs()
    split = datasets.koch_split(
        datasets.load_omniglot("background"), datasets.load_omniglot("evaluation")
    )
    unseen = datasets.load_omniglot("evaluation")
    found, scores = {}, {}

    queries, supports = (
        models.embed(encoder, images.reshape(-1, 105, 105, 1), batch_size=100).reshape(20, 20, -1)
        for images in (runs.test_images, runs.support_images)
    )
    scores["official runs"] = evaluation.run_scores(head, queries, supports)
    found["official_runs"] = share(evaluation.official_runs(-scores["official runs"], runs))

    # Table 1 of the paper in its two readings, each with a threshold of its own from the
    # validation alphabets and drawers: different pairs of one alphabet, or of any two letters.
    embedded = {part: models.embed(encoder, split[part].images) for part in ("validation", "test")}
    found["verification"] = {}
    for reading in ("one_alphabet", "any_two"):
        distances, same = {}, {}
        for part, embeddings in embedded.items():
            pairs, same[part] = table_1_pairs(split[part], reading)
            scores[f"{part} pairs, {reading}"] = evaluation.pair_scores(head, embeddings, pairs)
            distances[part] = -scores[f"{part} pairs, {reading}"]
        verified = evaluation.verify(
            distances["validation"], same["validation"], distances["test"], same["test"]
        )
        found["verification"][reading] = share(verified) | {"threshold": verified.threshold}

    embeddings = models.embed(encoder, unseen.images)
    for kind, n_trials in (("within", 4_000), ("across", 1_000)):
        trials = random_trials(unseen, n_trials, kind == "within")
        scores[f"trials {kind}"] = evaluation.episode_scores(head, embeddings, trials)
        answered = evaluation.identify(-scores[f"trials {kind}"], trials.answers)
        found[f"trials_{kind}"] = share(answered)

    of_training, of_test = datasets.load_mnist()
    as_they_are = on_digits(encoder, head, of_test, 400, (0, 0))
    found["mnist_as_they_are"] = share(as_they_are[1])
    # How large a digit is drawn, and how much its strokes are thinned, to come near to Omniglot's
    # letters, is chosen on training digits.
    fits = [(margin, thin) for margin in (0, 4, 8) for thin in (0, 1, 2)]
    accuracies = [on_digits(encoder, head, of_training, 200, fit)[1].accuracy for fit in fits]
    chosen = fits[int(np.argmax(accuracies))]
    fitted = on_digits(encoder, head, of_test, 400, chosen)
    found["mnist_fitted"] = share(fitted[1]) | {"margin": chosen[0], "thin": chosen[1]}
    scores["MNIST, as they are"], scores["MNIST, fitted"] = as_they_are[0], fitted[0]

    path = RECORD.with_name(f"paper_network_seed_{seed}.npz")
    write_whole(path, lambda temporary: np.savez_compressed(temporary, **scores))
    return found


def table_1_pairs(part, reading):
    """2,000 pairs, half of them same; the two images of each by different drawers."""
    groups = part.alphabets if reading == "one_alphabet" else np.zeros(len(part), int)
    rng = np.random.default_rng(1)
    return sampling.alphabet_pairs(part.labels, groups, 2_000, rng, drawers=part.drawers)


def random_trials(part, n_trials, within):
    """20-way one-shot trials by all drawers, within an alphabet or across all of them."""
    alphabets = part.alphabets if within else None
    rng = np.random.default_rng(1)
    return sampling.draw_episodes(
        part.labels, 20, n_trials, rng, drawers=part.drawers, alphabets=alphabets
    )


def on_digits(encoder, head, part, n_trials, fit):
    """10-way one-shot trials of MNIST's digits: the logits, and how many are right."""
    digits, labels = part
    trials = sampling.draw_episodes(labels, 10, n_trials, np.random.default_rng(1))
    used, place = np.unique(
        np.concatenate([trials.queries[:, None], trials.supports], axis=1), return_inverse=True
    )
    place = place.reshape(n_trials, 11)
    trials = sampling.Episodes(place[:, 0], place[:, 1:], trials.answers)
    embeddings = models.embed(encoder, enlarged(digits[used], *fit), batch_size=100)
    scores = evaluation.episode_scores(head, embeddings, trials)
    return scores, evaluation.identify(-scores, trials.answers)


def enlarged(digits, margin, thin):
    """Digits (n, 28, 28, 1) at 105 x 105 pixels.

    ``margin`` pixels of paper are put around the 28 x 28 before, and ``2 * thin`` pixels taken off
    each stroke afterwards.
    """
    digits = np.pad(digits, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    images = keras.ops.image.resize(digits, (105, 105), interpolation="bicubic")
    images = keras.ops.clip(images, 0.0, 1.0)
    for _ in range(thin):
        images = -keras.ops.max_pool(-images, 3, strides=1, padding="same")
    return keras.ops.convert_to_numpy(images)


def share(found):
    return {"accuracy": found.accuracy, "interval": list(found.interval)}


if __name__ == "__main__":
    main()
