"""What each command of the shell does: the answer as a document, and as text.

Each function takes the parsed arguments (:func:`siamese_utils.command.main`), whose names are
those of ``siamese COMMAND --help``, and returns a dict of plain values and a str.
"""

import argparse
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from ._command_choice import chosen, told, warn_of_choice
from ._command_classes import counted
from ._command_files import image_files, look_over
from ._warn import warn
from .models.pretrained import pretrained_names
from .recognition import Recognizer, survey_folder
from .recognition.vectors import accepted, refuse_class

Answer = tuple[dict, str]


def train(asked: argparse.Namespace) -> Answer:
    """Fit a ready encoder to a folder, choose the threshold, and write the model."""
    folder = look_over(asked)
    encoder = asked.encoder or folder.encoder
    recognizer = Recognizer.pretrained(encoder)
    recognizer.progress = partial(asked.progress, "fitting the encoder")
    recognizer.adapt(folder.paths, folder.labels)
    choice = chosen(recognizer, folder, asked, asked.strangers)
    fitted = f"fitted to {choice.n_images} images of {choice.n_classes} classes"
    before = choice.one_shot_before
    if before is not None and before[0] > choice.one_shot[0]:
        fitted = (
            f"as it is, since fitting did not help: {100 * choice.one_shot[0]:.1f} % after it, "
            f"{100 * before[0]:.1f} % before"
        )
        recognizer = Recognizer.pretrained(encoder)
        choice = chosen(recognizer, folder, asked, asked.strangers)
    if Path(asked.out).expanduser().exists():
        warn(
            f"{asked.out} was there and is replaced. Galleries that it made have to be enrolled "
            "again.",
        )
    recognizer.save(asked.out)
    warn_of_choice(choice)
    why = "as asked" if asked.encoder else folder.reason
    answer = {"model": asked.out, "encoder": encoder, "reason": why, **told(choice, folder)}
    text = (
        f"{asked.out}: encoder {encoder} ({why}), {fitted}\n{choice}\n"
        f"next: siamese enroll {asked.out} gallery.npz LABEL IMAGE, for each class to recognize"
    )
    return answer, text


def enroll(asked: argparse.Namespace) -> Answer:
    """Store images of a class in a gallery file, with the model's threshold."""
    gallery = Path(asked.gallery).expanduser()
    recognizer = load(asked.model)
    threshold = recognizer.threshold
    if gallery.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of another threshold: it is replaced
            recognizer.load_gallery(gallery)
        before = recognizer.threshold
        recognizer.threshold = threshold if threshold is not None else before
        if before not in (None, recognizer.threshold):
            warn(
                f"{gallery} had the threshold {before:.3f}, and gets that of {asked.model}, "
                f"{recognizer.threshold:.3f}.",
            )
    refuse_class(recognizer.unknown, np.array([asked.label]))
    recognizer.progress = partial(asked.progress, "storing")
    remedy = (
        "Enroll each class by itself, or give the whole folder to siamese classify as the gallery."
    )
    images, skipped = image_files(asked.images, remedy, asked.skip_broken)
    n_before = len(getattr(recognizer, "labels_", ()))
    recognizer.enroll(asked.label, images, average=asked.average)
    warn_of_doubles(recognizer, n_before, asked)
    recognizer.save_gallery(gallery)
    n_own = int((recognizer.labels_ == asked.label).sum())
    answer = {
        "gallery": asked.gallery,
        "label": asked.label,
        "stored": n_own,
        "classes": counted(recognizer.labels_),
        "skipped": skipped,
    }
    return answer, f"{asked.label}: {n_own} stored\n{holdings(asked.gallery, recognizer)}"


def warn_of_doubles(recognizer: Recognizer, n_before: int, asked: argparse.Namespace) -> None:
    """Warn of new images that are stored already, under whatever label."""
    if asked.average:
        return
    vectors = recognizer.embeddings_
    for new in range(n_before, len(vectors)):
        alike = np.flatnonzero(vectors[:new] @ vectors[new] > 1 - 1e-6)
        if len(alike):
            stored = ", ".join(sorted({str(recognizer.labels_[k]) for k in alike}))
            warn(
                f"an image of {asked.label} is stored already, as {stored}. Every image of a "
                "gallery should be another one.",
            )


def remove(asked: argparse.Namespace) -> Answer:
    """Take a class out of a gallery file, whose threshold stays."""
    gallery = Path(asked.gallery).expanduser()
    recognizer = load(asked.model)
    # So that load_gallery neither warns of the model's threshold nor writes it into the file.
    recognizer.threshold = None
    recognizer.load_gallery(gallery)
    n_before = len(recognizer.labels_)
    # The shell has no numbers, so a gallery's label 7 is named 7.
    known = {str(label): label for label in recognizer.classes_.tolist()}
    recognizer.remove(known.get(asked.label, asked.label)).save_gallery(gallery)
    n_removed = n_before - len(recognizer.labels_)
    answer = {
        "gallery": asked.gallery,
        "label": asked.label,
        "removed": n_removed,
        "classes": counted(recognizer.labels_),
    }
    return answer, f"{asked.label}: {n_removed} removed\n{holdings(asked.gallery, recognizer)}"


