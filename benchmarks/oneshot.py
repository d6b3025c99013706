"""One-shot trials with the paper's network: the sources' way and the package's, in one run.

The sources' way: for each 20-way trial the query is copied 20 times and the pair model's
`predict` is called on the 20 pairs, so the encoder sees 40 images. The package embeds each
image once and then compares embeddings with one matrix operation.

Measured on the 400 official trials, and on 250 random ones of one named alphabet, Angelic:
20 letters by 20 drawers, so 400 images. The sources' way takes minutes, so every tenth trial
is timed, and the time scaled to all. The weights are untrained, and Keras' own: with the
paper's initial values every embedding is saturated, and answers would be ties.

    python benchmarks/oneshot.py

prints a table and writes it to results/benchmarks/.
"""

import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import chapters, datasets, evaluation, models, sampling
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BAR = 20  # how many times faster, at least, over both parts together
SEED = 1
ALPHABET = "Angelic"
N_WAY, N_RANDOM = 20, 250
EVERY = 10  # one trial in so many is timed in the sources' way
BATCH_SIZE = 16  # of the encoder; on two cores larger ones are slower


def official_trials():
    """Images, queries (n_trials,), supports (n_trials, n_way) of the official runs."""
    runs = datasets.load_official_runs()
    images = np.concatenate([runs.test_images, runs.support_images]).reshape(-1, 105, 105, 1)
    queries = np.arange(400)  # the test images; the support images follow them
    supports = 400 + np.repeat(np.arange(400).reshape(20, 20), 20, axis=0)
    return images, sampling.Episodes(queries, supports, runs.answers.ravel())


def random_trials():
    """The same for random trials of the named alphabet; only images that occur in one."""
    data = datasets.load_omniglot("evaluation").select([ALPHABET])
    rng = np.random.default_rng(SEED)
    drawn = sampling.draw_episodes(
        data.labels, N_WAY, N_RANDOM, rng, drawers=data.drawers, alphabets=data.alphabets
    )
    both = np.concatenate([drawn.queries[:, None], drawn.supports], axis=1)
    used, index = np.unique(both, return_inverse=True)
    index = index.reshape(both.shape)
    return data.images[used], sampling.Episodes(index[:, 0], index[:, 1:], drawn.answers)


def by_pairs(network, images, episodes, trials):
    """The sources' way; scores (n_trials, n_way), probabilities of *same*."""
    scores = []
    for trial in trials:
        supports = images[episodes.supports[trial]].astype("float32")
        query = images[episodes.queries[trial]].astype("float32")
        copies = np.repeat(query[None], len(supports), axis=0)
        scores.append(network.predict([copies, supports], verbose=0))
    return np.array(scores)


def by_embeddings(network, images, episodes):
    """The package's way; scores (n_trials, n_way), logits of *same*."""
    encoder, head = network.get_layer("koch_encoder"), network.get_layer("head")
    embeddings = models.embed(encoder, images, BATCH_SIZE)
    return evaluation.episode_scores(head, embeddings, episodes)


def seconds(function, *arguments):
    """What the function returns, and the time it took."""
    start = time.perf_counter()
    returned = function(*arguments)
    return returned, time.perf_counter() - start


def compare(network, images, episodes):
    """Both ways over one set of trials: encodings and seconds of each."""
    timed = np.arange(0, len(episodes.answers), EVERY)
    halves = np.array_split(timed, 2)  # one before and one after, so a busy moment meets both
    before, seconds_before = seconds(by_pairs, network, images, episodes, halves[0])
    ours, seconds_ours = seconds(by_embeddings, network, images, episodes)
    after, seconds_after = seconds(by_pairs, network, images, episodes, halves[1])
    theirs = np.concatenate([before, after])
    np.testing.assert_array_equal(theirs.argmax(axis=1), ours[timed].argmax(axis=1))
    n_trials, n_way = episodes.supports.shape
    scale = n_trials / len(timed)
    return {
        "trials": n_trials,
        "trials_timed": len(timed),
        "encodings": {"pairs": 2 * n_way * n_trials, "embeddings": len(images)},
        "seconds": {
            "pairs": (seconds_before + seconds_after) * scale,
            "embeddings": seconds_ours,
        },
    }


def total(parts):
    """The parts together."""
    both = {
        what: {way: sum(part[what][way] for part in parts) for way in ("pairs", "embeddings")}
        for what in ("encodings", "seconds")
    }
    counts = {key: sum(part[key] for part in parts) for key in ("trials", "trials_timed")}
    return {**counts, **both}


def main():
    start = time.perf_counter()
    keras.utils.set_random_seed(SEED)
    network = models.koch_network(models.koch_encoder(paper_init=False), paper_init=False)
    trials = {
        "official runs": official_trials(),
        f"random, within {ALPHABET}": random_trials(),
    }
    for images, episodes in trials.values():  # the first calls compile and are not counted
        first = sampling.Episodes(*(index[:1] for index in vars(episodes).values()))
        by_pairs(network, images, first, [0])
        models.embed(network.get_layer("koch_encoder"), images[:BATCH_SIZE], BATCH_SIZE)
    measured = {name: compare(network, *trial) for name, trial in trials.items()}
    measured["together"] = total(list(measured.values()))
    rows = []
    for name, part in measured.items():
        part["ratio"] = part["seconds"]["pairs"] / part["seconds"]["embeddings"]
        encodings, taken = part["encodings"], part["seconds"]
        rows.append(
            {
                "20-way trials": name,
                "number": part["trials"],
                "images encoded, pair by pair": f"{encodings['pairs']:,}",
                "each image once": f"{encodings['embeddings']:,}",
                f"pair by pair (s; from every {EVERY}th trial)": f"{taken['pairs']:.0f}",
                "each once (s)": f"{taken['embeddings']:.1f}",
                "faster by": f"{part['ratio']:.1f}",
                "bar": f"≥ {BAR}" if name == "together" else "",
            }
        )
    table = chapters.markdown_table(rows)
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(FOLDER / "oneshot.md", lambda path: path.write_text(table + "\n", encoding="utf-8"))
    settings = {"n_way": N_WAY, "batch_size": BATCH_SIZE, "timed_every": EVERY, "seed": SEED}
    chapters.write_record(
        FOLDER / "oneshot.json",
        "benchmarks/oneshot",
        "full",
        settings,
        {"measured": measured},
        time.perf_counter() - start,
    )
    if measured["together"]["ratio"] < BAR:
        raise SystemExit("below the bar")


if __name__ == "__main__":
    main()
