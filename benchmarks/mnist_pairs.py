"""What chapter 03 claims of MNIST, from three seeds: the recorded runs behind it.

    python benchmarks/mnist_pairs.py [PART ...]

source   the source's dense network for its 20 epochs of listed pairs
choice   values of the ConvNet, compared on validation images
folds    digits left out of the training, and the digits that the same network has seen: the
         ConvNet with all pairs of its batches, and with a softmax over the digits
classes  one digit that was never seen, against the number of digits that were, with as many images

Each training is an entry of results/recorded/mnist_pairs.json, and is not repeated.
"""

from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np
from entries import Entries, parts_asked_for, plain

from siamese_utils import datasets, evaluation, losses, models, sampling, training

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = Entries(ROOT / "results" / "recorded" / "mnist_pairs.json", "benchmarks/mnist_pairs")
SEEDS = (1, 2, 3)
N_VALIDATION = 5_000
N_PAIRS = 10_000  # balanced, of each set that is measured
EPOCHS = 4
CHOICES = [
    {"hidden": hidden, "dim": dim, "rate": rate}
    for hidden in (64, 128)
    for dim in (16, 64)
    for rate in (1e-3, 2e-3, 4e-3)
]
CHOSEN = {"hidden": 128, "dim": 64, "rate": 2e-3}
N_IMAGES = 10_000  # to train on, whatever the number of digits


def main():
    asked = parts_asked_for(__doc__, PARTS)
    (images, labels), test = datasets.load_mnist()
    sets = [(images[:-N_VALIDATION], labels[:-N_VALIDATION])]
    sets += [(images[-N_VALIDATION:], labels[-N_VALIDATION:]), test]
    for part in asked:
        PARTS[part](*sets)


def source(train, validation, test):
    for seed in SEEDS:
        ENTRIES.entry(
            f"source: seed {seed}", {"epochs": 20}, of_source, train, validation, test, seed
        )


