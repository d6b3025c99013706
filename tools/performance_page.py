"""Write book/performance.md and its figures from the records of the benchmarks.

python tools/performance_page.py
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
from results_page import RECORDS, ROOT, at, origin, save

from siamese_utils import chapters, plots
from siamese_utils._files import write_whole

BENCHMARKS = RECORDS / "benchmarks"
PAGE = ROOT / "book" / "performance.md"
FIGURES = PAGE.parent / "figures"

INTRODUCTION = """\
# Performance

How long do things take, and how does the time grow with the size of the task? Whatever this
page compares was measured side by side, in one run on one machine. Short measurements took turns,
so that a moment in which the machine was busy slowed all of them down alike. `make bench` measures,
and `make results` writes this page from the records. On another machine the seconds will be
different, but the ratios should be similar. Some tables have a *bar*: a value that the measurement
has to reach, or must not exceed. If it misses its bar, then `make bench` fails and says so.
"""

# How many times as fast, or as small: what the figure at the top names, record, and where in it.
RATIOS = (
    ("making pairs: time", "pairs", ("ratios", "build")),
    ("making pairs: memory", "pairs", ("ratios", "memory")),
    ("one-shot trials: time", "oneshot", ("measured", "together", "ratio")),
    ("distortions: time", "affine", ("ratios", "defaults")),
    ("triplets: time", "triplets", ("ratios", "time")),
    ("triplets: memory", "triplets", ("ratios", "memory")),
)

# The benchmarks against the older tutorials: heading, record, what is compared.
BESIDE = (
    (
        "Pairs",
        "pairs",
        "The older tutorials copy both images of every pair into one large array. We keep two "
        "indices for each pair, and look the images up batch by batch. Both make equally many "
        "pairs.",
    ),
    (
        "One-shot trials",
        "oneshot",
        "If a network is asked pair by pair, each 20-way trial costs 40 encodings. If every image "
        "is embedded once, its embedding serves all trials that the image is in. Both ways give "
        "the same answers.",
    ),
    (
        "Distortions",
        "affine",
        "The affine distortions of Koch's paper, applied to one image after the other in a loop, "
        "or to a whole batch at once.",
    ),
    (
        "Triplets",
        "triplets",
        "Three encodings for each listed triplet, or one encoding for each image of a batch and "
        "all triplets among them. Loss and optimiser are the same.",
    ),
    (
        "A step of the paper's network",
        "paper_step",
        "Each step takes 80 images, either as 40 listed pairs in float32, or as one batch with all "
        "of its pairs, in bfloat16 where the processor has units for it. On a processor without "
        "such units the first row has no bar.",
    ),
)


class Growth(NamedTuple):
    """A part of the growth benchmark: its text, and its figure, performance_KEY.png."""

    key: str  # in the record
    name: str  # of its table in growth.md
    text: str
    x: tuple[str, str]  # key in a row, and what stands at the axis
    y: str
    lines: tuple[tuple[str, str, str, str], ...]  # key in a row, label, style, color
    finding: Callable[[list[dict[str, Any]]], str]


def find_gallery(rows: list[dict[str, Any]]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"A query alone takes {short(first['alone_ms'])} ms among {first['stored']:,} stored "
        f"images and {short(last['alone_ms'])} ms among {last['stored']:,}; one of many together "
        f"takes {short(last['together_ms'])} ms there."
    )


def find_ways(rows: list[dict[str, Any]]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"From {first['ways']} to {last['ways']} ways, all trials pair by pair go from "
        f"{short(first['seconds_pairs'])} to {short(last['seconds_pairs'])} s, and with each image "
        f"embedded once from {short(first['seconds_once'])} to {short(last['seconds_once'])} s."
    )


def find_batch(rows: list[dict[str, Any]]) -> str:
    first, last = rows[0], rows[-1]
    return (
        f"A step on the {last['pairs']:,} pairs of {last['images']} images takes "
        f"{short(last['seconds_batch'])} s, and as many listed pairs take "
        f"{short(last['seconds_listed'])} s, {short(last['ratio'])} times as long; with "
        f"{first['images']} images it is {short(first['ratio'])} times."
    )


GROWTH = (
    Growth(
        "gallery",
        "Images in the gallery",
        "A gallery compares a query with every stored embedding, so time and memory grow with "
        "the number of stored images. Queries that are asked together are faster, because the "
        "stored embeddings are read from memory only once for all of them.",
        ("stored", "images stored"),
        "ms per query",
        (
            ("alone_ms", "a query alone", "-", plots.SAME),
            ("together_ms", "many together", "--", plots.GREY),
        ),
        find_gallery,
    ),
    Growth(
        "ways",
        "N in N-way",
        "Pair by pair, a trial takes 2 N encodings. (The table's times for that way are "
        "extrapolated from a few trials.) If each image is embedded once, there are as many "
        "encodings as different images in the trials. They grow with N only until every image "
        "has come; after that only the products of two vectors grow, one for each comparison. "
        "Pair by pair the time hardly grows while N is small, because each "
        "trial is a call of its own, which has a fixed cost.",
        ("ways", "N"),
        "seconds, all trials",
        (
            ("seconds_pairs", "pair by pair", "-", plots.DIFFERENT),
            ("seconds_once", "each image once", "--", plots.SAME),
        ),
        find_ways,
    ),
    Growth(
        "batch",
        "Images in a batch",
        "A batch of B images holds B (B − 1) / 2 pairs and costs B encodings, while every listed "
        "pair costs two. Equally many pairs are not equally much information, though: the pairs "
        "of a batch share its images, and as many listed pairs would show more different images.",
        ("pairs", "pairs compared"),
        "seconds of training",
        (
            ("seconds_listed", "listed pairs", "-", plots.DIFFERENT),
            ("seconds_batch", "all pairs of a batch", "--", plots.SAME),
        ),
        find_batch,
    ),
)


def short(value: float) -> str:
    """Three digits, or all of a large number."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ratios(folder: Path) -> list[tuple[str, float]]:
    """What is recorded of the ways of the older tutorials against those of the book."""
    found = []
    for name, record, path in RATIOS:
        file = folder / f"{record}.json"
        if file.exists():
            found.append((name, at(chapters.read_record(file)["metrics"], path)))
    return found


