"""The benchmark of the paper's network on a GPU, as far as a processor can tell."""

import gpu_training
import keras
import numpy as np
import pytest

from siamese_utils import chapters, models

torch = pytest.importorskip("torch", reason="the yardstick is written in PyTorch")
pytestmark = pytest.mark.nightly


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    sizes = {"BATCH": 2, "STEPS": 1, "N_IMAGES": 4, "DIM": 8, "MATRIX": 16, "TURNS": 3}
    for name, value in sizes.items():
        monkeypatch.setattr(gpu_training, name, value)
    monkeypatch.setattr(gpu_training, "FOLDER", tmp_path)


def test_the_yardstick_is_the_same_network():
    """With the same weights, both say the same of the same pairs."""
    keras.utils.set_random_seed(1)
    network = models.koch_network(models.koch_encoder(dim=8, paper_init=False), False)
    plain = gpu_training.plain_network()
    weights = [torch.from_numpy(np.array(w)) for w in network.get_weights()]
    kernels = [w.permute(3, 2, 0, 1) for w in weights[:8:2]]
    # Keras flattens (row, column, channel), PyTorch (channel, row, column).
    dense = weights[8].reshape(6, 6, 256, 8).permute(3, 2, 0, 1).reshape(8, -1)
    kernels += [dense, weights[10].reshape(1, 8)]
    with torch.no_grad():
        for parameter, value in zip(
            plain.parameters(),
            [w for pair in zip(kernels, weights[1::2], strict=True) for w in pair],
            strict=True,
        ):
            parameter.copy_(value.reshape(parameter.shape))
    left, right = np.random.default_rng(0).random((2, 3, 105, 105, 1), "float32")
    expected = network.predict_on_batch([left, right]).ravel()
    with torch.no_grad():
        logit = plain(*(torch.from_numpy(x).permute(0, 3, 1, 2) for x in (left, right)))
    np.testing.assert_allclose(torch.sigmoid(logit).numpy(), expected, atol=1e-6)
    assert np.ptp(expected) > 2e-5


def test_operations_are_those_of_the_layers(monkeypatch):
    monkeypatch.setattr(gpu_training, "DIM", 4096)
    encoder = models.koch_encoder()
    forwards = [
        2 * np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:-1])
        for layer in encoder.layers
        if hasattr(layer, "kernel")
    ]
    assert gpu_training.operations_a_pair() == 2 * (3 * sum(forwards) - forwards[0])


@pytest.mark.parametrize("name", ["ours", "plain", "matrix"])
def test_each_is_measured(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu_training.py", "--one", name])
    gpu_training.main()
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0


@pytest.mark.parametrize(("by_torch", "who"), [(False, "PyTorch"), (True, "Keras on")])
def test_it_says_that_it_needs_a_gpu(by_torch, who, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: by_torch)
    monkeypatch.setattr(gpu_training, "has_gpu", lambda: False)
    monkeypatch.setattr("sys.argv", ["gpu_training.py"])
    with pytest.raises(SystemExit, match=f"^{who}.* sees no GPU"):
        gpu_training.main()


@pytest.mark.parametrize(("ours", "below"), [(30.0, False), (19.0, True)])
def test_medians_against_the_bars(ours, below, monkeypatch):
    """At 100 pairs' worth of matrices a second, 20 pairs are the bar; and plain PyTorch's 25."""
    rate = 100.0 * gpu_training.operations_a_pair()
    turns = {"ours": iter([ours, 1.0, 90.0]), "plain": iter([25.0] * 3), "matrix": iter([rate] * 3)}
    monkeypatch.setattr(gpu_training, "in_its_process", lambda name: next(turns[name]))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu_training, "has_gpu", lambda: True)
    monkeypatch.setattr("sys.argv", ["gpu_training.py"])
    if below:
        with pytest.raises(SystemExit, match="share of the matrix rate, times plain PyTorch"):
            gpu_training.main()
    else:
        gpu_training.main()
    metrics = chapters.read_record(gpu_training.FOLDER / "gpu_training.json")["metrics"]
    assert metrics["share of the matrix rate"] == pytest.approx(ours / 100)
    assert metrics["times plain PyTorch"] == pytest.approx(ours / 25)
    table = (gpu_training.FOLDER / "gpu_training.md").read_text()
    backend = keras.backend.backend()
    assert f"| this package, Keras on {backend} | {ours:.0f} | {ours:.0f} % |" in table
