"""What a book has that is published: a sitemap, and cards for those who share a page.

Both need the address of its pages. It is GitHub's for the repository of _config.yml, or
``html.baseurl`` there; a copy of the book that is published nowhere has neither.
"""

from urllib.parse import urlsplit

EXTENSIONS = ("sphinx_sitemap", "sphinxext.opengraph")


def pages_address(repository: str) -> str:
    """Where GitHub publishes a repository's pages: OWNER.github.io/NAME, or without the name.

    Empty for a repository elsewhere, whose pages html.baseurl of _config.yml has to name.
    """
    if urlsplit(repository).hostname != "github.com":
        return ""
    owner, _, name = urlsplit(repository).path.strip("/").removesuffix(".git").partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def setup(app) -> dict:
    repository = app.config.html_theme_options.get("repository_url")
    if not app.config.html_baseurl and repository:
        app.config.html_baseurl = pages_address(repository)
    if app.config.html_baseurl:
        app.config.ogp_site_url = app.config.html_baseurl
        app.config.ogp_site_name = app.config.html_title
        app.config.sitemap_url_scheme = "{link}"
        for name in EXTENSIONS:
            app.setup_extension(name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
