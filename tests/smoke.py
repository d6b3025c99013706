"""What a chapter's run at smoke leaves, however it was started."""

import results_page

from siamese_utils import results


def assert_is_smoke_record(path, chapter, backend):
    written = results.read(path)
    assert (written["name"], written["profile"]) == (chapter, "smoke")
    assert written["provenance"]["backend"] == backend
    metrics = results_page.with_intervals(written["metrics"])
    assert metrics
    for line in results_page.HEADLINES.get(chapter, []):
        # Of what it compares, a smoke run may have some only.
        assert results_page.at(metrics, line.path[:1]) is not None, line
