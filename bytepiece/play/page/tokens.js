// The tokens of one model: blocks on the text, or one chip for each token.

import {
  afterFrame, byId, factList, fixed, make, percent, piece, priceOf, tableHead, tableRow, whole,
} from "./dom.js";
import { blocks, parts } from "./graphemes.js";
import { call } from "./server.js";

/** Return for each byte place how many models end a token there. */
export function sharedEnds(models, size) {
  const counts = new Uint8Array(size + 1);
  for (const { bytes } of models) {
    for (let at = 1; at < bytes.length; at += 2) counts[bytes[at]]++;
  }
  return counts;
}

const AT_FIRST = 400; // Blocks before the first paint; more than a window of usual size shows.
const AT_ONCE = 1000; // So many more take less than a frame.

const LINE = make("div", { className: "line", dir: "auto", attributes: { role: "presentation" } });
const BLOCK = make("span", { attributes: { role: "option" } });

/** Return blocks by lines. A line has its own direction, and is laid out when it is on the screen. */
function inLines(wanted) {
  const lines = [];
  let open = null;
  for (const one of wanted) {
    if (!open) lines.push(open = []);
    open.push(one);
    if (one.ends) open = null;
  }
  return lines;
}

/** Return the element of a block. */
function block({ shown, hue, classes, tokens, whole }) {
  const item = BLOCK.cloneNode();
  item.className = classes;
  item.style.setProperty("--hue", hue);
  if (tokens > 1) item.title = `${tokens} tokens`;
  if (whole) fill(item, shown);
  else item.textContent = shown;
  return item;
}

const same = (a, b) => a.shown === b.shown && a.hue === b.hue && a.classes === b.classes
  && a.tokens === b.tokens && a.whole === b.whole && a.ends === b.ends;

const sameLine = (a, b) => a.length === b.length && a.every((one, at) => same(one, b[at]));

/**
 * Turn the children of an element, made from `old`, into those made from `wanted`. The children
 * before and after the change stay, so that typing costs little. A single child that changes is
 * updated, if `update` is given. `add` is called with those to make and the child behind them.
 */
function patch(parent, old, wanted, equal, add, update) {
  const most = Math.min(old.length, wanted.length);
  let before = 0;
  while (before < most && equal(old[before], wanted[before])) before++;
  let behind = 0;
  while (behind < most - before && equal(old.at(-1 - behind), wanted.at(-1 - behind))) behind++;
  const gone = [...parent.children].slice(before, old.length - behind);
  const fresh = wanted.slice(before, wanted.length - behind);
  if (update && gone.length === 1 && fresh.length === 1) {
    update(gone[0], old[before], fresh[0]);
    return;
  }
  const next = parent.children[old.length - behind] ?? null;
  for (const child of gone) child.remove();
  if (fresh.length) add(fresh, next);
}

/**
 * A panel with one model's tokens. `chosen` is called with a panel and a block. What fits into the
 * window is drawn at once, and the rest of a long text after the browser has painted.
 */
export class TokenPanel {
  #items = null;
  #waiting = []; // Lists of elements to make, in the order of the text.

