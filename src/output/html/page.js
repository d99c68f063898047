"use strict";

// Filters: the data attributes of each article describe it.
const form = document.querySelector("form.filters:not(.rows)");
if (form) {
  const articles = [...document.querySelectorAll("article")];
  const shown = document.getElementById("shown");
  const inFolder = (path, folder) => path.startsWith(folder + "/");
  const apply = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const text = wanted.text.trim().toLowerCase();
    let count = 0;
    for (const article of articles) {
      const about = article.dataset;
      const fits =
        (!wanted.rule || about.rule === wanted.rule) &&
        (!wanted.level || about.level === wanted.level) &&
        (!wanted.folder || inFolder(about.folder, wanted.folder)) &&
        (!wanted.owner || about.owner.split(" ").includes(wanted.owner)) &&
        (!text || article.textContent.toLowerCase().includes(text));
      article.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shown.textContent = `${count} of ${articles.length} findings`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
}

// Rows: filters the rows of all tables of repositories by the name of the repository.
const names = document.querySelector("form.rows");
if (names) {
  const rows = [...document.querySelectorAll("table")]
    .filter((table) => table.rows[0].cells[0].textContent === "Repository")
    .flatMap((table) => [...table.tBodies[0].rows]);
  const shown = document.getElementById("shown");
  const apply = () => {
    const text = new FormData(names).get("text").trim().toLowerCase();
    const found = new Set();
    for (const row of rows) {
      const name = row.cells[0].textContent;
      row.hidden = !name.toLowerCase().includes(text);
      if (!row.hidden) found.add(name);
    }
    shown.textContent = `${found.size} of ${new Set(rows.map((row) => row.cells[0].textContent)).size} repositories`;
  };
  names.addEventListener("input", apply);
  names.addEventListener("submit", (event) => event.preventDefault());
  names.addEventListener("reset", () => setTimeout(apply));
  apply();
}

// Tables: the button in a header cell sorts the rows by its column. Pressing it again reverses the order.
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.querySelectorAll("thead th")];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    head.querySelector("button")?.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      const isNumber = head.classList.contains("number");
      const key = (row) => row.cells[column].textContent;
      const compare = (a, b) =>
        isNumber ? Number(key(a) || -1) - Number(key(b) || -1) : key(a).localeCompare(key(b), "en");
      const rows = [...body.rows].sort((a, b) => (descending ? -1 : 1) * compare(a, b));
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      body.append(...rows);
    });
  });
}
