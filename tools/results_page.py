"""Write book/results.md, the page of the recorded runs, from the records in results/.

python tools/results_page.py
"""

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import run_chapters
from matplotlib.figure import Figure

from siamese_utils import chapters, plots
from siamese_utils._files import write_whole
from siamese_utils.evaluation import wilson_interval

ROOT = run_chapters.ROOT
PAGE = ROOT / "book" / "results.md"
PICTURE = PAGE.parent / "figures" / "results_official.png"
RECORDS = ROOT / "results"
LONGEST = 8  # values of a list that are shown one by one
MOST_COLUMNS = 8  # more do not fit the width of a page, and the table is turned

INTRODUCTION = """\
# Recorded runs

The chapters show what runs in minutes on two processor cores. Longer trainings were run once and
recorded, and this page shows what they reached, together with the machine, the versions and the
settings that the numbers come from. Most records come from scripts in `benchmarks`, which each
section names; a run of a whole chapter at its `full` profile comes from `make full`. A training
that is recorded is not repeated. `make results` writes this page from the records. How fast things
are is on the page about [performance](performance).

Accuracies and other shares are in percent. The brackets behind a number hold its 95 % interval
{cite:p}`Wilson1927`; where they name seeds, folds or the like, they hold the lowest and the highest
of these. *The source* is the tutorial or the paper whose experiment is repeated.
"""

N_OFFICIAL = 400  # trials of the official runs
PUBLISHED = (
    ("Koch et al. (2015)", 0.92),
    ("people", 0.955),
    ("BPL, Lake et al. (2015)", 0.967),
    ("ARC, Shyam et al. (2017)", 0.985),
)
# Part of a record, which of its figures, and what the system is called.
OURS = (
    ("paper_network", "recorded", "official_runs", "the paper's network, in this book"),
    ("frontier", "long", "official runs, plain", "the recipe of Past the paper"),
    ("frontier", "long", "official runs, nine shifts", "the same, nine shifts"),
)

MNIST = """\
## MNIST pairs

`benchmarks/mnist_pairs.py` ran what [](../notebooks/03_mnist_pairs) claims from several seeds:
the source's network for its 20 epochs, the choice of the ConvNet on validation images, networks on
the digits of their training and on digits that they never saw, and one unseen digit against the
number of digits in the training.
"""
LOSSES = """\
## Losses on equal terms

`benchmarks/compared_losses.py` trained one encoder with each loss on 25 background alphabets.
The learning rate and one value of its own were chosen for each loss on five further alphabets,
with five tries each and two more for three of the losses, and measured from three seeds on the 20
evaluation alphabets.
[](../notebooks/06_triplet) explains the losses and the measures.
"""
FRONTIER = """\
## Past the paper

`benchmarks/frontier.py` made the trainings of [](../notebooks/08_past_the_paper). *Within* is
20-way one-shot accuracy on 10,000 fixed trials within an alphabet; *nine shifts* is the same with
the mean of nine embeddings of each image, shifted by a pixel. In the tables with a column for each
seed, the intervals come from drawing the alphabets again, but for trials across alphabets. The
other tables have the mean of the seeds, with the lowest and the highest. The machine had other
work beside most of the trainings, so minutes are a rough guide.
"""
BY_MEASURE = ("long", "quick", "minimal", "across")  # the others have a row for each network
FRONTIER_PARTS = {
    "long": "With 20,000 steps on all 30 background alphabets, measured on the 20 evaluation "
    "alphabets.",
    "quick": "What the chapter trains on its page, measured on the same.",
    "minimal": "With 4,000 steps on each of the two sets of five alphabets of "
    "{cite:t}`Lake2015`, measured on the official runs.",
    "across": "With 4,000 steps on 1,200 characters of all 50 alphabets, measured among the other "
    "423 characters in four turns each, whatever their alphabets.",
    "ladder": "On 25 background alphabets, measured on the other five. Each row keeps the changes "
    "of the rows above it, but for those that begin with *tried*.",
    "parts": "The rung *letters composed of two* of the ladder with one part changed, measured on "
    "the same five alphabets.",
}
PAPER_NETWORK = "paper_network.json"
PAPER_NETWORK_FIGURE = """\
## The paper's network

`benchmarks/paper_network.py` trained the network of Koch et al. {cite:p}`Koch2015`, all
38,951,745 weights, on the thirty background alphabets. [](../notebooks/01_koch_paper) builds
it, and [](../notebooks/05_omniglot_20way) explains the official runs.

```{figure} figures/paper_network.png
:alt: 20-way accuracy against training images; the curves rise steeply to 70 % and then flatten.

20-way accuracy on ten alphabets that are in no official run, while the network is trained.
Dots: the training of two minutes in the first chapter.
```

The paper does not say whether its different pairs show letters of one alphabet or of any two, so
its 93.42 % stands in both columns of the table.
"""
LADDER = """\
The next table makes one change after the other, from the recipe of the public implementations to
ours, and each row keeps the changes of the rows above it. Each network was trained on 60,000 images
of 25 background alphabets and is measured on the other five.
"""
TRIED = """\
The following changes were tried as well, each as a single change of the last row above.
"""


