// SPDX-License-Identifier: GPL-3.0-or-later
// The waterfall on its canvas: image, axes, outlined emissions. Time runs downwards from now.

import { look } from "./look.js";
import { boxLabel } from "./words.js";

const MARGIN = { left: 56, right: 14, top: 8, bottom: 36 };
const FONT = '"DejaVu Sans", "Noto Sans", system-ui, sans-serif';
const LABEL_HEIGHT = 16;
const MOST_LABELS = 80;
// The same words again only so far below
const SAME_LABEL_PX = 64;

// 1, 2 or 5 times a power of ten, so that `span` has about `wanted` steps
function niceStep(span, wanted) {
  const rough = span / Math.max(wanted, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
}

export class Waterfall {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.ratio = 1;
    this.boxes = [];
  }

  // Fits the canvas to its place on the page.
  resize() {
    this.ratio = Math.min(globalThis.devicePixelRatio || 1, 3);
    const { clientWidth, clientHeight } = this.canvas;
    const width = Math.max(Math.round(clientWidth * this.ratio), 1);
    const height = Math.max(Math.round(clientHeight * this.ratio), 1);
    if (width !== this.canvas.width) this.canvas.width = width;
    if (height !== this.canvas.height) this.canvas.height = height;
  }

  // The plot in CSS pixels, or null when the canvas has no room for one.
  get plot() {
    const width = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    const height = this.canvas.clientHeight - MARGIN.top - MARGIN.bottom;
    return width < 20 || height < 20 ? null : { x: MARGIN.left, y: MARGIN.top, width, height };
  }

  // Lines that the picture has room for.
  get lines() {
    return this.plot ? Math.round(this.plot.height * this.ratio) : 0;
  }

  // {low, high} in Hz: the outer edges of the outer bins
  edges(tuning, cols) {
    const bin = tuning.rate / cols;
    const low = tuning.center - Math.floor(cols / 2) * bin - bin / 2;
    return { low, high: low + tuning.rate };
  }

  // scene: picture, span (s), emissions, selected, colorOf(emission), outlines
  draw(scene) {
    const { context, ratio, plot } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = look.paper;
    context.fillRect(0, 0, this.canvas.clientWidth, this.canvas.clientHeight);
    this.boxes = [];
    if (!plot) return;
    context.fillStyle = look.empty;
    context.fillRect(plot.x, plot.y, plot.width, plot.height);
    this.drawTimeAxis(plot, scene.span);
    const { picture } = scene;
    if (!picture || !picture.tuning) return;
    const edges = this.edges(picture.tuning, picture.ring.cols);
    this.drawImage(plot, picture, scene.span);
    this.drawFrequencyAxis(plot, edges);
    this.drawEmissions(plot, edges, scene);
  }

  drawImage(plot, picture, span) {
    const { context } = this;
    const { ring } = picture;
    const top = picture.rowOf(ring.newest);
    // lines reach a little beyond the span when it is no multiple of them
    const scale = (plot.height * ring.duration) / span;
    context.save();
    context.beginPath();
    context.rect(plot.x, plot.y, plot.width, plot.height);
    context.clip();
    context.imageSmoothingEnabled = false;
    const upper = ring.height - top;
    const seam = Math.round(plot.y + upper * scale);
    const { x, y, width } = plot;
    context.drawImage(picture.canvas, 0, top, ring.cols, upper, x, y, width, seam - y);
    if (top > 0) {
      const height = top * scale;
      context.drawImage(picture.canvas, 0, 0, ring.cols, top, x, seam, width, height);
    }
    context.restore();
  }

  drawTimeAxis(plot, span) {
    const { context } = this;
    const step = niceStep(span, Math.min(plot.height / 45, 8));
    context.font = `11px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.strokeStyle = look.frame;
    context.lineWidth = 1;
    for (let k = 0; k * step <= span * (1 + 1e-9); k++) {
      const y = plot.y + (plot.height * k * step) / span;
      context.beginPath();
      context.moveTo(plot.x - 5, Math.round(y) + 0.5);
      context.lineTo(plot.x, Math.round(y) + 0.5);
      context.stroke();
      context.fillStyle = look.faint;
      const text = k ? `−${+(k * step).toPrecision(6)} s` : "now";
      context.fillText(text, plot.x - 8, Math.min(Math.max(y, plot.y + 5), plot.y + plot.height - 3));
    }
  }

  drawFrequencyAxis(plot, edges) {
    const { context } = this;
    const span = (edges.high - edges.low) / 1e6;
    const step = niceStep(span, Math.min(plot.width / 95, 10));
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const bottom = plot.y + plot.height;
    context.textAlign = "center";
    context.textBaseline = "top";
    context.strokeStyle = look.frame;
    for (let k = Math.ceil(edges.low / 1e6 / step); k * step <= edges.high / 1e6; k++) {
      const x = plot.x + (plot.width * (k * step - edges.low / 1e6)) / span;
      context.beginPath();
      context.moveTo(Math.round(x) + 0.5, bottom);
      context.lineTo(Math.round(x) + 0.5, bottom + 5);
      context.stroke();
      context.fillStyle = look.faint;
      context.fillText((k * step).toFixed(decimals), x, bottom + 7);
    }
    context.fillText("MHz", plot.x + plot.width / 2, bottom + 21);
  }

  drawEmissions(plot, edges, scene) {
    const { context } = this;
    const { ring } = scene.picture;
    const xOf = (hertz) => plot.x + (plot.width * (hertz - edges.low)) / (edges.high - edges.low);
    const yOf = (time) => plot.y + (plot.height * (ring.now - time)) / scene.span;
    context.save();
    context.beginPath();
    context.rect(plot.x, plot.y, plot.width, plot.height);
    context.clip();
    for (const emission of scene.emissions) {
      const half = emission.bandwidth / 2;
      const left = xOf(emission.center_frequency - half);
      const right = xOf(emission.center_frequency + half);
      const end = emission.on_air ? ring.now : emission.start_time + emission.duration;
      const top = yOf(end);
      const bottom = yOf(emission.start_time);
      const isSeen = top <= plot.y + plot.height && bottom >= plot.y;
      if (!isSeen || right < plot.x || left > plot.x + plot.width) continue;
      const box = { emission, left, right, top: Math.max(top, plot.y), bottom };
      this.boxes.push(box);
      const isSelected = emission.burst_id === scene.selected;
      if (!scene.outlines && !isSelected) continue;
      context.strokeStyle = isSelected ? look.ink : scene.colorOf(emission);
      context.lineWidth = isSelected ? 2 : 1.25;
      const y = top - 1;
      context.strokeRect(left, y, Math.max(right - left, 1), Math.max(bottom - y, 1));
    }
    if (scene.outlines) this.drawLabels(plot, scene);
    context.restore();
  }

  // Those on the air first, none over another.
  drawLabels(plot, scene) {
    const { context } = this;
    const taken = [];
    context.font = `11.5px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const chosen = (box) => (box.emission.burst_id === scene.selected ? 1 : 0);
    const boxes = [...this.boxes].sort((a, b) => chosen(b) - chosen(a));
    for (const box of boxes) {
      if (taken.length >= MOST_LABELS) break;
      const text = boxLabel(box.emission);
      const width = context.measureText(text).width + 10;
      const x = Math.max(Math.min(box.left, plot.x + plot.width - width), plot.x);
      const isRoomAbove = box.top - LABEL_HEIGHT >= plot.y;
      const y = isRoomAbove ? box.top - LABEL_HEIGHT : box.top + 2;
      const overlaps = (other) => {
        const isBeside = x >= other.x + other.width || other.x >= x + width;
        const room = text === other.text ? SAME_LABEL_PX : LABEL_HEIGHT;
        return !isBeside && Math.abs(y - other.y) < room;
      };
      if (taken.some(overlaps)) continue;
      taken.push({ x, y, width, text });
      context.fillStyle = `${look.empty}d9`;
      context.fillRect(x, y, width, LABEL_HEIGHT);
      context.fillStyle = scene.colorOf(box.emission);
      context.fillText(text, x + 5, y + LABEL_HEIGHT / 2 + 0.5);
    }
  }

  // What lies under a point of the canvas (CSS pixels): {hertz, age, emission}, or null.
  probe(x, y, picture, span) {
    const { plot } = this;
    if (!plot || !picture || !picture.tuning) return null;
    const across = (x - plot.x) / plot.width;
    const down = (y - plot.y) / plot.height;
    if (across < 0 || across > 1 || down < 0 || down > 1) return null;
    const { low, high } = this.edges(picture.tuning, picture.ring.cols);
    const inside = this.boxes.filter(
      (box) => x >= box.left - 2 && x <= box.right + 2 && y >= box.top - 2 && y <= box.bottom + 2,
    );
    // of boxes within each other the smallest
    const area = (box) => (box.right - box.left) * (box.bottom - box.top);
    inside.sort((a, b) => area(a) - area(b));
    return { hertz: low + across * (high - low), age: down * span, emission: inside[0]?.emission };
  }
}
