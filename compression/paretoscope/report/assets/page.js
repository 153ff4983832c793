"use strict";
// The page: plots, list and details of each chapter, which show the same selected point.

const CONFIG = {
  displaylogo: false,
  responsive: true,
  modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  scrollZoom: false,
};
const MOST_OPTIONS = 6000;

class Front {
  constructor(section, chapter, theme) {
    Object.assign(this, { section, chapter, theme, selected: null, plots: [] });
    const box = section.querySelector(".front");
    this.details = element("div", "", { class: "details", "aria-live": "polite", tabindex: "-1" });
    this.tooltip = element("div", "", { class: "tooltip", hidden: "", role: "presentation" });
    const plots = element("div", "", { class: "plots" });
    const { quality, size, time } = chapter.axes;
    for (const x of [size, time]) plots.append(this.plot(x, quality));
    const below = element("div", "", { class: "below" });
    below.append(this.list(), this.details);
    box.replaceChildren(plots, this.legend(), below, this.tooltip);
    for (const plot of this.plots) this.draw(plot);
    section.querySelector("details.all").addEventListener("toggle", (event) => this.table(event.target));
    section.querySelectorAll(".card").forEach((card) => this.makeCard(card));
    const first = chapter.picked[0] ?? chapter.recommended ?? chapter.baseline ?? 0;
    this.select(first);
  }

  metric(key) {
    return this.chapter.metrics.find((each) => each.key === key);
  }

  /** A plot with the pickers of its axes. */
  plot(x, y) {
    const box = element("figure");
    const number = `${this.section.dataset.chapter}-${this.plots.length}`;
    const place = element("div", "", { class: "plot", role: "img" });
    const summary = element("figcaption", "", { class: "note" });
    const plot = { x, y, place, summary, overlay: new Overlay(place) };
    const pickers = element("div", "", { class: "pickers" });
    for (const [axis, label] of [["y", "Vertical"], ["x", "Horizontal"]]) {
      const id = `axis-${axis}-${number}`;
      const picker = element("select", "", { id });
      for (const metric of this.chapter.metrics)
        picker.append(new Option(title(metric), metric.key, false, metric.key === plot[axis]));
      picker.addEventListener("change", () => {
        plot[axis] = picker.value;
        this.draw(plot);
      });
      const named = element("label", label, { for: id });
      named.append(picker);
      pickers.append(named);
    }
    box.append(pickers, place, summary);
    this.plots.push(plot);
    return box;
  }

  draw(plot) {
    const [x, y] = [this.metric(plot.x), this.metric(plot.y)];
    if (!x || !y) return;
    plot.drawn = figure(this.chapter, this.theme, x, y);
    const events = !plot.place.on;
    Plotly.react(plot.place, plot.drawn.traces, plot.drawn.layout, CONFIG);
    if (events) this.listen(plot);
    plot.overlay.select(this.position(plot));
    plot.overlay.fill(this.chapter, this.theme, x, y, plot.drawn.quiet);
    this.describe(plot, x, y);
  }

  /** The plot in a sentence, and how many points its view leaves out. */
  describe(plot, x, y) {
    const { shown, onFront, view } = plot.drawn;
    const best = this.chapter.recommended;
    const recommended = best === null ? "" : ` Recommended: ${this.chapter.names[best]}.`;
    const label = `${y.label} against ${x.label.toLowerCase()} of ${shown.length} models, ${onFront.length} of them on the Pareto front.${recommended}`;
    plot.place.setAttribute("aria-label", label);
    const missing = this.chapter.ids.length - shown.length;
    const notes = [
      view.outside ? `${view.outside} of ${shown.length} models are outside this view.` : "",
      missing ? `${missing} models have no value here.` : "",
    ];
    plot.summary.textContent = notes.filter(Boolean).join(" ");
  }

