"""Triplets of MNIST digits, materialised or within a batch, side by side in one run.

Materialised: the three images of every triplet are stacked in memory, and the encoder is called
on anchors, positives and negatives, so a triplet costs three encodings. Within a batch: the
images are encoded once, and `TripletLoss` takes the mean over all triplets that they form.
Both train the same encoder from the same weights, and one step over the same triplets is the
same step, which is checked first.

What is compared is the time for equal triplets seen. That is not equal information: 4,320
triplets drawn from all of MNIST show the encoder up to 12,960 images, the batch shows it 40.

    python benchmarks/triplets.py

prints a table and writes it to results/benchmarks/.
"""

import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import numpy as np

from siamese_utils import chapters, datasets, distances, losses, models, sampling
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BARS = {"time": 10, "memory": 50}  # how many times better, at least
SEED = 1
REPEATS = 3
N_CLASSES, N_IMAGES = 10, 4
STEPS = 20  # of one batch each, in a turn
BATCH_SIZE = 432  # of materialised triplets: a tenth of those of one batch
SHAPE = (28, 28, 1)
NOTE = (
    "Equal triplets seen is not equal information: the triplets of a batch share its {images} "
    "images, while as many triplets drawn from the whole set would show up to {encodings:,}."
)


def list_triplets(labels):
    """All triplets of a batch, as indices (n_triplets, 3): anchor, positive, negative."""
    same = labels[:, None] == labels
    partners = same & ~np.eye(len(labels), dtype=bool)
    return np.argwhere(partners[:, :, None] & ~same[:, None, :])


def materialise(images, triplets):
    """The images of every triplet: (n_triplets, 3, height, width, channels)."""
    return images[triplets]


def softplus_loss(_, both):
    """Mean loss of (n_triplets, 2) distances, to the positive and to the negative."""
    return losses.triplet(both[:, 0], both[:, 1], "softplus")


def three_input_network(encoder, optimizer):
    """Anchor, positive, negative to the two distances."""
    anchor, positive, negative = inputs = [keras.Input(encoder.input_shape[1:]) for _ in range(3)]
    anchor, positive, negative = map(encoder, (anchor, positive, negative))
    distance = distances.EuclideanDistance()
    both = [distance([anchor, positive]), distance([anchor, negative])]
    network = keras.Model(inputs, keras.ops.stack(both, axis=-1))
    network.compile(optimizer, softplus_loss)
    return network


def batch_network(encoder, optimizer):
    encoder.compile(optimizer, losses.TripletLoss("batch_all", "softplus"))
    return encoder


def new_encoder():
    keras.utils.set_random_seed(SEED)
    return models.conv_encoder(SHAPE)


def one_step(build, x, y):
    """Loss, and minus the gradient, of one step from the same weights: SGD at a rate of 1."""
    encoder = new_encoder()
    before = encoder.get_weights()
    loss = build(encoder, keras.optimizers.SGD(1.0)).train_on_batch(x, y)
    after = encoder.get_weights()
    return float(loss), np.concatenate(
        [(b - a).ravel() for a, b in zip(before, after, strict=True)]
    )


def agreement(images, labels):
    """How far apart both ways are over the triplets of one batch: loss and step, relative."""
    stacked = materialise(images, list_triplets(labels))
    loss, step = one_step(three_input_network, columns(stacked), np.zeros(len(stacked)))
    batch_loss, batch_step = one_step(batch_network, images, labels)
    norm = np.linalg.norm
    return abs(loss / batch_loss - 1), float(norm(step - batch_step) / norm(batch_step))


def columns(stacked):
    return [np.ascontiguousarray(stacked[:, i]) for i in range(3)]


def seconds(network, *data, **options):
    start = time.perf_counter()
    network.fit(*data, epochs=1, verbose=0, **options)
    return time.perf_counter() - start


def short(value):
    """Three digits, or all of a large number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main():
    start = time.perf_counter()
    (images, labels), _ = datasets.load_mnist()
    batches = sampling.ClassBatches(images, labels, N_CLASSES, N_IMAGES, STEPS, SEED)
    batch, batch_labels = batches[0]
    triplets = list_triplets(batch_labels)
    stacked = materialise(batch, triplets)
    apart = agreement(batch[:20], batch_labels[:20])  # of five classes, to be quick
    if max(apart) > 1e-3:
        raise SystemExit(f"the two ways differ: loss by {apart[0]:.1e}, step by {apart[1]:.1e}")

    by_triplet = three_input_network(new_encoder(), "adam")
    by_batch = batch_network(new_encoder(), "adam")
    x, y = columns(stacked), np.zeros(len(stacked))
    taken = {"triplets": [], "batch": []}  # per 1,000 triplets seen
    seconds(by_triplet, [part[:BATCH_SIZE] for part in x], y[:BATCH_SIZE], batch_size=BATCH_SIZE)
    seconds(by_batch, batches)  # the first steps compile and are not counted
    for _ in range(REPEATS):  # taking turns, so that a busy moment meets both
        taken["triplets"].append(
            seconds(by_triplet, x, y, batch_size=BATCH_SIZE) * 1000 / len(triplets)
        )
        taken["batch"].append(seconds(by_batch, batches) * 1000 / (STEPS * len(triplets)))
    measured = {
        "encodings": {"triplets": 3 * len(triplets), "batch": len(batch)},
        "time": {way: float(np.median(values)) * 1000 for way, values in taken.items()},
        "memory": {
            "triplets": stacked.nbytes / 1e6,
            "batch": (batch.nbytes + 4 * len(batch) ** 3) / 1e6,
        },
    }
    names = {
        "encodings": f"images encoded for {len(triplets):,} triplets",
        "time": "training, per 1,000 triplets seen (ms)",
        "memory": "images in memory; of the batch also its batch³ losses (MB)",
    }
    rows, ratios = [], {}
    for key, both in measured.items():
        ratios[key] = both["triplets"] / both["batch"]
        rows.append(
            {
                "what": names[key],
                "triplets materialised": short(both["triplets"]),
                "one batch of images": short(both["batch"]),
                "ratio": f"{ratios[key]:.1f}",
                "bar": f"≥ {BARS[key]}" if key in BARS else "",
            }
        )
    note = NOTE.format(images=len(batch), encodings=3 * len(triplets))
    table = f"{chapters.markdown_table(rows)}\n\n{note}"
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(
        FOLDER / "triplets.md", lambda path: path.write_text(table + "\n", encoding="utf-8")
    )
    settings = {
        "n_classes": N_CLASSES,
        "n_images": N_IMAGES,
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "repeats": REPEATS,
        "seed": SEED,
    }
    metrics = {
        "measured": measured,
        "seconds_per_1000": taken,
        "ratios": ratios,
        "n_triplets": len(triplets),
        "apart": {"loss": apart[0], "step": apart[1]},
    }
    chapters.write_record(
        FOLDER / "triplets.json",
        "benchmarks/triplets",
        "full",
        settings,
        metrics,
        time.perf_counter() - start,
    )
    missed = [key for key, bar in BARS.items() if ratios[key] < bar]
    if missed:
        raise SystemExit(f"below the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
