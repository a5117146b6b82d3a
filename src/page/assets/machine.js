// What executes now, and on what.
import { duration, failure, h, put, short } from "./elements.js";
import { ask, repeat } from "./server.js";

export async function machine(place) {
  const body = h("div");
  place.append(h("h1", {}, "Machine"), body);
  const end = repeat(2, async () => {
    try {
      put(body, ...shown(await ask(["machine"])));
    } catch (error) {
      put(body, failure(error));
    }
  });
  return { end };
}

function shown(machine) {
  const gib = (mib) => (mib === null ? "–" : `${(mib / 1024).toFixed(1)} GiB`);
  const about = h("p", {}, `${machine.host}: ${machine.cores} cores, load ${machine.load ?? "–"}, ${gib(machine.available_mib)} of ${gib(machine.memory_mib)} memory free`);
  if (!machine.agents.length) return [about, h("p", { class: "note" }, "Nothing executes now.")];
  return [about, ...machine.agents.flatMap(agent)];
}

/** One agent: its slots, what waits and why. */
export function agent({ name, age, view, waits, paused }) {
  const stale = age > 10;
  return [
    h("h2", {}, `${view.sweep}, ${name}`),
    h("p", { class: stale ? "note" : "quiet" }, stale ? `last word from the agent ${duration(age)} ago` :
      `${view.running} running, ${view.waiting} waiting, ${short(view.rate)} results a second${view.left === null ? "" : `, about ${duration(view.left)} left`}`),
    view.note && h("p", { class: "note" }, view.note),
    h("div", { class: "scroll", tabindex: 0 }, h("table", {},
      h("thead", {}, h("tr", {}, ["slot", "run", "done", "step", view.metric, "since"].map((text) => h("th", {}, text)))),
      h("tbody", {}, view.slots.map((slot) => h("tr", {}, h("td", {}, slot.name), h("td", {}, slot.label || "free"),
        h("td", {}, slot.fraction === null ? "" : h("progress", { value: slot.fraction, max: 1, "aria-label": "done" })),
        h("td", { class: "number" }, slot.run ? String(slot.step) : ""), h("td", { class: "number" }, short(slot.value)),
        h("td", { class: "number" }, slot.run ? duration(slot.seconds) : "")))))),
    waits.length > 0 && h("div", {}, h("h3", {}, "What waits, and why"), h("ul", {}, waits.map((words) => h("li", {}, words)))),
    paused.length > 0 && h("p", {}, `${paused.length} failed and are tried again later, the next in ${duration(Math.min(...paused.map(([, seconds]) => seconds)))}`),
  ].filter(Boolean);
}