def classify(asked: argparse.Namespace) -> Answer:
    """Label image files by a gallery, which is a file or a folder.

    Each result has ``image``, ``label``, ``score`` in [-1, 1] and ``nearest``, the label of the
    most similar stored image, known or not.
    """
    gallery = Path(asked.gallery).expanduser()
    images, skipped = image_files(
        asked.images, "Name the images as FOLDER/*/*.jpg.", asked.skip_broken
    )
    if gallery.is_dir():
        recognizer = load(asked.model)
        recognizer.progress = partial(asked.progress, "storing the folder")
        # As paths, because the images of a large folder do not fit into memory together.
        folder = survey_folder(gallery, asked.skip_broken)
        recognizer.fit(folder.paths, folder.labels, average=asked.average)
        for path, reason in folder.skipped:
            warn(f"{path} is not in the gallery: {reason}")
            skipped.append((path, reason))
    else:
        if asked.average:
            raise ValueError(
                f"--average is for a folder, and {asked.gallery} is none. What a gallery file "
                "holds was decided by enroll: leave --average out."
            )
        recognizer = load(asked.model, gallery)
    recognizer.progress = partial(asked.progress, "recognizing")
    if asked.threshold is not None:
        recognizer.threshold = asked.threshold
    threshold, unknown = recognizer.threshold, recognizer.unknown
    refuse_class(unknown, recognizer.classes_)
    if threshold is None:
        warn(
            f"{asked.model} has no threshold, so every image gets a label, also one of no class in "
            "the gallery. Pass one, as --threshold 0.6, or choose it: siamese train, siamese "
            "threshold.",
        )
    index, scores = recognizer.nearest(images)
    nearest, known = recognizer.labels_[index].tolist(), accepted(scores, threshold)
    results = [
        {"image": image, "label": name if is_known else unknown, "score": score, "nearest": name}
        for image, name, is_known, score in zip(
            images, nearest, known, scores.tolist(), strict=True
        )
    ]
    lines = [f"{found['image']}\t{found['label']}\t{found['score']:.4f}" for found in results]
    answer = {"threshold": threshold, "skipped": skipped, "results": results}
    return answer, "\n".join(lines)


def compare(asked: argparse.Namespace) -> Answer:
    """Say whether two image files show the same class."""
    recognizer = load(asked.model)
    threshold = recognizer.threshold if asked.threshold is None else asked.threshold
    recognizer.threshold = 0.0 if threshold is None else threshold  # the score is the same
    found = recognizer.compare(asked.left, asked.right)
    same = None if threshold is None else found.same
    verdict = {True: "same", False: "different", None: "none"}[same]
    answer = {
        "left": asked.left,
        "right": asked.right,
        "score": found.score,
        "threshold": threshold,
        "same": same,
    }
    if threshold is None:
        warn(
            f"{asked.model} has no threshold, so there is no verdict. Pass one, as --threshold "
            "0.6, or choose it on images of yours: siamese train, siamese threshold.",
        )
    limit = "none" if threshold is None else f"{threshold:.4f}"
    text = f"score      {found.score:.4f}\nthreshold  {limit}\nverdict    {verdict}"
    return answer, text


def evaluate(asked: argparse.Namespace) -> Answer:
    """Measure a model on the classes of a folder, each of which is left out once."""
    folder = look_over(asked)
    recognizer = load(asked.model)
    own, text = None, ""
    if recognizer.threshold is not None:
        recognizer.progress = partial(asked.progress, "comparing all pairs")
        own = recognizer.evaluate(folder.paths, folder.labels).as_dict()
        text = (
            f"the model's threshold {own['threshold']:.3f}, on all pairs of these images:\n"
            f"  different pairs called same: {100 * own['false_accept']:.1f} %\n"
            f"  same pairs called different: {100 * own['false_reject']:.1f} %\n"
            "if it were chosen anew on this folder:\n"
        )
    strangers = asked.strangers
    if strangers is None and (kept := getattr(recognizer, "threshold_choice_", None)):
        strangers = kept.strangers_wanted  # by the rule that the model's own was chosen by
    choice = chosen(recognizer, folder, asked, strangers)
    warn_of_choice(choice, has_own=own is not None)
    return {"model": asked.model, **told(choice, folder), "own": own}, f"{text}{choice}"


def threshold(asked: argparse.Namespace) -> Answer:
    """Choose the threshold of a model on a folder, and write it into the model's file."""
    out = asked.out or asked.model
    if out in pretrained_names():
        raise ValueError(
            f"{out} is a ready encoder, which comes with the package and is not written; name a "
            "file: --out model.keras"
        )
    folder = look_over(asked)
    recognizer = load(asked.model)
    before = "none" if recognizer.threshold is None else f"{recognizer.threshold:.3f}"
    choice = chosen(recognizer, folder, asked, asked.strangers)
    recognizer.save(out)
    warn_of_choice(choice)
    text = f"{out}: threshold {choice.threshold:.3f} is written; it was {before}\n{choice}"
    return {"model": out, **told(choice, folder)}, text


def export(asked: argparse.Namespace) -> Answer:
    """Write the encoder of a model as an ONNX file."""
    recognizer = load(asked.model)
    difference = recognizer.export(asked.out)
    n_bytes = Path(asked.out).expanduser().stat().st_size
    answer = {"file": asked.out, "bytes": n_bytes, "difference": difference}
    text = f"{asked.out}: {n_bytes / 1e6:.1f} MB, differs from Keras by {difference:.1g} at most"
    return answer, text


def holdings(gallery: str, recognizer: Recognizer) -> str:
    """How much a gallery file holds, in words."""
    n = len(recognizer.classes_)
    return f"{gallery}: {len(recognizer.labels_)} stored of {n} class{'es' if n > 1 else ''}"


def load(model: str, gallery: Path | None = None) -> Recognizer:
    """The recognizer of a file, or of a ready encoder by its name."""
    if model not in pretrained_names():
        return Recognizer.load(model, gallery)
    recognizer = Recognizer.pretrained(model)
    return recognizer if gallery is None else recognizer.load_gallery(gallery)
