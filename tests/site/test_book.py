"""The book: complete, built without a warning, and readable without a network."""

import importlib
import itertools
import posixpath
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import figures_page
import pytest
import run_chapters
from conftest import ROOT, pages_listed
from docutils import nodes


def test_the_contents_list_every_page_and_no_other():
    pages = [*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/*.ipynb")]
    assert sorted(pages_listed()) == sorted(
        p.relative_to(ROOT).with_suffix("").as_posix() for p in pages
    )


def test_the_readme_lists_every_chapter():
    linked = re.findall(r"\(notebooks/(\w+\.ipynb)\)", (ROOT / "README.md").read_text())
    assert set(linked) == {path.name for path in ROOT.glob("notebooks/*.ipynb")}


def test_the_index_of_figures_is_that_of_the_chapters():
    stored = figures_page.PAGE.read_text(encoding="utf-8")
    assert stored == figures_page.page(), "book/figure_index.md is stale: run `make results`"


def test_the_figure_of_the_front_is_a_chapter_s():
    """Then it is compared with the chapter's own; a picture that nothing makes grows stale."""
    stored = {n for c in run_chapters.names() for n in run_chapters.pictures(run_chapters.load(c))}
    for page in ("README.md", "book/intro.md"):
        shown = re.findall(r"figures/([\w.]+)", (ROOT / page).read_text(encoding="utf-8"))
        assert shown and set(shown) <= stored


class Page(HTMLParser):
    """What a built page loads, links to, shows, and can be linked to by."""

    def __init__(self, path):
        super().__init__()
        self.loaded, self.links, self.images, self.anchors, self.classes = [], [], [], set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.classes |= set((attributes.get("class") or "").split())
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append((attributes.get("src"), attributes.get("alt")))
        if tag == "link" and attributes.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(attributes["href"])
        if tag in ("script", "img", "iframe", "source", "video", "audio") and attributes.get("src"):
            self.loaded.append(attributes["src"])


@pytest.fixture(scope="module")
def pages(site):
    """The pages by their path; what the theme keeps under _static is no page."""
    paths = [p for p in site.rglob("*.html") if "_static" not in p.parts]
    return {path.relative_to(site).as_posix(): Page(path) for path in paths}


def target(page, link):
    """Path inside the site and anchor of a relative link on a page."""
    parts = urlsplit(link)
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
    return (path if parts.path else page), unquote(parts.fragment)


@pytest.mark.slow
class TestBuiltBook:
    def test_every_chapter_is_there(self, pages):
        for chapter in ROOT.glob("notebooks/*.ipynb"):
            assert f"notebooks/{chapter.stem}.html" in pages

    def test_nothing_is_loaded_from_another_site(self, site, pages):
        outside = {(n, u) for n, page in pages.items() for u in page.loaded if urlsplit(u).netloc}
        assert not outside
        # Scripts in a page may name others to load later, as widgets and launch buttons do.
        named = re.compile(r"https?://[^\"'\s]+\.(?:js|css)\b")
        assert not {(n, u) for n in pages for u in named.findall((site / n).read_text())}

    def test_what_is_loaded_is_there(self, site, pages):
        missing = {
            (name, url)
            for name, page in pages.items()
            for url in page.loaded
            if not url.startswith("data:") and not (site / target(name, url)[0]).is_file()
        }
        assert not missing

    def test_formulas_are_drawn_by_a_local_script(self, site, pages):
        with_formulas = {name for name, page in pages.items() if "math" in page.classes}
        assert "book/notation.html" in with_formulas
        for name in with_formulas:
            (script,) = (url for url in pages[name].loaded if "mathjax" in url)
            path = site / target(name, script)[0]
            fonts = path.parent / "output" / "chtml" / "fonts" / "woff-v2"
            assert path.is_file()
            assert len(list(fonts.glob("*.woff"))) == 23

    def test_links_inside_the_book_lead_somewhere(self, site, pages):
        broken = set()
        for name, page in pages.items():
            for link in page.links:
                if urlsplit(link).scheme or urlsplit(link).netloc or link == "#":
                    continue
                path, anchor = target(name, link)
                if not (site / path).is_file() or (
                    anchor and path in pages and anchor not in pages[path].anchors
                ):
                    broken.add((name, link))
        assert not broken

    def test_every_picture_is_described(self, pages):
        """The book's tool takes a picture's path for its description where it has none."""
        bare = {
            (name, source)
            for name, page in pages.items()
            for source, alt in page.images
            if not (alt or "").strip() or re.search(r"\.(png|jpe?g|svg|gif)$", alt)
        }
        assert not bare

    def test_no_table_breaks_a_number_before_its_sign(self, site, pages):
        cells = [
            cell
            for path in pages
            for cell in re.findall(
                r"<t[dh]\b.*?</t[dh]>", (site / path).read_text("utf-8"), re.DOTALL
            )
        ]
        assert any("\N{NO-BREAK SPACE}%" in cell for cell in cells)
        assert [cell for cell in cells if re.search(r"\d\s%", cell, re.ASCII)] == []

    def test_the_book_is_small(self, site):
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        assert size < 40e6


class TestKeptTogether:
    """The space before a per cent sign, in the extension that the built book uses."""

    def test_in_text_and_not_in_what_is_quoted(self, monkeypatch):
        monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
        units = importlib.import_module("units")
        paragraph = nodes.paragraph("", "")
        paragraph += nodes.strong("", "92 %")
        paragraph += nodes.Text(" of 86.5\n% and a % b")
        paragraph += nodes.literal("", "92 %")
        units.keep_together(None, paragraph, "page")
        texts = [str(text) for text in paragraph.findall(nodes.Text)]
        assert texts == ["92\N{NO-BREAK SPACE}%", " of 86.5\N{NO-BREAK SPACE}% and a % b", "92 %"]


def test_no_option_of_a_figure_goes_on_in_another_line():
    """MyST takes what follows for the caption, and drops the caption itself."""
    options = 0
    for page in (ROOT / "book").glob("*.md"):
        lines = page.read_text(encoding="utf-8").splitlines()
        for line, following in itertools.pairwise(lines):
            if re.match(r":(alt|name|width|align):", line):
                options += 1
                assert re.match(r":\w+:|```|$", following), f"{page.name}: {following}"
    assert options > 5
