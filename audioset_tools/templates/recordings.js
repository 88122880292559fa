"use strict";
// An index of recordings: sorted by the column whose head is pressed, the other way round when pressed again.
(() => {
  const table = document.getElementById("recordings"), body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells], rows = [...body.rows];
  const find = document.getElementById("find"), shown = document.getElementById("shown");
  const order = new Map(rows.map((row, number) => [row, number]));
  const words = new Intl.Collator(undefined, { numeric: true });

  // What could not be decoded has but its name, and stands last whichever way.
  const value = (row, column) => {
    const cell = row.cells.length === heads.length || column === 0 ? row.cells[column] : null;
    if (!cell) return null;
    return cell.dataset.by === undefined ? cell.textContent : Number(cell.dataset.by);
  };

  function compare(one, other, column, sign) {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === null || b === null) return (a === null) - (b === null) || order.get(one) - order.get(other);
    const by = typeof a === "number" ? a - b : words.compare(a, b);
    return sign * by || order.get(one) - order.get(other);
  }

  function sort(column) {
    const head = heads[column], numeric = head.classList.contains("number");
    // Of figures the largest first: who asks for the share of a class looks for what has most of it.
    const before = head.getAttribute("aria-sort");
    const sign = before === null ? (numeric ? -1 : 1) : before === "ascending" ? -1 : 1;
    for (const one of heads) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...[...rows].sort((one, other) => compare(one, other, column, sign)));
  }

  function filter() {
    const wanted = find.value.toLocaleLowerCase();
    for (const row of rows) row.hidden = !row.cells[0].textContent.toLocaleLowerCase().includes(wanted);
    const n = rows.filter((row) => !row.hidden).length;
    shown.textContent = wanted ? `${n} of ${rows.length}` : "";
  }

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(column));
    head.replaceChildren(button);
  });
  find.addEventListener("input", filter);
})();
