"""The page for drawing a letter: the encoder in JavaScript, and what a reader can do with it."""

import json
import re

import draw_page
import keras
import numpy as np
import pytest
from browser import DESKTOP, LONG_MS, PHONE, chromium, violations
from conftest import ROOT

from siamese_utils import datasets, models

SCRIPTS = ROOT / "book" / "_scripts" / "draw"
# Strokes on a board of 105 x 105 pixels: a comb with three teeth, as letter 14 of Glagolitic.
COMB = [
    [(30, 30), (30, 75), (75, 75), (75, 30)],
    [(52, 30), (52, 75)],
]
CROSS = [[(52, 20), (52, 85)], [(25, 52), (80, 52)]]
RING = [[(52, 25), (78, 38), (78, 66), (52, 80), (26, 66), (26, 38), (52, 25)]]


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.mark.slow
class TestThePage:
    @pytest.fixture
    def page(self, browser, site):
        """The page as a file, as somebody opens it who unpacked the book."""
        context = browser.new_context(viewport=DESKTOP, has_touch=True)
        context.set_default_timeout(LONG_MS)
        window = context.new_page()
        window.faults = []
        window.on("console", lambda m: m.type == "error" and window.faults.append(m.text))
        window.on("pageerror", lambda error: window.faults.append(str(error)))
        window.on(
            "request",
            lambda r: r.url.startswith(("file:", "data:")) or window.faults.append(r.url),
        )
        window.goto((site / "book" / "draw.html").as_uri())
        window.get_by_text("Draw one of the letters").wait_for()
        yield window
        assert window.faults == []
        context.close()

    def test_embeds_and_ranks_as_keras_does(self, page):
        """On ten of the official runs, which are 200 trials."""
        runs = datasets.load_official_runs()
        images = np.stack([runs.test_images[:10], runs.support_images[:10]])
        encoder = models.load_pretrained("omniglot")
        by_keras = models.embed(encoder, images.reshape(-1, 105, 105, 1))
        by_page = np.array(
            page.evaluate(
                "images => images.map(each => [...Draw.embed([...each].map(Number))])",
                ["".join(map(str, image.ravel())) for image in images.reshape(-1, 105 * 105)],
            )
        )
        assert by_page.shape == by_keras.shape == (400, by_keras.shape[1])
        assert np.abs(by_page - by_keras).max() < 1e-3
        nearest = []
        for embeddings in (by_keras, by_page):
            queries, supports = embeddings.reshape(2, 10, 20, -1)
            nearest.append(np.einsum("rqd,rsd->rqs", queries, supports).argmax(axis=2))
        assert np.array_equal(*nearest)
        assert np.mean(nearest[0] == runs.answers[:10]) > 0.9

    @pytest.mark.parametrize("pool_size", [2, 3])
    @pytest.mark.parametrize("side", [11, 12])
    def test_takes_residual_encoders_of_any_size(self, page, side, pool_size):
        """With the statistics of real images, as after a training."""
        keras.utils.set_random_seed(0)
        encoder = models.residual_encoder((side, side, 1), (3, 4), pool_size)
        images = np.random.default_rng(0).random((4, side, side, 1)).astype("float32")
        for _ in range(50):
            encoder(images, training=True)
        by_page = page.evaluate(
            "([weights, images]) => images.map(each => [...Encoder.load(weights)(each)])",
            [draw_page.weights(encoder), images.reshape(4, -1).tolist()],
        )
        assert np.abs(np.array(by_page) - models.embed(encoder, images)).max() < 1e-3

    def test_takes_an_encoder_that_brings_letters_to_one_size(self, page):
        """As one model in another, and for letters of every size, a dot, and no ink at all."""
        keras.utils.set_random_seed(0)
        layers = [
            models.SizeNormalization(11, 0.7, 3.0),
            models.residual_encoder((11, 11, 1), (3, 4)),
        ]
        encoder = keras.Sequential([keras.Input((20, 20, 1)), *layers])
        images = np.zeros((5, 20, 20, 1), "float32")
        for image, (top, left, height, width) in zip(
            images, [(0, 0, 20, 20), (3, 9, 8, 5), (12, 2, 3, 15), (18, 18, 1, 1)], strict=False
        ):
            box = np.random.default_rng(top).uniform(0.2, 1.0, (height, width, 1))
            image[top : top + height, left : left + width] = box
        encoder(images, training=True)  # the statistics are then not those of the start
        by_page = page.evaluate(
            "([weights, images]) => images.map(each => [...Encoder.load(weights)(each)])",
            [draw_page.weights(encoder), images.reshape(5, -1).tolist()],
        )
        by_keras = models.embed(encoder, images)
        assert np.abs(by_keras - by_keras[:1]).max() > 0.1
        assert np.abs(np.array(by_page) - by_keras).max() < 1e-3

    def test_finds_what_the_mouse_draws(self, page):
        draw(page, COMB)
        assert answer(page).startswith("This is letter 14, with similarity 0.")
        assert page.locator("#draw-letters li").nth(13).get_attribute("class") == "draw-nearest"
        assert page.locator("#draw-ranking li").count() == 5
        page.locator("#draw-why summary").click()
        shown = page.locator("#draw-pairs li").all_text_contents()
        similarities = [float(text.rpartition(" ")[2]) for text in shown]
        lead = float(page.locator("#draw-lead").text_content())
        assert shown[0].startswith("Letter 14, ")
        assert similarities[0] - similarities[1] == pytest.approx(lead, abs=0.0015)

    def test_finds_what_a_finger_draws_anywhere_and_at_any_size(self, page):
        page.set_viewport_size(PHONE)
        small = [[(x * 0.3 + 5, y * 0.3 + 60) for x, y in stroke] for stroke in COMB]
        touch(page, small)
        assert answer(page).startswith("This is letter 14, ")

    def test_the_last_stroke_and_all_of_them_can_be_taken_back(self, page):
        undo, clear = (page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
        assert undo.is_disabled() and clear.is_disabled()
        draw(page, COMB)
        whole = answer(page)
        draw(page, [[(10, 95), (95, 95)]])
        assert ink(page) > 0 and answer(page) != whole
        undo.click()
        # The milliseconds differ.
        assert answer(page).partition(" The encoder")[0] == whole.partition(" The encoder")[0]
        clear.click()
        assert ink(page) == 0
        assert answer(page) == "Draw one of the letters, or choose a drawing."

    def test_works_by_keyboard_with_drawings_that_are_there(self, page):
        right = 0
        expected = json.loads(content("letters"))["Glagolitic"]["answers"]
        buttons = page.locator("#draw-drawings button")
        assert buttons.count() == len(expected) == 8
        for k, letter in enumerate(expected):
            buttons.nth(k).focus()
            page.keyboard.press("Enter")
            right += f"letter {letter + 1}," in answer(page)
        assert right >= 6

    def test_every_alphabet_can_be_chosen(self, page):
        for name in json.loads(content("letters")):
            page.get_by_label("Alphabet:").select_option(name)
            page.get_by_text("Draw one of the letters").wait_for()
            assert page.locator("#draw-letters li").count() == 20
            page.locator("#draw-drawings button").first.click()
            assert re.match("This is letter|Unknown", answer(page))

    def test_a_stranger_is_unknown(self, page):
        draw(page, [[(20, 20), (85, 85), (20, 85), (85, 20), (52, 5), (20, 20), (85, 50)]])
        threshold = json.loads(content("weights"))["threshold"]["similarity"]
        found = re.match(r"Unknown: .* similarity of (\d\.\d+) is below (\d\.\d+)\.", answer(page))
        assert float(found[1]) < threshold and float(found[2]) == round(threshold, 2)
        assert page.locator(".draw-nearest").count() == 0

    def test_learns_letters_of_the_reader(self, page):
        page.get_by_label("Alphabet:").select_option("own")
        assert answer(page) == "Draw a first letter, and keep it."
        keep = page.get_by_role("button", name="Keep as a letter")
        assert keep.is_disabled()
        for letter in (CROSS, RING):
            draw(page, letter)
            keep.click()
        assert page.locator("#draw-letters li").count() == 2
        draw(page, [[(x * 0.9 + 4, y + 3) for x, y in stroke] for stroke in RING])
        assert answer(page).startswith("This is letter 2, ")
        page.get_by_role("button", name="Clear").click()
        draw(page, [[(x + 3, y * 0.9 + 3) for x, y in stroke] for stroke in CROSS])
        assert answer(page).startswith("This is letter 1, ")

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_is_accessible_with_an_answer_on_it(self, page, theme):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        draw(page, COMB)
        page.locator("#draw-why summary").click()
        assert violations(page, {"include": ["#draw-page"]}) == []

    def test_says_how_often_the_threshold_is_wrong(self, page):
        threshold = json.loads(content("weights"))["threshold"]
        shown = {name: page.locator(f"[data-draw={name}]").text_content() for name in threshold}
        assert shown == {
            "similarity": f"{threshold['similarity']:.2f}",
            **{
                name: f"{int(100 * threshold[name] + 0.5)}\u00a0%"  # halves up, as there
                for name in ("refused", "accepted", "right")
            },
        }


def draw(page, strokes):
    """Move the mouse along strokes, whose points are in pixels of the 105 x 105 image."""
    for first, *others in on_screen(page, strokes):
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def touch(page, strokes):
    """The same with a finger."""
    session = page.context.new_cdp_session(page)
    for stroke in on_screen(page, strokes):
        for k, (x, y) in enumerate(stroke):
            session.send(
                "Input.dispatchTouchEvent",
                {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]},
            )
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


