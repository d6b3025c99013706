"""Losses on equal terms: the recorded comparison behind chapter 06.

    python benchmarks/compared_losses.py [PART ...]

letters  Omniglot: trained on 25 background alphabets, chosen on the other five, measured on the
         20 evaluation alphabets

Each loss trains the same encoder on as many steps of as many images, with the same distortions.
Its learning rate and one number of its own are chosen on the validation alphabets by MAP@R, all
losses in the same way, as Musgrave et al. (2020) demand: three rates with the middle one of
three values, and the other two values at the best rate. The choice is trained from two further
seeds, and all three are measured on the evaluation alphabets once. Each training is written to
results/recorded/compared_losses.json as soon as it is done, and is not repeated.
"""

from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np
from entries import Entries, parts_asked_for, plain
from keras import layers

from siamese_utils import (
    augment,
    datasets,
    distances,
    evaluation,
    losses,
    models,
    sampling,
    training,
)

ROOT = Path(__file__).resolve().parents[1]
ENTRIES = Entries(
    ROOT / "results" / "recorded" / "compared_losses.json", "benchmarks/compared_losses"
)
SIDE = 28  # pixels
BATCH = (20, 4)  # letters, and drawings of each
N_STEPS = 3_000
SEEDS = (1, 2, 3)  # the first of them tries the values
RATES = (1e-3, 3e-3, 1e-2)
N_TRIALS = 2_000  # of 20 letters of one alphabet
# What each loss may choose from: the name of its own number, and three values; the rates are
# tried with the middle one.
OWN = {
    "softmax classifier": ("dropout", (0.0, 0.25, 0.5)),
    "ArcFace (proxies)": ("margin", (0.0, 0.2, 0.5)),
    "contrastive, all pairs": ("margin", (0.5, 0.8, 1.1)),
    "contrastive, hardest negatives": ("margin", (0.5, 0.8, 1.1)),
    "triplet, semi-hard": ("margin", (0.1, 0.2, 0.5)),
    "triplet, batch hard": ("margin", (0.1, 0.2, 0.5)),
    "lifted structure": ("margin", (0.5, 1.0, 2.0)),
    "supervised contrastive": ("temperature", (0.05, 0.1, 0.2)),
    "multi-similarity": ("base", (0.3, 0.5, 0.7)),
    "Koch's head": ("hardness", (0.0, 1.0, 2.0)),
}


def letters():
    """Images and labels to learn from; and what is measured, by name."""
    background = datasets.load_omniglot("background")
    parts = datasets.split_alphabets(background, 5, np.random.default_rng(1))
    parts += (datasets.load_omniglot("evaluation"),)
    train, *measured = ((datasets.area_resize(part.images, SIDE), part) for part in parts)
    return train, dict(zip(("validation", "evaluation"), measured, strict=True))


PARTS = {"letters": letters}


def main():
    for part in parts_asked_for(__doc__, PARTS):
        train, measured = PARTS[part]()
        for name in OWN:
            compare(part, name, train, measured)


def compare(part, name, train, measured):
    """Choose the values of a loss on validation classes, and measure three seeds."""
    parameter, choices = OWN[name]
    networks = {}  # of this run, so that the choice is not trained twice from the first seed

    def train_and_measure(values, seed, where):
        key = plain(values), seed
        if key not in networks:
            networks[key] = trained(name, values, seed, *train)
        return measure(*networks[key], *measured[where])

    def entry(what, values, seed, where):
        title = f"{part}: {name}, {what}, seed {seed}"
        settings = {"values": values, "steps": N_STEPS}
        return ENTRIES.entry(title, settings, train_and_measure, values, seed, where)

    def best_of(tries):
        tried = [entry(plain(values), values, SEEDS[0], "validation") for values in tries]
        return tries[int(np.argmax([found["map_at_r"]["mean"] for found in tried]))]

    rate = best_of([{"rate": rate, parameter: choices[1]} for rate in RATES])["rate"]
    best = best_of([{"rate": rate, parameter: value} for value in choices])
    for seed in SEEDS:
        entry("chosen", best, seed, "evaluation")


