// All sweeps of the results folder.
import { link } from "./address.js";
import { counts, duration, failure, h, put } from "./elements.js";
import { ask, repeat } from "./server.js";

export async function home(place) {
  const body = h("div");
  place.append(h("h1", {}, "Sweeps"), body);
  let before = "";
  const end = repeat(3, async () => {
    try {
      const answer = await ask(["home"]);
      const now = JSON.stringify(answer.sweeps.map((sweep) => [sweep, duration(sweep.age)]));
      if (now !== before && !body.contains(document.activeElement)) { put(body, ...shown(answer)); before = now; }
    } catch (error) {
      if (!before) put(body, failure(error));
    }
  });
  return { end };
}

function shown({ results, sweeps, reports }) {
  const folder = h("p", { class: "quiet" }, "in ", h("code", {}, results));
  if (!sweeps.length) {
    return [folder, h("p", { class: "note" }, "No sweep has been run here yet. ", h("code", {}, "tessera run sweeps/demo.yaml"), " runs one; it appears here when it begins.")];
  }
  const list = h("ul", { class: "cards" }, sweeps.map((sweep) => h("li", { class: "card" },
    h("h2", {}, h("a", { href: link(["sweep", sweep.name]) }, sweep.name)),
    sweep.error ? h("p", { class: "error" }, sweep.error) : [
      sweep.about && h("p", {}, sweep.about),
      counts(sweep.counts, sweep.runs),
      sweep.best && h("p", {}, `best ${sweep.best.value}: `, h("strong", { class: "numbers" }, sweep.best.words),
        h("span", { class: "quiet" }, ` at ${sweep.best.at.map(([axis, level]) => `${axis} ${level}`).join(", ")}`)),
      h("p", { class: "quiet" }, sweep.executed
        ? `executes now${sweep.left === null ? "" : `, about ${duration(sweep.left)} left`}`
        : `last change ${duration(sweep.age)} ago`),
    ])));
  const pages = reports.length > 0 && [h("h2", {}, "Reports"), h("p", {}, reports.map((name) => [h("a", { href: `/reports/${encodeURIComponent(name)}` }, name), " "]).flat())];
  return [folder, list, ...(pages || [])];
}
