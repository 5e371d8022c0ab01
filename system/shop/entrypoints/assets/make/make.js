// Making one's own: the file that was chosen is shown at once, sent part by part, and priced as soon as it is verified. What is said stands in
// the templates (make.html, make_prices.html); a state of the page shows its own parts of them.
import { Refused, ask, patiently } from "./asking.js";
import { chosenOptions, forgetRefusals, keptOptions, keyOf, restoreOptions, tellRefusal } from "./options.js";
import { follow, isFinal, isOver, request, stop, walls } from "./quotes.js";
import { kept, keep } from "./memory.js";
import { Unreadable, Upload } from "./upload.js";

const { made, memory, refreshSession } = window.alexandrite;
const page = document.getElementById("make");
const bench = page.querySelector("[data-bench]");
const form = page.querySelector("[data-wish]");
const viewer = page.querySelector("alexandrite-model");
const over = page.querySelector("[data-over]");

const REFRESH_EVERY_MS = 10 * 60 * 1000;
const SHOW_AGAIN_MS = 2000;
const CHANGED_AFTER_MS = 400;
const MEGABYTE = 1_000_000;
const STATE_OF = {
  "upload-expired": "stale",
  "upload-unknown": "stale",
  "not-in-parts": "stale",
  "too-many-uploads": "crowded",
  "file-too-large": "too-large",
  "mesh-empty": "too-small",
};

let fileId = page.dataset.file;
// What the reader said; without it the file's own word counts, and mm where it has none.
let unit;
let upload = null;
let quotes = new Map();

// -- what is said -------------------------------------------------------------------------------------------------------

const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
const number = (value, options) => new Intl.NumberFormat(document.documentElement.lang, options).format(value);
const megabytes = (bytes) => number(bytes / MEGABYTE, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 });

