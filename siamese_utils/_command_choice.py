"""The threshold that ``siamese`` chooses on a folder, what is told of it, and where to doubt it."""

import argparse
from functools import partial

import numpy as np

from ._warn import warn
from .models import pretrained_card
from .models.pretrained import pretrained_names
from .recognition import Recognizer, Survey, ThresholdChoice


def chosen(
    recognizer: Recognizer, folder: Survey, asked: argparse.Namespace, strangers: float | None
) -> ThresholdChoice:
    """The threshold chosen on a folder, in as many folds as were asked for."""
    counts = np.unique(folder.labels, return_counts=True)[1]
    if n_single := int((counts == 1).sum()):
        warn(
            f"{n_single} of {len(counts)} classes have a single image, which says nothing of how "
            "images of one class differ. Give two or more of each.",
        )
    if asked.folds > len(counts):
        warn(
            f"--folds {asked.folds} is more than {len(counts)} classes; {len(counts)} are taken.",
        )
    recognizer.progress = partial(asked.progress, "choosing the threshold")
    return recognizer.choose_threshold(folder.paths, folder.labels, strangers, asked.folds)


def told(choice: ThresholdChoice, folder: Survey) -> dict:
    """A choice as a document, with what was left out of the folder."""
    return {
        **choice.as_dict(),
        "chance": 1 / choice.n_classes,
        "skipped": folder.skipped,
    }


def warn_of_choice(choice: ThresholdChoice, has_own: bool = False) -> None:
    """Warn where what was chosen will not do on new classes.

    The threshold matters unless the model has another one of its own.
    """
    if choice.n_classes < 5:
        warn(
            f"{choice.n_classes} classes are few: what is measured on one or two of them at a time "
            "may be far from what other classes give.",
        )
    if not choice.is_better_than_chance:
        cards = ", ".join(f"{name} ({pretrained_card(name)['for']})" for name in pretrained_names())
        verdict = (
            "is no better than chance"
            if choice.one_shot[0] <= 1 / choice.n_classes + 1e-9  # what rounding may add
            else f"cannot be told from chance with {choice.n_images} images"
        )
        warn(
            f"on classes left out the model {verdict}. Give more classes, look "
            f"whether the images are read as they are meant, or take another encoder: {cards}.",
        )
        return
    if has_own:
        return
    wanted = choice.strangers_wanted
    if wanted is not None and choice.strangers[0] > 1.2 * wanted:
        warn(
            f"{100 * wanted:g} % of strangers were asked for, and on classes left out "
            f"{100 * choice.strangers[0]:.1f} % get a label. Give images of more classes, or ask "
            "for fewer strangers.",
        )
    if choice.false_reject[0] > 0.5:
        warn(
            f"at the threshold {choice.threshold:.3f}, {100 * choice.false_reject[0]:.0f} % of "
            "pairs of one class are called different, so most images of enrolled classes will be "
            "unknown. Enroll several images of a class, or allow more --strangers.",
        )
    elif wanted is None and choice.strangers[0] > 0.5:
        warn(
            f"the threshold {choice.threshold:.3f} suits pairs, and galleries of a few classes. "
            f"With {choice.n_stored} classes stored, {100 * choice.strangers[0]:.0f} % of images "
            "of other classes get a label: for so many, choose it with --strangers 0.05.",
        )
