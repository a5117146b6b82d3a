// Which page is shown: the address decides.
import { here } from "./address.js";
import { failure, h } from "./elements.js";
import { home } from "./home.js";
import { machine } from "./machine.js";
import { run } from "./run.js";
import { sweep } from "./sweep.js";

const main = document.getElementById("main");
let shown = { name: null, end: () => {}, select: null };

async function show() {
  // A link to a place on this page is no address of another.
  if (location.hash && !location.hash.startsWith("#/")) { main.focus(); return; }
  const { path, keys } = here();
  const name = path.join("/");
  if (name === shown.name && shown.select) return shown.select(keys);
  shown.end();
  shown = { name, end: () => {}, select: null };
  const mine = shown;
  const place = h("div");
  main.replaceChildren(place);
  document.title = path[1] ? `${path[1]} · Tessera` : "Tessera";
  try {
    const page = path[0] === "sweep" && path[2] === "run" ? await run(place, path[1], path[3], keys)
      : path[0] === "sweep" ? await sweep(place, path[1], keys)
      : path[0] === "machine" ? await machine(place)
      : await home(place);
    if (mine === shown) Object.assign(shown, page);
    else page.end();
  } catch (error) {
    if (mine === shown) { place.replaceChildren(failure(error)); shown.name = null; }
  }
}

addEventListener("hashchange", show);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { shown.name = null; show(); });
show();
