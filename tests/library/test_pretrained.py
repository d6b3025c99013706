"""Encoders that come with the package: their cards, their digests, and what they answer."""

import hashlib
import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from siamese_utils import chapters, datasets, distances, evaluation, models
from siamese_utils.models import pretrained
from siamese_utils.recognition import Reading, Recognizer

pytestmark = pytest.mark.backend

SHAPE = (4, 4, 1)
ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "results" / "recorded"


@pytest.fixture(scope="module")
def encoder():
    """Compiled, as it is after training."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(3), keras.layers.UnitNormalization()]
    encoder = keras.Sequential([keras.Input(SHAPE), *layers])
    encoder.compile("adam", "mean_squared_error")
    return encoder


@pytest.fixture
def folder(encoder, tmp_path, monkeypatch):
    """A folder of encoders in place of the package's; cards of other files lie around it."""
    folder = tmp_path / "pretrained"
    (folder / "below").mkdir(parents=True)
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    for path in (folder / "letters", folder / "digits", tmp_path / "x", folder / "below" / "x"):
        encoder.save(path.with_suffix(".keras"))
        digest = hashlib.sha256(path.with_suffix(".keras").read_bytes()).hexdigest()
        card = {"data": "Schrift für Tests", "sha256": digest}
        text = json.dumps(card, ensure_ascii=False)
        path.with_suffix(".json").write_text(text, encoding="utf-8")
    return folder


class TestFolder:
    def test_gives_the_encoder_that_was_saved(self, folder, encoder):
        again = models.load_pretrained("letters")
        images = np.random.default_rng(0).random((2, *SHAPE), "float32")
        np.testing.assert_array_equal(models.embed(again, images), models.embed(encoder, images))
        assert not again.compiled

    def test_gives_its_card(self, folder):
        card = models.pretrained_card("letters")
        assert card["data"] == "Schrift für Tests"
        digest = hashlib.sha256((folder / "letters.keras").read_bytes()).hexdigest()
        assert card["sha256"] == digest

    @pytest.mark.parametrize("place", [0, 1000, -1])
    def test_refuses_a_file_that_is_not_the_card_s(self, folder, place):
        """A single byte has changed."""
        path = folder / "letters.keras"
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"letters\.keras has the digest.*expected") as error:
            models.load_pretrained("letters")
        assert str(path) in str(error.value)
        assert "Install the package again" in str(error.value)

    def test_refuses_the_file_of_another_card(self, folder):
        (folder / "digits.keras").write_bytes(b"")
        with pytest.raises(ValueError, match=r"digits\.keras has the digest e3b0c44298fc…"):
            models.load_pretrained("digits")

    @pytest.mark.parametrize("ask", [models.load_pretrained, models.pretrained_card])
    @pytest.mark.parametrize(
        "name", ["faces", "", "LETTERS", "letters.json", "../x", "below/x", "../pretrained/letters"]
    )
    def test_refuses_a_name_that_is_none_and_says_which_there_are(self, folder, ask, name):
        """Paths are no names, though there may be a card at their end."""
        with pytest.raises(ValueError, match=r"no encoder .* there is digits, letters") as error:
            ask(name)
        assert repr(name) in str(error.value)

    def test_refuses_the_path_of_a_card(self, folder):
        with pytest.raises(ValueError, match="there is digits, letters"):
            models.pretrained_card(str(folder.parent / "x"))


@pytest.fixture(scope="module")
def omniglot():
    return models.load_pretrained()