# Records that are shown as they are: a heading, and what was trained.
OTHERS = {
    "reptile": (
        "Past the paper: Reptile",
        "The comparison with learning to learn in [](../notebooks/08_past_the_paper). The inner "
        "rate and the steps at the trial were chosen on five background alphabets; the chosen "
        "ones answered 1,000 of the trials within the evaluation alphabets.",
    ),
    "averaging": (
        "Past the paper: averages",
        "Embeddings are averaged over several shifts, and the number behind *maps* is the weight "
        "of the cosine of two earlier maps. Shifts and weight were chosen on five background "
        "alphabets, with the recipe on the other 25; what was chosen was then measured with the "
        "long trainings.",
    ),
}


class Headline(NamedTuple):
    """A number that a chapter is about, where its record has it, and what the source says."""

    what: str
    path: tuple[str, ...]
    source: str = ""
    repeated: str = ""  # what a list of values are: folds, repetitions
    interval: tuple[str, ...] = ()  # where the record keeps it apart from the number


SPLIT = "source_own_split"
HEADLINES = {
    "01_koch_paper": [
        Headline("20-way, nearest pixels", ("nearest_pixels", "accuracy")),
        Headline("20-way, before the training", ("untrained", "accuracy")),
        Headline("20-way, after it", ("trained", "accuracy")),
        Headline("images per second", ("images_per_second",)),
    ],
    "02_contrastive_loss": [
        *(
            Headline(f"{name}, {kind}", ("accuracy", way, kind), repeated="seeds")
            for name, way in (("listed pairs", "Euclidean"), ("all pairs", "Euclidean, all pairs"))
            for kind in ("digits seen", "digits never seen")
        ),
        Headline(
            "pairs per second, all of a batch against listed ones (times)",
            ("pairs_per_second_gain",),
        ),
    ],
    "03_mnist_pairs": [
        Headline("dense network, training pairs, at 0.5", ("dense_at_half", "train"), "99.59 %"),
        Headline("dense network, test pairs, at 0.5", ("dense_at_half", "test"), "97.30 %"),
        Headline("dense network, test pairs, threshold chosen", ("accuracy", "dense network")),
        Headline("ConvNet, threshold chosen", ("accuracy", "ConvNet")),
        Headline("ConvNet, digits never seen", ("unseen_accuracy", "ConvNet"), repeated="folds"),
        Headline("pixels, digits never seen", ("unseen_accuracy", "raw pixels"), repeated="folds"),
    ],
    "04_att_faces": [
        Headline("source's network, its own split: precision", (SPLIT, "precision"), "94.9 %"),
        Headline("source's network, its own split: accuracy", (SPLIT, "accuracy")),
        Headline("EER of the source's network", ("source_eer",), repeated="folds"),
        Headline("EER of raw pixels", ("equal_error_rate", "raw pixels"), repeated="folds"),
        Headline("EER of Fisherfaces", ("equal_error_rate", "Fisherfaces"), repeated="folds"),
        *(
            Headline(f"EER of the {name}", ("equal_error_rate", name), repeated="folds")
            for name in ("trained recipe", "photo encoder", "photo encoder, whitened")
        ),
    ],
    "05_omniglot_20way": [
        Headline(
            "official runs, small network",
            ("official_runs", "small network", "accuracy"),
            "92.0 % {cite:p}`Koch2015`",
        ),
        Headline("official runs, nearest pixels", ("official_runs", "nearest pixels", "accuracy")),
        Headline(
            "pairs of one alphabet, small network",
            ("verification", "small network", "one_alphabet", "accuracy"),
            "93.42 %",
        ),
        Headline(
            "10-way MNIST, small network",
            ("mnist", "small network, digits as they are", "accuracy"),
            "70.3 %",
        ),
    ],
    "06_triplet": [
        Headline("nearest neighbour, digits, semi-hard", ("nearest_neighbour", "semi-hard")),
        Headline("nearest neighbour, digits, batch hard", ("nearest_neighbour", "batch hard")),
        Headline("nearest neighbour, digits, raw pixels", ("nearest_neighbour", "raw pixels")),
    ],
    "07_your_own_images": [
        Headline("letters, encoder of handwriting", ("ready", "letters, omniglot")),
        Headline("emoji, encoder of photographs", ("ready", "emoji, photos")),
        Headline(
            "emoji, encoder of photographs, whitened", ("fitted", "emoji, photos", "whitened")
        ),
        Headline(
            "letters never seen, EER of our recipe", ("own", "the book's recipe", "never seen")
        ),
    ],
    "08_past_the_paper": [
        Headline(
            "official runs, nine shifts",
            ("official runs", "nine shifts"),
            "96.7 % (BPL {cite:p}`Lake2015`)",
        ),
        Headline("20 ways within an alphabet", ("within", "this encoder")),
        Headline("seconds of training", ("seconds of training",)),
    ],
}
# The metrics that are shares, and all below them; other numbers are shown as they are.
SHARES = {
    *("accuracy after", "accuracies", "accuracy", "active", "active_triplets", "dense_at_half"),
    *("eer", "equal_error_rate", "fitted", "interval", "mean", "mnist", "n_way"),
    *(
        "nearest",
        "nearest_neighbour",
        "official runs",
        "official_runs",
        "one_shot",
        "own",
        "own_split",
    ),
    *("person_errors", "precision", "ready", "recall", "seen", "source_eer", "unseen_accuracy"),
    *("validation", "verification", "within"),
}


