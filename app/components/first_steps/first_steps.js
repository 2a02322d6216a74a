// The first steps. Python gets `finished`: true once they are closed, or all were taken before.

const MEMORY = "wardrobe-first-steps";

const mounted = new WeakSet();

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".steps");
  const memory = remembered();
  const finish = () => {
    root.hidden = true;
    setStateValue("finished", true);
  };
  if (!mounted.has(root)) {
    mounted.add(root);
    // Those who took every step on an earlier visit need the list no more.
    if (memory.closed || data.steps.every((_, i) => memory.done[i])) {
      root.dataset.finished = "";
      finish();
    }
  }
  if ("finished" in root.dataset) return;
  memory.done = data.steps.map(({ done }, i) => done || Boolean(memory.done[i]));
  remember(memory);
  root.setAttribute("aria-label", data.texts.label);
  root.querySelector("ol").replaceChildren(...data.steps.map(({ text }, i) => stepItem(i, text, memory.done, data.texts)));
  const close = root.querySelector("button");
  close.setAttribute("aria-label", data.texts.close);
  close.title = data.texts.close;
  close.onclick = () => {
    root.dataset.finished = "";
    remember({ ...remembered(), closed: true });
    finish();
  };
  root.hidden = false;
}

function stepItem(i, text, done, texts) {
  const item = document.createElement("li");
  item.classList.toggle("done", done[i]);
  item.classList.toggle("next", done.indexOf(false) === i);
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.setAttribute("aria-hidden", "true");
  mark.textContent = done[i] ? "✓" : i + 1;
  item.append(mark, text);
  if (!done[i]) return item;
  const said = document.createElement("span");
  said.className = "unseen";
  said.textContent = texts.done;
  item.append(said);
  return item;
}

// A browser may refuse to store anything: the steps then last as long as the page.
function remembered() {
  try {
    const { closed, done } = JSON.parse(localStorage.getItem(MEMORY)) ?? {};
    return { closed: closed === true, done: Array.isArray(done) ? done : [] };
  } catch {
    return { closed: false, done: [] };
  }
}

function remember(memory) {
  try {
    localStorage.setItem(MEMORY, JSON.stringify(memory));
  } catch (error) {
    console.warn(error);
  }
}
