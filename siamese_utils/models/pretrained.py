"""Encoders that come with the package, ready to use."""

import hashlib
import json
from pathlib import Path
from typing import Any

import keras

FOLDER = Path(__file__).parent / "pretrained"


def load_pretrained(name: str = "omniglot") -> keras.Model:
    """Load an encoder that comes with the package; no network is needed.

    "omniglot" is the encoder of chapter 08, for drawn characters: images (batch, 105, 105, 1), ink
    1 on paper 0, to embeddings of length 1. Its first layer brings each drawing to one size
    (:class:`SizeNormalization`). It was trained on the 30 background alphabets alone.

    "photos" is for photographs in colour: EfficientNet-Lite0 (Tan and Le 2019) with its ImageNet
    weights, from images (batch, 224, 224, 3) to embeddings (batch, 1280). Their numbers are the
    square roots of the averages that the network's classifier worked on. Few of the averages are
    large, and the roots tell classes apart better (Yang, Liu and Xu 2021, section 4.1).

    Parameters
    ----------
    name : str
        "omniglot" or "photos". Defaults to "omniglot".

    Returns
    -------
    keras.Model
        Images in [0, 1], of the size above, to embeddings (batch, dim). Not compiled; it embeds
        as it is, or can be trained further.

    Raises
    ------
    ValueError
        For an unknown name, or if the file is not the one that its card describes.

    Examples
    --------
    >>> encoder = load_pretrained("omniglot")
    >>> encoder.input_shape, encoder.output_shape
    ((None, 105, 105, 1), (None, 1536))
    """
    card = pretrained_card(name)
    path = FOLDER / f"{name}.keras"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != card["sha256"]:
        raise ValueError(
            f"{path} has the digest {found[:12]}…; expected {card['sha256'][:12]}…, as on its "
            "card. Install the package again."
        )
    return keras.saving.load_model(path, compile=False)


def pretrained_card(name: str = "omniglot") -> dict[str, Any]:
    """What is known about an encoder: data, recipe, track, measured accuracy, licence.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict
        Of strings, numbers and further dicts: the JSON file that lies beside the weights.
        Accuracies are shares in [0, 1].

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> card = pretrained_card("omniglot")
    >>> card["input"]
    '(batch, 105, 105, 1), ink 1 on paper 0'
    >>> card["weights"], card["metrics"]["official runs"]["accuracy"]
    (339960, 0.99)
    """
    known = pretrained_names()
    if name not in known:  # a path is refused as well
        raise ValueError(f"no encoder {name!r} comes with the package; there is {', '.join(known)}")
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def pretrained_names() -> list[str]:
    """The names of the encoders that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))
