"""Write book/figure_index.md: every figure of the chapters, by what can be seen in it.

python tools/figures_page.py
"""

import run_chapters

from siamese_utils._files import write_whole

PAGE = run_chapters.ROOT / "book" / "figure_index.md"

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


if __name__ == "__main__":
    text = page()
    write_whole(PAGE, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    print(f"written: {PAGE}")
