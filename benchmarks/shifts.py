"""How many shifts of an image are averaged: chosen on validation alphabets, then measured once.

    python benchmarks/shifts.py [PART ...]

choice  the recipe of benchmarks/frontier.py on 25 background alphabets; the mean embedding of 1, 9,
        25 and 49 shifts, measured on the 10,000 trials within the other five
chosen  the long training; the best of these on the 10,000 trials within the evaluation alphabets
        and on the official runs

Three seeds each. The trainings are those of benchmarks/frontier.py: their saved states in
_build/frontier are read, and what is not there is trained again. The encoder that ships is the long
training of the first seed. Each measurement is an entry of results/recorded/shifts.json.
"""

import frontier  # sets up, before Keras is imported
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
            for seed in frontier.SEEDS:
                on_test_alphabets(seed, best_of(tried))


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


def on_test_alphabets(seed, reach):
    settings = frontier.LONG | {"alphabets": "background", "seed": seed}
    name = f"chosen: seed {seed}"

    def measure():
        trained = f"{LONG}, seed {seed}"
        if trained == frontier.KEPT:
            _, _, head = frontier.build(settings)
            encoder = models.load_pretrained("omniglot").layers[-1]
        else:
            encoder, head, *_ = frontier.trained_as(trained, settings)
        embed = averaged(reach)
        looks.count("official runs", f"shifts, {name}")
        on_runs = frontier.on_runs(settings, encoder, head, embed)
        looks.count("trials within the evaluation alphabets", f"shifts, {name}")
        unseen = datasets.load_omniglot("evaluation")
        within = frontier.within(settings, encoder, head, embed, unseen)
        return {"official runs": on_runs, "within": within}

    return ENTRIES.entry(name, {"settings": settings | {"reach": reach}}, measure)


def averaged(reach):
    return lambda encoder, images: models.embed_shifted(encoder, images, reach)


def shifts(reach):
    """How many shifts there are up to a reach, as a name."""
    n = (2 * reach + 1) ** 2
    return f"{n} shifts" if n > 1 else "one encoding"


if __name__ == "__main__":
    main()
