"use strict";
// The first page: the funnel, what was discounted, scores, rings over time, the false-discovery curve, and the table of rings.
const PAGE = 50;
const COLUMNS = [["rank", "number"], ["ring", ""], ["tier", ""], ["score", "number"], ["size", "number"], ["targets", "number"], ["devices", "number"], ["ips", "number"],
  ["events", "number"], ["amount", "number"], ["first_seen", "time"], ["last_seen", "time"], ["why", ""]];
const KEY = { ring: "ring_id", why: "kinds" };

function overviewPage(main) {
  const { overview } = data;
  main.append(make("h1", {}, label("overview")));
  const most = Math.max(1, ...overview.funnel.map((step) => step.count));
  const width = (value) => `width:${(100 * Math.log1p(value)) / Math.log1p(most)}%`;
  const names = { alerts: "alerts", rings: "count_rings" };
  const funnel = make("table", { class: "funnel" }, make("tbody", {}, overview.funnel.map(({ of, count }) => make("tr", {}, make("th", { scope: "row" }, label(names[of] ?? of)),
    make("td", { class: "number" }, number(count)), make("td", { style: "width:50%" }, make("div", { class: "bar", style: width(count) }))))));
  const crowded = overview.discounted.length
    ? table([["kind", (cell) => noun(cell.view)], ["id", (cell) => make("span", { class: "id", title: plain(cell.key) }, short(cell.key, 60))], ["at_once", (cell) => number(cell.size), "number"]], overview.discounted, 6)
    : make("p", {}, label("nothing_discounted"));
  const boxes = Object.fromEntries(["scores", "curve", "spans"].map((name) => [name, make("div", { class: "chart", id: "chart-" + name })]));
  const untimed = !data.rings.some((ring) => ring.first_seen !== null);
  main.append(make("div", { class: "grid four" },
    card("funnel", "", funnel),
    card("discounted", label("discounted_help"), crowded),
    card("scores", label("scores_help"), boxes.scores),
    overview.curve.length ? card("curve", label("curve_help", { permutations: overview.permutations, q: overview.alert_q }), boxes.curve) : null));
  main.append(ringTable());
  if (!untimed) main.append(card("over_time", "", boxes.spans));
  if (data.run.notes.length) main.append(card("notes", "", make("ul", {}, data.run.notes.map((note) => make("li", {}, plain(note))))));
  barChart(boxes.scores, overview.scores, 0, 1);
  if (overview.curve.length) curveChart(boxes.curve, overview.curve, overview.alert_q);
  if (!untimed) spanChart(boxes.spans, data.rings, (ring) => { location.hash = "#/ring/" + ring.ring_id; });
}

let haystacks = null;
// What a ring can be found by: its id, members, items, tactics and explanation in both languages.
function haystack(place) {
  haystacks ??= data.rings.map((ring) => {
    const ids = ring.dossier === null ? [] : ["members", "targets", "sellers", "shared"].flatMap((table) => named(table, data.dossiers[ring.dossier][table])).map((row) => data.ids[row.id]);
    const kinds = ring.kinds.flatMap((kind) => [labels.en[kind], labels.zh[kind]]);
    const innocent = ring.explanation ? Object.values(data.innocent[ring.explanation]) : [];
    return [ring.ring_id, ring.tier, ...ids, ...kinds, ...innocent].join("\n").toLowerCase();
  });
  return haystacks[place];
}

function chosenRings() {
  const wanted = state.search.trim().toLowerCase();
  const rows = data.rings.filter((ring, place) => (!state.tier || ring.tier === state.tier) && (!wanted || haystack(place).includes(wanted)));
  const key = KEY[state.sort] ?? state.sort;
  const value = (ring) => (key === "kinds" ? ring.kinds.map((kind) => label(kind)).join() : ring[key]);
  const sign = state.down ? -1 : 1;
  return rows.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return (a === null) - (b === null) || one.rank - other.rank;
    return (a < b ? -sign : a > b ? sign : 0) || one.rank - other.rank;
  });
}

function ringTable() {
  const box = card("rings", "");
  const search = make("input", { type: "search", id: "search", placeholder: label("search"), "aria-label": label("search"), oninput: () => { state.search = search.value; state.page = 0; fill(); } });
  search.value = state.search;
  const tiers = make("select", { "aria-label": label("tier"), id: "tier", onchange: () => { state.tier = tiers.value; state.page = 0; fill(); } },
    make("option", { value: "" }, label("all_tiers")), ["alert", "review", "explained"].map((name) => make("option", { value: name }, `${label(name)} (${data.overview.tiers[name]})`)));
  tiers.value = state.tier;
  const saveAll = make("button", { type: "button", onclick: () => save("rings.csv", [COLUMNS.map(([name]) => label(name)), ...chosenRings().map((ring) =>
    [ring.rank, ring.ring_id, ring.tier, ring.score, ring.size, ring.targets, ring.devices, ring.ips, ring.events, ring.amount, moment(ring.first_seen), moment(ring.last_seen), ring.kinds.join(" ")])]) }, label("save_rings"));
  const place = make("div", {});
  const fill = () => {
    const rows = chosenRings();
    const pages = Math.max(Math.ceil(rows.length / PAGE), 1);
    state.page = Math.min(state.page, pages - 1);
    const heads = COLUMNS.map(([name, kind]) => make("th", { class: kind, scope: "col", "aria-sort": state.sort === name ? (state.down ? "descending" : "ascending") : null },
      make("button", { type: "button", "data-sort": name, onclick: () => { state.down = state.sort === name ? !state.down : !["rank", "ring", "tier", "why"].includes(name); state.sort = name; fill(); place.querySelector(`[data-sort="${name}"]`).focus(); } },
        label(name) + (state.sort === name ? (state.down ? " ↓" : " ↑") : ""))));
    const cells = (ring) => [number(ring.rank), make("a", { href: "#/ring/" + ring.ring_id }, ring.ring_id), tier(ring.tier), ring.score.toFixed(3), number(ring.size), number(ring.targets),
      number(ring.devices), number(ring.ips), number(ring.events), number(ring.amount), moment(ring.first_seen), moment(ring.last_seen),
      ring.explanation ? make("span", { class: "kind" }, data.innocent[ring.explanation][state.language]) : make("span", {}, ring.kinds.map((kind) => make("span", { class: "kind" }, label(kind))))];
    const body = rows.slice(state.page * PAGE, (state.page + 1) * PAGE).map((ring) => make("tr", {}, cells(ring).map((cell, n) => make("td", { class: COLUMNS[n][1] }, cell))));
    const turn = (step) => () => { state.page += step; fill(); };
    const pager = pages > 1 ? make("div", { class: "row no-print" }, make("button", { type: "button", onclick: turn(-1), ...(state.page ? {} : { disabled: "" }) }, label("previous")),
      make("span", {}, label("page", { page: state.page + 1, pages })), make("button", { type: "button", onclick: turn(1), ...(state.page < pages - 1 ? {} : { disabled: "" }) }, label("next"))) : null;
    const empty = rows.length ? null : make("p", {}, label(data.rings.length ? "no_match" : "none"));
    place.replaceChildren(make("div", { class: "scroll" }, make("table", { id: "rings" }, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, body))), ...[empty, pager].filter(Boolean));
  };
  fill();
  box.append(make("div", { class: "row no-print" }, search, tiers, saveAll), place);
  return box;
}
