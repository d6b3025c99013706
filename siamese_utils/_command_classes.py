"""What a gallery file holds, for which Keras need not start."""

import argparse
from pathlib import Path

import numpy as np

from ._gallery_file import read_gallery


def classes(asked: argparse.Namespace) -> tuple[dict, str]:
    """Say which classes a gallery file holds, with how many images, and its threshold."""
    settings, _, labels, _ = read_gallery(Path(asked.gallery).expanduser())
    found, limit = counted(labels), settings["threshold"]
    lines = [f"{each['label']}\t{each['stored']}" for each in found]
    lines.append(f"threshold\t{'none' if limit is None else f'{limit:.4f}'}")
    return {"gallery": asked.gallery, "threshold": limit, "classes": found}, "\n".join(lines)


def counted(labels: np.ndarray) -> list[dict]:
    """Each class, and how many images of it are stored."""
    names, counts = np.unique(labels, return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return [{"label": name, "stored": n} for name, n in pairs]
