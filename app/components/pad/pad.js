// The drawing pad. A stroke is {points: [x0, y0, x1, y1, …], size, shade, fill}, in pixels of the
// surface below; shade 0 erases. Python gets {png, strokes, number} after each stroke.

const SURFACE = 448; // sixteen times the model's 28 pixels: fine lines, cheap to fill
const SENT = 224;
const MIN_STEP = 2; // pixels between two kept points
const CLOSED_GAP = 0.3; // a gap below this share of a stroke's diagonal counts as closed
const INK = 24; // darker pixels are background, smoothing included

const pads = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  const canvas = parentElement.querySelector(".surface canvas");
  let pad = pads.get(canvas);
  if (!pad) {
    pad = new Pad(parentElement, canvas, data);
    pads.set(canvas, pad);
  }
  pad.send = (drawing) => setStateValue("drawing", drawing);
}

class Pad {
  constructor(root, canvas, { strokes, number, samples }) {
    this.canvas = canvas;
    this.hint = root.querySelector(".hint");
    this.tools = Object.fromEntries(
      ["size", "fill", "erase", "undo", "clear"].map((name) => [
        name,
        root.querySelector(`.tools [name=${name}]`),
      ]),
    );
    this.shades = root.querySelector(".shades");
    this.strokes = strokes;
    this.number = number;
    this.cleared = null; // strokes that "Clear" removed, until the next stroke
    canvas.width = canvas.height = SURFACE;
    this.screen = canvas.getContext("2d");
    this.finished = surface(SURFACE); // every finished stroke; the screen adds the current one
    this.listen(root);
    for (const sample of samples) root.querySelector(".samples").append(this.sampleButton(sample));
    this.replay();
  }

  listen(root) {
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", (event) => this.end(event));
    this.canvas.addEventListener("pointercancel", () => this.abandon());
    this.tools.erase.addEventListener("click", () => this.setErasing(!this.erasing));
    this.tools.undo.addEventListener("click", () => this.undo());
    this.tools.clear.addEventListener("click", () => this.clear());
    this.shades.addEventListener("change", () => this.setErasing(false));
    root.querySelector(".pad").addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z") {
        event.preventDefault();
        this.undo();
      }
    });
  }

  get erasing() {
    return this.tools.erase.getAttribute("aria-pressed") === "true";
  }

  setErasing(on) {
    this.tools.erase.setAttribute("aria-pressed", String(on));
  }

  begin(event) {
    if (this.current || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    const shade = Number(this.shades.querySelector("input:checked").value);
    this.current = {
      points: [],
      size: Number(this.tools.size.value),
      shade: this.erasing ? 0 : shade,
      fill: this.tools.fill.checked && !this.erasing,
    };
    this.extend(event);
  }

  move(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) this.extend(each);
  }

  extend(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = SURFACE / box.width;
    const x = Math.round(clamp((event.clientX - box.left) * scale));
    const y = Math.round(clamp((event.clientY - box.top) * scale));
    const points = this.current.points;
    const far = Math.hypot(x - points.at(-2), y - points.at(-1)) >= MIN_STEP;
    if (points.length && !far) return;
    points.push(x, y);
    this.render();
    drawLine(this.screen, this.current);
  }

  end(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    this.extend(event);
    const stroke = this.current;
    this.current = null;
    this.strokes = [...this.strokes, stroke];
    this.cleared = null;
    apply(this.finished, stroke);
    this.changed();
  }

  // The system cancelled the pointer (a gesture, a call): discard the unfinished stroke.
  abandon() {
    this.current = null;
    this.render();
  }

  undo() {
    if (this.strokes.length) this.strokes = this.strokes.slice(0, -1);
    else if (this.cleared) this.strokes = this.cleared;
    else return;
    this.cleared = null;
    this.replay();
    this.changed();
  }

  clear() {
    this.cleared = this.strokes;
    this.strokes = [];
    this.replay();
    this.changed();
  }

  load(strokes) {
    this.cleared = null;
    this.strokes = strokes;
    this.replay();
    this.changed();
  }

  replay() {
    this.finished = surface(SURFACE);
    for (const stroke of this.strokes) apply(this.finished, stroke);
    this.render();
  }

  changed() {
    this.render();
    this.number += 1;
    const png = this.strokes.length ? this.png() : null;
    this.send({ png, strokes: this.strokes, number: this.number });
  }

  png() {
    const small = surface(SENT);
    small.imageSmoothingQuality = "high";
    small.drawImage(this.finished.canvas, 0, 0, SENT, SENT);
    return small.canvas.toDataURL("image/png");
  }

  render() {
    this.screen.drawImage(this.finished.canvas, 0, 0);
    const count = this.strokes.length;
    this.hint.hidden = count > 0 || Boolean(this.current);
    this.tools.undo.disabled = count === 0 && !this.cleared;
    this.tools.clear.disabled = count === 0;
    const strokes = count === 1 ? "1 stroke" : `${count} strokes`;
    this.canvas.setAttribute("aria-label", `Drawing pad, ${count ? strokes : "empty"}`);
  }

  sampleButton({ name, strokes }) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `Use the sample: ${name}`);
    const large = surface(SURFACE);
    for (const stroke of strokes) apply(large, stroke);
    const thumb = surface(112);
    thumb.drawImage(large.canvas, 0, 0, 112, 112);
    button.append(thumb.canvas, name);
    button.addEventListener("click", () => this.load(strokes));
    return button;
  }
}

