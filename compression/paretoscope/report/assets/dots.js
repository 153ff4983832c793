"use strict";
// What moves with the plot without being redrawn by Plotly: many quiet points, on a canvas, and
// the frame around the selected point.

const DOT = 6;
const PATHS = {
  square: (to, r) => to.rect(-r * 0.85, -r * 0.85, r * 1.7, r * 1.7),
  "triangle-up": (to, r) => [[0, -r], [r, r * 0.8], [-r, r * 0.8]].forEach((at) => to.lineTo(...at)),
  diamond: (to, r) => [[0, -r], [r, 0], [0, r], [-r, 0]].forEach((at) => to.lineTo(...at)),
  circle: (to, r) => to.arc(0, 0, r * 0.9, 0, 2 * Math.PI),
};

/** The picture of one quiet point. */
function sprite(style, scale, opacity) {
  const picture = document.createElement("canvas");
  picture.width = picture.height = (DOT + 2) * scale;
  const to = picture.getContext("2d");
  to.scale(scale, scale);
  to.translate(DOT / 2 + 1, DOT / 2 + 1);
  to.globalAlpha = opacity;
  to.fillStyle = styleColor(style);
  to.beginPath();
  (PATHS[style.symbol] || PATHS.circle)(to, DOT / 2);
  to.fill();
  return picture;
}

/** Positions on an axis as Plotly counts them: logarithms where the axis is logarithmic. */
function positions(chapter, metric, rows) {
  const values = chapter.columns[metric.key].v;
  const log = isLog(chapter, metric);
  return Float64Array.from(rows, (row) => (log ? Math.log10(values[row]) : values[row]));
}

class Overlay {
  constructor(place) {
    this.place = place;
    this.canvas = element("canvas", "", { class: "dots", "aria-hidden": "true" });
    this.frame = element("div", "", { class: "frame", hidden: "" });
    this.groups = [];
    this.selected = null;
  }

  /** Put the frame around a point, at its position on both axes; null removes it. */
  select(at) {
    this.selected = at;
    if (this.place._fullLayout) this.moveFrame();
  }

  moveFrame() {
    this.frame.hidden = true;
    if (!this.selected) return;
    const { xaxis, yaxis } = this.place._fullLayout;
    const left = (this.selected.x - xaxis.range[0]) / (xaxis.range[1] - xaxis.range[0]);
    const top = 1 - (this.selected.y - yaxis.range[0]) / (yaxis.range[1] - yaxis.range[0]);
    if (!(left >= 0 && left <= 1 && top >= 0 && top <= 1)) return;
    this.frame.hidden = false;
    this.frame.style.left = `${xaxis._offset + left * xaxis._length}px`;
    this.frame.style.top = `${yaxis._offset + top * yaxis._length}px`;
  }

  /** What to draw: for each strategy the quiet rows. */
  fill(chapter, theme, x, y, quiet) {
    this.scale = Math.max(1, window.devicePixelRatio || 1);
    const count = quiet.reduce((sum, { rows }) => sum + rows.length, 0);
    const opacity = count > 2000 ? 0.22 : 0.35;
    this.groups = quiet.map(({ family, rows }) => ({
      picture: sprite(theme.styles[family], this.scale, opacity),
      x: positions(chapter, x, rows),
      y: positions(chapter, y, rows),
    }));
    const holder = this.place.querySelector(".svg-container");
    if (holder && this.canvas.parentElement !== holder) {
      holder.prepend(this.canvas);
      holder.append(this.frame);
    }
    this.canvas.hidden = !quiet.length;
    this.draw();
  }

  draw() {
    this.moveFrame();
    if (this.groups.length) this.drawDots();
  }

  drawDots() {
    const { xaxis, yaxis } = this.place._fullLayout;
    const [width, height] = [xaxis._length, yaxis._length];
    const to = this.canvas.getContext("2d");
    const [w, h] = [Math.round(width * this.scale), Math.round(height * this.scale)];
    if (this.canvas.width !== w || this.canvas.height !== h) {
      Object.assign(this.canvas, { width: w, height: h });
      const style = { left: `${xaxis._offset}px`, top: `${yaxis._offset}px` };
      Object.assign(this.canvas.style, style, { width: `${width}px`, height: `${height}px` });
    }
    to.clearRect(0, 0, w, h);
    const [x0, x1] = xaxis.range;
    const [y0, y1] = yaxis.range;
    const half = ((DOT + 2) * this.scale) / 2;
    for (const { picture, x, y } of this.groups) {
      for (let at = 0; at < x.length; at += 1) {
        const left = ((x[at] - x0) / (x1 - x0)) * w;
        const top = (1 - (y[at] - y0) / (y1 - y0)) * h;
        if (left > -half && left < w + half && top > -half && top < h + half)
          to.drawImage(picture, left - half, top - half);
      }
    }
  }
}