def trained(name, values, seed, images, data):
    """The encoder that a loss trains, and the way to compare its embeddings."""
    keras.utils.set_random_seed(seed)
    own = {key: value for key, value in values.items() if key != "rate"}
    encoder, network, loss, head = build(name, own, images.shape[1:], int(data.labels.max()) + 1)
    batches = sampling.ClassBatches(images, data.labels, *BATCH, N_STEPS // 10, seed)
    training.fit_encoder(
        network,
        batches,
        loss,
        training.adamw(values["rate"], N_STEPS),
        N_STEPS,
        distortions=[augment.RandomAffine(seed)],
    )
    return encoder, head


def build(name, own, shape, n_classes):
    """Encoder, the network that is trained, loss, and the way to compare."""
    body = models.conv4_encoder(shape)
    head = distances.euclidean
    if name == "Koch's head":
        encoder = keras.Sequential([body, layers.Activation("sigmoid")])
        constant = keras.initializers.Constant
        head = distances.WeightedL1(constant(-0.5), constant(4.0))
        network = models.in_batch_network(encoder, head)
        return encoder, network, losses.InBatchVerificationLoss(**own), head
    if name == "lifted structure":  # which the sphere has no room for
        return body, body, losses.LiftedStructureLoss(**own), head
    encoder = keras.Sequential([body, layers.UnitNormalization()])
    if name == "softmax classifier":
        last = [layers.Dropout(own["dropout"]), layers.Dense(n_classes)]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return encoder, keras.Sequential([body, *last]), loss, head
    if name == "ArcFace (proxies)":
        network = keras.Sequential([encoder, models.Proxies(n_classes)])
        return encoder, network, losses.ArcFaceLoss(16.0, **own), head
    loss = {
        "contrastive, all pairs": losses.InBatchContrastiveLoss,
        "contrastive, hardest negatives": losses.InBatchContrastiveLoss,
        "triplet, semi-hard": losses.TripletLoss,
        "triplet, batch hard": losses.TripletLoss,
        "supervised contrastive": losses.SupervisedContrastiveLoss,
        "multi-similarity": losses.MultiSimilarityLoss,
    }[name]
    options = {
        "contrastive, hardest negatives": {"hardest": True},
        "triplet, semi-hard": {"mining": "semi_hard"},
        "triplet, batch hard": {"mining": "batch_hard"},
    }
    return encoder, encoder, loss(**options.get(name, {}), **own), head


def measure(encoder, head, images, data):
    """One-shot accuracy within an alphabet, Recall@1 and MAP@R; for each alphabet, and the means.

    Recall@1 and MAP@R ask for the nearest images among those of all alphabets. Koch's head
    compares them by the distance that it has learned.
    """
    vectors = models.embed(encoder, images)
    trials = sampling.draw_episodes(
        data.labels, 20, N_TRIALS, np.random.default_rng(0), drawers=data.drawers,
        alphabets=data.alphabets,
    )  # fmt: skip
    scores = evaluation.episode_scores(head, vectors, trials)
    metric = "euclidean"
    if isinstance(head, distances.WeightedL1):
        scores = -scores  # which are similarities
        # Where alpha is positive, a difference speaks for *same*, as it does in no distance.
        # Such units are left out of the search.
        vectors = vectors * np.maximum(-keras.ops.convert_to_numpy(head.alpha), 0)
        metric = "cityblock"
    found = evaluation.retrieval(vectors, data.labels, metric)
    credit = evaluation.identify(scores, trials.answers).credit
    of_query = data.alphabets[trials.queries]
    return {
        "one_shot": by_alphabet(credit, of_query),
        "recall_at_1": by_alphabet(found.recall_at_1, data.alphabets),
        "map_at_r": by_alphabet(found.map_at_r, data.alphabets),
    }


def by_alphabet(values, alphabets):
    """The mean over alphabets, and each alphabet's, in their order."""
    means = [float(values[alphabets == each].mean()) for each in np.unique(alphabets)]
    return {"mean": float(np.mean(means)), "alphabets": [round(each, 5) for each in means]}


if __name__ == "__main__":
    main()
