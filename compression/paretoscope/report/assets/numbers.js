"use strict";
// Numbers and data of the report. Values are in the shown unit; missing ones are null.

/** The JSON of an element with deflated, base64-encoded data. */
async function readData(element) {
  const bytes = Uint8Array.from(atob(element.textContent.trim()), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

/** A value with its significant digits and without exponent: 22.9, 1,024, +1.2. */
function number(metric, value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  const magnitude = size >= 1 ? String(Math.floor(size)).length : 0;
  const decimals = size === 0 ? 0 : Math.min(20, Math.max(0, metric.digits - magnitude));
  const text = size.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  const sign = value < 0 ? "-" : metric.signed && value > 0 ? "+" : "";
  return sign + text;
}

/** A value with its unit. */
function withUnit(metric, value) {
  return value === null || value === undefined
    ? "–"
    : `${number(metric, value)} ${metric.unit}`.trim();
}

/** The 95 % interval of a row, "" if there is none. */
function interval(chapter, metric, row) {
  const column = chapter.columns[metric.key];
  if (!column.lo || column.lo[row] === null || column.hi[row] === null) return "";
  return `[${number(metric, column.lo[row])}, ${number(metric, column.hi[row])}]`;
}

/** The name of a metric with its unit and how it came about: "Energy per request (J), estimate". */
function title(metric) {
  const unit = metric.unit ? ` (${metric.unit})` : "";
  return metric.label + unit + (metric.kind ? `, ${metric.kind}` : "");
}

/** Entry `row` of a column of texts. */
function textAt(column, row) {
  return column.of[column.at[row]];
}

/** "5.1x faster, 12x smaller, accuracy within chance." */
function sentence(chapter, row) {
  const parts = chapter.words.map((column) => textAt(column, row)).filter(Boolean);
  const text = parts.join(", ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
}

/** The recipe of a row in words; `short` takes the words of its chips. */
function recipe(chapter, row, short) {
  const stages = chapter.recipes.at[row].map((at) => chapter.recipes.stages[at][short ? 1 : 0]);
  return stages.length ? stages.join(" → ") : "fp32, not compressed";
}

/** "24 lost, 20 gained, p = .65": correct answers against the original; "" if not compared. */
function answers(chapter, row) {
  const { lost, gained, p } = chapter.tests;
  if (lost[row] === null) return "";
  const chance = p[row] < 0.001 ? "p < .001" : `p = ${String(Number(p[row].toPrecision(2))).replace(/^0/, "")}`;
  return `${lost[row]} correct answers lost, ${gained[row]} gained (McNemar ${chance})`;
}

/** Rows on the Pareto front of two metrics, along x: none is as good in both and better in one. */
function front(chapter, x, y) {
  const [xs, ys] = [chapter.columns[x.key].v, chapter.columns[y.key].v];
  const [sx, sy] = [x.lower ? 1 : -1, y.lower ? 1 : -1];
  const rows = xs.map((_, row) => row).filter((row) => xs[row] !== null && ys[row] !== null);
  rows.sort((a, b) => sx * (xs[a] - xs[b]) || sy * (ys[a] - ys[b]));
  const found = [];
  for (const row of rows) {
    const last = found[found.length - 1];
    const equal = last !== undefined && xs[last] === xs[row] && ys[last] === ys[row];
    if (last === undefined || equal || sy * ys[row] < sy * ys[last]) found.push(row);
  }
  return sx > 0 ? found : found.reverse();
}

/** A new element with text and attributes; text is never read as HTML. */
function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
