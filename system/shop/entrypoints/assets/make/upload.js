// A file on its way to the storage, part by part. It can be paused, a lost connection is waited for, and what has arrived is not sent again,
// also not tomorrow: which parts are there, the files service knows.
import { Away, Refused, ask } from "./asking.js";

const UPLOADS = "/api/files/v1/uploads";
const AT_ONCE = 3;
const ADDRESSES_MAX = 50;
const REST_MS = [500, 1000, 2000, 4000, 8000, 15000];
// A part of which nothing moves for so long is sent anew: a line that is dead does not always say so.
const STALLED_MS = 30000;
const SPEED_OVER_MS = 4000;
// Completing is simply tried again after these.
const GO_ON = new Set(["not-uploaded-yet", "upload-changed"]);

export class Unreadable extends Error {}

export class Upload {
  #file;
  #tell;
  #plan = null;
  #isNew = false;
  #isPaused = false;
  #arrived = new Set();
  #onWay = new Map();
  #requests = new Set();
  #wake = () => {};
  #moments = [];

  // `tell({state, sent, bytesPerS})`: uploading, paused, lost or checking.
  constructor(file, tell) {
    this.#file = file;
    this.#tell = tell;
  }

  get fileId() {
    return this.#plan.file_id;
  }

  // Announces the file. Throws Refused, Away.
  async begin() {
    const body = { filename: this.#file.name, size_bytes: this.#file.size, in_parts: true };
    this.#plan = await ask("POST", UPLOADS, { body });
    this.#isNew = true;
  }

  // Goes on with what was begun before; false when that was another file, or is over. Throws Refused, Away.
  async takeUp(fileId) {
    const known = await ask("GET", `${UPLOADS}/${fileId}/parts`);
    const fits = known.status === "PENDING" && known.size_bytes === this.#file.size && known.filename === this.#file.name;
    if (!fits || Date.parse(known.expires_at) < Date.now()) return false;
    this.#plan = known;
    return true;
  }

  // Sends what is missing and has it checked: the upload as it is then. Throws Refused, Unreadable.
  async finish() {
    for (let tries = 0; ; ) {
      await this.#unlessPaused();
      try {
        const before = this.#arrived.size;
        await this.#sendMissing();
        if (this.#arrived.size > before) tries = 0;
        this.#tell({ state: "checking", sent: 1, bytesPerS: 0 });
        return await ask("POST", `${UPLOADS}/${this.fileId}/completion`);
      } catch (error) {
        if (this.#isPaused) continue;
        const isLasting = error instanceof Refused && !error.isMomentary && !GO_ON.has(error.code);
        if (isLasting || error instanceof Unreadable) throw error;
        if (!(error instanceof Refused && GO_ON.has(error.code))) this.#tell({ state: "lost", ...this.#progress() });
        await this.#rest(REST_MS[Math.min(tries++, REST_MS.length - 1)]);
      }
    }
  }

  pause() {
    this.#isPaused = true;
    this.#stop();
    this.#wake();
    this.#tell({ state: "paused", ...this.#progress() });
  }

  goOn() {
    this.#isPaused = false;
    this.#moments = [];
    this.#wake();
  }

  async #sendMissing() {
    if (!this.#isNew) {
      const known = await ask("GET", `${UPLOADS}/${this.fileId}/parts`);
      // Settled in another tab, or by an answer that got lost: completing tells what became of it.
      if (known.status !== "PENDING") return;
      this.#arrived = new Set(known.arrived.map((part) => part.number));
    }
    this.#isNew = false;
    const missing = [];
    for (let number = 1; number <= this.#plan.part_count; number += 1) {
      if (!this.#arrived.has(number)) missing.push(number);
    }
    while (missing.length > 0) {
      const numbers = missing.splice(0, ADDRESSES_MAX);
      const { items } = await ask("POST", `${UPLOADS}/${this.fileId}/parts`, { body: { numbers } });
      this.#told();
      await this.#sendAll(items);
    }
  }

  async #sendAll(addresses) {
    const waiting = [...addresses];
    const sendOne = async () => {
      while (waiting.length > 0) {
        const address = waiting.shift();
        await this.#send(address);
        this.#arrived.add(address.number);
        this.#onWay.delete(address.number);
        this.#told();
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, sendOne));
    } catch (error) {
      // One that fails takes the others with it: what is missing then is asked of the storage.
      waiting.length = 0;
      this.#stop();
      await this.#file.slice(0, 1).arrayBuffer().catch(() => {
        throw new Unreadable();
      });
      throw error;
    }
  }

  #send({ number, url }) {
    if (this.#isPaused) throw new Away();
    const begin = (number - 1) * this.#plan.part_bytes;
    // Without a type: the signature is of the length alone.
    const part = this.#file.slice(begin, begin + this.#plan.part_bytes, "");
    const request = new XMLHttpRequest();
    this.#requests.add(request);
    let stalled = 0;
    const alive = () => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED_MS);
    };
    return new Promise((resolve, reject) => {
      request.upload.addEventListener("progress", (event) => {
        alive();
        this.#onWay.set(number, event.loaded);
        this.#told();
      });
      request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Away())));
      for (const end of ["error", "abort"]) request.addEventListener(end, () => reject(new Away()));
      alive();
      request.open("PUT", url);
      request.send(part);
    }).finally(() => {
      clearTimeout(stalled);
      this.#requests.delete(request);
    });
  }

  #stop() {
    for (const request of this.#requests) request.abort();
    this.#onWay.clear();
  }

  #told() {
    if (!this.#isPaused) this.#tell({ state: "uploading", ...this.#progress() });
  }

  #progress() {
    const bytes = this.#sentBytes();
    const now = performance.now();
    this.#moments = this.#moments.filter(([at]) => now - at < SPEED_OVER_MS);
    this.#moments.push([now, bytes]);
    const [[since, before]] = this.#moments;
    return { sent: bytes / this.#file.size, bytesPerS: now > since ? Math.max(0, ((bytes - before) * 1000) / (now - since)) : 0 };
  }

  #sentBytes() {
    const { part_bytes: each, part_count: count } = this.#plan;
    let bytes = 0;
    for (const number of this.#arrived) bytes += number < count ? each : this.#file.size - (count - 1) * each;
    for (const loaded of this.#onWay.values()) bytes += loaded;
    return Math.min(bytes, this.#file.size);
  }

  async #unlessPaused() {
    while (this.#isPaused) await this.#rest(Infinity);
  }

  // Until so much time is over, the connection is back, or somebody pressed a button.
  #rest(milliseconds) {
    return new Promise((resolve) => {
      const timer = milliseconds === Infinity ? 0 : setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      addEventListener("online", this.#wake, { once: true });
    });
  }
}
