"""Make the color images of the chapters: ``python tools/emoji.py NOTO TWEMOJI OPENMOJI``.

Animals, fruit and vegetables as three designers drew them, for ``chapters.write_emoji``. The
arguments are archives of npm, which ``npm pack`` fetches: emoji-datasource-google@16.0.0 (Noto
Emoji), emoji-datasource-twitter@16.0.0 (Twemoji) and openmoji@17.0.0. OpenMoji's are drawings of
lines, for which CairoSVG has to be installed.
"""

import argparse
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import cairosvg
from PIL import Image

from siamese_utils._files import write_whole

OUT = Path(__file__).resolve().parents[1] / "siamese_utils" / "chapters" / "emoji.zip"
SHA256 = {
    "noto": "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
    "twemoji": "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
    "openmoji": "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68",
}
COLORED = "-FE0F"  # the mark of a colored picture at the end of a code, which not all have
SIZE = 64  # pixels, in which the first two come
MARGIN = 4  # of white on each side
KINDS = ("mammal", "bird", "amphibian", "reptile", "marine", "bug")
SUBCATEGORIES = {*(f"animal-{kind}" for kind in KINDS), "food-fruit", "food-vegetable"}
# Parts of animals, and what another name shows as well.
LEFT_OUT = {
    *("feet", "pig_nose", "feather", "wing", "spider_web", "shell", "coral"),
    *("black_cat", "black_bird", "guide_dog", "service_dog", "poodle", "dromedary_camel"),
    *("hatching_chick", "hatched_chick", "racehorse", "green_apple", "tropical_fish"),
}
LICENSES = """\
The images of this archive were made by others, scaled to 56 x 56 pixels and set on white.

*/noto.png      Noto Emoji, copyright Google LLC. Apache License 2.0,
                https://www.apache.org/licenses/LICENSE-2.0
                (from emoji-datasource-google 16.0.0, copyright 2013 Cal Henderson, MIT License)
*/twemoji.png   Twemoji, copyright 2020 Twitter, Inc and other contributors. CC BY 4.0,
                https://creativecommons.org/licenses/by/4.0/
                (from emoji-datasource-twitter 16.0.0, copyright 2013 Cal Henderson, MIT License)
*/openmoji.png  OpenMoji, the open-source emoji and icon project. CC BY-SA 4.0,
                https://creativecommons.org/licenses/by-sa/4.0/
                (from openmoji 17.0.0; these files may be passed on under the same license)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in SHA256:
        parser.add_argument(name, type=Path)
    asked = parser.parse_args()
    archives = {name: read(getattr(asked, name), SHA256[name]) for name in SHA256}
    noto, twemoji, openmoji = archives.values()
    drawings = {
        Path(path).stem.removesuffix(COLORED): drawing
        for path, drawing in openmoji.items()
        if path.startswith("package/color/svg/")
    }
    files = {"LICENSES.txt": LICENSES.encode()}
    for name, code in classes(json.loads(noto["package/emoji.json"])).items():
        drawing = drawings[code.upper().removesuffix(COLORED)]
        pictures = {
            "noto": noto[f"package/img/google/64/{code}.png"],
            "twemoji": twemoji[f"package/img/twitter/64/{code}.png"],
            "openmoji": cairosvg.svg2png(drawing, output_width=SIZE, output_height=SIZE),
        }
        files |= {f"{name}/{style}.png": on_white(image) for style, image in pictures.items()}
    write_whole(OUT, lambda temporary: packed(temporary, files))
    print(f"{len(files) - 1} images, {OUT.stat().st_size / 1e6:.2f} MB")


def packed(path, files):
    """Write an archive; with a fixed date, so that the same files give the same bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])


def read(path, sha256):
    """The files of an archive by their names."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise SystemExit(f"{path} has the checksum {found}; expected {sha256}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = [m for m in archive if m.isfile() and m.name.endswith((".svg", ".png", ".json"))]
        return {m.name: archive.extractfile(m).read() for m in members if "sheet" not in m.name}


def classes(entries):
    """The code of each class by its name; ``lion_face`` is a lion, and ``cat2`` another cat."""
    found = {}
    for entry in entries:
        name = entry["short_name"]
        if entry["subcategory"] in SUBCATEGORIES and name not in LEFT_OUT:
            found.setdefault(name.removesuffix("_face").rstrip("2"), entry["image"][:-4])
    return dict(sorted(found.items()))


def on_white(png):
    with Image.open(io.BytesIO(png)) as image:
        inside = SIZE - 2 * MARGIN
        drawn = image.convert("RGBA").resize((inside, inside), Image.Resampling.LANCZOS)
    white = Image.new("RGBA", (SIZE, SIZE), "white")
    white.alpha_composite(drawn, (MARGIN, MARGIN))
    out = io.BytesIO()
    white.convert("RGB").quantize(64).save(out, "png", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
