"""Past the paper: the recorded trainings behind chapter 08, on two processor cores.

    python benchmarks/frontier.py [PART ...]

ladder   one change after the other, from a small network to the recipe, and what was tried and
         left out; trained on 25 background alphabets, measured on the other five
parts    a part of the recipe put back to the paper's, or to matching and prototypical networks; on
         the same alphabets
long     the recipe with 20,000 steps on all 30 alphabets, measured on the 10,000 trials within the
         evaluation alphabets, on the official runs, and across alphabets
minimal  the recipe, which has 4,000 steps, on the two sets of five alphabets, measured on the
         official runs
across   the recipe on 1,200 characters of all 50 alphabets, measured on trials across alphabets
         among the other 423: what most of the literature on few-shot learning reports
quick    what the chapter trains on its page, measured as the long training is

Each training is done from three seeds; the page of recorded runs shows which of them are there. It
is an entry of results/recorded/frontier.json, written as soon as it is done, and kept as long as
its settings are the same. After every hundred steps its state is saved in _build/frontier, from
where it goes on if it was interrupted. Every measurement on test data is counted in
results/looks.json.
"""

import dataclasses
import hashlib
import itertools
import json
import re
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import looks
import numpy as np
from entries import Entries, parts_asked_for
from keras import layers

from siamese_utils import (
    augment,
    chapters,
    datasets,
    distances,
    evaluation,
    losses,
    models,
    sampling,
    training,
)
from siamese_utils._files import write_whole
from siamese_utils.recognition import Reading
from siamese_utils.recognition.encoder_digest import weights_digest

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = Entries(ROOT / "results" / "recorded" / "frontier.json", "benchmarks/frontier")
STATES = ROOT / "_build" / "frontier"
PRETRAINED = ROOT / "siamese_utils" / "models" / "pretrained"
BATCH = (20, 4)  # letters, and drawings of each
PER_EPOCH = 100  # steps
KEPT = "long: 30 alphabets, seed 1"  # ships with the package; fixed before any was trained
N_FEW_SHOT = 3_000  # trials with one or five support images
SEEDS = (1, 2, 3)

# The first rung: the small network of the chapter on Omniglot, with another loss.
SMALL = {
    "alphabets": "25 of background",
    "one size": False,
    "side": 35,
    "encoder": "conv4",
    "filters": [24, 48, 64, 64],
    "pool size": 2,
    "head": "cosine",
    "loss": "supervised contrastive",
    "one alphabet a batch": False,
    "composed": 0.0,
    "symmetries": False,
    "strength": 1.0,
    "thickness": False,
    "weight decay": 0.0,
    "averaging": None,
    "temperature": 0.1,
    "rate": 0.004,
    "steps": 1_000,
}
LADDER = {
    "a small cosine network, letters of any alphabet": {},
    "letters of one alphabet in a batch": {"one alphabet a batch": True},
    "letters brought to one size": {"one size": True},
    "42 × 42 pixels for 35 × 35": {"side": 42},
    "a residual encoder, at its rate": {
        "encoder": "residual",
        "filters": [24, 48, 48, 96],
        "rate": 0.01,
        "weight decay": 0.0001,
    },
    "softmax against other letters only": {"loss": "in-batch softmax"},
    "temperature 0.05 for 0.1": {"temperature": 0.05},
    "turned and mirrored alphabets": {"symmetries": True},
    "thicker and thinner strokes": {"thickness": True},
    "overlapping windows in the pooling": {"pool size": 3},
    "56 × 56 pixels for 42 × 42": {"side": 56},
    "twice as many maps in the third block": {"filters": [24, 48, 96, 96]},
    "letters composed of two": {"composed": 0.3},
    "four times as many steps": {"steps": 4_000},
}
RECIPE = SMALL | {key: value for change in LADDER.values() for key, value in change.items()}
# One change each of the last rung; what helps a short training need not help a long one.
TRIED_LONG = {"no composed letters, 4,000 steps": {"composed": 0.0}}
# One change each of the rung before the last.
SHORT = RECIPE | {"steps": 1_000}
TRIED = {
    "weaker distortions": {"strength": 0.7},
    "weight decay 0.05": {"weight decay": 0.05},
    "mean of the weights": {"averaging": 0.99},
}
KOCH_HEAD = {"head": "Koch", "loss": "verification", "temperature": None, "rate": 0.004}
PARTS_CHANGED = {
    "Koch's head": KOCH_HEAD,
    "Koch's body": {"encoder": "Koch", "filters": [64, 128, 128, 256], "rate": 0.004},
    "Koch's body and head": {
        "encoder": "Koch",
        "filters": [64, 128, 128, 256],
        **KOCH_HEAD,
    },
    "matching network": {"loss": "matching"},
    "prototypical network": {"loss": "prototypical"},
}
LONG = RECIPE | {"steps": 20_000}
# What the chapter trains on its page, at its quick profile.
QUICK = RECIPE | {
    "alphabets": "background",
    "side": 42,
    "filters": [24, 48, 48, 96],
    "composed": 0.0,
    "steps": 1_600,
}