class TestOmniglot:
    """The encoder of chapter 08 as it lies in the package."""

    PATH = pretrained.FOLDER / "omniglot.keras"

    def test_its_card_says_what_it_is(self):
        card = models.pretrained_card()
        assert card == models.pretrained_card("omniglot")
        assert all(card[key] for key in ("data", "track", "input", "output", "licence", "load"))

    def test_is_the_recorded_training(self):
        card = models.pretrained_card()
        entries = chapters.read_record(RECORDED / "frontier.json")["metrics"]
        recorded = entries["long: 30 alphabets, seed 1"]
        assert card["recipe"] == recorded["settings"]
        assert card["weights"] == recorded["weights"]
        for name, found in card["metrics"].items():
            assert found == {key: recorded[f"{name}, plain"][key] for key in found}

    @pytest.mark.slow
    def test_reaches_on_the_official_runs_what_its_card_says(self, omniglot):
        runs = datasets.load_official_runs()
        embeddings = [
            models.embed(omniglot, images.reshape(-1, 105, 105, 1))
            for images in (runs.test_images, runs.support_images)
        ]
        places = (z.reshape(20, 20, -1) for z in embeddings)
        found = evaluation.official_runs(evaluation.run_scores(distances.cosine, *places), runs)
        said = models.pretrained_card()["metrics"]["official runs"]["accuracy"]
        assert abs(found.accuracy - said) <= 1 / 400  # backends round differently

    def test_is_the_file_of_its_card(self):
        digest = hashlib.sha256(self.PATH.read_bytes()).hexdigest()
        assert digest == models.pretrained_card()["sha256"]

    def test_is_small(self):
        assert self.PATH.stat().st_size < 2_000_000

    def test_embeds_characters_as_the_data_have_them(self, omniglot):
        assert omniglot.input_shape == (None, 105, 105, 1)
        assert not omniglot.compiled
        bar = np.zeros((105, 105, 1), "uint8")
        bar[20:85, 50:53] = 1
        images = np.stack([bar, bar.transpose(1, 0, 2)])  # upright, and lying
        embeddings = models.embed(omniglot, images)
        assert embeddings.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-5)
        assert (embeddings @ embeddings.T)[0, 1] < 0.9

    def test_place_and_size_of_a_letter_count_for_nothing(self, omniglot):
        letter = np.zeros((105, 105, 1), "uint8")
        letter[20:80, 40:44] = letter[20:24, 40:70] = letter[46:50, 40:60] = 1  # an F
        elsewhere = np.roll(letter, (15, -20), (0, 1))
        small = np.zeros_like(letter)
        small[40:93, 30:83] = letter[::2, ::2]
        a, b, c = models.embed(omniglot, np.stack([letter, elsewhere, small]))
        assert a @ b > 0.999
        assert a @ c > 0.9

    def test_runs_no_code_when_it_is_loaded(self):
        """Of Keras' own layers, behind one of the package, without a Lambda."""
        model = keras.saving.load_model(self.PATH, compile=False, safe_mode=True)
        with zipfile.ZipFile(self.PATH) as file:
            layers = json.loads(file.read("config.json"))["config"]["layers"]
        *own, body = layers
        assert [layer["class_name"] for layer in own] == ["InputLayer", "SizeNormalization"]
        layers = body["config"]["layers"]
        assert len(layers) == len(model.layers[-1].layers)
        assert {layer["module"] for layer in layers} == {"keras.layers"}
        assert "Lambda" not in {layer["class_name"] for layer in layers}


@pytest.fixture(scope="module")
def photos():
    return models.load_pretrained("photos")


@pytest.fixture(scope="module")
def photographs():
    """The two photographs that scikit-learn ships: a Chinese palace, and a flower."""
    folder = Path(sklearn.datasets.__file__).parent / "images"
    return [folder / "china.jpg", folder / "flower.jpg"]


class TestPhotos:
    """EfficientNet-Lite0, which tools/photos_encoder.py makes."""

    PATH = pretrained.FOLDER / "photos.keras"

    def test_its_card_says_what_it_is(self):
        card = models.pretrained_card("photos")
        assert all(card[key] for key in ("data", "input", "output", "licence", "load", "made_by"))
        assert hashlib.sha256(self.PATH.read_bytes()).hexdigest() == card["sha256"]
        assert (ROOT / card["made_by"]).is_file()
        assert "Apache License" in (pretrained.FOLDER / "photos.LICENSE.txt").read_text("utf-8")

    def test_is_at_most_8_mb(self):
        assert self.PATH.stat().st_size < 8_000_000

    def test_comes_with_its_reading(self, photos):
        assert Reading.of(photos) == Reading((224, 224), 3, "stretch")
        assert Recognizer.pretrained("photos").reading == Reading.of(photos)

    def test_two_photographs_get_their_classes(self, photos, photographs):
        """Of the classifier's 1,000 rows the tests keep 40: those that it thought most likely."""
        kept = np.load(Path(__file__).with_name("photos_classes.npz"))
        images = Reading((224, 224), 3, "crop").read(photographs)
        averages = models.embed(photos, images) ** 2
        logits = averages @ kept["weights"].astype("float32").T + kept["biases"]
        assert kept["classes"][logits.argmax(axis=1)].tolist() == [698, 985]  # palace, daisy

    def test_weights_are_single_precision_once_loaded(self, photos):
        assert {weight.dtype for weight in photos.weights} == {"float32"}
        assert photos.count_params() == models.pretrained_card("photos")["weights"]

    def test_no_root_is_of_zero(self, photos):
        """The derivative of the square root is infinite there, and training would end in NaN."""
        images = np.stack([np.zeros((224, 224, 3)), np.ones((224, 224, 3))])
        assert models.embed(photos, images).min() == pytest.approx(1e-3, rel=1e-3)

    def test_runs_no_code_when_it_is_loaded(self):
        keras.saving.load_model(self.PATH, compile=False, safe_mode=True)
        with zipfile.ZipFile(self.PATH) as file:
            layers = json.loads(file.read("config.json"))["config"]["layers"]
        assert "Lambda" not in {layer["class_name"] for layer in layers}

    def test_names_photographs_from_one_image_each(self, photographs):
        """Cut-outs of the palace and of the flower, by the other halves of both."""
        recognizer = Recognizer.pretrained("photos")
        halves = {}
        for name, path in zip(("palace", "flower"), photographs, strict=True):
            pixels = np.asarray(Image.open(path), "float32") / 255
            middle = pixels.shape[1] // 2
            halves[name] = pixels[:, :middle], pixels[:, middle:]
        for name, (left, _) in halves.items():
            recognizer.enroll(name, [left])
        rights = [right for _, right in halves.values()]
        assert recognizer.predict(rights).tolist() == ["palace", "flower"]
