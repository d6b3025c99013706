"""A saved :class:`~siamese_utils.recognition.Recognizer` from the shell.

``python -m siamese_utils compare MODEL A B`` says whether two image files show the same class,
``classify MODEL GALLERY IMAGE...`` which class of a gallery each image shows. The exit status is
0 for an answer, whichever it is, and 2 for an error. An error is one line on stderr, and so is
each warning.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# Keras takes seconds to start, and may not start at all, so what needs it is imported in the
# commands. That is why this module stands outside of the package recognition.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the answer is printed, and an error is one line on stderr.

    Parameters
    ----------
    arguments : sequence of str
        Defaults to ``sys.argv[1:]``.

    Returns
    -------
    int
        The exit status: 0 for an answer, 2 for an error. Arguments that are no command, and
        ``--help``, end the process instead (``SystemExit``), with the status 2 and 0.

    Examples
    --------
    A recognizer whose embedding is the image itself, of two pixels, and an image that is
    compared with itself:

    >>> import tempfile
    >>> import keras, numpy as np
    >>> from PIL import Image
    >>> from siamese_utils.recognition import Recognizer
    >>> encoder = keras.Sequential([keras.Input((1, 2, 1)), keras.layers.Flatten()])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model, image = f"{folder}/model.keras", f"{folder}/half.png"
    ...     Recognizer(encoder, threshold=0.6).save(model)
    ...     Image.fromarray(np.array([[0, 255]], "uint8")).save(image)
    ...     main(["compare", model, image, image])
    score      1.0000
    threshold  0.6000
    verdict    same
    0
    """
    asked = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], tuple[dict, str]] = asked.command
    error = None
    with _silent_stderr(), warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            answer, text = command(asked)
        # Whatever goes wrong, also in a library: the shell's user gets a line, not a traceback.
        except Exception as raised:
            error = raised
    for each in noticed:
        _say(f"warning: {each.message}")
    if error is not None:
        _say(f"error: {_message(error)}".replace("skip_broken=True", "--skip-broken"))
        return 2
    return _print(json.dumps(answer, indent=2, allow_nan=False) if asked.json else text)


def _message(error: Exception) -> str:
    from .datasets import DataError

    if isinstance(error, ImportError):
        backend = os.environ.get("KERAS_BACKEND", "of Keras' settings")
        return (
            f"the backend {backend} cannot be started ({error}). Install it, or name another one: "
            "KERAS_BACKEND=tensorflow."
        )
    if isinstance(error, DataError | OSError | ValueError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _say(message: str) -> None:
    """One line on stderr, in letters that it can show."""
    line = " ".join(message.split()) + "\n"
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))


def _print(text: str) -> int:
    """The answer on stdout, whatever letters it can show; the exit status."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        # Python would complain once more at its end, when it empties what it still holds.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # then who read it has heard enough, as `head`
            _say(f"error: the answer cannot be written ({error}). Make room, or write elsewhere.")
            return 2
    return 0


def compare(asked: argparse.Namespace) -> tuple[dict, str]:
    """Compare two image files: the answer as a document, and as text.

    Parameters
    ----------
    asked : argparse.Namespace
        Of paths: ``model``, ``left`` and ``right``.

    Returns
    -------
    answer : dict
        ``left``, ``right``, ``score`` and ``threshold`` in [-1, 1], ``same`` (bool).
    text : str
        Three lines.
    """
    from .recognition import Recognizer

    found = Recognizer.load(asked.model).compare(asked.left, asked.right)
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
        ``model``; ``gallery``, a file of :meth:`~siamese_utils.recognition.Recognizer.save_gallery`
        or a folder that has one subfolder for each class; ``images``, a list of paths;
        ``threshold``, in [-1, 1], or None for that of the gallery's file, or of the model where
        it has none; ``skip_broken``, for a folder.

    Returns
    -------
    answer : dict
        ``threshold``, and ``results``: of each image ``image``, ``label``, ``score`` in [-1, 1]
        and ``nearest``, the label of the most similar image, known or not. Of a folder also
        ``skipped``: the files that were left out, with the reason.
    text : str
        A line for each image: its path, label and score, separated by tabs.
    """
    from .recognition import Recognizer
    from .recognition.vectors import accepted, checked_threshold, refuse_class

    answer: dict = {}
    gallery = Path(asked.gallery).expanduser()
    if gallery.is_dir():
        recognizer = Recognizer.load(asked.model)
        folder = recognizer.read_folder(gallery, skip_broken=asked.skip_broken)
        recognizer.fit(folder.images, [folder.class_names[k] for k in folder.labels])
        answer["skipped"] = [[str(path), reason] for path, reason in folder.skipped]
        for path, reason in folder.skipped:
            warnings.warn(f"{path} is not in the gallery: {reason}", stacklevel=1)
    else:
        recognizer = Recognizer.load(asked.model, gallery)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m siamese_utils",
        description="Compare or classify image files by a saved model.",
        epilog="Exit status: 0 for an answer, whichever it is; 2 for an error, named on stderr.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("model", metavar="MODEL", help="a .keras file written by Recognizer.save")
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
        help="a .npz file written by Recognizer.save_gallery with the model's encoder, or a "
        "folder that has one subfolder for each class, of one image or more",
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
