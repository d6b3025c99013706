"""A kernel of nbval that dies at its start is started again, and not for ever."""

import importlib.util

import nbval.kernel
import nbval.plugin
import pytest
from conftest import ROOT


@pytest.fixture
def chapters_conftest():
    spec = importlib.util.spec_from_file_location("of_nbval", ROOT / "notebooks" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("n_deaths", "starts"), [(0, 1), (2, 3), (3, None)])
def test_three_starts_are_tried(chapters_conftest, monkeypatch, n_deaths, starts):
    tried = []

    def start(**options):
        tried.append(options["kernel_name"])
        if len(tried) <= n_deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "a manager", "a client"

    monkeypatch.setattr(nbval.kernel, "start_new_kernel", start)
    monkeypatch.setattr(nbval.kernel.RunningKernel, "_ensure_iopub_up", lambda kernel: None)
    monkeypatch.setattr(nbval.plugin, "RunningKernel", nbval.plugin.RunningKernel)
    chapters_conftest.pytest_configure()
    if starts is None:
        with pytest.raises(RuntimeError, match="Kernel died"):
            nbval.plugin.RunningKernel("python")
    else:
        assert nbval.plugin.RunningKernel("python").km == "a manager"
    assert tried == ["python"] * (starts or 3)
