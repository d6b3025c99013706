"""The examples on the book's pages give what the pages say, on every backend."""

import doctest
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.backend

BOOK = Path(__file__).resolve().parents[2] / "book"
PAGES = ["losses", "data_flow"]
FENCED = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def examples(page):
    """The doctest blocks of a page as one test, whose line numbers are the page's."""
    lines = [""] * len(page.splitlines())
    for block in FENCED.finditer(page):
        if ">>>" in block[1]:
            first = page[: block.start(1)].count("\n")
            inside = block[1].splitlines()
            lines[first : first + len(inside)] = inside
    return "\n".join(lines) + "\n"


def run(name, page):
    """Run a page's examples in order; how many there are, and what went wrong."""
    test = doctest.DocTestParser().get_doctest(examples(page), {}, name, name, 0)
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    return len(test.examples), "".join(said)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.slow
def test_examples(name, tmp_path, monkeypatch):
    page = (BOOK / f"{name}.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    n_examples, wrong = run(f"book/{name}.md", page)
    assert n_examples, f"book/{name}.md has no example"
    assert not wrong, wrong


class TestTheseTests:
    def test_a_wrong_number_is_noticed(self):
        page = "Text.\n\n```python\n>>> 1 + 1\n3\n```\n"
        n_examples, wrong = run("a page", page)
        assert n_examples == 1
        assert "line 4" in wrong

    def test_blocks_share_their_names_and_other_blocks_are_left(self):
        page = "```python\n>>> x = 1\n```\n\n```bash\n>>> y\n```\n\n```python\n>>> x\n1\n```\n"
        assert run("a page", page) == (2, "")
