// Turns a chart's data into an ECharts option in the colours of the present theme.

const PALETTE_SIZE = 12;
// Below this many pixels names at the ends of lines would leave no room for the lines.
const ROOM_FOR_NAMES = 480;
const LEGEND_LINE = 22;
const LEFT_TO_RIGHT = { top: 0, left: 0, itemWidth: 10, itemHeight: 10, itemGap: 16, icon: "roundRect" };

function colours(element) {
  const style = getComputedStyle(element);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: token("ink"),
    ink2: token("ink-2"),
    line: token("line"),
    paper: token("paper"),
    accent: token("accent"),
    option: (number) => token(`option-${((number - 1) % PALETTE_SIZE) + 1}`),
    // Shades go by the names of their classes: heat-3, diverge-n2.
    shade: (name) => token(name.endsWith("-0") ? "paper-2" : name),
    shadeText: (name) => {
      const [ramp, end] = name.split("-");
      const third = Math.ceil(Number(end.at(-1)) / (ramp === "heat" ? 2 : 1));
      return token(["ink-3", "ink", `${ramp}-mid-text`, `${ramp}-high-text`][third]);
    },
    font: style.fontFamily,
  };
}

const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });
export const written = (value) =>
  value === null || value === undefined ? "–" : Number.isInteger(value) ? value.toLocaleString("en-GB") : plain.format(value);

function textStyle(look, color = look.ink2) {
  return { color, fontFamily: look.font, fontSize: 12 };
}

const ECHARTS_SCALE = { category: "category", value: "value", time: "time", log: "log" };

function axis(spec, look, { labels, isLabels, isVertical }) {
  return {
    type: ECHARTS_SCALE[spec.scale],
    name: spec.title,
    // Labels run down from the top: their axis begins there.
    nameLocation: isVertical ? (isLabels ? "start" : "end") : "middle",
    nameGap: isVertical ? 14 : 30,
    nameTextStyle: { ...textStyle(look), align: isVertical ? "left" : "center" },
    min: spec.low ?? undefined,
    max: spec.high ?? undefined,
    scale: isLabels, // labels that are numbers need not begin at nought
    // Absent, not undefined: ECharts takes an undefined pointer for one and stops.
    ...(spec.scale === "value" && { axisPointer: { label: { formatter: ({ value }) => written(value) } } }),
    data: isLabels && spec.scale === "category" ? labels.map(String) : undefined,
    inverse: isLabels && isVertical,
    axisLine: { show: isLabels, lineStyle: { color: look.line } },
    axisTick: { show: false },
    axisLabel: { ...textStyle(look), hideOverlap: true, formatter: spec.scale === "value" ? written : undefined },
    splitLine: { show: !isLabels, lineStyle: { color: look.line } },
  };
}

const isFree = (chart) => chart.series.some(({ at }) => at);

function points(chart, series) {
  if (series.at) {
    return series.values.map((value, index) => ({ value: [series.at[index], value], url: series.urls[index], name: series.names[index] }));
  }
  if (chart.x.scale === "category") {
    return series.values.map((value, index) => ({ value, url: series.urls[index] }));
  }
  return series.values.map((value, index) => ({ value: [chart.labels[index], value], url: series.urls[index] }));
}

// An interval as a thin stroke with ends, drawn by the library's custom series.
function whiskers(chart, series, color) {
  const at = (api, index, bound) => api.coord(chart.horizontal ? [bound, index] : [index, bound]);
  return {
    type: "custom",
    name: series.name,
    silent: true,
    tooltip: { show: false },
    z: 3,
    data: series.values.map((_, index) => [chart.x.scale === "category" ? index : chart.labels[index], series.low[index], series.high[index]]),
    encode: chart.horizontal ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] },
    renderItem: (_, api) => {
      const [x1, y1] = at(api, api.value(0), api.value(1));
      const [x2, y2] = at(api, api.value(0), api.value(2));
      const cap = chart.horizontal ? [0, 3] : [3, 0];
      const stroke = (a, b, c, d) => ({ type: "line", shape: { x1: a, y1: b, x2: c, y2: d }, style: { stroke: color, lineWidth: 1.5 } });
      return {
        type: "group",
        children: [
          stroke(x1, y1, x2, y2),
          stroke(x1 - cap[0], y1 - cap[1], x1 + cap[0], y1 + cap[1]),
          stroke(x2 - cap[0], y2 - cap[1], x2 + cap[0], y2 + cap[1]),
        ],
      };
    },
  };
}

function seriesColour(chart, series, index, look) {
  if (series.option) return look.option(series.option);
  return chart.series.length === 1 ? look.accent : look.option(index + 1);
}

/** Tell whether the chart's place is so narrow that it is drawn in another way. */
export const isNarrow = (element) => element.clientWidth < ROOM_FOR_NAMES;

function mark(chart, series, index, look) {
  const color = seriesColour(chart, series, index, look);
  const shared = {
    name: series.name,
    type: chart.kind,
    data: points(chart, series),
    itemStyle: { color },
    cursor: series.urls.length ? "pointer" : "default",
    stack: chart.stacked ? "all" : undefined,
    emphasis: { focus: chart.series.length > 1 ? "series" : "none" },
  };
  if (chart.kind === "bar") return { ...shared, barMaxWidth: 28, barCategoryGap: "35%", barMinWidth: 1 };
  if (series.at) return { ...shared, symbolSize: 6, itemStyle: { color, opacity: 0.7 } };
  if (chart.kind === "scatter") return { ...shared, symbolSize: 7, itemStyle: { color, opacity: 0.75 } };
  const line = {
    ...shared,
    connectNulls: true,
    showSymbol: chart.labels.length <= 40,
    symbol: "circle",
    symbolSize: 5,
    lineStyle: { color, width: 2 },
  };
  // Several lines are named at their ends.
  if (chart.series.length === 1 || !look.isNamedAtEnds) return line;
  return {
    ...line,
    endLabel: { show: true, formatter: "{a}", color: look.ink2, fontFamily: look.font, distance: 6 },
    labelLayout: { moveOverlap: "shiftY" },
  };
}

