// Elements of the page. What comes from runs is only ever text.

/** An element with properties and children; a child that is no element becomes text. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts children in the place of what is there; what is nothing is left out. */
export function put(place, ...children) {
  place.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
}

/** A labelled choice; options are texts or [value, text]. */
export function choice(label, value, options, change) {
  const select = h("select", { onchange: () => change(select.value) },
    options.map((option) => (Array.isArray(option) ? option : [option, option]))
      .map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  return h("label", {}, label, select);
}

const STATUSES = ["finished", "diverged", "running", "queued", "planned", "stopped", "failed", "unknown"];

/** Counts by status as a bar, and in words. */
export function counts(all, total) {
  const present = STATUSES.filter((status) => all[status]);
  const words = present.map((status) => `${all[status]} ${status}`).join(", ");
  const bar = h("div", { class: "bar", role: "img", "aria-label": words || "no runs" }, present.map((status) => {
    const part = h("i", { class: status });
    part.style.width = `${(100 * all[status]) / Math.max(total, 1)}%`;
    return part;
  }));
  return h("div", {}, bar, h("div", { class: "counts quiet" }, present.map((status) => h("span", {}, dot(status), `${all[status]} ${status}`))));
}

/** The colour of a status; its name stands beside it. */
export function dot(status) {
  return h("span", { class: `dot ${STATUSES.includes(status) ? status : "unknown"}`, "aria-hidden": "true" });
}

/** Seconds as people say them. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** A number short enough for a cell; the whole one stands in its title. */
export function short(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e7 ? String(Number(value.toPrecision(6))) : value.toExponential(4);
}

/** A level as `tessera table` spells it. */
export function level(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A colour that can be told from the ground. */
export function tone(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  const lightness = 0.299 * r + 0.587 * g + 0.114 * b;
  if (!matchMedia("(prefers-color-scheme: dark)").matches || lightness > 110) return hex;
  const share = 0.55 * (1 - lightness / 110) + 0.15;
  return `#${[r, g, b].map((c) => Math.round(c + (255 - c) * share).toString(16).padStart(2, "0")).join("")}`;
}

/** A colour of the page by its name. */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** What went wrong, with its remedy. */
export function failure(error) {
  return h("div", { class: "error", role: "alert" }, h("p", {}, error.message), error.help && h("p", { class: "quiet" }, error.help));
}