  listen(plot) {
    const rowOf = (event) => event.points.find((each) => each.customdata !== undefined)?.customdata;
    plot.place.on("plotly_click", (event) => {
      const row = rowOf(event);
      if (row !== undefined) this.select(row);
    });
    for (const moved of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"])
      plot.place.on(moved, () => plot.overlay.draw());
    plot.place.on("plotly_hover", (event) => this.hover(rowOf(event), event.event));
    plot.place.on("plotly_unhover", () => (this.tooltip.hidden = true));
  }

  /** The tooltip of a point: name, words, and the numbers of the objectives. */
  hover(row, at) {
    if (row === undefined || !at) return;
    const { axes } = this.chapter;
    const lines = [axes.quality, axes.time, axes.size].map((key) => {
      const metric = this.metric(key);
      const value = this.chapter.columns[key]?.v[row];
      if (!metric) return "";
      const name = metric.kind ? `${metric.label}, ${metric.kind}` : metric.label;
      return `${name}: ${withUnit(metric, value)} ${interval(this.chapter, metric, row)}`;
    });
    this.tooltip.replaceChildren(
      element("b", this.chapter.names[row]),
      element("span", sentence(this.chapter, row)),
      ...lines.filter(Boolean).map((each) => element("span", each))
    );
    this.tooltip.hidden = false;
    const width = this.tooltip.offsetWidth;
    this.tooltip.style.left = `${Math.max(4, Math.min(at.clientX + 14, window.innerWidth - width - 8))}px`;
    this.tooltip.style.top = `${Math.max(4, at.clientY - this.tooltip.offsetHeight - 10)}px`;
  }

  /** Where the selected point is on the axes of a plot; null if it has no place there. */
  position(plot) {
    const row = this.selected;
    const [x, y] = [this.metric(plot.x), this.metric(plot.y)];
    if (row === null || !plot.drawn || !plot.drawn.shown.includes(row)) return null;
    return { x: positions(this.chapter, x, [row])[0], y: positions(this.chapter, y, [row])[0] };
  }

  /** Show a point everywhere: details, list and a frame in both plots. */
  select(row) {
    this.selected = row;
    showDetails(this.details, this.chapter, row);
    this.options.value = String(row);
    for (const plot of this.plots) plot.overlay.select(this.position(plot));
    this.section.querySelectorAll(".card").forEach((card) =>
      card.toggleAttribute("data-selected", card.dataset.id === this.chapter.ids[row])
    );
  }

  /** The points as a list: the way to them by keyboard, best quality first. */
  list() {
    const box = element("div", "", { class: "list" });
    const number = this.section.dataset.chapter;
    const label = element("label", "Models, best quality first", { for: `models-${number}` });
    const find = element("input", "", { type: "search", placeholder: "Find a model or stage", "aria-label": "Find a model or stage" });
    this.options = element("select", "", { id: `models-${number}`, size: "16" });
    const all = this.ordered().slice(0, MOST_OPTIONS).map((row) => this.option(row));
    this.options.append(...all);
    this.options.addEventListener("change", () => this.select(Number(this.options.value)));
    find.addEventListener("input", () => {
      const words = find.value.toLowerCase();
      this.options.replaceChildren(...all.filter((each) => each.dataset.words.includes(words)));
    });
    box.append(label, find, this.options);
    return box;
  }

  ordered() {
    const quality = this.metric(this.chapter.axes.quality);
    const rows = this.chapter.ids.map((_, row) => row);
    if (!quality) return rows;
    const column = { value: (row) => this.chapter.columns[quality.key].v[row] };
    sortRows(rows, column, quality.lower ? 1 : -1);
    return rows;
  }

  option(row) {
    const { axes, columns, names } = this.chapter;
    const numbers = [axes.quality, axes.time, axes.size].map((key) => {
      const metric = this.metric(key);
      return metric ? withUnit(metric, columns[key].v[row]) : "";
    });
    const title = this.chapter.named[row];
    const text = [names[row] + (title ? ` (${title.toLowerCase()})` : ""), ...numbers].join(" · ");
    const option = new Option(text, String(row));
    option.dataset.words = `${text} ${recipe(this.chapter, row)}`.toLowerCase();
    return option;
  }

  legend() {
    const box = element("p", "", { class: "legend" });
    const used = new Set(this.chapter.families);
    this.theme.styles.forEach((style, family) => {
      if (!used.has(family)) return;
      const item = element("span");
      const glyph = element("i", style.glyph, { "aria-hidden": "true", "data-family": family });
      item.append(glyph, ` ${style.label}`);
      box.append(item);
    });
    box.append(element("span", "Line: Pareto front · ring: shared or recommended · frame: selected · every point is measured"));
    return box;
  }

  /** Cards select their point. */
  makeCard(card) {
    const row = this.chapter.ids.indexOf(card.dataset.id);
    const button = element("button", "Show in the plots", { type: "button" });
    button.addEventListener("click", () => this.select(row));
    card.querySelector(".title").append(button);
  }

  table(details) {
    const box = details.querySelector(".scroll");
    if (!details.open || box.firstChild) return;
    drawTable(box, this.chapter, (row) => {
      this.select(row);
      this.details.focus();
    });
  }
}

async function start() {
  const data = await readData(document.getElementById("data"));
  const sections = [...document.querySelectorAll(".chapter")];
  const fronts = sections.map((each, at) => new Front(each, data.chapters[at], data.theme));
  const paint = () => {
    document.querySelectorAll(".legend i").forEach((glyph) => {
      glyph.style.color = styleColor(data.theme.styles[Number(glyph.dataset.family)]);
    });
  };
  paint();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paint();
    for (const front of fronts) for (const plot of front.plots) front.draw(plot);
  });
  document.body.dataset.ready = "yes";
}

start();
