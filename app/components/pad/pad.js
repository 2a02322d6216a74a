// The drawing pad, after strokes.js in one module. Python gets {png, strokes, number} after each
// stroke. `png` is null while there is nothing to see.

const SENT = 224; // pixels of the picture each way
const MIN_STEP = 2; // pixels between two points of a stroke
const MAX_UNDO = 500; // states of the pad

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
  constructor(root, canvas, { strokes, number, samples, max_strokes, max_coordinates }) {
    this.canvas = canvas;
    this.hint = root.querySelector(".hint");
    this.full = root.querySelector(".full");
    this.limits = { strokes: max_strokes, coordinates: max_coordinates };
    this.tools = Object.fromEntries(
      ["size", "fill", "erase", "undo", "redo", "clear"].map((name) => [
        name,
        root.querySelector(`.tools [name=${name}]`),
      ]),
    );
    this.shades = root.querySelector(".shades");
    this.strokes = strokes;
    this.number = number;
    // The strokes before each change, and after each change that was undone.
    this.past = strokes.map((_, count) => strokes.slice(0, count));
    this.future = [];
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
    this.tools.redo.addEventListener("click", () => this.redo());
    this.tools.clear.addEventListener("click", () => this.clear());
    this.shades.addEventListener("change", () => this.setErasing(false));
    // On the whole page: after a drawing with the mouse, nothing has the keyboard's focus.
    const shortcut = (event) => {
      if (this.canvas.isConnected) this.press(event);
      else document.removeEventListener("keydown", shortcut);
    };
    document.addEventListener("keydown", shortcut);
  }

  press(event) {
    const [target] = event.composedPath();
    const elsewhere = event.defaultPrevented || isTextField(target) || !this.canvas.checkVisibility();
    if (elsewhere || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    const key = letter(event);
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) this.redo();
    else this.undo();
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
    if (this.strokes.length >= this.limits.strokes || this.room() < 2) {
      this.full.hidden = false;
      return;
    }
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
    if (points.length >= this.room()) this.shorten();
  }

  // Coordinates that the drawing may still get, the current stroke included.
  room() {
    return this.strokes.reduce((room, { points }) => room - points.length, this.limits.coordinates);
  }

  // The current stroke has reached the limit: simplify it now, and end it if that does not help.
  shorten() {
    const room = this.room();
    this.current.points = simplified(this.current.points);
    if (this.current.points.length < 0.9 * room) return;
    this.current.points.length = Math.min(this.current.points.length, room - (room % 2));
    this.finish();
    this.full.hidden = false;
  }

  end(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    this.extend(event);
    if (this.current) this.finish();
  }

  finish() {
    const stroke = { ...this.current, points: simplified(this.current.points) };
    this.current = null;
    this.remember();
    this.strokes = [...this.strokes, stroke];
    apply(this.finished, stroke);
    this.changed();
  }

  // The system cancelled the pointer (a gesture, a call): discard the unfinished stroke.
  abandon() {
    this.current = null;
    this.render();
  }

  // Before a change that can be undone.
  remember() {
    this.past = [...this.past, this.strokes].slice(-MAX_UNDO);
    this.future = [];
  }

  undo() {
    this.travel(this.past, this.future);
  }

  redo() {
    this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (this.current || !from.length) return;
    to.push(this.strokes);
    this.show(from.pop());
  }

  clear() {
    this.remember();
    this.show([]);
  }

  load(strokes) {
    this.remember();
    this.show(strokes);
  }

  show(strokes) {
    this.strokes = strokes;
    this.replay();
    this.changed();
  }

  replay() {
    this.finished = surface(SURFACE);
    for (const stroke of this.strokes) apply(this.finished, stroke);
    this.blank = isBlank(this.small());
    this.render();
  }

  changed() {
    this.full.hidden = true;
    const small = this.small();
    this.blank = isBlank(small);
    this.render();
    this.number += 1;
    const png = this.blank ? null : small.canvas.toDataURL("image/png");
    this.send({ png, strokes: this.strokes, number: this.number });
  }

  // What is sent, and looked at for ink.
  small() {
    const small = surface(SENT);
    small.imageSmoothingQuality = "high";
    small.drawImage(this.finished.canvas, 0, 0, SENT, SENT);
    return small;
  }

  render() {
    this.screen.drawImage(this.finished.canvas, 0, 0);
    const count = this.strokes.length;
    this.hint.hidden = !this.blank || Boolean(this.current);
    this.tools.undo.disabled = !this.past.length;
    this.tools.redo.disabled = !this.future.length;
    this.tools.clear.disabled = count === 0;
    const strokes = count === 1 ? "1 stroke" : `${count} strokes`;
    this.canvas.setAttribute("aria-label", `Drawing pad, ${this.blank ? "empty" : strokes}`);
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

function isTextField(element) {
  const other = "[type=range], [type=radio], [type=checkbox], [type=file], [type=button]";
  return element.isContentEditable || element.matches?.(`textarea, select, input:not(${other})`);
}

// Returns the letter of a key; on a keyboard without Latin letters, by the key's place.
function letter({ key, code }) {
  return /^[a-z]$/i.test(key) ? key.toLowerCase() : code.replace("Key", "").toLowerCase();
}

function clamp(value) {
  return Math.min(Math.max(value, 0), SURFACE);
}