def ratios_part(folder: Path) -> list[str]:
    """The figure at the top of the page."""
    rows = ratios(folder)
    if not rows:
        return []
    listed = "; ".join(f"{name} {short(ratio)}" for name, ratio in rows)
    return [
        "```{figure} figures/performance_ratios.png\n"
        f":alt: Horizontal bars on a logarithmic axis. {listed}.\n"
        ":width: 90%\n\n"
        "How much more time or memory the code of the older tutorials takes than the book's. The "
        "last section of this page says what is compared.\n"
        "```\n"
    ]


def page(folder: Path = BENCHMARKS) -> str:
    """The page's text, from the records in a folder."""
    parts = [
        INTRODUCTION,
        *ratios_part(folder),
        "## Time to 92 %\n",
        "Koch's paper reports 92.0 % on its 20-way trials {cite:p}`Koch2015`. How long does one "
        "have to train to reach that on the official runs? We begin with 200 steps, and "
        "take more as long as they do not reach 92.0 %. Then the recipe "
        "of the public re-implementations is trained for as many seconds.\n",
        *with_table(folder, "time_to_92", time_finding),
        "## How cost grows\n",
        *growth_parts(folder),
        "## Backends\n",
        "How fast is each backend? We time a training step on 80 images, and the embedding of "
        "1,000 images, with the encoder, the loss and the distortions that "
        "[](../notebooks/08_past_the_paper) has at `quick`. The ratios compare each time with "
        "TensorFlow's. The first call is slower, most of all where it compiles (TensorFlow and "
        "JAX).\n",
        *with_table(folder, "backends"),
        *gpu_part(folder),
        "## Large galleries and folders\n",
        "The page {doc}`more_machines` explains three ways to find the nearest of many vectors: "
        "exact search, a graph of neighbours by usearch, and Qdrant, whose client is measured "
        "here without a server, as one would try it out. The vectors have 128 numbers, and 100 "
        "queries are asked at a time.\n",
        *with_table(folder, "vectors"),
        "The next table has the book's emoji, embedded by the encoder for photographs with one "
        "worker of Ray Data and with two, each with one thread. The time that the workers need to "
        "start is left out.\n",
        *with_table(folder, "workers"),
        "## Beside the older tutorials\n",
    ]
    for heading, name, text in BESIDE:
        parts += [f"### {heading}\n", f"{text}\n", *with_table(folder, name)]
    return "\n".join(parts)


def gpu_part(folder: Path) -> list[str]:
    """The paper's network on a GPU, or one line that says how to measure it."""
    name = "gpu_training"
    if not (folder / f"{name}.json").exists():
        return [
            f"On a GPU, `python benchmarks/{name}.py` measures a training step of the paper's "
            "network; none is recorded yet.\n"
        ]
    return [
        "## The paper's network on a GPU\n",
        "A training step of Koch's network {cite:p}`Koch2015` with this package, beside the same "
        "network in plain PyTorch, compiled, both in bfloat16, and beside the rate at which the "
        "card multiplies matrices. There are two bars: a fifth of that rate, and the speed of "
        "plain PyTorch.\n",
        *with_table(folder, name),
    ]