function show(state, { sent = 0, bytesPerS = 0, size = 0 } = {}) {
  page.dataset.state = state;
  for (const part of page.querySelectorAll("[data-when]")) {
    // The viewer has states of its own.
    if (!viewer.contains(part)) part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  for (const part of page.querySelectorAll("[data-name-text]")) {
    part.textContent = filled(part.dataset.nameText, { name: page.dataset.name });
  }
  const percent = number(sent, { style: "percent", maximumFractionDigits: 0 });
  const facts = { percent, size: megabytes(size), speed: megabytes(bytesPerS) };
  for (const line of page.querySelectorAll("[data-way]")) line.textContent = filled(line.dataset.way, facts);
  document.getElementById("way").value = sent;
}

// -- the file -------------------------------------------------------------------------------------------------------------

async function choose(file) {
  upload?.pause();
  upload = null;
  if (file.size > Number(page.dataset.bytesMax)) return show("too-large");
  if (file.size === 0) return show("too-small");
  const taken = page.dataset.state === "resuming" ? fileId : "";
  const current = new Upload(file, (told) => {
    if (current === upload) show(told.state, { ...told, size: file.size });
  });
  upload = current;
  page.dataset.name = file.name;
  bench.hidden = false;
  page.querySelector("[data-look]").hidden = false;
  showLocally(file);
  forgetPrices();
  show("uploading", { size: file.size });
  try {
    const lost = () => current === upload && show("lost", { size: file.size });
    await patiently(visit, lost);
    const isTaken = taken !== "" && isSame(taken, file) && (await patiently(() => current.takeUp(taken), lost));
    if (!isTaken) await patiently(() => current.begin(), lost);
    if (current !== upload) return undefined;
    settle(current.fileId, file);
    const verdict = await current.finish();
    if (current === upload) decided(verdict);
  } catch (error) {
    if (current === upload) failed(error);
  }
  return undefined;
}

// Whoever sends a first file without an account becomes a guest; whoever has a session goes on with it.
async function visit() {
  if (document.body.dataset.user) return;
  if (memory.get("session") === "open" && (await refreshSession({ unlessWithinMs: 5000 }).catch(() => false))) return;
  await ask("POST", "/shop/make/visit");
  document.body.dataset.user = "guest";
  memory.set("session", "open");
  memory.set("refreshed", String(Date.now()));
  setInterval(() => refreshSession({ unlessWithinMs: REFRESH_EVERY_MS / 2 }).catch(() => {}), REFRESH_EVERY_MS);
}

// The same name and size may be another file; when it was changed, this browser remembers.
function isSame(id, file) {
  const { modified } = kept(id);
  return modified === undefined || modified === file.lastModified;
}

// From here on the page's address is the model's.
function settle(id, file) {
  fileId = id;
  page.dataset.file = id;
  form.action = `/shop/make/${id}/lines`;
  history.replaceState(null, "", `/shop/make/${id}`);
  keep(id, { modified: file.lastModified });
}

function decided(verdict) {
  show(verdict.status === "VERIFIED" ? "verified" : "refused");
  // What this browser cannot read itself it sees by the lighter forms that are made of it.
  const isReadHere = verdict.format?.startsWith("stl");
  if (verdict.status === "VERIFIED" && !isReadHere) viewer.showAddress?.(`/api/files/v1/uploads/${fileId}/model`);
  if (verdict.status === "VERIFIED") price();
  else showPrices();
}

function failed(error) {
  if (error instanceof Unreadable) return show("stale");
  if (!(error instanceof Refused)) console.error(error);
  const isForbidden = error.status === 401 || error.status === 403;
  return show(STATE_OF[error.code] ?? (isForbidden ? "forbidden" : "trouble"));
}

async function showLocally(file) {
  await customElements.whenDefined("alexandrite-model");
  viewer.showFile?.(file, { name: file.name });
}

// -- the prices -----------------------------------------------------------------------------------------------------------

const chosen = () => form.elements.material.value;
const metals = () => [...form.querySelectorAll("[data-metal]")].map((card) => card.dataset.metal);

function wishOf(material) {
  const { quantity, ring_size: size } = form.elements;
  const wish = { file_id: fileId, material, quantity: quantity.valueAsNumber || 1, unit, ...chosenOptions(form) };
  return size.value === "" ? wish : { ...wish, ring_size: size.value };
}

const entryOf = (material) => quotes.get(JSON.stringify(wishOf(material)));

async function price(material = chosen(), given = "") {
  const wish = wishOf(material);
  const name = JSON.stringify(wish);
  const all = quotes;
  if (all.has(name)) return;
  const entry = { quote: null, end: () => {} };
  all.set(name, entry);
  const renew = async (key) => {
    const quote = await patiently(() => request(wish, key));
    if (quotes !== all) return;
    hear(entry, quote);
    if (!isFinal(quote)) entry.end = follow(quote.quote_id, (now) => (isFinal(now) && isOver(now) ? renew(crypto.randomUUID()) : hear(entry, now)));
    else if (quote.status === "READY" && isOver(quote)) await renew(crypto.randomUUID());
  };
  try {
    await renew(given || `make ${await keyOf(name)}`);
  } catch (error) {
    all.delete(name);
    if (quotes === all && !(error instanceof Refused && tellRefusal(form, error))) failed(error);
  }
}

function hear(entry, quote) {
  const before = entry.quote;
  entry.quote = quote;
  if (entry === entryOf(chosen())) {
    // Another metal may fill walls that this one does not.
    if (quote.status === "READY" || quote.problem?.code === "wall-too-thin") for (const metal of metals()) price(metal);
    if (isFinal(quote)) showUpon(quote);
    showProgress(entry);
  }
  if (before?.quote_id !== quote.quote_id || before?.status !== quote.status) showPrices();
}

// Upon the model, what is known of it in this metal.
function showUpon(quote) {
  viewer.mark?.(placesOf(quote));
  const isMeasured = quote.status === "READY" || quote.problem?.code === "wall-too-thin";
  viewer.offerWalls?.(isMeasured ? () => walls(quote.quote_id) : null);
}

// Where it is broken; else, where the walls are thin for this metal, the thinnest place.
function placesOf(quote) {
  if (quote.problem) return quote.problem.places ?? [];
  const { reasons = [] } = quote.verdicts?.[quote.material] ?? {};
  return reasons.some(({ code }) => code === "wall-thin" || code === "detail-fine") ? [quote.mesh.thickness_mm.min_place] : [];
}

function showProgress(entry) {
  const { progress, queue_position: place, eta_s: eta } = entry.quote;
  const told = page.querySelector("[data-calculating]");
  if (!told) return;
  const bar = told.querySelector("[data-progress]");
  // Foretold anew it may be less: what a bar has shown it does not take back.
  entry.percent = Math.max(entry.percent ?? 0, progress?.percent ?? 0);
  bar.hidden = progress?.percent === undefined || progress?.percent === null;
  if (!bar.hidden) bar.value = entry.percent;
  for (const line of told.querySelectorAll("[data-stage]")) line.hidden = line.dataset.stage !== progress?.stage;
  const tell = (line, isKnown, facts) => {
    line.hidden = !isKnown;
    line.textContent = filled(line.dataset.text, facts);
  };
  tell(told.querySelector("[data-place]"), place > 0, { place: number(place ?? 0) });
  tell(told.querySelector("[data-eta]"), eta >= 1, { seconds: number(Math.ceil(eta ?? 0)) });
}

async function stopCalculating() {
  const entry = entryOf(chosen());
  if (!entry?.quote || isFinal(entry.quote)) return;
  try {
    const quote = await stop(entry.quote.quote_id);
    entry.end();
    hear(entry, quote);
  } catch (error) {
    // It was done at the same moment: its end is heard as ever.
    if (!(error instanceof Refused) || error.status !== 409) failed(error);
  }
}

function calculateAgain() {
  quotes.delete(JSON.stringify(wishOf(chosen())));
  waits();
  price(chosen(), crypto.randomUUID());
}

function forgetPrices() {
  for (const { end } of quotes.values()) end();
  quotes = new Map();
  unit = undefined;
  viewer.mark?.([]);
  viewer.offerWalls?.(null);
  for (const told of page.querySelectorAll("[data-metal] [data-price]")) told.textContent = "";
  const prices = document.getElementById("prices");
  // What the model before this one cost; the piece that comes next is shown.
  if (prices.dataset.priceState !== "none") prices.hidden = true;
  waits();
}

// What was ordered before the new price is there would be at the old one.
function waits() {
  const prices = document.getElementById("prices");
  for (const button of prices.querySelectorAll("button[type=submit]")) button.disabled = true;
}

let isShowing = false;
let isOutdated = false;

async function showPrices() {
  isOutdated = true;
  if (isShowing) return;
  isShowing = true;
  while (isOutdated) {
    isOutdated = false;
    const asked = JSON.stringify(wishOf(chosen()));
    const known = metals().map(entryOf).filter((entry) => entry?.quote);
    const query = new URLSearchParams({ material: chosen(), quotes: known.map((entry) => entry.quote.quote_id).join(",") });
    const piece = await fetchedPiece(`/shop/make/${fileId}/prices?${query}`);
    // Something else was chosen meanwhile: this would be the price of what is not wanted any more.
    if (piece && asked !== JSON.stringify(wishOf(chosen()))) isOutdated = true;
    else if (piece) put(piece);
    else setTimeout(showPrices, SHOW_AGAIN_MS);
  }
  isShowing = false;
}

async function fetchedPiece(address) {
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true", Accept: "text/html" }, redirect: "error" });
    if (answer.status === 200) return made(await answer.text());
    // A session that ran out is answered with nothing.
    if (answer.status === 204) await refreshSession({ unlessWithinMs: 5000 });
  } catch {
    // Nobody answered.
  }
  return null;
}

