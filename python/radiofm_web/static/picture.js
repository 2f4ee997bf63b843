// SPDX-License-Identifier: GPL-3.0-or-later
// The ring of lines as an image of one pixel for each bin of each line.

import { UNSEEN } from "./lines.js";
import { look } from "./look.js";

// As the window does: levels below and above a range that is found, and how far it reaches
const BELOW = 0.03;
const ABOVE = 0.003;
const MARGIN_DB = 2;
const LEAST_RANGE_DB = 25;

// RGBA as it lies in an image's memory
const pixelOf = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const EMPTY = pixelOf(...[1, 3, 5].map((at) => parseInt(look.empty.slice(at, at + 2), 16)));

function unpackRamp(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const colors = new Uint32Array(256);
  for (let k = 0; k < 256; k++) colors[k] = pixelOf(...bytes.subarray(3 * k, 3 * k + 3));
  return colors;
}

// Colours by class and level.
export class ColorTable {
  constructor() {
    this.scale = { least_db: -160, level_step_db: 0.64, noise: 0 };
    this.plain = new Uint32Array(256);
    this.tinted = [];
    this.entries = new Uint32Array(256 * 256);
  }

  setScale(hello) {
    this.scale = hello;
    this.plain = unpackRamp(hello.ramp);
  }

  setClasses(classes) {
    this.tinted = classes.map((each) => unpackRamp(each.ramp));
  }

  decibels(level) {
    return this.scale.least_db + this.scale.level_step_db * level;
  }

  // hidden(index): whether a class is not tinted
  build(low, high, hidden) {
    const places = new Uint8Array(256);
    for (let level = 0; level < 256; level++) {
      const share = (this.decibels(level) - low) / Math.max(high - low, 1e-3);
      places[level] = Math.round(255 * Math.min(Math.max(share, 0), 1));
    }
    for (let index = 0; index < 256; index++) {
      const plain = index === this.scale.noise || index === UNSEEN || hidden(index);
      const ramp = (!plain && this.tinted[index]) || this.plain;
      for (let level = 0; level < 256; level++) {
        this.entries[(index << 8) | level] = ramp[places[level]];
      }
    }
  }
}

export class Picture {
  constructor(ring, table) {
    this.ring = ring;
    this.table = table;
    this.canvas = document.createElement("canvas");
    this.canvas.width = ring.cols;
    this.canvas.height = ring.height;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.image = this.context.createImageData(ring.cols, ring.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.tuning = null;
    this.paintAll();
  }

  // Image row of a line: upwards with time, so that the newest is on top.
  rowOf(number) {
    return this.ring.height - 1 - this.ring.placeOf(number);
  }

  paintAll() {
    for (let place = 0; place < this.ring.height; place++) this.paintLine(place);
    this.context.putImageData(this.image, 0, 0);
  }

  // places: those of the ring that changed
  paint(places) {
    const tuning = this.ring.tuning;
    const moved =
      tuning &&
      (!this.tuning || tuning.center !== this.tuning.center || tuning.rate !== this.tuning.rate);
    if (moved) this.tuning = tuning;
    if (moved || places.size > this.ring.height / 2) {
      this.paintAll();
      return;
    }
    for (const place of places) {
      this.paintLine(place);
      const row = this.ring.height - 1 - place;
      this.context.putImageData(this.image, 0, 0, 0, row, this.ring.cols, 1);
    }
  }

  paintLine(place) {
    const { ring, pixels } = this;
    const { cols } = ring;
    const to = (ring.height - 1 - place) * cols;
    if (ring.numbers[place] < 0 || !this.tuning) {
      pixels.fill(EMPTY, to, to + cols);
      return;
    }
    const from = place * cols;
    const { entries } = this.table;
    const center = ring.centers[place];
    const rate = ring.rates[place];
    if (center === this.tuning.center && rate === this.tuning.rate) {
      for (let k = 0; k < cols; k++) {
        pixels[to + k] = entries[(ring.classes[from + k] << 8) | ring.levels[from + k]];
      }
      return;
    }
    // of another tuning: what of it lies within the present one
    const half = Math.floor(cols / 2);
    for (let k = 0; k < cols; k++) {
      const hertz = this.tuning.center + (k - half) * (this.tuning.rate / cols);
      const bin = Math.round((hertz - center) / (rate / cols)) + half;
      const inside = bin >= 0 && bin < cols;
      pixels[to + k] = inside
        ? entries[(ring.classes[from + bin] << 8) | ring.levels[from + bin]]
        : EMPTY;
    }
  }

  // {low, high} in dB that suit what is there, or null
  findRange() {
    const { ring } = this;
    const counts = new Uint32Array(256);
    const step = Math.max(Math.floor(ring.height / 200), 1);
    let total = 0;
    for (let place = 0; place < ring.height; place += step) {
      if (ring.numbers[place] < 0) continue;
      const from = place * ring.cols;
      for (let k = 0; k < ring.cols; k++) counts[ring.levels[from + k]]++;
      total += ring.cols;
    }
    if (!total) return null;
    const levelOf = (share) => {
      let sum = 0;
      for (let level = 0; level < 256; level++) {
        sum += counts[level];
        if (sum >= share * total) return this.table.decibels(level);
      }
      return this.table.decibels(255);
    };
    const low = levelOf(BELOW);
    return { low: low - MARGIN_DB, high: Math.max(levelOf(1 - ABOVE), low + LEAST_RANGE_DB) };
  }

  // Level (dB) and class at a line and a frequency, or null.
  at(number, hertz) {
    const { ring } = this;
    const place = ring.placeOf(number);
    if (number < 0 || ring.numbers[place] !== number) return null;
    const width = ring.rates[place] / ring.cols;
    const bin = Math.round((hertz - ring.centers[place]) / width) + Math.floor(ring.cols / 2);
    if (bin < 0 || bin >= ring.cols) return null;
    const at = place * ring.cols + bin;
    return { db: this.table.decibels(ring.levels[at]), index: ring.classes[at] };
  }
}
