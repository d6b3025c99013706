"""How cost grows: with the images in a gallery, with N in N-way, with the images of a batch.

Gallery: the nearest of all stored embeddings, by the exact search of `Recognizer`, for
a query alone and for a hundred together.

N-way: 1,000 trials among all evaluation characters. Pair by pair, as the sources do it, the
query is copied and the pair model's `predict` is called on the N pairs of a trial: 2 N
encodings. The package encodes each image of all trials once. Pair by pair takes long, so a few
trials of each N are timed, and the time scaled to all.

Batch: a training step. The in-batch softmax encodes B images and compares all their
B (B - 1) / 2 pairs. Listed pairs take two encodings each: a step of B / 2 of them is timed,
and the time scaled by B - 1, to as many pairs.

N-way and batch use the encoder of chapter 08 at the quick profile, untrained.

    python benchmarks/growth.py

prints three tables and writes them to results/benchmarks/.
"""

import time
import tracemalloc
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import frontier
import keras
import numpy as np

from siamese_utils import (
    chapters,
    datasets,
    distances,
    evaluation,
    losses,
    models,
    sampling,
)
from siamese_utils._files import write_whole
from siamese_utils.recognition import Recognizer

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BARS = {"ways": 20, "batch": 100}  # how many times faster, at least, at the largest size
SEED = 1
REPEATS = 5
STORED = (1_000, 10_000, 100_000, 1_000_000)
DIM = 128  # of the gallery's embeddings
TOGETHER = 100  # queries
WAYS = (5, 20, 100, 500)
N_TRIALS = 1_000
N_TIMED = 5  # of them, pair by pair
BATCHES = (20, 40, 80, 160, 320)  # images: four of each of a quarter as many letters
STEPS = 3  # of a turn
SIDE = frontier.QUICK["side"]


def seconds(function, *arguments):
    """What the function returns, and the time it took."""
    start = time.perf_counter()
    returned = function(*arguments)
    return returned, time.perf_counter() - start


def new_encoder():
    keras.utils.set_random_seed(SEED)
    return frontier.build(frontier.QUICK | {"side": SIDE})[0]


def grow_gallery():
    """Milliseconds a query and megabytes of arrays, for each number of stored embeddings."""
    rng = np.random.default_rng(SEED)
    queries = rng.standard_normal((TOGETHER, DIM), "float32")
    galleries, rows = {}, []
    Recognizer().fit(queries, np.arange(TOGETHER)).nearest(queries)  # imports what it needs
    for n in STORED:
        vectors = rng.standard_normal((n, DIM), "float32")
        tracemalloc.start()
        galleries[n] = Recognizer().fit(vectors, np.arange(n))
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        galleries[n].nearest(queries)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rows.append({"stored": n, "held_mb": held / 1e6, "query_mb": (peak - held) / 1e6})
    taken = {n: {"alone": [], "together": []} for n in STORED}
    for _ in range(REPEATS):  # taking turns, so that a busy moment meets all
        for n, gallery in galleries.items():
            taken[n]["alone"].append(seconds(gallery.nearest, queries[:1])[1])
            taken[n]["together"].append(seconds(gallery.nearest, queries)[1] / TOGETHER)
    for row in rows:
        for how, values in taken[row["stored"]].items():
            row[f"{how}_ms"] = 1e3 * float(np.median(values))
    return rows


def by_pairs(network, images, trials):
    """The sources' way; distances (n_trials, n_way)."""
    found = []
    for query, supports in zip(trials.queries, trials.supports, strict=True):
        copies = np.repeat(images[[query]], len(supports), axis=0)
        found.append(network.predict([copies, images[supports]], verbose=0))
    return np.array(found)


def by_embeddings(encoder, images, trials):
    """The package's way; distances (n_trials, n_way)."""
    both = np.concatenate([trials.queries[:, None], trials.supports], axis=1)
    used, index = np.unique(both, return_inverse=True)
    index = index.reshape(both.shape)
    once = sampling.Episodes(index[:, 0], index[:, 1:], trials.answers)
    return evaluation.episode_scores(distances.cosine, models.embed(encoder, images[used]), once)


def first_trials(trials, n):
    return sampling.Episodes(*(index[:n] for index in vars(trials).values()))


def grow_ways(images, labels, drawers):
    """Encodings and seconds of all trials, pair by pair and each image once, for each N."""
    encoder = new_encoder()
    network = models.siamese_network(encoder, distances.CosineDistance())
    rng = np.random.default_rng(SEED)
    drawn = {n: sampling.draw_episodes(labels, n, N_TRIALS, rng, drawers=drawers) for n in WAYS}
    taken = {n: {"pairs": [], "once": []} for n in WAYS}
    for trials in drawn.values():  # the first calls compile and are not counted
        by_pairs(network, images, first_trials(trials, 1))
        by_embeddings(encoder, images, first_trials(trials, 1))
    for _ in range(REPEATS):  # taking turns, so that a busy moment meets all
        for n, trials in drawn.items():
            theirs, spent = seconds(by_pairs, network, images, first_trials(trials, N_TIMED))
            taken[n]["pairs"].append(spent * N_TRIALS / N_TIMED)
            ours, spent = seconds(by_embeddings, encoder, images, trials)
            taken[n]["once"].append(spent)
            np.testing.assert_allclose(ours[:N_TIMED], theirs, atol=1e-4)
    rows = []
    for n, trials in drawn.items():
        pairs, once = (float(np.median(taken[n][way])) for way in ("pairs", "once"))
        images_used = np.unique(np.append(trials.supports, trials.queries))
        rows.append(
            {
                "ways": n,
                "encoded_pairs": 2 * n * N_TRIALS,
                "encoded_once": len(images_used),
                "seconds_pairs": pairs,
                "seconds_once": once,
                "ratio": pairs / once,
            }
        )
    return rows