class Measured(NamedTuple):
    """A share with its interval."""

    value: float
    interval: tuple[float, float]


def page(records: Path = RECORDS) -> str:
    """The page's text, from the records in a folder."""
    full = {path.stem: path for path in sorted(records.glob("full/*.json"))}
    parts = [INTRODUCTION, *official_part(records)]
    trained = records / "recorded" / PAPER_NETWORK
    if trained.exists():
        parts += paper_network_part(chapters.read_record(trained))
    by_part = {
        path: part
        for name, part in (
            ("mnist_pairs", mnist_part),
            ("compared_losses", losses_part),
            ("frontier", frontier_part),
        )
        if (path := records / "recorded" / f"{name}.json").exists()
    }
    for path, part in by_part.items():
        parts += part(chapters.read_record(path))
    missing = []
    for chapter in run_chapters.names():
        if chapter in full:
            parts += chapter_part(chapter, full.pop(chapter))
        else:
            missing.append(f"[](../notebooks/{chapter})")
    if missing:
        parts.append(
            f"No full run is recorded yet of {', '.join(missing)}. `make full` makes them, on a "
            "GPU if there is one.\n"
        )
    # A run by other means, and one of a chapter that is gone.
    told = {trained, *by_part}
    others = [path for path in sorted(records.glob("recorded/*.json")) if path not in told]
    others += full.values()
    if others:
        parts.append("## Other recorded runs\n")
    for path in others:
        heading, sentence = OTHERS.get(path.stem, (path.stem, ""))
        record = chapters.read_record(path)
        entries = list(record["metrics"].values())
        trainings = entries and all(isinstance(e, dict) and "settings" in e for e in entries)
        numbers = each_training(record["metrics"]) if trainings else all_numbers(record)
        said = [f"{sentence}\n"] if sentence else []
        parts += [f"### {_cell(heading)}\n", *said, origin(record), *numbers]
    return "\n".join(parts)


