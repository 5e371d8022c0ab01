// The model as metal in a lit room: drawn when something changed, turned by pointer, touch and keys.
import {
  BackSide,
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  DirectionalLight,
  DoubleSide,
  FrontSide,
  Mesh,
  MeshBasicMaterial,
  MeshStandardMaterial,
  NeutralToneMapping,
  PerspectiveCamera,
  PMREMGenerator,
  Scene,
  WebGLRenderer,
} from "./three.module.js";

// What light leaves of each metal, and how finely it is polished. Fewer grains of gold are paler.
const METALS = {
  gold_585: { color: 0xe8c083, roughness: 0.22 },
  gold_750: { color: 0xf0b84a, roughness: 0.2 },
  silver_925: { color: 0xf3f1ec, roughness: 0.2 },
  platinum_950: { color: 0xcfccc6, roughness: 0.27 },
};
const PLASTER = { color: 0xb9bec6, roughness: 0.6, metalness: 0.1 };
const PIXELS_PER_POINT_MAX = 2;
const VIEW_DEGREES = 30;
const START = { turn: -0.9, height: 0.5, distance: 1.15 };
const HEIGHT_MAX = 1.5;
const DISTANCES = [0.35, 3];
const TURN_PER_S = 0.4;
const PAUSE_S = 0.1;
const ZOOM_STEP = 1.2;
const KEY_STEP = 0.15;

// A model on a canvas. `onHand` is called when somebody turns it, `onLost` when the device takes the picture away.
// The constructor throws when the device cannot draw.
export class Stage {
  #canvas;
  #renderer;
  #scene = new Scene();
  #camera = new PerspectiveCamera(VIEW_DEGREES, 1, 0.1, 10);
  #room;
  #body;
  #look = { ...START };
  #ended = new AbortController();
  #observers;
  #frame = 0;
  #drawn = 0;
  #turning = false;
  #seen = true;

  constructor(canvas, mesh, { material, onHand, onLost }) {
    const { signal } = this.#ended;
    this.#canvas = canvas;
    this.#renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.#renderer.toneMapping = NeutralToneMapping;
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, PIXELS_PER_POINT_MAX));
    this.#room = lit(this.#renderer);
    this.#scene.environment = this.#room.texture;
    // Models stand along z: rings are drawn lying and pendants hanging.
    this.#camera.up.set(0, 0, 1);
    const lamp = new DirectionalLight(0xffffff, 1.5);
    lamp.position.set(-1, 2, 1);
    this.#camera.add(lamp);
    this.#body = metal(mesh, material);
    this.#scene.add(this.#camera, this.#body);
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

  // By radians around and up, and by how much closer.
  move({ turn = 0, height = 0, zoom = 1 }) {
    this.#look.turn += turn;
    this.#look.height = clamped(this.#look.height + height, -HEIGHT_MAX, HEIGHT_MAX);
    this.#look.distance = clamped(this.#look.distance / zoom, ...DISTANCES);
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

  dispose() {
    this.#ended.abort();
    for (const observer of this.#observers) observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#body.geometry.dispose();
    this.#body.material.dispose();
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
      this.#wake();
    }
    place(this.#camera, this.#look);
    this.#renderer.render(this.#scene, this.#camera);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas.parentElement;
    if (!width || !height) return;
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    this.#wake();
  }
}

// The model in its metal, its middle in the middle of the scene, as large as a ball of radius one.
function metal({ positions, normals, low, high }, material) {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setAttribute("normal", new BufferAttribute(normals, 3));
  const looks = METALS[material] ?? PLASTER;
  // Some programs write triangles inside out: both sides are metal.
  const body = new Mesh(geometry, new MeshStandardMaterial({ metalness: 1, side: DoubleSide, ...looks }));
  const scale = 2 / (Math.hypot(...high.map((value, axis) => value - low[axis])) || 1);
  body.scale.setScalar(scale);
  body.position.set(...low.map((value, axis) => (-scale * (value + high[axis])) / 2));
  // The ball around a model of any size is the same, and three need not read all corners to find it.
  body.frustumCulled = false;
  return body;
}

// What the metal mirrors: a grey room with a large lamp above, one at each side and a strip in front; dark below.
function lit(renderer) {
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

function place(camera, { turn, height, distance }) {
  // Far enough for the whole ball, also where the picture is higher than wide.
  const half = Math.tan((VIEW_DEGREES * Math.PI) / 360) * Math.min(1, camera.aspect);
  const away = (distance * Math.hypot(1, half)) / half;
  const flat = away * Math.cos(height);
  camera.position.set(flat * Math.cos(turn), flat * Math.sin(turn), away * Math.sin(height));
  camera.near = Math.max(0.01, away - 1.1);
  camera.far = away + 1.1;
  camera.updateProjectionMatrix();
  camera.lookAt(0, 0, 0);
}

function clamped(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// Pointer, wheel and keys as turns and zooms. A finger that moves up and down still scrolls the page (viewer.css), and so does
// a wheel, until the picture was chosen by a click or a key.
function hands(canvas, signal, act) {
  const pointers = new Map();
  const apart = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one.x - other.x, one.y - other.y);
  };
  const on = (name, listener) => canvas.addEventListener(name, listener, { signal, passive: false });
  on("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  on("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const before = pointers.size === 2 ? apart() : 0;
    const [across, down] = [event.clientX - last.x, event.clientY - last.y];
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const radians = Math.PI / canvas.clientHeight;
    if (pointers.size === 1) act({ turn: -across * radians, height: down * radians });
    else if (before) act({ zoom: apart() / before });
  });
  for (const end of ["pointerup", "pointercancel"]) on(end, (event) => pointers.delete(event.pointerId));
  on("wheel", (event) => {
    // Two fingers on a touchpad come as a wheel with the control key.
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    act({ zoom: ZOOM_STEP ** clamped(-event.deltaY / (event.ctrlKey ? 20 : 100), -2, 2) });
  });
  on("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = {
      ArrowLeft: { turn: KEY_STEP },
      ArrowRight: { turn: -KEY_STEP },
      ArrowUp: { height: -KEY_STEP },
      ArrowDown: { height: KEY_STEP },
      "+": { zoom: ZOOM_STEP },
      "=": { zoom: ZOOM_STEP },
      "-": { zoom: 1 / ZOOM_STEP },
    }[event.key];
    if (!by) return;
    event.preventDefault();
    // The board's own keys stay the board's.
    event.stopPropagation();
    act(by);
  });
}
