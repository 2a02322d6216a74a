// The gallery of corrections. A card stays the same element while its correction is on the page, so
// that the keyboard does not lose its place. Python gets {name, id, label} after each click.

const galleries = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  let gallery = galleries.get(root);
  if (!gallery) {
    gallery = new Gallery(root, parentElement.querySelector("template"));
    galleries.set(root, gallery);
  }
  gallery.send = (action) => setTriggerValue("action", action);
  gallery.show(data);
}

class Gallery {
  constructor(root, template) {
    this.list = root.querySelector("ul");
    this.template = template;
    this.notice = root.querySelector(".notice span");
    this.undo = root.querySelector(".notice button");
    this.cards = new Map();
    this.undo.addEventListener("click", () => this.send({ name: "undo" }));
  }

  show({ cards, class_names, notice, undoable }) {
    const focused = this.list.getRootNode().activeElement;
    const shown = new Map();
    for (const card of cards) {
      const element = this.cards.get(card.id) ?? this.made(card.id);
      fill(element, card, class_names);
      shown.set(card.id, element);
    }
    const gone = focused && this.list.contains(focused) && ![...shown.values()].some((it) => it.contains(focused));
    this.place([...shown.values()]);
    this.cards = shown;
    this.notice.textContent = notice ?? "";
    this.undo.hidden = !undoable;
    this.notice.parentElement.classList.toggle("told", Boolean(notice));
    if (gone && undoable) this.undo.focus();
  }

  // Moves as little as it can: an element that is moved loses the focus.
  place(elements) {
    for (const old of [...this.list.children]) if (!elements.includes(old)) old.remove();
    elements.forEach((element, at) => {
      if (this.list.children[at] !== element) this.list.insertBefore(element, this.list.children[at]);
    });
  }

  made(id) {
    const element = this.template.content.firstElementChild.cloneNode(true);
    element.dataset.id = id;
    const select = element.querySelector("select");
    select.addEventListener("change", () => this.send({ name: "relabel", id, label: select.value }));
    for (const button of element.querySelectorAll("button")) {
      button.addEventListener("click", () => this.send({ name: button.name, id }));
    }
    return element;
  }
}

function fill(element, card, classNames) {
  const part = (name) => element.querySelector(name);
  element.dataset.tone = card.tone;
  part("img").src = card.png;
  part("img").alt = `Number ${card.id}, as the model saw it`;
  const known = classNames.includes(card.label) ? classNames : [card.label, ...classNames];
  // A question has the class that one version names, but none that a person chose.
  const names = card.asks ? ["", ...known] : known;
  const select = part("select");
  if (names.join() !== [...select.options].map((it) => it.value).join()) {
    select.replaceChildren(...names.map((name) => new Option(name || "Which is it?", name)));
    if (card.asks) select.options[0].disabled = true;
  }
  select.value = card.asks ? "" : card.label;
  select.setAttribute("aria-label", `Class of number ${card.id}`);
  part(".state").textContent = card.state;
  part(".said").textContent = card.said;
  part(".reason").textContent = card.reason;
  part(".origin").textContent = `Number ${card.id}, ${card.origin}`;
  part(".held").hidden = !card.held_out;
  const accept = part("[name=accept]");
  accept.hidden = !card.acceptable;
  accept.textContent = card.asks ? card.label : "Accept";
  const accepts = card.asks ? `${card.label}: answer number ${card.id}` : `Accept number ${card.id}`;
  accept.setAttribute("aria-label", accepts);
  part("[name=delete]").setAttribute("aria-label", `Delete number ${card.id}`);
}
