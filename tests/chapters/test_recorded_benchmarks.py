"""The recorded comparisons behind chapters 03 and 06: what is trained on what, and what chooses."""

import compared_losses
import keras
import mnist_pairs
import numpy as np
import pytest
import results_page
from entries import Entries, parts_asked_for, plain

from siamese_utils import chapters, datasets, sampling

SIDE = 28


def made_up_letters(n_alphabets, first):
    """Letters as noise around a pattern of their own: 22 in each alphabet, by four people."""
    n_letters = 22 * n_alphabets
    rng = np.random.default_rng(first)
    patterns = rng.random((n_letters, 1, SIDE, SIDE, 1)) < 0.2
    images = patterns ^ (rng.random((n_letters, 4, SIDE, SIDE, 1)) < 0.02)
    labels = np.repeat(np.arange(n_letters), 4)
    return images.reshape(-1, SIDE, SIDE, 1).astype("float32"), datasets.Omniglot(
        images.reshape(-1, SIDE, SIDE, 1).astype("uint8"),
        labels,
        labels // 22,
        np.tile(np.arange(1, 5), n_letters),
        tuple(f"alphabet {i}" for i in range(n_alphabets)),
        tuple(f"letter {i}" for i in range(n_letters)),
    )


def made_up_digits(n, first):
    """Digits as noise around ten patterns."""
    rng = np.random.default_rng(first)
    labels = np.arange(n) % 10
    patterns = np.random.default_rng(0).random((10, 28, 28, 1)) < 0.2
    noise = rng.random((n, 28, 28, 1)) < 0.05
    return (patterns[labels] ^ noise).astype("float32"), labels


class TestEntries:
    def test_measures_once_for_the_same_settings(self, tmp_path):
        entries, calls = Entries(tmp_path / "record.json", "benchmarks/some"), []

        def measure(value):
            calls.append(value)
            return {"accuracy": value}

        for value, settings in ((0.5, {"steps": 1}), (0.6, {"steps": 1}), (0.7, {"steps": 2})):
            entries.entry("first", settings, measure, value)
        entries.entry("second", {"steps": 1}, measure, 0.9)
        assert calls == [0.5, 0.7, 0.9]
        kept = Entries(tmp_path / "record.json", "benchmarks/some").read()
        assert {name: (e["steps"], e["accuracy"]) for name, e in kept.items()} == {
            "first": (2, 0.7),
            "second": (1, 0.9),
        }
        assert all(e["provenance"]["backend"] == keras.backend.backend() for e in kept.values())


class TestParts:
    @pytest.mark.parametrize(
        ("arguments", "parts"), [([], ["first", "second"]), (["second"], ["second"])]
    )
    def test_those_that_are_named_or_all(self, monkeypatch, arguments, parts):
        monkeypatch.setattr("sys.argv", ["script.py", *arguments])
        assert parts_asked_for("What it does.", ["first", "second"]) == parts

    def test_another_name_is_refused_before_anything_is_trained(self, monkeypatch, capsys):
        monkeypatch.setattr("sys.argv", ["script.py", "frist"])
        with pytest.raises(SystemExit):
            parts_asked_for("What it does.", ["first", "second"])
        assert "no part 'frist'; there are first, second" in capsys.readouterr().err


@pytest.fixture
def losses_script(monkeypatch, tmp_path):
    entries = Entries(tmp_path / "compared_losses.json", "benchmarks/compared_losses")
    monkeypatch.setattr(compared_losses, "ENTRIES", entries)
    monkeypatch.setattr(compared_losses, "N_STEPS", 10)
    monkeypatch.setattr(compared_losses, "N_TRIALS", 20)
    return compared_losses


