"use strict";
// A trade-off plot: quiet points, the front line, and the named points with their error bars.

const MARGIN = 0.09;
const FAR = 2.5;
/** More quiet points than this are drawn on a canvas, so that a pan moves a few elements. */
const MOST_MARKERS = 800;

/** The current colors. */
function colors(theme) {
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? theme.dark : theme.light;
}

function styleColor(style) {
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? style.dark : style.light;
}

/** The rows with a name in the plots: picked, recommended, alternatives and the original. */
function emphasized(chapter) {
  const named = Object.keys(chapter.named).map(Number);
  const others = [chapter.baseline, chapter.recommended].filter((row) => row !== null);
  return [...new Set([...named, ...chapter.picked, ...others])];
}

/** Traces and layout of metric `y` against `x`. */
function figure(chapter, theme, x, y) {
  const shown = present(chapter, x, y);
  const onFront = front(chapter, x, y);
  const view = axesView(chapter, x, y, shown);
  const { traces: markers, quiet } = points(chapter, theme, x, y, shown, onFront);
  const traces = [line(chapter, theme, x, y, onFront, view), ...markers];
  const known = new Set(shown);
  const marks = emphasized(chapter).filter((row) => known.has(row));
  traces.push(bars(chapter, theme, x, y, marks), rings(chapter, theme, x, y, marks));
  return { traces, layout: layout(chapter, theme, x, y, view, marks), onFront, shown, quiet, view };
}

function present(chapter, x, y) {
  const [xs, ys] = [chapter.columns[x.key].v, chapter.columns[y.key].v];
  const both = (row) => isShown(chapter, x, xs[row]) && isShown(chapter, y, ys[row]);
  return xs.map((_, row) => row).filter(both);
}

/** Whether an axis of the metric has a place for the value. */
function isShown(chapter, metric, value) {
  return value !== null && (!isLog(chapter, metric) || value > 0);
}

function isLog(chapter, metric) {
  return metric.log && chapter.columns[metric.key].v.some((value) => value !== null && value > 0);
}

/** Points by strategy: those on the front or with a name large, all others small and quiet. */
function points(chapter, theme, x, y, shown, onFront) {
  const best = new Set([...onFront, ...emphasized(chapter)]);
  const many = shown.length - best.size > MOST_MARKERS;
  const traces = [];
  const quiet = [];
  for (const isBest of [false, true]) {
    theme.styles.forEach((style, family) => {
      const rows = shown.filter(
        (row) => chapter.families[row] === family && best.has(row) === isBest
      );
      if (!rows.length) return;
      if (many && !isBest) {
        traces.push(dots(chapter, x, y, rows));
        quiet.push({ family, rows });
        return;
      }
      const original = chapter.baseline !== null && chapter.families[chapter.baseline] === family;
      traces.push({
        type: "scatter",
        mode: "markers",
        name: style.label,
        x: rows.map((row) => chapter.columns[x.key].v[row]),
        y: rows.map((row) => chapter.columns[y.key].v[row]),
        customdata: rows,
        hoverinfo: "none",
        marker: {
          symbol: style.symbol,
          color: styleColor(style),
          size: original ? 15 : isBest ? 10 : 7,
          opacity: original || isBest ? 1 : 0.35,
          line: { width: isBest ? 1 : 0, color: colors(theme).paper },
        },
      });
    });
  }
  return { traces, quiet };
}

/** Points that are only found by the mouse; dots.js draws them. */
function dots(chapter, x, y, rows) {
  return {
    type: "scatter",
    mode: "none",
    x: rows.map((row) => chapter.columns[x.key].v[row]),
    y: rows.map((row) => chapter.columns[y.key].v[row]),
    customdata: rows,
    hoverinfo: "none",
    hoveron: "points",
  };
}

