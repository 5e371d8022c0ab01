// Reads a model's level of detail: the one kind of GLB that the files service writes (system/files/adapters/levels/glb.py), and no other.
import { Unreadable } from "./stl.js";

const MAGIC = 0x46546c67;
const JSON_CHUNK = 0x4e4f534a;
const BINARY_CHUNK = 0x004e4942;
const HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const STEPS = 65535;
const UNSIGNED_SHORT = 5123;
const UNSIGNED_INT = 5125;

export function isGlb(buffer) {
  return buffer.byteLength >= HEADER_BYTES && new DataView(buffer).getUint32(0, true) === MAGIC;
}

// The triangles: nine coordinates each in `positions`, in millimetres, `low` and `high` corners of the box around them, and `scale`:
// how many millimetres one unit of the model's own file is.
// Throws Unreadable.
export function readGlb(buffer) {
  const { told, body } = chunks(buffer);
  const { corners, count } = cornersOf(told, body);
  const indices = indicesOf(told, body);
  const positions = new Float32Array(3 * indices.length);
  for (let corner = 0; corner < indices.length; corner += 1) {
    const index = indices[corner];
    if (index >= count) throw new Unreadable("malformed");
    positions.set(corners.subarray(3 * index, 3 * index + 3), 3 * corner);
  }
  const scale = told.asset?.extras?.scale;
  return { positions, ...box(corners), scale: Number.isFinite(scale) && scale > 0 ? scale : 1 };
}

function chunks(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(8, true) !== buffer.byteLength) throw new Unreadable("cut-off");
  const jsonBytes = length(view, HEADER_BYTES, JSON_CHUNK);
  const json = new Uint8Array(buffer, HEADER_BYTES + CHUNK_HEADER_BYTES, jsonBytes);
  const bodyAt = HEADER_BYTES + CHUNK_HEADER_BYTES + jsonBytes;
  const body = new DataView(buffer, bodyAt + CHUNK_HEADER_BYTES, length(view, bodyAt, BINARY_CHUNK));
  try {
    return { told: JSON.parse(new TextDecoder().decode(json)), body };
  } catch {
    throw new Unreadable("malformed");
  }
}

function length(view, at, kind) {
  if (at + CHUNK_HEADER_BYTES > view.byteLength || view.getUint32(at + 4, true) !== kind) throw new Unreadable("format");
  const bytes = view.getUint32(at, true);
  if (at + CHUNK_HEADER_BYTES + bytes > view.byteLength) throw new Unreadable("cut-off");
  return bytes;
}

// Three coordinates for each corner. The grid's own box is from 0 to 1, and the node puts it where the model is.
function cornersOf(told, body) {
  const accessor = told.accessors?.[told.meshes?.[0]?.primitives?.[0]?.attributes?.POSITION];
  const { scale, translation } = told.nodes?.[0] ?? {};
  const placed = [scale, translation].every((three) => three?.length === 3 && three.every(Number.isFinite));
  if (accessor?.componentType !== UNSIGNED_SHORT || !accessor.normalized || accessor.type !== "VEC3" || !placed) {
    throw new Unreadable("format");
  }
  const { at, stride } = place(told, accessor, body, 6);
  const corners = new Float32Array(3 * accessor.count);
  for (let place = 0; place < corners.length; place += 1) {
    const [corner, axis] = [(place / 3) | 0, place % 3];
    const step = body.getUint16(at + corner * stride + 2 * axis, true);
    corners[place] = translation[axis] + (scale[axis] * step) / STEPS;
  }
  return { corners, count: accessor.count };
}

function indicesOf(told, body) {
  const accessor = told.accessors?.[told.meshes[0].primitives[0].indices];
  const short = accessor?.componentType === UNSIGNED_SHORT;
  if (!(short || accessor?.componentType === UNSIGNED_INT) || accessor.count % 3) throw new Unreadable("format");
  if (accessor.count === 0) throw new Unreadable("empty");
  const { at, stride } = place(told, accessor, body, short ? 2 : 4);
  const indices = new Uint32Array(accessor.count);
  for (let index = 0; index < indices.length; index += 1) {
    indices[index] = short ? body.getUint16(at + index * stride, true) : body.getUint32(at + index * stride, true);
  }
  return indices;
}

// Where an accessor's values begin and how far apart they are. Throws Unreadable for one that does not lie whole in the body.
function place(told, accessor, body, bytes) {
  const view = told.bufferViews?.[accessor.bufferView];
  const at = (view?.byteOffset ?? 0) + (accessor.byteOffset ?? 0);
  const stride = view?.byteStride ?? bytes;
  const whole = [accessor.count, at, stride].every((number) => Number.isInteger(number) && number >= 0);
  if (!view || !whole) throw new Unreadable("format");
  if (accessor.count && at + stride * (accessor.count - 1) + bytes > body.byteLength) throw new Unreadable("cut-off");
  return { at, stride };
}

function box(corners) {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let place = 0; place < corners.length; place += 1) {
    low[place % 3] = Math.min(low[place % 3], corners[place]);
    high[place % 3] = Math.max(high[place % 3], corners[place]);
  }
  return { low, high };
}
