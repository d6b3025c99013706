"""The README: what it tells a reader to type is run, and what it says was measured.

Every line of its code blocks has a way below in which it is run; a new line without one fails.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import results_page
import run_chapters as tool
import yaml
from claims import fault, source
from conftest import ROOT

from siamese_utils import chapters

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)
SHELL = [
    line.split("  #")[0].strip()
    for language, block in BLOCKS
    if language == "bash"
    for line in block.splitlines()
    if line.strip() and not line.startswith("#")
]

# What stands behind `make`: the recipe is run by the tests that the comment names.
MADE = {
    "make book": "jupyter-book build . --all -W -n --keep-going",  # the fixture `site`
    "make test": "--nbval-lax --nbval-current-env",  # what these tests are part of
    "make test-backends": "for backend in jax torch; do",  # .ci/run
    # what make test-backends does first
    'make setup BACKENDS="tensorflow jax" --always-make': "-e '.[lab,book,test,jax]'",
    "KERAS_BACKEND=jax make full CHAPTER=03_mnist_pairs": (
        "tools/run_chapters.py full 03_mnist_pairs --profile full"  # test_notebooks, at smoke
    ),
}
# What makes an environment takes gigabytes, so its arguments are checked against the files.
ENVIRONMENTS = {
    "python3 -m venv .venv && . .venv/bin/activate",
    'pip install -c constraints.txt -e ".[lab,book,test]"',
    "conda env create -f environment.yml && conda activate siamese-book",
    r"py -3.12 -m venv .venv; .venv\Scripts\activate",
    '.venv/bin/pip install -c constraints.txt "jax[cuda12]"',
}
# What an environment without make offers is asked for its help: the options have to be there.
PROGRAMS = {
    "jupyter lab": [],
    "jupyter-book build . -W -n --keep-going": ["-W", "-n", "--keep-going"],
    'pytest -m "not nightly"': ["-m"],
    "pytest --nbval-lax --nbval-current-env --nbval-cell-timeout=3600 notebooks": [
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout",
    ],
}


def run(command, folder=ROOT, **environment):
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_every_line_for_the_shell_is_run_below():
    session = (".venv/bin/siamese ", ".venv/bin/python ", "mkdir new ")
    commands = [line for line in SHELL if not line.startswith(session)]
    made = {line.removesuffix(" --always-make") for line in MADE}
    assert set(commands) == {*made, *ENVIRONMENTS, *PROGRAMS}
    # the images, those moved away, train, enroll twice, classify
    assert len(SHELL) - len(commands) == 6
    assert {language for language, _ in BLOCKS} == {"bash", "python", "text"}


def commands_of_the_integration():
    """The lines of .ci/run that call make."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    return [line for line in script.splitlines() if re.match(r"\s*(exec )?make\b", line)]


def test_the_integration_runs_what_the_readme_says():
    """Word for word: first its two commands, with TensorFlow alone, then the other backends."""
    two = [line for line in SHELL if line.startswith("make ")][:2]
    assert commands_of_the_integration() == [*two, "make test-backends"]
    assert "make test-backends" in SHELL
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == commands_of_the_integration()


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize("line", MADE)
def test_make_knows_the_command(line):
    *settings, command = re.split(r"(?<=\S) (?=make)", line)
    environment = dict(each.split("=") for each in settings)
    found = run(["bash", "-c", f"{command} --dry-run"], MAKEFLAGS="", **environment)
    assert found.returncode == 0, found.stderr
    assert MADE[line] in found.stdout


def test_the_environments_are_made_of_what_is_there():
    """The extras themselves are compared in test_project."""
    lines = " ".join(ENVIRONMENTS)
    for name in re.findall(r"-[cf] (\S+)", lines):
        assert (ROOT / name).is_file()
    (activated,) = re.findall(r"conda activate (\S+)", lines)
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["name"] == activated


@pytest.mark.nightly
@pytest.mark.parametrize("line", PROGRAMS)
def test_a_program_has_the_options(line):
    program, *arguments = line.split()
    help_of = [*arguments[:1], "--help"] if program.startswith("jupyter") else ["--help"]
    found = run([str(Path(sys.executable).parent / program), *help_of])
    assert found.returncode == 0, found.stderr
    assert all(option in found.stdout for option in PROGRAMS[line])


@pytest.mark.slow
def test_the_lines_of_python_do_what_they_say(tmp_path):
    (code,) = (block for language, block in BLOCKS if language == "python")
    assert len(code.splitlines()) <= 10
    found = run([sys.executable, "-c", code], tmp_path, PYTHONPATH=str(ROOT))
    assert found.returncode == 0, found.stderr
    assert found.stdout == "['lion' 'crab']\n"


@pytest.mark.nightly
def test_the_session_in_the_shell_is_what_it_says(tmp_path):
    said = {}
    for line in SHELL:
        program, *arguments = shlex.split(line, comments=True)
        if program in (".venv/bin/siamese", ".venv/bin/python"):
            module = ["-m", "siamese_utils"] if program.endswith("siamese") else []
            answer = run([sys.executable, *module, *arguments], tmp_path, PYTHONPATH=str(ROOT))
            assert answer.returncode == 0, answer.stderr
            said[arguments[0]] = answer.stdout
        elif program == "mkdir":
            assert run(["bash", "-c", line], tmp_path).returncode == 0
    assert "138-way one-shot accuracy on classes left out" in said["train"]
    assert "encoder photos (images are in colour)" in said["train"]
    assert "2 stored of 2 classes" in said["enroll"]
    (shown,) = (block for language, block in BLOCKS if language == "text")
    for found, printed in zip(said["classify"].splitlines(), shown.splitlines(), strict=True):
        *names, score = printed.split()
        assert found.split("\t")[:2] == names
        assert float(found.split("\t")[2]) == pytest.approx(float(score), abs=2e-3)
    found = run([str(Path(sys.executable).parent / "siamese"), "--help"])
    assert (found.returncode, found.stderr) == (0, "")
    assert all(name in found.stdout for name in said if name != "-c")


