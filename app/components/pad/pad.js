// The drawing pad: the last part of one module, after strokes.js, link.js and keys.js. Python gets
// {png, strokes, number} after each stroke. `png` is null while there is nothing to see.

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
  pad.translate(data.texts);
}

class Pad {
  constructor(root, canvas, { strokes, number, samples, texts, max_strokes, max_coordinates }) {
    this.root = root;
    this.canvas = canvas;
    this.hint = root.querySelector(".hint");
    this.notice = root.querySelector(".notice");
    this.ring = root.querySelector(".ring");
    this.help = root.querySelector(".help");
    this.limits = { strokes: max_strokes, coordinates: max_coordinates };
    this.tools = Object.fromEntries(
      ["size", "fill", "erase", "undo", "redo", "clear", "share", "help"].map((name) => [
        name,
        root.querySelector(`.tools [name=${name}]`),
      ]),
    );
    this.shades = root.querySelector(".shades");
    this.strokes = strokes;
    this.number = number;
    this.texts = texts;
    // The strokes before each change, and after each change that was undone.
    this.past = strokes.map((_, count) => strokes.slice(0, count));
    this.future = [];
    canvas.width = canvas.height = SURFACE;
    this.screen = canvas.getContext("2d", { alpha: false }); // black where there is no ink
    this.listen();
    for (const sample of samples) root.querySelector(".samples").append(this.sampleButton(sample));
    this.replay();
    new Keys(this);
    new LinkedDrawing(this);
  }

  listen() {
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", (event) => this.end(event));
    this.canvas.addEventListener("pointercancel", () => this.abandon());
    this.canvas.addEventListener("pointerleave", () => this.showRing(null));
    this.tools.erase.addEventListener("click", () => this.setErasing(!this.erasing));
    this.tools.undo.addEventListener("click", () => this.undo());
    this.tools.redo.addEventListener("click", () => this.redo());
    this.tools.clear.addEventListener("click", () => this.clear());
    this.tools.help.addEventListener("click", () => this.help.togglePopover());
    this.shades.addEventListener("click", () => this.setErasing(false));
    this.tools.size.addEventListener("input", () => this.showSize());
  }

  // Fills in the texts, again after a change of the language.
  translate(texts) {
    if (this.translated === JSON.stringify(texts)) return;
    this.translated = JSON.stringify(texts);
    this.texts = texts;
    const marked = (name) => this.root.querySelectorAll(`[data-${name}]`);
    for (const element of marked("text")) element.textContent = texts[element.dataset.text];
    for (const element of marked("label")) element.setAttribute("aria-label", texts[element.dataset.label]);
    for (const element of marked("title")) element.title = texts[element.dataset.title];
    this.help.querySelector("dl").replaceChildren(...shortcutRows(texts.keys));
    this.render();
  }

  get erasing() {
    return this.tools.erase.getAttribute("aria-pressed") === "true";
  }

  setErasing(on) {
    this.tools.erase.setAttribute("aria-pressed", String(on));
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  begin(event) {
    if (this.current || event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true, focusVisible: false });
    if (!this.start(...this.place(event))) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
  }

  // Returns whether a stroke has begun at this point.
  start(x, y) {
    if (this.strokes.length >= this.limits.strokes || this.room() < 2) {
      this.tell(this.texts.full);
      return false;
    }
    const shade = Number(this.shades.querySelector("input:checked").value);
    this.current = {
      points: [],
      size: Number(this.tools.size.value),
      shade: this.erasing ? 0 : shade,
      fill: this.tools.fill.checked && !this.erasing,
    };
    this.extend(x, y);
    return true;
  }

  move(event) {
    if (event.pointerType !== "touch") this.showRing(this.place(event));
    if (!this.current || event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length ? between : [event]) this.extend(...this.place(each));
  }

  // Where a pointer is, in pixels of the surface.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = SURFACE / box.width;
    return [event.clientX - box.left, event.clientY - box.top].map((at) => Math.round(clamp(at * scale)));
  }

  extend(x, y) {
    if (!this.current) return;
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
    this.tell(this.texts.full);
  }

  end(event) {
    if (!this.current || event.pointerId !== this.pointer) return;
    this.extend(...this.place(event));
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
    if (this.current || !this.strokes.length) return;
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
    this.finished = surface(SURFACE, { black: false }); // every finished stroke, without the ground
    for (const stroke of this.strokes) apply(this.finished, stroke);
    this.blank = isBlank(this.small());
    this.render();
  }

  changed() {
    this.tell("");
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
    this.screen.globalCompositeOperation = "copy";
    this.screen.drawImage(this.finished.canvas, 0, 0);
    this.screen.globalCompositeOperation = "source-over";
    const count = this.strokes.length;
    this.hint.hidden = !this.blank || Boolean(this.current);
    this.tools.undo.disabled = !this.past.length;
    this.tools.redo.disabled = !this.future.length;
    this.tools.clear.disabled = count === 0;
    this.tools.share.disabled = count === 0;
    const { empty, strokes } = this.texts;
    this.canvas.setAttribute("aria-label", this.blank ? empty : strokes.replace("{count}", count));
  }

  // Shows the brush's outline at a point of the surface; hides it without one.
  showRing(point) {
    clearTimeout(this.sizeShown);
    this.ring.hidden = !point;
    if (!point) return;
    const share = (pixels) => `${(100 * pixels) / SURFACE}%`;
    const [x, y] = point;
    Object.assign(this.ring.style, { left: share(x), top: share(y), width: share(this.tools.size.value) });
  }

  // While the brush's size changes, its outline is shown in the middle of the pad.
  showSize() {
    this.showRing([SURFACE / 2, SURFACE / 2]);
    this.sizeShown = setTimeout(() => this.showRing(null), 800);
  }

  sampleButton({ name, strokes }) {
    const button = document.createElement("button");
    button.type = "button";
    const large = surface(SURFACE, { black: false });
    for (const stroke of strokes) apply(large, stroke);
    const thumb = surface(96);
    thumb.drawImage(large.canvas, 0, 0, 96, 96);
    button.append(thumb.canvas, name);
    button.addEventListener("click", () => this.load(strokes));
    return button;
  }
}

function clamp(value) {
  return Math.min(Math.max(value, 0), SURFACE);
}
