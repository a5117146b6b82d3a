// A sweep: views that share one selection, which stands in the address.
import { link, select } from "./address.js";
import { choice, counts, duration, failure, h, put } from "./elements.js";
import { agent } from "./machine.js";
import { compare } from "./compare.js";
import { curves } from "./curves.js";
import { failures } from "./failures.js";
import { map } from "./map.js";
import { runs } from "./runs.js";
import { ask, listen } from "./server.js";

const VIEWS = { map, curves, runs, compare, failures };
/** Above so many levels an axis is filtered in the table of runs alone. */
const LEVELS = 30;

export async function sweep(place, name, keys) {
  const about = await ask(["sweeps", name]);
  const context = { name, about, keys, rows: null };
  const state = h("section", { "aria-label": "State" });
  const tabs = h("nav", { class: "tabs", "aria-label": "Views" });
  const filters = h("div");
  const body = h("section", { "aria-label": "View", class: "view" });
  put(place, h("h1", {}, name), about.about && h("p", {}, about.about), state, tabs, filters, body);
  let view = null;

  const showState = (now) => {
    context.about.state = now;
    const working = now.agents.length > 0;
    put(state, counts(now.counts, now.runs),
      ...now.damage.map((words) => h("p", { class: "note" }, words)),
      working ? h("details", {}, h("summary", {}, agents(now.agents)), ...now.agents.flatMap(agent))
        : now.counts.running && !now.executed ? h("p", { class: "note" }, "No process executes this sweep, though runs are open: ", h("code", {}, "tessera run"), " goes on with it.") : "");
  };
  let opened = false;
  const keepOpen = (now) => {
    opened = state.querySelector("details")?.open ?? opened;
    showState(now);
    const details = state.querySelector("details");
    if (details) details.open = opened;
  };
  showState(about.state);

  const show = async (keys) => {
    context.keys = keys;
    const chosen = VIEWS[keys.view] ? keys.view : "map";
    put(tabs, ...Object.keys(VIEWS).map((view) => h("a", { href: link(["sweep", name], { ...keys, view }), "aria-current": view === chosen ? "page" : null }, view)));
    if (filters.dataset.where !== (keys.where ?? "")) {
      filters.dataset.where = keys.where ?? "";
      const open = filters.querySelector("details")?.open ?? Boolean(keys.where);
      put(filters, filter(context, open));
    }
    if (view?.name !== chosen) {
      view?.end?.();
      const own = h("div");
      put(body, own);
      view = { name: chosen, ...VIEWS[chosen](own, context) };
    }
    await view.update();
  };

  let due = null, last = 0;
  const soon = () => {
    if (due) return;
    due = setTimeout(async () => { due = null; last = Date.now(); await view?.update(true); }, Math.max(0, last + 1500 - Date.now()));
  };
  const stop = listen(name, about.state.number, ({ state: now, rows, grown }) => {
    keepOpen(now);
    if (context.rows) context.rows.take(rows);
    if (grown || !rows || rows.rows.length) soon();
  });
  await show(keys);
  return { select: show, end: () => { stop(); clearTimeout(due); view?.end?.(); } };
}

function agents(all) {
  const newest = all[0];
  if (newest.age > 10) return `last word from the agent ${duration(newest.age)} ago`;
  const left = newest.view.left === null ? "" : `, about ${duration(newest.view.left)} left`;
  return `executes on ${all.map((agent) => agent.host).filter((host, i, hosts) => hosts.indexOf(host) === i).join(", ")}: ${all.reduce((sum, agent) => sum + agent.view.running, 0)} running${left}`;
}

/** Which levels are shown. */
function filter({ about, keys }, open) {
  const where = chosen(keys);
  const axes = about.axes.filter((axis) => axis.levels.length <= LEVELS);
  if (!axes.length) return h("div");
  const words = Object.entries(where).map(([axis, levels]) => `${axis} ${levels.join(" or ")}`).join(", ");
  const toggle = (axis, level, on) => {
    const levels = new Set(where[axis.name] ?? axis.levels);
    if (on) levels.add(level); else levels.delete(level);
    const next = { ...where, [axis.name]: axis.levels.filter((level) => levels.has(level)) };
    if (next[axis.name].length === axis.levels.length || !next[axis.name].length) delete next[axis.name];
    select({ where: Object.keys(next).length ? JSON.stringify(next) : "" });
  };
  return h("details", { class: "filters", open }, h("summary", {}, words ? `Shown: ${words}` : "All levels are shown"),
    ...axes.map((axis) => h("fieldset", {}, h("legend", {}, axis.name), axis.levels.map((level) =>
      h("label", {}, h("input", { type: "checkbox", checked: (where[axis.name] ?? axis.levels).includes(level), onchange: (event) => toggle(axis, level, event.target.checked) }), ` ${level}`)))),
    words && h("button", { onclick: () => select({ where: "" }) }, "Show all levels"));
}

/** The levels that are shown, by axis; an axis without an entry is shown whole. */
export function chosen(keys) {
  try { return JSON.parse(keys.where || "{}") ?? {}; } catch { return {}; }
}

/** The choice of a metric. */
export function metric({ about, keys }) {
  return choice("value", keys.value ?? "", [["", about.metric ?? "the sweep's"], ...about.metrics.filter((name) => name !== about.metric)], (value) => select({ value }));
}

/** The axes that can be chosen. */
export function axisNames({ about }) {
  return [...about.axes.map((axis) => axis.name), ...(about.seeds.length > 1 ? ["seed"] : [])];
}

/** Keeps what was shown when an answer does not come. */
export async function tried(place, quiet, action) {
  try {
    await action();
  } catch (error) {
    if (!quiet) put(place, failure(error));
  }
}
