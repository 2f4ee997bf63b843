// SPDX-License-Identifier: GPL-3.0-or-later
// The list of emissions: those on the air by frequency, then those that ended, the last one first.

import { ago, decibels, hertz, megahertz, moment, percent, width } from "./words.js";

// Rows of the page; the server keeps more
const MOST_ROWS = 500;

export function sorted(emissions) {
  const low = (e) => e.center_frequency - e.bandwidth / 2;
  const end = (e) => e.start_time + e.duration;
  return emissions.sort((a, b) => {
    if (a.on_air !== b.on_air) return a.on_air ? -1 : 1;
    return (a.on_air ? low(a) - low(b) : end(b) - end(a)) || a.burst_id - b.burst_id;
  });
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export class EmissionTable {
  // choose(number): called when one is selected, null for none; colorOf(emission)
  constructor(body, none, details, choose, colorOf) {
    this.body = body;
    this.none = none;
    this.details = details;
    this.choose = choose;
    this.colorOf = colorOf;
    this.rows = new Map();
    body.addEventListener("click", (event) => this.onClick(event));
    body.addEventListener("keydown", (event) => this.onKey(event));
  }

  // emissions: sorted; now: seconds of the receiver's clock
  show(emissions, now, selected) {
    const shown = emissions.slice(0, MOST_ROWS);
    const wanted = new Set(shown.map((each) => each.burst_id));
    for (const [number, row] of this.rows) {
      if (wanted.has(number)) continue;
      row.remove();
      this.rows.delete(number);
    }
    let place = this.body.firstElementChild;
    for (const emission of shown) {
      const row = this.rows.get(emission.burst_id) ?? this.newRow(emission.burst_id);
      this.fill(row, emission, now, emission.burst_id === selected);
      if (row === place) place = place.nextElementSibling;
      else this.body.insertBefore(row, place);
    }
    this.setTabStop(selected);
    const more = emissions.length - shown.length;
    this.none.hidden = emissions.length > 0 && !more;
    setText(this.none, more ? `and ${more} more` : "no emissions yet");
    const one = emissions.find((each) => each.burst_id === selected);
    setText(this.details, one ? this.detailsOf(one) : "");
  }

  newRow(number) {
    const row = document.createElement("tr");
    row.dataset.number = number;
    for (let k = 0; k < 9; k++) {
      const cell = row.insertCell();
      if (k) cell.className = [4, 5, 7, 8].includes(k) ? "number more" : "number";
    }
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    row.cells[0].append(swatch, document.createElement("span"));
    this.rows.set(number, row);
    return row;
  }

  fill(row, emission, now, isSelected) {
    const end = emission.start_time + emission.duration;
    const color = this.colorOf(emission);
    if (row.dataset.color !== color) {
      row.dataset.color = color;
      row.cells[0].firstElementChild.style.background = color;
    }
    setText(row.cells[0].lastElementChild, emission.name);
    const texts = [
      megahertz(emission.center_frequency),
      width(emission.bandwidth),
      decibels(emission.snr_db),
      emission.subcarrier_spacing ? hertz(emission.subcarrier_spacing) : "",
      moment(emission.start_time),
      emission.on_air ? "now" : ago(now - end),
      percent(emission.duty),
      emission.confidence.toFixed(2),
    ];
    texts.forEach((text, index) => setText(row.cells[index + 1], text));
    row.className = emission.on_air ? "" : "ended";
    row.title = emission.evidence || "";
    row.setAttribute("aria-selected", String(isSelected));
  }

  detailsOf(emission) {
    const evidence = emission.evidence || "no repetition that tells more";
    return `${emission.name} at ${megahertz(emission.center_frequency)}: ${evidence}`;
  }

  // One row at a time is in the order of the tabulator key; arrows lead to the others.
  setTabStop(selected) {
    const chosen = this.rows.get(selected) ?? this.body.firstElementChild;
    for (const row of this.rows.values()) row.tabIndex = row === chosen ? 0 : -1;
  }

  onClick(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    const again = row.getAttribute("aria-selected") === "true";
    this.choose(again ? null : Number(row.dataset.number));
  }

  onKey(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    const to = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: this.body.firstElementChild,
      End: this.body.lastElementChild,
    }[event.key];
    if (to) {
      event.preventDefault();
      to.focus();
      this.choose(Number(to.dataset.number));
    } else if (event.key === "Enter") {
      this.onClick(event);
    } else if (event.key === "Escape") {
      this.choose(null);
    }
  }

  scrollTo(number) {
    this.rows.get(number)?.scrollIntoView({ block: "nearest" });
  }
}
