"""A saved :class:`~siamese_utils.verifier.Verifier` from the shell: ``python -m siamese_utils``.

``compare MODEL A B`` says whether two image files show the same class, ``classify MODEL GALLERY
IMAGE...`` which class of a gallery each image shows. The exit status is 0 for an answer,
whichever it is, and 2 for an error, which is one line on stderr.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Keras takes seconds to start, so what needs it is imported in the commands: not for --help.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the answer is printed, and an error is one line on stderr.

    Parameters
    ----------
    arguments : sequence of str
        ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        The exit status: 0 for an answer, 2 for an error. Arguments that are no command, and
        ``--help``, end the process instead (``SystemExit``), with the status 2 and 0.

    Examples
    --------
    A verifier whose embedding is the image itself, of two pixels, and an image that is compared
    with itself:

    >>> import tempfile
    >>> import keras
    >>> from PIL import Image
    >>> from siamese_utils.verifier import Verifier
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model, image = f"{folder}/model.keras", f"{folder}/white.png"
    ...     Verifier(encoder, threshold=0.6).save(model)
    ...     Image.new("L", (2, 1), "white").save(image)
    ...     main(["compare", model, image, image])
    score      1.0000
    threshold  0.6000
    verdict    same
    0
    """
    asked = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], tuple[dict, str]] = asked.command
    error = None
    with _silent_stderr():
        from .datasets import DataError

        try:
            answer, text = command(asked)
        except (DataError, OSError, ValueError) as raised:
            error = raised
    if error is not None:
        message = " ".join(str(error).split()).replace("skip_broken=True", "--skip-broken")
        print("error:", message, file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2, allow_nan=False) if asked.json else text)
    return 0


def compare(asked: argparse.Namespace) -> tuple[dict, str]:
    """Compare two image files: the answer as a document, and as text.

    Parameters
    ----------
    asked : argparse.Namespace
        Of paths: ``model``, a file of :meth:`~siamese_utils.verifier.Verifier.save`; ``left`` and
        ``right``, images.

    Returns
    -------
    answer : dict
        ``left``, ``right``, ``score`` and ``threshold`` in [-1, 1], ``same`` (bool).
    text : str
        Three lines.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        As :meth:`~siamese_utils.verifier.Verifier.load` and
        :meth:`~siamese_utils.verifier.Verifier.compare` do.
    DataError
        If a file is not a readable image.

    Examples
    --------
    A verifier whose embedding is the image itself, of two pixels. Two white pixels, and a white
    one beside a black one, are vectors at 45 degrees:

    >>> import tempfile
    >>> import keras, numpy as np
    >>> from PIL import Image
    >>> from siamese_utils.verifier import Verifier
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model, left, right = (f"{folder}/{name}" for name in ("m.keras", "a.png", "b.png"))
    ...     Verifier(encoder, threshold=0.6).save(model)
    ...     for file, levels in ((left, [[255, 255]]), (right, [[255, 0]])):
    ...         Image.fromarray(np.array(levels, "uint8")).save(file)
    ...     answer, text = compare(argparse.Namespace(model=model, left=left, right=right))
    >>> round(answer["score"], 3), answer["same"]
    (0.707, True)
    >>> print(text)
    score      0.7071
    threshold  0.6000
    verdict    same
    """
    from .verifier import Verifier

    found = Verifier.load(asked.model).compare(asked.left, asked.right)
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


