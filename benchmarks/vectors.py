"""The nearest of many vectors: exact search, a graph of neighbors, and Qdrant's client.

Vectors stand in classes, as embeddings do: 100 around each of n / 100 centers. Each engine stores
the same vectors and answers the same queries, one hundred at a time, in turns. Recall is the share
of queries whose nearest vector is the one that the exact search finds. Qdrant's client searches
in this process, exactly and slowly; a server is another program, which is not measured here.

    python benchmarks/vectors.py

prints a table and writes it to results/benchmarks/. The packages of the extra `large` are needed.
"""

import time
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient

from siamese_utils import chapters
from siamese_utils._files import write_whole
from siamese_utils.recognition import UsearchIndex, qdrant_index
from siamese_utils.recognition.index import ExactIndex

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
SIZES = (10_000, 100_000, 1_000_000)
MOST_FOR_QDRANT = 10_000  # of which its client warns in this process
DIM, N_QUERIES, N_TURNS = 128, 100, 5
BARS = {"recall": 0.9}  # of usearch, at each size
SEED = 1


def draw(n, rng):
    """Unit vectors around n / 100 centers, and queries around the same centers."""
    centers = rng.normal(size=(n // 100, DIM)).astype("float32")

    def around(classes):
        noise = rng.normal(size=(len(classes), DIM)).astype("float32")
        vectors = centers[classes] + 0.7 * noise
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return around(np.arange(n) // 100), around(rng.integers(n // 100, size=N_QUERIES))


def measure(sizes=SIZES, n_turns=N_TURNS):
    rng = np.random.default_rng(SEED)
    found = {}
    for n in sizes:
        vectors, queries = draw(n, rng)
        engines = {"exact": ExactIndex(DIM), "usearch": UsearchIndex(DIM)}
        if n <= MOST_FOR_QDRANT:
            engines["Qdrant's client"] = qdrant_index(QdrantClient(":memory:"), "bench")(DIM)
        seconds_to_add = {}
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.add(vectors)
            seconds_to_add[name] = time.perf_counter() - start
        nearest = {name: engine.search(queries, 1)[1][:, 0] for name, engine in engines.items()}
        turns = {name: [] for name in engines}
        for _ in range(n_turns):
            for name, engine in engines.items():
                start = time.perf_counter()
                engine.search(queries, 1)
                turns[name].append(time.perf_counter() - start)
        for name in engines:
            found[f"{name}, {n:,}"] = {
                "vectors": n,
                "seconds to store": seconds_to_add[name],
                "queries a second": N_QUERIES / float(np.median(turns[name])),
                "recall": float(np.mean(nearest[name] == nearest["exact"])),
            }
    return found


def table(found):
    rows = [
        {
            "engine, vectors": name,
            "seconds to store": f"{each['seconds to store']:.1f}",
            "queries a second": f"{each['queries a second']:,.0f}",
            "recall of the nearest": f"{100 * each['recall']:.0f} %",
        }
        for name, each in found.items()
    ]
    return chapters.markdown_table(rows)


def main():
    start = time.perf_counter()
    found = measure()
    text = table(found)
    print(text)
    settings = {"dim": DIM, "queries": N_QUERIES, "turns": N_TURNS, "seed": SEED}
    chapters.write_record(
        FOLDER / "vectors.json",
        "benchmarks/vectors",
        "full",
        settings,
        found,
        time.perf_counter() - start,
    )
    write_whole(FOLDER / "vectors.md", lambda path: path.write_text(text + "\n", encoding="utf-8"))
    low = [name for name, each in found.items() if each["recall"] < BARS["recall"]]
    if low:
        raise SystemExit(f"below the bar of {BARS['recall']:.0%} recall: {', '.join(low)}")


if __name__ == "__main__":
    main()
