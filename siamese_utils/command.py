"""The command ``siamese``: a :class:`~siamese_utils.recognition.Recognizer` from the shell.

``siamese --help`` names the commands, and ``siamese train --help`` explains one of them with an
example; ``python -m siamese_utils`` is the same program. The exit status is 0 for an answer,
whichever it is, and 2 for an error. An error is one line on stderr, and so are each warning and
each word on how far the work is.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SECONDS_BETWEEN = 2.0  # lines that say how far the work is

# Keras takes seconds to start, and may not start at all, so what needs it is imported late. That
# is why this module stands outside of the package recognition.


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
    error = None
    with _silent_stderr() as stderr, warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        asked.progress = _Progress(stderr)
        try:
            from . import command_tasks

            answer, text = getattr(command_tasks, asked.command)(asked)
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

    if isinstance(error, ImportError) and "siamese-book[export]" not in str(error):
        backend = os.environ.get("KERAS_BACKEND", "of Keras' settings")
        return (
            f"the backend {backend} cannot be started ({error}). Install it, or name another one: "
            "KERAS_BACKEND=tensorflow."
        )
    if isinstance(error, DataError | ImportError | OSError | ValueError):
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


EXAMPLES = {
    "train": "siamese train photos/ model.keras --strangers 0.05",
    "enroll": "siamese enroll model.keras gallery.npz cup cup1.jpg cup2.jpg",
    "classify": "siamese classify model.keras gallery.npz new.jpg",
    "compare": "siamese compare model.keras a.jpg b.jpg",
    "evaluate": "siamese evaluate photos photos/",
    "threshold": "siamese threshold model.keras photos/ --strangers 0.01",
    "export": "siamese export model.keras model.onnx",
}
FOLDER = "a folder that has one subfolder for each class, with its images"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="siamese",
        description="Recognize classes of images from one example each.",
        epilog="Exit status: 0 for an answer, whichever it is; 2 for an error, named on stderr.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, summary: str, description: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=f"Example: {EXAMPLES[name]}",
        )
        command.set_defaults(command=name)
        command.add_argument(
            "--json", action="store_true", help="print one JSON document instead of text"
        )
        return command

    def add_model(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "model",
            metavar="MODEL",
            help="a .keras file that train wrote, or the name of a ready encoder: photos or "
            "omniglot (drawings)",
        )

    def add_skip(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--skip-broken", action="store_true", help="leave out images that cannot be read"
        )

    def add_choice(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--strangers",
            metavar="SHARE",
            type=float,
            help="share of images of unknown classes that may be accepted, such as 0.05 (default: "
            "the threshold makes both kinds of errors on pairs equally frequent)",
        )
        command.add_argument(
            "--folds",
            metavar="N",
            type=int,
            default=5,
            help="parts of the classes, each of which is left out once (default: 5)",
        )
        add_skip(command)

    train = add(
        "train",
        "fit a ready encoder to a folder of images, and choose its threshold",
        "Centre and whiten a ready encoder on the images of FOLDER, choose the threshold by "
        "cross-validation over classes, and write both as MODEL. New classes are enrolled later, "
        "without training.",
    )
    train.add_argument("folder", metavar="FOLDER", help=FOLDER)
    train.add_argument("out", metavar="MODEL", help="the .keras file to write")
    train.add_argument(
        "--encoder",
        choices=["photos", "omniglot"],
        help="the ready encoder (default: photos where images are in color or have no clear "
        "ground, omniglot for drawings)",
    )
    add_choice(train)

    enroll = add(
        "enroll",
        "store images of a class in a gallery",
        "Store images as examples of the class LABEL. GALLERY is made if there is none.",
    )
    add_model(enroll)
    enroll.add_argument("gallery", metavar="GALLERY", help="a .npz file")
    enroll.add_argument("label", metavar="LABEL", help="the name of the class")
    enroll.add_argument("images", metavar="IMAGE", nargs="+", help="an image file")
    enroll.add_argument(
        "--average", action="store_true", help="store the mean of these images only"
    )

    classify = add(
        "classify",
        "which class of a gallery does each image show?",
        "Print for each image its path, the label of the most similar image of the gallery, or "
        "unknown, and their cosine similarity, separated by tabs.",
    )
    add_model(classify)
    classify.add_argument(
        "gallery",
        metavar="GALLERY",
        help="a .npz file that enroll wrote with the same model, or " + FOLDER,
    )
    classify.add_argument("images", metavar="IMAGE", nargs="+", help="an image file")
    classify.add_argument(
        "--threshold",
        metavar="T",
        type=float,
        help="similarity in [-1, 1] that a known class exceeds (default: the gallery file's, or "
        "the model's where it has none)",
    )
    classify.add_argument(
        "--average", action="store_true", help="of a folder: compare with the mean of each class"
    )
    add_skip(classify)

    compare = add(
        "compare",
        "do two image files show the same class?",
        "Print the cosine similarity of two image files, in [-1, 1], the threshold, and the "
        "verdict: same where the score is above the threshold.",
    )
    add_model(compare)
    compare.add_argument("left", metavar="A", help="an image file of any size and mode")
    compare.add_argument("right", metavar="B", help="another one")
    compare.add_argument(
        "--threshold", metavar="T", type=float, help="in [-1, 1] (default: the model's)"
    )

    evaluate = add(
        "evaluate",
        "how good is a model on classes that it has not seen?",
        "Leave out some of the classes of FOLDER in turn, and print how often an image of a class "
        "that was left out is recognized from one example, and the errors at a threshold that was "
        "chosen on the others. Nothing is written.",
    )
    add_model(evaluate)
    evaluate.add_argument("folder", metavar="FOLDER", help=FOLDER)
    add_choice(evaluate)

    threshold = add(
        "threshold",
        "choose the threshold of a model on a folder of images",
        "Choose the threshold by cross-validation over the classes of FOLDER, and write it into "
        "MODEL with the errors to expect on new classes.",
    )
    add_model(threshold)
    threshold.add_argument("folder", metavar="FOLDER", help=FOLDER)
    threshold.add_argument("--out", metavar="FILE", help="write another .keras file instead")
    add_choice(threshold)

    export = add(
        "export",
        "write the encoder as an ONNX file",
        "Write the encoder of MODEL as an ONNX file, with embeddings of length 1, and compare it "
        "with Keras. Reading and threshold are in the file's metadata.",
    )
    add_model(export)
    export.add_argument("out", metavar="FILE", help="the .onnx file to write")
    return parser


class _Progress:
    """A line on stderr every few seconds, while images are embedded."""

    def __init__(self, stderr: int):
        self.stderr, self.last = stderr, time.monotonic()

    def __call__(self, n_done: int, n_all: int) -> None:
        now = time.monotonic()
        if n_done < n_all and now - self.last >= SECONDS_BETWEEN:
            self.last = now
            os.write(self.stderr, f"{n_done:,} of {n_all:,} images\n".encode())


@contextmanager
def _silent_stderr() -> Iterator[int]:
    """Keep back what libraries write to stderr; a file descriptor that still leads there.

    TensorFlow writes notes on its start from C++, before it has read the level that
    TF_CPP_MIN_LOG_LEVEL sets; only the file descriptor can be turned away.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield kept
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
