"""Warnings of ``siamese``: where a threshold or a gallery will not do what its user expects."""

import argparse
import warnings

import numpy as np

from .models import pretrained_card
from .models.pretrained import pretrained_names
from .recognition import Recognizer, ThresholdChoice


def warn_of_choice(choice: ThresholdChoice, asked: argparse.Namespace) -> None:
    """Warn where what was chosen will not do on new classes."""
    if choice.n_classes < 5:
        warnings.warn(
            f"{choice.n_classes} classes are few: what is measured on one or two of them at a time "
            "may be far from what other classes give.",
            stacklevel=1,
        )
    if not choice.is_better_than_chance:
        cards = ", ".join(f"{name} ({pretrained_card(name)['for']})" for name in pretrained_names())
        warnings.warn(
            "on classes left out the model is no better than chance. Give more classes, look "
            f"whether the images are read as they are meant, or take another encoder: {cards}.",
            stacklevel=1,
        )
    elif choice.false_reject[0] > 0.5:
        warnings.warn(
            f"at the threshold {choice.threshold:.3f}, {100 * choice.false_reject[0]:.0f} % of "
            "pairs of one class are called different, so most images of enrolled classes will be "
            "unknown. Enroll several images of a class, or allow more --strangers.",
            stacklevel=1,
        )
    elif asked.strangers is None and choice.strangers[0] > 0.5:
        warnings.warn(
            f"the threshold {choice.threshold:.3f} suits pairs, and galleries of a few classes. "
            f"With {choice.n_stored} classes stored, {100 * choice.strangers[0]:.0f} % of images "
            "of other classes get a label: for so many, choose it with --strangers 0.05.",
            stacklevel=1,
        )


def warn_of_doubles(recognizer: Recognizer, n_before: int, asked: argparse.Namespace) -> None:
    """Warn of new images that are stored already, under whatever label."""
    if asked.average:
        return
    vectors = recognizer.embeddings_
    for new in range(n_before, len(vectors)):
        alike = np.flatnonzero(vectors[:new] @ vectors[new] > 1 - 1e-6)
        if len(alike):
            stored = ", ".join(sorted({str(recognizer.labels_[k]) for k in alike}))
            warnings.warn(
                f"an image of {asked.label} is stored already, as {stored}. Every image of a "
                "gallery should be another one.",
                stacklevel=1,
            )
