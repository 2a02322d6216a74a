// Gives files that are dropped on the page or pasted to Streamlit's file chooser. Python gets the
// places of the examples that are picked.

const intakes = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".intake");
  let intake = intakes.get(root);
  if (!intake) {
    intake = new Intake(root);
    intakes.set(root, intake);
  }
  intake.send = (places) => setTriggerValue("example", places);
  intake.update(data);
}

class Intake {
  constructor(root) {
    this.root = root;
    this.target = root.querySelector(".target");
    this.examples = root.querySelector(".examples");
    this.row = root.querySelector(".row");
    for (const kind of ["dragenter", "dragover", "dragleave", "drop", "paste"]) this.listen(kind);
  }

  // Only while this is in sight: another tab of the page may be open, or another page.
  listen(kind) {
    const handle = (event) => {
      if (!this.root.isConnected) removeEventListener(kind, handle);
      else if (this.root.checkVisibility()) this[kind](event);
    };
    addEventListener(kind, handle);
  }

  update({ into, examples, texts }) {
    this.into = into;
    this.texts = texts;
    this.root.querySelector(".hint").textContent = examples.length ? texts.hint : "";
    this.root.querySelector("#examples").textContent = texts.examples;
    this.target.firstElementChild.textContent = texts.drop;
    this.examples.hidden = !examples.length;
    const shown = JSON.stringify([examples, texts]);
    if (shown === this.shown) return;
    this.shown = shown;
    const buttons = examples.map((one, place) => this.exampleButton(one, place));
    const all = document.createElement("button");
    all.type = "button";
    all.className = "all";
    all.textContent = texts.all;
    all.addEventListener("click", () => this.send(examples.map((_, place) => place)));
    this.row.replaceChildren(...buttons, all);
  }

  exampleButton({ name, png }, place) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.setAttribute("aria-label", this.texts.try.replace("{name}", name));
    const image = new Image();
    image.src = png;
    image.alt = "";
    button.append(image, name);
    button.addEventListener("click", () => this.send([place]));
    return button;
  }

  dragenter(event) {
    if (!this.takes(event)) return;
    this.target.hidden = false;
  }

  dragover(event) {
    if (!this.takes(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  }

  dragleave(event) {
    if (!event.relatedTarget) this.target.hidden = true; // it left the window
  }

  drop(event) {
    this.target.hidden = true;
    if (!this.takes(event)) return;
    event.preventDefault();
    this.hand(event.dataTransfer.files);
  }

  paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || event.composedPath()[0].matches?.("input, textarea, [contenteditable]")) return;
    event.preventDefault();
    const stamp = new Date().toTimeString().slice(0, 8).replaceAll(":", "-");
    const named = new DataTransfer();
    for (const [number, file] of files.entries()) {
      const copied = file.name === "image.png"; // a browser's name for a picture without a file
      const name = `${this.texts.pasted} ${stamp}${number ? ` ${number}` : ""}.png`;
      named.items.add(copied ? new File([file], name, { type: file.type }) : file);
    }
    this.hand(named.files);
  }

  // Streamlit's own drop zone takes files itself.
  takes(event) {
    const own = event.composedPath().some((it) => it.dataset?.testid === "stFileUploaderDropzone");
    return Boolean(event.dataTransfer?.types.includes("Files")) && !own;
  }

  hand(files) {
    const input = document.querySelector(`.st-key-${this.into} input[type=file]`);
    if (!input || !files.length) return;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
