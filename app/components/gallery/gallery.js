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
  gallery.update(data);
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

  update({ cards, class_names, notice, undoable, editable }) {
    const focused = this.list.getRootNode().activeElement;
    const shown = new Map();
    for (const card of cards) {
      const element = this.cards.get(card.id) ?? this.createCard(card.id);
      fill(element, card, class_names, editable);
      shown.set(card.id, element);
    }
    const gone = focused && this.list.contains(focused) && ![...shown.values()].some((it) => it.contains(focused));
    this.arrange([...shown.values()]);
    this.cards = shown;
    this.notice.textContent = notice ?? "";
    this.undo.hidden = !undoable;
    this.notice.parentElement.classList.toggle("visible", Boolean(notice));
    if (gone && undoable) this.undo.focus();
  }

  // Move as few elements as possible: a moved element loses the focus.
  arrange(elements) {
    for (const old of [...this.list.children]) if (!elements.includes(old)) old.remove();
    elements.forEach((element, at) => {
      if (this.list.children[at] !== element) this.list.insertBefore(element, this.list.children[at]);
    });
  }

  createCard(id) {
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

function fill(element, card, classNames, editable) {
  const part = (name) => element.querySelector(name);
  element.dataset.tone = card.tone;
  part("img").src = card.png;
  part("img").alt = `What the model saw, #${card.id}`;
  const known = classNames.includes(card.label) ? classNames : [card.label, ...classNames];
  // An unlabelled card has the prediction of one version, but no class from a person.
  const names = card.unlabelled ? ["", ...known] : known;
  const select = part("select");
  if (names.join() !== [...select.options].map((it) => it.value).join()) {
    select.replaceChildren(...names.map((name) => new Option(name || "Choose a class", name)));
    if (card.unlabelled) select.options[0].disabled = true;
  }
  select.value = card.unlabelled ? "" : card.label;
  select.disabled = !editable;
  part(".actions").hidden = !editable;
  select.setAttribute("aria-label", `Class of #${card.id}`);
  part(".state").textContent = card.state;
  part(".prediction").textContent = card.prediction;
  part(".reason").textContent = card.reason;
  part(".origin").textContent = `#${card.id}, ${card.origin}`;
  part(".held").hidden = !card.held_out;
  const accept = part("[name=accept]");
  accept.hidden = !card.acceptable;
  accept.textContent = card.unlabelled ? card.label : "Accept";
  const acceptName = card.unlabelled ? `Label #${card.id} as ${card.label}` : `Accept #${card.id}`;
  accept.setAttribute("aria-label", acceptName);
  part("[name=delete]").setAttribute("aria-label", `Delete #${card.id}`);
}