def official_runs(records: Path) -> list[tuple[str, list[float]]]:
    """Accuracies on the official runs: of each system, as published or from several seeds."""
    found = [(name, [accuracy]) for name, accuracy in PUBLISHED]
    for record, part, measure, name in OURS:
        path = records / "recorded" / f"{record}.json"
        if path.exists():
            entries = _of_part(chapters.read_record(path)["metrics"], part).values()
            if accuracies := [entry[measure]["accuracy"] for entry in entries]:
                found.append((name, accuracies))
    return found


def official_part(records: Path) -> list[str]:
    """The figure at the top of the page, where anything of ours is recorded."""
    rows = official_runs(records)
    if len(rows) == len(PUBLISHED):
        return []
    told = "; ".join(
        f"{name} {', '.join(f'{100 * each:.1f}' for each in values)} %" for name, values in rows
    )
    return [
        f"""\
```{{figure}} figures/{PICTURE.name}
:alt: Dots on an axis from 88 to 100 per cent. {told}.
:width: 90%

20-way one-shot accuracy on the official runs. A dot is a published figure (grey) or one of our
seeds. A line shows how far 400 trials can be trusted: the 95 % interval around the mean. Koch and
ARC had 40 alphabets to learn and choose from, BPL and this book 30.
```
"""
    ]


def draw_official(rows: list[tuple[str, list[float]]], path: Path = PICTURE) -> None:
    with plt.rc_context():
        plots.use_style()
        figure, axis = plt.subplots(figsize=(6.4, 0.4 * len(rows) + 0.8))
        for row, (name, values) in enumerate(rows):
            color = plots.GREY if (name, values[0]) in PUBLISHED else plots.SAME
            mean = sum(values) / len(values)
            interval = wilson_interval(round(mean * N_OFFICIAL), N_OFFICIAL)
            axis.plot([100 * end for end in interval], [row, row], color=color, alpha=0.5)
            axis.plot([100 * value for value in values], [row] * len(values), "o", color=color)
        axis.set_yticks(range(len(rows)), [name for name, _ in rows])
        axis.set(xlim=(88, 100), xlabel="trials answered rightly (%)")
        axis.invert_yaxis()
        save(figure, rows, path)


def figure_digest(rows: list[Any]) -> str:
    """Names the numbers that a figure shows; kept in its file, where a test finds it."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def save(figure: Figure, rows: list[Any], path: Path) -> None:
    figure.savefig(path, metadata={"Description": figure_digest(rows), "Software": None})
    plt.close(figure)


def paper_network_part(record: dict[str, Any]) -> list[str]:
    """The curve of the paper's network, and a table of its recorded runs and of the ladder."""
    recorded, rungs, tried = (
        {
            name.removeprefix(f"{part}: "): entry
            for name, entry in record["metrics"].items()
            if name.startswith(f"{part}: ")
        }
        for part in ("recorded", "ladder", "tried")
    )
    again = {name: rungs.pop(name) for name in list(rungs) if name.endswith(", seed 2")}
    rows = [
        {
            "": name,
            "images": f"{entry['images']:,}",
            "minutes": f"{entry['seconds'] / 60:.0f}",
            "official runs": share_of(entry["official_runs"]),
            "pairs of any two letters": share_of(entry["verification"]["any_two"]),
            "pairs of one alphabet": share_of(entry["verification"]["one_alphabet"]),
            "10-way MNIST": share_of(entry["mnist_as_they_are"]),
        }
        for name, entry in recorded.items()
    ]
    if len(recorded) > 1:
        runs = [entry["official_runs"]["accuracy"] for entry in recorded.values()]
        mean = dict.fromkeys(rows[0], "") | {"": f"mean of {len(runs)} seeds"}
        rows.append(mean | {"official runs": f"{100 * sum(runs) / len(runs):.1f} %"})
    paper = {"": "the paper {cite:p}`Koch2015`", "images": "", "minutes": ""}
    paper |= {"official runs": "92.0 %", "pairs of any two letters": "93.42 %"}
    rows.append(paper | {"pairs of one alphabet": "93.42 %", "10-way MNIST": "70.3 %"})
    parts = [PAPER_NETWORK_FIGURE, origin(record), chapters.markdown_table(rows) + "\n"]
    for text, entries in ((LADDER, rungs), (TRIED, tried)):
        if entries:
            table = [
                {
                    "": name,
                    "pairs": f"{entry['pairs']:,}",
                    "minutes": f"{entry['seconds'] / 60:.0f}",
                    "20-way, validation": share_of(entry["validation"]),
                }
                for name, entry in entries.items()
            ]
            if entries is rungs and again:
                for row in table:
                    second = again.get(f"{row['']}, seed 2")
                    row["second seed"] = share_of(second["validation"]) if second else ""
            parts += [text, chapters.markdown_table(table) + "\n"]
    return parts


