// What people see as one character must not be cut apart, and nothing may be hidden.

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;
const SIMPLE = /^[\n\x20-\x7e\xa1-\xac\xae-\u02ff\u3041-\u3096\u4e00-\u9fff]*$/;

/** Return for each place of a text whether a visible character begins there, or the text ends. */
export function bounds(text) {
  const begins = new Uint8Array(text.length + 1);
  if (SIMPLE.test(text)) return begins.fill(1);
  for (const { index } of segmenter.segment(text)) begins[index] = 1;
  begins[text.length] = 1;
  return begins;
}

/**
 * Return runs of tokens that are shown as one block: [first token, token after the last, place in
 * the text, end]. A block ends where a visible character ends.
 */
export function blocks(begins, starts, ends) {
  const found = [];
  let first = 0;
  let end = 0;
  for (let token = 0; token < ends.length; token++) {
    end = Math.max(end, ends[token]);
    const last = token + 1 === ends.length;
    if (last || (begins[end] && starts[token + 1] >= end)) {
      found.push([first, token + 1, starts[first], end]);
      first = token + 1;
    }
  }
  return found;
}

const CONTROLS = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escaped = (characters) =>
  Array.from(characters, (char) => {
    const code = char.codePointAt(0);
    if (CONTROLS[char]) return CONTROLS[char];
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  }).join("");

/**
 * Return the parts of a text: [text, whether it is a sign for something hidden]. Controls, marks of
 * direction and the like become signs; within an emoji they stay.
 */
export function parts(text) {
  if (!HIDDEN.test(text)) return [[text, false]];
  const found = [];
  for (const { segment } of segmenter.segment(text)) {
    if (!HIDDEN.test(String.fromCodePoint(segment.codePointAt(0)))) {
      if (found.length && !found.at(-1)[1]) found.at(-1)[0] += segment;
      else found.push([segment, false]);
    } else if (segment === "\n") {
      found.push(["⏎", true]);
    } else {
      found.push([escaped(segment), true]);
    }
  }
  return found;
}
