"""The book as one PDF, and its pages as a zip file."""

import re
import unicodedata
import zipfile

import book_pdf
import pytest
from browser import chromium
from conftest import pages_listed
from pypdf import PdfReader

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def made(site, tmp_path_factory):
    """Both files, from the site that the tests build."""
    with chromium():  # skips where there is none
        pass
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_pdf, "SITE", site)
        patch.setattr(book_pdf, "PDF", folder / "book.pdf")
        patch.setattr(book_pdf, "ZIP", folder / "book.zip")
        book_pdf.main()
    return folder


@pytest.fixture(scope="module")
def pdf(made):
    return PdfReader(made / "book.pdf")


@pytest.fixture(scope="module")
def titles(site):
    """The title of each page of the site, in the order of the contents."""
    found = []
    for name in pages_listed():
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        found.append(re.search(r"<title>(.*?) &#8212;", text, re.DOTALL)[1].strip())
    return found


def outline(pdf):
    """Level, title and page of each entry."""
    found = []

    def walk(items, level):
        for item in items:
            if isinstance(item, list):
                walk(item, level + 1)
            else:
                found.append((level, item.title, pdf.get_destination_page_number(item)))

    walk(pdf.outline, 0)
    return found


def text_of(pdf, page):
    """The words of a page, without ligatures."""
    return " ".join(unicodedata.normalize("NFKC", pdf.pages[page].extract_text()).split())


def test_the_outline_has_every_page_in_order(pdf, titles):
    found = [title for level, title, _ in outline(pdf) if level == 0]
    assert len(found) == len(titles)
    for title, page_title in zip(found[1:], titles[1:], strict=True):
        assert title == re.sub(r"<.*?>|&#.*?;", "", page_title).replace("&amp;", "&")


def test_every_entry_of_the_outline_leads_to_its_heading(pdf):
    entries = outline(pdf)
    assert len(entries) > 200
    missed = [
        title
        for _, title, page in entries
        if title.replace(" ", "") not in text_of(pdf, page).replace(" ", "")
    ]
    assert missed == []


def test_the_contents_name_the_page_that_a_heading_is_on(pdf):
    entries = outline(pdf)
    first = min(page for _, _, page in entries)
    contents = " ".join(text_of(pdf, page) for page in range(first))
    for _, title, page in entries:
        assert f"{title} {page + 1}" in contents


def test_pages_are_numbered_through(pdf):
    for page in (0, 1, len(pdf.pages) // 2, len(pdf.pages) - 1):
        assert text_of(pdf, page).split()[-1] == str(page + 1)


def test_links_stay_within_the_pdf_or_lead_to_other_sites(pdf):
    within, outside = [], []
    for page in pdf.pages:
        for annotation in (each.get_object() for each in page.get("/Annots", [])):
            address = annotation.get("/A", {}).get("/URI")
            (outside if address else within).append(address)
    assert len(within) > 800
    assert [each for each in outside if "127.0.0.1" in each or each.startswith("file:")] == []


def test_links_lead_to_what_they_say(pdf):
    """From the introduction to chapters, which are named by their titles, and to references."""
    starts = {title: page for level, title, page in outline(pdf) if level == 0}
    numbers = {page.indirect_reference.idnum: k for k, page in enumerate(pdf.pages)}
    introduction = range(starts["One-shot learning with Siamese networks"], starts["Draw a letter"])
    led_to = {
        numbers[annotation.get_object()["/Dest"][0].idnum]
        for page in introduction
        for annotation in pdf.pages[page].get("/Annots", [])
        if "/Dest" in annotation.get_object()
    }
    for title in ("Draw a letter", "MNIST pairs", "Your own images", "Glossary"):
        assert starts[title] in led_to
    assert any(page >= starts["Bibliography"] for page in led_to)


def test_code_and_solutions_are_printed(pdf):
    whole = "".join(page.extract_text() for page in pdf.pages)
    assert "def contrastive_loss(same, distance, margin=1.0):" in whole
    assert "def solution(" in whole  # folded on the screen
    assert "Show code cell" not in whole and "Hide code cell" not in whole


def test_the_zip_file_has_the_whole_site(made, site):
    with zipfile.ZipFile(made / "book.zip") as packed:
        assert packed.testzip() is None
        files = {name for name in packed.namelist() if not name.endswith("/")}
    assert files == {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}


def test_without_a_book_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(book_pdf, "SITE", tmp_path)
    with pytest.raises(SystemExit, match="build it first: make book"):
        book_pdf.main()
