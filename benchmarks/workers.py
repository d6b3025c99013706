"""Embedding files with one worker and with two: images a second, with Ray Data.

The code is that of the page on more than one machine. The workers are started and have loaded the
encoder before the time is taken, as a long run would have them. What one process does alone, block
by block, stands beside it.

    python benchmarks/workers.py

prints a table and writes it to results/benchmarks/. The packages of the extra `large` are needed.
"""

import tempfile
import time
from pathlib import Path

import ray

from siamese_utils import chapters, models
from siamese_utils._files import write_whole
from siamese_utils.recognition import Reading

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
ENCODER = "photos"
N_REPEATS = 8  # of the 423 emoji
BATCH = 64


class Embedder:
    """One for each worker. Each has one thread, so that workers and not threads are compared."""

    def __init__(self):
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(1)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        self.encoder = models.load_pretrained(ENCODER)
        self.reading = Reading.of(self.encoder)

    def __call__(self, batch):
        images = self.reading.read(batch["path"].tolist())
        return {"embedding": models.embed(self.encoder, images), "at": [time.time()] * len(images)}


def images_a_second(paths, n_workers):
    """By the times at which blocks were done, without the first one of each worker."""
    files = ray.data.from_items([{"path": str(path)} for path in paths])
    done = files.map_batches(Embedder, batch_size=BATCH, concurrency=n_workers)
    times = sorted(row["at"] for row in done.select_columns("at").iter_rows())
    begun = n_workers * BATCH
    return (len(times) - begun) / (times[-1] - times[begun - 1])


def main():
    start = time.perf_counter()
    ray.init(num_cpus=2, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        root = chapters.write_emoji(Path(folder) / "emoji").resolve()
        paths = sorted(root.rglob("*.png")) * N_REPEATS
        measured = {n: images_a_second(paths, n) for n in (1, 2)}
    ray.shutdown()
    rows = [
        {"workers": n, "images a second": f"{rate:.0f}", "ratio": f"{rate / measured[1]:.2f}"}
        for n, rate in measured.items()
    ]
    text = chapters.markdown_table(rows)
    print(text)
    write_whole(FOLDER / "workers.md", lambda path: path.write_text(text + "\n", encoding="utf-8"))
    chapters.write_record(
        FOLDER / "workers.json",
        "benchmarks/workers",
        "full",
        {"encoder": ENCODER, "images": len(paths), "batch": BATCH},
        {"images_a_second": {str(n): rate for n, rate in measured.items()}},
        time.perf_counter() - start,
    )


if __name__ == "__main__":
    main()
