// One run: parameters, attempts, curves, log.
import { link } from "./address.js";
import { dot, duration, h, level, put, short } from "./elements.js";
import { draw } from "./curves.js";
import { ask, repeat } from "./server.js";

/** So many curves are drawn; the others are on the page of curves. */
const CURVES = 9;

export async function run(place, sweep, id) {
  const about = h("div"), curves = h("div", { class: "panels" }), log = h("div");
  place.append(h("p", {}, h("a", { href: link(["sweep", sweep]) }, sweep), " / "), h("h1", {}, h("span", { class: "mono" }, id)), about, h("h2", {}, "Curves"), curves, h("h2", {}, "Log"), log);
  let plots = [], before = null, known = null;
  const tail = follow(log, sweep, id);
  const show = async () => {
    const now = await ask(["sweeps", sweep, "runs", id]);
    if (now.number === before) return now;
    before = now.number;
    const open = [...about.querySelectorAll("details")].map((details) => details.open);
    put(about, ...shown(now, sweep));
    about.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
    const rows = JSON.stringify([now.grown, now.attempt, now.status]);
    if (rows !== known) { known = rows; await drawn(now); }
    return now;
  };
  const drawn = async (now) => {
    const names = now.summaries.map(([name]) => name).slice(0, CURVES);
    const answers = await Promise.all(names.map((value) => ask(["sweeps", sweep, "curves"], { run: id, value, lines: "runs", width: 500 })));
    plots.forEach((plot) => plot.destroy());
    put(curves, ...answers.map((answer) => h("section", { class: "panel" }, h("h3", {}, answer.y), h("div", { class: "plot" }), h("p", { class: "readout" }))));
    if (!answers.length) put(curves, h("p", { class: "quiet" }, "It has recorded no number yet."));
    plots = answers.map((answer, i) => draw(curves.children[i], answer.panels[0] ?? { lines: [] }, answer, { height: 170 }));
    if (now.summaries.length > CURVES) curves.append(h("p", { class: "quiet" }, `${now.summaries.length - CURVES} metrics more: `, h("a", { href: link(["sweep", sweep], { view: "curves" }) }, "curves")));
  };
  const first = await show();
  let over = ["finished", "diverged", "failed", "stopped"].includes(first.status);
  tail.to(first);
  const end = repeat(2, async () => {
    if (over) return;
    try {
      const now = await show();
      over = ["finished", "diverged", "failed", "stopped"].includes(now.status);
      tail.to(now);
    } catch { /* the next time says it */ }
  });
  return { select: () => {}, end: () => { end(); tail.end(); plots.forEach((plot) => plot.destroy()); } };
}

function shown(run, sweep) {
  const row = (name, value) => value !== null && value !== undefined && value !== "" && h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value));
  const origin = run.provenance ?? {};
  const parameters = (list) => h("table", {}, h("tbody", {}, list.map(({ name, value }) => row(name, level(value)))));
  const varied = run.parameters.filter((one) => one.varied), shared = run.parameters.filter((one) => !one.varied);
  return [
    h("p", {}, dot(run.status), h("strong", {}, run.status), run.said ? `: ${run.said}` : "", run.current ? "" : " (no longer asked for)"),
    run.slot && h("p", {}, `on ${run.slot.name}, step ${run.slot.step} `, run.slot.fraction !== null && h("progress", { value: run.slot.fraction, max: 1, "aria-label": "done" })),
    h("div", { class: "two" },
      h("section", {}, h("h2", {}, "Parameters"), varied.length ? parameters(varied) : h("p", { class: "quiet" }, "No parameter differs from the other runs'."),
        shared.length > 0 && h("details", {}, h("summary", {}, `${shared.length} that all runs share`), parameters(shared))),
      h("section", {}, h("h2", {}, "Where and when"), h("table", {}, h("tbody", {}, row("seed", String(run.seed)), row("attempt", run.attempt ? String(run.attempt) : "none yet"),
        row("began", run.started && new Date(run.started * 1000).toLocaleString()), row("took", run.seconds === null ? "" : duration(run.seconds)),
        row("peak memory", run.peak_memory_mib && `${short(run.peak_memory_mib)} MiB`), row("host", origin.host), row("device", origin.device), row("threads", origin.threads && String(origin.threads)),
        row("version", origin.version), row("git", origin.git))),
        run.checkpoints.length > 0 && h("p", {}, `checkpoints: ${run.checkpoints.map(([, step]) => `step ${step}`).join(", ")}`)),
      h("section", {}, h("h2", {}, `Summaries (${run.reduce})`), run.summaries.length ? h("table", {}, h("tbody", {}, run.summaries.map(([name, value]) => row(name, h("span", { class: "numbers", title: String(value) }, short(value)))))) : h("p", { class: "quiet" }, "none yet"))),
    run.failures.length > 0 && h("section", {}, h("h2", {}, "What failed"), run.failures.map(([attempt, failure, message]) =>
      h("details", {}, h("summary", {}, `attempt ${attempt}: ${failure}: ${message.split("\n")[0]}`), h("pre", { class: "log" }, message)))),
    run.notes.map((note) => h("p", { class: "note" }, note)),
    h("p", { class: "quiet" }, "in a terminal: ", h("code", {}, `tessera show ${sweep}/${run.run.slice(0, 8)}`), ", ", h("code", {}, `tessera logs ${sweep}/${run.run.slice(0, 8)} --follow`)),
  ].flat().filter(Boolean);
}

/** The log: its end, and what comes. */
function follow(place, sweep, id) {
  const text = h("pre", { class: "log", tabindex: 0, role: "log", "aria-label": "Log" }), words = h("p", { class: "quiet" });
  place.append(words, text);
  let attempt = null, next, stop = () => {};
  const read = async () => {
    const at = attempt;
    const answer = await ask(["sweeps", sweep, "runs", id, "log"], { attempt: at, offset: next });
    if (at !== attempt) return false;
    if (next === undefined || answer.offset !== next) text.replaceChildren();
    if (next === undefined && answer.offset > 0) words.textContent = `The last ${answer.size - answer.offset} of ${answer.size} bytes; tessera logs prints all. `;
    const atEnd = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
    if (answer.text) text.append(answer.text);
    next = answer.next;
    if (atEnd || !answer.offset) text.scrollTop = text.scrollHeight;
    if (!answer.size) words.textContent = answer.open ? "It has said nothing yet." : "It said nothing.";
    else if (words.textContent.startsWith("It has said")) words.textContent = "";
    return answer.open || answer.next < answer.size;
  };
  const to = (run) => {
    if (run.attempt === attempt) return;
    if (!run.attempt) { words.textContent = "It has not begun."; return; }
    stop();
    [attempt, next] = [run.attempt, undefined];
    words.textContent = "";
    let ended = false;
    stop = repeat(1, async () => {
      if (ended) return;
      try { ended = !(await read()); } catch (error) { words.textContent = error.message; }
    });
  };
  return { to, end: () => stop() };
}
