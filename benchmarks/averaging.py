"""What averaging adds to one encoding: chosen on validation alphabets, then measured once.

    python benchmarks/averaging.py [PART ...]

choice  the recipe of benchmarks/frontier.py on 25 background alphabets: the mean embedding of 1, 9
        and 25 shifts, and beside the cosine of these embeddings that of the maps which go into the
        first convolution of the third and of the fourth block, with several weights; on the 10,000
        trials within the other five alphabets
chosen  the long training: the best of these on the 10,000 trials within the evaluation alphabets
        and on the official runs; then the mean cosine of the three encoders

Three seeds each. The trainings are those of benchmarks/frontier.py: their saved states in
_build/frontier are read, and what is not there is trained again. The encoder that ships is the long
training of the first seed. Each measurement is an entry of results/recorded/averaging.json.
"""

from itertools import product

import frontier  # sets up, before Keras is imported
import keras
import looks
import numpy as np
from entries import Entries, parts_asked_for
from keras import layers

from siamese_utils import datasets, models

ENTRIES = Entries(frontier.ROOT / "results" / "recorded" / "averaging.json", "benchmarks/averaging")
REACHES = (0, 1, 2)  # pixels, in both directions
WEIGHTS = (0.0, 0.25, 0.5, 1.0)  # of the cosine of either map; that of the embedding has 1
LAST_RUNG = f"ladder: {list(frontier.LADDER)[-1]}"
LONG_ENTRY = "long: 30 alphabets"


def main():
    for part in parts_asked_for(__doc__, ("choice", "chosen")):
        tried = [on_validation(seed) for seed in frontier.SEEDS]
        if part == "chosen":
            reach, weight = best_of(tried)
            for seeds in (*([seed] for seed in frontier.SEEDS), list(frontier.SEEDS)):
                on_test_alphabets(seeds, reach, weight)


def on_validation(seed):
    settings = frontier.RECIPE | {"seed": seed}

    def measure():
        encoder, head, held_out, _ = frontier.trained_as(f"{LAST_RUNG}, seed {seed}", settings)
        images = frontier.prepared(held_out.images, settings)
        found = {}
        for reach in REACHES:
            parts = parts_of(encoder, images, reach)
            for weight in WEIGHTS:
                joined = side_by_side([parts], weight)
                found[name_of(reach, weight)] = frontier.within(
                    settings, encoder, head, lambda *_, joined=joined: joined, held_out
                )
        return found

    return ENTRIES.entry(f"choice: seed {seed}", {"settings": settings}, measure)


def best_of(tried):
    """The reach and the weight with the highest accuracy on validation alphabets, over seeds."""
    return max(
        product(REACHES, WEIGHTS),
        key=lambda choice: np.mean([each[name_of(*choice)]["accuracy"] for each in tried]),
    )


def on_test_alphabets(seeds, reach, weight):
    """The chosen average of one encoder, or of several together: one look at each test set."""
    settings = frontier.LONG | {"alphabets": "background"}
    name = f"chosen: seed {seeds[0]}" if len(seeds) == 1 else f"chosen: {len(seeds)} together"
    described = settings | {"seeds": seeds, "reach": reach, "weight": weight}

    def measure():
        *_, head = frontier.build(settings)

        def embed(_, images):
            of_seeds = [parts_by(settings | {"seed": k}, images, reach) for k in seeds]
            return side_by_side(of_seeds, weight)

        looks.count("official runs", f"averaging, {name}")
        on_runs = frontier.on_runs(settings, None, head, embed)
        looks.count("trials within the evaluation alphabets", f"averaging, {name}")
        unseen = datasets.load_omniglot("evaluation")
        within = frontier.within(settings, None, head, embed, unseen)
        return {"official runs": on_runs, "within": within}

    return ENTRIES.entry(name, {"settings": described}, measure)


def parts_by(settings, images, reach):
    """The parts of images by a long training; the one of seed 1 ships with the package."""
    trained = f"{LONG_ENTRY}, seed {settings['seed']}"
    if trained == frontier.KEPT:
        encoder = models.load_pretrained("omniglot").layers[-1]
    else:
        encoder, *_ = frontier.trained_as(trained, settings)
    return parts_of(encoder, images, reach)


def parts_of(encoder, images, reach):
    """Two maps and the embedding, each (n, dim), averaged over shifts, of length 1."""
    activations = [each.output for each in encoder.layers if isinstance(each, layers.Activation)]
    # Each block has two, and its first convolution takes what the first of them gives: of the last
    # two blocks, that is every second one from the fourth from the end.
    maps = [layers.Flatten()(each) for each in activations[-4::2]]
    maps = [layers.UnitNormalization()(each) for each in maps]
    outputs = [*maps, encoder.output]
    model = keras.Model(encoder.input, layers.Concatenate()(outputs))
    averaged = models.embed_shifted(model, images, reach)
    ends = np.cumsum([each.shape[1] for each in outputs])[:-1]
    parts = np.split(averaged, ends, axis=1)
    return [each / np.linalg.norm(each, axis=1, keepdims=True) for each in parts]


def side_by_side(of_encoders, weight):
    """One array, whose cosine is the weighted mean of the cosines of all its parts."""
    factors = np.sqrt([weight, weight, 1], dtype="float32")
    parts = [
        factor * part for parts in of_encoders for factor, part in zip(factors, parts, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def name_of(reach, weight):
    n = (2 * reach + 1) ** 2
    return f"{n} {'shifts' if n > 1 else 'encoding'}, maps {weight:g}"


if __name__ == "__main__":
    main()
