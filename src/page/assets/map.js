// The grid: each cell coloured by its metric, its seeds by their status.
import { link, select } from "./address.js";
import { choice, dot, h, put } from "./elements.js";
import { ask } from "./server.js";
import { axisNames, metric, tried } from "./sweep.js";

/** Every quarter of viridis. */
const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/** Above so many cells, or columns, a cell is a square without words. */
const MANY = 600, WIDE = 16;

export function map(place, context) {
  const tools = h("div", { class: "tools" }), body = h("div");
  place.append(tools, body);
  let asked = 0;
  return {
    update: (quiet) => tried(body, quiet, async () => {
      const { keys } = context, names = axisNames(context), mine = ++asked;
      if (!tools.contains(document.activeElement) || !quiet) {
        put(tools, metric(context),
          choice("down", keys.rows ?? "", [["", "all other axes"], ...names], (rows) => select({ rows })),
          choice("across", keys.cols ?? "", [["", "the last axis"], ...names], (cols) => select({ cols })));
      }
      const rows = keys.rows || (keys.cols ? context.about.axes.map((axis) => axis.name).filter((axis) => axis !== keys.cols).join("\n") : "");
      const cols = keys.cols || (keys.rows ? context.about.axes.map((axis) => axis.name).filter((axis) => axis !== keys.rows).slice(-1).join() : "");
      const answer = await ask(["sweeps", context.name, "map"], { value: keys.value, rows, cols, where: keys.where });
      if (mine === asked) put(body, ...shown(answer, context.name));
    }),
  };
}

function shown(answer, sweep) {
  if (!answer.cells.length) return [h("p", { class: "note" }, "No run is asked for here: every level is filtered out, or the plan is empty.")];
  const cells = new Map(answer.cells.map((cell) => [`${cell.row} ${cell.column}`, cell]));
  const means = answer.cells.map((cell) => cell.mean).filter((mean) => typeof mean === "number");
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const best = answer.goal && means.length > 1 ? (answer.goal === "max" ? high : low) : null;
  if (answer.cells.length > MANY || answer.columns.length > WIDE) return [...about(answer), small(answer, cells, sweep, [low, high], best)];
  const head = h("thead", {},
    h("tr", {}, answer.row_axes.map((axis) => h("th", { scope: "col" }, axis)),
      answer.columns.map((levels) => h("th", { scope: "col" }, levels.length ? levels.map((level, i) => `${answer.column_axes[i]} ${level}`).join(", ") : answer.value))));
  const body = h("tbody", {}, answer.rows.map((levels, row) => h("tr", {}, levels.map((level) => h("th", { scope: "row" }, level)),
    answer.columns.map((_, column) => {
      const cell = cells.get(`${row} ${column}`);
      if (!cell) return h("td", { class: "quiet" }, "–");
      const is = best !== null && cell.mean === best;
      const td = h("td", { class: is ? "best" : null }, is && h("span", { class: "mono" }, "best "), cell.words || "nothing yet", seeds(cell, sweep));
      if (typeof cell.mean === "number") paint(td, high > low ? (cell.mean - low) / (high - low) : 0.5);
      return td;
    }))));
  const legend = ["finished", "running", "queued", "planned", "failed", "diverged", "stopped"].map((status) => h("span", {}, dot(status), status));
  return [...about(answer),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Grid" }, h("table", { class: "map" }, head, body)),
    h("div", { class: "counts quiet" }, legend)];
}

function about(answer) {
  return [h("p", { class: "quiet" }, `${answer.value}, ${answer.reduce}: mean ± 95% interval over the runs of a cell, as tessera table says it`),
    ...answer.notes.map((note) => h("p", { class: "note" }, note))];
}

/** Squares for many cells; the words of one are told under them. */
function small(answer, cells, sweep, [low, high], best) {
  const words = h("p", { class: "readout", role: "status" }, "The words of a square stand here when it is pointed at.");
  const levels = (axes, levels) => levels.map((level, i) => `${axes[i]} ${level}`).join(", ");
  const tell = (event) => { if (event.target.title) words.textContent = event.target.title; };
  const rows = answer.rows.map((down, row) => h("tr", {}, h("th", { scope: "row" }, down.join(", ")), answer.columns.map((across, column) => {
    const cell = cells.get(`${row} ${column}`);
    if (!cell) return h("td");
    const title = [levels(answer.row_axes, down), levels(answer.column_axes, across), cell.words || "nothing yet", cell.mean === best && best !== null && "best"].filter(Boolean).join(": ");
    const first = cell.runs.length ? link(["sweep", sweep, "run", cell.runs[0][0]]) : null;
    const square = h("a", { href: first, title, "aria-label": title, class: typeof cell.mean === "number" ? null : cell.runs[0]?.[1] });
    if (typeof cell.mean === "number") paint(square, high > low ? (cell.mean - low) / (high - low) : 0.5);
    return h("td", {}, square);
  })));
  const table = h("table", { class: "map small", onmouseover: tell, onfocusin: tell }, h("thead", {}, h("tr", {}, h("th", {}, answer.row_axes.join(", ")),
    answer.columns.map((across) => h("th", { scope: "col" }, h("span", {}, across.join(", ")))))), h("tbody", {}, rows));
  return h("div", {}, words, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Grid" }, table), h("p", { class: "quiet" }, `dark: ${low}, light: ${high}`));
}

function seeds(cell, sweep) {
  const shown = cell.runs.slice(0, 60);
  const more = cell.runs.length - shown.length;
  return h("div", { class: "seeds" }, shown.map(([run, status, seed]) =>
    h("a", { class: status, href: link(["sweep", sweep, "run", run]), title: `seed ${seed}: ${status}`, "aria-label": `run ${run}, seed ${seed}: ${status}` })), more > 0 && `and ${more} more`);
}

function paint(td, share) {
  const place = share * (VIRIDIS.length - 1), i = Math.min(Math.floor(place), VIRIDIS.length - 2), part = place - i;
  const rgb = VIRIDIS[i].map((c, k) => Math.round(c + (VIRIDIS[i + 1][k] - c) * part));
  td.style.backgroundColor = `rgb(${rgb.join(" ")})`;
  td.style.color = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 125 ? "#101010" : "#fefefe";
}
