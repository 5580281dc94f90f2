// A clip → its prediction, frame by frame; maps are requested when they are shown. Nothing is kept but in this page.
"use strict";

const at = (id) => document.getElementById(id);
const PICTURES = 300;
const CHART = { left: 44, right: 632, top: 10, bottom: 168 };

let token = "";
let limits = null;
let files = [];
let answer = null;
let place = 0;          // which of answer.frames is shown
let maps = new Map();   // what /explain said, by class and frame
let asking = null;      // the request for a map that is on its way
let later = 0;
let playing = 0;

class Refused extends Error {
  constructor(status, said) {
    super([said.error || `the server says ${status}`, said.hint].filter(Boolean).join("; "));
    this.status = status;
  }
}

// One request; `body` makes it a POST.
async function ask(path, body, signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", body, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, { error: "the server does not answer", hint: "it may have stopped, or the clip is too large for it" });
  }
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, said);
  return said;
}

function form() {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return form;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;
const frameNow = () => answer.frames[place];
const seriesOf = (index) => `line c${index % 7} d${Math.floor(index / 7) % 7}`;

function say(words) {
  at("status").textContent = words;
}

function complain(error) {
  if (error.name === "AbortError") return;
  at("error").textContent = error.message;
  at("error").hidden = false;
  if (error.status === 401) {
    at("token-form").hidden = false;
    at("token").focus();
  }
}

// The network

async function about() {
  limits = await ask("limits");
  const card = await ask("card");
  at("classes").textContent = `Classes: ${card.network.classes.join(", ")}`;
  at("class").replaceChildren(...card.network.classes.map((name) => element("option", name, { value: name })));
  at("reached").textContent = card.reached.words;
  at("meant").textContent = card.intended_use;
  at("warnings").replaceChildren(...card.limits.map((limit) => element("li", limit)));
}

// A clip

async function take(list) {
  const byName = (a, b) => a.name.localeCompare(b.name, "en", { numeric: true });
  files = [...list].sort(byName);
  if (!files.length) return;
  stop();
  at("error").hidden = true;
  at("result").hidden = true;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (limits && bytes > limits.body_bytes) {
    complain(new Refused(413, { error: `the clip has ${bytes} bytes, and the server takes ${limits.body_bytes}` }));
    return;
  }
  const name = files.length === 1 ? files[0].name : `${files.length} files`;
  say(`Predicting ${name} …`);
  at("file").disabled = true;
  try {
    answer = await ask(`predict?pictures=${PICTURES}`, form());
    maps = new Map();
    show();
    say(`${name}: ${answer.frames.length} ${answer.frames.length === 1 ? "frame" : "frames"}.`);
  } catch (error) {
    say("");
    complain(error);
  } finally {
    at("file").disabled = false;
  }
}

function show() {
  const { clip } = answer;
  at("prediction").textContent = `${clip.prediction}: ${percent(clip.confidence)}`;
  const { ood } = clip;
  const outside = ood && ood.out_of_distribution;
  at("verdict").className = `answer ${outside ? "bad" : "open"}`;
  const score = ood && `ood_score ${ood.ood_score.toFixed(2)}, threshold ${ood.threshold}`;
  at("distribution").textContent = !ood
    ? "The out-of-distribution score is not available for this network."
    : outside
      ? `Out-of-distribution (${score}). Do not trust the class.`
      : `In-distribution (${score}).`;
  at("class").value = clip.prediction;
  document.querySelector("input[name=level]").checked = true;
  at("scrub").max = answer.frames.length - 1;
  at("near").replaceChildren(...clip.nearest.map((near) => {
    const row = element("tr");
    row.append(element("th", near.clip, { scope: "row" }), element("td", near.label),
      element("td", near.similarity.toFixed(3), { class: "figure" }));
    return row;
  }));
  at("legend").replaceChildren(...answer.classes.map((name, index) => {
    const item = element("li");
    const swatch = drawn("svg", { class: "swatch", viewBox: "0 0 28 10", "aria-hidden": "true" });
    swatch.append(drawn("path", { class: seriesOf(index), d: "M0 5H28" }));
    item.append(swatch, element("span", name));
    return item;
  }));
  at("result").hidden = false;
  chart();
  goTo(0);
  at("result-h").focus({ preventScroll: true });
}

function secondsOf(frame) {
  return frame.seconds === null || frame.seconds === undefined ? "" : `, ${frame.seconds.toFixed(2)} s`;
}

function goTo(index) {
  place = Math.max(0, Math.min(answer.frames.length - 1, index));
  const frame = frameNow();
  const scrub = at("scrub");
  scrub.value = place;
  const shares = answer.classes.map((name) => frame.probabilities[name]);
  const likeliest = shares.indexOf(Math.max(...shares));
  const words = `frame ${frame.frame}${secondsOf(frame)} (last: ${answer.frames.at(-1).frame})`;
  scrub.setAttribute("aria-valuetext", `${words}: ${answer.classes[likeliest]} ${percent(shares[likeliest])}`);
  const rows = answer.classes.map((name, index) => {
    const row = element("tr");
    row.append(element("th", name, { scope: "row" }),
      element("td", percent(shares[index]), { class: "figure" }),
      element("td", percent(answer.clip.probabilities[name]), { class: "figure" }));
    return row;
  });
  at("probabilities").replaceChildren(...rows);
  const head = at("chart").querySelector(".head");
  head.setAttribute("x1", xOf(place));
  head.setAttribute("x2", xOf(place));
  picture(words);
}

// Pictures and maps

const levelNow = () => document.querySelector("input[name=level]:checked").value;
const key = () => `${at("class").value}|${frameNow().frame}`;

function plainPicture() {
  const wanted = frameNow().frame;
  const nearer = (best, one) => (Math.abs(one.frame - wanted) < Math.abs(best.frame - wanted) ? one : best);
  return answer.pictures.reduce(nearer);
}

function picture(words) {
  const level = levelNow();
  const found = level && maps.get(key());
  const plain = plainPicture();
  at("viewer").classList.toggle("busy", Boolean(level && !found));
  at("picture").src = found ? found.maps[0].levels[level].image : plain.image;
  at("picture").alt = found ? `Frame ${frameNow().frame}; bright: evidence for the class (${level})` : `Frame ${plain.frame}`;
  at("frame-words").textContent = plain.frame === frameNow().frame || found ? words : `${words}; frame ${plain.frame} is shown`;
  at("belief").textContent = found ? belief(found, level) : level ? "Computing …" : "";
  if (level && !found && !playing) soon();
}

// What a map shows, and whether it can be believed.
function belief(found, level) {
  const { values, height, width } = found.maps[0].levels[level];
  if (values.every((value) => value <= 0)) return "No region at this level is evidence for the class.";
  if (level === "occlusion") return "Bright: occlusion of this region lowers the probability. No gradient is used.";
  const figure = (all) => (typeof all[level] === "number" ? all[level].toFixed(2) : "n/a");
  const [occlusion, random] = [figure(found.agrees_with_occlusion), figure(found.like_random_weights)];
  return "Bright: evidence for the class. " + (height * width < 16
    ? `The map has ${height}x${width} cells, too few to check it.`
    : `Rank correlation with occlusion ${occlusion} (1 is the same), with a network of random weights ${random} (near 1 the map shows the picture alone).`);
}

// Requests the maps of the frame that is shown, once it stands still.
function soon() {
  clearTimeout(later);
  later = setTimeout(async () => {
    if (asking) asking.abort();
    const mine = new AbortController();
    asking = mine;
    const [wanted, frame, name] = [key(), frameNow().frame, at("class").value];
    try {
      const query = new URLSearchParams({ frame, class: name });
      const found = await ask(`explain?${query}`, form(), mine.signal);
      maps.set(wanted, found);
      if (key() === wanted) goTo(place);
    } catch (error) {
      complain(error);
      if (error.name !== "AbortError") at("belief").textContent = "";
    }
  }, 200);
}

// The chart

const xOf = (index) => {
  const last = Math.max(1, answer.frames.length - 1);
  return CHART.left + (CHART.right - CHART.left) * (index / last);
};
const yOf = (share) => CHART.bottom - (CHART.bottom - CHART.top) * share;

function chart() {
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    parts.push(drawn("path", { class: "grid", d: `M${CHART.left} ${yOf(share)}H${CHART.right}` }));
    const label = drawn("text", { class: "end", x: CHART.left - 6, y: yOf(share) + 4 });
    label.textContent = `${share * 100} %`;
    parts.push(label);
  }
  const [first, last] = [answer.frames[0], answer.frames.at(-1)];
  const timed = typeof last.seconds === "number";
  const ends = [[first, CHART.left, "start"], [last, CHART.right, "end"]];
  for (const [frame, x, anchor] of ends) {
    const label = drawn("text", { class: anchor, x, y: 188 });
    label.textContent = timed ? `${frame.seconds.toFixed(1)} s` : `frame ${frame.frame}`;
    parts.push(label);
  }
  answer.classes.forEach((name, index) => {
    const points = answer.frames.map((frame, at) => `${xOf(at).toFixed(1)} ${yOf(frame.probabilities[name]).toFixed(1)}`);
    const only = points.length === 1 ? `H${CHART.right}` : "";
    parts.push(drawn("path", { class: seriesOf(index), d: `M${points.join("L")}${only}` }));
  });
  parts.push(drawn("line", { class: "head", y1: CHART.top, y2: CHART.bottom, x1: 0, x2: 0 }));
  at("chart").replaceChildren(...parts);
}

