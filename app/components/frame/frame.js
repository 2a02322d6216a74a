// The choice of a language. Python gets the code of the one chosen; a cookie keeps it for the next
// visit. Streamlit leaves a phone's menu open and the document's language English: both end here.

const YEAR = 31536000; // seconds

let shown = lastPart(performance.getEntriesByType("navigation")[0]?.name ?? location.href);
let listens = false;

export default function ({ parentElement, data, setTriggerValue }) {
  const select = parentElement.querySelector("select");
  const codes = Object.keys(data.languages);
  parentElement.querySelector(".name").textContent = data.label;
  if (select.options.length !== codes.length) {
    select.replaceChildren(...codes.map((code) => new Option(data.languages[code], code)));
    for (const option of select.options) option.lang = option.value;
  }
  select.value = data.language;
  select.onchange = () => {
    document.cookie = `${data.cookie}=${select.value}; path=/; max-age=${YEAR}; samesite=lax`;
    setTriggerValue("language", select.value);
  };
  document.documentElement.lang = data.language;
  // Somebody may have chosen a page before this listened: it is another one than was loaded.
  if (data.page !== shown) closeMenu();
  shown = data.page;
  if (!listens) document.addEventListener("click", closeMenuAfterChoice);
  listens = true;
}

function closeMenuAfterChoice(event) {
  if (event.target.closest?.("[data-testid=stSidebarNavLink]")) closeMenu();
}

function closeMenu() {
  const open = document.querySelector("[data-testid=stSidebar][data-collapsed=false]");
  open?.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
}

function lastPart(address) {
  return new URL(address).pathname.split("/").pop();
}
