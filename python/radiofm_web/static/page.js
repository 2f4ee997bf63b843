// SPDX-License-Identifier: GPL-3.0-or-later
// The page: takes what the server tells, draws when something changed and someone can see it.

import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { EmissionTable, sorted } from "./emission_table.js";
import { LineRing, readLines } from "./lines.js";
import { look } from "./look.js";
import { ColorTable, Picture } from "./picture.js";
import { loadSettings } from "./settings.js";
import { Waterfall } from "./waterfall.js";
import { ago, count, hertz, megahertz, milliseconds, moment, period } from "./words.js";

const PROTOCOL = 1;
const TABLE_MS = 250;
const RANGE_MS = 500;
// A range that is found replaces the one before if it differs by so much: else colours flicker
const RANGE_STEP_DB = 1.5;
const SILENT_MS = 3000;

const byId = (id) => document.getElementById(id);
const settings = loadSettings();
const table = new ColorTable();
const waterfall = new Waterfall(byId("waterfall"));
const emissions = new Map();
let classes = [];
let unknown = { label: "unknown", color: look.ink };
let noise = 0;
let picture = null;
let selected = null;
let pointer = null;
let linesAt = 0;
let rangeAt = 0;
let tableAt = 0;
let tableTimer = 0;
let drawn = 0;
let toTell = 0;
let isDue = false;
let isLive = false;
let isStale = false;
// of a source that is lost: {since (ms since 1970), began (performance.now()), reason}
let loss = null;

const colors = new Map();
const colorOf = (emission) => colors.get(emission.label) ?? unknown.color;
const isHidden = (index) => Boolean(classes[index]) && controls.isHidden(classes[index].label);

const controls = new Controls(settings, onControl);
const list = new EmissionTable(byId("emissions"), byId("none"), byId("details"), choose, colorOf);
const connection = new Connection(take, takeLines, tellConnection);

// ---- what the server says

function take(message) {
  if (message.type === "hello") takeHello(message);
  else if (message.type === "update") takeUpdate(message);
}

function takeHello(hello) {
  if (hello.protocol !== PROTOCOL) {
    location.reload();
    return;
  }
  // perhaps another server than before: what the page has comes anew, once it may move
  isStale = true;
  if (!controls.paused) forget();
  toTell = 0;
  takeLoss(null);
  unknown = hello.unknown;
  noise = hello.noise;
  table.setScale(hello);
  byId("source").textContent = `${hello.source}   radiofm ${hello.version}`;
  ask();
  redraw();
}

function forget() {
  if (!isStale) return;
  isStale = false;
  emissions.clear();
  picture = null;
}

function takeUpdate(update) {
  toTell = update.number;
  if (update.classes) takeClasses(update.classes);
  if (update.status) showStatus(update.status);
  if ("source_lost" in update) takeLoss(update.source_lost);
  if (update.emissions) {
    for (const each of update.emissions.changed) emissions.set(each.burst_id, each);
    for (const number of update.emissions.gone) emissions.delete(number);
  }
  redraw();
}

function takeClasses(given) {
  classes = given;
  colors.clear();
  for (const each of classes) colors.set(each.label, each.color);
  const signals = classes.filter((_, index) => index !== noise);
  controls.showClasses([...signals, { ...unknown, name: unknown.label }]);
  table.setClasses(classes);
  recolor();
}

function takeLines(buffer) {
  const lines = readLines(buffer);
  linesAt = performance.now();
  const isNew = !picture || !picture.ring.fits(lines);
  if (isNew) picture = new Picture(LineRing.for(lines), table);
  picture.paint(picture.ring.put(lines));
  if (isNew) findRange(true);
  redraw();
}

function tellConnection(state, text) {
  isLive = state === "live";
  byId("connection").dataset.state = state;
  byId("connection").textContent = text;
}

// told: what the server knows of a source that is lost, or null
function takeLoss(told) {
  const began = told && performance.now() - 1000 * told.age;
  loss = told && { since: Date.parse(told.since), began, reason: told.reason };
  if (!loss) linesAt = performance.now();
  showSource();
}

// Where nothing is lost between page and server, whether samples come.
function showSource() {
  byId("notice").textContent = loss ? lossText() : "waiting for the first frame";
  if (!isLive) return;
  const silence = performance.now() - linesAt;
  let text = controls.paused ? "live, the picture is paused" : "live";
  if (loss) {
    text = lossText();
  } else if (picture && !controls.paused && !document.hidden && silence > SILENT_MS) {
    text = `connected; no samples for ${Math.round(silence / 1000)} s`;
  }
  const place = byId("connection");
  place.dataset.state = loss ? "source-lost" : "live";
  if (place.textContent !== text) place.textContent = text;
}

function lossText() {
  const lasted = period((performance.now() - loss.began) / 1000);
  return `source lost since ${moment(loss.since / 1000)}, for ${lasted} (${loss.reason}); trying again`;
}

// ---- what the viewer wants

