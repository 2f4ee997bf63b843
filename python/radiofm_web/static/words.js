// SPDX-License-Identifier: GPL-3.0-or-later
// Quantities as people read them.

// Before so many seconds since 1970 a time is taken for one since the start
const EPOCH_TIMES = 1e9;

export function megahertz(hertz, decimals = 3) {
  return `${(hertz / 1e6).toFixed(decimals)} MHz`;
}

export function hertz(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(4)} MHz`;
  return size >= 1e3 ? `${+(value / 1e3).toPrecision(4)} kHz` : `${+value.toPrecision(4)} Hz`;
}

// With as many decimals in each row of a column
export function width(value) {
  return value >= 1e6 ? megahertz(value) : `${(value / 1e3).toFixed(1)} kHz`;
}

export function decibels(value) {
  return value === null ? "" : `${value.toFixed(1)} dB`;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function moment(seconds) {
  if (seconds < EPOCH_TIMES) return `${seconds.toFixed(2)} s`;
  const time = new Date(1000 * seconds);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function ago(seconds) {
  return seconds < 1 ? "just now" : `${period(seconds)} ago`;
}

export function period(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

export function milliseconds(seconds) {
  return `${(1e3 * seconds).toFixed(0)} ms`;
}

export function count(number) {
  return number.toLocaleString("en").replaceAll(",", " ");
}

// "LTE  18.02 MHz  18 dB  15 kHz"
export function boxLabel(emission) {
  const parts = [emission.name, hertz(emission.bandwidth)];
  if (emission.snr_db !== null) parts.push(`${emission.snr_db.toFixed(0)} dB`);
  if (emission.subcarrier_spacing && !emission.name.includes("(")) {
    parts.push(hertz(emission.subcarrier_spacing));
  }
  return parts.join("  ");
}
