"use strict";
// One point in words and numbers, and the table of all points.

/** The box with everything about a row, in place of what `box` has. */
function showDetails(box, chapter, row) {
  const head = element("h3", chapter.names[row]);
  const parts = [head, element("p", sentence(chapter, row) || roleOf(chapter, row), { class: "says" })];
  parts.push(element("p", recipe(chapter, row), { class: "recipe" }));
  if (chapter.noisy.includes(row))
    parts.push(element("p", "Noisy session: other work disturbed the timing.", { class: "noisy" }));
  if (textAt(chapter.warnings, row))
    parts.push(element("p", `Warning: ${textAt(chapter.warnings, row)}`, { class: "noisy" }));
  parts.push(figures(chapter, row));
  const notes = [
    answers(chapter, row),
    textAt(chapter.examples, row),
    `protocol ${textAt(chapter.protocols, row)}`,
    timed(chapter, row),
    `${textAt(chapter.days, row)}, trial ${chapter.ids[row]}`,
  ];
  parts.push(element("p", notes.filter(Boolean).join(" · "), { class: "facts" }));
  box.replaceChildren(...parts);
}

function roleOf(chapter, row) {
  return row === chapter.baseline ? "The original model." : "";
}

/** The time as it was measured, where the shown one is normalized. */
function timed(chapter, row) {
  const metric = chapter.metrics.find((each) => each.key === chapter.axes.time);
  if (!metric || metric.kind !== "normalized" || chapter.timed[row] === null) return "";
  return `${withUnit(metric, chapter.timed[row])} as measured in its session`;
}

/** Every number of a row, with its interval and the original's. */
function figures(chapter, row) {
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const name of ["", "Value", "95 % interval", "Original"])
    head.append(element("th", name, { scope: "col" }));
  const body = table.createTBody();
  for (const metric of chapter.metrics) {
    const values = chapter.columns[metric.key].v;
    if (values[row] === null) continue;
    const line = body.insertRow();
    line.append(element("th", metric.label, { scope: "row", title: metric.about }));
    const value = element("td", withUnit(metric, values[row]));
    if (metric.kind) value.append(element("small", ` ${metric.kind}`));
    const original = chapter.baseline === null ? null : values[chapter.baseline];
    line.append(value, element("td", interval(chapter, metric, row)));
    line.append(element("td", original === null ? "" : withUnit(metric, original)));
  }
  const scroll = element("div", "", { class: "scroll" });
  scroll.append(table);
  return scroll;
}

/** The columns of the table of all models. */
function tableColumns(chapter) {
  const onFront = new Set(chapter.front);
  const numbers = chapter.metrics.map((metric) => ({
    name: title(metric),
    value: (row) => chapter.columns[metric.key].v[row],
    text: (row) =>
      `${number(metric, chapter.columns[metric.key].v[row])} ${interval(chapter, metric, row)}`.trim(),
    falling: !metric.lower,
  }));
  const text = (name, of) => ({ name, value: of, text: of, falling: false });
  return [
    text("Model", (row) => chapter.names[row]),
    ...numbers,
    text("Front", (row) => (onFront.has(row) ? "yes" : "")),
    text("Recipe", (row) => recipe(chapter, row)),
    text("Date", (row) => textAt(chapter.days, row)),
  ];
}

/** Draw the table into `box`, sorted by the column that is clicked; `select` is called on a row. */
function drawTable(box, chapter, select) {
  const columns = tableColumns(chapter);
  const order = chapter.ids.map((_, row) => row);
  const table = element("table", "", { class: "sortable" });
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  const fill = () => body.replaceChildren(...order.map((row) => tableLine(chapter, columns, row, select)));
  columns.forEach((column) => {
    const cell = element("th", "", { scope: "col" });
    const button = element("button", column.name, { type: "button" });
    button.addEventListener("click", () => {
      const before = cell.getAttribute("aria-sort");
      const falling = before ? before === "ascending" : column.falling;
      head.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sortRows(order, column, falling ? -1 : 1);
      fill();
    });
    cell.append(button);
    head.append(cell);
  });
  sortRows(order, columns[1], columns[1].falling ? -1 : 1);
  head.cells[1].setAttribute("aria-sort", columns[1].falling ? "descending" : "ascending");
  fill();
  const download = element("button", "Download as CSV", { type: "button", class: "download" });
  download.addEventListener("click", () => downloadCsv(chapter, order));
  box.replaceChildren(download, table);
}

/** Sort rows by a column; missing values are last in both directions. */
function sortRows(order, column, sign) {
  order.sort((a, b) => {
    const [left, right] = [column.value(a), column.value(b)];
    if (left === null || right === null) return (left === null) - (right === null);
    return sign * (left < right ? -1 : left > right ? 1 : 0) || a - b;
  });
}

function tableLine(chapter, columns, row, select) {
  const line = element("tr");
  columns.forEach((column, at) => {
    const cell = element(at ? "td" : "th", at ? column.text(row) : "");
    if (!at) {
      cell.setAttribute("scope", "row");
      const button = element("button", column.text(row), { type: "button" });
      button.addEventListener("click", () => select(row));
      cell.append(button);
    }
    line.append(cell);
  });
  return line;
}

/** All rows as CSV, in the order of the table. */
function downloadCsv(chapter, order) {
  const numbers = chapter.metrics.flatMap((metric) => {
    const column = chapter.columns[metric.key];
    const found = [[title(metric), (row) => column.v[row]]];
    if (column.lo) found.push([`${metric.label} low`, (row) => column.lo[row]], [`${metric.label} high`, (row) => column.hi[row]]);
    return found;
  });
  const columns = [["trial", (row) => chapter.ids[row]], ["model", (row) => chapter.names[row]], ["recipe", (row) => recipe(chapter, row)], ...numbers];
  const lines = [columns.map(([name]) => name), ...order.map((row) => columns.map(([, of]) => of(row)))];
  const csv = lines.map((cells) => cells.map(csvCell).join(",")).join("\r\n");
  const link = element("a", "", { download: "models.csv", href: URL.createObjectURL(new Blob([csv], { type: "text/csv" })) });
  link.click();
}

/** A cell that no spreadsheet reads as a formula. */
function csvCell(value) {
  const text = value === null ? "" : String(value);
  const inert = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
