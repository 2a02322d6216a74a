// Asks whether an answer is right. Python gets {name, label, digest} after a click.

const verdicts = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".verdict");
  let verdict = verdicts.get(root);
  if (!verdict) {
    verdict = new Verdict(root);
    verdicts.set(root, verdict);
  }
  verdict.send = (action) => setTriggerValue("action", action);
  verdict.show(data);
}

class Verdict {
  constructor(root) {
    this.ask = root.querySelector(".ask");
    this.classes = root.querySelector("#classes");
    this.message = root.querySelector(".message");
    this.told = root.querySelector(".told span");
    this.trouble = root.querySelector(".trouble");
    this.right = root.querySelector("[name=right]");
    this.other = root.querySelector("[name=other]");
    this.undo = root.querySelector("[name=undo]");
    this.right.addEventListener("click", () => this.keep(this.data.answered));
    this.other.addEventListener("click", () => this.unfold(this.classes.hidden));
    this.undo.addEventListener("click", () => this.send({ name: "undo", digest: this.data.digest }));
  }

  show(data) {
    const focused = this.told.getRootNode().activeElement;
    const before = this.data;
    this.data = data;
    if (before?.digest !== data.digest || before?.kept !== data.kept) this.unfold(false);
    this.offer(data.class_names.filter((name) => name !== data.answered));
    this.message.textContent = data.message;
    this.ask.hidden = data.kept !== null;
    this.told.textContent = data.kept ?? "";
    this.undo.hidden = !data.undoable;
    this.trouble.textContent = data.trouble ?? "";
    // Whoever uses the keyboard goes on from what came of it.
    if (focused && this.ask.contains(focused) && this.ask.hidden && data.undoable) this.undo.focus();
    if (focused === this.undo && this.undo.hidden) this.right.focus();
  }

  offer(names) {
    if (names.join() === [...this.classes.children].map((it) => it.textContent).join()) return;
    this.classes.replaceChildren(
      ...names.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name;
        button.addEventListener("click", () => this.keep(name));
        return button;
      }),
    );
  }

  unfold(open) {
    this.classes.hidden = !open;
    this.other.setAttribute("aria-expanded", String(open));
  }

  keep(label) {
    this.send({ name: "keep", label, digest: this.data.digest });
  }
}
