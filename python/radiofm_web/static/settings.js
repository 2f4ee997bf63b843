// SPDX-License-Identifier: GPL-3.0-or-later
// What the viewer has chosen; the browser keeps it from one visit to the next.

const KEY = "radiofm-view";
export const SPANS = [1, 2, 5, 10, 20, 30, 60];

const defaults = {
  span: 10,
  auto: true,
  low: -110,
  high: -40,
  hidden: [],
  outlines: true,
};

function fits(settings) {
  return (
    SPANS.includes(settings.span) &&
    Number.isFinite(settings.low) &&
    Number.isFinite(settings.high) &&
    Array.isArray(settings.hidden)
  );
}

export function loadSettings() {
  try {
    const settings = { ...defaults, ...JSON.parse(localStorage.getItem(KEY)) };
    return fits(settings) ? settings : { ...defaults };
  } catch {
    return { ...defaults };
  }
}

export function saveSettings(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing
  }
}