def with_table(
    folder: Path, name: str, finding: Callable[[dict[str, Any]], str] | None = None
) -> list[str]:
    """What a record says, where it comes from, and its table; or that there is none."""
    path = folder / f"{name}.json"
    if not path.exists():
        return [missing(name)]
    record = chapters.read_record(path)
    said = [f"{finding(record['metrics'])}\n"] if finding else []
    return [*said, origin(record), include(name), *missed_bars(record)]


def missed_bars(record: dict[str, Any]) -> list[str]:
    """A sentence for each ratio of a record that is below its bar."""
    bars, ratios = record["settings"].get("bars", {}), record["metrics"].get("ratios", {})
    return [
        f"This run missed a bar: in {key} the ratio is {ratios[key]:.2f}, and the bar is {bar}.\n"
        for key, bar in bars.items()
        if key in ratios and ratios[key] < bar
    ]


def missing(name: str) -> str:
    return f"No run of `benchmarks/{name}.py` is recorded yet; `make bench` makes one.\n"


def include(name: str, *options: str) -> str:
    """A table, or with options a part of it."""
    return "\n".join([f"```{{include}} ../results/benchmarks/{name}.md", *options, "```\n"])


def time_finding(metrics: dict[str, Any]) -> str:
    ours, seconds = metrics["ours"][-1], f"{metrics['seconds']:,.0f}"
    others = " and ".join(
        f"{100 * entry['accuracy']:.1f} % ({entry['training'].partition(', ')[2]})"
        for entry in metrics["sources"]
    )
    reached = "has" if metrics["reached"] else "falls short: it has"
    return (
        f"Our schedule of {ours['steps']:,} steps {reached} {100 * ours['accuracy']:.1f} % after "
        f"{seconds} s; the sources' recipe has {others} after as long."
    )


def growth_parts(folder: Path) -> list[str]:
    path = folder / "growth.json"
    if not path.exists():
        return [missing("growth")]
    record = chapters.read_record(path)
    parts = [origin(record)]
    for part, following in zip(GROWTH, [*GROWTH[1:], None], strict=True):
        finding = part.finding(record["metrics"][part.key])
        # The table stands between its name and the next one's.
        bounds = [f":start-after: '**{part.name}**'"]
        if following:
            bounds.append(f":end-before: '**{following.name}**'")
        parts += [
            f"### {part.name}\n",
            f"{part.text} {finding}\n",
            f"```{{image}} figures/performance_{part.key}.png",
            f":alt: Both axes are logarithmic. {finding}",
            ":width: 75%\n:align: center\n```\n",
            include("growth", *bounds),
        ]
    return parts


# Figures -----------------------------------------------------------------------------


def write_figures(folder: Path = BENCHMARKS, figures: Path = FIGURES) -> None:
    """Draw the ratios and the growth record; without records, no figure stays."""
    for old in figures.glob("performance_*.png"):
        old.unlink()
    if rows := ratios(folder):
        with plt.rc_context():
            draw_ratios(rows, figures / "performance_ratios.png")
    path = folder / "growth.json"
    if not path.exists():
        return
    metrics = chapters.read_record(path)["metrics"]
    with plt.rc_context():
        plots.use_style()
        for part in GROWTH:
            rows = metrics[part.key]
            figure, axis = plt.subplots(figsize=(5.4, 2.8))
            x = [row[part.x[0]] for row in rows]
            for key, label, style, color in part.lines:
                y = [row[key] for row in rows]
                axis.plot(x, y, style, marker="o", ms=4, color=color, label=label)
            axis.set(xscale="log", yscale="log", xlabel=part.x[1], ylabel=part.y)
            axis.set_xticks(x, [f"{size:,}" for size in x])  # what was measured
            axis.set_xticks([], minor=True)
            axis.yaxis.set_major_formatter("{x:g}")
            axis.legend()
            save(figure, rows, figures / f"performance_{part.key}.png")


def draw_ratios(rows: list[tuple[str, float]], path: Path) -> None:
    plots.use_style()
    figure, axis = plt.subplots(figsize=(6.4, 0.4 * len(rows) + 0.8))
    names, values = zip(*rows, strict=True)
    bars = axis.barh(names, values, color=plots.SAME)
    axis.bar_label(bars, [f"{short(value)} times" for value in values], padding=4)
    axis.set(xscale="log", xlim=(1, 4 * max(values)), xlabel="older tutorials / this book")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.invert_yaxis()
    save(figure, rows, path)


def main() -> None:
    if len(sys.argv) > 1:
        raise SystemExit(f"this takes no arguments, but was given {' '.join(sys.argv[1:])}")
    text = page()
    write_whole(PAGE, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    write_figures()


if __name__ == "__main__":
    main()
