// A model on a page: waits until somebody looks, fetches it, has it read aside and shows it. What it says stands in the template
// (viewer.html): words are shown and hidden by state, and none is in a script.
//
// Everything it needs lies beside it under one address (assets.py), so modules find each other without a map inside the page,
// which the pages' policy forbids; three itself is loaded only when there is something to draw.
//
// Of a large model a light form is shown first, and a finer one in its place once there is time (`data-level` says which). To pages:
//   model.showFile(blob, { name })    a file of this computer's; nothing is sent anywhere
//   model.showAddress(address)        a model that is kept, once it is known where
//   model.mark([[x, y, z], ...])      places of the model, in its own units; [] takes them away
//   model.offerWalls(ask)             `ask` tells { points: [[x, y, z, mm], ...], wall_min, wall_reject, tolerance } when somebody wants to
//                                     see the walls, x, y and z in the model's own units; without it nobody can
//   data-walls-address                tells the same from the beginning
//   data-material                     may change at any time
//   model-shown { triangles, size }, model-failed { state }    events
import { addressOf, language, opened, read, received, refuseHeavy, refuseLarge, Told } from "./loading.js";

const FAILED = new Set(["away", "gone", "forbidden", "foreign", "damaged", "undrawable", "failed"]);
// Where nothing tells when there is time.
const IDLE_MS = 200;
const IDLE_MS_MAX = 2000;

async function asked(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.json();
}

class Model extends HTMLElement {
  static observedAttributes = ["data-material"];
  #ended;
  #loading = new AbortController();
  #stage = null;
  #file = null;
  #places = [];
  #askWalls = null;
  #wallsAsked = 0;
  // Of the file's units, in millimetres, where a level is shown.
  #scale = 1;

  connectedCallback() {
    this.#ended = new AbortController();
    const { signal } = this.#ended;
    const pressed = (selector, act) => {
      for (const one of this.querySelectorAll(selector)) one.addEventListener("click", () => act(one), { signal });
    };
    pressed("[data-load]", () => this.#load({ asked: true }));
    pressed("[data-zoom]", (button) => this.#stage?.zoom(Number(button.dataset.zoom)));
    pressed("[data-reset]", () => this.#stage?.reset());
    this.#switch.addEventListener("change", () => this.#stage?.turn(this.#switch.checked), { signal });
    this.#wallSwitch.addEventListener("change", () => this.#showWalls(), { signal });
    this.#ruler.addEventListener("change", () => this.#measure(), { signal });
    if (!drawsHere()) {
      this.#say("undrawable");
      return;
    }
    if (this.dataset.wallsAddress) this.offerWalls(() => asked(this.dataset.wallsAddress));
    this.#say("waiting");
    if (this.#file) this.#load({ asked: false });
    else if (this.dataset.address) this.#loadWhenSeen(signal);
  }

  disconnectedCallback() {
    this.#ended.abort();
    this.#leave();
  }

  attributeChangedCallback() {
    this.#stage?.recolour(this.dataset.material);
  }

  // Shows a file of this computer's, or says why it cannot be shown. Nothing is sent anywhere.
  showFile(blob, { name } = {}) {
    this.#file = blob;
    this.#places = [];
    this.offerWalls(null);
    const canvas = this.querySelector("canvas");
    if (name) canvas.setAttribute("aria-label", filled(canvas.dataset.label, { name }));
    if (this.isConnected && this.dataset.state !== "undrawable") this.#load({ asked: false });
  }

  // Shows the model at this address instead of whatever was shown.
  showAddress(address) {
    this.#file = null;
    this.#places = [];
    this.offerWalls(null);
    this.dataset.address = address;
    if (this.isConnected && this.dataset.state !== "undrawable") this.#load({ asked: false });
  }

  // Marks places of the model, [x, y, z] in its own units, and turns the first one to whoever looks; [] takes the marks away.
  mark(places) {
    this.#places = places;
    if (!this.#stage) return;
    if (places.length) this.#turn(false);
    this.#stage.mark(places.map((place) => place.map((value) => value * this.#scale)));
  }

  // From now on walls can be shown, as `ask` tells them; null: no more.
  offerWalls(ask) {
    this.#askWalls = ask;
    if (!ask) this.#wallSwitch.checked = false;
    this.#wallSwitch.closest("label").hidden = !ask;
    this.#showWalls();
  }

  get #wallSwitch() {
    return this.querySelector("[data-walls]");
  }

  get #switch() {
    return this.querySelector("[data-turning]");
  }

  get #ruler() {
    return this.querySelector("[data-ruler]");
  }

  #loadWhenSeen(signal) {
    const looking = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      looking.disconnect();
      if (!this.#file) this.#load({ asked: false });
    });
    looking.observe(this);
    signal.addEventListener("abort", () => looking.disconnect());
  }