function pointed(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const box = at("chart").getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * 640;
  const share = (x - CHART.left) / (CHART.right - CHART.left);
  stop();
  goTo(Math.round(share * (answer.frames.length - 1)));
}

// Playing

function stop() {
  clearInterval(playing);
  playing = 0;
  at("play").textContent = "Play";
  at("play").setAttribute("aria-pressed", "false");
}

function play() {
  if (playing) {
    stop();
    goTo(place);
    return;
  }
  at("play").textContent = "Pause";
  at("play").setAttribute("aria-pressed", "true");
  const rate = Math.min(60, answer.clip.fps || 15);
  playing = setInterval(() => goTo((place + 1) % answer.frames.length), 1000 / rate);
}

function save(name, value) {
  const link = element("a", undefined, { download: name });
  link.href = URL.createObjectURL(new Blob([JSON.stringify(value, null, 2)], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// What a person does

at("file").addEventListener("change", (event) => take(event.target.files));
at("scrub").addEventListener("input", (event) => {
  stop();
  goTo(Number(event.target.value));
});
at("levels").addEventListener("change", () => goTo(place));
at("class").addEventListener("change", () => goTo(place));
at("play").addEventListener("click", play);
at("chart").addEventListener("pointerdown", pointed);
at("chart").addEventListener("pointermove", pointed);
at("download").addEventListener("click", () => {
  const { pictures, ...rest } = answer;
  const explained = [...maps.values()].map(({ maps, ...about }) => ({
    ...about,
    maps: maps.map(({ frame, probability, levels }) => ({
      frame,
      probability,
      levels: Object.fromEntries(Object.entries(levels).map(([name, { image, ...map }]) => [name, map])),
    })),
  }));
  save(`${files[0].name}.hico.json`, { ...rest, explained });
});
at("card").addEventListener("click", async () => {
  try {
    save("card.json", await ask("card"));
  } catch (error) {
    complain(error);
  }
});
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value;
  at("token-form").hidden = true;
  at("error").hidden = true;
  about().catch(complain);
});
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", type === "dragenter" || type === "dragover");
    if (type === "drop") take(event.dataTransfer.files);
  });
}

about().catch(complain);