def ladder():
    settings, rungs = SMALL, {}
    for name, change in LADDER.items():
        settings = settings | change
        rungs[name] = settings
    tried = {name: SHORT | change for name, change in TRIED.items()}
    tried |= {name: RECIPE | change for name, change in TRIED_LONG.items()}
    return rungs | {f"tried: {name}": settings for name, settings in tried.items()}


def parts():
    return {name: SHORT | change for name, change in PARTS_CHANGED.items()}


def long():
    return {"30 alphabets": LONG | {"alphabets": "background"}}


def minimal():
    return {name: RECIPE | {"alphabets": name} for name in ("small1", "small2")}


def across():
    return {"1,200 characters": RECIPE | {"alphabets": "1,200 characters of 50"}}


def quick():
    return {"1,600 steps": QUICK}


PARTS = {
    "ladder": ladder,
    "parts": parts,
    "long": long,
    "minimal": minimal,
    "across": across,
    "quick": quick,
}


def main():
    for part in parts_asked_for(__doc__, PARTS):
        # All of one seed first, so that an interruption leaves whole ladders.
        for seed, (name, settings) in itertools.product(SEEDS, PARTS[part]().items()):
            entry = f"{part}: {name}, seed {seed}"
            settings = settings | {"seed": seed}
            ENTRIES.entry(entry, {"settings": settings}, measured, settings, entry)


def measured(settings, entry):
    """Train as the settings say, and measure on what was not trained on."""
    encoder, head, held_out, found = trained_as(entry, settings)
    found |= accuracies(settings, encoder, head, held_out, entry)
    if entry == KEPT:
        keep(encoder, settings, found)
    return found


def trained_as(entry, settings):
    """What :func:`trained` returns, from the saved state of an entry as far as there is one."""
    # Of other settings nothing can go on.
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    name = re.sub(r"\W+", "_", entry)
    return trained(settings, STATES / f"{name}_{digest}")


