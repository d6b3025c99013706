"""The built book as a reader meets it: in a browser, without a network."""

import json

import pytest
from browser import DESKTOP, LONG_MS, PHONE, chromium, violations
from chromium import served
from conftest import ROOT, pages_listed

PAGES = [*(f"{page}.html" for page in pages_listed()), "genindex.html", "search.html"]
CHAPTERS = [page for page in PAGES if page.startswith("notebooks/")]
# The chapters share their colours, so one of them stands for all; and so do the modules of
# the reference.
COLOURS = [page for page in PAGES if page not in (*CHAPTERS[1:], "book/api.html")]
# MathJax draws each letter as an element of its own, and highlighted code each word; the
# colours of both are looked at on one page.
MATHS, CODE, MODULE = ["mjx-container"], ["div.highlight"], ["#distances"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def address(site):
    with served(site) as where:
        yield where


def opened(browser, address, page):
    """A page in a window of its own; what went wrong is noted in ``page.faults``."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(LONG_MS)
    window = context.new_page()
    window.faults = []
    window.on("console", lambda m: m.type == "error" and window.faults.append(m.text))
    window.on("pageerror", lambda error: window.faults.append(str(error)))
    window.on("response", lambda r: r.status >= 400 and window.faults.append(r.url))
    window.on(
        "request",
        lambda r: r.url.startswith((address, "data:", "blob:")) or window.faults.append(r.url),
    )
    # First all is loaded and set up: on a slow machine the network is idle before that, too.
    window.goto(f"{address}/{page}")
    window.wait_for_load_state("networkidle")
    # Colours change at once, so that no test has to guess how long they fade.
    window.add_style_tag(content="* { transition: none !important; animation: none !important }")
    return window


@pytest.fixture(scope="module", params=PAGES)
def page(request, browser, address):
    window = opened(browser, address, request.param)
    yield window
    window.context.close()


def paint(window, scheme):
    """Show a page in light or dark, as the theme's button does."""
    window.evaluate("scheme => document.documentElement.dataset.theme = scheme", scheme)


class TestEveryPage:
    def test_loads_without_an_error_or_a_request_to_another_site(self, page):
        assert page.faults == []

    @pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
    def test_is_no_wider_than_the_window(self, page, size):
        page.set_viewport_size(size)
        page.wait_for_function("width => innerWidth === width", arg=size["width"])
        widths = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        page.set_viewport_size(DESKTOP)
        assert widths[0] <= widths[1]

    def test_neither_code_nor_what_it_prints_has_to_be_scrolled(self, page):
        in_chapter, shown, wide = page.evaluate(
            """() => {
                const folded = [...document.querySelectorAll('details:not([open])')]
                folded.forEach(each => each.open = true)
                const code = [...document.querySelectorAll('.bd-article pre')]
                const cells = document.querySelectorAll('.cell_input pre').length
                const shown = code.filter(each => each.clientWidth > 600).length
                const wide = code.filter(each => each.scrollWidth > each.clientWidth)
                const texts = wide.map(each => each.textContent)
                folded.forEach(each => each.open = false)
                return [cells > 0, shown, texts]
            }"""
        )
        assert shown > 10 or not in_chapter
        assert wide == []

    def test_draws_its_formulas(self, page):
        page.wait_for_function(
            "document.querySelectorAll('.math').length <="
            " document.querySelectorAll('mjx-container').length"
        )
        assert page.locator("mjx-merror").count() == 0

    def test_shows_its_pictures(self, page):
        page.evaluate("[...document.images].forEach(i => i.loading = 'eager')")
        page.wait_for_function("[...document.images].every(i => i.complete)")
        broken = "[...document.images].filter(i => !i.naturalWidth).map(i => i.src)"
        assert page.evaluate(broken) == []

    @pytest.mark.nightly
    def test_is_accessible(self, page):
        assert violations(page, {"exclude": [MATHS]}, left_out=["color-contrast"]) == []


@pytest.mark.nightly
@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestColours:
    @pytest.mark.parametrize("page", COLOURS, indirect=True)
    def test_text_has_enough_contrast(self, page, scheme):
        paint(page, scheme)
        assert violations(page, {"exclude": [MATHS, CODE]}, ["color-contrast"]) == []

    @pytest.mark.parametrize(
        ("page", "part"),
        [
            ("notebooks/03_mnist_pairs.html", CODE),
            ("book/notation.html", MATHS),
            ("book/api.html", MODULE),
        ],
        indirect=["page"],
    )
    def test_code_formulas_and_the_reference_have_it_too(self, page, scheme, part):
        paint(page, scheme)
        assert violations(page, {"include": [part]}, ["color-contrast"]) == []


def test_the_button_changes_the_colours(browser, address):
    window = opened(browser, address, "book/intro.html")
    seen = {}
    for _ in range(3):  # the system's, light, dark
        window.locator(".theme-switch-button").first.click()
        theme = window.evaluate("document.documentElement.dataset.theme")
        seen[theme] = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert set(seen) == {"light", "dark"} and seen["light"] != seen["dark"]
    assert window.faults == []
    window.context.close()


@pytest.mark.nightly
def test_axe_finds_what_is_wrong(browser, address):
    """A picture without a description, and grey on grey, put into a page that has neither."""
    window = opened(browser, address, "book/intro.html")
    bad = '<img src="../_static/favicon.svg"><p style="color: #888; background: #999">grey</p>'
    window.evaluate(
        "bad => document.querySelector('article section').insertAdjacentHTML('beforeend', bad)", bad
    )
    assert {rule for rule, _ in violations(window, {"exclude": [MATHS]})} == {
        "image-alt",
        "color-contrast",
    }
    window.context.close()


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, browser, address):
    window = opened(browser, address, request.param)
    yield window
    window.context.close()


