"""Launch buttons of the chapters: the reader's own JupyterLab, and Binder and Colab.

The theme makes the buttons of Binder and Colab from repository.url in _config.yml, and it
stops where a book has launch buttons and no address. A copy of the book that is published
nowhere still runs in the JupyterLab that `make lab` starts.
"""

LOCAL = "http://localhost:8888/lab/tree"  # where JupyterLab listens unless told otherwise


def without_address(app, config) -> None:
    """Take out the theme's own launch buttons where they would lead nowhere."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options["launch_buttons"] = {}


def add_local(app, pagename, templatename, context, doctree) -> None:
    """Put the reader's JupyterLab in front of a chapter's launch buttons."""
    if not pagename.startswith("notebooks/"):
        return
    button = {
        "type": "link",
        "text": "JupyterLab",
        "tooltip": "Open it in the JupyterLab that `make lab` started",
        "icon": "fas fa-laptop",
        "url": f"{LOCAL}/{pagename}.ipynb",
    }
    buttons = context["header_buttons"]
    for group in buttons:
        if group.get("label") == "launch-buttons":
            group["buttons"].insert(0, button)
            return
    group = {"type": "group", "label": "launch-buttons", "buttons": [button]}
    buttons.insert(0, group | {"tooltip": "Run this chapter", "icon": "fas fa-rocket"})


def setup(app) -> dict:
    app.connect("config-inited", without_address)
    app.connect("html-page-context", add_local, priority=502)  # after the theme's, at 501
    return {"parallel_read_safe": True, "parallel_write_safe": True}
