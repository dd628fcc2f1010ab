// The page: a text, the settings, and the views on them.

import { command, python } from "./code.js";
import { afterFrame, byId, make, priceOf, whole } from "./dom.js";
import { bounds } from "./graphemes.js";
import { latticeView } from "./lattice.js";
import { call, latest } from "./server.js";
import { TokenPanel, sharedEnds, showDetails } from "./tokens.js";
import { vocabularyView } from "./vocabulary.js";

const MOST_TEXT = 1 << 20;
const STEPS = 5000; // The slider's place, squared and divided by this, is alpha: 0 to 2, fine near 0.

const encoder = new TextEncoder();
let models = [];
let panels = [];
let answer = null;
let sent = null;
let cut = ""; // What was cut from a text that was too long to take.

/** Return the text and how it is encoded. */
const settings = () => ({
  text: byId("text").value,
  alpha: Number(byId("alpha").value),
  sample: document.querySelector("[name=mode]:checked").value === "sample",
  seed: byId("seed").value || "0",
  epoch: byId("epoch").value || "0",
});

const wrong = (error) => {
  byId("busy").className = error ? "wrong" : "";
  byId("busy").textContent = error?.message ?? "";
};

const tokenize = latest(async () => {
  const begun = performance.now();
  const asked = settings();
  const found = await call("tokens", asked);
  for (const model of found.models) {
    for (const [id, [shown, hex, score, rank, hue]] of Object.entries(model.pieces)) {
      model.pieces[id] = { shown, hex, score, rank, hue };
    }
    model.places ??= model.bytes;
    model.p = model.p.map((millionths) => (millionths < 0 ? null : millionths / 1e6));
  }
  [answer, sent] = [found, asked];
  afterFrame(() => performance.measure("redrawn", { start: begun }));
  draw();
}, wrong);

/** Show the latest answer. */
function draw() {
  if (!answer) return;
  const text = sent.text.slice(0, answer.shown);
  const begins = bounds(text);
  const look = document.querySelector("[name=look]:checked").value;
  const vertical = byId("vertical").checked && look === "text";
  const counts = sharedEnds(answer.models, answer.shown_bytes);
  panels.forEach((panel, number) => {
    panel.show(answer.models[number], text, begins,
      { look, vertical, counts, models: models.length });
  });
  byId("details").replaceChildren(make("p", {
    className: "hint",
    textContent: "Point at a token, or move through the tokens with the arrow keys, to see its score, "
      + "its rank, its probability at this place, and what else could stand there.",
  }));
  notice();
  price();
  code();
}

function notice() {
  const left = answer.bytes - answer.shown_bytes;
  byId("notice").className = left || cut ? "cut" : "";
  byId("notice").textContent = `${whole(answer.bytes)} bytes` + (cut ? `. ${cut}` : "") + (left
    ? `. All of them are counted; the tokens, probabilities and prices are those of the first ${
      whole(answer.shown_bytes)} bytes` : "");
}

function price() {
  const shown = answer.models.map((model) => priceOf(model.price));
  byId("price").textContent = `${shown.join(" · ")} tokens`;
  byId("price").title = "expected tokens of samples at this alpha, against the best path";
  byId("slider").setAttribute("aria-valuetext",
    `alpha ${byId("alpha").value}, ${shown.join(" and ")} tokens`);
}

function code() {
  if (!byId("code").open || !sent) return;
  const lines = (make) => models.map(({ path }) => make(sent, path)).join("\n\n");
  byId("command").textContent = lines(command);
  byId("python").textContent = lines(python);
}

async function copy(id) {
  await navigator.clipboard.writeText(byId(id).textContent);
  byId("copied").textContent = "Copied";
}

/** Return as much of a text as the page takes, and note what is cut. */
function taken(text) {
  cut = "";
  if (text.length <= MOST_TEXT / 3) return text;
  const { read, written } = encoder.encodeInto(text, new Uint8Array(MOST_TEXT));
  if (read === text.length) return text;
  cut = `Only the first ${whole(written)} bytes were taken, the most that this page takes`;
  return text.slice(0, read);
}

async function takeFile(file) {
  // A megabyte and a little more is read, however large the file is.
  const text = await file.slice(0, MOST_TEXT + 4).text();
  byId("text").value = taken(text.replaceAll("\r\n", "\n"));
  if (file.size > MOST_TEXT) {
    cut = `Only the beginning of ${file.name}, which has ${whole(file.size)} bytes, was taken`;
  }
  changed();
}

const views = {};

/** Show what follows from the text and the settings. */
function changed() {
  tokenize();
  views[document.querySelector("[role=tab][aria-selected=true]").id]?.();
}

function connectInput() {
  const box = byId("text");
  box.addEventListener("input", () => {
    const text = taken(box.value);
    if (cut) box.value = text; // only then, since this moves the cursor
    changed();
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      box.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) takeFile(event.dataTransfer.files[0]);
    });
  }
  byId("open").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", (event) => {
    if (event.target.files[0]) takeFile(event.target.files[0]);
    event.target.value = "";
  });
}

function connectSettings() {
  const [slider, number] = [byId("slider"), byId("alpha")];
  slider.addEventListener("input", () => {
    number.value = Number((slider.value ** 2 / STEPS).toFixed(4));
  });
  number.addEventListener("input", () => {
    slider.value = Math.sqrt(number.value * STEPS);
  });
  byId("settings").addEventListener("input", () => byId("settings").checkValidity() && changed());
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  byId("again").addEventListener("click", () => {
    document.querySelector("[name=mode][value=sample]").checked = true;
    byId("epoch").value = (Number(byId("epoch").value) + 1) % 2 ** 32;
    changed();
  });
  byId("look").addEventListener("change", draw);
  byId("code").addEventListener("toggle", code);
  byId("copy-command").addEventListener("click", () => copy("command"));
  byId("copy-python").addEventListener("click", () => copy("python"));
}

function connectTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const select = (tab) => {
    for (const one of tabs) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", chosen);
      one.tabIndex = chosen ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = !chosen;
    }
    views[tab.id]?.();
  };
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const next = tabs.at((number + step) % tabs.length);
      next.focus();
      select(next);
    });
  });
}

async function start() {
  try {
    models = await call("models", {});
  } catch (error) {
    wrong(error);
    return;
  }
  byId("models").textContent = models
    .map((model) => `${model.path} (${model.format}, ${whole(model.vocab_size)} ids)`).join(" · ");
  panels = models.map((facts, number) => new TokenPanel(number, facts, (panel, block, said) => {
    for (const other of panels) if (other !== panel) other.deselect();
    showDetails(panel, block, sent, said);
  }));
  byId("panels").append(...panels.map((panel) => panel.element));
  for (const select of document.querySelectorAll("select.model")) {
    select.append(...models.map(({ name }, number) =>
      make("option", { value: number, textContent: name })));
  }
  views["tab-vocabulary"] = vocabularyView(settings);
  views["tab-lattice"] = latticeView(settings);
  connectInput();
  connectSettings();
  connectTabs();
  changed();
}

start();
