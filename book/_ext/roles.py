"""Repair what a writer marks up in a way that a screen reader cannot follow."""

# The entries of the bibliography have a role of their own, which may not stand in a list.
LIST, PLAIN = '<div role="list" class="citation-list">', '<div class="citation-list">'


def repair(app, pagename, templatename, context, doctree) -> None:
    """Take the role of a list from the bibliography."""
    if "body" in context:
        context["body"] = context["body"].replace(LIST, PLAIN)


def setup(app) -> dict:
    app.connect("html-page-context", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