function put(fresh) {
  const shown = document.getElementById("prices");
  for (const fold of shown.querySelectorAll("details[data-fold][open]")) {
    fresh.querySelector(`[data-fold="${fold.dataset.fold}"]`)?.setAttribute("open", "");
  }
  const at = shown.contains(document.activeElement) ? document.activeElement : null;
  for (const told of fresh.querySelectorAll("template[data-card]")) {
    page.querySelector(`[data-metal="${told.dataset.card}"] [data-price]`).textContent = told.content.textContent;
  }
  shown.replaceWith(fresh);
  const entry = entryOf(chosen());
  if (entry?.quote) showProgress(entry);
  if (at?.name === "go") fresh.querySelector(`[name="go"][value="${at.value}"]`)?.focus({ preventScroll: true });
  else if (at?.matches("summary")) fresh.querySelector("summary")?.focus({ preventScroll: true });
}

// -- the hands ------------------------------------------------------------------------------------------------------------

function changed() {
  viewer.dataset.material = chosen();
  const { quantity, ring_size: size } = form.elements;
  if (fileId) keep(fileId, { material: chosen(), quantity: quantity.value, size: size.value, unit, ...keptOptions(form) });
  forgetRefusals(form);
  if (page.dataset.state !== "verified") return;
  waits();
  price();
  const known = entryOf(chosen())?.quote;
  if (!known) return;
  if (isFinal(known)) showUpon(known);
  showPrices();
}

function restore() {
  const { material, quantity, size, unit: before, ...options } = kept(fileId);
  if (metals().includes(material)) form.elements.material.value = material;
  if (quantity) form.elements.quantity.value = quantity;
  if (size) form.elements.ring_size.value = size;
  if (before) unit = before;
  restoreOptions(form, options);
  viewer.dataset.material = chosen();
}

const input = page.querySelector("[data-choose]");
input.addEventListener("change", () => {
  const [file] = input.files;
  if (file) choose(file);
  // The same file can be chosen again.
  input.value = "";
});

let changing = 0;
form.addEventListener("input", (event) => {
  clearTimeout(changing);
  // What is typed is not asked about at every key.
  const isTyped = event.target.matches('input:not([type="radio"])');
  if (isTyped && page.dataset.state === "verified") waits();
  if (isTyped) changing = setTimeout(() => event.target.checkValidity() && changed(), CHANGED_AFTER_MS);
  else changed();
});

page.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-pause]")) upload?.pause();
  if (button?.matches("[data-go-on]")) upload?.goOn();
  if (button?.matches("[data-stop]")) stopCalculating();
  if (button?.matches("[data-again]")) calculateAgain();
  if (button?.dataset.unit) {
    unit = button.dataset.unit;
    changed();
  }
});

document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  over.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) over.hidden = true;
});
document.addEventListener("drop", (event) => {
  over.hidden = true;
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  choose(file);
});
addEventListener("pageshow", (event) => event.persisted && location.reload());

if (fileId) restore();
show(page.dataset.state);
if (page.dataset.state === "verified") price();
