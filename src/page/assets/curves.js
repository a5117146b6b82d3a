// Curves: panels by one axis, colours by another. Points come thinned to the panel's pixels, lowest and highest kept;
// what is zoomed into is asked for again.
import { link, select } from "./address.js";
import { choice, color, h, put, short, tone } from "./elements.js";
import { ask } from "./server.js";
import { axisNames, metric, tried } from "./sweep.js";

/** Axes of more levels are colours or panels only where they are chosen. */
const FEW = 12;
/** So many levels are named in the legend. */
const NAMED = 24;

export function curves(place, context) {
  const tools = h("div", { class: "tools" }), body = h("div");
  place.append(tools, body);
  let plots = [], asked = 0;
  const clear = () => { plots.forEach((plot) => plot.destroy()); plots = []; };
  return {
    end: clear,
    update: (quiet) => tried(body, quiet, async () => {
      const { keys, about } = context, names = axisNames(context), mine = ++asked;
      // Chosen for the reader until they choose: the last axis of few levels is a colour, the one before it panels.
      const axes = about.axes.filter((axis) => axis.levels.length <= FEW).map((axis) => axis.name);
      const colored = keys.color ?? axes.at(-1) ?? "", facet = keys.facet ?? axes.at(-2) ?? "";
      if (!quiet) {
        const none = (names) => [["-", "none"], ...names];
        put(tools, metric(context),
          choice("colour", colored || "-", none(names), (color) => select({ color })),
          choice("panels", facet || "-", none(names), (facet) => select({ facet })),
          choice("lines", keys.lines ?? "mean", [["mean", "mean and 95% interval"], ["runs", "each run"]], (lines) => select({ lines })),
          choice("by", keys.x ?? "step", [["step", "step"], ["elapsed", "seconds"]], (x) => select({ x, from: "", to: "" })),
          choice("scale", keys.scale ?? "linear", ["linear", "log"], (scale) => select({ scale })),
          end("from", keys.from), end("to", keys.to),
          (keys.from || keys.to) && h("button", { onclick: () => select({ from: "", to: "" }) }, "Zoom out"));
      }
      const width = Math.max(200, Math.min(900, (body.clientWidth || 900) / (facet && facet !== "-" ? 2 : 1)));
      const answer = await ask(["sweeps", context.name, "curves"], {
        value: keys.value, where: keys.where, color: colored === "-" ? "" : colored, facet: facet === "-" ? "" : facet,
        lines: keys.lines, x: keys.x, from: keys.from, to: keys.to, width: Math.round(width * devicePixelRatio),
      });
      if (mine !== asked) return;
      clear();
      put(body, ...shown(answer));
      plots = answer.panels.map((panel, i) => draw(body.querySelectorAll(".panel")[i], panel, answer, { log: keys.scale === "log", zoom: (from, to) => select({ from, to }), sweep: context.name }));
    }),
  };
}

/** One end of the stretch that is shown: the keyboard's way to zoom. */
function end(name, value) {
  const input = h("input", { type: "number", step: "any", value: value ? short(Number(value)) : "", class: "end", onchange: () => select({ [name]: input.value }) });
  return h("label", {}, name, input);
}

function shown(answer) {
  if (!answer.panels.some((panel) => panel.lines.some((line) => line.x.length))) return [h("p", { class: "note" }, `No run that is shown here has recorded ${answer.y} yet.`)];
  const levels = new Map(answer.panels.flatMap((panel) => panel.lines).map((line) => [line.level, line.color]));
  const legend = answer.color && h("ul", { class: "legend", "aria-label": answer.color }, [...levels].slice(0, NAMED).map(([level, hex]) => {
    const mark = h("i");
    mark.style.background = tone(hex);
    return h("li", {}, mark, `${answer.color} ${level}`);
  }), levels.size > NAMED && h("li", {}, `and ${levels.size - NAMED} more`));
  return [legend, answer.not_finite > 0 && h("p", { class: "note" }, `${answer.not_finite} values of runs that did not diverge are not finite; they are gaps`),
    h("div", { class: "panels" }, answer.panels.map((panel) => h("section", { class: "panel" },
      h("h3", {}, answer.facet ? `${answer.facet} ${panel.level}` : answer.y), h("div", { class: "plot" }),
      h("p", { class: "readout" }, panel.left_out ? `${panel.left_out} runs more are not drawn` : ""))))].filter(Boolean);
}