def mnist_part(record: dict[str, Any]) -> list[str]:
    """What chapter 03 claims of MNIST: means over the seeds or digits of its recorded runs."""
    entries = record["metrics"]
    parts = [MNIST, origin(record)]
    of_source = _of_part(entries, "source")
    if of_source:
        rows = [
            {
                "": f"{kind} pairs, at {where}",
                "recorded": spread([run[key][kind] for run in of_source.values()], "seeds"),
                "source": told if key == "at_half" else "",
            }
            for key, where in (("at_half", "0.5"), ("at_threshold", "the chosen threshold"))
            for kind, told in (("training", "99.59 %"), ("test", "97.30 %"))
        ]
        parts.append(chapters.markdown_table(rows) + "\n")
    of_choice: dict[str, list[float]] = {}
    for name, run in _of_part(entries, "choice").items():
        of_choice.setdefault(name.partition(", seed ")[0], []).append(100 * run["equal_error_rate"])
    rows = [
        {
            "ConvNet": name,
            "EER, validation images": f"{sum(rates) / len(rates):.2f} %",
            "seeds": ", ".join(f"{rate:.2f}" for rate in rates),
        }
        for name, rates in sorted(of_choice.items(), key=lambda item: sum(item[1]) / len(item[1]))
    ]
    if rows:
        parts.append(chapters.markdown_table(rows) + "\n")
    of_folds = _of_part(entries, "folds")
    rows = []
    for loss in ("all pairs", "softmax"):
        runs = [r for name, r in of_folds.items() if name.startswith(loss) and r["held_out"]]
        if runs:
            row = {"loss": loss}
            for kind in ("seen", "never seen"):
                rates = [run[kind]["equal_error_rate"] for run in runs]
                row[f"EER, digits {kind}"] = spread(rates, "networks")
            rows.append(row)
    if rows:
        parts.append(chapters.markdown_table(rows) + "\n")
    of_classes = _of_part(entries, "classes")
    rows = []
    for n in range(2, 10):
        runs = [run for run in of_classes.values() if len(run["seen"]) == n]
        if runs:
            rates = [run["equal_error_rate against all"] for run in runs]
            rows.append({"digits in the training": n, "EER, one unseen": spread(rates, "digits")})
    if rows:
        parts.append(chapters.markdown_table(rows) + "\n")
    return parts