# The numbers of the first table, as in claims.py: piece of the page, source, pattern.
CLAIMS = [
    ("98.2 % (96.4 to 99.1)", "08", "official runs, one encoding: @share"),
    ("**99.1 %** (98.3 to 99.7, over alphabets), recorded", "08", "| mean | * | * | @share | *"),
    ("92.6 % (91.0 to 94.3, over alphabets), recorded", "08", "| mean | @share | *"),
    ("maps 93.1 % (91.5 to 94.6), over", "08", "| 25 shifts and earlier maps | @share | *"),
    ("**93.5 %** (91.9 to 95.0) | |", "08", "| the same, three encoders together | @share | *"),
    ("**95.2 %** (93.2 to 97.3, over alphabets), recorded", "05", "mean of 3 seeds: @share"),
    ("**99.22 %** (99.03 to 99.37)", "03", "| ConvNet | # % (# % to # %) | * | 0.*"),
    (
        "66.8 % (60.3 to 70.2, three",
        "03",
        "| ConvNet | *% (*) | *% (*) | # % (# % to # %) | *",
    ),
    ("97.0 % of the", "04", "| recorded, 20 epochs | * | # % | *"),
    ("16.5 % (12.4 to 22.2, eight", "results", "| EER of the source's network | # % (# to #, *"),
    ("16.5 %", "04", "recorded, 20 epochs, all eight folds: #%"),
    ("pixels 14.5 % (7.1 to 22.7)", "results", "| EER of raw pixels | # % (# to #, *"),
    ("pixels 14.5 %", "04", "raw pixels, all eight folds: mean EER #%"),
    (
        "**2.8 %** (0.8 to 5.8, eight",
        "results",
        "| EER of the photo encoder, whitened | # % (# to #, *",
    ),
    ("**2.8 %**", "04", "| photo encoder, whitened | # % | *"),
    ("94.9 %", "04", "| the source, 20 epochs | not told | # % | *"),
]


def test_the_first_table_says_what_was_measured():
    page = README.replace("*", "")
    wrong = [fault(piece.replace("*", ""), row, page, source(name)) for piece, name, row in CLAIMS]
    assert [each for each in wrong if each] == []


def seeds_of(part):
    """The recorded trainings of a part of chapter 08, one for each seed."""
    record = chapters.read_record(ROOT / "results" / "recorded" / "frontier.json")
    return [e for name, e in record["metrics"].items() if name.startswith(f"{part}: ")]


def test_the_short_training_is_the_mean_of_the_recorded_ones():
    shares = [100 * each["official runs, plain"]["accuracy"] for each in seeds_of("quick")]
    mean = sum(shares) / len(shares)
    said = f"**{mean:.1f} %** ({WORDS[len(shares)]} seeds, {min(shares):.1f} to {max(shares):.1f})"
    assert f"three minutes of training | 92.0 %, Koch et al. (2015) | {said}" in README


def test_the_longer_training_is_the_mean_of_the_recorded_ones():
    seeds = seeds_of("long")
    (row,) = re.findall(r"^\| the official runs, trained for longer.*$", README, re.M)
    assert f"trained for longer, mean of {WORDS[len(seeds)]} seeds |" in row
    minutes = results_page.minutes_of_training(seeds)
    assert row.endswith(f"| {minutes:.0f} minutes for each seed, on one or two shared cores |")


WORDS = {2: "two", 3: "three"}


def test_the_paper_s_network_took_what_was_recorded():
    record = chapters.read_record(ROOT / "results" / "recorded" / "paper_network.json")
    runs = [run for name, run in record["metrics"].items() if name.startswith("recorded: ")]
    minutes = sum(run["seconds"] for run in runs) / len(runs) / 60
    assert len(runs) == 3 and "own network, mean of three seeds |" in README
    assert f", recorded | {minutes:.0f} minutes for each seed |" in README


def test_the_intro_says_what_the_readme_says():
    (share,) = re.findall(r"own network, 38,951,745 weights.*\*\*(\S+ %)\*\* (\(.*?\))", README)
    assert " ".join(share) in (ROOT / "book" / "intro.md").read_text(encoding="utf-8")


MINUTES = {"½": "half a minute", "1": "a minute", "2": "two minutes", "3": "three minutes",
           "3½": "three to four minutes", "4": "four minutes", "5": "five minutes"}  # fmt: skip


def test_every_chapter_has_a_row_with_the_minutes_of_its_opening():
    rows = re.findall(r"^\| \[.*\]\(notebooks/(\w+)\.ipynb\) \|.*\| ([\d½]+) \|", README, re.M)
    assert [name for name, _ in rows] == tool.names(), "the table of README.md has other chapters"
    for name, minutes in rows:
        text = "\n".join(c.source for c in tool.load(name).cells if c.cell_type == "markdown")
        opening = text.partition("\n## ")[0].lower()
        assert minutes in MINUTES, f"{name}: {minutes} minutes; expected one of {[*MINUTES]}"
        assert MINUTES[minutes] in opening, f"{name}: its opening does not say {MINUTES[minutes]}"


def test_the_files_of_a_project_agree_on_the_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+), (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert (newest[1], newest[2]) == (citation["version"], citation["date-released"])
    assert project["version"] == citation["version"]
    assert citation["title"].split(":")[0] == README.splitlines()[0].removeprefix("# ")