class TestComparedLosses:
    def test_every_loss_has_as_many_tries(self):
        assert {len(values) for _, values in compared_losses.OWN.values()} == {3}

    def test_validation_chooses_and_evaluation_sees_the_choice_alone(
        self, losses_script, monkeypatch
    ):
        trained, looks = [], []

        def train(name, values, seed):
            trained.append((values["margin"], values["rate"], seed))
            return trained[-1], None

        def measure(network, head, to_measure):
            looks.append((to_measure, network))
            margin, rate, _ = network
            mean = 0.9 if (margin, rate) == (0.5, 3e-3) else 0.1 + rate - abs(margin - 0.5) / 99
            means = {"mean": mean if to_measure == "validation" else 0.0}
            return {"one_shot": means, "recall_at_1": means, "map_at_r": means}

        monkeypatch.setattr(losses_script, "trained", train)
        monkeypatch.setattr(losses_script, "measure", measure)
        monkeypatch.setattr(losses_script, "RATES", (1e-3, 1e-2, 3e-3))
        sets = {"validation": ["validation"], "evaluation": ["evaluation"]}
        losses_script.compare("letters", "triplet, semi-hard", [], sets)
        rates = [(0.2, rate, 1) for rate in (1e-3, 1e-2, 3e-3)]
        values = [(margin, 1e-2, 1) for margin in (0.1, 0.5)]
        assert [network for of, network in looks if of == "validation"] == rates + values
        chosen = [network for of, network in looks if of == "evaluation"]
        assert chosen == [(0.5, 1e-2, seed) for seed in (1, 2, 3)]
        assert len(trained) == len(set(trained)) == 7  # the first seed of the choice was there

    @pytest.mark.nightly
    @pytest.mark.parametrize("name", compared_losses.OWN)
    def test_each_loss_trains_and_is_measured(self, losses_script, name):
        train, measured = made_up_letters(2, 1), made_up_letters(2, 2)
        parameter, values = losses_script.OWN[name]
        values = {"rate": 1e-3, parameter: values[1]}
        found = losses_script.measure(*losses_script.trained(name, values, 1, *train), *measured)
        for what in ("one_shot", "recall_at_1", "map_at_r"):
            assert len(found[what]["alphabets"]) == 2
            assert found[what]["mean"] == pytest.approx(np.mean(found[what]["alphabets"]), abs=1e-4)
            assert 0 < found[what]["mean"] <= 1

    def test_the_page_has_the_mean_of_the_seeds(self):
        record = chapters.read_record(results_page.RECORDS / "recorded" / "paper_network.json")

        def entry(mean):
            each = {"mean": mean}
            values = {"rate": 0.003, "margin": 0.2}
            return {"values": values, "one_shot": each, "recall_at_1": each, "map_at_r": each}

        record["metrics"] = {
            "letters: triplet, rate 0.001, margin 0.2, seed 1": entry(0.99),
            "letters: triplet, chosen, seed 1": entry(0.5),
            "letters: triplet, chosen, seed 2": entry(0.7),
        }
        page = "\n".join(results_page.losses_part(record))
        cell = "60.0 % (50.0 to 70.0, 2 seeds)"
        assert f"| triplet | rate 0.003, margin 0.2 | {cell} | {cell} | {cell} |" in page
        assert "99.0" not in page


