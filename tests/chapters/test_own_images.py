"""Chapter 7 on a folder of somebody's: small colour photographs, and what lies among them."""

import json
import re

import numpy as np
import pytest
import run_chapters as tool
from conftest import ROOT
from PIL import Image
from smoke import DEFAULT

from siamese_utils import chapters, datasets, models
from siamese_utils.recognition import Reading

N_IMAGES = 100  # of each class but the last, which is smaller than the chapter expects
N_LAST = 5
SCENES = ("beach", "brick", "field", "forest", "night")


def scene(name, rng):
    """A made-up photograph: uint8 (height, width, 3), of a size of its own."""
    height, width = rng.integers(40, 110, size=2)
    y, x = np.mgrid[:height, :width] / max(height, width)
    light = rng.uniform(0.8, 1.1)
    horizon = rng.uniform(0.35, 0.6) * y.max()
    if name == "beach":  # sky over sand
        colour = np.where((y < horizon)[..., None], (120, 170, 230), (220, 200, 150))
    elif name == "brick":  # courses of bricks
        size = rng.uniform(0.08, 0.14)
        joint = (y % size < 0.2 * size) | ((x + size * (y // size % 2)) % (2 * size) < 0.2 * size)
        colour = np.where(joint[..., None], (190, 185, 180), (165, 80, 60))
    elif name == "field":  # green under a sky, with rows that meet far away
        rows = np.sin(40 * (x - 0.5) / (y + 0.3)) > 0
        colour = np.where(rows[..., None], (90, 150, 60), (120, 180, 80))
        colour = np.where((y < 0.6 * horizon)[..., None], (170, 200, 235), colour)
    elif name == "forest":  # upright trunks
        trunks = np.sin(rng.uniform(25, 45) * x + rng.uniform(0, 6)) > 0.3
        colour = np.where(trunks[..., None], (60, 45, 30), (50, 95, 45))
    else:  # night: lights in the dark
        colour = np.full((height, width, 3), (15, 18, 40))
        for _ in range(12):
            row, column = rng.integers(2, height - 2), rng.integers(2, width - 2)
            colour[row - 2 : row + 2, column - 2 : column + 2] = (250, 220, 150)
    noisy = light * colour + rng.normal(0, 18, size=(height, width, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def write_photographs(root, seed=0):
    """405 files in five class folders, a few of other modes, and a broken one in the first."""
    rng = np.random.default_rng(seed)
    for name in SCENES:
        (root / name).mkdir(parents=True)
        for k in range(N_LAST if name == SCENES[-1] else N_IMAGES):
            image = Image.fromarray(scene(name, rng))
            path = root / name / f"{k:03d}.jpg"
            if k == 10:
                image.convert("L").save(path)
            elif k == 20:
                image.putalpha(200)
                image.save(path.with_suffix(".png"))
            elif k == 30:
                image.convert("P").save(path.with_suffix(".png"))
            else:
                image.save(path, quality=90)
    whole = (root / SCENES[0] / "000.jpg").read_bytes()
    (root / SCENES[0] / "000.jpg").write_bytes(whole[: len(whole) // 3])
    (root / "notes.txt").write_text("not an image")
    return root


def text_of(notebook):
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    return "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")


@pytest.mark.nightly
def test_the_chapter_runs_unchanged_on_a_folder_of_photographs(tmp_path):
    root = write_photographs(tmp_path / "photographs")
    record, output = tmp_path / "record.json", tmp_path / "output.ipynb"
    chosen = {"environment": {"KERAS_BACKEND": DEFAULT}, "folder": str(root)}
    tool.run_papermill("07_your_own_images", "smoke", record, output, **chosen)
    notebook = json.loads(output.read_text())
    assert notebook["metadata"]["papermill"]["exception"] is None
    text = text_of(notebook)
    assert "yours: 404 images of 5 classes, 5 to 100 of each; 2 files left out" in text
    assert "images are in colour: encoder 'photos'" in text
    assert "  left out: notes.txt: not in a class folder" in text
    assert "  left out: beach/000.jpg: broken image" in text
    metrics = chapters.read_record(record)["metrics"]
    assert metrics["counts"] == {"yours": 404}
    assert metrics["skipped"] == {"yours": 2}
    assert set(metrics["ready"]) == {f"yours, {e}" for e in ("raw pixels", "omniglot", "photos")}
    assert metrics["threshold"]["yours"]["n_classes"] == 5
    assert "ready: photos" in metrics["own"], "the third road, too, is walked with them"


@pytest.mark.nightly
def test_the_familiar_letters_are_those_with_near_relatives_in_the_pretraining(tmp_path):
    """By the similarity of mean embeddings, of print and of each background character."""
    code = (ROOT / "notebooks" / "07_your_own_images.ipynb").read_text(encoding="utf-8")
    familiar = re.search(r'FAMILIAR = \\"(\w+)\\"', code).group(1)
    encoder = models.load_pretrained("omniglot")
    reading = Reading.of(encoder)

    def means(images, labels):
        vectors = models.embed(encoder, images)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        found = np.stack([vectors[labels == k].mean(axis=0) for k in np.unique(labels)])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    background = datasets.load_omniglot()
    drawn = np.concatenate(
        [
            reading.prepare(np.asarray(background.images[i : i + 500], "float32"))
            for i in range(0, len(background.images), 500)
        ]
    )
    folder = reading.read_folder(chapters.write_letters(tmp_path / "letters"))
    similarity = means(folder.images, folder.labels) @ means(drawn, background.labels).T
    nearest = np.argsort(-similarity.max(axis=1))[: len(familiar)]
    assert "".join(folder.class_names[k] for k in sorted(nearest)) == familiar
