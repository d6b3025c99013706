"""Runs of chapters at smoke: the backend for them, and what they leave."""

import importlib.util

import results_page

from siamese_utils import chapters

# PyTorch compiles nothing, so there a small run is through first.
QUICKEST = "torch" if importlib.util.find_spec("torch") else "tensorflow"


def assert_is_smoke_record(path, chapter, backend):
    written = chapters.read_record(path)
    assert (written["name"], written["profile"]) == (chapter, "smoke")
    assert written["provenance"]["backend"] == backend
    metrics = results_page.with_intervals(written["metrics"])
    assert metrics
    for line in results_page.HEADLINES.get(chapter, []):
        # Of what it compares, a smoke run may have some only.
        assert results_page.at(metrics, line.path[:1]) is not None, line