def trained(settings, folder):
    """Train as the settings say: the encoder, its head, the images held out, and what it took."""
    keras.utils.set_random_seed(settings["seed"])
    train, held_out = data_of(settings["alphabets"])
    encoder, network, head = build(settings)
    groups = train.alphabets if settings["one alphabet a batch"] else None
    images = prepared(train.images, settings)
    batches = sampling.ClassBatches(
        images, train.labels, *BATCH, PER_EPOCH, settings["seed"], groups=groups
    )
    optimizer = training.adamw(
        settings["rate"],
        settings["steps"],
        weight_decay=settings["weight decay"],
        averaging=settings["averaging"],
    )
    clock = Clock(settings["steps"] // PER_EPOCH)
    history = training.fit_encoder(
        network,
        batches,
        loss_of(settings),
        optimizer,
        settings["steps"],
        distortions=distortions(settings),
        folder=folder,
        callbacks=[clock],
    )
    found = {
        "training seconds": round(sum(history["seconds"]), 1),
        # Where a training had to share its cores, or was stopped for a while, the sum says little.
        "seconds at the median pace": round(
            len(history["seconds"]) * np.median(history["seconds"])
        ),
        "weights": encoder.count_params(),
        "embedding": encoder.output_shape[1],
        "loss": [round(value, 4) for value in history["loss"]],
    }
    return encoder, head, held_out, found


def keep(encoder, settings, found):
    """Put the encoder into the package, with its card; its first layer brings letters to a size."""
    normalisation = models.SizeNormalization(settings["side"])
    whole = keras.Sequential([keras.Input((105, 105, 1)), normalisation, encoder])
    path = PRETRAINED / "omniglot.keras"
    write_whole(path, whole.save)
    card = {
        "for": "drawings",
        "data": "Omniglot (Lake et al. 2015), the 30 background alphabets",
        "track": "original",
        "input": "(batch, 105, 105, 1), ink 1 on paper 0",
        "output": "embeddings of length 1, compared by their product",
        "weights": found["weights"],
        "recipe": settings,
        "metrics": {
            name: {key: found[f"{name}, plain"][key] for key in ("accuracy", "interval")}
            for name in ("official runs", "within")
        },
        "licence": "MIT, as the book's code; Omniglot is under the MIT licence too",
        "load": 'siamese_utils.models.load_pretrained("omniglot")',
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights_digest": weights_digest(whole),
        "reading": Reading((105, 105), 1, polarity="ink").as_dict(),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    # The card goes last: with the card of another file, load_pretrained refuses the encoder.
    write_whole(path.with_suffix(".json"), lambda t: t.write_text(text, encoding="utf-8"))


class Clock(keras.callbacks.Callback):
    """Logs the seconds of each epoch, which the saved state keeps, and says how far it is."""

    def __init__(self, n_epochs):
        super().__init__()
        self.n_epochs = n_epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.perf_counter() - self.start
        left = logs["seconds"] * (self.n_epochs - epoch - 1) / 60
        print(f"epoch {epoch + 1}/{self.n_epochs}  loss {logs['loss']:.4f}  {left:.0f} min left")


def prepared(images, settings):
    """Omniglot's images (n, 105, 105, 1) as the encoder takes them."""
    if not settings["one size"]:
        return datasets.area_resize(images, settings["side"])
    layer = models.SizeNormalization(settings["side"])
    return keras.Sequential([keras.Input((105, 105, 1)), layer]).predict(
        images, batch_size=256, verbose=0
    )


def data_of(alphabets):
    """The images to train on, and those held out of them, or None where the test is elsewhere."""
    if alphabets in ("small1", "small2"):
        return datasets.load_omniglot(alphabets), None
    background = datasets.load_omniglot("background")
    if alphabets == "background":
        return datasets.track("original", background, datasets.load_omniglot("evaluation")), None
    if alphabets == "1,200 characters of 50":
        every = background.join(datasets.load_omniglot("evaluation"))
        test = np.random.default_rng(1).permutation(len(every.character_names))[1_200:]
        return tuple(
            dataclasses.replace(
                every,
                images=every.images[kept],
                labels=every.labels[kept],
                alphabets=every.alphabets[kept],
                drawers=every.drawers[kept],
            )
            for kept in datasets.split_classes(every.labels, test.tolist())
        )
    return datasets.split_alphabets(background, 5, np.random.default_rng(1))


def build(settings):
    """The encoder, the network that is trained, and the head that compares two embeddings."""
    shape = (settings["side"], settings["side"], 1)
    filters = settings["filters"]
    if settings["encoder"] == "residual":
        encoder = models.residual_encoder(shape, filters, settings["pool size"])
    elif settings["encoder"] == "conv4":
        encoder = models.conv4_encoder(shape, filters)
    else:
        encoder = koch_body(shape, filters)
    if settings["head"] == "cosine":
        if settings["encoder"] != "residual":  # whose embeddings have length 1 already
            encoder = keras.Sequential([encoder, layers.UnitNormalization()])
        return encoder, encoder, lambda a, b: 1 - distances.cosine(a, b)
    if settings["encoder"] == "residual":  # before it gives them that length
        encoder = keras.Model(encoder.input, encoder.layers[-1].input)
    encoder = keras.Sequential([encoder, layers.LayerNormalization(), layers.Activation("sigmoid")])
    constant = keras.initializers.Constant
    # As 256 units at -0.5 each: the same in sum for any number of them.
    head = distances.WeightedL1(constant(-128 / encoder.output_shape[1]), constant(4.0))
    return encoder, models.in_batch_network(encoder, head), head


def koch_body(shape, filters):
    """Koch's body for small images: his maps, with filters cut to 5, 3, 3 and 2 pixels."""
    encoder = keras.Sequential([keras.Input(shape)])
    for i, (n, size) in enumerate(zip(filters, (5, 3, 3, 2), strict=True)):
        encoder.add(layers.Conv2D(n, size, activation="relu", kernel_initializer="he_normal"))
        if i < 3:
            encoder.add(layers.MaxPooling2D())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(512))
    return encoder


def loss_of(settings):
    if settings["loss"] == "verification":
        return losses.InBatchVerificationLoss(hardness=1.0)
    temperature = settings["temperature"]
    return {
        "in-batch softmax": losses.InBatchSoftmaxLoss(temperature),
        "supervised contrastive": losses.SupervisedContrastiveLoss(temperature),
        "matching": losses.EpisodicLoss("matching", 2, temperature),
        # squared distances are twice as far apart as similarities
        "prototypical": losses.EpisodicLoss("prototypical", 2, 2 * temperature),
    }[settings["loss"]]


def distortions(settings):
    """Layers in front of the network, in training only."""
    seed, chosen = settings["seed"], []
    if settings["composed"]:
        chosen.append(augment.RandomComposition(seed, BATCH[1], settings["composed"]))
    if settings["symmetries"]:
        chosen.append(augment.RandomSymmetry(seed))
    chosen.append(augment.RandomAffine(seed, settings["strength"]))
    if settings["thickness"]:
        chosen.append(augment.RandomThickness(seed, thin=True))
    return chosen


def accuracies(settings, encoder, head, held_out, entry):
    """What belongs to the alphabets that were trained on: each accuracy by its name."""
    alphabets = settings["alphabets"]
    if alphabets == "1,200 characters of 50":
        looks.count("423 characters across alphabets", entry)
        turned = [np.rot90(held_out.images, turns, (1, 2)) for turns in range(4)]
        return few_shot(encoder, prepared(np.concatenate(turned), settings))
    ways = {"plain": models.embed}
    if settings["head"] == "cosine":  # shifts are averaged on the sphere
        ways["nine shifts"] = models.embed_shifted
    found = {}
    if held_out:
        for name, embed in ways.items():
            found[f"validation, {name}"] = within(settings, encoder, head, embed, held_out)
        return found
    looks.count("official runs", entry)
    for name, embed in ways.items():
        found[f"official runs, {name}"] = on_runs(settings, encoder, head, embed)
    if alphabets == "background":
        unseen = datasets.load_omniglot("evaluation")
        looks.count("trials within the evaluation alphabets", entry)
        for name, embed in ways.items():
            found[f"within, {name}"] = within(settings, encoder, head, embed, unseen)
        looks.count("evaluation characters across alphabets", entry)
        found |= few_shot(encoder, prepared(unseen.images, settings))
    return found


def within(settings, encoder, head, embed, part):
    """20-way one-shot accuracy on the 10,000 fixed trials within the part's alphabets."""
    trials = sampling.within_alphabet_trials(part)
    embeddings = embed(encoder, prepared(part.images, settings))
    scores = evaluation.episode_scores(head, embeddings, trials)
    answered = evaluation.identify(-scores, trials.answers)
    # Trials of one alphabet vary together; five alphabets are too few to draw from, so there it is
    # the letters.
    groups = part.alphabets if len(part.alphabet_names) > 5 else part.labels
    interval = evaluation.bootstrap_interval(
        answered.credit, groups[trials.queries], np.random.default_rng(0)
    )
    return share(answered.accuracy, interval, answered.credit)


def on_runs(settings, encoder, head, embed):
    """Accuracy on the official runs, with an interval over their ten alphabets."""
    runs = datasets.load_official_runs()
    queries, supports = (
        embed(encoder, prepared(x.reshape(-1, 105, 105, 1), settings)).reshape(20, 20, -1)
        for x in (runs.test_images, runs.support_images)
    )
    answered = evaluation.official_runs(-evaluation.run_scores(head, queries, supports), runs)
    interval = evaluation.bootstrap_interval(
        answered.credit.ravel(), np.repeat(runs.alphabets, 20), np.random.default_rng(0)
    )
    return share(answered.accuracy, interval, answered.credit)


def share(accuracy, interval, credit):
    """An accuracy with its interval, and which trials were right."""
    right = chapters.pack_answers(credit)
    return {"accuracy": accuracy, "interval": list(interval), "right": right}


def few_shot(encoder, images):
    """20-way accuracy across alphabets with one and with five support images.

    The images are 20 of each character, by one drawer after the other. The query is by one drawer
    and the supports of all 20 characters are by others; their mean answers.
    """
    embeddings = models.embed(encoder, images)
    by_character = embeddings.reshape(len(images) // 20, 20, -1)  # character, drawer
    found = {}
    for n_shot in (1, 5):
        rng = np.random.default_rng(1)
        answers, distance = rng.integers(20, size=N_FEW_SHOT), np.empty((N_FEW_SHOT, 20))
        for trial, answer in enumerate(answers):
            chosen = rng.choice(len(by_character), 20, replace=False)
            by_query, *others = rng.choice(20, n_shot + 1, replace=False)
            means = by_character[chosen][:, others].mean(axis=1)  # (20, dim)
            distance[trial] = np.linalg.norm(means - by_character[chosen[answer], by_query], axis=1)
        answered = evaluation.identify(distance, answers)
        found[f"across, {n_shot}-shot"] = share(
            answered.accuracy, answered.interval, answered.credit
        )
    return found


if __name__ == "__main__":
    main()
