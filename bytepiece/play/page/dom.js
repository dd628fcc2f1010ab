// Elements and numbers for people. Texts go in as text nodes, and never as HTML.

export const byId = (id) => document.getElementById(id);

/** Do some work once the browser has painted the next frame. */
export const afterFrame = (work) => requestAnimationFrame(() => setTimeout(work));

/** Return a new element with properties, attributes and children; a string becomes a text node. */
export function make(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const whole = (number) => number.toLocaleString("en");

export const fixed = (number, digits) => number.toFixed(digits).replace("-", "−");

/** Return a probability as people read it. Only exact values are shown as 0 % and 100 %. */
export function percent(p) {
  if (p === null || p === undefined) return "—";
  if (p === 0 || p === 1) return `${100 * p} %`;
  if (p < 0.0001) return `< 0.01 %`;
  if (p > 0.9999) return `> 99.99 %`;
  return `${(100 * p).toPrecision(p < 0.1 ? 2 : 3)} %`;
}

/** Return how many more tokens a price means. */
export const priceOf = (price) =>
  (price === null ? "—" : `${price >= 1 ? "+" : ""}${fixed(100 * (price - 1), 1)}\u00a0%`);

/** Return a list of names and values. */
export const factList = (known) => make("dl", { className: "facts" }, ...known.map(([name, value]) =>
  make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));

/** Return a row of a table. Numbers are aligned at their ends. */
export function tableRow(cells, tag = "td") {
  return make("tr", {}, ...cells.map((cell) => {
    if (cell instanceof Node) return make(tag, {}, cell);
    const isNumber = typeof cell === "number" || cell?.number !== undefined;
    const shown = typeof cell === "number" ? whole(cell) : (cell?.number ?? cell);
    return make(tag, { className: isNumber ? "number" : "", textContent: shown });
  }));
}

/** Return a piece in a form in which nothing is hidden, kept apart from the direction around it. */
export const piece = (shown) => make("bdi", { className: "piece", textContent: shown });

/** Return a table head. */
export const tableHead = (names) => make("thead", {}, tableRow(names, "th"));
