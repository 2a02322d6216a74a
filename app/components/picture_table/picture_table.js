// The table of uploaded pictures. A row stays the same element while its picture is in the table, so
// that the keyboard does not lose its place. Python gets {name, keys, label} after a click.

const tables = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".table");
  let table = tables.get(root);
  if (!table) {
    table = new PictureTable(root, parentElement.querySelector("template"));
    tables.set(root, table);
  }
  table.send = (action) => setTriggerValue("action", action);
  table.update(data);
}

class PictureTable {
  constructor(root, template) {
    this.root = root;
    this.template = template;
    this.list = root.querySelector("ul");
    this.all = root.querySelector("[name=all]");
    this.several = root.querySelector(".several");
    this.label = root.querySelector(".several select");
    this.rows = new Map();
    this.all.addEventListener("change", () => {
      for (const row of this.selectable()) row.check.checked = this.all.checked;
      this.showSelected();
    });
    this.several.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.label.value) this.label.focus();
      else this.save(this.selected(), this.label.value);
    });
    root.querySelector("[name=clear]").addEventListener("click", () => this.clear());
  }

  update({ rows, class_names, texts }) {
    this.texts = texts;
    this.classNames = class_names;
    const focused = this.list.getRootNode().activeElement;
    const shown = new Map();
    for (const data of rows) {
      const row = this.rows.get(data.key) ?? new Row(this, data.key);
      row.fill(data);
      shown.set(data.key, row);
    }
    arrange(this.list, [...shown.values()].map((row) => row.element));
    this.rows = shown;
    this.root.classList.toggle("fixed", !rows.some((row) => row.teachable || row.saved));
    for (const element of this.root.querySelectorAll("[data-text]")) element.textContent = texts[element.dataset.text];
    this.label.setAttribute("aria-label", texts.choose_all);
    this.several.querySelector(".primary").textContent = texts.save;
    this.several.querySelector("[name=clear]").textContent = texts.clear;
    setOptions(this.label, texts.choose, class_names);
    this.showSelected();
    // Keep the keyboard focus on something visible.
    if (focused?.isConnected && !focused.checkVisibility()) shown.get(focused.closest("li")?.dataset.key)?.focus();
  }

  selectable() {
    return [...this.rows.values()].filter((row) => row.data.teachable);
  }

  selected() {
    return this.selectable().filter((row) => row.check.checked);
  }

  clear() {
    for (const row of this.rows.values()) row.check.checked = false;
    this.showSelected();
    this.all.focus();
  }

  showSelected() {
    const [rows, count] = [this.selectable(), this.selected().length];
    this.all.disabled = !rows.length;
    this.all.checked = count > 0 && count === rows.length;
    this.all.indeterminate = count > 0 && count < rows.length;
    this.several.hidden = !count;
    if (count) setText(this.several.querySelector("strong"), this.texts.selected.replace("{count}", count));
    else this.label.value = "";
    for (const row of this.rows.values()) row.element.classList.toggle("selected", row.check.checked);
  }

  save(rows, label) {
    for (const row of rows) row.wait();
    this.send({ name: "save", keys: rows.map((row) => row.data.key), label });
    this.showSelected();
  }
}

class Row {
  constructor(table, key) {
    this.table = table;
    this.element = table.template.content.firstElementChild.cloneNode(true);
    this.element.dataset.key = key;
    this.check = this.part("[name=row]");
    this.check.addEventListener("change", () => table.showSelected());
    this.part("[name=right]").addEventListener("click", () => table.save([this], this.data.label));
    this.part("select").addEventListener("change", (event) => table.save([this], event.target.value));
    this.part("[name=undo]").addEventListener("click", () => table.send({ name: "undo", keys: [key] }));
  }

  part(selector) {
    return this.element.querySelector(selector);
  }

  fill(data) {
    if (JSON.stringify([data, this.table.texts, this.table.classNames]) === this.shown) return;
    this.shown = JSON.stringify([data, this.table.texts, this.table.classNames]);
    this.data = data;
    const { texts, classNames } = this.table;
    const named = (text) => text.replace("{name}", data.name);
    setImage(this.part(".picture"), data.picture, data.name, texts.picture);
    setImage(this.part(".seen"), data.seen, named(texts.seen_alt), texts.seen);
    this.part(".name").textContent = this.part(".name").title = data.name;
    this.part(".label span").textContent = data.label;
    this.part(".label").hidden = !data.label;
    this.part("mark").textContent = data.tag;
    this.part("mark").hidden = !data.tag;
    this.element.classList.toggle("doubtful", Boolean(data.tag));
    this.part(".sure").textContent = data.sure;
    this.part(".bar").hidden = !data.label || !data.known;
    this.part(".bar i").style.width = `${data.share * 100}%`;
    this.part(".says").textContent = data.says;
    this.check.setAttribute("aria-label", named(texts.select));
    this.check.closest("label").style.visibility = data.teachable ? "" : "hidden";
    if (!data.teachable) this.check.checked = false;
    this.part(".choose").hidden = !data.teachable;
    const right = this.part("[name=right]");
    right.textContent = texts.right;
    right.setAttribute("aria-label", named(texts.is_right));
    right.hidden = !data.confirmable;
    const others = classNames.filter((name) => !data.confirmable || name !== data.label);
    setOptions(this.part("select"), data.confirmable ? texts.other : texts.what, others);
    this.part("select").value = "";
    this.part("select").setAttribute("aria-label", named(texts.class_of));
    setText(this.part(".saved span"), data.saved);
    const undo = this.part("[name=undo]");
    undo.textContent = texts.undo;
    undo.setAttribute("aria-label", named(texts.undo_of));
    undo.hidden = !data.undoable;
    setText(this.part(".error"), data.error);
  }

  // Between the click and Python's answer to it, which may find nothing to change.
  wait() {
    this.shown = null;
    this.check.checked = false;
    this.part(".choose").hidden = true;
    setText(this.part(".saved span"), this.table.texts.saving);
    setText(this.part(".error"), "");
  }

  focus() {
    [...this.element.querySelectorAll("button, select")].find((it) => it.checkVisibility())?.focus();
  }
}

// Move as few elements as possible: a moved element loses the focus.
function arrange(list, elements) {
  for (const old of [...list.children]) if (!elements.includes(old)) old.remove();
  elements.forEach((element, at) => {
    if (list.children[at] !== element) list.insertBefore(element, list.children[at]);
  });
}

function setOptions(select, first, names) {
  if ([first, ...names].join("\n") === [...select.options].map((it) => it.text).join("\n")) return;
  select.replaceChildren(new Option(first, ""), ...names.map((name) => new Option(name, name)));
  select.options[0].disabled = true;
  select.value = "";
}

function setImage(figure, url, alt, caption) {
  const image = figure.querySelector("img");
  if (url && image.getAttribute("src") !== url) image.src = url;
  image.hidden = !url;
  image.alt = alt;
  figure.querySelector("figcaption").textContent = url ? caption : "";
}

// A live region that is set to the same text again would be read again.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
