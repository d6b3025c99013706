"""The metric for distances, quiet progress, and the optimiser of Koch's paper."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import nbformat
import numpy as np
import papermill
import pytest
from nbclient import NotebookClient

from siamese_utils.training import LayerwiseSGD, PairAccuracy, Progress
from siamese_utils.training import progress as progress_module

pytestmark = pytest.mark.backend


@pytest.mark.parametrize(
    ("same", "distance", "expected"),
    [
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], 1.0),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.0),  # Keras' own accuracy would say 1
        ([1, 1, 0, 0], [0.1, 0.7, 0.3, 0.9], 0.5),
        ([1, 0], [0.5, 0.5], 0.5),  # at the threshold means different
    ],
)
def test_pair_accuracy_by_hand(same, distance, expected):
    metric = PairAccuracy(0.5)
    metric.update_state(np.array(same, "float32"), np.array(distance, "float32"))
    assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(expected)


def test_pair_accuracy_averages_over_batches():
    metric = PairAccuracy(1.0)
    metric.update_state(np.array([1.0, 1.0, 1.0]), np.array([0.5, 0.5, 0.5]))
    metric.update_state(np.array([1.0]), np.array([2.0]))
    assert float(keras.ops.convert_to_numpy(metric.result())) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("n_epochs", "reported"),
    [(1, [1]), (5, [1, 2, 3, 4, 5]), (20, [4, 8, 12, 16, 20]), (7, [2, 4, 6, 7])],
)
def test_progress_prints_about_five_lines(n_epochs, reported, capsys):
    progress = Progress()
    progress.set_params({"epochs": n_epochs})
    progress.on_train_begin()
    for epoch in range(n_epochs):
        progress.on_epoch_end(epoch, {"loss": 0.5})
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1].split("/")[0]) for line in lines] == reported
    assert all(line.endswith("loss 0.5000") for line in lines)


class TestLiveLine:
    """What Progress shows between the lines that stay, where a line can be written over."""

    @pytest.fixture
    def written(self, capsys, monkeypatch):
        def train(n_lines, rewrites=True):
            monkeypatch.setattr(progress_module, "_rewrites", lambda: rewrites)
            monkeypatch.setattr(progress_module, "SECONDS", 0)
            x = np.zeros((4, 1))
            two = two_layers()
            two.compile("sgd", "mse")
            two.fit(x, x, batch_size=2, epochs=2, verbose=0, callbacks=[Progress(n_lines)])
            return capsys.readouterr().out

        return train

    def test_says_where_the_training_is_and_is_written_over(self, written):
        parts = written(2).split("\r")
        assert parts[1:3] == ["epoch   1/2,   0%", "epoch   1/2,  50%"]
        assert parts[3] == "epoch   1/2  loss 0.0000\n"

    @pytest.mark.parametrize("n_lines", [0, 1, 2])
    def test_each_state_covers_the_one_before(self, written, n_lines):
        """As a terminal shows it: after a return, the row is written over from its start."""
        row, stay = "", 0
        for part in written(n_lines).replace("\n", "\n\r").split("\r"):
            row = part + ("" if row.endswith("\n") else row[len(part) :])
            assert row.rstrip() == part.rstrip() or part == ""
            stay += row.endswith("\n")
        assert row.strip() == ""
        assert stay == n_lines

    def test_nothing_is_left_of_it_at_the_end(self, written):
        *_, blank, end = written(0).split("\r")
        assert (blank.strip(), end) == ("", "")
        assert len(blank) == len("epoch   2/2,  50%")

    def test_stays_away_where_lines_cannot_be_written_over(self, written):
        assert written(0, rewrites=False) == ""
        assert "\r" not in written(2, rewrites=False)


@pytest.mark.slow
class TestLiveLineInANotebook:
    """It is for who watches: a copy that a program executes keeps only the lines that stay."""

    CELL = """
import sys
import numpy as np
sys.path[:0] = {path}
from siamese_utils.training import Progress, progress

progress.SECONDS = 0
for n_lines in (0, 2):
    live = Progress(n_lines)
    live.set_params({{"epochs": 2, "steps": 3}})
    live.on_train_begin()
    for epoch in range(2):
        live.on_epoch_begin(epoch)
        for batch in range(3):
            live.on_train_batch_begin(batch)
        live.on_epoch_end(epoch, {{"loss": 0.5}})
    live.on_train_end()
