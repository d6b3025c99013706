"""The paper's distortions: one image at a time with SciPy, and a batch at a time.

The tutorials' way: for each image draw the parameters, make a matrix, and call
`scipy.ndimage.affine_transform`, whose default is cubic splines (order 3). The bar is
about that. A second loop asks SciPy for bilinear interpolation (order 1), which is what
the package computes.

    python benchmarks/affine.py

prints a table and writes it to results/benchmarks/.
"""

import time
from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import numpy as np
from scipy import ndimage

from siamese_utils import augment, chapters, datasets
from siamese_utils._files import write_whole

FOLDER = Path(__file__).resolve().parents[1] / "results" / "benchmarks"
BARS = {"defaults": 20, "bilinear": 5}  # how many times faster, at least
SEED = 1
N_IMAGES = 256  # the two images of each of the paper's 128 pairs
N_BATCHES = 16  # in a turn of the package; one batch would be over before the clock settles
REPEATS = 7


def draw(rng):
    """Parameters of one transform, in the ranges of the paper, as a loop would draw them."""
    values = np.array(augment.NEUTRAL)
    for i, reach in enumerate(augment.REACH):
        if rng.random() < 0.5:
            values[i] += rng.uniform(-reach, reach)
    return values


def one_by_one(images, rng, order):
    """The tutorials' way; (n, height, width, 1) to the same."""
    distorted = []
    centre = np.array(images.shape[1:3]) / 2 - 0.5  # (row, column)
    for image in images:
        angle, shear_x, shear_y, scale_x, scale_y, shift_x, shift_y = draw(rng)
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        turn = np.array([[cos, -sin], [sin, cos]])
        forward = turn @ np.array([[1, shear_x], [shear_y, 1]]) @ np.diag([scale_x, scale_y])
        inverse = np.linalg.inv(forward)[::-1, ::-1]  # SciPy's points are (row, column)
        offset = centre - inverse @ (centre + np.array([shift_y, shift_x]))
        distorted.append(ndimage.affine_transform(image[:, :, 0], inverse, offset, order=order))
    return np.stack(distorted)[..., None]


def batches(images, rng):
    """The package's way, for batch after batch as in a training."""
    for _ in range(N_BATCHES):
        augment.affine(images, rng)


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main():
    rng = np.random.default_rng(SEED)
    background = datasets.load_omniglot().images
    chosen = np.sort(rng.choice(len(background), N_IMAGES, replace=False))
    ink = background[chosen]  # bytes
    images = ink.astype("float32")  # SciPy would round to whole bytes
    augment.affine(ink, SEED)  # the first call compiles and is not counted
    measured = {"defaults": [], "bilinear": [], "batch": []}
    for _ in range(REPEATS):  # taking turns, so that a busy moment meets all
        measured["defaults"].append(seconds(one_by_one, images, rng, 3))
        measured["batch"].append(seconds(batches, ink, rng))
        measured["bilinear"].append(seconds(one_by_one, images, rng, 1))
    n_images = {"defaults": N_IMAGES, "batch": N_BATCHES * N_IMAGES, "bilinear": N_IMAGES}
    per_second = {key: n_images[key] / float(np.median(measured[key])) for key in measured}
    ratios = {key: per_second["batch"] / per_second[key] for key in BARS}
    names = {
        "defaults": "SciPy, one by one, its defaults (cubic)",
        "bilinear": "SciPy, one by one, bilinear",
        "batch": "`augment.affine`, a batch of 256, bilinear",
    }
    rows = [
        {
            "way": name,
            "images a second": f"{per_second[key]:,.0f}",
            "the batch is faster by": f"{ratios[key]:.1f}" if key in BARS else "",
            "bar": f"≥ {BARS[key]}" if key in BARS else "",
        }
        for key, name in names.items()
    ]
    table = chapters.markdown_table(rows)
    print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_whole(FOLDER / "affine.md", lambda path: path.write_text(table + "\n", encoding="utf-8"))
    settings = {"images": N_IMAGES, "batches": N_BATCHES, "repeats": REPEATS}
    metrics = {"measured": measured, "images_per_second": per_second, "ratios": ratios}
    total = sum(map(sum, measured.values()))
    chapters.write_record(
        FOLDER / "affine.json", "benchmarks/affine", "full", settings, metrics, total
    )
    missed = [key for key, ratio in ratios.items() if ratio < BARS[key]]
    if missed:
        raise SystemExit(f"below the bar: {', '.join(missed)}")


if __name__ == "__main__":
    main()
