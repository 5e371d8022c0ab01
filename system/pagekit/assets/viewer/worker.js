// Reads a model where nobody waits for it: gets the file's bytes, answers with triangles or with why there are none.
import { normalsOf } from "./normals.js";
import { readStl, Unreadable } from "./stl.js";

self.addEventListener("message", ({ data }) => {
  try {
    const mesh = readStl(data);
    const normals = normalsOf(mesh.positions);
    self.postMessage({ mesh: { ...mesh, normals } }, [mesh.positions.buffer, normals.buffer]);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    self.postMessage({ unreadable: error.reason });
  }
});
