"""What each command of the shell does: the answer as a document, and as text.

Each function takes the parsed arguments (:func:`siamese_utils.command.main`), whose names are
those of ``siamese COMMAND --help``, and returns a dict of plain values and a str.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np

from .models import pretrained_card
from .models.pretrained import pretrained_names
from .recognition import Recognizer, Survey, ThresholdChoice, survey_folder
from .recognition.vectors import accepted, checked_threshold, refuse_class

Answer = tuple[dict, str]


def train(asked: argparse.Namespace) -> Answer:
    """Fit a ready encoder to a folder, choose the threshold, and write the model."""
    folder = look_over(asked)
    encoder = asked.encoder or folder.encoder
    recognizer = Recognizer.pretrained(encoder)
    recognizer.progress = asked.progress
    counts = np.unique(folder.labels, return_counts=True)[1]
    # Without two images of a class nothing is known of how images of one class differ.
    whitened = bool((counts > 1).sum() > 1)
    recognizer.adapt(folder.paths, folder.labels if whitened else None)
    choice = chosen(recognizer, folder, asked)
    recognizer.save(asked.out)
    why = "as asked" if asked.encoder else folder.reason
    answer = {"model": asked.out, "encoder": encoder, "reason": why, **told(choice, folder)}
    text = f"{asked.out}: encoder {encoder} ({why})\n{choice}"
    return answer, text


def enroll(asked: argparse.Namespace) -> Answer:
    """Store images of a class in a gallery file."""
    gallery = Path(asked.gallery).expanduser()
    recognizer = load(asked.model, gallery if gallery.exists() else None)
    recognizer.progress = asked.progress
    recognizer.enroll(asked.label, asked.images, average=asked.average)
    recognizer.save_gallery(gallery)
    n_own = int((recognizer.labels_ == asked.label).sum())
    answer = {
        "gallery": asked.gallery,
        "label": asked.label,
        "stored": n_own,
        "classes": recognizer.classes_.tolist(),
    }
    n_classes, n_stored = len(recognizer.classes_), len(recognizer.labels_)
    text = (
        f"{asked.label}: {n_own} stored\n{asked.gallery}: {n_stored} stored of {n_classes} "
        f"class{'es' if n_classes > 1 else ''}"
    )
    return answer, text


def classify(asked: argparse.Namespace) -> Answer:
    """Label image files by a gallery, which is a file or a folder.

    Each result has ``image``, ``label``, ``score`` in [-1, 1] and ``nearest``, the label of the
    most similar stored image, known or not.
    """
    answer: dict = {}
    gallery = Path(asked.gallery).expanduser()
    if gallery.is_dir():
        recognizer = load(asked.model)
        recognizer.progress = asked.progress
        folder = recognizer.read_folder(gallery, skip_broken=asked.skip_broken)
        names = [folder.class_names[k] for k in folder.labels]
        recognizer.fit(folder.images, names, average=asked.average)
        answer["skipped"] = [[str(path), reason] for path, reason in folder.skipped]
        for path, reason in folder.skipped:
            warnings.warn(f"{path} is not in the gallery: {reason}", stacklevel=1)
    else:
        if asked.average:
            raise ValueError(
                f"--average is for a folder, and {asked.gallery} is none. What a gallery file "
                "holds was decided by enroll: leave --average out."
            )
        recognizer = load(asked.model, gallery)
        recognizer.progress = asked.progress
    if asked.threshold is not None:
        recognizer.threshold = checked_threshold(asked.threshold)
    threshold, unknown = recognizer.threshold, recognizer.unknown
    if threshold is not None:
        refuse_class(unknown, recognizer.classes_)
    index, scores = recognizer.nearest(asked.images)
    nearest, known = recognizer.labels_[index].tolist(), accepted(scores, threshold)
    results = [
        {"image": image, "label": name if is_known else unknown, "score": score, "nearest": name}
        for image, name, is_known, score in zip(
            asked.images, nearest, known, scores.tolist(), strict=True
        )
    ]
    lines = [f"{found['image']}\t{found['label']}\t{found['score']:.4f}" for found in results]
    return {"threshold": threshold, **answer, "results": results}, "\n".join(lines)


def compare(asked: argparse.Namespace) -> Answer:
    """Say whether two image files show the same class."""
    recognizer = load(asked.model)
    if asked.threshold is not None:
        recognizer.threshold = asked.threshold
    elif recognizer.threshold is None:
        raise ValueError(
            f"{asked.model} has no threshold. Pass one, as --threshold 0.6, or choose it on images "
            "of yours: siamese train, siamese threshold."
        )
    found = recognizer.compare(asked.left, asked.right)
    verdict = "same" if found.same else "different"
    answer = {
        "left": asked.left,
        "right": asked.right,
        "score": found.score,
        "threshold": found.threshold,
        "same": found.same,
    }
    text = f"score      {found.score:.4f}\nthreshold  {found.threshold:.4f}\nverdict    {verdict}"
    return answer, text


def evaluate(asked: argparse.Namespace) -> Answer:
    """Measure a model on the classes of a folder, each of which is left out once."""
    folder = look_over(asked)
    recognizer = load(asked.model)
    recognizer.progress = asked.progress
    choice = chosen(recognizer, folder, asked)
    return {"model": asked.model, **told(choice, folder)}, str(choice)


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
    recognizer.progress = asked.progress
    choice = chosen(recognizer, folder, asked)
    recognizer.save(out)
    return {"model": out, **told(choice, folder)}, f"{out}:\n{choice}"


def export(asked: argparse.Namespace) -> Answer:
    """Write the encoder of a model as an ONNX file."""
    recognizer = load(asked.model)
    difference = recognizer.export(asked.out)
    n_bytes = Path(asked.out).expanduser().stat().st_size
    answer = {"file": asked.out, "bytes": n_bytes, "difference": difference}
    text = f"{asked.out}: {n_bytes / 1e6:.1f} MB, differs from Keras by {difference:.1g} at most"
    return answer, text


def load(model: str, gallery: Path | None = None) -> Recognizer:
    """The recognizer of a file, or of a ready encoder by its name."""
    if model not in pretrained_names():
        return Recognizer.load(model, gallery)
    recognizer = Recognizer.pretrained(model)
    return recognizer if gallery is None else recognizer.load_gallery(gallery)


def chosen(recognizer: Recognizer, folder: Survey, asked: argparse.Namespace) -> ThresholdChoice:
    """The threshold chosen on a folder; a warning where the model is no good on new classes."""
    choice = recognizer.choose_threshold(folder.paths, folder.labels, asked.strangers, asked.folds)
    if not choice.is_better_than_chance:
        cards = ", ".join(f"{name} ({pretrained_card(name)['for']})" for name in pretrained_names())
        warnings.warn(
            "on classes left out the model is no better than chance. Give more classes, look "
            f"whether the images are read as they are meant, or take another encoder: {cards}.",
            stacklevel=1,
        )
    return choice


def told(choice: ThresholdChoice, folder: Survey) -> dict:
    """A choice as a document, with what was left out of the folder."""
    return {
        **choice.as_dict(),
        "chance": 1 / choice.n_classes,
        "skipped": [list(pair) for pair in folder.skipped],
    }


def look_over(asked: argparse.Namespace) -> Survey:
    """The files of the folder; a warning for each that is left out."""
    folder = survey_folder(asked.folder, asked.skip_broken)
    for path, reason in folder.skipped:
        warnings.warn(f"{path} is left out: {reason}", stacklevel=1)
    return folder
