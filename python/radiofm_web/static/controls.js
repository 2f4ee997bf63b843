// SPDX-License-Identifier: GPL-3.0-or-later
// The row of controls above the waterfall.

import { SPANS, saveSettings } from "./settings.js";

const byId = (id) => document.getElementById(id);
const LEAST_RANGE_DB = 3;

export class Controls {
  // changed(what): "span", "range", "classes", "outlines" or "pause"
  constructor(settings, changed) {
    this.settings = settings;
    this.paused = false;
    this.named = "";
    this.changed = (what) => {
      saveSettings(settings);
      changed(what);
    };
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    this.setUpSpan();
    this.setUpRange();
    byId("outlines").addEventListener("click", () => this.toggleOutlines());
    byId("pause").addEventListener("click", () => this.togglePause());
    addEventListener("keydown", (event) => this.onKey(event));
    this.showPressed("outlines", settings.outlines);
  }

  setUpSpan() {
    const select = byId("span");
    for (const span of SPANS) select.add(new Option(`${span} s`, span));
    select.value = this.settings.span;
    select.addEventListener("change", () => {
      this.settings.span = Number(select.value);
      this.changed("span");
    });
  }

  setUpRange() {
    const { settings } = this;
    byId("auto").checked = settings.auto;
    byId("auto").addEventListener("change", () => {
      settings.auto = byId("auto").checked;
      this.showRange();
      this.changed("range");
    });
    for (const id of ["low", "high"]) {
      byId(id).addEventListener("change", () => this.readRange(id));
    }
    this.showRange();
  }

  // The darkest level stays below the brightest: the other one gives way.
  readRange(id) {
    const { settings } = this;
    const given = byId(id).valueAsNumber;
    if (Number.isFinite(given)) {
      const { min, max } = byId(id);
      settings[id] = Math.min(Math.max(given, Number(min)), Number(max));
    }
    if (settings.high - settings.low < LEAST_RANGE_DB) {
      if (id === "low") settings.high = settings.low + LEAST_RANGE_DB;
      else settings.low = settings.high - LEAST_RANGE_DB;
    }
    this.showRange();
    this.changed("range");
  }

  showRange() {
    for (const id of ["low", "high"]) {
      byId(id).disabled = this.settings.auto;
      byId(id).value = Math.round(this.settings[id]);
    }
  }

  // classes: [{label, name, color}], without noise
  showClasses(classes) {
    const named = JSON.stringify(classes.map((each) => [each.label, each.color]));
    if (named === this.named) return;
    this.named = named;
    const buttons = classes.map(({ label, name, color }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name;
      button.style.setProperty("--class", color);
      button.setAttribute("aria-pressed", String(!this.isHidden(label)));
      button.addEventListener("click", () => this.toggleClass(label, button));
      return button;
    });
    byId("classes").replaceChildren(...buttons);
  }

  isHidden(label) {
    return this.settings.hidden.includes(label);
  }

  toggleClass(label, button) {
    const hidden = new Set(this.settings.hidden);
    if (!hidden.delete(label)) hidden.add(label);
    this.settings.hidden = [...hidden];
    button.setAttribute("aria-pressed", String(!hidden.has(label)));
    this.changed("classes");
  }

  toggleOutlines() {
    this.settings.outlines = !this.settings.outlines;
    this.showPressed("outlines", this.settings.outlines);
    this.changed("outlines");
  }

  togglePause() {
    this.paused = !this.paused;
    this.showPressed("pause", this.paused);
    byId("pause").textContent = this.paused ? "Go on" : "Pause";
    this.changed("pause");
  }

  showPressed(id, isPressed) {
    byId(id).setAttribute("aria-pressed", String(isPressed));
  }

  onKey(event) {
    const isUsed = event.target.closest?.("button, select, input, tr");
    if (event.key !== " " || isUsed || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.togglePause();
  }
}
