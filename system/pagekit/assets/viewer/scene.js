// The model as metal in a lit room: drawn when something changed, turned by pointer, touch and keys. Where the device is slow, less
// is drawn while it moves (pace.js).
import {
  BufferAttribute,
  BufferGeometry,
  DirectionalLight,
  DoubleSide,
  Mesh,
  MeshStandardMaterial,
  NeutralToneMapping,
  PerspectiveCamera,
  Scene,
  WebGLRenderer,
} from "./three.module.js";
import { clamped, hands, ZOOM_STEP } from "./hands.js";
import { Dimensions, Marks, Walls } from "./notes.js";
import { Pace } from "./pace.js";
import { lit } from "./room.js";

// What light leaves of each metal, and how finely it is polished. Fewer grains of gold are paler.
const METALS = {
  gold_585: { color: 0xe8c083, roughness: 0.22, metalness: 1 },
  gold_750: { color: 0xf0b84a, roughness: 0.2, metalness: 1 },
  silver_925: { color: 0xf3f1ec, roughness: 0.2, metalness: 1 },
  platinum_950: { color: 0xcfccc6, roughness: 0.27, metalness: 1 },
};
const PLASTER = { color: 0xb9bec6, roughness: 0.6, metalness: 0.1 };
// Two pixels a point smooth the edges, also where a screen has one. The device's own smoothing is not asked for: it cannot be given up while
// the picture moves, and drawn by software it costs two frames of three.
const PIXELS_PER_POINT = 2;
// What a moving picture may cost less: first by the light form of the model, then by fewer pixels too.
const STEPS = 2;
const STILL_AFTER_MS = 200;
const VIEW_DEGREES = 30;
const START = { turn: -0.9, height: 0.5, distance: 1.15 };
const HEIGHT_MAX = 1.5;
const DISTANCES = [0.35, 3];
const TURN_PER_S = 0.4;
const PAUSE_S = 0.1;

// A model on a canvas. `light` is a mesh of the same model that turns more easily, if there is one. `onHand` is called when somebody
// turns it, `onLost` when the device takes the picture away. The constructor throws when the device cannot draw.
export class Stage {
  #canvas;
  #renderer;
  #scene = new Scene();
  #camera = new PerspectiveCamera(VIEW_DEGREES, 1, 0.1, 10);
  #room;
  #material;
  #frameOf;
  #body;
  #light = null;
  #marks = new Marks();
  #walls = new Walls();
  #dimensions = null;
  #look = { ...START };
  #pace = new Pace(STEPS);
  #ended = new AbortController();
  #observers;
  #frame = 0;
  #drawn = 0;
  #movedAt = -Infinity;
  #turning = false;
  #seen = true;

