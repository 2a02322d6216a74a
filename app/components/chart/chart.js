// Draws a Plotly figure in place. Streamlit calls the default export on mount and again each
// time the data changes, with the same parent element.

const charts = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const chart = charts.get(parentElement) ?? mount(parentElement);
  chart.data = data;
  chart.sendMark = (name) => setTriggerValue("mark", name);
  draw(chart);
  return () => unmount(parentElement);
}

function mount(parentElement) {
  const root = parentElement.querySelector(".chart");
  const chart = { root, plot: root.querySelector(".chart-plot"), zoomed: new Set() };
  // Streamlit changes a column's width without resizing the window, and changes the theme
  // without calling the component: the chart has to watch both.
  chart.resized = new ResizeObserver(() => resize(chart));
  // Only a chart in sight, or close to it, is drawn: drawing is most of what this page costs.
  const near = { rootMargin: "300px" };
  chart.seen = new IntersectionObserver((entries) => {
    chart.visible = entries.at(-1).isIntersecting;
    if (chart.visible && chart.waiting) draw(chart);
  }, near);
  chart.seen.observe(root);
  chart.resized.observe(chart.plot);
  chart.restyled = new MutationObserver(() => restyle(chart));
  for (let above = root.parentElement; above; above = above.parentElement) {
    chart.restyled.observe(above, { attributeFilter: ["class", "style"] });
  }
  root.querySelector(".chart-switch").addEventListener("click", () => showTable(chart, !chart.asTable));
  chart.plot.addEventListener("keydown", (event) => onKey(chart, event));
  chart.plot.addEventListener("blur", () => delete chart.reading);
  charts.set(parentElement, chart);
  return chart;
}

function unmount(parentElement) {
  const chart = charts.get(parentElement);
  charts.delete(parentElement);
  chart.resized.disconnect();
  chart.restyled.disconnect();
  chart.seen.disconnect();
  if (chart.drawn) window.Plotly.purge(chart.plot);
}

// A module is evaluated once per page whatever the number of imports, so every chart shares one
// plotly.js. Being a classic script inside, it leaves its API on window.
async function draw(chart) {
  drawHead(chart);
  chart.plot.setAttribute("aria-label", `${chart.data.title}. ${chart.data.texts.keys}`);
  chart.plot.style.height = `${chart.data.height}px`;
  const colours = theme(chart.root);
  const themed = JSON.stringify(colours);
  if (chart.drawn && chart.drawnFigure === chart.data.figure && chart.themed === themed) return;
  chart.figure = JSON.parse(resolveVariables(chart.data.figure, chart.root));
  nameSwitch(chart);
  if (chart.asTable) drawTable(chart);
  chart.waiting = !chart.visible || chart.asTable;
  if (chart.waiting) return;
  try {
    // This script runs from a blob: URL, which a path cannot be relative to.
    await import(new URL(chart.data.plotly_url, window.location.origin).href);
  } catch (error) {
    console.error(error);
    chart.plot.textContent = chart.data.texts.failed;
    return;
  }
  if (!chart.root.isConnected) return;
  chart.themed = themed;
  chart.drawnFigure = chart.data.figure;
  const { data, layout } = JSON.parse(resolveVariables(chart.data.figure, chart.root));
  layout.template = template(colours, chart.root.clientWidth < 480);
  layout.autosize = true;
  layout.height = chart.data.height;
  // A finger that drags over the chart means to scroll the page.
  if (window.matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
  keepZoom(chart, layout);
  await window.Plotly.react(chart.plot, data, layout, {
    displaylogo: false,
    displayModeBar: false,
    doubleClick: "reset+autosize",
  });
  if (!chart.drawn) {
    chart.drawn = true;
    chart.plot.on("plotly_relayout", (changes) => recordZoom(chart, changes));
    chart.plot.on("plotly_clickannotation", ({ annotation }) => chart.sendMark(annotation.name));
  }
}

function drawHead(chart) {
  const { title, note, value, link, texts } = chart.data;
  const part = (name) => chart.root.querySelector(`.chart-${name}`);
  part("title").textContent = title;
  part("note").textContent = note;
  part("value").textContent = value;
  part("link").hidden = !link;
  if (link) {
    part("link").href = link;
    part("link").textContent = "Prometheus ↗";
    part("link").setAttribute("aria-label", texts.link);
  }
}

// Plotly's uirevision keeps what a person changed as long as the figure repeats itself. An axis
// that moves with the clock does not, so the person's range is put in its place.
function keepZoom(chart, layout) {
  if (chart.revision !== layout.uirevision) chart.zoomed.clear();
  chart.revision = layout.uirevision;
  for (const axis of chart.zoomed) {
    layout[axis] = { ...layout[axis], range: [...chart.plot.layout[axis].range], autorange: false };
  }
}

function recordZoom(chart, changes) {
  for (const name of Object.keys(changes)) {
    const [axis, property] = name.split(".");
    if (property?.startsWith("range")) chart.zoomed.add(axis);
  }
  const reset = Object.keys(changes).some((name) => name.endsWith(".autorange"));
  const original = Object.keys(changes).some((name) => name.endsWith(".range"));
  if (!reset && !original) return;
  followFigure(chart); // after a double click
}

function followFigure(chart) {
  chart.zoomed.clear();
  delete chart.drawnFigure;
  draw(chart);
}

function resize(chart) {
  if (chart.drawn && chart.plot.clientWidth > 0) window.Plotly.Plots.resize(chart.plot);
}

function restyle(chart) {
  if (chart.drawn && JSON.stringify(theme(chart.root)) !== chart.themed) draw(chart);
}

function theme(root) {
  const style = getComputedStyle(root);
  const value = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    text: value("text-color"),
    background: value("background-color"),
    grid: value("border-color-light") || value("border-color"),
    line: value("border-color"),
    font: value("font"),
    series: value("chart-categorical-colors").split(/,(?![^(]*\))/).map((colour) => colour.trim()),
  };
}

// A figure may name a colour of the theme, as in var(--st-red-color).
function resolveVariables(figure, root) {
  const style = getComputedStyle(root);
  return figure.replace(/var\((--st-[\w-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
}

// The defaults of every chart; what a figure says itself wins.
function template(colours, narrow) {
  const axis = {
    gridcolor: colours.grid,
    linecolor: colours.line,
    zeroline: false,
    ticks: "",
    automargin: true,
    nticks: narrow ? 4 : 7,
    title: { standoff: 8 },
    // Under two pixels Plotly leaves out the halo, which is white on a dark page.
    spikethickness: -2,
    spikecolor: colours.line,
    spikedash: "solid",
  };
  return {
    layout: {
      font: { family: colours.font, color: colours.text, size: 12 },
      colorway: colours.series,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 8, r: 8, t: 8, b: 8 },
      xaxis: { ...axis, showgrid: false, showline: true },
      yaxis: axis,
      hovermode: "x unified",
      hoverlabel: {
        bgcolor: colours.background,
        bordercolor: colours.line,
        font: { family: colours.font, color: colours.text },
      },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", title: { text: "" } },
    },
  };
}
