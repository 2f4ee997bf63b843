// SPDX-License-Identifier: GPL-3.0-or-later
// The colours of the style sheet, for what is drawn on a canvas.

const style = getComputedStyle(document.documentElement);
const colorOf = (name) => style.getPropertyValue(`--${name}`).trim();

export const look = Object.fromEntries(
  ["ink", "faint", "paper", "empty", "frame"].map((name) => [name, colorOf(name)]),
);