/** The step line of the front, extended to the edges of the plot. */
function line(chapter, theme, x, y, onFront, view) {
  const at = (row) => [chapter.columns[x.key].v[row], chapter.columns[y.key].v[row]];
  const rows = x.lower ? onFront : [...onFront].reverse();
  const corners = [];
  rows.map(at).forEach(([px, py], index, all) => {
    if (index) corners.push([px, all[index - 1][1]]);
    corners.push([px, py]);
  });
  if (corners.length) {
    const [bottom, top] = view.y;
    corners.unshift([corners[0][0], y.lower ? Math.max(top, corners[0][1]) : Math.min(bottom, corners[0][1])]);
    corners.push([x.lower ? view.x[1] : view.x[0], corners[corners.length - 1][1]]);
  }
  return {
    type: "scatter",
    mode: "lines",
    x: corners.map((each) => each[0]),
    y: corners.map((each) => each[1]),
    hoverinfo: "skip",
    opacity: 0.55,
    line: { color: colors(theme).text, width: 1.6 },
  };
}

/** Error bars of some rows. */
function bars(chapter, theme, x, y, rows) {
  const error = (metric) => {
    const { v, lo, hi } = chapter.columns[metric.key];
    const length = (ends, row, sign) =>
      ends && ends[row] !== null ? Math.max(0, sign * (ends[row] - v[row])) : 0;
    return {
      type: "data",
      symmetric: false,
      array: rows.map((row) => length(hi, row, 1)),
      arrayminus: rows.map((row) => length(lo, row, -1)),
      color: colors(theme).bars,
      thickness: 1.4,
      width: 0,
    };
  };
  return {
    type: "scatter",
    mode: "markers",
    x: rows.map((row) => chapter.columns[x.key].v[row]),
    y: rows.map((row) => chapter.columns[y.key].v[row]),
    marker: { size: 1, color: colors(theme).faint },
    error_x: error(x),
    error_y: error(y),
    hoverinfo: "skip",
  };
}

/** The shown part of both axes: outliers of the vertical axis are left out and counted. */
function axesView(chapter, x, y, shown) {
  const [xs, ys] = [chapter.columns[x.key].v, chapter.columns[y.key].v];
   const heights = shown.map((row) => ys[row]).sort((a, b) => (y.lower ? a - b : b - a));
  const good = heights.slice(0, Math.max(3, Math.ceil(heights.length * 0.75)));
  const span = Math.abs(good[0] - good[good.length - 1]);
  const all = Math.abs(heights[0] - heights[heights.length - 1]) <= FAR * span || !span;
  const known = new Set(shown);
  const named = emphasized(chapter).filter((row) => known.has(row));
  const least = y.unit === "%" ? 2 : Math.abs(good[0]) * 0.02;
  const spread = Math.max(least, ...named.map((row) => Math.abs(ys[row] - good[0])));
  const far = Math.min(span * 1.5, spread * 6);
  const inside = shown.filter((row) => all || Math.abs(ys[row] - good[0]) <= far);
  const rows = inside.length ? [...inside, ...named] : shown;
  const range = {
    x: widened(shown.map((row) => xs[row]), x, isLog(chapter, x)),
    y: widened(rows.map((row) => ys[row]), y, isLog(chapter, y)),
  };
  const outside = shown.filter((row) => ys[row] < range.y[0] || ys[row] > range.y[1]);
  return { ...range, outside: outside.length };
}

