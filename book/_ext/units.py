"""Keep a number and its sign in one line: a narrow table must not break "86.5 %" in two."""

import re

from docutils import nodes

SPACE = re.compile(r"(?<=\d)[ \n](?=%)")
NO_BREAK = "\N{NO-BREAK SPACE}"
AS_WRITTEN = (
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.comment,
)


def keep_together(app, doctree, docname) -> None:
    """Put a space that does not break before each per cent sign of the text."""
    for text in list(doctree.findall(nodes.Text)):
        if SPACE.search(text) and not isinstance(text.parent, AS_WRITTEN):
            text.parent.replace(text, nodes.Text(SPACE.sub(NO_BREAK, text)))


def setup(app) -> dict:
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