def grow_batch(images, labels):
    """Seconds of a training step on all pairs of a batch, and on as many listed ones."""
    in_batch = new_encoder()
    in_batch.compile("adam", losses.InBatchSoftmaxLoss(0.05))
    listed = models.siamese_network(new_encoder(), distances.CosineDistance())
    listed.compile("adam", losses.ContrastiveLoss())
    data, taken = {}, {}
    for size in BATCHES:
        pairs, same = sampling.balanced_pairs(labels, size // 2, np.random.default_rng(SEED))
        data[size] = {
            "batch": sampling.ClassBatches(images, labels, size // 4, 4, 1, SEED)[0],
            "listed": sampling.PairDataset(images, pairs, same, size // 2, SEED)[0],
        }
        taken[size] = {"batch": [], "listed": []}
    networks = {"batch": in_batch, "listed": listed}
    for counted in (False, *[True] * REPEATS):  # the first turn compiles and is not counted
        for size in BATCHES:
            for way, network in networks.items():
                spent = seconds(steps, network, *data[size][way])[1] / STEPS
                if counted:
                    taken[size][way].append(spent)
    rows = []
    for size in BATCHES:
        batch, step = (float(np.median(taken[size][way])) for way in ("batch", "listed"))
        rows.append(
            {
                "images": size,
                "pairs": size * (size - 1) // 2,
                "seconds_batch": batch,
                "listed_a_step": size // 2,
                "seconds_listed_step": step,
                "seconds_listed": step * (size - 1),
                "ratio": step * (size - 1) / batch,
            }
        )
    return rows


def steps(network, x, y):
    for _ in range(STEPS):
        network.train_on_batch(x, y)


def short(value):
    """Three digits, or all of a large number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def tables_of(found):
    """The three tables, each under its name."""
    gallery = [
        {
            "images stored": f"{row['stored']:,}",
            "a query alone (ms)": short(row["alone_ms"]),
            f"a query of {TOGETHER} together (ms)": short(row["together_ms"]),
            "memory held (MB)": short(row["held_mb"]),
            f"more while {TOGETHER} ask (MB)": short(row["query_mb"]),
        }
        for row in found["gallery"]
    ]
    ways = [
        {
            "N": row["ways"],
            f"images encoded for {N_TRIALS:,} trials, pair by pair": f"{row['encoded_pairs']:,}",
            "each image once": f"{row['encoded_once']:,}",
            f"pair by pair (s; from {N_TIMED} trials)": short(row["seconds_pairs"]),
            "each once (s)": short(row["seconds_once"]),
            "faster by": f"{row['ratio']:.1f}",
            "bar": f"≥ {BARS['ways']}" if row["ways"] == WAYS[-1] else "",
        }
        for row in found["ways"]
    ]
    batch = [
        {
            "images": row["images"],
            "pairs compared": f"{row['pairs']:,}",
            "a step on all pairs (s)": short(row["seconds_batch"]),
            "a step on listed pairs (s)": f"{short(row['seconds_listed_step'])} "
            f"({row['listed_a_step']} pairs)",
            "as many listed pairs (s)": short(row["seconds_listed"]),
            "faster by": f"{row['ratio']:.1f}",
            "bar": f"≥ {BARS['batch']}" if row["images"] == BATCHES[-1] else "",
        }
        for row in found["batch"]
    ]
    return {
        "Images in the gallery": chapters.markdown_table(gallery),
        "N in N-way": chapters.markdown_table(ways),
        "Images in a batch": chapters.markdown_table(batch),
    }


def main():
    start = time.perf_counter()
    found = {"gallery": grow_gallery()}
    data = datasets.load_omniglot("evaluation")
    images = datasets.area_resize(data.images, SIDE)
    found["ways"] = grow_ways(images, data.labels, data.drawers)
    found["batch"] = grow_batch(images, data.labels)
    table = "\n\n".join(f"**{name}**\n\n{text}" for name, text in tables_of(found).items())
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(FOLDER / "growth.md", lambda path: path.write_text(table + "\n", encoding="utf-8"))
    settings = {
        "repeats": REPEATS,
        "dim": DIM,
        "together": TOGETHER,
        "trials": N_TRIALS,
        "trials_timed": N_TIMED,
        "steps": STEPS,
        "side": SIDE,
        "seed": SEED,
    }
    chapters.write_record(
        FOLDER / "growth.json",
        "benchmarks/growth",
        "full",
        settings,
        found,
        time.perf_counter() - start,
    )
    missed = [key for key, bar in BARS.items() if found[key][-1]["ratio"] < bar]
    if missed:
        raise SystemExit(f"below the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
