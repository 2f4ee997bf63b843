// SPDX-License-Identifier: GPL-3.0-or-later
// Lines of the waterfall: read from the server's binary messages, kept in a ring.

const MAGIC = 0x4c4d4652; // "RFML"
const VERSION = 1;
const HEADER_BYTES = 48;
export const UNSEEN = 255;

// See radiofm_web/row_message.py.
export function readLines(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC || view.getUint16(4, true) !== VERSION) {
    throw new Error("lines of another version: reload the page");
  }
  const cols = view.getUint16(6, true);
  const count = view.getUint32(8, true);
  const tunings = view.getUint32(12, true);
  const first = view.getFloat64(40, true);
  let at = HEADER_BYTES;
  const take = (Kind, length) => {
    const bytes = length * Kind.BYTES_PER_ELEMENT;
    const part = new Kind(buffer.slice(at, at + bytes));
    at += bytes;
    return part;
  };
  const tuning = take(Float64Array, 2 * tunings);
  return {
    cols,
    count,
    height: view.getUint32(16, true),
    duration: view.getFloat64(24, true),
    newest: view.getFloat64(32, true),
    tuning,
    numbers: Array.from(take(Uint32Array, count), (offset) => first + offset),
    tuningOf: take(Uint16Array, count),
    levels: take(Uint8Array, count * cols),
    classes: take(Uint8Array, count * cols),
  };
}

// The last `height` lines. Line n is at place n mod height, whatever its age.
export class LineRing {
  constructor(cols, height, duration) {
    this.cols = cols;
    this.height = height;
    this.duration = duration;
    this.newest = -1;
    this.numbers = new Float64Array(height).fill(-1);
    this.levels = new Uint8Array(height * cols);
    this.classes = new Uint8Array(height * cols).fill(UNSEEN);
    this.centers = new Float64Array(height);
    this.rates = new Float64Array(height);
  }

  static for(lines) {
    return new LineRing(lines.cols, lines.height, lines.duration);
  }

  fits(lines) {
    const { cols, height, duration } = lines;
    return cols === this.cols && height === this.height && duration === this.duration;
  }

  placeOf(number) {
    return number % this.height;
  }

  // Seconds of the receiver's clock at which the newest line ends.
  get now() {
    return (this.newest + 1) * this.duration;
  }

  // Returns the places that changed.
  put(lines) {
    const changed = new Set();
    if (lines.newest < this.newest) {
      // the clock was set back
      this.numbers.fill(-1);
      this.newest = -1;
      for (let place = 0; place < this.height; place++) changed.add(place);
    }
    const oldest = lines.newest - this.height + 1;
    for (let n = Math.max(this.newest + 1, oldest); n <= lines.newest; n++) {
      const place = this.placeOf(n);
      this.numbers[place] = -1;
      changed.add(place);
    }
    this.newest = lines.newest;
    for (let k = 0; k < lines.count; k++) {
      const number = lines.numbers[k];
      if (number < oldest || number > lines.newest) continue;
      const place = this.placeOf(number);
      const from = k * this.cols;
      this.numbers[place] = number;
      this.levels.set(lines.levels.subarray(from, from + this.cols), place * this.cols);
      this.classes.set(lines.classes.subarray(from, from + this.cols), place * this.cols);
      this.centers[place] = lines.tuning[2 * lines.tuningOf[k]];
      this.rates[place] = lines.tuning[2 * lines.tuningOf[k] + 1];
      changed.add(place);
    }
    return changed;
  }

  // {center, rate} of the newest line, or null.
  get tuning() {
    const place = this.placeOf(this.newest);
    if (this.newest < 0 || this.numbers[place] !== this.newest) return null;
    return { center: this.centers[place], rate: this.rates[place] };
  }
}
