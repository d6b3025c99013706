"""The page on more than one machine: its code is run as it stands there."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from siamese_utils import models
from siamese_utils.recognition import Reading

PAGE = (ROOT / "book" / "more_machines.md").read_text(encoding="utf-8")
LONG = 600  # seconds against hanging


def code(contains):
    """The one block of the page with a piece of code in it."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if contains in block)
    return found


def start(text, folder, **environment):
    (folder / "page.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, "page.py"],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process):
    out, complained = process.communicate(timeout=LONG)
    assert process.returncode == 0, complained
    return out


@pytest.mark.nightly
@pytest.mark.parametrize("engine", ["UsearchIndex", "QdrantClient"])
def test_a_large_index_knows_the_letters(tmp_path, engine):
    share, *count = said(start(code(engine), tmp_path)).split()
    assert float(share) > 0.98
    assert count in ([], ["300"]), "299 letters, and one that was enrolled"


@pytest.mark.nightly
def test_two_workers_embed_as_one_process_does(tmp_path):
    # On one busy core Ray takes longer to start than the half minute that it allows itself.
    patience = {"RAY_raylet_start_wait_time_s": str(LONG)}
    out = said(start(code("ray.init"), tmp_path, RAY_USAGE_STATS_ENABLED="0", **patience))
    assert out.split()[-2:] == ["598", "598"]
    table = pd.concat(map(pd.read_parquet, sorted((tmp_path / "embeddings").glob("*.parquet"))))
    table = table.sort_values("path")
    encoder = models.load_pretrained("omniglot")
    expected = models.embed(encoder, Reading.of(encoder).read(table["path"].tolist()))
    np.testing.assert_allclose(np.stack(table["embedding"]), expected, atol=1e-5)


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras shares a batch on JAX alone")
def test_two_devices_have_the_losses_of_one(tmp_path):
    flags = "--xla_force_host_platform_device_count="
    found = []
    for n in (1, 2):
        text = said(start(code("DataParallel"), tmp_path, XLA_FLAGS=flags + str(n)))
        devices, losses = text.splitlines()[-2:]
        assert devices == f"{n} devices"
        found.append([float(loss) for loss in losses.split()[1:]])
    assert len(found[0]) == 2
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


@pytest.mark.nightly
def test_two_processes_share_the_trials_of_a_search(tmp_path):
    text = code("layerwise_search")
    first, second = start(text, tmp_path), start(text, tmp_path)
    assert said(first) == said(second)
    assert (tmp_path / "search.log").exists()


def test_every_block_of_the_page_is_run():
    assert len(re.findall(r"^```python$", PAGE, re.MULTILINE)) == 5