# Until it stays there: a page whose size has just changed is laid out anew a moment later.
IN_THE_MIDDLE = """async board => {
    const frame = () => new Promise(requestAnimationFrame);
    let before, now;
    do {
        before = now;
        board.scrollIntoView({ block: "center", behavior: "instant" });
        for (let i = 0; i < 10; i++) await frame();
        now = JSON.stringify(board.getBoundingClientRect());
    } while (now !== before);
}"""


def on_screen(page, strokes):
    board = page.locator("#draw-board")
    board.evaluate(IN_THE_MIDDLE)
    box = board.bounding_box()
    return [
        [(box["x"] + x / 105 * box["width"], box["y"] + y / 105 * box["height"]) for x, y in stroke]
        for stroke in strokes
    ]


def answer(page) -> str:
    return page.locator("#draw-answer").text_content()


def ink(page) -> int:
    """How many pixels of the board have ink."""
    return page.evaluate(
        "() => { const board = document.getElementById('draw-board');"
        " const { data } = board.getContext('2d').getImageData(0, 0, board.width, board.height);"
        " return data.filter((value, k) => k % 4 === 3 && value > 0).length }"
    )


def content(name: str) -> str:
    """The JSON text in a script that the tool has written."""
    return re.search(r"= (\{.*\});\n$", (SCRIPTS / f"{name}.js").read_text("utf-8"))[1]


class TestTheScripts:
    def test_the_weights_are_those_of_the_encoder_that_ships(self):
        written = json.loads(content("weights"))
        encoder = models.load_pretrained("omniglot")
        assert {**written, "threshold": None} == {**draw_page.weights(encoder), "threshold": None}
        assert (SCRIPTS / "weights.js").stat().st_size <= 1_000_000

    def test_the_letters_are_those_of_the_data(self):
        assert json.loads(content("letters")) == draw_page.letters()

    def test_a_layer_that_the_page_does_not_know_is_refused(self):
        image = keras.Input((4, 4, 1))
        strided = keras.layers.Conv2D(2, 3, padding="same", strides=2)
        encoder = keras.Model(image, strided(image))
        with pytest.raises(ValueError, match=r"encoder\.js has no layer such as conv2d"):
            draw_page.weights(encoder)
