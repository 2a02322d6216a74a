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

  update({ cards, class_names, notice, undoable, editable, texts }) {
    const focused = this.list.getRootNode().activeElement;
    const shown = new Map();
    for (const card of cards) {
      const element = this.cards.get(card.id) ?? this.createCard(card.id);
      fill(element, card, class_names, editable, texts);
      shown.set(card.id, element);
    }
    const gone = focused && this.list.contains(focused) && ![...shown.values()].some((it) => it.contains(focused));
    this.arrange([...shown.values()]);
    this.cards = shown;
    this.notice.textContent = notice ?? "";
    this.undo.textContent = texts.undo;
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

function fill(element, card, classNames, editable, texts) {
  const part = (name) => element.querySelector(name);
  const about = (text) => text.replace("{id}", card.id).replace("{label}", () => card.label);
  element.dataset.tone = card.tone;
  part("img").src = card.png;
  part("img").alt = about(texts.picture);
  const known = classNames.includes(card.label) ? classNames : [card.label, ...classNames];
  // An unlabelled card has the prediction of one version, but no class from a person.
  const names = card.unlabelled ? ["", ...known] : known;
  const select = part("select");
  const options = names.map((name) => [name || texts.choose, name].join());
  if (options.join() !== [...select.options].map((it) => [it.text, it.value].join()).join()) {
    select.replaceChildren(...names.map((name) => new Option(name || texts.choose, name)));
    if (card.unlabelled) select.options[0].disabled = true;
  }
  select.value = card.unlabelled ? "" : card.label;
  select.disabled = !editable;
  part(".actions").hidden = !editable;
  select.setAttribute("aria-label", about(texts.class));
  part(".state").textContent = card.state;
  part(".prediction").textContent = card.prediction;
  part(".reason").textContent = card.reason;
  part(".origin").textContent = `#${card.id}, ${card.origin}`;
  part(".held").textContent = texts.held_out;
  part(".held").hidden = !card.held_out;
  const accept = part("[name=accept]");
  accept.hidden = !card.acceptable;
  accept.textContent = card.unlabelled ? card.label : texts.accept;
  accept.setAttribute("aria-label", about(card.unlabelled ? texts.label_one : texts.accept_one));
  part("[name=delete]").textContent = texts.delete;
  part("[name=delete]").setAttribute("aria-label", about(texts.delete_one));
}
