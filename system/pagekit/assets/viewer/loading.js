// The bytes of a model, or a word of the template for why they are not there.

// More is loaded when somebody asks for it.
const UNASKED_BYTES_MAX = 5_000_000;
// On a phone, and on a small computer; and elsewhere.
const DEVICE_BYTES_MAX = { small: 25_000_000, large: 75_000_000 };
const SMALL_MEMORY_GB = 4;
const MEGABYTE = 1_000_000;
const AGAIN_S = 5;
const AGAIN_S_MAX = 60;
// Says that this is no navigation: refusals come as problems, not as pages.
const ACCEPT = "model/gltf-binary, model/stl, application/octet-stream, application/problem+json";

const REFUSED = { 401: "forbidden", 403: "forbidden", 404: "gone", 422: "gone" };
// A lighter form of a model: being made, or never to be.
const UNMADE = { "level-not-ready": "preparing", "level-missing": "unmade" };

// Something that the template has words for.
export class Told extends Error {
  constructor(state, facts = {}) {
    super(state);
    this.state = state;
    this.facts = facts;
  }
}

export const language = () => document.documentElement.lang;

// Throws Told for what is too large to be loaded before somebody asks for it.
export function refuseLarge(size) {
  if (!(size > UNASKED_BYTES_MAX)) return;
  refuseHeavy(size);
  throw new Told("large", sizes(size));
}

// Throws Told for what is too large for this device.
export function refuseHeavy(size) {
  if (size > deviceBytesMax()) throw new Told("heavy", sizes(size));
}

function deviceBytesMax() {
  const small = matchMedia("(pointer: coarse)").matches || (navigator.deviceMemory ?? Infinity) <= SMALL_MEMORY_GB;
  return DEVICE_BYTES_MAX[small ? "small" : "large"];
}

function sizes(size) {
  const megabytes = new Intl.NumberFormat(language(), { style: "unit", unit: "megabyte", maximumFractionDigits: 0 });
  return { size: megabytes.format(size / MEGABYTE), limit: megabytes.format(deviceBytesMax() / MEGABYTE) };
}

// The address of a lighter form of the model there, `coarse` or `fine`.
export function addressOf(address, level) {
  const whole = new URL(address, document.baseURI);
  whole.searchParams.set("level", level);
  return whole.href;
}

// The answer, once its size is accepted: nothing else is loaded for a model that is not shown. Throws Told; `preparing` has `againS`.
export async function opened(address, { accept, signal }) {
  const answer = await fetch(address, { headers: { Accept: ACCEPT }, signal }).catch(() => null);
  if (!answer) throw new Told("away");
  if (!answer.ok) throw await refusalOf(answer);
  try {
    accept(sizeOf(answer));
  } catch (error) {
    answer.body?.cancel().catch(() => {});
    throw error;
  }
  return answer;
}

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const againS = Math.min(Number(answer.headers.get("retry-after")) || AGAIN_S, AGAIN_S_MAX);
  return new Told(UNMADE[problem?.code] ?? REFUSED[answer.status] ?? "away", { againS });
}

// All its bytes. An answer that did not say its size may still turn out to be too large.
export async function received(answer, { accept, onPart }) {
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

// The triangles, by a worker of its own: reading a large model takes seconds, and the page must not stand still. Above a size that
// turns slowly, `light` is a second mesh for turning.
export function read(buffer, signal) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    worker.addEventListener("error", (event) => reject(new Error(`the reader failed: ${event.message}`)));
    worker.addEventListener("message", ({ data }) => {
      if (data.mesh) resolve(data);
      else reject(new Told(data.unreadable === "format" ? "foreign" : "damaged"));
    });
    worker.postMessage(buffer, [buffer]);
  }).finally(() => worker.terminate());
}
