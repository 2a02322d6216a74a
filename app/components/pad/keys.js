// The pad by keyboard: shortcuts, and drawing with the arrow keys.

const STEP = 12; // pixels that an arrow key moves the brush
const FINE_STEP = 2; // the same with Shift
const SIZE_STEP = 4; // pixels by which [ and ] change the brush

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Keys {
  constructor(pad) {
    this.pad = pad;
    this.at = [SURFACE / 2, SURFACE / 2];
    pad.canvas.addEventListener("keydown", (event) => this.draw(event));
    pad.canvas.addEventListener("focus", () => {
      if (pad.canvas.matches(":focus-visible")) pad.showRing(this.at);
    });
    pad.canvas.addEventListener("blur", () => {
      pad.showRing(null);
      this.lift();
    });
    // On the whole page: after a drawing with the mouse, nothing has the keyboard's focus.
    const shortcut = (event) => {
      if (pad.canvas.isConnected) this.press(event);
      else document.removeEventListener("keydown", shortcut);
    };
    document.addEventListener("keydown", shortcut);
  }

  // Arrow keys move the brush, Space lowers and lifts it, Escape discards the line.
  draw(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { pad } = this;
    const direction = DIRECTIONS[event.key];
    if (direction) {
      const step = event.shiftKey ? FINE_STEP : STEP;
      this.at = this.at.map((value, axis) => clamp(value + step * direction[axis]));
      pad.showRing(this.at);
      if (this.isDown) pad.extend(...this.at);
    } else if (event.key === " ") {
      pad.showRing(this.at);
      if (this.isDown) this.lift();
      else if (!pad.current) this.isDown = pad.start(...this.at);
    } else if (event.key === "Escape" && this.isDown) {
      this.isDown = false;
      pad.abandon();
    } else return;
    event.preventDefault();
  }

  lift() {
    if (this.isDown && this.pad.current) this.pad.finish();
    this.isDown = false;
  }

  press(event) {
    const [target] = event.composedPath();
    const { canvas, current } = this.pad;
    const elsewhere = event.defaultPrevented || isTextField(target) || !canvas.checkVisibility();
    if (elsewhere || current || event.altKey || target.closest?.("[role=dialog]:not(.help)")) return;
    const withControl = event.ctrlKey || event.metaKey;
    const action = withControl ? this.controlAction(event) : this.action(event);
    if (!action) return;
    event.preventDefault();
    action();
  }

  controlAction(event) {
    const { pad } = this;
    switch (letter(event)) {
      case "z":
        return () => (event.shiftKey ? pad.redo() : pad.undo());
      case "y":
        return () => pad.redo();
    }
  }

  action(event) {
    const { pad } = this;
    if (event.key === "?") return () => pad.help.togglePopover();
    if (event.key === "Delete") return () => pad.clear();
    if (event.code === "BracketLeft" || event.key === "[") return () => this.resize(-SIZE_STEP);
    if (event.code === "BracketRight" || event.key === "]") return () => this.resize(SIZE_STEP);
    const shade = pad.shades.querySelectorAll("input")[Number(event.key) - 1];
    if (shade) return () => shade.click();
    switch (letter(event)) {
      case "e":
        return () => pad.tools.erase.click();
      case "f":
        return () => pad.tools.fill.click();
      case "z":
        return () => (event.shiftKey ? pad.redo() : pad.undo());
      case "y":
        return () => pad.redo();
    }
  }

  resize(pixels) {
    const { size } = this.pad.tools;
    size.value = Number(size.value) + pixels;
    this.pad.showSize();
  }
}

// The shortcuts as a list: the key, and what it does.
function shortcutRows(keys) {
  return keys.map(([key, does]) => {
    const row = document.createElement("div");
    const [name, text] = [document.createElement("dt"), document.createElement("dd")];
    name.textContent = key;
    text.textContent = does;
    row.append(name, text);
    return row;
  });
}

function isTextField(element) {
  const other = "[type=range], [type=radio], [type=checkbox], [type=file], [type=button]";
  return element.isContentEditable || element.matches?.(`textarea, select, input:not(${other})`);
}

// Returns the letter of a key; on a keyboard without Latin letters, by the key's place.
function letter({ key, code = "" }) {
  return /^[a-z]$/i.test(key) ? key.toLowerCase() : code.replace("Key", "").toLowerCase();
}
