"""Write the scripts that book/draw.md needs: the ready encoder's weights, and letters to find.

python tools/draw_page.py

The page runs in a browser without any request, from a file, too, where a script may load
scripts and nothing else. So both are scripts: book/_scripts/draw/weights.js, with the encoder as
a list of layers and its numbers in half precision, and letters.js, with letters of alphabets that
the encoder was not trained on.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np

from siamese_utils import datasets, models
from siamese_utils._files import write_whole

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "book" / "_scripts" / "draw"
SIDE = 105  # of Omniglot's images
N_LETTERS = 20  # of each alphabet, as in the official runs
N_DRAWINGS = 8  # to choose from in place of one's own
# Unlike each other, known to few readers, and each with twenty letters or more.
ALPHABETS = ("Glagolitic", "Tengwar", "Tibetan", "Sylheti", "Atlantean", "Gurmukhi")
HEAD = "// Written by tools/draw_page.py; do not edit. {0}\n"


def main():
    encoder = models.load_pretrained("omniglot")
    threshold = stranger_threshold(encoder)
    for name, variable, about, content in (
        (
            "weights",
            "WEIGHTS",
            "The encoder of the book, under the MIT licence.",
            weights(encoder) | {"threshold": threshold},
        ),
        (
            "letters",
            "LETTERS",
            "Images of Omniglot (Lake, Salakhutdinov and Tenenbaum 2015), under the MIT licence.",
            letters(),
        ),
    ):
        text = (
            f"{HEAD.format(about)}const {variable} = {json.dumps(content, ensure_ascii=False)};\n"
        )
        path = SCRIPTS / f"{name}.js"
        write_whole(path, lambda temporary, text=text: temporary.write_text(text, "utf-8"))
        print(f"written: {path}, {len(text) / 1e3:,.0f} kB")


def weights(encoder: keras.Model) -> dict:
    """The encoder as a list of layers, and all their numbers in half precision.

    Layer 0 is the image. Each further one names its operation in encoder.js, the layers that it
    takes, and where its numbers begin and end.
    """
    layers: list[dict] = []
    numbers: list[np.ndarray] = []
    _add_layers(encoder, 0, layers, numbers)
    halves = np.concatenate([array.ravel() for array in numbers]).astype("<f2")
    if not np.isfinite(halves).all():
        raise ValueError("a weight is too large for half precision, which ends at 65,504")
    return {
        "side": encoder.input_shape[1],
        "layers": layers,
        "numbers": _base64(halves),
        "digest": models.pretrained_card("omniglot")["weights_digest"],
    }


def _add_layers(
    model: keras.Model, image: int, layers: list[dict], numbers: list[np.ndarray]
) -> int:
    """Append a model's layers, and those of the models in it; the place of the last one.

    ``image`` is the place of what the model takes.
    """
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            image = _add_layer(layer, [image], layers, numbers)
        return image
    first, *others = model.layers
    place = {first.name: image}
    for layer in others:
        inputs = [place[tensor._keras_history.operation.name] for tensor in _inputs(layer)]
        place[layer.name] = _add_layer(layer, inputs, layers, numbers)
    return place[others[-1].name]


def _add_layer(
    layer: keras.layers.Layer, inputs: list[int], layers: list[dict], numbers: list[np.ndarray]
) -> int:
    if isinstance(layer, keras.Model):
        return _add_layers(layer, inputs[0], layers, numbers)
    if isinstance(layer, keras.layers.Flatten):  # the order of the numbers is the same
        return inputs[0]
    operation, own, options = _as_operation(layer)
    start = sum(array.size for array in numbers)
    numbers.extend(own)
    end = sum(array.size for array in numbers)
    layers.append({"operation": operation, "inputs": inputs, "from": start, "to": end, **options})
    return len(layers)


def _inputs(layer: keras.layers.Layer) -> Iterable:
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _as_operation(layer: keras.layers.Layer) -> tuple[str, list[np.ndarray], dict]:
    """The name of a layer's operation, its numbers, and what else it needs to know."""
    match layer:
        case models.SizeNormalization(side=side, fill=fill, zoom=zoom):
            return "normaliseSize", [], {"side": side, "fill": fill, "zoom": zoom}
        case keras.layers.Conv2D(padding="same", strides=(1, 1), use_bias=False):
            (kernel,) = layer.get_weights()  # (size, size, channels, filters)
            return "convolve", [kernel], {"size": kernel.shape[0], "filters": kernel.shape[3]}
        case keras.layers.BatchNormalization():
            gamma, beta, mean, variance = layer.get_weights()
            scale = gamma / np.sqrt(variance + layer.epsilon)
            return "normalise", [scale, beta - mean * scale], {}
        case keras.layers.MaxPooling2D(pool_size=(size, other), strides=(2, 2), padding="same") if (
            size == other
        ):
            return "pool", [], {"size": size}
        case keras.layers.Activation() if layer.activation is keras.activations.relu:
            return "rectify", [], {}
        case keras.layers.Add():
            return "add", [], {}
        case keras.layers.UnitNormalization():
            return "toLengthOne", [], {}
    raise ValueError(f"encoder.js has no layer such as {layer.name}: {layer.get_config()}")