function ask() {
  // the list is wanted without room for a picture, too
  const lines = Math.max(waterfall.lines, 16);
  connection.send({ type: "view", span: settings.span, lines, paused: controls.paused });
}

function onControl(what) {
  if (!controls.paused) forget();
  if (what === "span" || what === "pause") ask();
  if (what === "range" || what === "classes") {
    findRange(true);
    recolor();
  }
  redraw(true);
}

function choose(number) {
  selected = number;
  redraw(true);
}

function findRange(isWanted) {
  if (!settings.auto || !picture) return;
  const now = performance.now();
  if (!isWanted && now - rangeAt < RANGE_MS) return;
  rangeAt = now;
  const found = picture.findRange();
  if (!found) return;
  const moved = Math.max(Math.abs(found.low - settings.low), Math.abs(found.high - settings.high));
  if (moved < RANGE_STEP_DB) return;
  Object.assign(settings, found);
  controls.showRange();
  recolor();
}

function recolor() {
  table.build(settings.low, settings.high, isHidden);
  picture?.paintAll();
}

// ---- drawing

function redraw(isWholly = false) {
  if (isWholly) tableAt = 0;
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDue = false;
  drawn += 1;
  findRange(false);
  const shown = sorted([...emissions.values()].filter((each) => !controls.isHidden(each.label)));
  waterfall.resize();
  waterfall.draw({
    picture,
    span: settings.span,
    emissions: shown,
    selected,
    colorOf,
    outlines: settings.outlines,
  });
  const now = performance.now();
  if (now - tableAt >= TABLE_MS) {
    tableAt = now;
    list.show(shown, picture ? picture.ring.now : 0, selected);
  } else if (!tableTimer) {
    tableTimer = setTimeout(() => {
      tableTimer = 0;
      redraw();
    }, TABLE_MS);
  }
  byId("notice").hidden = Boolean(picture);
  showReadout();
  if (toTell) {
    connection.send({ type: "seen", number: toTell });
    toTell = 0;
  }
}

function showStatus(status) {
  const tuning = `${megahertz(status.center_frequency)}  ·  ${hertz(status.sample_rate)} span`;
  byId("tuning").textContent = status.sample_rate ? tuning : "";
  const parts = [
    `${count(status.frames)} frames, ${count(status.dropped)} dropped`,
    `latency ${milliseconds(status.latency_p50)}, at most ${milliseconds(status.latency_p99)}`,
    status.model && `model ${status.model}`,
  ];
  byId("state").textContent = parts.filter(Boolean).join("  ·  ");
  byId("error").textContent = status.error;
}

function showReadout() {
  const found = pointer && waterfall.probe(pointer.x, pointer.y, picture, settings.span);
  const readout = byId("readout");
  readout.hidden = !found;
  if (!found) return;
  const { ring } = picture;
  const time = ring.now - found.age;
  const pixel = picture.at(Math.floor(time / ring.duration), found.hertz);
  const texts = [`${megahertz(found.hertz)}   ${moment(time)} (${ago(found.age)})`];
  if (pixel) {
    const name = classes[pixel.index]?.name;
    texts.push(`${pixel.db.toFixed(0)} dB${name ? `   ${name}` : ""}`);
  }
  if (found.emission) {
    texts.push(list.detailsOf(found.emission));
  }
  readout.textContent = texts.join("\n");
  const { clientWidth, clientHeight } = waterfall.canvas;
  const left = pointer.x + 16 + readout.offsetWidth > clientWidth;
  const above = pointer.y + 16 + readout.offsetHeight > clientHeight;
  const x = left ? Math.max(pointer.x - readout.offsetWidth - 12, 0) : pointer.x + 16;
  const y = above ? Math.max(pointer.y - readout.offsetHeight - 12, 0) : pointer.y + 16;
  readout.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}

// ---- pointer, size, start

waterfall.canvas.addEventListener("pointermove", (event) => {
  pointer = { x: event.offsetX, y: event.offsetY };
  redraw();
});
waterfall.canvas.addEventListener("pointerleave", () => {
  pointer = null;
  redraw();
});
waterfall.canvas.addEventListener("click", (event) => {
  const found = waterfall.probe(event.offsetX, event.offsetY, picture, settings.span);
  choose(found?.emission?.burst_id ?? null);
  if (selected !== null) requestAnimationFrame(() => list.scrollTo(selected));
});

let sizeTimer = 0;
new ResizeObserver(() => {
  redraw();
  clearTimeout(sizeTimer);
  sizeTimer = setTimeout(ask, 150);
}).observe(waterfall.canvas);

setInterval(showSource, 1000);

// The token is in a cookie now, and has no business in the address bar or a screenshot.
if (new URLSearchParams(location.search).has("token")) {
  history.replaceState(null, "", location.pathname);
}
// For tests and for those who look into what the page does
globalThis.radiofmView = { emissions, get drawn() { return drawn; }, get picture() { return picture; } };

table.build(settings.low, settings.high, isHidden);
connection.open();
redraw();