  constructor(canvas, mesh, { material, light = null, onHand, onLost }) {
    const { signal } = this.#ended;
    this.#canvas = canvas;
    this.#renderer = new WebGLRenderer({ canvas, antialias: false, alpha: true });
    this.#renderer.toneMapping = NeutralToneMapping;
    this.#renderer.setPixelRatio(PIXELS_PER_POINT);
    this.#room = lit(this.#renderer);
    this.#scene.environment = this.#room.texture;
    // Models stand along z: rings are drawn lying and pendants hanging.
    this.#camera.up.set(0, 0, 1);
    const lamp = new DirectionalLight(0xffffff, 1.5);
    lamp.position.set(-1, 2, 1);
    this.#camera.add(lamp);
    // Some programs write triangles inside out: both sides are metal.
    this.#material = new MeshStandardMaterial({ side: DoubleSide, ...(METALS[material] ?? PLASTER) });
    this.#frameOf = frameOf(mesh);
    this.#body = this.#metal(mesh);
    if (light) this.#light = this.#metal(light);
    this.#scene.add(this.#camera, this.#marks.group, this.#walls.group);
    canvas.addEventListener("webglcontextlost", onLost, { signal });
    hands(canvas, signal, (by) => {
      if (by.turn) onHand();
      this.move(by);
    });
    const resizing = new ResizeObserver(() => this.#resize());
    resizing.observe(canvas.parentElement);
    // Nobody looks: nothing is drawn.
    const watching = new IntersectionObserver((entries) => {
      this.#seen = entries.at(-1).isIntersecting;
      this.#wake();
    });
    watching.observe(canvas);
    this.#observers = [resizing, watching];
  }

  // A finer mesh of the same model takes the place of what is shown, which turns on where the device is slow.
  refine(mesh) {
    if (this.#light) this.#forget(this.#light);
    this.#light = this.#body;
    this.#body = this.#metal(mesh);
    this.#wake();
  }

  // In another material.
  recolour(material) {
    this.#material.setValues(METALS[material] ?? PLASTER);
    this.#wake();
  }

  // By radians around and up, and by how much closer.
  move({ turn = 0, height = 0, zoom = 1 }) {
    this.#look.turn += turn;
    this.#look.height = clamped(this.#look.height + height, -HEIGHT_MAX, HEIGHT_MAX);
    this.#look.distance = clamped(this.#look.distance / zoom, ...DISTANCES);
    this.#movedAt = performance.now();
    this.#wake();
  }

  zoom(steps) {
    this.move({ zoom: ZOOM_STEP ** steps });
  }

  reset() {
    Object.assign(this.#look, START);
    this.#wake();
  }

  turn(on) {
    this.#turning = on;
    this.#wake();
  }

  // Marks places of the model, in its own units, and turns the first one to whoever looks.
  mark(places) {
    const shown = places.map((place) => this.#placed(place));
    this.#marks.show(shown);
    const [x, y, z] = shown[0] ?? [0, 0, 0];
    if (x || y || z) {
      this.#look.turn = Math.atan2(y, x);
      this.#look.height = clamped(Math.atan2(z, Math.hypot(x, y)), -HEIGHT_MAX, HEIGHT_MAX);
    }
    this.#wake();
  }

  // Shows how thick the walls are at these points, { place, kind }, places in the model's own units; `colours` are those of each kind.
  walls(points, colours = {}) {
    this.#walls.show(points.map(({ place, kind }) => ({ place: this.#placed(place), kind })), colours);
    this.#wake();
  }

  // Shows the three dimensions by lines, with these elements as labels; without labels not any more.
  measure(labels) {
    if (this.#dimensions) {
      this.#scene.remove(this.#dimensions.lines);
      this.#dimensions.dispose();
      this.#dimensions = null;
    }
    if (labels) {
      const [low, high] = [this.#frameOf.low, this.#frameOf.high].map((corner) => this.#placed(corner));
      this.#dimensions = new Dimensions({ low, high, labels, colour: getComputedStyle(this.#canvas).color });
      this.#scene.add(this.#dimensions.lines);
    }
    this.#wake();
  }

  dispose() {
    this.#ended.abort();
    for (const observer of this.#observers) observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#seen = false;
    this.measure(null);
    this.#marks.dispose();
    this.#walls.dispose();
    for (const body of [this.#body, this.#light]) if (body) this.#forget(body);
    this.#material.dispose();
    this.#room.dispose();
    this.#renderer.dispose();
    // A page may hold only a few, and the collector is in no hurry.
    this.#renderer.forceContextLoss();
  }

  #wake() {
    if (!this.#frame && this.#seen) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    this.#frame = 0;
    if (this.#turning) {
      // After a pause it goes on from where it stood.
      this.#look.turn += TURN_PER_S * Math.min((now - this.#drawn) / 1000, PAUSE_S);
      this.#drawn = now;
    }
    const moving = this.#turning || now - this.#movedAt < STILL_AFTER_MS;
    if (moving) {
      this.#pace.frame(now);
      // Also after the last move: once it stands still, it is drawn whole.
      this.#wake();
    } else this.#pace.rest();
    this.#lighten(moving ? this.#pace.step : 0);
    place(this.#camera, this.#look);
    this.#camera.updateMatrixWorld();
    this.#dimensions?.place(this.#camera, this.#canvas.clientWidth, this.#canvas.clientHeight);
    this.#renderer.render(this.#scene, this.#camera);
  }

  #lighten(step) {
    const light = step > 0 && this.#light !== null;
    this.#body.visible = !light;
    if (this.#light) this.#light.visible = light;
    const ratio = step < STEPS ? PIXELS_PER_POINT : 1;
    if (this.#renderer.getPixelRatio() !== ratio) this.#renderer.setPixelRatio(ratio);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas.parentElement;
    if (!width || !height) return;
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    this.#wake();
  }

  // Where a place of the model, in its own units, is in the scene.
  #placed(place) {
    const { scale, middle } = this.#frameOf;
    return place.map((value, axis) => scale * (value - middle[axis]));
  }

  // The model in its metal, its middle in the middle of the scene, as large as a ball of radius one.
  #metal({ positions, normals }) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    geometry.setAttribute("normal", new BufferAttribute(normals, 3));
    const body = new Mesh(geometry, this.#material);
    body.scale.setScalar(this.#frameOf.scale);
    body.position.set(...this.#placed([0, 0, 0]));
    // The ball around a model of any size is the same, and three need not read all corners to find it.
    body.frustumCulled = false;
    this.#scene.add(body);
    return body;
  }

  #forget(body) {
    this.#scene.remove(body);
    body.geometry.dispose();
  }
}


function frameOf({ low, high }) {
  const size = high.map((value, axis) => value - low[axis]);
  return {
    low,
    high,
    scale: 2 / (Math.hypot(...size) || 1),
    middle: high.map((value, axis) => (value + low[axis]) / 2),
  };
}

function place(camera, { turn, height, distance }) {
  // Far enough for the whole ball, also where the picture is higher than wide.
  const half = Math.tan((VIEW_DEGREES * Math.PI) / 360) * Math.min(1, camera.aspect);
  const away = (distance * Math.hypot(1, half)) / half;
  const flat = away * Math.cos(height);
  camera.position.set(flat * Math.cos(turn), flat * Math.sin(turn), away * Math.sin(height));
  camera.near = Math.max(0.01, away - 1.4);
  camera.far = away + 1.4;
  camera.updateProjectionMatrix();
  camera.lookAt(0, 0, 0);
}
