// Reads an STL file, binary or text, into triangles; what pricing refuses to read, it refuses too.
//
// Our own and not three's STLLoader: that one imports "three" by a bare name, which needs an import map inside the page, and
// the pages' policy allows nothing inside a page; it works in the page's own thread; and it draws what is cut off or no number.

const HEADER_BYTES = 84;
const TRIANGLE_BYTES = 50;
// As the files service has it: a larger count in a header is no count, but four letters read as a number.
const PLAUSIBLE_TRIANGLES_MAX = 20_000_000;
const HEAD_BYTES = 1024;
const BEGINS_AS_TEXT = /^\s*solid\b/i;
// A whole line with a solid's name first: names may be any words.
const WORDS = /^[ \t]*(end)?solid\b[^\r\n]*|\bvertex\s+(\S+)\s+(\S+)\s+(\S+)|\bendloop\b/gim;

// Why a file cannot be shown: `reason` is "format" (no model of ours), "empty", "cut-off", "malformed" or "not-a-number".
export class Unreadable extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

// The triangles of a file: nine coordinates each in `positions`, `low` and `high` corners of the box around them.
// Throws Unreadable.
export function readStl(buffer) {
  const size = buffer.byteLength;
  const promised = size < HEADER_BYTES ? -1 : new DataView(buffer).getUint32(HEADER_BYTES - 4, true);
  // The size decides before the first word does: exporters write "solid" into binary headers too.
  const positions =
    size === HEADER_BYTES + TRIANGLE_BYTES * promised ? binary(buffer, promised) : text(buffer, promised);
  if (positions.length === 0) throw new Unreadable("empty");
  return { positions, ...box(positions) };
}

function binary(buffer, count) {
  const view = new DataView(buffer);
  const positions = new Float32Array(9 * count);
  for (let triangle = 0; triangle < count; triangle += 1) {
    // Twelve bytes of a normal come first; what exporters put there is not to be trusted.
    const at = HEADER_BYTES + TRIANGLE_BYTES * triangle + 12;
    for (let place = 0; place < 9; place += 1) positions[9 * triangle + place] = view.getFloat32(at + 4 * place, true);
  }
  return positions;
}

function text(buffer, promised) {
  if (buffer.byteLength === 0) throw new Unreadable("empty");
  const decoder = new TextDecoder("latin1");
  const head = decoder.decode(buffer.slice(0, HEAD_BYTES));
  if (!BEGINS_AS_TEXT.test(head) || head.includes("\0")) {
    throw new Unreadable(promised > 0 && promised <= PLAUSIBLE_TRIANGLES_MAX ? "cut-off" : "format");
  }
  const positions = [];
  let corners = 0;
  let ended = false;
  for (const [word, end, x, y, z] of decoder.decode(buffer).matchAll(WORDS)) {
    if (x !== undefined) {
      positions.push(Number(x), Number(y), Number(z));
      corners += 1;
      continue;
    }
    const isLoop = word.toLowerCase() === "endloop";
    if (corners !== (isLoop ? 3 : 0)) throw new Unreadable("malformed");
    corners = 0;
    if (!isLoop) ended = end !== undefined;
  }
  if (!ended) throw new Unreadable(positions.length ? "cut-off" : "format");
  return Float32Array.from(positions);
}

function box(positions) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let place = 0; place < positions.length; place += 1) {
    const value = positions[place];
    if (!Number.isFinite(value)) throw new Unreadable("not-a-number");
    const axis = place % 3;
    if (value < low[axis]) low[axis] = value;
    if (value > high[axis]) high[axis] = value;
  }
  return { low, high };
}
