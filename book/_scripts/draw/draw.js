// The page on which a reader draws a letter and the encoder of the book finds it again.
//
// Uses Encoder of encoder.js, WEIGHTS of weights.js and LETTERS of letters.js.

"use strict";

const Draw = (() => {
  const SIDE = 105; // pixels of an image of Omniglot
  const PEN = 5; // pixels of its square pen
  // Where nine in ten of the letters to learn from stand: the larger side of their ink, and its
  // middle.
  const SIZES = [44, 89];
  const MIDDLES = [41, 60];
  const DOT = 10; // ink smaller than this is a dot, and stays one
  const OWN = "own";

  const encode = Encoder.load(WEIGHTS);
  const element = (name) => document.getElementById(`draw-${name}`);
  const board = element("board");

  let strokes = []; // of the reader: lists of points [x, y] in pixels of the image
  let readyMade = null; // or a drawing that was chosen
  let letters = []; // {image, embedding}, what is searched
  let choice = 0; // counts the alphabets chosen, so that an older one stops encoding

  // --- images ---------------------------------------------------------------------------------

  /** Ink 1 on paper 0, row by row, from eight pixels in a byte. */
  function fromBitmap(text) {
    const packed = Encoder.bytes(text);
    return Float32Array.from({ length: SIDE * SIDE }, (_, place) =>
      (packed[place >> 3] >> (7 - (place & 7))) & 1
    );
  }

  /** Strokes as an image, drawn with the pen of the data. */
  function render(lines) {
    const image = new Float32Array(SIDE * SIDE);
    for (const line of lines) {
      let [x, y] = line[0];
      stamp(image, x, y);
      for (const [toX, toY] of line.slice(1)) {
        const steps = Math.max(1, Math.ceil(Math.max(Math.abs(toX - x), Math.abs(toY - y))));
        for (let step = 1; step <= steps; step++) {
          const share = step / steps;
          stamp(image, x + share * (toX - x), y + share * (toY - y));
        }
        [x, y] = [toX, toY];
      }
    }
    return image;
  }

  function stamp(image, x, y) {
    const left = Math.round(x - PEN / 2);
    const top = Math.round(y - PEN / 2);
    for (let row = Math.max(top, 0); row < Math.min(top + PEN, SIDE); row++) {
      for (let column = Math.max(left, 0); column < Math.min(left + PEN, SIDE); column++) {
        image[row * SIDE + column] = 1;
      }
    }
  }

  /**
   * Strokes moved and scaled no more than it takes to stand where the letters of the data do.
   * The pen keeps its width.
   */
  function place(lines) {
    const axes = [0, 1].map((axis) => {
      const values = lines.flat().map((point) => point[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    const size = Math.max(...axes.map(([low, high]) => high - low + PEN));
    const scale = size < DOT ? 1 : Encoder.clamp(size, SIZES) / size;
    return lines.map((line) =>
      line.map((point) =>
        point.map((value, axis) => {
          const middle = (axes[axis][0] + axes[axis][1]) / 2;
          return Encoder.clamp(middle, MIDDLES) + scale * (value - middle);
        })
      )
    );
  }

  /** Letters in the order of their similarity to an image: [{index, similarity}]. */
  function rank(image, candidates) {
    const embedding = encode(image);
    return candidates
      .map((letter, index) => ({ index, similarity: Encoder.dot(embedding, letter.embedding) }))
      .sort((first, second) => second.similarity - first.similarity);
  }

  // --- what is seen ---------------------------------------------------------------------------

  /** Layers of ink, each an image and a color [red, green, blue]; dark mode inverts canvases. */
  function paint(canvas, layers) {
    canvas.width = canvas.height = SIDE;
    const pixels = new ImageData(SIDE, SIDE);
    for (const [image, color] of layers) {
      for (let k = 0; k < image.length; k++) {
        if (!image[k]) continue;
        const mixed = pixels.data[4 * k + 3] > 0;
        for (let c = 0; c < 3; c++) {
          const before = pixels.data[4 * k + c];
          pixels.data[4 * k + c] = mixed ? Math.min(before, color[c]) : color[c];
        }
        pixels.data[4 * k + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
  }

  const INK = [20, 20, 20];
  const DRAWING = [230, 140, 30];
  const LETTER = [60, 130, 220];

  function picture(layers, description) {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", description);
    paint(canvas, layers);
    return canvas;
  }

  function drawing() {
    if (readyMade) return readyMade;
    return strokes.length ? render(place(strokes)) : null;
  }

  function showBoard() {
    paint(board, [[readyMade ?? render(strokes), INK]]);
    element("undo").disabled = element("clear").disabled = !readyMade && !strokes.length;
    element("keep").disabled = !drawing();
  }

  function showLetters() {
    element("letters").replaceChildren(
      ...letters.map((letter, index) => {
        const item = document.createElement("li");
        item.append(picture([[letter.image, INK]], `Letter ${index + 1}`));
        const number = document.createElement("span");
        number.textContent = index + 1;
        number.setAttribute("aria-hidden", "true");
        item.append(number);
        return item;
      })
    );
  }

  function showAnswer() {
    const image = drawing();
    const ready = letters.every((letter) => letter.embedding);
    const items = [...element("letters").children];
    for (const item of items) item.classList.remove("draw-nearest");
    element("ranking").replaceChildren();
    element("why").hidden = true;
    if (!letters.length) {
      element("answer").textContent = image
        ? "Keep this drawing as your first letter."
        : "Draw a first letter, and keep it.";
      return;
    }
    if (!ready) {
      element("answer").textContent = "The encoder reads the letters …";
      return;
    }
    if (!image) {
      element("answer").textContent = "Draw one of the letters, or choose a drawing.";
      return;
    }
    const began = performance.now();
    const ranking = rank(image, letters);
    const milliseconds = performance.now() - began;
    const [first, second] = ranking;
    const known = first.similarity >= WEIGHTS.threshold.similarity;
    if (known) items[first.index].classList.add("draw-nearest");
    element("answer").textContent =
      (known
        ? `This is letter ${first.index + 1}, with similarity ${first.similarity.toFixed(2)}.`
        : `Unknown: the nearest is letter ${first.index + 1}, and its similarity of ` +
          `${first.similarity.toFixed(2)} is below ${WEIGHTS.threshold.similarity.toFixed(2)}.`) +
      ` The encoder took ${milliseconds.toFixed(0)} ms.`;
    element("ranking").replaceChildren(
      ...ranking.slice(0, 5).map(({ index, similarity }) => {
        const item = document.createElement("li");
        item.append(picture([[letters[index].image, INK]], `Letter ${index + 1}`));
        const bar = document.createElement("span");
        bar.className = "draw-bar";
        bar.style.setProperty("--share", Math.max(similarity, 0));
        item.append(bar, similarity.toFixed(2));
        return item;
      })
    );
    showWhy(image, first, second);
  }

  function showWhy(image, first, second) {
    element("why").hidden = !second;
    if (!second) return;
    element("pairs").replaceChildren(
      ...[first, second].map(({ index, similarity }) => {
        const item = document.createElement("li");
        const layers = [
          [letters[index].image, LETTER],
          [image, DRAWING],
        ];
        const text = `Letter ${index + 1}, similarity ${similarity.toFixed(3)}`;
        item.append(picture(layers, `Your drawing over letter ${index + 1}`), text);
        return item;
      })
    );
    element("lead").textContent = (first.similarity - second.similarity).toFixed(3);
  }

  // --- what the reader does -------------------------------------------------------------------

  /** One letter after the other is encoded, so that the page answers in between. */
  function encodeLetters(turn) {
    const next = letters.find((letter) => !letter.embedding);
    if (turn !== choice) return;
    if (!next) {
      showAnswer();
      return;
    }
    next.embedding = encode(next.image);
    setTimeout(() => encodeLetters(turn));
  }

  function choose(name) {
    const own = name === OWN;
    const { letters: bitmaps, drawings } = own ? { letters: [], drawings: [] } : LETTERS[name];
    letters = bitmaps.map((bitmap) => ({ image: fromBitmap(bitmap), embedding: null }));
    element("keep").hidden = !own;
    element("ready").hidden = own;
    element("drawings").replaceChildren(
      ...drawings.map((bitmap, index) => {
        const image = fromBitmap(bitmap);
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-label", `Drawing ${index + 1}`);
        const canvas = document.createElement("canvas");
        paint(canvas, [[image, INK]]);
        button.append(canvas);
        button.addEventListener("click", () => show([], image));
        return button;
      })
    );
    showLetters();
    show([], null);
    encodeLetters(++choice);
  }

  /** Put strokes, or a ready-made drawing, onto the board. */
  function show(lines, image) {
    strokes = lines;
    readyMade = image;
    showBoard();
    showAnswer();
  }

  function keep() {
    const image = drawing();
    letters.push({ image, embedding: encode(image) });
    showLetters();
    show([], null);
  }

  function point(event) {
    const box = board.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * SIDE,
      ((event.clientY - box.top) / box.height) * SIDE,
    ];
  }

  function listen() {
    let pointer = null; // a second finger draws nothing
    board.addEventListener("pointerdown", (event) => {
      if (pointer !== null || event.button !== 0) return;
      event.preventDefault();
      pointer = event.pointerId;
      board.setPointerCapture(pointer);
      readyMade = null;
      strokes = [...strokes, [point(event)]];
      showBoard();
    });
    board.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      strokes.at(-1).push(...(events.length ? events : [event]).map(point));
      showBoard();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      board.addEventListener(end, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        showAnswer();
      });
    }
    element("undo").addEventListener("click", () => show(strokes.slice(0, -1), null));
    element("clear").addEventListener("click", () => show([], null));
    element("keep").addEventListener("click", keep);
    element("alphabet").addEventListener("change", (event) => choose(event.target.value));
  }

  function start() {
    const names = Object.keys(LETTERS).map((name) => new Option(name, name));
    element("alphabet").replaceChildren(...names, new Option("letters of your own", OWN));
    listen();
    choose(names[0].value);
    element("page").hidden = false;
  }

  /** What the text of a page says about the threshold. */
  function fillIn() {
    const { similarity, ...shares } = WEIGHTS.threshold;
    const texts = { similarity: similarity.toFixed(2) };
    for (const [name, share] of Object.entries(shares)) {
      texts[name] = `${Math.round(100 * share)}\u00a0%`;
    }
    for (const place of document.querySelectorAll("[data-draw]")) {
      place.textContent = texts[place.dataset.draw];
    }
  }

  start();
  document.addEventListener("DOMContentLoaded", fillIn); // the text comes after this script
  return { embed: encode, place, rank, render };
})();
