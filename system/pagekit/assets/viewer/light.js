// A light form of a mesh, for turning: corners that lie in one cell of a grid become one, and triangles within a cell go. It looks
// rough and is quick to make; where the files service made levels, those are turned instead.

// Fewer turn well enough as they are.
export const HEAVY_TRIANGLES_MIN = 150_000;
const WANTED = 25_000;
const TOO_MANY = 40_000;
const FIRST_CELLS = 64;
const CELLS = [16, 96];

// Nine coordinates for each triangle that is left of `positions`, which lie between `low` and `high`.
export function lighter({ positions, low, high }) {
  let cells = FIRST_CELLS;
  let found = gathered(positions, low, high, cells);
  const triangles = found.length / 9;
  if (triangles > TOO_MANY || triangles < WANTED / 4) {
    const better = Math.round(cells * Math.sqrt(WANTED / Math.max(1, triangles)));
    cells = Math.min(CELLS[1], Math.max(CELLS[0], better));
    found = gathered(positions, low, high, cells);
  }
  return found;
}

function gathered(positions, low, high, cells) {
  const side = Math.max(...high.map((value, axis) => value - low[axis])) / cells || 1;
  // A corner on the far side of the box lies in a cell of its own.
  const across = cells + 1;
  const cellOf = new Int32Array(positions.length / 3);
  const numberOf = new Int32Array(across ** 3);
  const sums = [];
  const counts = [];
  for (let corner = 0; corner < cellOf.length; corner += 1) {
    const [x, y, z] = [positions[3 * corner], positions[3 * corner + 1], positions[3 * corner + 2]];
    const key =
      Math.floor((x - low[0]) / side) +
      across * (Math.floor((y - low[1]) / side) + across * Math.floor((z - low[2]) / side));
    let number = numberOf[key];
    if (number === 0) {
      sums.push(0, 0, 0);
      number = counts.push(0);
      numberOf[key] = number;
    }
    number -= 1;
    cellOf[corner] = number;
    sums[3 * number] += x;
    sums[3 * number + 1] += y;
    sums[3 * number + 2] += z;
    counts[number] += 1;
  }
  return between(cellOf, sums.map((sum, place) => sum / counts[(place / 3) | 0]));
}

// The triangles whose corners lie in three cells, drawn between the middles of those.
function between(cellOf, middles) {
  const kept = [];
  for (let corner = 0; corner < cellOf.length; corner += 3) {
    const [a, b, c] = [cellOf[corner], cellOf[corner + 1], cellOf[corner + 2]];
    if (a !== b && b !== c && c !== a) kept.push(a, b, c);
  }
  const light = new Float32Array(3 * kept.length);
  for (let corner = 0; corner < kept.length; corner += 1) {
    for (let axis = 0; axis < 3; axis += 1) light[3 * corner + axis] = middles[3 * kept[corner] + axis];
  }
  return light;
}