// A black square to draw on.
function surface(size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#000";
  context.fillRect(0, 0, size, size);
  return context;
}

function apply(context, stroke) {
  if (!stroke.fill) {
    drawLine(context, stroke);
    return;
  }
  const before = holes(context);
  drawLine(context, stroke);
  if (isClosed(stroke.points)) context.fill();
  fillNewHoles(context, before, stroke.shade);
}

// Leaves the path in the context for the caller to fill.
function drawLine(context, { points, size, shade }) {
  context.strokeStyle = context.fillStyle = `rgb(${shade},${shade},${shade})`;
  context.lineWidth = size;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(points[0], points[1]);
  // Curves through the midpoints: a polygon's corners stay, because their points are far apart.
  for (let i = 2; i < points.length - 2; i += 2) {
    const [x, y, nextX, nextY] = points.slice(i, i + 4);
    const near = Math.hypot(nextX - x, nextY - y) < 24;
    if (near) context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    else context.lineTo(x, y);
  }
  context.lineTo(points.at(-2), points.at(-1));
  context.stroke();
}

function isClosed(points) {
  if (points.length < 6) return false;
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const width = Math.max(...xs) - Math.min(...xs);
  const height = Math.max(...ys) - Math.min(...ys);
  const gap = Math.hypot(xs[0] - xs.at(-1), ys[0] - ys.at(-1));
  return gap < CLOSED_GAP * Math.hypot(width, height);
}

// Returns one byte per pixel: 1 where ink encloses background.
function holes(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const OUTSIDE = 2;
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i += 1) mask[i] = data[i * 4] < INK ? 1 : 0;
  const stack = [];
  const visit = (i) => {
    if (mask[i] === 1) {
      mask[i] = OUTSIDE;
      stack.push(i);
    }
  };
  for (let i = 0; i < width; i += 1) {
    visit(i);
    visit(i + (height - 1) * width);
    visit(i * width);
    visit(i * width + width - 1);
  }
  while (stack.length) {
    const i = stack.pop();
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < mask.length - width) visit(i + width);
  }
  for (let i = 0; i < mask.length; i += 1) if (mask[i] === OUTSIDE) mask[i] = 0;
  return mask;
}

// Earlier holes stay: the visitor erased them.
function fillNewHoles(context, before, shade) {
  const now = holes(context);
  const { width, height } = context.canvas;
  const image = context.getImageData(0, 0, width, height);
  let filled = false;
  for (let i = 0; i < now.length; i += 1) {
    if (now[i] && !before[i]) {
      image.data.fill(shade, i * 4, i * 4 + 3);
      filled = true;
    }
  }
  if (filled) context.putImageData(image, 0, 0);
}

function clamp(value) {
  return Math.min(Math.max(value, 0), SURFACE);
}
