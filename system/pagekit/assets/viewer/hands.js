// A canvas in somebody's hands.

const KEY_STEP = 0.15;
export const ZOOM_STEP = 1.2;

// Pointer, wheel and keys as turns and zooms. A finger that moves up and down still scrolls the page (viewer.css), and so does
// a wheel, until the picture was chosen by a click or a key.
export function hands(canvas, signal, act) {
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

export function clamped(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
