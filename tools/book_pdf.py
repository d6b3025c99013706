"""Print the built book as one PDF with an installed Chromium, and pack its pages as a zip file.

python tools/book_pdf.py

Each page of _build/html is printed by itself, in the order of _toc.yml. Then the parts are joined
behind a title and a table of contents: links between pages lead to places in the PDF, its outline
has every heading, and its pages are numbered through. It goes to _build/siamese-book.pdf, and the
pages as they are to _build/siamese-book-html.zip.
"""

import html
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag

import chromium
import yaml
from playwright.sync_api import Browser, Page
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, FloatObject, NameObject

from siamese_utils._files import write_whole

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
PDF = ROOT / "_build" / "siamese-book.pdf"
ZIP = ROOT / "_build" / "siamese-book-html.zip"
SLOW = 600_000  # milliseconds that a busy machine may take for a page
MARGIN = {"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"}
# A page as it is printed: without what only a screen needs, and with no code cut off. Solutions
# and set-up cells are unfolded, since paper cannot be; the code of figures stays folded.
STYLE = """
  * { animation: none !important; transition: none !important; }
  .bd-header, .bd-header-article, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-footer,
  .bd-footer, .bd-footer-content, .copybtn, .headerlink, #print-main-content,
  #pst-skip-link, .tag_hide-input > details, .draw-board, .draw-answer, .draw-ready,
  .draw-letters label, .draw-letters select, details.hide > summary { display: none !important; }
  body, .bd-main .bd-content .bd-article-container { font-size: 10.5pt; max-width: none; }
  .bd-article-container, .bd-article { padding: 0 !important; }
  .bd-article pre { font-size: 8.5pt !important; white-space: pre-wrap !important;
                    overflow: visible !important; }
  .bd-article table { font-size: 8.5pt; }
  .bd-article .pst-scrollable-table-container { overflow: visible !important; }
  .draw { display: block; }
  .draw #draw-letters { grid-template-columns: repeat(10, 1fr); }
  figure, img, tr, .draw, .cell_input, .cell_output .output { break-inside: avoid; }
  h1, h2, h3, h4 { break-after: avoid; }
  #places, #places a { font-size: 1px; line-height: 1px; color: transparent !important;
                       text-decoration: none !important; }
"""
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"
READY = """
  [...document.images].every(each => each.complete) &&
  document.querySelectorAll('.math').length <= document.querySelectorAll('mjx-container').length
"""
# A PDF knows the place of a name only if a link leads there: one to each name, too small to see.
LINK = """
  const names = [...document.querySelectorAll('article [id]')].map(each => each.id)
  const links = names.map(name => {
    const link = document.createElement('a')
    link.href = '#' + encodeURIComponent(name)
    link.textContent = '.'
    return link
  })
  const places = document.createElement('div')
  places.id = 'places'
  places.append(...links)
  document.querySelector('article').append(places)
"""
# A section may begin on the page before its heading, which then needs a name of its own.
HEADINGS = """
  () => [...document.querySelectorAll('article h1, article h2')].map((heading, place) => {
    heading.id = `heading-${place}`
    const text = heading.cloneNode(true)
    text.querySelectorAll('.headerlink').forEach(each => each.remove())
    const title = text.textContent.replace(/\\s+/g, ' ').trim()
    return [Number(heading.tagName[1]), title, heading.id]
  })
"""


@dataclass
class Part:
    """A printed page of the book.

    Attributes
    ----------
    name : str
        Its file in the site, such as ``"book/intro.html"``.
    pages : PdfReader
    start : int
        Its first page in the PDF, from 0.
    places : dict
        From the names that links lead to, to pages of this part, from 0.
    headings : list of (level, title, name)
        Those of levels 1 and 2.
    """

    name: str
    pages: PdfReader
    places: dict[str, int]
    headings: list[tuple[int, str, str]]
    start: int = 0

    def page_of(self, name: str) -> int:
        """Which page of the PDF a name is on, from 0; unknown names are at the part's start."""
        return self.start + self.places.get(name, 0)


def main() -> None:
    if not (SITE / "index.html").exists():
        sys.exit(f"error: there is no book in {SITE}; build it first: make book")
    path = chromium.executable()
    if path is None:
        sys.exit(
            f"error: none of {', '.join(chromium.NAMES)} is on the PATH, and one of them prints "
            "the pages; on Debian and Ubuntu: apt-get install chromium"
        )
    write_whole(ZIP, lambda temporary: shutil.make_archive(str(temporary)[:-4], "zip", SITE))
    print(f"written: {ZIP}, {ZIP.stat().st_size / 1e6:.0f} MB")
    with chromium.served(SITE) as address, chromium.running(path) as browser:
        writer = joined(browser, address, page_names())
    write_whole(PDF, writer.write)
    print(f"written: {PDF}, {len(writer.pages)} pages, {PDF.stat().st_size / 1e6:.0f} MB")


