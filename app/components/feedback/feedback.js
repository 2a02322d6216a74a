// Feedback on an answer. Python gets {name, label, digest} after a click.

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
    this.prompt = root.querySelector(".prompt");
    this.classes = root.querySelector("#classes");
    this.message = root.querySelector(".message");
    this.saved = root.querySelector(".saved span");
    this.error = root.querySelector(".error");
    this.right = root.querySelector("[name=right]");
    this.other = root.querySelector("[name=other]");
    this.undo = root.querySelector("[name=undo]");
    this.right.addEventListener("click", () => this.save(this.data.predicted));
    this.other.addEventListener("click", () => this.toggleClasses(this.classes.hidden));
    this.undo.addEventListener("click", () => this.send({ name: "undo", digest: this.data.digest }));
  }

  update(data) {
    const focused = this.saved.getRootNode().activeElement;
    const before = this.data;
    this.data = data;
    if (before?.digest !== data.digest || before?.saved !== data.saved) this.toggleClasses(false);
    this.setClasses(data.class_names.filter((name) => name !== data.predicted));
    this.message.textContent = data.message;
    this.prompt.hidden = data.saved !== null;
    this.saved.textContent = data.saved ?? "";
    this.undo.hidden = !data.undoable;
    this.error.textContent = data.error ?? "";
    // Keep the keyboard focus on a visible button.
    if (focused && this.prompt.contains(focused) && this.prompt.hidden && data.undoable) this.undo.focus();
    if (focused === this.undo && this.undo.hidden) this.right.focus();
  }

  setClasses(names) {
    if (names.join() === [...this.classes.children].map((it) => it.textContent).join()) return;
    this.classes.replaceChildren(
      ...names.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.addEventListener("click", () => this.save(name));
        return button;
      }),
    );
  }

  toggleClasses(open) {
    this.classes.hidden = !open;
    this.other.setAttribute("aria-expanded", String(open));
  }

  save(label) {
    this.send({ name: "save", label, digest: this.data.digest });
  }
}
