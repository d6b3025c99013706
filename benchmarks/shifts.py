"""What averaging gives: of how many shifts, chosen on validation alphabets, and of three encoders.

    python benchmarks/shifts.py [PART ...]

choice  the recipe of benchmarks/frontier.py on 25 background alphabets; the mean embedding of 1, 9,
        25 and 49 shifts, measured on the 10,000 trials within the other five
chosen  the long training; the best of these on the 10,000 trials within the evaluation alphabets
        and on the official runs; then the three encoders together, whose cosines are averaged

Three seeds each. The trainings are those of benchmarks/frontier.py: their saved states in
_build/frontier are read, and what is not there is trained again. The encoder that ships is the long
training of the first seed. Each measurement is an entry of results/recorded/shifts.json.
"""

import frontier  # sets up, before Keras is imported
import joblib
import looks
import numpy as np
from entries import Entries, parts_asked_for

from siamese_utils import datasets, models

ENTRIES = Entries(frontier.ROOT / "results" / "recorded" / "shifts.json", "benchmarks/shifts")
REACHES = (0, 1, 2, 3)  # pixels, in both directions
LAST_RUNG = f"ladder: {list(frontier.LADDER)[-1]}"
LONG = "long: 30 alphabets"


def main():
    for part in parts_asked_for(__doc__, ("choice", "chosen")):
        tried = [on_validation(seed) for seed in frontier.SEEDS]
        if part == "chosen":
            reach = best_of(tried)
            for seeds in (*([seed] for seed in frontier.SEEDS), list(frontier.SEEDS)):
                on_test_alphabets(seeds, reach)


def on_validation(seed):
    settings = frontier.RECIPE | {"seed": seed}

    def measure():
        encoder, head, held_out, _ = frontier.trained_as(f"{LAST_RUNG}, seed {seed}", settings)
        return {
            shifts(reach): frontier.within(settings, encoder, head, averaged(reach), held_out)
            for reach in REACHES
        }

    return ENTRIES.entry(f"choice: seed {seed}", {"settings": settings}, measure)


def best_of(tried):
    """The reach with the highest accuracy on validation alphabets, as the mean of the seeds."""
    return max(
        REACHES, key=lambda reach: np.mean([each[shifts(reach)]["accuracy"] for each in tried])
    )


def on_test_alphabets(seeds, reach):
    """One encoder, or several together."""
    settings = frontier.LONG | {"alphabets": "background"}
    name = f"chosen: seed {seeds[0]}" if len(seeds) == 1 else f"chosen: {len(seeds)} together"

    def measure():
        *_, head = frontier.build(settings)
        embed = together(settings, seeds, reach)
        looks.count("official runs", f"shifts, {name}")
        on_runs = frontier.on_runs(settings, None, head, embed)
        looks.count("trials within the evaluation alphabets", f"shifts, {name}")
        unseen = datasets.load_omniglot("evaluation")
        within = frontier.within(settings, None, head, embed, unseen)
        return {"official runs": on_runs, "within": within}

    described = {"settings": settings | {"seeds": seeds, "reach": reach}}
    return ENTRIES.entry(name, described, measure)


def together(settings, seeds, reach):
    """Embeddings side by side: each has length 1, so their cosine is the mean of the cosines."""
    return lambda _, images: np.concatenate(
        [embedded(settings | {"seed": seed}, reach, images) for seed in seeds], axis=1
    )


def embedded(settings, reach, images):
    """Embeddings by a long training, computed once: of 49 shifts that takes many minutes."""
    memory = joblib.Memory(frontier.STATES / "embedded", verbose=0)
    return memory.cache(embed_anew)(settings, reach, images)


def embed_anew(settings, reach, images):
    trained = f"{LONG}, seed {settings['seed']}"
    if trained == frontier.KEPT:
        encoder = models.load_pretrained("omniglot").layers[-1]
    else:
        encoder, *_ = frontier.trained_as(trained, settings)
    return averaged(reach)(encoder, images)


def averaged(reach):
    return lambda encoder, images: models.embed_shifted(encoder, images, reach)


def shifts(reach):
    """How many shifts there are up to a reach, as a name."""
    n = (2 * reach + 1) ** 2
    return f"{n} shifts" if n > 1 else "one encoding"


if __name__ == "__main__":
    main()
