// A frame on a picture. Python gets {digest, frame} after each change. `frame` is left, top, width
// and height as shares of the picture, null for the whole picture.

const LEAST = 0.02; // of the picture's width and height; as in __init__.py
const STEP = 0.02; // of them, for a key
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SEND_KEYS_AFTER = 400; // milliseconds without a further key

const croppers = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  const surface = parentElement.querySelector(".surface");
  let cropper = croppers.get(surface);
  if (!cropper) {
    cropper = new Cropper(parentElement, surface);
    croppers.set(surface, cropper);
  }
  cropper.setState = (state) => setStateValue("crop", state);
  cropper.show(data);
}

class Cropper {
  constructor(root, surface) {
    this.surface = surface;
    this.image = surface.querySelector("img");
    this.element = surface.querySelector(".frame");
    this.hint = root.querySelector("p");
    this.reset = root.querySelector("button");
    surface.addEventListener("pointerdown", (event) => this.begin(event));
    surface.addEventListener("pointermove", (event) => this.move(event));
    surface.addEventListener("pointerup", () => this.end());
    surface.addEventListener("pointercancel", () => this.abandon());
    this.element.addEventListener("keydown", (event) => this.press(event));
    this.reset.addEventListener("click", () => {
      this.set(null);
      this.send();
      this.element.focus({ preventScroll: true });
    });
  }

  show({ picture, digest, name, texts }) {
    this.texts = texts;
    this.hint.textContent = texts.hint;
    this.reset.textContent = texts.reset;
    if (digest === this.digest) return;
    this.digest = digest;
    this.image.src = picture;
    this.image.alt = name;
    this.drag = null;
    this.set(null);
  }

  // The place of a pointer, as shares of the picture.
  place({ clientX, clientY }) {
    const box = this.surface.getBoundingClientRect();
    return [within((clientX - box.left) / box.width), within((clientY - box.top) / box.height)];
  }

  begin(event) {
    if (event.button || this.drag) return;
    const at = this.place(event);
    const corner = event.target.dataset.corner?.split(" ").map(Number);
    const [left, top, width, height] = this.frame ?? [0, 0, 1, 1];
    if (corner) {
      const opposite = [corner[0] ? left : left + width, corner[1] ? top : top + height];
      this.drag = { from: opposite, before: this.frame };
    } else if (this.frame && event.target === this.element) {
      this.drag = { grip: [at[0] - left, at[1] - top], before: this.frame };
    } else {
      this.drag = { from: at, before: this.frame };
    }
    this.surface.setPointerCapture(event.pointerId);
    this.element.focus({ preventScroll: true });
    event.preventDefault();
  }

  move(event) {
    if (!this.drag) return;
    const [x, y] = this.place(event);
    const { from, grip } = this.drag;
    if (grip) {
      const [, , width, height] = this.frame;
      this.set([within(x - grip[0], 1 - width), within(y - grip[1], 1 - height), width, height]);
      return;
    }
    const frame = [Math.min(x, from[0]), Math.min(y, from[1]), Math.abs(x - from[0]), Math.abs(y - from[1])];
    if (Math.min(frame[2], frame[3]) >= LEAST) this.set(frame);
  }

  end() {
    const changed = this.drag && this.drag.before !== this.frame;
    this.drag = null;
    if (changed) this.send();
  }

  abandon() {
    if (this.drag) this.set(this.drag.before);
    this.drag = null;
  }

  press(event) {
    const way = KEYS[event.key];
    if (event.key === "Escape" && this.frame) this.set(null);
    else if (way) this.nudge(way, event.shiftKey);
    else return;
    event.preventDefault();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SEND_KEYS_AFTER);
  }

  // Arrow keys move the frame; with Shift they move its right and lower edge.
  nudge([right, down], resizes) {
    const [left, top, width, height] = this.frame ?? [0, 0, 1, 1];
    const [x, y] = [right * STEP, down * STEP];
    if (resizes) {
      this.set([left, top, between(width + x, 1 - left), between(height + y, 1 - top)]);
    } else {
      this.set([within(left + x, 1 - width), within(top + y, 1 - height), width, height]);
    }
  }

  set(frame) {
    const whole = !frame || (frame[2] > 0.999 && frame[3] > 0.999);
    this.frame = whole ? null : frame;
    const [left, top, width, height] = (this.frame ?? [0, 0, 1, 1]).map((share) => share * 100);
    Object.assign(this.element.style, {
      left: `${left}%`,
      top: `${top}%`,
      width: `${width}%`,
      height: `${height}%`,
    });
    this.element.classList.toggle("whole", whole);
    this.reset.disabled = whole;
    const shown = { left, top, width, height };
    const place = this.texts.frame.replace(/\{(\w+)\}/g, (_, name) => Math.round(shown[name]));
    this.element.setAttribute("aria-label", `${whole ? this.texts.whole : place} ${this.texts.keys}`);
  }

  send() {
    this.setState({ digest: this.digest, frame: this.frame });
  }
}

function within(share, most = 1) {
  return Math.min(Math.max(share, 0), most);
}

function between(share, most) {
  return Math.min(Math.max(share, LEAST), most);
}
