// Saves a chart as PNG, SVG or CSV under the name of its title.
import { plotOption } from "./chart-option.js";

function download(href, name) {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}

function downloadText(text, type, name) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const fileName = ({ title, id }, ending) =>
  `${title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id}.${ending}`;

// A spreadsheet would run a text that begins like a formula; the rule is that of reviews.neutral.
const safe = (text) => (/^'*[=+\-@\t\r\n＝＋－＠]/.test(text) ? `'${text}` : text);

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = safe(String(value));
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const ownPoints = ({ name, names, at, values }) => values.map((y, index) => [names[index] ?? index + 1, name, at[index], y]);

/** Save the numbers behind the chart. */
export function saveCsv(chart) {
  const { header } = chart.table;
  const rows = chart.series.some(({ at }) => at) ? chart.series.flatMap(ownPoints) : chart.table.rows;
  const lines = [header, ...rows].map((row) => row.map(cell).join(","));
  downloadText(`${lines.join("\r\n")}\r\n`, "text/csv;charset=utf-8", fileName(chart, "csv"));
}

// A matrix is a table on the page and has no plot of its own: its picture has room for its cells and its title.
function sizeOf(chart, plot) {
  if ("chartPlot" in plot.dataset) return plot.getBoundingClientRect();
  const width = Math.max(200 + 90 * chart.labels.length, 20 + 9 * chart.title.length);
  return { width, height: 90 + 40 * chart.series.length };
}

// A second instance, off the page: with the title, on paper, without animation.
function offPage(chart, echarts, plot, renderer) {
  const { width, height } = sizeOf(chart, plot);
  const holder = document.createElement("div");
  const instance = echarts.init(holder, null, { renderer, width, height: height + 32, devicePixelRatio: 2 });
  const option = plotOption(chart, plot);
  const style = getComputedStyle(plot);
  const ink = style.getPropertyValue("--ink").trim();
  instance.setOption({
    ...option,
    animation: false,
    backgroundColor: style.getPropertyValue("--paper").trim(),
    title: { text: chart.title, left: 4, top: 4, textStyle: { color: ink, fontSize: 14, fontFamily: style.fontFamily } },
    legend: { ...option.legend, top: 32 },
    grid: { ...option.grid, top: option.grid.top + 32 },
  });
  return instance;
}

/** Save the drawing as a picture of twice the pixels. */
export function savePng(chart, echarts, plot) {
  const instance = offPage(chart, echarts, plot, "canvas");
  download(instance.getDataURL({ type: "png", pixelRatio: 2 }), fileName(chart, "png"));
  instance.dispose();
}

/** Save the drawing as vectors. */
export function saveSvg(chart, echarts, plot) {
  const instance = offPage(chart, echarts, plot, "svg");
  downloadText(instance.renderToSVGString(), "image/svg+xml", fileName(chart, "svg"));
  instance.dispose();
}