  async #load({ asked }) {
    this.#leave();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    if (this.dataset.state !== "preparing") this.#say("loading");
    try {
      const found = this.#file ? this.#fromFile({ asked }) : this.#fromAddress({ asked, signal });
      const [buffer, { Stage }] = await Promise.all([found, import("./scene.js")]);
      const { mesh, light } = await read(buffer, signal);
      if (signal.aborted) return;
      this.#show(mesh, light, Stage);
      if (mesh.isLevel) this.#refineWhenIdle(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Told)) console.error(error);
      this.#leave();
      this.#say(error.state ?? "failed", error.facts);
      if (error.state === "preparing") this.#again(error.facts.againS);
    }
  }

  async #fromFile({ asked }) {
    if (!asked) refuseHeavy(this.#file.size);
    return this.#file.arrayBuffer();
  }

  // The light form of the model, which of a small one is the model itself. Asked for, or where there never will be one: the model.
  async #fromAddress({ asked, signal }) {
    const { address, sizeBytes } = this.dataset;
    if (asked) return this.#bytes(address, { accept: () => {}, signal });
    try {
      return await this.#bytes(addressOf(address, "coarse"), { accept: refuseLarge, signal });
    } catch (error) {
      if (error.state !== "unmade") throw error;
      refuseLarge(Number(sizeBytes));
      return this.#bytes(address, { accept: refuseLarge, signal });
    }
  }

  async #bytes(address, { accept, signal }) {
    const answer = await opened(address, { accept, signal });
    this.#say("loading");
    return received(answer, { accept, onPart: (share) => this.#progress(share) });
  }

  // The levels are being made: looked for again after a while.
  #again(seconds) {
    this.#loading = new AbortController();
    const waiting = setTimeout(() => this.#load({ asked: false }), 1000 * seconds);
    this.#loading.signal.addEventListener("abort", () => clearTimeout(waiting));
  }

  #refineWhenIdle(signal) {
    if (navigator.connection?.saveData) return;
    const refine = () => this.#refine(signal);
    if (window.requestIdleCallback) requestIdleCallback(refine, { timeout: IDLE_MS_MAX });
    else setTimeout(refine, IDLE_MS);
  }

  // Quietly: what is shown already stays where the finer form does not come.
  async #refine(signal) {
    if (signal.aborted) return;
    try {
      const answer = await opened(addressOf(this.dataset.address, "fine"), { accept: refuseLarge, signal });
      const { mesh } = await read(await received(answer, { accept: refuseLarge, onPart: () => {} }), signal);
      if (signal.aborted || !this.#stage) return;
      this.#stage.refine(mesh);
      this.#tell(mesh);
      this.dataset.level = "fine";
    } catch (error) {
      if (!signal.aborted && !(error instanceof Told)) console.error(error);
    }
  }

  #show(mesh, light, Stage) {
    // A canvas whose picture was taken away never gets another one.
    const old = this.querySelector("canvas");
    const canvas = old.cloneNode();
    old.replaceWith(canvas);
    this.#scale = mesh.scale ?? 1;
    this.#stage = new Stage(canvas, mesh, {
      light,
      material: this.dataset.material,
      onHand: () => this.#turn(false),
      onLost: () => {
        this.#leave();
        this.#say("failed");
      },
    });
    this.dataset.level = mesh.isLevel ? "coarse" : "whole";
    const size = this.#tell(mesh);
    this.#measure();
    this.#turn(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    if (this.#places.length) this.mark(this.#places);
    this.#showWalls();
    this.#announce("model-shown", { triangles: mesh.positions.length / 9, size });
  }

  // Says what is shown, and gives its size.
  #tell(mesh) {
    const size = mesh.high.map((value, axis) => value - mesh.low[axis]);
    const millimetres = new Intl.NumberFormat(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    const [x, y, z] = size.map((value) => millimetres.format(value));
    const count = new Intl.NumberFormat(language()).format(mesh.positions.length / 9);
    this.#say("shown", { x, y, z, count }, mesh.isLevel ? "textLevel" : "text");
    for (const [axis, label] of this.#labels().entries()) {
      label.textContent = filled(label.dataset.text, { length: [x, y, z][axis] });
    }
    return size;
  }

  #labels() {
    return [...this.querySelectorAll("[data-extent]")];
  }

  #measure() {
    const labels = this.#labels();
    for (const label of labels) label.hidden = !this.#ruler.checked;
    this.#stage?.measure(this.#ruler.checked ? labels : null);
  }

  async #showWalls() {
    const asked = ++this.#wallsAsked;
    const legend = this.querySelector("[data-legend]");
    const tell = (state, facts = {}) => {
      legend.hidden = !state;
      for (const line of legend.querySelectorAll("[data-walls-when]")) {
        line.hidden = line.dataset.wallsWhen !== state;
        for (const text of line.querySelectorAll("[data-text]")) text.textContent = filled(text.dataset.text, facts);
      }
    };
    this.#stage?.walls([]);
    tell("");
    if (!this.#stage || !this.#askWalls || !this.#wallSwitch.checked) return;
    let told;
    try {
      told = await this.#askWalls();
    } catch {
      if (asked === this.#wallsAsked) tell("away");
      return;
    }
    // Something else was wanted meanwhile.
    if (asked !== this.#wallsAsked || !this.#stage) return;
    const [thin, reject] = [Number(told.wall_min), Number(told.wall_reject)];
    // A verdict allows a measure to err by so much; a colour does too.
    const isBelow = (thick, limit) => thick < limit * (1 - Number(told.tolerance));
    const kindOf = (thick) => (isBelow(thick, reject) ? "reject" : isBelow(thick, thin) ? "thin" : "fine");
    // In the colours of the legend.
    const colourOf = (kind) => getComputedStyle(legend.querySelector(`.wall.${kind}`)).backgroundColor;
    const colours = Object.fromEntries(["reject", "thin", "fine"].map((kind) => [kind, colourOf(kind)]));
    this.#stage.walls(
      told.points.map(([x, y, z, thick]) => ({ place: [x, y, z].map((value) => value * this.#scale), kind: kindOf(thick) })),
      colours,
    );
    const millimetres = new Intl.NumberFormat(language(), { maximumFractionDigits: 2 });
    tell(told.points.length ? "told" : "unknown", { thin: millimetres.format(thin), reject: millimetres.format(reject) });
  }

  #turn(on) {
    this.#switch.checked = on;
    this.#stage.turn(on);
  }

  #leave() {
    this.#loading.abort();
    this.#stage?.dispose();
    this.#stage = null;
    delete this.dataset.level;
  }

  #progress(share) {
    this.querySelector("progress").value = share;
  }

  // Shows what the template wrote for this state, with its facts filled in; of a level of the model, what is written for levels.
  #say(state, facts = {}, written = "text") {
    this.dataset.state = state;
    for (const part of this.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(state);
      const text = part.dataset[written] ?? part.dataset.text;
      if (text && !part.hidden) part.textContent = filled(text, facts);
    }
    if (FAILED.has(state)) this.#announce("model-failed", { state });
  }

  #announce(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");

function drawsHere() {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

customElements.define("alexandrite-model", Model);
