"""The repository's address: in one place, and from there on the buttons and in the chapters."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import address
import nbformat
import pytest
import run_chapters as tool
import yaml
from conftest import ROOT

PAGES = "https://somebody.github.io/siamese-book/"
SOMEWHERE = "https://github.com/somebody/siamese-book"


@pytest.mark.parametrize("chapter", tool.names())
def test_a_chapter_s_first_code_fetches_the_book_from_the_address_of_the_config(chapter):
    code = [cell for cell in tool.load(chapter).cells if cell.cell_type == "code"]
    expected = address.first_cell(address.address())
    assert code[0].source == expected.source, "stale: run `make address`"
    assert (code[0].metadata, code[0].id) == (expected.metadata, expected.id)
    assert not any(address.TAG in cell.metadata.get("tags", []) for cell in code[1:])


def test_another_address_makes_no_output_stale():
    chapter = tool.names()[0]
    before = tool.input_digest(chapter, tool.load(chapter))
    changed = address.with_first_cell(tool.load(chapter), SOMEWHERE)
    assert SOMEWHERE in next(c.source for c in changed.cells if c.cell_type == "code")
    assert tool.input_digest(chapter, changed) == before


@pytest.fixture
def without_the_package():
    """Start of a program for which the package is not installed, as on Colab."""
    return (
        "import sys, importlib\n"
        "sys.meta_path = [m for m in sys.meta_path if 'editable' not in str(m)]\n"
        f"sys.path = [p for p in sys.path if p not in ('', {str(ROOT)!r})]\n"
    )


def run(code, folder, **environment):
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
    )


class TestFirstCell:
    @pytest.mark.slow
    def test_alone_it_fetches_the_book_and_installs_the_package(
        self, tmp_path, without_the_package
    ):
        """From a repository of the files of now, by git and pip, into a folder of the test."""
        book, target, reader = (tmp_path / name for name in ("repository", "installed", "reader"))
        reader.mkdir()
        ignored = shutil.ignore_patterns(".*", "_build", "_vendor", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT, book, ignore=ignored)
        git = ["git", "-c", "user.name=x", "-c", "user.email=x@y"]
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
            subprocess.run([*git, *command], cwd=book, check=True)
        code = (
            f"{without_the_package}sys.path.append({str(target)!r})\n"
            f"{address.first_cell(book.as_uri()).source}\n"
            "import siamese_utils, pathlib\n"
            "print(siamese_utils.__file__)\n"
            "print(pathlib.Path('../results').resolve())\n"
        )
        # What the package needs is there; the test is to need no network. (Of this setting pip
        # stores the opposite: 0 takes the setuptools that is installed.)
        offline = {"PIP_TARGET": str(target), "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        found = run(code, reader, **offline)
        assert found.returncode == 0, found.stderr
        # After a restart of the kernel the package is there, and the folder has to be changed.
        again = run(code, reader)
        assert again.returncode == 0, again.stderr
        assert again.stdout == found.stdout
        package, results = found.stdout.split()[-2:]
        assert Path(package).is_relative_to(target)
        assert (target / "siamese_utils/models/pretrained/omniglot.keras").is_file()
        assert Path(results) == reader / "book" / "results"

    def test_without_an_address_it_says_what_to_do(self, tmp_path, without_the_package):
        found = run(without_the_package + address.first_cell("").source, tmp_path)
        assert "ModuleNotFoundError: siamese_utils: open this chapter in a copy" in found.stderr
        assert list(tmp_path.iterdir()) == []

    def test_inside_the_book_it_does_nothing(self, tmp_path):
        code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        found = run(code + address.first_cell(SOMEWHERE).source, tmp_path)
        assert (found.returncode, found.stdout, list(tmp_path.iterdir())) == (0, "", [])


@pytest.mark.nightly
class TestPublishedBook:
    @pytest.fixture(scope="class")
    @classmethod
    def pages(cls, tmp_path_factory):
        """The pages of a book of one chapter that has an address."""
        book = tmp_path_factory.mktemp("published")
        config = yaml.safe_load((ROOT / "_config.yml").read_text())
        config["repository"]["url"] = SOMEWHERE
        (book / "_config.yml").write_text(yaml.safe_dump(config))
        (book / "_toc.yml").write_text(
            "format: jb-book\nroot: intro\nchapters: [{file: notebooks/01_koch_paper}]\n"
        )
        (book / "intro.md").write_text("# Introduction\n\nLetters, one-shot.\n")
        shutil.copytree(ROOT / "book" / "_ext", book / "book" / "_ext")
        shutil.copytree(ROOT / "book" / "_static", book / "book" / "_static")
        (book / "book" / "_vendor").mkdir()
        (book / "book" / "_scripts").mkdir()
        (book / "book" / "references.bib").touch()
        cells = [nbformat.v4.new_markdown_cell("# A chapter")]
        (book / "notebooks").mkdir()
        nbformat.write(
            nbformat.v4.new_notebook(
                cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "x"}}
            ),
            book / "notebooks" / "01_koch_paper.ipynb",
        )
        program = Path(sys.executable).parent / "jupyter-book"
        built = subprocess.run([program, "build", "."], cwd=book, capture_output=True, text=True)
        assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
        return book / "_build" / "html"

    def test_buttons_are_of_the_reader_s_jupyterlab_binder_and_colab(self, pages):
        chapter = (pages / "notebooks" / "01_koch_paper.html").read_text()
        links = re.findall(r'href="([^"]+)"[^>]*\sclass="btn btn-sm dropdown-item"', chapter)
        binder = f"https://mybinder.org/v2/gh/{SOMEWHERE.partition('.com/')[2]}/main"
        assert [link for link in links if "ipynb" in link] == [
            "http://localhost:8888/lab/tree/notebooks/01_koch_paper.ipynb",
            f"{binder}?urlpath=lab/tree/notebooks/01_koch_paper.ipynb",
            "https://colab.research.google.com/github/somebody/siamese-book/blob/main/notebooks/"
            "01_koch_paper.ipynb",
        ]

    def test_the_sitemap_lists_the_pages(self, pages):
        listed = re.findall(r"<loc>(.*?)</loc>", (pages / "sitemap.xml").read_text())
        assert f"{PAGES}intro.html" in listed
        assert f"{PAGES}notebooks/01_koch_paper.html" in listed
        assert all(each.startswith(PAGES) for each in listed)

    def test_a_shared_page_has_a_card(self, pages):
        page = (pages / "intro.html").read_text()
        found = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', page))
        assert found["url"] == f"{PAGES}intro.html"
        assert found["title"] == "Introduction"
        assert found["description"] == "Letters, one-shot."
        assert found["image"].startswith(PAGES)
        assert (pages / found["image"].removeprefix(PAGES)).exists()


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://github.com/Somebody/siamese-book", "https://somebody.github.io/siamese-book/"),
        ("https://github.com/somebody/book.git/", "https://somebody.github.io/book/"),
        ("https://github.com/somebody/somebody.github.io", "https://somebody.github.io/"),
        ("https://gitlab.com/somebody/book", ""),
    ],
)
def test_where_github_publishes_pages(repository, expected):
    spec = importlib.util.spec_from_file_location(
        "published", ROOT / "book" / "_ext" / "published.py"
    )
    published = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(published)
    assert published.pages_address(repository) == expected
