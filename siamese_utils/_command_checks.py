"""Checks of the arguments of ``siamese`` that need no Keras, which takes seconds to start."""

import argparse
from pathlib import Path

COMMON_IMAGES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
CARDS = Path(__file__).parent / "models" / "pretrained"
ENDINGS = {"train": ".keras", "threshold": ".keras", "export": ".onnx"}


def ready_names() -> list[str]:
    """The names of the encoders that come with the package."""
    return sorted(path.stem for path in CARDS.glob("*.json"))


def share(text: str) -> float:
    """An argument that is a share."""
    return _number(text, float, lambda x: 0 < x < 1, "a share above 0 and below 1, such as 0.05")


def folds(text: str) -> int:
    """An argument that is a number of folds."""
    return _number(text, int, lambda n: n >= 2, "a whole number of 2 or more")


def similarity(text: str) -> float:
    """An argument that is a threshold of the cosine."""
    return _number(text, float, lambda x: -1 <= x <= 1, "a similarity from -1 to 1, such as 0.6")


def _number(text, kind, fits, expected: str):
    try:
        if fits(number := kind(text)):
            return number
    except ValueError:
        pass  # said below, as for a number that does not fit
    raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")


def check_paths(asked: argparse.Namespace) -> None:
    """Raise a ``ValueError`` that names the first wrong path, and what was expected."""
    given = vars(asked)
    if "model" in given and asked.model not in ready_names():
        _require(
            _path(asked.model).suffix != ".npz",
            f"{asked.model}, a gallery, stands where the model belongs",
            f"siamese {asked.command} MODEL, then the rest",
        )
        _require(
            _path(asked.model).is_file(),
            f"{asked.model} is neither a file nor a ready encoder",
            f"a .keras file that siamese train wrote, or one of {', '.join(ready_names())}",
        )
    if "folder" in given:
        _require(
            _path(asked.folder).is_dir(),
            f"{asked.folder} is not a folder",
            "a folder with one subfolder for each class",
        )
    if asked.command == "classify":
        _require_no_image(asked.gallery)
        _require(
            _path(asked.gallery).exists(),
            f"{asked.gallery} is not there",
            "a .npz file that siamese enroll wrote, or a folder with one subfolder for each class",
        )
    elif asked.command in ("classes", "remove"):
        _require(
            _path(asked.gallery).suffix != ".keras",
            f"{asked.gallery}, a model, stands where the gallery belongs",
            "a .npz file that siamese enroll wrote",
        )
        _require(
            _path(asked.gallery).is_file(),
            f"{asked.gallery} is not a file",
            "a .npz file that siamese enroll wrote",
        )
    elif asked.command == "enroll":
        _require_ending(asked.gallery, ".npz")
        _require(
            bool(asked.label.strip()) and asked.label.isprintable(),
            f"LABEL is {asked.label!r}",
            "a name of printable letters",
        )
    images = [*given.get("images", ()), *(given[key] for key in ("left", "right") if key in given)]
    gone = [image for image in images if not _path(image).exists()]
    _require(not gone, f"not there: {', '.join(gone)}", "image files")
    if asked.command == "compare":
        folders = [image for image in images if _path(image).is_dir()]
        _require(not folders, f"folders: {', '.join(folders)}", "two image files")
    if asked.command in ENDINGS and asked.out is not None:
        _require_ending(asked.out, ENDINGS[asked.command])


def _require_ending(name: str, ending: str) -> None:
    _require(_path(name).suffix == ending, f"{name} is to be written", f"a name with {ending}")
    folder = _path(name).absolute().parent
    _require(folder.is_dir(), f"{name} is to be written in {folder}", "a folder that is there")
    _require(not _path(name).is_dir(), f"{name} is to be written and is a folder", "another name")


def _require_no_image(name: str) -> None:
    _require(
        _path(name).suffix.lower() not in COMMON_IMAGES,
        f"{name}, an image, stands where the gallery belongs",
        "MODEL GALLERY IMAGE",
    )


def _require(is_so: bool, found: str, expected: str) -> None:
    if not is_so:
        raise ValueError(f"{found}; expected {expected}. Correct the argument.")


def _path(name: str) -> Path:
    return Path(name).expanduser()
