// The table of runs: only the rows that are seen are elements.
import { link, select } from "./address.js";
import { dot, failure, h, level, put, short } from "./elements.js";
import { ask } from "./server.js";
import { chosen } from "./sweep.js";

const HEIGHT = 28;

export function runs(place, context) {
  const { name, about } = context;
  let all = { columns: [], rows: [], number: null }, columns = [], sorted = [];
  const find = h("input", { type: "search", placeholder: "words, or kl>10", "aria-label": "Filter the runs", value: context.keys.find ?? "" });
  const count = h("span", { class: "quiet", role: "status" });
  const copy = h("button", { onclick: () => copied() }, "Copy as CSV");
  const pick = h("details", { class: "filters" });
  const head = h("thead"), body = h("tbody");
  const scroll = h("div", { class: "scroll table", tabindex: 0, role: "region", "aria-label": "Runs" }, h("table", {}, head, body));
  place.append(h("div", { class: "tools" }, find, count, copy), pick, scroll);

  const key = (column) => `${column.kind}.${column.name}`;
  const varied = new Set(about.axes.map((axis) => axis.name));
  const usual = (column) => (column.kind === "run" ? ["run", "status", "message", "seed", "seconds"].includes(column.name)
    : column.kind === "parameter" ? varied.has(column.name) : column.name === about.metric || !about.metric);

  const arrange = () => {
    const { keys } = context;
    const wanted = keys.columns?.split("\n");
    columns = all.columns.map((column, place) => ({ ...column, place })).filter((column) => (wanted ? wanted.includes(key(column)) : usual(column)));
    const where = Object.entries(chosen(keys)).map(([axis, levels]) => {
      const place = all.columns.findIndex((column) => column.kind === "parameter" && column.name === axis);
      return (row) => place < 0 || levels.includes(level(row[place]));
    });
    const tests = [...where, ...(keys.find ?? "").trim().split(/\s+/).filter(Boolean).map((word) => test(word, all.columns))];
    sorted = all.rows.filter((row) => tests.every((passes) => passes(row)));
    const [by, way] = (keys.sort ?? "").split("\n");
    const column = all.columns.findIndex((column) => key(column) === by);
    if (column >= 0) {
      const sign = way === "down" ? -1 : 1;
      const empty = (value) => value === null || value === undefined;
      sorted.sort((a, b) => {
        const [x, y] = [a[column], b[column]];
        if (empty(x) || empty(y)) return empty(x) - empty(y);
        return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(level(x)).localeCompare(String(level(y)), undefined, { numeric: true }));
      });
    }
    count.textContent = `${sorted.length} of ${all.rows.length} runs`;
    const sort = (column) => select({ sort: `${key(column)}\n${by === key(column) && way !== "down" ? "down" : "up"}` });
    const focused = document.activeElement?.dataset?.column;
    head.replaceChildren(h("tr", {}, columns.map((column) => h("th", { scope: "col", "aria-sort": by === key(column) ? (way === "down" ? "descending" : "ascending") : null },
      h("button", { "data-column": key(column), onclick: () => sort(column) }, column.name, by === key(column) ? (way === "down" ? " ↓" : " ↑") : "")))));
    if (focused) head.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
    choose();
    paint(true);
  };

  const choose = () => {
    const on = new Set(columns.map(key)), open = pick.open;
    const change = (column, is) => {
      if (is) on.add(key(column)); else on.delete(key(column));
      select({ columns: all.columns.map(key).filter((name) => on.has(name)).join("\n") });
    };
    if (pick.contains(document.activeElement) && document.activeElement.type === "checkbox") return;
    put(pick, h("summary", {}, `Columns: ${columns.length} of ${all.columns.length}`), ...["run", "parameter", "metric"].map((kind) =>
      h("fieldset", {}, h("legend", {}, kind), all.columns.filter((column) => column.kind === kind).map((column) =>
        h("label", {}, h("input", { type: "checkbox", checked: on.has(key(column)), onchange: (event) => change(column, event.target.checked) }), ` ${column.name}`)))));
    pick.open = open;
  };

  let window = [-1, -1];
  const paint = (anew) => {
    const first = Math.max(0, Math.floor(scroll.scrollTop / HEIGHT) - 10);
    const last = Math.min(sorted.length, first + Math.ceil((scroll.clientHeight || 600) / HEIGHT) + 20);
    if (!anew && first === window[0] && last === window[1]) return;
    window = [first, last];
    const space = (rows) => {
      const cell = h("td", { colspan: Math.max(1, columns.length) });
      cell.style.height = `${rows * HEIGHT}px`;
      return h("tr", { class: "space", "aria-hidden": "true" }, cell);
    };
    put(body, space(first), ...sorted.slice(first, last).map((row) => h("tr", {}, columns.map((column) => cell(column, row[column.place])))), space(sorted.length - last));
  };
  const cell = (column, value) => {
    if (column.name === "run" && column.kind === "run") return h("td", {}, h("a", { class: "mono", href: link(["sweep", name, "run", value]) }, value.slice(0, 8)));
    if (column.name === "status" && column.kind === "run") return h("td", {}, dot(value), value);
    if (typeof value === "number") return h("td", { class: "number", title: String(value) }, short(value));
    const text = value === null || value === undefined ? "" : level(value);
    return h("td", { title: text.length > 40 ? text : null }, text);
  };

  const copied = async () => {
    const quoted = (value) => {
      let text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
      // What a spreadsheet would execute stays text.
      if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [columns.map((column) => column.name), ...sorted.map((row) => columns.map((column) => row[column.place]))];
    const text = `${lines.map((line) => line.map(quoted).join(",")).join("\n")}\n`;
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = `${sorted.length} rows copied`;
    } catch {
      copy.textContent = "The browser does not allow it";
    }
    setTimeout(() => { copy.textContent = "Copy as CSV"; }, 2500);
  };

  scroll.addEventListener("scroll", () => requestAnimationFrame(() => paint(false)), { passive: true });
  find.addEventListener("input", () => { select({ find: find.value }, { replace: true }); context.keys = { ...context.keys, find: find.value }; arrange(); });

  /** Rows that are new or changed, by run. */
  const take = (news) => {
    if (!news || !all.number) { all.number = null; return; }
    if (JSON.stringify(news.columns.map(key)) !== JSON.stringify(all.columns.map(key))) {
      if (news.rows.length) all.number = null;
      return;
    }
    const places = new Map(all.rows.map((row, place) => [row[0], place]));
    for (const row of news.rows) {
      if (places.has(row[0])) all.rows[places.get(row[0])] = row; else all.rows.push(row);
    }
  };
  context.rows = { take };
  return {
    end: () => { context.rows = null; },
    update: async (quiet) => {
      try {
        if (!all.number) all = await ask(["sweeps", name, "runs"]);
        if (!quiet && document.activeElement !== find) find.value = context.keys.find ?? "";
        arrange();
      } catch (error) {
        if (!quiet) put(place, failure(error));
      }
    },
  };
}

/** One word of the filter: `kl>10` compares numbers, `method=lagrange` levels, any other is looked for in all cells. */
function test(word, columns) {
  const parts = word.match(/^(.+?)(>=|<=|>|<|=)(.+)$/);
  const place = parts ? columns.findIndex((column) => column.name === parts[1]) : -1;
  if (place >= 0) {
    const [, , sign, text] = parts, number = Number(text);
    return (row) => {
      const value = row[place];
      if (sign === "=") return level(value) === text || (typeof value === "number" && value === number);
      if (typeof value !== "number") return false;
      return sign === ">" ? value > number : sign === "<" ? value < number : sign === ">=" ? value >= number : value <= number;
    };
  }
  const small = word.toLowerCase();
  return (row) => row.some((value) => value !== null && value !== undefined && level(value).toLowerCase().includes(small));
}
