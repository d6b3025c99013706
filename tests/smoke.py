"""Runs of chapters at smoke: on which backends, and what they leave."""

import importlib.util

import results_page

from siamese_utils import chapters

# `make test` needs the first one alone, and uses no other where more are installed.
DEFAULT, *OTHERS = "tensorflow", *filter(importlib.util.find_spec, ("jax", "torch"))


def assert_is_smoke_record(path, chapter, backend):
    written = chapters.read_record(path)
    assert (written["name"], written["profile"]) == (chapter, "smoke")
    assert written["provenance"]["backend"] == backend
    metrics = results_page.with_intervals(written["metrics"])
    assert metrics
    for line in results_page.HEADLINES.get(chapter, []):
        # Of what it compares, a smoke run may have some only.
        assert results_page.at(metrics, line.path[:1]) is not None, line