def losses_part(record: dict[str, Any]) -> list[str]:
    """Each loss of the comparison with the values that it chose: the mean of three seeds."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for name, entry in record["metrics"].items():
        loss, chosen, _ = name.partition(", chosen, seed ")
        if chosen:
            runs.setdefault(loss, []).append(entry)
    rows = []
    for loss, entries in runs.items():
        values = entries[0]["values"]
        row = {
            "loss": loss.removeprefix("letters: "),
            "chosen": ", ".join(f"{k} {v:g}" for k, v in values.items()),
        }
        for key, title in (
            ("one_shot", "20-way, one alphabet"),
            ("recall_at_1", "Recall@1"),
            ("map_at_r", "MAP@R"),
        ):
            row[title] = spread([entry[key]["mean"] for entry in entries], "seeds")
        rows.append(row)
    return [LOSSES, origin(record), *([chapters.markdown_table(rows) + "\n"] if rows else [])]


def frontier_part(record: dict[str, Any]) -> list[str]:
    """A table for each part of the trainings of chapter 08: a row is a network from its seeds."""
    trained = sum(minutes_of_training([entry]) for entry in record["metrics"].values())
    parts = [FRONTIER, origin(record, f"{trained:.0f} minutes of training")]
    for part, sentence in FRONTIER_PARTS.items():
        seeds: dict[str, list[dict[str, Any]]] = {}
        for name, entry in _of_part(record["metrics"], part).items():
            seeds.setdefault(name.rpartition(", seed ")[0], []).append(entry)
        if seeds:
            rows = by_measure(seeds) if part in BY_MEASURE else by_network(seeds)
            parts += [f"{sentence}\n", chapters.markdown_table(rows) + "\n"]
    return parts


def by_network(seeds: dict[str, list[dict[str, Any]]]) -> list[dict[str, str]]:
    """A row for each network, with the means of its seeds."""
    rows = []
    for name, entries in seeds.items():
        measured = {
            told(measure).replace("validation", "within"): spread(
                [entry[measure]["accuracy"] for entry in entries], "seeds"
            )
            for measure in _measures(entries[0])
        }
        weights = f"{entries[0]['weights']:,}"
        mean = f"{minutes_of_training(entries):.0f}"
        rows.append({"": name, **measured, "minutes": mean, "weights": weights})
    return rows


def by_measure(seeds: dict[str, list[dict[str, Any]]]) -> list[dict[str, str]]:
    """A row for each measure of each network, with a column for each seed."""
    n_seeds = max(map(len, seeds.values()))
    columns = ["", *(f"seed {n}" for n in range(1, n_seeds + 1)), *["mean"] * (n_seeds > 1)]
    rows = []
    for name, entries in seeds.items():
        before = f"{name.replace('small', 'minimal set ')}: " if len(seeds) > 1 else ""
        for measure in _measures(entries[0]):
            cells = [share_of(entry[measure]) for entry in entries]
            cells += [""] * (n_seeds - len(cells))
            mean = percent_of([entry[measure]["accuracy"] for entry in entries])
            row = [before + told(measure), *cells, *[f"{mean:.1f} %"] * (n_seeds > 1)]
            rows.append(dict(zip(columns, row, strict=True)))
        cells = [f"{minutes_of_training([entry]):.0f}" for entry in entries]
        cells += [""] * (len(columns) - 1 - len(cells))
        rows.append(dict(zip(columns, [f"{before}minutes of training", *cells], strict=True)))
    return rows


def minutes_of_training(entries: list[dict[str, Any]]) -> float:
    """The mean of some trainings, at the median pace of their epochs where that is recorded.

    The sum of the epochs has in it what the machine did meanwhile.
    """
    seconds = [e.get("seconds at the median pace", e["training seconds"]) for e in entries]
    return sum(seconds) / len(seconds) / 60


def told(measure: str) -> str:
    """The name of a measure as the chapter has it."""
    return measure.replace("plain", "one encoding")


def _measures(entry: dict[str, Any]) -> list[str]:
    return [key for key, value in entry.items() if isinstance(value, dict) and "accuracy" in value]


def _of_part(entries: dict[str, Any], part: str) -> dict[str, Any]:
    """The entries whose names begin with a part's, without it."""
    start = f"{part}: "
    return {name.removeprefix(start): e for name, e in entries.items() if name.startswith(start)}


def share_of(found: dict[str, Any]) -> str:
    return shown(Measured(found["accuracy"], tuple(found["interval"])))


def chapter_part(chapter: str, path: Path) -> list[str]:
    """A chapter's heading, where its run comes from, and its numbers."""
    source = run_chapters.load(chapter).cells[0].source
    heading = f"## {source.splitlines()[0].lstrip('# ')}\n"
    link = f"[](../notebooks/{chapter})"
    record = chapters.read_record(path)
    parts = [heading, f"A run of {link}. {origin(record)}"]
    changed = run_chapters.lacking(chapter, "full", path)
    if changed:
        parts.append(f"The chapter has other settings by now: {_cell(changed)}.\n")
    metrics = with_intervals(record["metrics"])
    rows = [headline_row(line, metrics) for line in HEADLINES.get(chapter, [])]
    if any(row["source"] for row in rows):
        parts.append(chapters.markdown_table(rows) + "\n")
    elif rows:
        parts.append(
            chapters.markdown_table([{k: v for k, v in r.items() if k != "source"} for r in rows])
            + "\n"
        )
    return [*parts, *all_numbers(record)]


