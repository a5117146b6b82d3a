// What went wrong, the same together.
import { link } from "./address.js";
import { dot, h, put } from "./elements.js";
import { ask } from "./server.js";
import { tried } from "./sweep.js";

/** So many runs of a group are named at once. */
const MANY = 40;

export function failures(place, context) {
  const body = h("div");
  place.append(body);
  return {
    update: (quiet) => tried(body, quiet, async () => {
      const { groups } = await ask(["sweeps", context.name, "failures"]);
      if (quiet && body.contains(document.activeElement)) return;
      put(body, ...(groups.length ? groups.map((group) => shown(group, context.name)) : [h("p", { class: "note" }, "No run has failed or diverged.")]));
    }),
  };
}

function shown({ class: kind, line, message, runs }, sweep) {
  return h("section", {}, h("h2", {}, dot(kind === "diverged" ? "diverged" : "failed"), `${runs.length} ${kind}`), h("p", { class: "mono" }, line ?? ""),
    message && message !== line && h("details", {}, h("summary", {}, "The last lines of the first"), h("pre", { class: "log" }, message)),
    h("p", {}, runs.slice(0, MANY).flatMap(([run, seed, said]) => [h("a", { class: "mono", href: link(["sweep", sweep, "run", run]), title: said }, run.slice(0, 8)), ` (seed ${seed}) `]),
      runs.length > MANY && `and ${runs.length - MANY} more`),
    kind !== "diverged" && h("p", { class: "quiet" }, "again: ", h("code", {}, `tessera retry ${sweep} ${runs.slice(0, 5).map(([run]) => run.slice(0, 8)).join(" ")}${runs.length > 5 ? " …" : ""}`)));
}