class TestMnistPairs:
    def test_the_groups_are_those_of_the_chapter(self):
        """As the chapter draws them: class_folds of its training digits, three, seed 1."""
        labels = datasets.load_mnist()[0][1][:55_000]
        groups = mnist_pairs.chapter_groups(labels)
        assert sorted(digit for group in groups for digit in group) == list(range(10))
        assert groups == [[0, 4, 7, 8], [1, 2, 5], [3, 6, 9]]

    def test_pairs_are_of_the_digits_that_are_asked_for(self, monkeypatch):
        monkeypatch.setattr(mnist_pairs, "N_PAIRS", 100)
        data = made_up_digits(300, 0)
        for inside, expected in ((True, {1, 2, 5}), (False, {0, 3, 4, 6, 7, 8, 9})):
            images, pairs, same = mnist_pairs.pairs_of(data, [1, 2, 5], inside)
            found = [np.flatnonzero((data[0] == image).all(axis=(1, 2, 3)))[0] for image in images]
            assert set(data[1][found]) == expected
            labels = data[1][found]
            assert np.array_equal(labels[pairs[:, 0]] == labels[pairs[:, 1]], same == 1)
            assert same.mean() == 0.5

    def test_what_the_folds_train_is_best_on_validation_images(self):
        """The mean of two seeds in the record, and what the chapter says of it."""
        record = chapters.read_record(results_page.RECORDS / "recorded" / "mnist_pairs.json")
        rates = {}
        for name, run in record["metrics"].items():
            if name.startswith("choice: "):
                rates.setdefault(plain(run["values"]), []).append(run["equal_error_rate"])
        assert {len(each) for each in rates.values()} == {2}
        assert len(rates) == len(mnist_pairs.CHOICES) == 12
        means = sorted((100 * sum(each) / 2, name) for name, each in rates.items())
        assert means[0][1] == plain(mnist_pairs.CHOSEN)
        assert [f"{means[k][0]:.2f}" for k in (0, 1, -1)] == ["0.42", "0.50", "0.66"]

    @pytest.mark.nightly
    def test_one_unseen_digit_is_in_every_pair_and_in_no_training(self, monkeypatch):
        seen_labels, measured = [], []

        def trained(images, labels, seed, values, loss="all pairs"):
            seen_labels.append(set(labels.tolist()))
            return "encoder"

        def equal_error_rate(encoder, images, pairs, same):
            measured.append((encoder, pairs, same))
            return 0.25

        monkeypatch.setattr(mnist_pairs, "trained", trained)
        monkeypatch.setattr(mnist_pairs, "equal_error_rate", equal_error_rate)
        train, test = made_up_digits(1_000, 1), made_up_digits(10_000, 2)
        for seen in ([1, 2], [0, 1, 2, 4, 5, 6, 7, 8, 9]):
            measured.clear()
            found = mnist_pairs.of_target(train, test, 3, seen)
            assert seen_labels.pop() == set(seen)
            assert len(found) == (4 if len(seen) < 9 else 2)  # no other unseen digit is left
            for _, pairs, same in measured:
                digits = test[1][pairs]
                assert (digits[:, 0] == 3).all()
                assert np.array_equal(digits[:, 1] == 3, same == 1)
            if len(seen) == 2:  # against never seen digits
                others = test[1][measured[2][1][measured[2][2] == 0, 1]]
                assert not set(others) & {1, 2, 3}

    @pytest.mark.nightly
    def test_seen_and_unseen_digits_of_one_network(self, monkeypatch):
        monkeypatch.setattr(mnist_pairs, "N_PAIRS", 200)
        monkeypatch.setattr(mnist_pairs, "EPOCHS", 1)
        parts = [made_up_digits(n, k) for k, n in enumerate((6_000, 500, 500))]
        for loss in ("all pairs", "softmax"):
            found = mnist_pairs.seen_and_unseen(*parts, [1, 2, 5], loss, 1)
            assert set(found) == {"seen", "never seen", "nearest_neighbor"}
            assert found["seen"]["accuracy"] > 0.9
            assert 0 <= found["never seen"]["equal_error_rate"] <= 1

    def test_the_page_has_means_over_seeds_and_digits(self):
        record = chapters.read_record(results_page.RECORDS / "recorded" / "paper_network.json")
        shares = {"training": 0.99, "test": 0.97}

        def run(held_out, seen, unseen):
            kinds = {"seen": seen, "never seen": unseen}
            found = {kind: {"equal_error_rate": rate} for kind, rate in kinds.items()}
            return {"held_out": held_out, **found}

        record["metrics"] = {
            "source: seed 1": {"at_half": shares, "at_threshold": shares},
            "choice: dim 16, seed 1": {"equal_error_rate": 0.006},
            "choice: dim 64, seed 1": {"equal_error_rate": 0.004},
            "choice: dim 64, seed 2": {"equal_error_rate": 0.005},
            "folds: all pairs, never seen: none, seed 1": {"held_out": [], "seen": {}},
            "folds: all pairs, never seen: 1 2, seed 1": run([1, 2], 0.01, 0.2),
            "folds: all pairs, never seen: 1 2, seed 2": run([1, 2], 0.03, 0.3),
            "classes: 3 never seen, 2 seen": {
                "seen": [1, 2],
                "equal_error_rate against all": 0.4,
            },
        }
        page = "\n".join(results_page.mnist_part(record))
        assert "| test pairs, at 0.5 | 97.0 % | 97.30 % |" in page
        assert "| dim 64 | 0.45 % | 0.40, 0.50 |\n| dim 16 | 0.60 % | 0.60 |" in page
        assert (
            "| all pairs | 2.0 % (1.0 to 3.0, 2 networks) | 25.0 % (20.0 to 30.0, 2 networks) |"
            in page
        )
        assert "| 2 | 40.0 % |" in page


def test_the_source_s_pairs_are_consecutive():
    """108,400 of all training images, as the source has."""
    labels = datasets.load_mnist()[0][1]
    pairs, _ = sampling.consecutive_pairs(labels, np.random.default_rng(1))
    assert len(pairs) == 108_400