def origin(record: dict[str, Any], how_long: str = "") -> str:
    """When, how long, on what and with what a record was measured."""
    found = record["provenance"]
    versions = [f"{name} {version}" for name, version in found["versions"].items()]
    # A record that grows by one training at a time has the provenance of the last one at its head.
    trainings = [
        each
        for each in record.get("metrics", {}).values()
        if isinstance(each, dict) and "provenance" in each
    ]
    seconds = sum(each["seconds"] for each in trainings) or record["seconds"]
    machines = Counter(each["provenance"]["hardware"] for each in trainings).most_common()
    if len(machines) > 1:
        machine = " and ".join(f"{name} ({count} of the trainings)" for name, count in machines)
    else:
        machine = found["hardware"]
    said = f"Recorded on {found['date']} in {how_long or minutes(seconds)} on {machine}; "
    said += f"backend {found['backend']}; {', '.join(versions)}, Python {found['python']}; "
    commit = found.get("commit")
    said += f"commit `{commit}`" if commit else "its commit was not recorded"
    parameters = record.get("parameters", {})
    values = [f"`{name} = {value!r}`" for name, value in parameters.items() if value != ""]
    return said + (f"; {', '.join(values)}" if values else "") + ".\n"


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def headline_row(line: Headline, metrics: dict[str, Any]) -> dict[str, str]:
    value = at(metrics, line.path)
    if value is None:
        said = "not in the record"
    elif line.repeated:
        said = spread(value, line.repeated)
    else:
        interval = at(metrics, line.interval) if line.interval else None
        said = shown(Measured(value, tuple(interval)) if interval else value, is_share(line.path))
    return {"": line.what, "measured": said, "source": line.source}


def at(metrics: Any, path: tuple[str, ...]) -> Any:
    """What a path of keys leads to; None where the record lacks it."""
    for key in path:
        metrics = metrics.get(key) if isinstance(metrics, dict) else None
    return metrics


def is_share(path: tuple[str, ...]) -> bool:
    return not SHARES.isdisjoint(path)


# Any record --------------------------------------------------------------------------


def with_intervals(node: Any) -> Any:
    """Metrics in which each share has its interval beside it.

    ``[value, [low, high]]`` is one, and ``interval`` next to ``accuracy``, or else next to the
    entry before it, has the intervals of all the shares in there.
    """
    if isinstance(node, dict):
        found = {key: with_intervals(value) for key, value in node.items()}
        if "interval" in node:
            keys = list(node)
            beside = "accuracy" if "accuracy" in node else keys[keys.index("interval") - 1]
            found[beside] = _paired(node[beside], found.pop("interval"))
        return found
    if isinstance(node, list):
        if len(node) == 2 and _is_number(node[0]) and _is_interval(node[1]):
            return Measured(node[0], tuple(node[1]))
        return [with_intervals(value) for value in node]
    return node


def _paired(values: Any, intervals: Any) -> Any:
    if isinstance(values, dict):
        return {key: _paired(value, intervals.get(key)) for key, value in values.items()}
    return Measured(values, tuple(intervals)) if _is_interval(intervals) else values


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def all_numbers(record: dict[str, Any]) -> list[str]:
    """Tables of everything in a record, folded."""
    settings = [
        {"setting": f"`{name}`", "value": _cell(shown(value))}
        for name, value in record["settings"].items()
    ]
    tables = [chapters.markdown_table(settings) + "\n"] if settings else []
    tables += tables_of("", with_intervals(record["metrics"]), ())
    return [":::{dropdown} All numbers of this run\n", *tables, ":::\n"]


def each_training(entries: dict[str, dict[str, Any]]) -> list[str]:
    """A table for each part of a record, and, folded, the settings that all trainings share.

    A training is a row, or a column where there are more than ``MOST_COLUMNS`` numbers of it. The
    curves stay in the record.
    """
    first, *others = (entry["settings"] for entry in entries.values())
    common = {
        key: value
        for key, value in first.items()
        if all(key in settings and settings[key] == value for settings in others)
    }
    parts: dict[str, dict[str, dict[str, Any]]] = {}
    for name, entry in sorted(entries.items()):
        own = {key: value for key, value in entry["settings"].items() if key not in common}
        found = {
            key: value.get("accuracy", value) if isinstance(value, dict) else value
            for key, value in with_intervals(entry).items()
            if key not in ("settings", "provenance", "loss")
        }
        if "provenance" in entry:
            found["commit"] = (entry["provenance"]["commit"] or "unknown")[:7]
        parts.setdefault(name.partition(": ")[0], {})[name] = own | found
    tables = [wide_table(rows, (), turn=_n_columns(rows) > MOST_COLUMNS) for rows in parts.values()]
    settings = [{"setting": key, "value": _cell(shown(value))} for key, value in common.items()]
    return [
        *(f"{table}\n" for table in tables),
        ":::{dropdown} Settings of all of them\n",
        chapters.markdown_table(settings) + "\n",
        ":::\n",
    ]


