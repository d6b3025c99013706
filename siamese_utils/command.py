"""The command ``siamese``: a :class:`~siamese_utils.recognition.Recognizer` from the shell.

``siamese --help`` names the commands, and ``siamese train --help`` explains one of them with an
example; ``python -m siamese_utils`` is the same program. The exit status is 0 for an answer,
whichever it is, and 2 for an error. Errors, warnings and reports of progress go to stderr, one
line each.
"""

import importlib
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ._command_checks import check_paths
from ._command_parser import parser

SECONDS_BETWEEN = 2.0  # lines that say how far the work is
# Phrases of messages that are meant for Python, and what a user of the shell reads instead.
IN_THE_SHELL = {
    "skip_broken=True": "--skip-broken",
    "written by Recognizer.save_gallery": "that siamese enroll wrote",
    "written by Recognizer.save": "that siamese train wrote",
    "; or, where you call load_image_folder yourself, lower min_images": "",
    "adapt got": "siamese train got",
    "For the model's, set recognizer.threshold and save the gallery again": "For the model's, "
    "enroll an image, or pass --threshold",
    "Otherwise make the ink 1 and the paper 0 yourself and read the images as they are, or leave "
    "them out": "Photographs are read by --encoder photos; otherwise clean these images, or leave "
    "them out",
    " or install pillow-heif and call pillow_heif.register_heif_opener()": "",
    "Evaluate on other classes; choose_threshold leaves classes out by itself": "This holds for "
    "the lines of the model's threshold, and not for those on classes left out",
    " Leave the labels out to centre only.": " Give other images of these classes.",
    "Enroll another class first, or begin a new gallery": "Enroll another class first, or delete "
    "the file",
}

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
        The exit status: 0 for an answer, 2 for an error, 130 after an interruption. Arguments that
        are no command, and ``--help``, end the process instead (``SystemExit``), with the status
        2 and 0.

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
    asked = parser().parse_args(arguments)
    error = None
    with _silent_stderr() as stderr, warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        asked.progress = _Progress(stderr)
        try:
            check_paths(asked)
            late = "_command_classes" if asked.command == "classes" else "_command_tasks"
            tasks = importlib.import_module(f".{late}", __package__)
            answer, text = getattr(tasks, asked.command)(asked)
        except KeyboardInterrupt:
            return 130  # as of a program that the signal ends
        # Whatever goes wrong, also in a library: the shell's user gets a line, not a traceback.
        except Exception as raised:
            error = raised
    # Each once, though images are read more than once.
    for message in dict.fromkeys(str(each.message) for each in noticed):
        _say(f"warning: {_in_the_shell(message)}")
    if error is not None:
        _say(f"error: {_in_the_shell(_message(error))}")
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
    return f"this is a fault of siamese itself ({type(error).__name__}: {error}). Please report it."


def _in_the_shell(message: str) -> str:
    for python, shell in IN_THE_SHELL.items():
        message = message.replace(python, shell)
    return message


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
        if not isinstance(error, BrokenPipeError):  # a reader such as `head` left early
            _say(f"error: the answer cannot be written ({error}). Make room, or write elsewhere.")
            return 2
    return 0


class _Progress:
    """A line on stderr every few seconds, while images are embedded, and one at the end."""

    def __init__(self, stderr: int):
        self.stderr, self.last, self.said = stderr, time.monotonic(), ""

    def __call__(self, doing: str, n_done: int, n_all: int) -> None:
        now = time.monotonic()
        is_end = n_done == n_all and self.said == doing
        if is_end or (n_done < n_all and now - self.last >= SECONDS_BETWEEN):
            self.last, self.said = now, "" if is_end else doing
            os.write(self.stderr, f"{doing}: {n_done:,} of {n_all:,} images\n".encode())


@contextmanager
def _silent_stderr() -> Iterator[int]:
    """Discard what libraries write to stderr, and yield a file descriptor that still leads there.

    TensorFlow writes notes on its start from C++, before it reads TF_CPP_MIN_LOG_LEVEL, so the
    file descriptor itself has to be redirected.
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
