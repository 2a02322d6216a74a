// A chart without a mouse: its values as a table, and read one by one with the arrow keys.

// The values of a figure in rows: [name of the row, value of each column]. The newest time is first.
function tableOf(chart) {
  const traces = chart.figure.data.filter((trace) => (trace.x ?? trace.y ?? []).length > 0);
  const heatmap = traces.find((trace) => trace.type === "heatmap");
  const bars = traces.find((trace) => trace.type === "bar");
  const lines = traces.filter((trace) => trace.type === "scatter");
  if (bars) {
    const names = bars.orientation === "h" ? bars.y : bars.x;
    const values = bars.customdata ?? bars.text ?? (bars.orientation === "h" ? bars.x : bars.y);
    const rows = names.map((name, index) => [name, shown(values[index])]).reverse();
    return { columns: [chart.data.texts.value], rows };
  }
  const ticks = heatmap ? (chart.figure.layout.yaxis.ticktext ?? []) : [];
  const columns = [
    ...ticks.map((tick) => String(tick)),
    ...lines.map((trace) => trace.name ?? chart.data.texts.value),
  ];
  const times = (heatmap ?? lines[0])?.x ?? [];
  const positions = lines.map((trace) => new Map(trace.x.map((x, index) => [String(x), index])));
  const rows = times.map((time, index) => [
    moment(time),
    ...ticks.map((_, row) => heatmap.customdata[row]?.[index] || "–"),
    ...lines.map((trace, number) => {
      const at = positions[number].get(String(time));
      return at === undefined ? "–" : shown(valueOf(trace, at));
    }),
  ]);
  return { columns, rows: rows.filter((row) => row.slice(1).some((value) => value !== "–")).reverse() };
}

function valueOf(trace, index) {
  const own = trace.customdata?.[index];
  return own ?? trace.y[index];
}

function shown(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "number" ? String(Number(value.toPrecision(3))) : String(value);
}

// 2026-11-28T23:22:04 -> 23:22:04; other positions, such as epochs, as they are.
function moment(x) {
  const time = /T(\d\d:\d\d:\d\d)/.exec(String(x));
  return time ? time[1] : shown(x);
}

function drawTable(chart) {
  const place = chart.root.querySelector(".chart-table");
  place.style.height = `${chart.data.height}px`;
  place.setAttribute("aria-label", chart.data.title);
  const { columns, rows } = tableOf(chart);
  const table = document.createElement("table");
  const cell = (row, kind, text, scope) => {
    const made = row.appendChild(document.createElement(kind));
    made.textContent = text;
    if (scope) made.scope = scope;
  };
  const head = table.createTHead().insertRow();
  const position = chart.figure.layout.xaxis?.title?.text || chart.data.texts.when;
  for (const name of [position, ...columns]) cell(head, "th", name, "col");
  const body = table.createTBody();
  for (const [name, ...values] of rows) {
    const row = body.insertRow();
    cell(row, "th", name, "row");
    for (const value of values) cell(row, "td", value);
  }
  const scrolled = place.scrollTop;
  place.replaceChildren(table);
  place.scrollTop = scrolled;
}

function showTable(chart, wanted) {
  chart.asTable = wanted;
  nameSwitch(chart);
  chart.plot.hidden = wanted;
  chart.root.querySelector(".chart-table").hidden = !wanted;
  if (wanted) drawTable(chart);
  else draw(chart);
}

function nameSwitch(chart) {
  const button = chart.root.querySelector(".chart-switch");
  button.setAttribute("aria-pressed", String(chart.asTable ?? false));
  button.textContent = chart.asTable ? chart.data.texts.chart : chart.data.texts.table;
}

// Arrow keys read the values, + and - zoom, Escape shows everything again.
function onKey(chart, event) {
  if (!chart.drawn || event.ctrlKey || event.metaKey || event.altKey) return;
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (event.key in steps) readNext(chart, steps[event.key]);
  else if (event.key === "+" || event.key === "=") zoom(chart, 0.5);
  else if (event.key === "-") zoom(chart, 2);
  else if (event.key === "Escape") {
    window.Plotly.Fx.unhover(chart.plot);
    if (chart.zoomed.size > 0) followFigure(chart);
  } else return;
  event.preventDefault();
}

function readNext(chart, step) {
  const { rows, columns } = tableOf(chart);
  if (rows.length === 0) return;
  rows.reverse(); // the table begins with the newest
  const position = chart.reading === undefined ? (step < 0 ? rows.length : -1) : chart.reading;
  chart.reading = Math.min(Math.max(position + step, 0), rows.length - 1);
  const [name, ...values] = rows[chart.reading];
  const parts = values.map((value, index) => `${columns[index]} ${value}`);
  const known = parts.filter((_, index) => values[index] !== "–");
  chart.root.querySelector(".chart-readout").textContent = `${name}: ${known.join(", ")}`;
  const points = [];
  chart.figure.data.forEach((trace, curveNumber) => {
    if (trace.type === "bar") points.push({ curveNumber, pointNumber: chart.reading });
    if (trace.type !== "scatter") return;
    const pointNumber = trace.x.findIndex((x) => moment(x) === name);
    if (pointNumber >= 0 && trace.y[pointNumber] !== null) points.push({ curveNumber, pointNumber });
  });
  if (points.length > 0) window.Plotly.Fx.hover(chart.plot, points);
}

function zoom(chart, factor) {
  const axis = chart.plot.layout.xaxis;
  if (axis?.type !== "date" || chart.data.texts === undefined) return;
  const [start, end] = axis.range.map((text) => new Date(`${text}Z`).getTime());
  if (Number.isNaN(start + end)) return;
  const [middle, half] = [(start + end) / 2, ((end - start) * factor) / 2];
  const text = (time) => new Date(time).toISOString().slice(0, 23);
  window.Plotly.relayout(chart.plot, {
    "xaxis.range[0]": text(middle - half),
    "xaxis.range[1]": text(middle + half),
  });
}