@pytest.mark.nightly
class TestChapter:
    def test_solutions_open_when_asked(self, chapter):
        hidden = chapter.locator("details.hide")
        assert hidden.count() >= 2
        for k in range(hidden.count()):
            content = hidden.nth(k).locator("div.highlight").first
            assert not content.is_visible()
            hidden.nth(k).locator("summary").click()
            assert content.is_visible()

    def test_figures_are_shown_large_enough_to_read(self, chapter):
        """Nine points on 7-inch paper at 110 dots an inch, where 12 CSS pixels are 9 points."""
        shown = chapter.evaluate(
            "[...document.querySelectorAll('figure img, .cell_output img')]"
            ".filter(i => i.width).map(i => [i.src, i.width / i.naturalWidth * 9 * 110 / 72])"
        )
        assert shown
        assert [each for each in shown if each[1] < 12] == []

    def test_downloads_as_the_notebook_that_it_is(self, chapter, site):
        link = chapter.locator("a.btn-download-source-button").first.get_attribute("href")
        got = chapter.request.get(chapter.evaluate("link => new URL(link, location).href", link))
        name = chapter.url.rpartition("/")[2].replace(".html", ".ipynb")
        assert json.loads(got.text()) == json.loads((ROOT / "notebooks" / name).read_text())

    def test_opens_in_the_reader_s_jupyterlab(self, chapter):
        name = chapter.url.rpartition("/")[2].replace(".html", ".ipynb")
        links = chapter.locator(".dropdown-launch-buttons a")
        addresses = [links.nth(k).get_attribute("href") for k in range(links.count())]
        assert addresses == [f"http://localhost:8888/lab/tree/notebooks/{name}"]


class TestSearch:
    def test_finds_a_page_by_a_word(self, browser, address):
        window = opened(browser, address, "book/intro.html")
        window.keyboard.press("Control+k")
        window.keyboard.type("semi-hard mining")
        window.keyboard.press("Enter")
        results = window.locator("#search-results li a")
        results.first.wait_for()
        assert "06_triplet" in " ".join(
            results.nth(k).get_attribute("href") for k in range(results.count())
        )
        assert window.faults == []
        window.context.close()

    @pytest.mark.parametrize(
        ("term", "chapter"),
        [
            ("pseudo-Siamese", "01_koch_paper"),
            ("springs", "02_contrastive_loss"),
            ("McNemar", "03_mnist_pairs"),
            ("Fisherfaces", "04_att_faces"),
            ("Hausdorff", "05_omniglot_20way"),
            ("batch hard", "06_triplet"),
            ("emoji", "07_your_own_images"),
            ("Reptile", "08_past_the_paper"),
        ],
    )
    def test_finds_each_chapter_by_its_terms(self, browser, address, term, chapter):
        window = opened(browser, address, f"search.html?q={term}")
        window.locator(f"#search-results li a[href*='{chapter}']").first.wait_for()
        window.context.close()

    def test_says_so_where_there_is_nothing(self, browser, address):
        window = opened(browser, address, "search.html?q=xylophone")
        window.get_by_text("did not match any documents").wait_for()
        window.context.close()
