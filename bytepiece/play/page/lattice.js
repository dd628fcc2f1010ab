// The lattice of a part of the text: its picture, its best paths, and samples.

import { byId, factList, fixed, make, percent, tableHead, tableRow, whole } from "./dom.js";
import { call, latest } from "./server.js";

const ELEMENTS = new Set(["svg", "path", "circle", "rect", "text", "title"]);

/** Return a picture's element, which the server sends as [name, attributes, text, children]. */
function drawn([name, { style, ...attributes }, text, children]) {
  if (!ELEMENTS.has(name)) throw new Error(`A picture has no ${name}.`);
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  // The policy of the page forbids style attributes, but not scripts that set one property.
  if (style?.startsWith("--h:")) element.style.setProperty("--h", style.slice(4));
  element.append(text, ...children.map(drawn));
  return element;
}

function pathRow(path, pieces) {
  const tokens = path.ids.map((id) => {
    const [shown, , , , hue] = pieces[id];
    const token = make("bdi", { className: "token", textContent: shown });
    token.style.setProperty("--hue", hue);
    return token;
  });
  return tableRow([
    { number: percent(path.probability) },
    path.ids.length,
    make("span", { className: "path" }, ...tokens),
  ]);
}

const pathTable = (title, paths, pieces) => [
  make("h3", { textContent: title }),
  make("div", { className: "scroll", tabIndex: 0, attributes: { role: "group", "aria-label": title } },
    make("table", {}, tableHead(["probability", "tokens", "pieces"]),
      make("tbody", {}, ...paths.map((path) => pathRow(path, pieces))))),
];

const facts = (found) => factList([
  ["segmentations",
    found.paths?.length < 16 ? whole(BigInt(found.paths)) : `10^${fixed(found.log10_paths, 1)}`],
  ["entropy", `${fixed(found.entropy_bits, 2)} bits`],
  ["expected tokens", `${fixed(found.expected_tokens, 2)} ± ${fixed(found.token_deviation, 2)}`],
  ["probability of the encoding", percent(found.probability)],
]);

/** Return the selected part of the text, or the whole text. */
function part(text) {
  const { selectionStart, selectionEnd } = byId("text");
  return selectionEnd > selectionStart ? text.slice(selectionStart, selectionEnd) : text;
}

/** Connect the view. `settings` returns the text and how it is encoded. */
export function latticeView(settings) {
  const least = byId("least");
  const model = document.querySelector("#view-lattice .model");
  const picture = byId("drawing-of-lattice");

  const hide = () => {
    const p = least.value === least.min ? 0 : 10 ** least.value;
    byId("least-shown").textContent = percent(p);
    least.setAttribute("aria-valuetext", percent(p));
    for (const edge of picture.querySelectorAll(".edge")) {
      edge.classList.toggle("gone", Number(edge.dataset.p) < p);
    }
  };

  const ask = latest(async () => {
    const asked = settings();
    const text = part(asked.text);
    const found = await call("lattice", { ...asked, text, model: Number(model.value) });
    const size = found.text_hex.length / 2;
    byId("part").textContent = size < found.bytes
      ? `The first ${whole(size)} of ${whole(found.bytes)} bytes. Select a part of the text to see its lattice.`
      : "Select a part of the text to see only its lattice. Thick edges are probable; blue ones are the encoding.";
    picture.replaceChildren(drawn(found.picture));
    byId("paths").replaceChildren(
      facts(found),
      ...pathTable("Best paths", found.nbest, found.pieces_by_id),
      ...pathTable(`Samples, seed ${found.seed}`, found.samples, found.pieces_by_id),
    );
    hide();
  }, (error) => error && (byId("part").textContent = error.message));

  least.addEventListener("input", hide);
  model.addEventListener("change", ask);
  byId("text").addEventListener("select", () => byId("view-lattice").hidden || ask());
  return ask;
}
