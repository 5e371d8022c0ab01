// Reads a model where nobody waits for it: gets the file's bytes, answers with triangles or with why there are none.
import { isGlb, readGlb } from "./glb.js";
import { HEAVY_TRIANGLES_MIN, lighter } from "./light.js";
import { normalsOf } from "./normals.js";
import { readStl, Unreadable } from "./stl.js";

self.addEventListener("message", ({ data }) => {
  try {
    const isLevel = isGlb(data);
    const found = isLevel ? readGlb(data) : readStl(data);
    const mesh = { ...found, normals: normalsOf(found.positions), isLevel };
    const light = !isLevel && mesh.positions.length / 9 > HEAVY_TRIANGLES_MIN ? lightOf(mesh) : null;
    const moved = [mesh, light].flatMap((one) => (one ? [one.positions.buffer, one.normals.buffer] : []));
    self.postMessage({ mesh, light }, moved);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    self.postMessage({ unreadable: error.reason });
  }
});

function lightOf(mesh) {
  const positions = lighter(mesh);
  return positions.length ? { ...mesh, positions, normals: normalsOf(positions) } : null;
}
