"""Write book/figure_index.md: every figure of the chapters, by what can be seen in it.

python tools/figures_page.py

And the figure of a chapter that the README and the introduction open with, as the chapter stores
it.
"""

import base64

import run_chapters

from siamese_utils._files import write_whole

PAGE = run_chapters.ROOT / "book" / "figure_index.md"
FRONT = run_chapters.ROOT / "book" / "figures" / "mnist_pairs.png"
FRONT_FROM = ("03_mnist_pairs", "fig-mnist-axis")

INTRODUCTION = """\
# Index of figures

Every figure of the chapters, with its description in words: what somebody sees in it who looks, \
and what a screen reader says. `make results` writes this page from the chapters.
"""


def page() -> str:
    """The text of the page, in the order of the chapters."""
    parts = [INTRODUCTION]
    for chapter in run_chapters.names():
        parts.append(f"## {{doc}}`../notebooks/{chapter}`\n")
        for cell in run_chapters.load(chapter).cells:
            form = cell.metadata.get("mystnb")
            if form:
                parts.append(entry(form["figure"], form["image"]["alt"]))
    return "\n".join(parts)


def entry(figure: dict[str, str], description: str) -> str:
    """A line that leads to a figure, and its description below it."""
    return f"[{figure['caption']}](#{figure['name']})\n: {description}\n"


def front() -> bytes:
    """The figure that the book opens with, PNG."""
    chapter, name = FRONT_FROM
    (cell,) = (
        cell
        for cell in run_chapters.load(chapter).cells
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name
    )
    (image,) = (each.data["image/png"] for each in cell.outputs if "data" in each)
    return base64.b64decode(image)


if __name__ == "__main__":
    text, image = page(), front()
    write_whole(FRONT, lambda temporary: temporary.write_bytes(image))
    write_whole(PAGE, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    print(f"written: {FRONT}\nwritten: {PAGE}")
