// What is seen, as a command and as Python.

const MOST = 100000; // A command's argument may have 128 kB.
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

const unit = (text, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;

/** Return a text as a string of JSON in ASCII controls and with nothing hidden. */
function jsonString(text) {
  return JSON.stringify(text).replace(HIDDEN, (char) =>
    Array.from({ length: char.length }, (_, at) => unit(char, at)).join(""));
}

/** Return a text as a string of Python with nothing hidden. */
function pythonString(text) {
  return JSON.stringify(text).replace(HIDDEN, (char) =>
    char.length > 1 ? `\\U${char.codePointAt(0).toString(16).padStart(8, "0")}` : unit(char, 0));
}

export function command({ text, alpha, sample, seed, epoch }, path) {
  if (text.length > MOST) return "# The text is too long for a command. Save it in a file.";
  const drawn = sample ? ` --sample --alpha ${alpha} --seed ${seed} --epoch ${epoch}` : "";
  const plain = text && text.search(HIDDEN) < 0;
  const [input, option] = plain
    ? [quoted(text), ""]
    : [quoted(`{"text": ${jsonString(text)}}`), " --jsonl text"];
  return `printf '%s\\n' ${input} | bytepiece encode --model=${quoted(path)}${option}${drawn} --format pieces`;
}

export function python({ text, alpha, sample, seed, epoch }, path) {
  if (text.length > MOST) return "# The text is too long to be shown here.";
  const drawn = sample ? `, alpha=${alpha}, seed=${seed}, epoch=${epoch}` : "";
  return [
    "import bytepiece",
    "",
    `tok = bytepiece.Tokenizer.load(${pythonString(path)})`,
    `print(tok.tokenize(${pythonString(text)}${drawn}))`,
  ].join("\n");
}
