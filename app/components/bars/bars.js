// Bars that keep their elements from one answer to the next, so that they move.

export default function ({ parentElement, data }) {
  const list = parentElement.querySelector("ul");
  parentElement.querySelector("figcaption").textContent = data.caption;
  while (list.children.length > data.rows.length) list.lastChild.remove();
  while (list.children.length < data.rows.length) list.append(emptyRow());
  data.rows.forEach(({ name, share, value, leading }, i) => {
    const row = list.children[i];
    row.classList.toggle("leading", leading);
    row.querySelector(".name").textContent = name;
    row.querySelector(".name").title = name;
    row.querySelector(".value").textContent = value;
    row.querySelector(".track span").style.transform = `scaleX(${share})`;
  });
}

function emptyRow() {
  const row = document.createElement("li");
  row.innerHTML =
    '<span class="name"></span><span class="track" aria-hidden="true"><span></span></span><span class="value"></span>';
  return row;
}