"""
    STAY = "epoch   1/2  loss 0.5000\nepoch   2/2  loss 0.5000\n"

    @pytest.fixture
    def notebook(self):
        cell = self.CELL.format(path=[str(Path(__file__).resolve().parents[2]), *sys.path])
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        return nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell)], metadata={"kernelspec": kernel}
        )

    def shown(self, notebook):
        outputs = notebook.cells[-1].outputs
        return "".join(o.text for o in outputs if o.get("name") == "stdout")

    def test_papermill_stores_none_of_it(self, notebook, tmp_path):
        nbformat.write(notebook, tmp_path / "chapter.ipynb")
        done = papermill.execute_notebook(
            tmp_path / "chapter.ipynb", tmp_path / "executed.ipynb", progress_bar=False
        )
        assert self.shown(done) == self.STAY
        assert "%" not in self.shown(nbformat.read(tmp_path / "executed.ipynb", as_version=4))

    def test_a_front_end_that_could_answer_shows_it(self, notebook):
        class FrontEnd(NotebookClient):
            async def async_start_new_kernel_client(self):
                client = await super().async_start_new_kernel_client()
                client.allow_stdin = True
                return client

        FrontEnd(notebook, kernel_name="python3").execute()
        assert self.shown(notebook).count("\repoch   2/2,  33%") == 2


@pytest.mark.parametrize("value", [np.float16(0.5), np.array([0.5]), np.float64(0.5)])
def test_progress_prints_numbers_of_any_type(value, capsys):
    progress = Progress(np.int64(1))
    progress.set_params({"epochs": np.int64(1)})
    progress.on_train_begin()
    progress.on_epoch_end(0, {"loss": value, "worst": np.float32(np.nan)})
    assert capsys.readouterr().out == "epoch   1/1  loss 0.5000  worst nan\n"


@pytest.mark.parametrize("n_lines", [-1, 1.5, None, "5"])
def test_progress_refuses_what_is_no_count(n_lines):
    with pytest.raises(ValueError, match=r"n_lines is .*expected a whole number of at least 0"):
        Progress(n_lines)


RATES, MOMENTA = {"first": 0.5, "second": 0.1}, {"first": 0.9, "second": 0.2}


def two_layers():
    """y = c b a x, all 1: with x = 1 and the mean of (y - 0)**2 / 2, slopes are c y and a y."""
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="first"),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="second"),
        ]
    )
    return model


def layerwise(**options):
    return LayerwiseSGD(
        **{"rates": RATES, "momenta": MOMENTA, "steps_per_epoch": 2, "rise_epochs": 2, **options}
    )


def weights(model):
    return [float(w.squeeze()) for w in model.get_weights()]


class TestLayerwiseSGD:
    def test_steps_by_hand(self):
        """Two layers, gradients 1 and 2 throughout, two steps an epoch, three epochs."""
        model, optimizer = two_layers(), layerwise()
        # epoch: rates 0.5 0.99^T and 0.1 0.99^T; momenta 0.5 0.7 0.9 and 0.5 0.35 0.2
        first = [-0.5, 0.5 * -0.5 - 0.5]
        first += [0.7 * first[-1] - 0.495]
        first += [0.7 * first[-1] - 0.495]
        first += [0.9 * first[-1] - 0.49005]
        second = [-0.2, 0.5 * -0.2 - 0.2]
        second += [0.35 * second[-1] - 0.198]
        second += [0.35 * second[-1] - 0.198]
        second += [0.2 * second[-1] - 0.19602]
        gradients = [keras.ops.full((1, 1), g) for g in (1.0, 2.0)]
        for n in range(1, 6):
            optimizer.apply(gradients, model.trainable_variables)
            expected = [1 + sum(first[:n]), 1 + sum(second[:n])]
            np.testing.assert_allclose(weights(model), expected, rtol=1e-5)

    def test_fit_takes_the_same_steps(self):
        """loss = (b a)**2: the slopes are 2 b^2 a and 2 a^2 b, in a compiled function."""
        model = two_layers()
        model.compile(layerwise(), "mean_squared_error")
        x, y = np.ones((4, 1), "float32"), np.zeros((4, 1), "float32")
        model.fit(x, y, batch_size=2, epochs=3, verbose=0)
        w, step = np.ones(2), np.zeros(2)
        for n in range(6):
            epoch = n // 2
            slope = 2 * w[::-1] ** 2 * w
            rate = np.array([0.5, 0.1]) * 0.99**epoch
            momentum = 0.5 + (np.array([0.9, 0.2]) - 0.5) * min(epoch / 2, 1)
            step = momentum * step - rate * slope
            w = w + step
        np.testing.assert_allclose(weights(model), w, rtol=1e-4)

    @pytest.mark.slow
    def test_equal_rates_and_constant_momentum_are_keras_s_sgd(self):
        x = np.random.default_rng(0).normal(size=(8, 1)).astype("float32")
        found = []
        for optimizer in (
            layerwise(rates=dict.fromkeys(RATES, 0.02), momenta=0.7, start_momentum=0.7, decay=1.0),
            keras.optimizers.SGD(0.02, momentum=0.7),
        ):
            model = two_layers()
            model.compile(optimizer, "mean_squared_error")
            model.fit(x, 3 * x, batch_size=2, epochs=3, shuffle=False, verbose=0)
            found.append(weights(model))
        np.testing.assert_allclose(*found, rtol=1e-5)

    def test_schedule(self):
        optimizer = layerwise(rise_epochs=4)
        assert optimizer.rate("first", 0) == 0.5
        assert optimizer.rate("first", 10) == pytest.approx(0.5 * 0.99**10)
        momenta = keras.ops.convert_to_numpy(optimizer.momentum("second", np.arange(6.0)))
        np.testing.assert_allclose(momenta, [0.5, 0.425, 0.35, 0.275, 0.2, 0.2], rtol=1e-6)

    def test_learning_rate_is_a_common_factor(self):
        model, optimizer = two_layers(), layerwise()
        optimizer.learning_rate = 0.1
        optimizer.apply([keras.ops.ones((1, 1))] * 2, model.trainable_variables)
        np.testing.assert_allclose(weights(model), [0.95, 0.99], rtol=1e-6)

    def test_config_gives_the_same_optimizer(self):
        optimizer = layerwise(momenta=0.8, decay=0.9, clipnorm=1.0)
        config = LayerwiseSGD.from_config(optimizer.get_config()).get_config()
        assert config == optimizer.get_config()
        assert config["momenta"] == {"first": 0.8, "second": 0.8}
        assert (config["decay"], config["clipnorm"]) == (0.9, 1.0)

    @pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.array])
    def test_numbers_of_numpy_are_plain_ones(self, kind, tmp_path):
        """So that the optimizer can be saved, and its settings written as JSON."""
        optimizer = layerwise(
            rates={name: kind(0.5) for name in RATES}, momenta=kind(0.5), decay=kind(0.5),
            start_momentum=kind(0.5), steps_per_epoch=np.int64(2), rise_epochs=np.uint8(2),
        )  # fmt: skip
        plain = layerwise(
            rates=dict.fromkeys(RATES, 0.5), momenta=0.5, decay=0.5, start_momentum=0.5
        )
        assert json.dumps(optimizer.get_config()) == json.dumps(plain.get_config())

    def test_names_inside_an_encoder(self):
        encoder = two_layers()
        inputs = keras.Input((1,))
        model = keras.Model(inputs, keras.layers.Dense(1, name="head")(encoder(inputs)))
        rates = {**RATES, "head": 0.3}
        model.compile(layerwise(rates=rates, momenta=0.5), "mean_squared_error")
        before = model.get_weights()
        model.fit(np.ones((2, 1)), np.zeros((2, 1)), verbose=0)
        moved = [np.abs(a - b).max() for a, b in zip(before, model.get_weights(), strict=True)]
        assert min(moved) > 0, "each layer, also those inside, has a rate and moves by it"

    @pytest.mark.parametrize("rates", [{"first": 0.1}, {**RATES, "third": 0.1}])
    def test_a_layer_without_a_rate_and_a_rate_without_a_layer(self, rates):
        optimizer = layerwise(rates=rates, momenta=0.5)
        for _ in range(2):  # as a cell that is run again
            with pytest.raises(ValueError, match=r"weights to train are \['first', 'second'\]"):
                optimizer.build(two_layers().trainable_variables)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"momenta": {"first": 0.9}}, "expected the same layers"),
            ({"momenta": 1.1}, "momentum of layer 'first' is 1.1; expected 0 to 1"),
            (
                {"rates": {"first": -0.1, "second": 0.1}},
                "rate of layer 'first' is -0.1; expected 0 to 1",
            ),
            ({"momenta": np.nan}, "momentum of layer 'first' is nan"),
            ({"momenta": "0.9"}, "momentum of layer 'first' is '0.9'"),
            ({"steps_per_epoch": 0}, "steps_per_epoch is 0; expected a whole number of at least 1"),
            ({"steps_per_epoch": 2.5}, "steps_per_epoch is 2.5; expected a whole number"),
            ({"rise_epochs": 0}, "rise_epochs is 0; expected a whole number of at least 1"),
            ({"decay": 1.5}, "decay is 1.5; expected 0 to 1"),
            ({"start_momentum": -0.1}, "start_momentum is -0.1; expected 0 to 1"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(ValueError, match=message):
            layerwise(**options)

    @pytest.mark.nightly
    def test_training_goes_on_the_same_in_a_fresh_process(self, tmp_path):
        model = two_layers()
        model.compile(layerwise(), "mean_squared_error")
        x, y = np.ones((6, 1), "float32"), np.zeros((6, 1), "float32")
        model.fit(x, y, batch_size=2, epochs=1, verbose=0)  # in the middle of epoch 1
        model.save(tmp_path / "model.keras")
        paths = [str(tmp_path / name) for name in ("model.keras", "out.npy")]
        subprocess.run([sys.executable, "-c", GO_ON, *paths], check=True)
        model.fit(x, y, batch_size=2, epochs=1, verbose=0)
        np.testing.assert_allclose(np.load(paths[1]), weights(model), rtol=1e-6)


GO_ON = """
import sys
import numpy as np
import siamese_utils.training
import keras
model = keras.saving.load_model(sys.argv[1])
assert int(model.optimizer.iterations) == 3
model.fit(np.ones((6, 1), "float32"), np.zeros((6, 1)), batch_size=2, epochs=1, verbose=0)
np.save(sys.argv[2], [float(w.squeeze()) for w in model.get_weights()])
"""
