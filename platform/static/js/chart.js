// Draws every [data-chart] from its JSON with ECharts: SVG, rich-text tooltips (no inline style, so the
// CSP holds), colours of the present theme. Table, PNG, SVG and CSV hang on the figure's buttons; a
// click on a point opens the page behind it.
import { isNarrow, plotOption } from "./chart-option.js";
import { saveCsv, savePng, saveSvg } from "./chart-save.js";

const drawn = new WeakMap();
let library;

/** Load ECharts once, when the first chart of a page needs it. */
function loadLibrary(src) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.addEventListener("load", () => resolve(window.echarts));
    script.addEventListener("error", () => reject(new Error(`${src} did not load`)));
    document.head.append(script);
  });
  return library;
}

function paint(figure) {
  const { echarts, data } = drawn.get(figure);
  const plot = figure.querySelector("[data-chart-plot]");
  echarts.getInstanceByDom(plot)?.dispose();
  const instance = echarts.init(plot, null, { renderer: "svg" });
  instance.setOption(plotOption(data, plot));
  plot.dataset.narrow = String(isNarrow(plot));
  instance.on("click", ({ seriesIndex, dataIndex, data: point }) => {
    const url = point?.url ?? data.series[seriesIndex]?.urls[dataIndex];
    if (url) location.assign(url);
  });
}

function showButtons(figure) {
  for (const button of figure.querySelectorAll(".chart-tools button")) button.hidden = false;
}

async function draw(figure) {
  if (drawn.has(figure)) return;
  const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  drawn.set(figure, { data });
  // A matrix is a table already; the library is needed when its picture is saved.
  if (!figure.querySelector("[data-chart-plot]")) return showButtons(figure);
  const echarts = await loadLibrary(figure.dataset.echarts);
  drawn.set(figure, { data, echarts });
  figure.classList.add("is-drawn");
  showButtons(figure);
  paint(figure);
  const plot = figure.querySelector("[data-chart-plot]");
  new ResizeObserver(() => {
    if (plot.dataset.narrow !== String(isNarrow(plot))) paint(figure);
    else echarts.getInstanceByDom(plot)?.resize();
  }).observe(plot);
}

function toggleTable(figure, button) {
  const isOpen = figure.querySelector(".chart-table").classList.toggle("is-open");
  button.setAttribute("aria-expanded", String(isOpen));
}

async function save(figure, kind) {
  const { data } = drawn.get(figure);
  if (kind === "csv") return saveCsv(data);
  const echarts = await loadLibrary(figure.dataset.echarts);
  const plot = figure.querySelector("[data-chart-plot]") ?? figure;
  if (kind === "svg") saveSvg(data, echarts, plot);
  else savePng(data, echarts, plot);
}

document.addEventListener("click", ({ target }) => {
  const figure = target.closest("[data-chart]");
  const button = target.closest("button");
  if (!figure || !button) return;
  if ("chartTable" in button.dataset) toggleTable(figure, button);
  else if (button.dataset.chartSave) save(figure, button.dataset.chartSave);
});

function drawAll(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) draw(figure);
}

drawAll(document);
document.addEventListener("htmx:load", ({ detail }) => drawAll(detail.elt.parentElement ?? document));
new MutationObserver(() => {
  for (const figure of document.querySelectorAll("[data-chart].is-drawn")) paint(figure);
}).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