/** Draws a panel; also what the page of a run shows. */
export function draw(panel, { lines }, { y, x, lines: kind }, { log = false, zoom, sweep, height = 240 }) {
  const ground = panel.querySelector(".plot"), readout = panel.querySelector(".readout"), said = readout.textContent;
  const mean = kind === "mean";
  // A log scale has no place for what is not above zero.
  const fit = (values) => (log ? values.map((value) => (value > 0 ? value : null)) : values);
  const tables = lines.map((line) => (mean ? [line.x, fit(line.y), fit(line.low), fit(line.high)] : [line.x, fit(line.y)]));
  const data = tables.length ? uPlot.join(tables) : [[], []];
  const series = [{}], bands = [];
  for (const line of lines) {
    const stroke = tone(line.color);
    series.push({ label: line.level, stroke, width: mean ? 2 : 1, alpha: mean || lines.length < 2 ? 1 : 0.7, points: { show: line.x.length === 1 } });
    if (mean) {
      const at = series.length;
      series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
      bands.push({ series: [at + 1, at], fill: `${stroke}33` });
    }
  }
  const axis = { stroke: color("muted"), grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1 }, font: "12px system-ui" };
  const number = (_, values) => values.map((value) => (value === null ? "" : short(value)));
  const plot = new uPlot({
    width: ground.clientWidth || 400, height, series, bands, pxAlign: 0,
    legend: { show: false },
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    axes: [{ ...axis, values: number, size: 30, label: x, labelSize: 18, labelFont: "12px system-ui" }, { ...axis, values: number, size: 64 }],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width > 4 && zoom) zoom(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"));
      }],
      setCursor: [(plot) => {
        if (plot.cursor.left < 0) { readout.replaceChildren(said); return; }
        readout.replaceChildren(...told(lines, plot.posToVal(plot.cursor.left, "x"), plot.posToVal(plot.cursor.top, "y"), mean, x));
      }],
    },
  }, data, ground);
  plot.over.addEventListener("dblclick", () => zoom?.("", ""));
  // Left and right move the pointer for the keyboard.
  Object.entries({ tabindex: 0, role: "img", "aria-label": `${y} by ${x}, ${lines.length} lines; arrow keys tell values` }).forEach(([name, value]) => ground.setAttribute(name, value));
  ground.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const width = plot.over.clientWidth, from = plot.cursor.left >= 0 ? plot.cursor.left : way > 0 ? 0 : width;
    plot.setCursor({ left: Math.min(width - 1, Math.max(0, from + way * (event.shiftKey ? 40 : 8))), top: plot.over.clientHeight / 2 });
  });
  if (!mean && sweep) {
    plot.over.addEventListener("contextmenu", (event) => {
      const line = nearest(lines, plot.posToVal(plot.cursor.left, "x"), plot.posToVal(plot.cursor.top, "y"))[0];
      if (line?.run) { event.preventDefault(); location.hash = link(["sweep", sweep, "run", line.run]); }
    });
  }
  const observer = new ResizeObserver(() => { if (ground.clientWidth && ground.clientWidth !== plot.width) plot.setSize({ width: ground.clientWidth, height }); });
  observer.observe(ground);
  const destroy = plot.destroy.bind(plot);
  plot.destroy = () => { observer.disconnect(); destroy(); };
  return plot;
}

/** The place of the point of a line that is nearest to x. */
function placeOf(line, x) {
  let low = 0, high = line.x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (line.x[middle] < x) low = middle; else high = middle;
  }
  return Math.abs(line.x[high] - x) < Math.abs(line.x[low] - x) ? high : low;
}

/** Lines by the distance of their nearest point. */
function nearest(lines, x, y) {
  return lines.filter((line) => line.x.length).map((line) => ({ ...line, at: placeOf(line, x) }))
    .sort((a, b) => Math.abs(a.y[a.at] - y) - Math.abs(b.y[b.at] - y));
}

/** Exact values of the nearest lines. */
function told(lines, x, y, mean, unit) {
  return nearest(lines, x, y).slice(0, 3).map((line) => {
    const spread = mean && line.n[line.at] > 1 ? ` [${short(line.low[line.at])}, ${short(line.high[line.at])}]` : "";
    const who = mean ? `n=${line.n[line.at]}` : `seed ${line.seed}, ${line.run}`;
    return h("div", {}, `${line.level} ${unit} ${short(line.x[line.at])}: ${line.y[line.at] ?? "not finite"}${spread} (${who})`);
  });
}