def of_source(train, validation, test, seed):
    """The source's network, by its own measure and with a threshold that was chosen."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = models.mlp_encoder((28, 28, 1))
    network = models.siamese_network(encoder)
    network.compile(
        "rmsprop",
        losses.ContrastiveLoss(1.0),
        metrics=[training.PairAccuracy(0.5)],
    )
    pairs = {
        "training": (train[0], *sampling.consecutive_pairs(train[1], rng)),
        "validation": (validation[0], *sampling.balanced_pairs(validation[1], N_PAIRS, rng)),
        "test": (test[0], *sampling.consecutive_pairs(test[1], rng)),
    }
    images, listed, same = pairs["validation"]
    history = network.fit(
        sampling.PairDataset(*pairs["training"], 128, seed),
        epochs=20,
        validation_data=([images[listed[:, side]] for side in (0, 1)], same),
        verbose=0,
    ).history
    found = {name: distances_of(encoder, *of) for name, of in pairs.items()}
    threshold = evaluation.best_threshold(*found["validation"])
    return {
        "curve": {name: [round(float(x), 5) for x in each] for name, each in history.items()},
        "at_half": {name: evaluation.verification_accuracy(*of, 0.5) for name, of in found.items()},
        "threshold": threshold,
        "at_threshold": {
            name: evaluation.verification_accuracy(*of, threshold) for name, of in found.items()
        },
        "equal_error_rate": evaluation.roc(*found["test"]).equal_error_rate,
    }


def choice(train, validation, test):
    for values in CHOICES:
        for seed in SEEDS[:2]:
            ENTRIES.entry(
                f"choice: {plain(values)}, seed {seed}",
                {"values": values, "epochs": EPOCHS},
                on_validation,
                train,
                validation,
                values,
                seed,
            )


def on_validation(train, validation, values, seed):
    encoder = trained(*train, seed, values)
    pairs = sampling.balanced_pairs(validation[1], N_PAIRS, np.random.default_rng(0))
    return {"equal_error_rate": equal_error_rate(encoder, validation[0], *pairs)}


def folds(train, validation, test):
    groups = [[], *chapter_groups(train[1])]  # at first, no digit is left out
    for held_out in groups:
        for loss in ("all pairs", "softmax"):
            for seed in SEEDS:
                name = "none" if not held_out else " ".join(map(str, held_out))
                ENTRIES.entry(
                    f"folds: {loss}, never seen: {name}, seed {seed}",
                    {"held_out": held_out, "values": CHOSEN, "epochs": EPOCHS},
                    seen_and_unseen,
                    train,
                    validation,
                    test,
                    held_out,
                    loss,
                    seed,
                )


def chapter_groups(labels):
    """The three groups of digits that the chapter leaves out."""
    partition = datasets.class_folds(labels, 3, np.random.default_rng(1))
    return [np.unique(labels[held_out]).tolist() for _, held_out in partition]


def seen_and_unseen(train, validation, test, held_out, loss, seed):
    """Verification of both kinds of digits by one network, threshold from the seen ones."""
    inside = ~np.isin(train[1], held_out)
    encoder = trained(train[0][inside], train[1][inside], seed, CHOSEN, loss)
    chosen_on = distances_of(encoder, *pairs_of(validation, held_out, inside=False))
    found = {"seen": distances_of(encoder, *pairs_of(test, held_out, inside=False))}
    if held_out:
        found["never seen"] = distances_of(encoder, *pairs_of(test, held_out, inside=True))
    measured = {
        kind: {
            "accuracy": verified.accuracy,
            "false_accept": verified.false_accept,
            "equal_error_rate": verified.roc.equal_error_rate,
        }
        for kind, verified in (
            (kind, evaluation.verify(*chosen_on, *of)) for kind, of in found.items()
        )
    }
    stored, queries = (models.embed(encoder, images) for images in (train[0][:5_000], test[0]))
    nearest = evaluation.nearest_neighbor_accuracy(stored, train[1][:5_000], queries, test[1])
    return measured | {"nearest_neighbor": nearest}


def pairs_of(data, digits, inside):
    """Images of some digits, or of all others, and balanced pairs of them."""
    images, labels = data
    some = np.flatnonzero(np.isin(labels, digits) == inside)
    rng = np.random.default_rng([0, *digits])
    return images[some], *sampling.balanced_pairs(labels[some], N_PAIRS, rng)


def classes(train, validation, test):
    for target in range(10):
        others = np.random.default_rng([1, target]).permutation(np.delete(np.arange(10), target))
        for n in range(2, 10):
            seen = sorted(int(digit) for digit in others[:n])
            ENTRIES.entry(
                f"classes: {target} never seen, {n} seen",
                {"seen": seen, "images": N_IMAGES, "values": CHOSEN, "epochs": EPOCHS},
                of_target,
                train,
                test,
                target,
                seen,
            )


def of_target(train, test, target, seen):
    """Equal error rate of one unseen digit, against all others, and against unseen ones."""
    rng = np.random.default_rng([1, target, len(seen)])
    some = rng.permutation(np.flatnonzero(np.isin(train[1], seen)))[:N_IMAGES]
    encoder = trained(train[0][some], train[1][some], seed=target, values=CHOSEN)
    images, labels = test
    encoders = {"": encoder, " of pixels": None}
    rates = {}
    for against in ("all", "never seen"):
        wanted = np.delete(np.arange(10), target)
        if against == "never seen":
            wanted = np.setdiff1d(wanted, seen)
        if not len(wanted):
            continue
        draw = np.random.default_rng([2, target])  # the same pairs for each number of digits
        mine = draw.permutation(np.flatnonzero(labels == target))[:800]
        other = draw.permutation(np.flatnonzero(np.isin(labels, wanted)))[:800]
        same = np.ones(400, int), np.zeros(400, int)
        left = np.r_[mine[:400], mine[:400]]
        right = np.r_[mine[400:800], other[:400]]
        pairs, same = np.stack([left, right], axis=1), np.concatenate(same)
        for name, each in encoders.items():
            rate = equal_error_rate(each, images, pairs, same)
            rates[f"equal_error_rate against {against}{name}"] = rate
    return rates


def trained(images, labels, seed, values, loss="all pairs"):
    """The chapter's ConvNet: its loss over all pairs of a batch, or a softmax over classes.

    The features of a classifier are compared by their direction. Their length says how sure it
    is, and differs from image to image.
    """
    keras.utils.set_random_seed(seed)
    encoder = models.conv_encoder((28, 28, 1), (8, 24), values["hidden"], values["dim"])
    network, to_fit = encoder, losses.InBatchContrastiveLoss(1.0)
    names, numbers = np.unique(labels, return_inverse=True)
    if loss == "softmax":
        network = keras.Sequential([encoder, keras.layers.Dense(len(names))])
        to_fit = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    n_steps = EPOCHS * -(-len(images) // 128)
    rate = keras.optimizers.schedules.CosineDecay(values["rate"], n_steps)
    network.compile(keras.optimizers.Adam(rate), to_fit)
    network.fit(images, numbers, batch_size=128, epochs=EPOCHS, verbose=0)
    if loss == "softmax":
        return keras.Sequential([encoder, keras.layers.UnitNormalization()])
    return encoder


def distances_of(encoder, images, pairs, same):
    """Distances of pairs, and their labels; without an encoder those of pixels."""
    z = images.reshape(len(images), -1) if encoder is None else models.embed(encoder, images)
    return np.linalg.norm(z[pairs[:, 0]] - z[pairs[:, 1]], axis=1), same


def equal_error_rate(encoder, images, pairs, same):
    return evaluation.roc(*distances_of(encoder, images, pairs, same)).equal_error_rate


PARTS = {"source": source, "choice": choice, "folds": folds, "classes": classes}

if __name__ == "__main__":
    main()