def letters() -> dict:
    """Of each alphabet twenty letters by one person, and some of them by another."""
    evaluation_set = datasets.load_omniglot("evaluation")
    found = {}
    for seed, alphabet in enumerate(ALPHABETS):
        images, drawers = _letters_of(evaluation_set, alphabet)
        rng = np.random.default_rng(seed)
        support, query = rng.choice(np.unique(drawers), 2, replace=False)
        chosen = np.sort(rng.choice(images.shape[0], N_LETTERS, replace=False))
        asked = np.sort(rng.choice(N_LETTERS, N_DRAWINGS, replace=False))
        found[alphabet] = {
            "letters": [_bitmap(images[letter, support - 1]) for letter in chosen],
            "drawings": [_bitmap(images[chosen[k], query - 1]) for k in asked],
            "answers": asked.tolist(),
        }
    return found


def _letters_of(omniglot: datasets.Omniglot, alphabet: str) -> tuple[np.ndarray, np.ndarray]:
    """The images (letter, drawer, side, side) of an alphabet, and their drawers from 1."""
    own = omniglot.alphabets == omniglot.alphabet_names.index(alphabet)
    return omniglot.images[own].reshape(-1, 20, SIDE, SIDE), omniglot.drawers[own]


def stranger_threshold(encoder: keras.Model) -> dict[str, float]:
    """The similarity below which the page says "unknown", and how often it is wrong there.

    From the evaluation alphabets that the page does not show: twenty letters each, with the
    right one among them and without it. At the threshold it refuses as large a share of the
    former as it accepts of the latter. Beside these shares stands how often the nearest of twenty
    is the right one.
    """
    omniglot = datasets.load_omniglot("evaluation")
    known, strange, right = [], [], []
    for seed, alphabet in enumerate(omniglot.alphabet_names):
        if alphabet in ALPHABETS:
            continue
        images, _ = _letters_of(omniglot, alphabet)
        rng = np.random.default_rng(seed)
        embeddings = models.embed(encoder, images.reshape(-1, SIDE, SIDE, 1))
        embeddings = embeddings.reshape(*images.shape[:2], -1)
        for _ in range(200):
            chosen = rng.choice(len(images), N_LETTERS, replace=False)
            support, query = rng.choice(20, 2, replace=False)
            similarity = embeddings[chosen, support] @ embeddings[chosen[0], query]
            known.append(similarity.max())
            right.append(similarity.argmax() == 0)
            strange.append(similarity[1:].max())
    thresholds = np.sort(np.concatenate([known, strange]))
    refused = np.searchsorted(np.sort(known), thresholds) / len(known)
    accepted = 1 - np.searchsorted(np.sort(strange), thresholds) / len(strange)
    best = np.argmin(np.abs(refused - accepted))
    return {
        "similarity": round(float(thresholds[best]), 3),
        "refused": round(float(refused[best]), 3),
        "accepted": round(float(accepted[best]), 3),
        "right": round(float(np.mean(right)), 3),
    }


def _bitmap(image: np.ndarray) -> str:
    """105 x 105 pixels of ink or paper, eight in a byte."""
    return _base64(np.packbits(image.astype(bool)))


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


if __name__ == "__main__":
    main()