function tooltip(chart, look) {
  return {
    renderMode: "richText",
    trigger: chart.kind === "line" ? "axis" : "item",
    backgroundColor: look.paper,
    borderColor: look.line,
    textStyle: textStyle(look, look.ink),
    // Braces begin a style in the library's rich text.
    ...(isFree(chart) && { formatter: ({ name, seriesName }) => `${(name ?? "").replace(/[{}|]/g, " ")}\n${seriesName}` }),
    valueFormatter: (value) => written(Array.isArray(value) ? value.at(-1) : value),
    axisPointer: { lineStyle: { color: look.line } },
    confine: true,
  };
}

const HEAT_STEPS = 6;
const heatStep = (value, most) => (value > 0 ? Math.min(HEAT_STEPS, 1 + Math.floor((HEAT_STEPS * value) / most)) : 0);

function heatCells(chart, look) {
  const most = Math.max(...chart.series.flatMap(({ values }) => values.map((value) => value ?? 0)), 1e-9);
  return chart.series.flatMap((series, row) =>
    series.values.map((value, column) => {
      const shade = series.shades?.[column] ?? `heat-${heatStep(value, most)}`;
      return {
        value: [column, row, value],
        url: series.urls[column],
        itemStyle: { color: look.shade(shade) },
        label: { color: look.shadeText(shade) },
      };
    }),
  );
}

function heatOption(chart, look) {
  const cells = heatCells(chart, look);
  const names = chart.series.map(({ name }) => name);
  return {
    xAxis: axis({ ...chart.x, scale: "category" }, look, { labels: chart.labels, isLabels: true, isVertical: false }),
    yAxis: axis({ ...chart.y, scale: "category" }, look, { labels: names, isLabels: true, isVertical: true }),
    series: [
      {
        type: "heatmap",
        data: cells,
        itemStyle: { borderColor: look.paper, borderWidth: 2 },
        label: { show: cells.length <= 150, formatter: ({ value }) => written(value[2]), fontFamily: look.font },
      },
    ],
  };
}

function plotted(chart, look) {
  const labels = axis(chart.x, look, { labels: chart.labels, isLabels: true, isVertical: chart.horizontal });
  const values = axis(chart.y, look, { labels: chart.labels, isLabels: false, isVertical: !chart.horizontal });
  const marks = chart.series.map((series, index) => mark(chart, series, index, look));
  const intervals = chart.series
    .filter(({ low }) => low.length)
    .map((series) => whiskers(chart, series, chart.kind === "bar" ? look.ink : seriesColour(chart, series, chart.series.indexOf(series), look)));
  return { xAxis: chart.horizontal ? values : labels, yAxis: chart.horizontal ? labels : values, series: [...marks, ...intervals] };
}

/** Tell whether lines end so far apart that their names can stand there. */
function endsApart(chart) {
  const known = chart.series.map(({ values }) => values.filter((value) => value !== null));
  const ends = known.map((values) => values.at(-1) ?? 0).sort((one, other) => one - other);
  const range = (chart.y.high ?? Math.max(...known.flat())) - (chart.y.low ?? Math.min(...known.flat()));
  return ends.every((end, index) => !index || end - ends[index - 1] > 0.15 * range);
}

/** Count the lines of a legend that is `width` pixels wide: a letter takes about 6.6 of them. */
function legendLines(names, width) {
  let lines = 1;
  let at = 0;
  for (const name of names) {
    const size = LEFT_TO_RIGHT.itemWidth + 5 + 6.6 * name.length;
    if (at && at + size > width) [lines, at] = [lines + 1, 0];
    at += size + LEFT_TO_RIGHT.itemGap;
  }
  return lines;
}

/** Build the ECharts option of `chart` for the theme `element` stands in. */
export function plotOption(chart, element) {
  const look = colours(element);
  const isNamedAtEnds = chart.kind === "line" && chart.series.length > 1 && !isNarrow(element) && endsApart(chart);
  look.isNamedAtEnds = isNamedAtEnds;
  const hasLegend = chart.series.length > 1 && !isNamedAtEnds && chart.kind !== "heat";
  const names = chart.series.map(({ name }) => name);
  const lines = isFree(chart) ? 1 : legendLines(names, element.clientWidth);
  const legendHeight = hasLegend ? 4 + LEGEND_LINE * lines : 0;
  const hasTopName = chart.y.title && !chart.horizontal;
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 250,
    aria: { enabled: true, label: { general: { withTitle: chart.title, withoutTitle: chart.title } } },
    textStyle: textStyle(look),
    grid: {
      top: 8 + (hasTopName ? 20 : 0) + legendHeight,
      left: 4,
      right: isNamedAtEnds ? 96 : 12,
      bottom: (chart.horizontal ? chart.y.title : chart.x.title) ? 30 : 4,
      containLabel: true,
    },
    legend: { ...LEFT_TO_RIGHT, ...(isFree(chart) && { type: "scroll", right: 0 }), show: hasLegend, data: names, textStyle: textStyle(look) },
    tooltip: tooltip(chart, look),
    ...(chart.kind === "heat" ? heatOption(chart, look) : plotted(chart, look)),
  };
}
