// Which way the metal faces at every corner: round where triangles meet softly, sharp where they meet at an edge.

// Between triangles that meet at more than this angle there is an edge.
const EDGE_COSINE = Math.cos((35 * Math.PI) / 180);
// Triangles this many are so small that nobody sees them flat, and joining their corners would take seconds.
const JOINED_TRIANGLES_MAX = 250_000;
// More than this many triangles around one corner are a fan of slivers, and asking each of each would take for ever.
const AROUND_MAX = 64;
const FREE = -1;

// A direction of length one for each corner of `positions`, nine coordinates a triangle.
export function normalsOf(positions) {
  const count = positions.length / 9;
  const faces = facing(positions, count);
  const normals = new Float32Array(positions.length);
  if (count > JOINED_TRIANGLES_MAX) {
    for (let corner = 0; corner < 3 * count; corner += 1) put(normals, corner, faces, (corner / 3) | 0);
    return normals;
  }
  const { points, pointCount } = joined(positions);
  const around = meeting(points, pointCount);
  for (let corner = 0; corner < 3 * count; corner += 1) {
    soften(normals, corner, faces, around.corners.subarray(around.begins[points[corner]], around.begins[points[corner] + 1]));
  }
  return normals;
}

// Each triangle's direction, as long as the triangle is large: slivers weigh little.
function facing(positions, count) {
  const faces = new Float32Array(3 * count);
  for (let triangle = 0; triangle < count; triangle += 1) {
    const [ax, ay, az, bx, by, bz, cx, cy, cz] = positions.subarray(9 * triangle, 9 * triangle + 9);
    const [ux, uy, uz, vx, vy, vz] = [bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az];
    faces[3 * triangle] = uy * vz - uz * vy;
    faces[3 * triangle + 1] = uz * vx - ux * vz;
    faces[3 * triangle + 2] = ux * vy - uy * vx;
  }
  return faces;
}

// The number of the point that each corner lies on. Corners of equal coordinates lie on one point.
function joined(positions) {
  const corners = positions.length / 3;
  const points = new Uint32Array(corners);
  let size = 1024;
  while (size < 2 * corners) size *= 2;
  const table = new Int32Array(size).fill(FREE);
  // Adding zero makes minus zero a zero.
  const whole = new Int32Array(Float32Array.from(positions, (value) => value + 0).buffer);
  let pointCount = 0;
  for (let corner = 0; corner < corners; corner += 1) {
    const [x, y, z] = [whole[3 * corner], whole[3 * corner + 1], whole[3 * corner + 2]];
    let place = hashed(x, y, z) & (size - 1);
    let other = table[place];
    while (other !== FREE && !(whole[3 * other] === x && whole[3 * other + 1] === y && whole[3 * other + 2] === z)) {
      place = (place + 1) & (size - 1);
      other = table[place];
    }
    if (other === FREE) {
      table[place] = corner;
      points[corner] = pointCount;
      pointCount += 1;
    } else points[corner] = points[other];
  }
  return { points, pointCount };
}

function hashed(x, y, z) {
  let hash = Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca77) ^ Math.imul(z, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

// The corners that meet at each point: those of point p are `corners` from begins[p] to begins[p + 1].
function meeting(points, pointCount) {
  const begins = new Uint32Array(pointCount + 1);
  for (const point of points) begins[point + 1] += 1;
  for (let point = 0; point < pointCount; point += 1) begins[point + 1] += begins[point];
  const next = begins.slice(0, pointCount);
  const corners = new Uint32Array(points.length);
  for (let corner = 0; corner < points.length; corner += 1) {
    corners[next[points[corner]]] = corner;
    next[points[corner]] += 1;
  }
  return { begins, corners };
}

function soften(normals, corner, faces, others) {
  const own = (corner / 3) | 0;
  put(normals, corner, faces, own);
  if (others.length > AROUND_MAX) return;
  const [x, y, z] = normals.subarray(3 * corner, 3 * corner + 3);
  const sum = [0, 0, 0];
  for (const other of others) {
    const at = 3 * ((other / 3) | 0);
    const [fx, fy, fz] = [faces[at], faces[at + 1], faces[at + 2]];
    if (x * fx + y * fy + z * fz < EDGE_COSINE * Math.hypot(fx, fy, fz)) continue;
    sum[0] += fx;
    sum[1] += fy;
    sum[2] += fz;
  }
  put(normals, corner, sum, 0);
}

// A triangle without area faces nowhere: anything of length one will do, and it is not seen.
function put(normals, corner, directions, index) {
  const [x, y, z] = [directions[3 * index], directions[3 * index + 1], directions[3 * index + 2]];
  const length = Math.hypot(x, y, z);
  normals.set(length > 0 ? [x / length, y / length, z / length] : [0, 0, 1], 3 * corner);
}
