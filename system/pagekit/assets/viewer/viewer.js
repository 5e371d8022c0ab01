// A model on a page: waits until somebody looks, fetches it, has it read aside and shows it. What it says stands in the template
// (viewer.html): words are shown and hidden by state, and none is in a script.
//
// Everything it needs lies beside it under one address (assets.py), so modules find each other without a map inside the page,
// which the pages' policy forbids; three itself is loaded only when there is something to draw.

// More is loaded when somebody asks for it.
const UNASKED_BYTES_MAX = 5_000_000;
// On a phone, and on a small computer; and elsewhere.
const DEVICE_BYTES_MAX = { small: 25_000_000, large: 75_000_000 };
const SMALL_MEMORY_GB = 4;
const MEGABYTE = 1_000_000;
// Says that this is no navigation: refusals come as problems, not as pages.
const ACCEPT = "model/stl, application/octet-stream, application/problem+json";

const REFUSED = { 401: "forbidden", 403: "forbidden", 404: "gone", 422: "gone" };

// Something that the template has words for.
class Told extends Error {
  constructor(state, facts = {}) {
    super(state);
    this.state = state;
    this.facts = facts;
  }
}

class Model extends HTMLElement {
  #ended;
  #stage = null;

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
    if (!drawsHere()) {
      this.#say("undrawable");
      return;
    }
    this.#say("waiting");
    const looking = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      looking.disconnect();
      this.#load({ asked: false });
    });
    looking.observe(this);
    signal.addEventListener("abort", () => looking.disconnect());
  }

  disconnectedCallback() {
    this.#ended.abort();
    this.#leave();
  }

  get #switch() {
    return this.querySelector("[data-turning]");
  }

  async #load({ asked }) {
    const { signal } = this.#ended;
    this.#leave();
    this.#say("loading");
    try {
      const accept = asked ? () => {} : refuseLarge;
      accept(Number(this.dataset.sizeBytes));
      const answer = await opened(this.dataset.address, { accept, signal });
      const bytes = received(answer, { accept, onPart: (share) => this.#progress(share) });
      const [mesh, { Stage }] = await Promise.all([bytes.then((buffer) => read(buffer, signal)), import("./scene.js")]);
      if (!signal.aborted) this.#show(mesh, Stage);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Told)) console.error(error);
      this.#leave();
      this.#say(error.state ?? "failed", error.facts);
    }
  }

  #show(mesh, Stage) {
    // A canvas whose picture was taken away never gets another one.
    const old = this.querySelector("canvas");
    const canvas = old.cloneNode();
    old.replaceWith(canvas);
    this.#stage = new Stage(canvas, mesh, {
      material: this.dataset.material,
      onHand: () => this.#turn(false),
      onLost: () => {
        this.#leave();
        this.#say("failed");
      },
    });
    const millimetres = new Intl.NumberFormat(language(), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    const [x, y, z] = mesh.high.map((value, axis) => millimetres.format(value - mesh.low[axis]));
    const count = new Intl.NumberFormat(language()).format(mesh.positions.length / 9);
    this.#say("shown", { x, y, z, count });
    this.#turn(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  #turn(on) {
    this.#switch.checked = on;
    this.#stage.turn(on);
  }

  #leave() {
    this.#stage?.dispose();
    this.#stage = null;
  }

  #progress(share) {
    this.querySelector("progress").value = share;
  }

  // Shows what the template wrote for this state, with its facts filled in.
  #say(state, facts = {}) {
    this.dataset.state = state;
    for (const part of this.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(state);
      if (part.dataset.text && !part.hidden) {
        part.textContent = part.dataset.text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
      }
    }
  }
}

const language = () => document.documentElement.lang;

function drawsHere() {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

function refuseLarge(size) {
  const small = matchMedia("(pointer: coarse)").matches || (navigator.deviceMemory ?? Infinity) <= SMALL_MEMORY_GB;
  const limit = DEVICE_BYTES_MAX[small ? "small" : "large"];
  if (!(size > UNASKED_BYTES_MAX)) return;
  const megabytes = new Intl.NumberFormat(language(), { style: "unit", unit: "megabyte", maximumFractionDigits: 0 });
  const facts = { size: megabytes.format(size / MEGABYTE), limit: megabytes.format(limit / MEGABYTE) };
  throw new Told(size > limit ? "heavy" : "large", facts);
}

// The answer, once its size is accepted: nothing else is loaded for a model that is not shown.
async function opened(address, { accept, signal }) {
  const answer = await fetch(address, { headers: { Accept: ACCEPT }, signal }).catch(() => null);
  if (!answer) throw new Told("away");
  try {
    if (!answer.ok) throw new Told(REFUSED[answer.status] ?? "away");
    accept(sizeOf(answer));
  } catch (error) {
    answer.body?.cancel().catch(() => {});
    throw error;
  }
  return answer;
}

// All its bytes. An answer that did not say its size may still turn out to be too large.
async function received(answer, { accept, onPart }) {
  const size = sizeOf(answer);
  const reader = answer.body.getReader();
  const parts = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return await new Blob(parts).arrayBuffer();
      parts.push(value);
      length += value.length;
      accept(length);
      if (size) onPart(length / size);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof Told ? error : new Told("away");
  }
}

const sizeOf = (answer) => Number(answer.headers.get("content-length"));

// The triangles, by a worker of its own: reading a large model takes seconds, and the page must not stand still.
function read(buffer, signal) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    worker.addEventListener("error", (event) => reject(new Error(`the reader failed: ${event.message}`)));
    worker.addEventListener("message", ({ data }) => {
      if (data.mesh) resolve(data.mesh);
      else reject(new Told(data.unreadable === "format" ? "foreign" : "damaged"));
    });
    worker.postMessage(buffer, [buffer]);
  }).finally(() => worker.terminate());
}

customElements.define("alexandrite-model", Model);
