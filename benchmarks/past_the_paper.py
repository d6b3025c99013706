"""Past the paper: the recorded trainings behind chapter 08, on two processor cores.

    python benchmarks/past_the_paper.py [PART ...]

ladder    one change after the other, from a small network to that of chapter 08, and
          what was tried and left out; trained on 25 background alphabets, measured on five
parts     the recipe with Koch's head, with Koch's body, and with the losses of matching and
          prototypical networks
longer    with and without thicker and thinner strokes, on the same five, at 2,000 steps: what is
          right for a short training need not be for a long one
minimal   the recipe on the two sets of five alphabets, short and long
long      the recipe with more steps, three seeds; the first is the encoder of the package
across    2,000 steps on 1,200 characters of all 50 alphabets, measured on trials across
          alphabets among the other 423: what most of the literature on few-shot learning reports

Each training is an entry of results/recorded/past_the_paper_PART.json, written as soon as it is
done. An entry is kept as long as its settings are the same, so what was interrupted goes on
where it was. The network is small enough that a second core helps little. The recorded
seconds are of two parts side by side, each held to one core:

    taskset -c 0 python benchmarks/past_the_paper.py long & taskset -c 1 python ... ladder
"""

import argparse
import hashlib
import itertools
import json
import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np
from frontier import data_of, loss_of
from keras import layers
from scipy.special import logsumexp

from siamese_utils import (
    augment,
    chapters,
    datasets,
    distances,
    evaluation,
    models,
    sampling,
    training,
)
from siamese_utils._files import write_whole
from siamese_utils.recognition import Reading
from siamese_utils.recognition.encoder_digest import weights_digest

ROOT = Path(__file__).resolve().parents[1]
PRETRAINED = ROOT / "siamese_utils" / "models" / "pretrained"
N_TRIALS = 3_000  # on the validation alphabets
BATCH = (20, 4)  # letters, and drawings of each

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
    "temperature": 0.05,
    "rate": 0.01,
    "steps": 600,
    "seed": 1,
}
# A small network, and what each rung of the ladder changes in it.
SMALL = {
    "side": 35,
    "encoder": "conv4",
    "loss": "supervised contrastive",
    "one alphabet a batch": False,
    "symmetries": False,
    "thickness": False,
    "weight decay": 0.0,
    "temperature": 0.1,
    "rate": 0.004,
}
LADDER = {
    "a small cosine network, letters of any alphabet": {},
    "letters of one alphabet in a batch": {"one alphabet a batch": True},
    "42 × 42 pixels": {"side": 42},
    "residual encoder, at its rate": {"encoder": "residual", "rate": 0.01, "weight decay": 0.0001},
    "softmax against other letters only": {"loss": "in-batch softmax"},
    "temperature 0.05 for 0.1": {"temperature": 0.05},
    "turned and mirrored alphabets": {"symmetries": True},
    "thicker and thinner strokes": {"thickness": True},
}
# One change each of the last rung, which is the recipe.
TRIED = {
    "distortions half again as strong": {"strength": 1.5},
    "weight decay 0.05": {"weight decay": 0.05},
    "mean of the weights": {"averaging": 0.99},
}
KOCH_HEAD = {"head": "Koch", "loss": "verification", "temperature": None, "rate": 0.004}
# In place of a part of the recipe: whose gain is it?
PARTS_CHANGED = {
    "the recipe": {},
    "Koch's head": KOCH_HEAD,
    "Koch's body": {"encoder": "Koch", "rate": 0.004},
    "Koch's body and head": {"encoder": "Koch", **KOCH_HEAD},
    "matching network": {"loss": "matching"},
    "prototypical network": {"loss": "prototypical"},
}
SHORT, LONG = {"steps": 2_000}, {"steps": 8_000}
MINIMAL_LONG = {"steps": 4_000}  # of five alphabets it has soon seen enough


def longer():
    base = RECIPE | SHORT | {"alphabets": "25 of background"}
    return {
        f"{name} strokes, 2,000 steps": base | {"thickness": name == "with"}
        for name in ("without", "with")
    }


def parts():
    return {name: RECIPE | change for name, change in PARTS_CHANGED.items()}


def ladder():
    held_out = {"alphabets": "25 of background"}
    settings, rungs = RECIPE | SMALL | held_out, {}
    for name, change in LADDER.items():
        settings = settings | change
        rungs[name] = settings
    return rungs | {f"tried: {name}": RECIPE | held_out | change for name, change in TRIED.items()}


def minimal():
    return {
        f"{name}, {length}": RECIPE | steps | {"alphabets": name}
        for length, steps in (("short", SHORT), ("long", MINIMAL_LONG))
        for name in ("small1", "small2")
    }


