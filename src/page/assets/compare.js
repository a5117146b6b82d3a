// Differences between the levels of an axis, as `tessera compare` gives them.
import { select } from "./address.js";
import { choice, color, h, put, short } from "./elements.js";
import { ask } from "./server.js";
import { metric, tried } from "./sweep.js";

export function compare(place, context) {
  const tools = h("div", { class: "tools" }), body = h("div");
  place.append(tools, body);
  return {
    update: (quiet) => tried(body, quiet, async () => {
      const { keys, about } = context;
      if (!about.axes.length) { put(body, h("p", { class: "note" }, "This sweep has no axis: there is nothing to compare.")); return; }
      const by = about.axes.find((axis) => axis.name === keys.by) ?? about.axes[0];
      if (!quiet) {
        put(tools, metric(context), choice("by", by.name, about.axes.map((axis) => axis.name), (by) => select({ by, baseline: "" })),
          choice("against", keys.baseline ?? "", [["", "every pair"], ...by.levels], (baseline) => select({ baseline })));
      }
      const answer = await ask(["sweeps", context.name, "compare"], { by: by.name, baseline: keys.baseline, value: keys.value, where: keys.where });
      put(body, ...shown(answer));
    }),
  };
}

function shown({ by, value, differences, warnings }) {
  const ends = differences.flatMap((one) => [one.low, one.high, one.mean]).filter((x) => typeof x === "number");
  const reach = Math.max(...ends.map(Math.abs), 0);
  return [h("p", { class: "quiet" }, `${value}: mean difference with 95% interval; runs are paired by seed and all other axes where they match`),
    ...warnings.map((words) => h("p", { class: "note" }, words)),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Differences" }, h("table", {},
      h("thead", {}, h("tr", {}, [by, "minus", "at", "difference", "", "n", "paired", "detectable", "left out"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, differences.map((one) => h("tr", {}, h("td", {}, one.level), h("td", {}, one.minus),
        h("td", {}, one.at.length ? one.at.map(([axis, level]) => `${axis} ${level}`).join(", ") : "all"),
        h("td", { class: "numbers" }, one.words || "–"), h("td", {}, whisker(one, reach)), h("td", { class: "number" }, String(one.n)),
        h("td", {}, one.n ? (one.paired ? "yes" : "no") : ""), h("td", { class: "number" }, short(one.detectable)), h("td", { class: "number" }, String(one.left_out)))))))];
}

/** The interval as a line around zero. */
function whisker({ mean, low, high }, reach) {
  if (typeof mean !== "number" || !reach) return "";
  const ns = "http://www.w3.org/2000/svg", x = (value) => 110 + (100 * value) / reach;
  const part = (tag, attributes) => {
    const element = document.createElementNS(ns, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const svg = part("svg", { viewBox: "0 0 220 18", class: "whisker", "aria-hidden": "true" });
  svg.append(part("line", { x1: 110, x2: 110, y1: 0, y2: 18, stroke: color("muted"), "stroke-dasharray": "2 2" }));
  if (typeof low === "number" && typeof high === "number") svg.append(part("line", { x1: x(low), x2: x(high), y1: 9, y2: 9, stroke: color("link"), "stroke-width": 2 }));
  svg.append(part("circle", { cx: x(mean), cy: 9, r: 4, fill: color("link") }));
  return svg;
}
