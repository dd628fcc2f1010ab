// The search in the vocabulary.

import { byId, fixed, make, piece, tableHead, tableRow, whole } from "./dom.js";
import { call, latest } from "./server.js";

const HEAD = ["piece", "id", "bytes", "length", "score", "rank", "on the text"];

/** Connect the view. `settings` returns the text and how it is encoded. */
export function vocabularyView(settings) {
  let shown = 0;
  const rows = make("tbody");
  byId("rows").append(tableHead(HEAD), rows);

  const ask = latest(async (first) => {
    const form = byId("search");
    const found = await call("vocabulary", {
      ...settings(),
      model: Number(form.querySelector(".model").value),
      query: byId("query").value,
      contains: byId("where").value === "contains",
      order: byId("order").value,
      unused: byId("unused").checked,
      first,
    });
    const more = found.rows.map((row) => tableRow([
      piece(row.shown),
      { number: String(row.id) },
      row.hex,
      row.length,
      { number: row.score === null ? "—" : fixed(row.score, 3) },
      row.rank === null ? "—" : row.rank,
      { number: row.used ? `${whole(row.used)}×` : "—" },
    ]));
    if (first) rows.append(...more);
    else rows.replaceChildren(...more);
    shown = first + found.rows.length;
    byId("found").textContent = `${whole(found.found)} of ${whole(found.of)} pieces` +
      (shown < found.found ? `, the first ${whole(shown)} are shown` : "");
    byId("more").hidden = shown >= found.found;
  }, (error) => error && (byId("found").textContent = error.message));

  const again = () => ask(0);
  byId("search").addEventListener("input", again);
  byId("search").addEventListener("submit", (event) => event.preventDefault());
  byId("more").addEventListener("click", () => ask(shown));
  return again;
}