def long():
    return {f"seed {seed}": RECIPE | LONG | {"seed": seed} for seed in (1, 2, 3)}


def across():
    return {"1,200 characters": RECIPE | SHORT | {"alphabets": "1,200 characters of 50"}}


PARTS = {
    "ladder": ladder,
    "longer": longer,
    "parts": parts,
    "minimal": minimal,
    "long": long,
    "across": across,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help=f"some of {', '.join(PARTS)}; all if none is named")
    parts_asked = parser.parse_args().part or list(PARTS)
    unknown = sorted(set(parts_asked) - set(PARTS))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    for part in parts_asked:
        for name, settings in PARTS[part]().items():
            run(part, name, settings)


def run(part, name, settings):
    """Train and measure, unless the entry is there, and add it to the part's file."""
    file = ROOT / "results" / "recorded" / f"past_the_paper_{part}.json"
    if read(file)["metrics"].get(name, {}).get("settings") == settings:
        print(f"{part}, {name}: recorded already", flush=True)
        return
    provenance = chapters.provenance()  # of now: the files may be changed while it trains
    encoder, found = measured(settings)
    entry = {"settings": settings, "provenance": provenance, **found}
    if (part, name) == ("long", "seed 1"):
        keep(encoder, entry)
    # Read again: another process may have added to it by now.
    entries = read(file)["metrics"] | {name: entry}
    entries = {key: entries[key] for key in PARTS[part]() if key in entries}
    seconds = sum(entry["seconds"] for entry in entries.values())
    # Each entry has settings of its own.
    chapters.write_record(
        file, f"benchmarks/past_the_paper {part}", "recorded", {}, entries, seconds
    )
    print(f"{part}, {name}: {found}", flush=True)


def read(file):
    """The part's record, empty before the first training."""
    return chapters.read_record(file) if file.exists() else {"metrics": {}}


def keep(encoder, entry):
    """Put the encoder into the package, with its card."""
    path = PRETRAINED / "omniglot.keras"
    write_whole(path, encoder.save)
    settings = entry["settings"]
    card = {
        "for": "drawings",
        "data": "Omniglot (Lake et al. 2015), the 30 background alphabets",
        "track": "original",
        "input": f"(batch, {settings['side']}, {settings['side']}, 1), ink 1 on paper 0, "
        "reduced by datasets.area_resize",
        "output": "embeddings of length 1, compared by their product",
        "weights": entry["weights"],
        "recipe": settings,
        "metrics": {
            "official runs": entry["plain"],
            "official runs, nine shifts": entry["nine shifts"],
        },
        "licence": "MIT, as the book's code; Omniglot is under the MIT licence too",
        "load": 'siamese_utils.models.load_pretrained("omniglot")',
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights_digest": weights_digest(encoder),
        "reading": Reading((settings["side"],) * 2, 1, polarity="ink").as_dict(),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    # The card goes last: with the card of another file, load_pretrained refuses the encoder.
    write_whole(path.with_suffix(".json"), lambda t: t.write_text(text, encoding="utf-8"))


def measured(settings):
    """Train as the settings say; the encoder, and its accuracy on what it was not trained on."""
    encoder, head, held_out, found = trained(settings)
    if settings["alphabets"] == "1,200 characters of 50":
        return encoder, found | few_shot(settings, encoder, four_turns(held_out))
    measure = on_validation if held_out else on_runs
    found["plain"] = measure(settings, encoder, head, models.embed, held_out)
    if settings["head"] == "cosine":  # shifts are averaged on the sphere
        found["nine shifts"] = measure(settings, encoder, head, models.embed_shifted, held_out)
    if not held_out and settings["head"] == "cosine":
        evaluation_set = datasets.load_omniglot("evaluation")
        alphabets = evaluation_set.alphabets[::20]  # of each letter; 20 drawers each
        found |= few_shot(settings, encoder, evaluation_set.images, alphabets)
    return encoder, found


def trained(settings):
    """Train as the settings say: the encoder, its head, the images held out, and what it took."""
    keras.utils.set_random_seed(settings["seed"])
    train, held_out = data_of(settings["alphabets"])
    encoder, network, head = build(settings)
    groups = train.alphabets if settings["one alphabet a batch"] else None
    images = datasets.area_resize(train.images, settings["side"])
    batches = sampling.ClassBatches(
        images, train.labels, *BATCH, min(100, settings["steps"]), settings["seed"], groups=groups
    )
    optimizer = training.adamw(
        settings["rate"],
        settings["steps"],
        weight_decay=settings["weight decay"],
        averaging=settings["averaging"],
    )
    start = time.perf_counter()
    history = training.fit_encoder(
        network,
        batches,
        loss_of(settings),
        optimizer,
        settings["steps"],
        distortions=distortions(settings),
    )
    found = {
        "seconds": round(time.perf_counter() - start, 1),
        "weights": encoder.count_params(),
        "loss": [round(value, 4) for value in history["loss"]],
    }
    return encoder, head, held_out, found


def build(settings):
    """The encoder, the network that is trained, and the head that compares two embeddings."""
    shape = (settings["side"], settings["side"], 1)
    body = {"residual": residual, "conv4": conv4, "Koch": koch_body}
    encoder = body[settings["encoder"]](shape)
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


def residual(shape):
    return models.residual_encoder(shape, pool_size=2)


def conv4(shape):
    """Four small convolutions."""
    return models.conv4_encoder(shape, (24, 48, 64, 64))


def koch_body(shape):
    """Koch's body for 42 x 42 pixels: his maps, with filters cut to 5, 3, 3 and 2 pixels."""
    encoder = keras.Sequential([keras.Input(shape)])
    for i, (filters, size) in enumerate(((64, 5), (128, 3), (128, 3), (256, 2))):
        encoder.add(layers.Conv2D(filters, size, activation="relu", kernel_initializer="he_normal"))
        if i < 3:
            encoder.add(layers.MaxPooling2D())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(512))
    return encoder