def page_names() -> list[str]:
    """The files of the site in the order of the table of contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    return [f"{name}.html" for name in (contents["root"], *files)]


def joined(browser: Browser, address: str, names: list[str]) -> PdfWriter:
    """All pages in one PDF, with title, contents, outline, links and numbers."""
    parts = [printed_part(browser, address, name) for name in names]
    # How many pages the contents take does not depend on the numbers in them.
    start = len(contents_page(browser, parts).pages)
    for part in parts:
        part.start, start = start, start + len(part.pages.pages)
    writer = PdfWriter()
    writer.append(contents_page(browser, parts))
    for part in parts:
        writer.append(part.pages, import_outline=False)
        chapter = None
        for level, title, name in part.headings:
            above = chapter if level > 1 else None
            item = writer.add_outline_item(
                title=title, page_number=part.page_of(name), parent=above
            )
            chapter = chapter if level > 1 else item
    lead_within(writer, address, {part.name: part for part in parts})
    for page, number in zip(writer.pages, number_sheets(browser, len(writer.pages)), strict=True):
        page.merge_page(number)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    writer.compress_identical_objects()
    return writer


def printed_part(browser: Browser, address: str, name: str) -> Part:
    """One page of the site, printed in light colors."""
    window = browser.new_page(viewport={"width": 900, "height": 1200}, color_scheme="light")
    window.set_default_timeout(SLOW)
    window.goto(f"{address}/{name}")
    window.wait_for_load_state("networkidle")
    window.evaluate("document.documentElement.dataset.theme = 'light'")
    window.evaluate("[...document.images].forEach(each => each.loading = 'eager')")
    window.add_style_tag(content=STYLE)
    window.evaluate(UNFOLD)
    window.wait_for_function(READY)
    headings = [tuple(each) for each in window.evaluate(HEADINGS)]
    window.evaluate(f"() => {{ {LINK} }}")
    pages = paper(window, margin=MARGIN)
    window.close()
    numbers = {page.indirect_reference.idnum: k for k, page in enumerate(pages.pages)}
    places = {
        unquote(place.lstrip("/")): numbers[destination.page.idnum]
        for place, destination in pages.named_destinations.items()
    }
    return Part(name, pages, places, headings)


def paper(window: Page, **options) -> PdfReader:
    """What a window shows, printed."""
    printed = window.pdf(format="A4", print_background=True, **options)
    return PdfReader(io.BytesIO(printed))


def contents_page(browser: Browser, parts: list[Part]) -> PdfReader:
    """The title, and the headings of all parts with their pages."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    lines = []
    for part in parts:
        for level, title, name in part.headings:
            number = part.page_of(name) + 1
            lines.append(
                f'<p class="level-{level}"><span>{html.escape(title)}</span><b>{number}</b></p>'
            )
    text = f"""<!doctype html><html lang="en"><title>{html.escape(config["title"])}</title>
      <style>
        body {{ font: 10.5pt sans-serif; }}
        h1 {{ font-size: 26pt; margin: 90mm 0 6mm; }}
        h2 {{ break-before: page; }}
        p {{ display: flex; justify-content: space-between; margin: 1mm 0; }}
        .level-1 {{ font-weight: bold; margin-top: 3mm; }}
        .level-2 {{ padding-left: 6mm; }}
        b {{ font-weight: inherit; }}
      </style>
      <h1>{html.escape(config["title"])}</h1><div>{html.escape(config["author"])}</div>
      <h2>Contents</h2>{"".join(lines)}</html>"""
    window = browser.new_page()
    window.set_content(text)
    pages = paper(window, margin=MARGIN)
    window.close()
    return pages


def lead_within(writer: PdfWriter, address: str, parts: dict[str, Part]) -> None:
    """Let links to pages of the site lead to their places in the PDF.

    A name is on several pages of the site, so each link within a part is resolved there.
    """
    for part in parts.values():
        for page in writer.pages[part.start : part.start + len(part.pages.pages)]:
            kept = ArrayObject()
            for annotation in page.get("/Annots", []):
                link = annotation.get_object()
                if is_helper(link):
                    continue
                kept.append(annotation)
                target, place = urldefrag(str(link.get("/A", {}).get("/URI", "")))
                if isinstance(link.get("/Dest"), str):  # a name
                    to = part.page_of(unquote(link["/Dest"].lstrip("/")))
                elif target.startswith(address):
                    other = parts.get(target.removeprefix(f"{address}/"))
                    # What is not in the contents, such as a download, leads to the part itself.
                    to = other.page_of(unquote(place)) if other else part.start
                    del link["/A"]
                else:
                    continue
                top = [writer.pages[to].indirect_reference, NameObject("/FitH"), FloatObject(842)]
                link[NameObject("/Dest")] = ArrayObject(top)
            page[NameObject("/Annots")] = kept


def is_helper(link) -> bool:
    """Whether a link was put in to learn the place of a name: it is a point high."""
    bottom, top = sorted(float(link["/Rect"][k]) for k in (1, 3))
    return top - bottom < 3


def number_sheets(browser: Browser, n: int) -> list:
    """So many empty pages, with their numbers at the foot."""
    sheets = "".join(f"<div>{k + 1}</div>" for k in range(n))
    window = browser.new_page()
    window.set_content(
        "<style>@page { margin: 0 } body { margin: 0; font: 9pt sans-serif }"
        " div { height: 296mm; display: flex; align-items: end; justify-content: center;"
        " padding-bottom: 8mm; box-sizing: border-box; break-after: page }"
        f" div:last-child {{ break-after: auto }}</style>{sheets}"
    )
    pages = paper(window)
    window.close()
    return list(pages.pages)


if __name__ == "__main__":
    main()
