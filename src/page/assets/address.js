// The selection lives in the address, so that a link is a view.

/** `#/sweep/demo/run/0123?view=map` → its path as a list, its keys as a map. */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), keys: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

/** An address. */
export function link(path, keys = {}) {
  const set = Object.entries(keys).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const query = new URLSearchParams(set).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/** Changes keys of the selection; what is typed does not fill the history. */
export function select(changes, { replace = false } = {}) {
  const { path, keys } = here();
  const next = link(path, { ...keys, ...changes });
  if (next === location.hash) return;
  if (replace) history.replaceState(null, "", next);
  else location.hash = next;
}