def distortions(settings):
    """Layers in front of the network, in training only."""
    seed, chosen = settings["seed"], []
    if settings["symmetries"]:
        chosen.append(augment.RandomSymmetry(seed))
    chosen.append(augment.RandomAffine(seed, settings["strength"]))
    if settings["thickness"]:
        chosen.append(augment.RandomThickness(seed, thin=True))
    return chosen


def on_validation(settings, encoder, head, embed, validation):
    """20-way one-shot accuracy on the alphabets that were set aside, by all drawers."""
    trials = sampling.draw_episodes(
        validation.labels,
        20,
        N_TRIALS,
        np.random.default_rng(1),
        drawers=validation.drawers,
        alphabets=validation.alphabets,
    )
    embeddings = embed(encoder, datasets.area_resize(validation.images, settings["side"]))
    scores = evaluation.episode_scores(head, embeddings, trials)
    found = evaluation.identify(-scores, trials.answers)
    return share(found)


def four_turns(held_out):
    """Each character in four turns, as four classes, as is usual since Vinyals et al. (2016)."""
    return np.concatenate([np.rot90(held_out.images, turns, (1, 2)) for turns in range(4)])


def few_shot(settings, encoder, images, alphabets=None):
    """20-way accuracy, 1- and 5-shot, across alphabets and, where they are given, within them.

    The images are 20 of each letter, by one drawer after the other. The query is by one drawer,
    the supports of all 20 letters by others. Their mean answers; in a matching network each of
    them by itself.
    """
    embeddings = models.embed(encoder, datasets.area_resize(images, settings["side"]))
    by_letter = embeddings.reshape(len(images) // 20, 20, -1)  # letter, drawer
    found = {}
    places = (False,) if alphabets is None else (True, False)
    for n_shot, within in itertools.product((1, 5), places):
        rng = np.random.default_rng(1)
        answers, scores = rng.integers(20, size=N_TRIALS), np.empty((N_TRIALS, 20))
        for trial, answer in enumerate(answers):
            pool = np.flatnonzero(alphabets == trial % 20) if within else len(by_letter)
            chosen = rng.choice(pool, 20, replace=False)
            by_query, *others = rng.choice(20, n_shot + 1, replace=False)
            query = by_letter[chosen[answer], by_query]
            supports = by_letter[chosen][:, others]  # (20, n_shot, dim)
            if settings["loss"] == "matching":
                scores[trial] = logsumexp(supports @ query / settings["temperature"], axis=1)
            else:
                scores[trial] = -np.linalg.norm(supports.mean(axis=1) - query, axis=1)
        where = "within an alphabet" if within else "across alphabets"
        found[f"{n_shot}-shot {where}"] = share(evaluation.identify(-scores, answers))
    return found


def share(found):
    return {"accuracy": found.accuracy, "interval": list(found.interval)}


def on_runs(settings, encoder, head, embed, _):
    """Accuracy on the official runs."""
    runs = datasets.load_official_runs()
    queries, supports = (
        embed(encoder, datasets.area_resize(x.reshape(-1, 105, 105, 1), settings["side"])).reshape(
            20, 20, -1
        )
        for x in (runs.test_images, runs.support_images)
    )
    found = evaluation.official_runs(-evaluation.run_scores(head, queries, supports), runs)
    return share(found)


if __name__ == "__main__":
    main()
