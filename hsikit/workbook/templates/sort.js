// Each head of a table sorts its lines: numbers by value, texts by letter, empty cells last; a second click turns it.
"use strict";

for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...[...body.rows].sort((a, b) => compared(a, b, column, down ? -1 : 1)));
    });
  });
}

function compared(a, b, column, sign) {
  const [x, y] = [a, b].map((row) => row.cells[column].textContent.trim());
  if (!x || !y) return (x ? 0 : 1) - (y ? 0 : 1);
  const [i, j] = [x, y].map((text) => parseFloat(text.replaceAll(",", "").replace("\u2212", "-")));
  return sign * (Number.isNaN(i) || Number.isNaN(j) ? x.localeCompare(y) : i - j);
}
