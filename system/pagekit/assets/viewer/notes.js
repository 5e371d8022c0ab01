// What is written upon a model: its three dimensions along the box around it, and marks at places of it, always on top; and how thick its
// walls are, by colour, on the metal itself.
import {
  BackSide,
  BufferAttribute,
  BufferGeometry,
  Color,
  Group,
  InstancedMesh,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  MeshBasicMaterial,
  SphereGeometry,
  Vector3,
} from "./three.module.js";

const MARK_COLOUR = 0xe5007d;
const MARK_RADIUS = 0.022;
// Light around each, so that it stands out from any metal.
const HALO = 1.5;
const MARKS_MAX = 500;
// Too thin, thin, and as thick as it should be are told apart by their size too.
const WALL_RADII = { reject: 0.024, thin: 0.019, fine: 0.013 };
// Of the largest extent: how far from the box its lines lie, and how long their ends are.
const AWAY = 0.08;
const TICK = 0.03;
const ON_TOP = 10;
// Drawn last, over whatever is nearer, in just this colour.
const OVER_ALL = { depthTest: false, depthWrite: false, transparent: true, toneMapped: false };

// Small balls at places in the scene.
export class Marks {
  #group = new Group();

  get group() {
    return this.#group;
  }

  show(places) {
    this.dispose();
    const shown = places.slice(0, MARKS_MAX);
    if (!shown.length) return;
    this.#balls(shown, MARK_RADIUS * HALO, 0xffffff, { side: BackSide, order: ON_TOP });
    this.#balls(shown, MARK_RADIUS, MARK_COLOUR, { order: ON_TOP + 1 });
  }

  dispose() {
    empty(this.#group);
  }

  #balls(places, radius, color, { order, ...more }) {
    const material = new MeshBasicMaterial({ color, ...OVER_ALL, ...more });
    const balls = new InstancedMesh(new SphereGeometry(radius, 12, 8), material, places.length);
    places.forEach((place, number) => balls.setMatrixAt(number, new Matrix4().makeTranslation(...place)));
    balls.renderOrder = order;
    balls.frustumCulled = false;
    this.#group.add(balls);
  }
}

// Half balls on the surface, each in the colour of the wall behind it: { place, kind }.
export class Walls {
  #group = new Group();

  get group() {
    return this.#group;
  }

  show(points, colours) {
    this.dispose();
    if (!points.length) return;
    const material = new MeshBasicMaterial({ toneMapped: false });
    const balls = new InstancedMesh(new SphereGeometry(1, 10, 6), material, points.length);
    points.forEach(({ place, kind }, number) => {
      balls.setMatrixAt(number, new Matrix4().makeScale(...Array(3).fill(WALL_RADII[kind])).setPosition(...place));
      balls.setColorAt(number, new Color(colours[kind]));
    });
    balls.frustumCulled = false;
    this.#group.add(balls);
  }

  dispose() {
    empty(this.#group);
  }
}

function empty(group) {
  for (const balls of [...group.children]) {
    group.remove(balls);
    balls.geometry.dispose();
    balls.material.dispose();
    balls.dispose();
  }
}

// Lines along a box in the scene, from `low` to `high`, on the sides that somebody looks at; `labels` are three elements over the
// picture, which say the extents and are moved along.
export class Dimensions {
  #low;
  #high;
  #labels;
  #lines;

  constructor({ low, high, labels, colour }) {
    this.#low = low;
    this.#high = high;
    this.#labels = labels;
    const geometry = new BufferGeometry();
    // Of each dimension: a line, and a short one at either end.
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(3 * 3 * 2 * 3), 3));
    this.#lines = new LineSegments(geometry, new LineBasicMaterial({ color: colour, ...OVER_ALL }));
    this.#lines.renderOrder = ON_TOP;
    this.#lines.frustumCulled = false;
  }

  get lines() {
    return this.#lines;
  }

  // Puts lines and labels where the camera sees them best, in a picture of this size.
  place(camera, width, height) {
    const spans = spansSeenFrom(camera.position, this.#low, this.#high);
    const points = this.#lines.geometry.getAttribute("position");
    spans.forEach(({ ends, out }, axis) => {
      const tick = out.clone().multiplyScalar(TICK);
      const [one, other] = ends;
      const segments = [
        [one, other],
        [one.clone().sub(tick), one.clone().add(tick)],
        [other.clone().sub(tick), other.clone().add(tick)],
      ];
      segments.flat().forEach((point, number) => points.setXYZ(6 * axis + number, point.x, point.y, point.z));
      const middle = one.clone().add(other).multiplyScalar(0.5).project(camera);
      const [left, top] = [((middle.x + 1) * width) / 2, ((1 - middle.y) * height) / 2];
      this.#labels[axis].style.transform = `translate(-50%, -50%) translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
    });
    points.needsUpdate = true;
  }

  dispose() {
    this.#lines.geometry.dispose();
    this.#lines.material.dispose();
  }
}

// For each axis the two ends of its line, and the direction in which it lies away from the box. Length and width lie below, on the near
// sides; the height stands at the side, where it hides nothing.
export function spansSeenFrom(eye, low, high) {
  const near = [0, 1].map((axis) => (eye.getComponent(axis) >= (low[axis] + high[axis]) / 2 ? 1 : -1));
  const end = (axis, side) => (side > 0 ? high[axis] : low[axis]);
  const away = AWAY * Math.max(...high.map((value, axis) => value - low[axis]));
  const x = end(0, near[0]) + away * near[0];
  const y = end(1, near[1]) + away * near[1];
  return [
    { ends: [new Vector3(low[0], y, low[2]), new Vector3(high[0], y, low[2])], out: new Vector3(0, 1, 0) },
    { ends: [new Vector3(x, low[1], low[2]), new Vector3(x, high[1], low[2])], out: new Vector3(1, 0, 0) },
    {
      ends: [low[2], high[2]].map((z) => new Vector3(x, end(1, -near[1]), z)),
      out: new Vector3(1, 0, 0),
    },
  ];
}