def tables_of(title: str, node: dict[str, Any], path: tuple[str, ...]) -> list[str]:
    """A table of a dict's own values, then one of each dict in it."""
    single = {key: value for key, value in node.items() if not _is_group(value)}
    parts = [f"**{_cell(title)}**\n"] if title and single else []
    if single:
        rows = [
            {"": _cell(key), "value": _cell(shown(value, is_share((*path, key))))}
            for key, value in single.items()
        ]
        parts.append(chapters.markdown_table(rows) + "\n")
    for key, value in node.items():
        if not _is_group(value):
            continue
        group = _numbered(value)
        name = f"{title}: {key}" if title else key
        if all(_is_group(each) for each in group.values()):
            flat = {k: _numbered(v) for k, v in group.items()}
            if any(_is_group(leaf) for each in flat.values() for leaf in each.values()):
                flat = {
                    f"{k}, {inner}": _numbered(leaf) if _is_group(leaf) else {"value": leaf}
                    for k, each in flat.items()
                    for inner, leaf in each.items()
                }
            parts += [f"**{_cell(name)}**\n", wide_table(flat, (*path, key)) + "\n"]
        else:
            parts += tables_of(name, group, (*path, key))
    return parts


def wide_table(rows: dict[str, dict[str, Any]], path: tuple[str, ...], turn: bool = False) -> str:
    """A table with a row for each dict and a column for each key in one of them.

    With ``turn``, the dicts are the columns and the keys are the rows.
    """
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    cells = {
        (name, key): _cell(shown(row[key], is_share((*path, key)))) if key in row else ""
        for name, row in rows.items()
        for key in columns
    }
    if turn:
        table = [{"": _cell(key)} | {_cell(n): cells[n, key] for n in rows} for key in columns]
    else:
        table = [{"": _cell(n)} | {_cell(key): cells[n, key] for key in columns} for n in rows]
    return chapters.markdown_table(table)


def _n_columns(rows: dict[str, dict[str, Any]]) -> int:
    return len({key for row in rows.values() for key in row})


def _is_group(value: Any) -> bool:
    """Whether a value is a dict, or a list of them."""
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
    )


def _numbered(group: dict[str, Any] | list[Any]) -> dict[str, Any]:
    if isinstance(group, dict):
        return group
    return {str(number): value for number, value in enumerate(group, 1)}


def _cell(text: str) -> str:
    """Text that is safe in a table: a name of a metric, say."""
    return str(text).replace("_", " ").replace("|", "\\|").replace("\n", " ")


def shown(value: Any, share: bool = False) -> str:
    """A value as a reader reads it."""
    if isinstance(value, Measured):
        low, high = value.interval
        return f"{100 * value.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {shown(each, share)}" for key, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        if len(value) > LONGEST:
            ends = f"{shown(value[0], share)} … {shown(value[-1], share)}"
            return f"{ends} ({len(value):,} values)"
        return ", ".join(shown(each, share) for each in value)
    if share and _is_number(value):
        return f"{100 * value:.1f} %"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def percent_of(shares: list[float]) -> float:
    """The mean of some shares in per cent, summed as chapters do: 82.15 may round either way."""
    return float(np.mean([100 * share for share in shares]))


def spread(values: list[float], repeated: str) -> str:
    """Mean and range of repeated measurements of a share."""
    if len(values) == 1:
        return shown(values[0], share=True)
    low, high = 100 * min(values), 100 * max(values)
    return f"{percent_of(values):.1f} % ({low:.1f} to {high:.1f}, {len(values)} {repeated})"


def main() -> None:
    if len(sys.argv) > 1:
        raise SystemExit(f"this takes no arguments, but was given {' '.join(sys.argv[1:])}")
    text = page()
    draw_official(official_runs(RECORDS))
    write_whole(PAGE, lambda temporary: temporary.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