function widened(values, metric, log) {
  if (!values.length) return log ? [1, 10] : [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  if (log) {
    const margin = Math.max((high / low) ** MARGIN, 1.05);
    return [low / margin, high * margin];
  }
  const margin = (high - low) * MARGIN || Math.abs(high) * 0.02 || 1;
  const top = metric.unit === "%" && !metric.lower ? Math.min(high + margin, 100.5) : high + margin;
  return [low - margin, top];
}

function layout(chapter, theme, x, y, view, marks) {
  const shades = colors(theme);
  const axis = (metric, range) => {
    const log = isLog(chapter, metric);
    return {
      title: { text: `${title(metric)} ${metric.lower ? "↓ lower" : "↑ higher"} is better`, standoff: 8, font: { size: 13, color: shades.faint } },
      type: log ? "log" : "linear",
      range: log ? range.map(Math.log10) : range,
      gridcolor: shades.grid,
      zeroline: false,
      ticks: "",
      automargin: true,
      exponentformat: "none",
      ...(log ? logTicks(range) : { nticks: 7 }),
    };
  };
  return {
    autosize: true,
    margin: { l: 52, r: 14, t: 10, b: 48 },
    font: { family: "system-ui, sans-serif", size: 13, color: shades.text },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: "closest",
    hoverdistance: 16,
    dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "pan",
    xaxis: axis(x, view.x),
    yaxis: axis(y, view.y),
    annotations: labels(chapter, theme, x, y, marks, view),
  };
}

/** Round values where a logarithmic axis is long, else ticks at equal distances. */
function logTicks([low, high]) {
  if (high / low < 2.5) return { nticks: 6 };
  const digits = high / low > 30 ? [1, 2, 5] : [1, 2, 3, 5, 7];
  const found = [];
  for (let power = Math.floor(Math.log10(low / 100)); power <= Math.log10(high * 100); power += 1) {
    for (const digit of digits) found.push(Number((digit * 10 ** power).toPrecision(6)));
  }
  return { tickmode: "array", tickvals: found };
}

/** Circles around picked (text color) and recommended (accent) points. */
function rings(chapter, theme, x, y, marks) {
  const shades = colors(theme);
  const rows = marks.filter((row) => row === chapter.recommended || chapter.picked.includes(row));
  return {
    type: "scatter",
    mode: "markers",
    x: rows.map((row) => chapter.columns[x.key].v[row]),
    y: rows.map((row) => chapter.columns[y.key].v[row]),
    hoverinfo: "skip",
    marker: {
      symbol: "circle-open",
      size: 20,
      color: rows.map((row) => (chapter.picked.includes(row) ? shades.text : shades.accent)),
      line: { width: 2.5 },
    },
  };
}

/** The names of the marked points, each on the side with more space. */
function labels(chapter, theme, x, y, marks, view) {
  const share = (metric, range, value) =>
    isLog(chapter, metric)
      ? Math.log(value / range[0]) / Math.log(range[1] / range[0])
      : (value - range[0]) / (range[1] - range[0]);
  const place = (row) => [
    share(x, view.x, chapter.columns[x.key].v[row]),
    share(y, view.y, chapter.columns[y.key].v[row]),
  ];
  const marked = marks.map(place);
  const written = [];
  return marks.map((row) => {
    const [px, py] = [chapter.columns[x.key].v[row], chapter.columns[y.key].v[row]];
    const [sx, sy] = place(row);
    const left = sx > 0.6;
    const middle = sx + (left ? -0.2 : 0.2);
    const covers = (height) =>
      marked.some(([ox, oy]) => Math.abs(ox - middle) < 0.19 && Math.abs(oy - height) < 0.05) ||
      written.some(([ox, oy]) => Math.abs(ox - middle) < 0.4 && Math.abs(oy - height) < 0.06);
    const steps = [0.05, -0.05, 0.11, -0.11, 0.17, -0.17, 0.23, -0.23];
    const shift = steps.find((each) => sy + each < 0.97 && sy + each > 0.03 && !covers(sy + each)) ?? 0.05;
    written.push([middle, sy + shift]);
    return {
      x: isLog(chapter, x) ? Math.log10(px) : px,
      y: isLog(chapter, y) ? Math.log10(py) : py,
      text: chapter.names[row].replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
      ax: left ? -16 : 16,
      ay: -shift * 300,
      xanchor: left ? "right" : "left",
      showarrow: true,
      arrowhead: 0,
      arrowwidth: 1,
      arrowcolor: colors(theme).faint,
      standoff: 6,
      bgcolor: colors(theme).paper,
      opacity: 0.95,
      borderpad: 1,
      font: { size: 12, color: colors(theme).text },
      captureevents: false,
    };
  });
}
