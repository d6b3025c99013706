// The encoder of the book in plain JavaScript: a drawing to a vector of length 1.
//
// weights.js, which tools/draw_page.py writes from the Keras file, holds a list of layers and
// their numbers. Maps are arrays in the order row, column, channel, as in Keras.

"use strict";

const Encoder = (() => {
  /** What a number of 16 bits means: one for the sign, five for the exponent, ten for the rest. */
  function halfToNumber(half) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = (half & 1023) / 1024;
    if (exponent === 0) return sign * fraction * 2 ** -14;
    return sign * (1 + fraction) * 2 ** (exponent - 15);
  }

  /** The bytes that a text in base 64 stands for. */
  function bytes(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }

  /** Half-precision numbers in base 64, as a Float32Array. */
  function decodeHalves(text) {
    const halves = new Uint16Array(bytes(text).buffer);
    return Float32Array.from(halves, halfToNumber);
  }

  /**
   * The square around the ink, at another size: siamese_utils.models.SizeNormalization. Each new
   * pixel is the mean of the area that it covers; between the middles of old pixels their values
   * are interpolated.
   */
  function normaliseSize(input, { side, fill, zoom }) {
    const { height: old, values } = input;
    const darkest = values.reduce((most, value) => Math.max(most, value), 0);
    const rows = [old, 0];
    const columns = [old, 0];
    for (let row = 0; row < old; row++) {
      for (let column = 0; column < old; column++) {
        if (values[row * old + column] <= darkest / 2) continue;
        if (around(values, old, row, column) <= 3.5 * darkest) continue; // a speck
        rows[0] = Math.min(rows[0], row);
        rows[1] = row + 1;
        columns[0] = Math.min(columns[0], column);
        columns[1] = Math.max(columns[1], column + 1);
      }
    }
    const spans = [rows, columns].map((span) => (span[1] > 0 ? span : [0, old]));
    const larger = Math.max(...spans.map(([first, last]) => last - first));
    const window = Math.max(larger / fill, old / zoom);
    const [byRow, byColumn] = spans.map(([first, last]) =>
      areas((first + last - window) / 2, window / side, side, old)
    );
    const tall = multiply(byRow, values, side, old, old); // (side, old)
    const wide = multiply(byColumn, transpose(tall, old, side), side, old, side);
    return { height: side, width: side, channels: 1, values: transpose(wide, side, side) };
  }

  /** The sum of the 5 x 5 pixels around a place. */
  function around(values, side, row, column) {
    let sum = 0;
    for (let y = Math.max(row - 2, 0); y <= Math.min(row + 2, side - 1); y++) {
      for (let x = Math.max(column - 2, 0); x <= Math.min(column + 2, side - 1); x++) {
        sum += values[y * side + x];
      }
    }
    return sum;
  }

  /** How much each of the old pixels counts for each new one: side rows of old numbers. */
  function areas(start, step, side, old) {
    const output = new Float32Array(side * old);
    const before = (edge, place) => {
      const away = clamp(edge - place - 0.5, [-1, 1]); // from the middle of an old pixel
      return 0.5 + away - 0.5 * away * Math.abs(away); // the area of its triangle on this side
    };
    for (let row = 0; row < side; row++) {
      const [begin, end] = [start + row * step, start + (row + 1) * step];
      for (let place = 0; place < old; place++) {
        output[row * old + place] = (before(end, place) - before(begin, place)) / step;
      }
    }
    return output;
  }

  /** The product of two matrices, (rows, inner) and (inner, columns), row by row. */
  function multiply(left, right, rows, inner, columns) {
    const output = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < inner; k++) {
        const value = left[row * inner + k];
        if (value === 0) continue;
        for (let column = 0; column < columns; column++) {
          output[row * columns + column] += value * right[k * columns + column];
        }
      }
    }
    return output;
  }

  function clamp(value, [low, high]) {
    return Math.min(Math.max(value, low), high);
  }

  /** A convolution of odd size, with as many places out as in, and paper (0) all around. */
  function convolve(input, { size, filters }, kernel) {
    const { height, width, channels, values } = input;
    const output = new Float32Array(height * width * filters);
    const reach = (size - 1) / 2;
    const sums = new Float32Array(filters);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        sums.fill(0);
        for (let dy = -reach; dy <= reach; dy++) {
          const y = row + dy;
          if (y < 0 || y >= height) continue;
          for (let dx = -reach; dx <= reach; dx++) {
            const x = column + dx;
            if (x < 0 || x >= width) continue;
            let from = (y * width + x) * channels;
            let weight = ((dy + reach) * size + dx + reach) * channels * filters;
            for (let channel = 0; channel < channels; channel++, from++) {
              const value = values[from];
              // A rectifier leaves many zeros, and paper is zero: half of the time is saved.
              if (value === 0) {
                weight += filters;
                continue;
              }
              for (let filter = 0; filter < filters; filter++, weight++) {
                sums[filter] += value * kernel[weight];
              }
            }
          }
        }
        output.set(sums, (row * width + column) * filters);
      }
    }
    return { height, width, channels: filters, values: output };
  }

  /**
   * The largest of a window at every second row and column. At the edges a window is cut off, as
   * Keras does it with padding "same": what is missing is missing in equal parts on both sides, or
   * one more at the end.
   */
  function pool(input, { size }) {
    const { channels, values } = input;
    const height = Math.ceil(input.height / 2);
    const width = Math.ceil(input.width / 2);
    const output = new Float32Array(height * width * channels).fill(-Infinity);
    const missing = (old, reduced) => Math.floor(Math.max(2 * (reduced - 1) + size - old, 0) / 2);
    const above = missing(input.height, height);
    const before = missing(input.width, width);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const to = (row * width + column) * channels;
        for (let dy = 0; dy < size; dy++) {
          const y = 2 * row + dy - above;
          if (y < 0 || y >= input.height) continue;
          for (let dx = 0; dx < size; dx++) {
            const x = 2 * column + dx - before;
            if (x < 0 || x >= input.width) continue;
            const from = (y * input.width + x) * channels;
            for (let channel = 0; channel < channels; channel++) {
              output[to + channel] = Math.max(output[to + channel], values[from + channel]);
            }
          }
        }
      }
    }
    return { height, width, channels, values: output };
  }

  /** A number by which each channel is multiplied, and one that is added. */
  function normalise(input, numbers) {
    const { channels, values } = input;
    const output = values.map(
      (value, place) =>
        value * numbers[place % channels] + numbers[channels + (place % channels)]
    );
    return { ...input, values: output };
  }

  function rectify(input) {
    return { ...input, values: input.values.map((value) => Math.max(value, 0)) };
  }

  function add(first, second) {
    return { ...first, values: first.values.map((value, place) => value + second.values[place]) };
  }

  function toLengthOne(input) {
    const length = Math.sqrt(dot(input.values, input.values));
    return { ...input, values: input.values.map((value) => value / length) };
  }

  function dot(first, second) {
    let sum = 0;
    for (let place = 0; place < first.length; place++) sum += first[place] * second[place];
    return sum;
  }

  /**
   * The encoder of weights.js, as a function: side x side numbers, ink 1 on paper 0, row by row,
   * to an embedding of length 1. The product of two embeddings is their cosine similarity.
   */
  function load({ side, layers, numbers }) {
    const all = decodeHalves(numbers);
    const operations = { normaliseSize, convolve, pool, normalise, rectify, add, toLengthOne };
    return (image) => {
      const maps = [{ height: side, width: side, channels: 1, values: Float32Array.from(image) }];
      for (const { operation, inputs, from, to, ...options } of layers) {
        const given = inputs.map((index) => maps[index]);
        if (Object.keys(options).length) given.push(options);
        if (to > from) given.push(all.subarray(from, to));
        maps.push(operations[operation](...given));
      }
      return maps[maps.length - 1].values;
    };
  }

  /** Rows become columns. */
  function transpose(image, width, height) {
    const output = new Float32Array(image.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) output[x * height + y] = image[y * width + x];
    }
    return output;
  }

  return { load, bytes, clamp, dot };
})();
