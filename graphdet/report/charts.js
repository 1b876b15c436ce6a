"use strict";
// Charts by BokehJS in the page's own colours; views are kept so that they can be taken down when the page changes.
const views = [];
const HUBS = { ...data.types.ip, shape: "circle", size: 26 }; // public networks, folded into one node
const READ_FIRST = 2; // the mark of events to read first; 1 marks the others that the alert hangs on
const TIER_COLOUR = { alert: "--alert", review: "--review", explained: "--explained" };

function look(type) {
  return data.types[type] ?? HUBS;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function clearCharts() {
  for (const view of views.splice(0)) view.remove();
}

function figure(options, tools = "") {
  const plot = Bokeh.Plotting.figure({ sizing_mode: "stretch_width", height: 260, toolbar_location: null, tools, background_fill_alpha: 0,
    border_fill_alpha: 0, outline_line_color: colour("--line"), min_border: 6, output_backend: "canvas", ...options });
  plot.toolbar.logo = null;
  for (const axis of [plot.xaxis, plot.yaxis]) {
    Object.assign(axis, { axis_line_color: colour("--line"), major_tick_line_color: colour("--line"), minor_tick_line_color: null,
      major_label_text_color: colour("--soft"), axis_label_text_color: colour("--soft"), axis_label_text_font_style: "normal" });
  }
  for (const grid of [plot.xgrid, plot.ygrid]) grid.grid_line_color = colour("--line");
  return plot;
}

async function show(plot, box) {
  // The page may have moved on before Bokeh is done.
  const view = await Bokeh.Plotting.show(plot, box);
  if (box.isConnected) views.push(view); else view.remove();
  box.dataset.drawn = "yes";
}

function hover(plot, renderers, tooltips) {
  plot.add_tools(new Bokeh.HoverTool({ renderers, tooltips, point_policy: "follow_mouse" }));
}

function source(columns) {
  return new Bokeh.ColumnDataSource({ data: columns });
}

function barChart(box, values, low, high) {
  const width = (high - low) / values.length;
  const plot = figure({ height: 220, x_range: [low, high], y_axis_type: "log", y_range: [0.7, 2 * Math.max(1, ...values)] });
  const rows = values.map((top, n) => ({ left: low + n * width, right: low + (n + 1) * width, top })).filter((row) => row.top > 0);
  const bars = plot.quad({ left: { field: "left" }, right: { field: "right" }, top: { field: "top" }, bottom: 0.7, fill_color: colour("--accent"),
    fill_alpha: 0.75, line_color: colour("--card"), source: source({ left: rows.map((r) => r.left), right: rows.map((r) => r.right), top: rows.map((r) => r.top) }) });
  hover(plot, [bars], [[label("score"), "@left{0.00} – @right{0.00}"], [label("users"), "@top{0,0}"]]);
  return show(plot, box);
}

function curveChart(box, points, limit) {
  const plot = figure({ height: 220, y_range: [0, 1.3 * Math.max(limit, ...points.map((p) => p.q))], x_axis_label: label("rings") });
  plot.line({ x: points.map((p) => p.rings), y: points.map((p) => p.q), line_width: 2, line_color: colour("--accent") });
  const dots = plot.scatter({ x: { field: "x" }, y: { field: "y" }, size: 5, fill_color: colour("--accent"), line_color: null,
    source: source({ x: points.map((p) => p.rings), y: points.map((p) => p.q) }) });
  plot.line({ x: [points[0].rings, points.at(-1).rings], y: [limit, limit], line_dash: "dashed", line_color: colour("--alert") });
  hover(plot, [dots], [[label("rings"), "@x"], ["q", "@y{0.0000}"]]);
  return show(plot, box);
}

function spanChart(box, rings, open) {
  const rows = rings; // all of them: a chart that leaves some out would say that they are not there
  const plot = figure({ height: 60 + 7 * rows.length, x_axis_type: "datetime", y_range: [rows.length + 0.5, 0.5] });
  plot.yaxis.visible = false;
  const spans = plot.hbar({ y: { field: "y" }, left: { field: "left" }, right: { field: "right" }, height: 0.75, fill_color: { field: "fill" }, line_color: null,
    source: source({ y: rows.map((_, n) => n + 1), left: rows.map((r) => r.first_seen * 1000), right: rows.map((r) => Math.max(r.last_seen, r.first_seen + 3600) * 1000),
      fill: rows.map((r) => colour(TIER_COLOUR[r.tier])), ring: rows.map((r) => r.ring_id), size: rows.map((r) => r.size) }) });
  hover(plot, [spans], [[label("ring"), "@ring"], [label("size"), "@size"]]);
  plot.add_tools(new Bokeh.TapTool({ renderers: [spans] }));
  spans.data_source.selected.change.connect(() => { const at = spans.data_source.selected.indices[0]; if (at !== undefined) open(rows[at]); });
  return show(plot, box);
}

function networkChart(box, dossier) {
  const { nodes, edges } = dossier;
  const plot = figure({ height: 520, x_range: [-1.5, 1.5], y_range: [-1.12, 1.12] });
  for (const part of [plot.xaxis, plot.yaxis, plot.xgrid, plot.ygrid]) part.visible = false;
  const ends = source({ x0: [], y0: [], x1: [], y1: [], width: edges.map((edge) => Math.min(0.6 + 0.35 * Math.sqrt(edge.events), 3)) });
  plot.segment({ x0: { field: "x0" }, y0: { field: "y0" }, x1: { field: "x1" }, y1: { field: "y1" }, line_width: { field: "width" }, line_color: colour("--soft"), line_alpha: 0.35, source: ends });
  const spots = source({ x: nodes.map((node) => node.x), y: nodes.map((node) => node.y), fill: nodes.map((node) => look(node.type).colour), marker: nodes.map((node) => look(node.type).shape),
    size: nodes.map((node) => look(node.type).size), kind: nodes.map((node) => noun(node.type)), name: nodes.map((node) => (node.type === "hubs" ? "" : short(data.ids[node.id], 60))) });
  const dots = plot.scatter({ x: { field: "x" }, y: { field: "y" }, size: { field: "size" }, marker: { field: "marker" }, fill_color: { field: "fill" }, line_color: colour("--card"), source: spots });
  const follow = () => {
    const { x, y } = spots.data;
    ends.data = { ...ends.data, x0: edges.map((e) => x[e.start]), y0: edges.map((e) => y[e.start]), x1: edges.map((e) => x[e.end]), y1: edges.map((e) => y[e.end]) };
  };
  follow();
  spots.properties.data.change.connect(follow);
  spots.patching.connect(follow);
  const named = nodes.map((node, place) => [node, place]).filter(([node]) => node.type !== "hubs" && node.type !== "user");
  plot.text({ x: { field: "x" }, y: { field: "y" }, text: { field: "text" }, text_align: { field: "align" }, text_baseline: "middle", x_offset: { field: "away" }, text_font_size: "10px", text_color: colour("--text"),
    source: source({ x: named.map(([node]) => node.x), y: named.map(([node]) => node.y), text: named.map(([node]) => short(data.ids[node.id], 14)), align: named.map(([node]) => (node.x < 0 ? "right" : "left")), away: named.map(([node]) => (node.x < 0 ? -12 : 12)) }) });
  const drag = new Bokeh.PointDrawTool({ renderers: [dots], add: false });
  plot.add_tools(drag);
  plot.toolbar.active_drag = drag;
  hover(plot, [dots], [[label("kind"), "@kind"], [label("id"), "@name"]]);
  box.spots = spots;
  return show(plot, box);
}
