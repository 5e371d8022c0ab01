// The room that metal stands in.
import { BackSide, BoxGeometry, FrontSide, Mesh, MeshBasicMaterial, PMREMGenerator, Scene } from "./three.module.js";

// What the metal mirrors: a grey room with a large lamp above, one at each side and a strip in front; dark below.
export function lit(renderer) {
  const room = new Scene();
  const box = new BoxGeometry();
  const made = [];
  function put(brightness, [x, y, z], [width, depth, height], side = FrontSide) {
    const material = new MeshBasicMaterial({ side });
    material.color.setScalar(brightness);
    const part = new Mesh(box, material);
    part.position.set(x, y, z);
    part.scale.set(width, depth, height);
    room.add(part);
    made.push(material);
  }
  put(0.35, [0, 0, 0], [20, 20, 12], BackSide);
  put(0.06, [0, 0, -5.9], [19, 19, 0.1]);
  put(9, [0, 1, 5.8], [7, 5, 0.1]);
  put(5, [-9.8, -2, 1.5], [0.1, 6, 5]);
  put(3.5, [9.8, 3, 1], [0.1, 4, 6]);
  put(4, [3, -9.8, 2], [8, 0.1, 1.5]);
  put(2.5, [-3, 9.8, 1], [5, 0.1, 4]);
  const generator = new PMREMGenerator(renderer);
  const target = generator.fromScene(room, 0.03);
  generator.dispose();
  box.dispose();
  for (const material of made) material.dispose();
  return target;
}
