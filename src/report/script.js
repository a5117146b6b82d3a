"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const make = (name, text) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Tables sort by a click on a column's name and are filtered by a line of text.
  const key = (text) => {
    const number = Number.parseFloat(text.replace("−", "-"));
    return Number.isNaN(number) ? text : number;
  };
  const order = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return typeof a === typeof b ? String(a).localeCompare(String(b)) : typeof a === "number" ? -1 : 1;
  };
  const sortable = (table) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = (row) => key(row.cells[column].textContent);
        const rows = [...body.rows].sort((a, b) => order(value(a), value(b)) * (down ? -1 : 1));
        body.append(...rows);
      });
    });
  };
  const filterable = (table, before) => {
    const input = make("input");
    input.className = "filter";
    input.type = "search";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", "Filter the rows of the table");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    before.before(input);
  };
  for (const table of document.querySelectorAll("main table")) {
    if (!table.tHead) continue;
    sortable(table);
    if (table.tBodies[0].rows.length > 2) filterable(table, table.closest(".scroll") || table);
  }

  // A figure opens large, with its numbers.
  const dialog = document.getElementById("large");
  let open = null;
  const show = (picture) => {
    const name = picture.dataset.figure;
    open = { name, ...data[name] };
    document.getElementById("large-title").textContent = open.title;
    document.getElementById("large-picture").replaceChildren(picture.querySelector("svg").cloneNode(true));
    const below = document.getElementById("large-data");
    below.replaceChildren();
    document.getElementById("download").hidden = !open.rows;
    if (open.rows) {
      const table = make("table");
      const head = table.createTHead().insertRow();
      for (const column of open.columns) head.append(make("th", column));
      const body = table.createTBody();
      for (const cells of open.rows.slice(0, 500)) {
        const row = body.insertRow();
        for (const cell of cells) row.insertCell().textContent = cell;
      }
      below.append(table);
      if (open.rows.length > 500) below.append(make("p", `The first 500 of ${open.rows.length} rows; the CSV has all.`));
      sortable(table);
    } else {
      below.append(make("p", `${open.values} values: too many to carry. This gives them:`), make("pre", open.query));
    }
    dialog.showModal();
  };
  for (const picture of document.querySelectorAll(".picture")) {
    picture.tabIndex = 0;
    picture.setAttribute("role", "button");
    picture.setAttribute("aria-label", `Open large: ${data[picture.dataset.figure].title}`);
    picture.addEventListener("click", () => show(picture));
    picture.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      show(picture);
    });
  }
  // Text that a spreadsheet would take for a formula is quoted with an apostrophe.
  const cell = (text) => {
    const formula = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text));
    const safe = formula ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (columns, rows) => [columns, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
  document.getElementById("close").addEventListener("click", () => dialog.close());
  document.getElementById("download").addEventListener("click", () => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([csv(open.columns, open.rows)], { type: "text/csv" }));
    link.download = `${open.name}.csv`;
    link.click();
    // The browser reads it after this.
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  // Slides: one block of the page at a time.
  const slides = [...document.querySelectorAll(".slide")];
  const turner = document.getElementById("turner");
  let current = 0;
  const turn = (to) => {
    slides[current].classList.remove("current");
    current = Math.max(0, Math.min(slides.length - 1, to));
    slides[current].classList.add("current");
    slides[current].scrollTop = 0;
    document.getElementById("place").textContent = `${current + 1} / ${slides.length}`;
  };
  const running = () => document.body.classList.contains("slides");
  const begin = () => {
    document.body.classList.add("slides");
    turner.hidden = false;
    // The button is gone with the first slide, and keys belong to the slides.
    document.activeElement.blur();
    turn(0);
  };
  const end = () => {
    document.body.classList.remove("slides");
    slides[current].classList.remove("current");
    turner.hidden = true;
    slides[current].scrollIntoView();
  };
  document.getElementById("back").addEventListener("click", () => turn(current - 1));
  document.getElementById("forward").addEventListener("click", () => turn(current + 1));
  document.getElementById("end").addEventListener("click", end);
  const slidesButton = document.getElementById("slides");
  const printButton = document.getElementById("print");
  slidesButton.hidden = false;
  printButton.hidden = false;
  slidesButton.title = "Arrow keys turn the slides, Escape ends";
  slidesButton.addEventListener("click", begin);
  printButton.addEventListener("click", () => window.print());
  document.addEventListener("keydown", (event) => {
    if (!running() || dialog.open) return;
    const turns = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    if (event.key === "Escape") end();
    else if (event.key === "Home") turn(0);
    else if (event.key === "End") turn(slides.length - 1);
    else if (event.key in turns && !event.target.closest(event.key === " " ? "input, button" : "input")) {
      event.preventDefault();
      turn(current + turns[event.key]);
    }
  });
})();