def classify(asked: argparse.Namespace) -> tuple[dict, str]:
    """Label image files by a gallery: the answer as a document, and as text.

    Parameters
    ----------
    asked : argparse.Namespace
        ``model``, a file of :meth:`~siamese_utils.verifier.Verifier.save`; ``gallery``, a file of
        :meth:`~siamese_utils.gallery.OneShotClassifier.save` or a folder with a subfolder a
        class; ``images``, a list of paths; ``threshold``, in [-1, 1], or None for that of the
        gallery's file, or of the model where it has none; ``skip_broken``, for a folder.

    Returns
    -------
    answer : dict
        ``threshold``, and ``results``: of each image ``image``, ``label``, ``score`` in [-1, 1]
        and ``nearest``, the label of the most similar image, known or not.
    text : str
        A line an image: its path, label and score, separated by tabs.

    Raises
    ------
    FileNotFoundError
        If there is no such model or gallery.
    ValueError
        If the threshold is out of range, and as :meth:`~siamese_utils.verifier.Verifier.load` and
        :meth:`~siamese_utils.gallery.OneShotClassifier.load` do.
    DataError
        If a file is not a readable image, or the folder is none of classes.

    Examples
    --------
    A verifier whose embedding is the image itself, of two pixels, and a gallery of two classes
    with one image each. The image that is asked is at an angle of 27 degrees from "left":

    >>> import tempfile
    >>> import keras, numpy as np
    >>> from PIL import Image
    >>> from siamese_utils.verifier import Verifier
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> drawings = {"left/1.png": [[200, 0]], "right/1.png": [[0, 200]], "q.png": [[200, 100]]}
    >>> with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as gallery:
    ...     model, query = f"{folder}/model.keras", f"{folder}/q.png"
    ...     Verifier(encoder, threshold=0.6).save(model)
    ...     for name, levels in drawings.items():
    ...         file = Path(folder if name == "q.png" else gallery) / name
    ...         file.parent.mkdir(exist_ok=True)
    ...         Image.fromarray(np.array(levels, "uint8")).save(file)
    ...     asked = dict(threshold=None, skip_broken=False, model=model, gallery=gallery)
    ...     answer, text = classify(argparse.Namespace(images=[query], **asked))
    >>> found = answer["results"][0]
    >>> found["label"], round(found["score"], 3), answer["threshold"]
    ('left', 0.894, 0.6)
    """
    from .gallery import OneShotClassifier
    from .verifier import Verifier, checked_threshold

    if asked.threshold is not None:
        checked_threshold(asked.threshold)
    verifier = Verifier.load(asked.model)
    if Path(asked.gallery).is_dir():
        gallery = OneShotClassifier(verifier.encoder)
        gallery.fit(*verifier.read_folder(asked.gallery, skip_broken=asked.skip_broken))
    else:
        gallery = OneShotClassifier.load(asked.gallery, verifier.encoder)
    given = (asked.threshold, gallery.threshold, verifier.threshold)
    threshold = next(value for value in given if value is not None)
    index, scores = gallery.nearest(verifier.read(*asked.images))
    results = [
        {
            "image": image,
            "label": nearest if score > threshold else gallery.unknown,
            "score": score,
            "nearest": nearest,
        }
        for image, nearest, score in zip(
            asked.images, gallery.labels_[index].tolist(), scores.tolist(), strict=True
        )
    ]
    lines = [f"{found['image']}\t{found['label']}\t{found['score']:.4f}" for found in results]
    return {"threshold": threshold, "results": results}, "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m siamese_utils",
        description="Compare or classify image files by a saved model.",
        epilog="Exit status: 0 for an answer, whichever it is; 2 for an error, named on stderr.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("model", metavar="MODEL", help="a .keras file written by Verifier.save")
    shared.add_argument(
        "--json", action="store_true", help="print one JSON document instead of text"
    )

    add = commands.add_parser(
        "compare",
        parents=[shared],
        help="do two image files show the same class?",
        description="Print the cosine similarity of two image files, in [-1, 1], the model's "
        "threshold, and the verdict: same where the score is above the threshold.",
    )
    add.add_argument("left", metavar="A", help="an image file of any size and mode")
    add.add_argument("right", metavar="B", help="another one")
    add.set_defaults(command=compare)

    add = commands.add_parser(
        "classify",
        parents=[shared],
        help="which class of a gallery does each image file show?",
        description="Print for each image its path, the label of the most similar image of the "
        "gallery, or unknown, and their cosine similarity, separated by tabs.",
    )
    add.add_argument(
        "gallery",
        metavar="GALLERY",
        help="a .npz file written by OneShotClassifier.save with the model's encoder, or a folder "
        "with a subfolder a class, of one image or more",
    )
    add.add_argument("images", metavar="IMAGE", nargs="+", help="an image file")
    add.add_argument(
        "--threshold",
        metavar="T",
        type=float,
        help="similarity in [-1, 1] that a known class exceeds (default: the gallery file's, or "
        "the model's where it has none)",
    )
    add.add_argument(
        "--skip-broken",
        action="store_true",
        help="leave out images of a gallery folder that cannot be read",
    )
    add.set_defaults(command=classify)
    return parser


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep back what libraries write to stderr.

    TensorFlow writes notes on its start from C++, before it has read the level that
    TF_CPP_MIN_LOG_LEVEL sets; only the file descriptor can be turned away.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