  constructor(number, facts, chosen) {
    this.number = number;
    this.facts = facts;
    this.chosen = chosen;
    this.active = -1;
    this.lines = [];
    this.counts = make("p", { className: "counts" });
    this.list = make("div", {
      className: "tokens",
      tabIndex: 0,
      attributes: { role: "listbox", "aria-label": `Tokens by ${facts.name}` },
    });
    this.element = make("section", { className: "panel card" },
      make("h2", { textContent: facts.name }), this.counts, this.list);
    this.list.addEventListener("pointerover", (event) => this.#at(event));
    this.list.addEventListener("click", (event) => this.#at(event));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("focus", () => this.active < 0 && this.choose(0, true));
  }

  /** Show the tokens of a text. */
  show(found, text, begins, { look, vertical, counts, models }) {
    this.found = found;
    this.text = text;
    this.#count(counts, models);
    const whole = look === "text";
    this.blocks = whole
      ? blocks(begins, found.starts, found.ends)
      : found.ids.map((_, token) => [token, token + 1, found.starts[token], found.ends[token]]);
    const differs = ([, after]) => counts[found.bytes[2 * after - 1]] < models;
    const wanted = this.blocks.map((block) => {
      const [first, after, start, end] = block;
      const described = found.pieces[found.ids[first]];
      const next = found.starts[after];
      const unfinished = !whole && (!begins[end] || (next !== undefined && next < end));
      const classes = [
        "token",
        after - first > 1 ? "joined" : "",
        unfinished ? "unfinished" : "",
        models > 1 && differs(block) ? "differs" : "",
      ].filter(Boolean).join(" ");
      return {
        shown: whole ? text.slice(start, end) : label(look, found, first, described),
        hue: described.hue,
        classes,
        tokens: after - first,
        ends: text[end - 1] === "\n",
        whole,
      };
    });
    this.deselect();
    this.#patch(inLines(wanted));
    this.#draw(Math.ceil(AT_FIRST / models));
    this.list.className = `tokens${whole ? "" : " chips"}${vertical ? " vertical" : ""}`;
    this.list.classList.toggle("mongolian", 
      vertical && /[\u1800-\u18af]/.test(text) && !/[\u3040-\u9fff]/.test(text));
  }

  /** Draw all that waits, and return the elements of the blocks. */
  get items() {
    if (this.#waiting.length) this.#draw(Infinity);
    return this.#items ??= [...this.list.querySelectorAll(".token")];
  }

  #patch(lines) {
    const missing = new Set(this.#waiting.flatMap(({ wanted, at }) => wanted.slice(at)));
    const drawn = missing.size
      ? this.lines.filter((it) => !missing.has(it))
        .map((blocks) => blocks.filter((it) => !missing.has(it)))
      : this.lines;
    this.#waiting = [];
    this.#items = null;
    const wait = (parent, create) => (wanted, next = null) =>
      this.#waiting.unshift({ parent, create, wanted, next, at: 0 });
    const line = (blocks) => {
      const element = LINE.cloneNode();
      wait(element, block)(blocks);
      return element;
    };
    patch(this.list, drawn, lines, sameLine, wait(this.list, line), (element, from, to) =>
      patch(element, from, to, same, wait(element, block)));
    this.lines = lines;
  }

  /** Make some of the elements that wait, and the rest after the next frame. */
  #draw(most) {
    for (; most > 0 && this.#waiting.length; most--) {
      const group = this.#waiting[0];
      const one = group.wanted[group.at++];
      if (group.at === group.wanted.length) this.#waiting.shift();
      group.parent.insertBefore(group.create(one), group.next);
    }
    const later = this.#waiting;
    this.list.setAttribute("aria-busy", later.length > 0);
    if (!later.length) return;
    afterFrame(() => later === this.#waiting && later.length && this.#draw(AT_ONCE));
  }

  /** Make a block the chosen one. */
  choose(number, said) {
    if (!this.items.length) return;
    number = Math.min(Math.max(number, 0), this.items.length - 1);
    if (number === this.active) return;
    this.deselect();
    this.active = number;
    const item = this.items[number];
    item.classList.add("active");
    item.id = `token-${this.number}`;
    item.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", item.id);
    if (said) item.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.chosen(this, this.blocks[number], said);
  }

  deselect() {
    if (this.active < 0) return;
    const item = this.items[this.active];
    this.active = -1;
    item.classList.remove("active");
    item.removeAttribute("id");
    item.removeAttribute("aria-selected");
    this.list.removeAttribute("aria-activedescendant");
  }

  #count(counts, models) {
    const { found } = this;
    const size = found.bytes.at(-1) ?? 0;
    const perToken = found.ids.length ? `${fixed(size / found.ids.length, 2)} bytes per token` : "";
    this.counts.replaceChildren(make("b", { textContent: `${whole(found.count)} tokens` }));
    if (perToken) this.counts.append(`, ${perToken}`);
    if (models > 1 && found.ids.length) {
      let alone = 0;
      for (let at = 1; at < found.bytes.length; at += 2) alone += counts[found.bytes[at]] < models;
      this.counts.append(alone === 1 ? ", 1 end differs" : `, ${whole(alone)} ends differ`);
    }
    if (found.price !== null) this.counts.append(`, price ${priceOf(found.price)}`);
    this.counts.append(
      make("br"), `${this.facts.algorithm}, ${this.facts.format}, ${whole(this.facts.vocab_size)} ids`);
  }

  #at(event) {
    if (this.#waiting.length && event.type === "pointerover") return; // It moves under the pointer.
    const item = event.target.closest(".token");
    if (item) this.choose(this.items.indexOf(item), false);
  }

  #key(event) {
    const line = this.items[this.active]?.parentNode;
    const backwards = line && getComputedStyle(line).direction === "rtl";
    const moves = {
      ArrowRight: () => this.active + (backwards ? -1 : 1),
      ArrowLeft: () => this.active + (backwards ? 1 : -1),
      ArrowDown: () => this.#beside(1),
      ArrowUp: () => this.#beside(-1),
      Home: () => 0,
      End: () => this.items.length - 1,
    };
    if (!moves[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    this.choose(moves[event.key](), true);
  }

  /** Return the block in the next or the previous row of text that is nearest. */
  #beside(step) {
    const here = this.items[this.active].getBoundingClientRect();
    let best = { number: this.active, distance: Infinity };
    let row = null;
    for (let number = this.active + step; number in this.items; number += step) {
      const there = this.items[number].getBoundingClientRect();
      if (step * (there.top - here.top) < here.height / 2) continue;
      row ??= there.top;
      if (Math.abs(there.top - row) > there.height / 2) break;
      const distance = Math.abs(there.left - here.left);
      if (distance < best.distance) best = { number, distance };
    }
    return best.number;
  }
}

/** Fill an element with a text in which nothing is hidden. */
function fill(element, text) {
  const found = parts(text);
  if (found.length === 1 && !found[0][1]) {
    element.textContent = text;
    return;
  }
  found.forEach(([part, hidden], number) => {
    element.append(hidden ? make("span", { className: "hidden-sign", textContent: part }) : part);
    if (part === "⏎" && hidden && number + 1 < found.length) element.append("\n");
  });
}

function label(look, found, token, described) {
  if (look === "ids") return String(found.ids[token]);
  if (look === "bytes") return described.hex || "—";
  if (look === "offsets") return `${found.bytes[2 * token]}–${found.bytes[2 * token + 1]}`;
  return described.shown;
}

let asking = null;

/** Show what is known of a block of tokens, and soon what else could stand there. */
export function showDetails(panel, [first, after], settings, said) {
  const { found, facts } = panel;
  asking?.abort();
  const rows = [];
  for (let token = first; token < after; token++) {
    const it = found.pieces[found.ids[token]];
    rows.push(
      make("p", {}, piece(it.shown)),
      factList([
        ["id", String(found.ids[token])],
        ["bytes", it.hex || "—"],
        ["place", `bytes ${found.bytes[2 * token]}–${found.bytes[2 * token + 1]}`],
        ["score", it.score === null ? "—" : fixed(it.score, 3)],
        ["rank", it.rank === null ? "—" : whole(it.rank)],
        ["probability here", percent(found.p[token])],
      ]),
    );
  }
  const title = after - first > 1 ? `${after - first} tokens in one character` : "Token";
  const others = make("div");
  byId("details").replaceChildren(
    make("h2", { textContent: `${title}, by ${facts.name}` }), ...rows, others);
  if (said) {
    const it = found.pieces[found.ids[first]];
    byId("said").textContent = [
      after - first > 1 ? title : it.shown,
      `id ${found.ids[first]}`,
      it.score === null ? "" : `score ${fixed(it.score, 2)}, rank ${it.rank}`,
      `probability ${percent(found.p[first])}`,
    ].join(", ");
  }
  asking = new AbortController();
  const { signal } = asking;
  setTimeout(() => signal.aborted || alternatives(panel, first, after, settings, others, signal), 80);
}

async function alternatives(panel, first, after, settings, others, signal) {
  const [start, end] = [panel.found.places[2 * first], panel.found.places[2 * after - 1]];
  let rows;
  try {
    rows = await call("alternatives",
      { ...settings, text: panel.text, model: panel.number, start, end }, signal);
  } catch (error) {
    if (error.name !== "AbortError") others.textContent = error.message;
    return;
  }
  others.replaceChildren(
    make("h3", { textContent: "What can stand here" }),
    make("table", {}, tableHead(["piece", "probability", "", "score", "rank"]),
      make("tbody", {}, ...rows.map((row) => {
        const shown = tableRow([
          piece(row.shown),
          { number: percent(row.p) },
          make("meter", { value: row.p, attributes: { "aria-hidden": "true" } }),
          { number: row.score === null ? "—" : fixed(row.score, 2) },
          row.rank === null ? "—" : row.rank,
        ]);
        shown.classList.toggle("chosen", row.start === start && row.end === end);
        return shown;
      }))));
}
