// How much is drawn while the picture moves: all of it where the device keeps up, else less, one step at a time. What stands still is
// always drawn whole.

// Thirty pictures a second, and a little patience with clocks.
const FRAME_MS_MAX = 34;
// So many frames decide.
const FRAMES = 8;
// Longer than this nobody was drawing: the tab slept.
const ASLEEP_MS = 1000;

export class Pace {
  #steps;
  #step = 0;
  #last = null;
  #total = 0;
  #frames = 0;

  // `steps` ways to draw less, the first the best.
  constructor(steps) {
    this.#steps = steps;
  }

  // The step that a moving picture is drawn at: 0 is all of it.
  get step() {
    return this.#step;
  }

  // A frame of a moving picture begins.
  frame(now) {
    const took = this.#last === null ? Infinity : now - this.#last;
    this.#last = now;
    if (took > ASLEEP_MS) return;
    this.#total += took;
    this.#frames += 1;
    if (this.#frames < FRAMES) return;
    if (this.#total / this.#frames > FRAME_MS_MAX && this.#step < this.#steps) this.#step += 1;
    this.#total = 0;
    this.#frames = 0;
  }

  // It stands still: the time until it moves again tells nothing.
  rest() {
    this.#last = null;
  }
}
