// Feedback on an answer. Python gets {name, label, digest} after a click.

const FEW = 12; // classes that need no field to find one

const prompts = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".feedback");
  let prompt = prompts.get(root);
  if (!prompt) {
    prompt = new FeedbackPrompt(root);
    prompts.set(root, prompt);
  }
  prompt.send = (action) => setTriggerValue("action", action);
  prompt.update(data);
}

class FeedbackPrompt {
  constructor(root) {
    const part = (selector) => root.querySelector(selector);
    this.root = root;
    this.prompt = part(".prompt");
    this.question = part(".question");
    this.choices = part("#choices");
    this.classes = part(".classes");
    this.find = part("[name=find]");
    this.nothing = part(".nothing");
    this.message = part(".says");
    this.saved = part(".saved span");
    this.error = part(".failed");
    this.form = part("form");
    this.name = part("form [name=label]");
    this.nameError = part("#name-error");
    this.buttons = Object.fromEntries(
      ["right", "suggested", "other", "new", "none", "undo"].map((name) => [name, part(`[name=${name}]`)]),
    );
    const { right, suggested, other, none, undo } = this.buttons;
    right.addEventListener("click", () => this.save(this.data.predicted));
    suggested.addEventListener("click", () => this.save(this.data.suggested));
    other.addEventListener("click", () => this.openChoices(this.choices.hidden));
    this.buttons.new.addEventListener("click", () => this.openForm(this.form.hidden));
    none.addEventListener("click", () => this.chooseNone());
    undo.addEventListener("click", () => this.send({ name: "undo", digest: this.data.digest }));
    this.find.addEventListener("input", () => this.filter());
    this.form.addEventListener("submit", (event) => this.create(event));
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.openForm(false));
  }

  update(data) {
    const focused = this.saved.getRootNode().activeElement;
    const before = this.data;
    this.data = data;
    this.translate(data.texts);
    const { right, suggested, other, undo } = this.buttons;
    setText(this.question, data.question);
    right.hidden = data.predicted === null;
    suggested.hidden = data.suggested === null;
    suggested.textContent = data.suggested ?? "";
    // Where there is no answer to confirm or to change, the classes are open, and stay so.
    this.open = !data.answered && suggested.hidden;
    other.hidden = this.open;
    other.textContent = this.otherText();
    // One of them is the next sensible thing.
    suggested.classList.toggle("primary", !suggested.hidden);
    other.classList.toggle("primary", suggested.hidden);
    this.setClasses(data.class_names.filter((name) => name !== data.predicted && name !== data.suggested));
    if (before?.digest !== data.digest || before?.saved !== data.saved) this.restart();
    setText(this.message, data.message);
    this.prompt.hidden = data.saved !== null;
    setText(this.saved, data.saved ?? "");
    undo.hidden = !data.undoable;
    setText(this.error, data.error ?? "");
    this.showNameError(data.name_error);
    // Keep the keyboard focus on something visible.
    if (focused && this.prompt.contains(focused) && this.prompt.hidden && data.undoable) undo.focus();
    if (focused === undo && undo.hidden) this.first()?.focus();
  }

  otherText() {
    const { answered, predicted, suggested, texts } = this.data;
    if (answered && predicted !== null) return texts.wrong;
    return suggested === null ? texts.teach : texts.something_else;
  }

  translate(texts) {
    const marked = (name) => this.root.querySelectorAll(`[data-${name}]`);
    for (const element of marked("text")) setText(element, texts[element.dataset.text]);
    for (const element of marked("label")) element.setAttribute("aria-label", texts[element.dataset.label]);
  }

  restart() {
    this.find.value = "";
    this.filter();
    this.openForm(false);
    this.name.value = "";
    this.openChoices(this.open);
  }

  first() {
    return [...this.prompt.querySelectorAll("button")].find((it) => it.checkVisibility());
  }

  setClasses(names) {
    if (names.join("\n") === [...this.classes.children].map((it) => it.textContent).join("\n")) return;
    this.classes.replaceChildren(
      ...names.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.addEventListener("click", () => this.save(name));
        return button;
      }),
    );
    const many = names.length > FEW;
    this.classes.classList.toggle("many", many);
    this.find.hidden = !many;
    this.find.placeholder = this.data.texts.find.replace("{count}", names.length);
    this.find.setAttribute("aria-label", this.find.placeholder);
    this.filter();
  }

  filter() {
    const wanted = this.find.value.trim().toLowerCase();
    const buttons = [...this.classes.children];
    for (const button of buttons) button.hidden = !button.textContent.toLowerCase().includes(wanted);
    setText(this.nothing, buttons.length && buttons.every((it) => it.hidden) ? this.data.texts.not_found : "");
  }

  openChoices(open) {
    this.choices.hidden = !open;
    this.buttons.other.setAttribute("aria-expanded", String(open));
    if (!open) this.openForm(false);
  }

  openForm(open) {
    if (!open && this.form.contains(this.form.getRootNode().activeElement)) this.buttons.new.focus();
    this.form.hidden = !open;
    this.buttons.new.setAttribute("aria-expanded", String(open));
    this.showNameError(null);
    this.name.maxLength = this.data.max_name_length;
    if (!open) return;
    if (!this.name.value) this.name.value = this.find.value.trim();
    this.name.focus();
  }

  // Nothing is sent: a run cannot learn from a picture without a class.
  chooseNone() {
    this.openForm(false);
    setText(this.nothing, this.data.texts.nothing);
  }

  create(event) {
    event.preventDefault();
    const label = this.name.value.trim();
    if (!label) this.showNameError(this.data.texts.enter_name);
    else this.send({ name: "create", label, digest: this.data.digest });
  }

  showNameError(message) {
    setText(this.nameError, message ?? "");
    this.name.setAttribute("aria-invalid", String(Boolean(message)));
  }

  save(label) {
    this.send({ name: "save", label, digest: this.data.digest });
  }
}

// A live region that is set to the same text again would be read again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
