"use strict";
// The first page: the funnel, what was discounted, scores, rings over time, the false-discovery curve, and the table of rings.
const PAGE = 50;
const COLUMNS = [["rank", "number"], ["ring", ""], ["tier", ""], ["why", ""], ["size", "number"], ["at_stake", "number"], ["amount", "number"], ["targets", "number"], ["devices", "number"], ["ips", "number"],
  ["first_seen", "time"], ["lasted", "number"], ["q", "number"]];
const SAVED = ["rank", "ring_id", "tier", "chance", "chance_low", "chance_high", "queued", "contested", "explanation", "kinds", "size", "at_stake", "amount", "targets", "devices", "ips", "events", "first_seen", "last_seen", "q_value", "score"];
const KEY = { ring: "ring_id", why: "kinds", q: "q_value", lasted: "days" };
const MINUTES = 5; // that a person needs for one ring

function tabs(here) {
  const tab = (name, hash) => make("a", { href: hash, class: "tab", "aria-current": here === name ? "page" : null }, label(name));
  return make("nav", { class: "tabs no-print", "aria-label": label("title") }, tab("worklist", "#/"), tab("how_found", "#/run"));
}

// The first view: one sentence, what may change a decision, and the rings as a list of work.
function overviewPage(main) {
  const { overview } = data;
  const queue = data.rings.filter((ring) => ring.queued);
  const minutes = MINUTES * queue.length;
  const work = minutes < 120 ? label("minutes_of_work", { minutes: number(minutes) }) : label("hours_of_work", { hours: number(Math.round(minutes / 60)) });
  const told = { rings: number(queue.length), alerts: number(overview.tiers.alert), more: number(queue.length - overview.tiers.alert), work, each: MINUTES, users: number(overview.alerted) };
  const whole = queue.every((ring) => ring.dossier !== null);
  const stake = overview.at_stake === null ? "" : label(whole ? "sum_stake" : "sum_stake_first", { amount: number(overview.at_stake, 2), count: number(data.dossiers.length) });
  main.append(tabs("worklist"), make("h1", {}, label("overview")), make("p", { class: "lead" }, `${label(!queue.length ? "sum_none" : queue.length > overview.tiers.alert ? "sum" : "sum_alerts", told)} ${queue.length ? stake : ""}`));
  const notes = data.run.notes.filter((note) => note.decides);
  if (notes.length) main.append(make("div", { class: "verdict review", role: "note" }, make("strong", {}, label("mind")), make("ul", { class: "reasons" }, notes.map((note) => make("li", {}, plain(note[state.language]))))));
  main.append(ringTable());
}

// The second tab: how the rings were found, and what the run did and left undone.
function runPage(main) {
  const { overview } = data;
  main.append(tabs("how_found"), make("h1", {}, label("how_found")));
  const most = Math.max(1, ...overview.funnel.map((step) => step.count));
  const width = (value) => `width:${(100 * Math.log1p(value)) / Math.log1p(most)}%`;
  const names = { alerts: "alerts", rings: "count_rings" };
  const funnel = make("table", { class: "funnel" }, make("tbody", {}, overview.funnel.map(({ of, count }) => make("tr", {}, make("th", { scope: "row" }, label(names[of] ?? of)),
    make("td", { class: "number" }, number(count)), make("td", { style: "width:50%" }, make("div", { class: "bar", style: width(count) }))))));
  const crowded = overview.discounted.length
    ? table([["kind", (cell) => noun(cell.view)], ["id", (cell) => make("span", { class: "id", title: plain(cell.key).slice(0, 400) }, short(cell.key, 60))], ["at_once", (cell) => number(cell.size), "number"]], overview.discounted, 6)
    : make("p", {}, label("nothing_discounted"));
  const boxes = Object.fromEntries(["scores", "curve", "spans"].map((name) => [name, make("div", { class: "chart", id: "chart-" + name, role: "img", "aria-label": label(name === "spans" ? "over_time" : name) })]));
  const timed = data.rings.filter((ring) => ring.first_seen !== null);
  if (data.run.notes.length) main.append(card("notes", "", make("ul", { class: "reasons" }, data.run.notes.map((note) => make("li", {}, plain(note[state.language]))))));
  main.append(make("div", { class: "grid four" },
    card("funnel", "", funnel),
    card("discounted", label("discounted_help"), crowded),
    card("scores", label("scores_help"), boxes.scores),
    overview.curve.length ? card("curve", label("curve_help", { permutations: overview.permutations, q: overview.alert_q }), boxes.curve) : null));
  if (timed.length) main.append(card("over_time", "", boxes.spans));
  barChart(boxes.scores, overview.scores, 0, 1);
  if (overview.curve.length) curveChart(boxes.curve, overview.curve, overview.alert_q);
  if (timed.length) spanChart(boxes.spans, timed, (ring) => { location.hash = "#/ring/" + ring.ring_id; });
}

// Of 100 groups that stand so, how many were rings in markets of many kinds, and between which bounds; an older graphdet's run does not tell.
function wereRings(ring) {
  const whole = (share) => Math.round(100 * share);
  return ring.chance === null ? null : make("div", { class: "soft" }, `${percent(ring.chance)} (${whole(ring.chance_low)}–${whole(ring.chance_high)})`);
}

// Where the report lacks dossiers, what it cannot know of: members and things of the other rings.
function onlyDossiers() {
  const [count, all] = [data.dossiers.length, data.rings.length];
  return count < all ? make("p", { class: "soft" }, label("only_dossiers", { count: number(count), all: number(all) })) : null;
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
  const rows = data.rings.filter((ring, place) => (!state.tier || (state.tier === "queue" ? ring.queued : ring.tier === state.tier)) && (!wanted || haystack(place).includes(wanted)));
  const key = KEY[state.sort] ?? state.sort;
  const value = (ring) => (key === "kinds" ? ring.kinds.map((kind) => label(kind)).join() : ring[key]);
  const sign = state.down ? -1 : 1;
  return rows.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (state.sort === "rank" && one.queued !== other.queued) return sign * (other.queued - one.queued); // what awaits a person comes first
    if (a === null || b === null) return (a === null) - (b === null) || one.rank - other.rank;
    return (a < b ? -sign : a > b ? sign : 0) || one.rank - other.rank;
  });
}

function ringTable() {
  const box = card("rings", "");
  const search = make("input", { type: "search", id: "search", placeholder: label("search"), "aria-label": label("search"), oninput: () => { state.search = search.value; state.page = 0; fill(); } });
  search.value = state.search;
  const tiers = make("select", { "aria-label": label("tier"), id: "tier", onchange: () => { state.tier = tiers.value; state.page = 0; fill(); } },
    make("option", { value: "" }, label("all_tiers")), make("option", { value: "queue" }, `${label("queue")} (${data.rings.filter((ring) => ring.queued).length})`), ["alert", "review", "explained"].map((name) => make("option", { value: name }, `${label(name)} (${data.overview.tiers[name]})`)));
  tiers.value = state.tier;
  const told = (ring, name) => (name.endsWith("_seen") ? (ring[name] === null ? "" : new Date(ring[name] * 1000).toISOString()) : Array.isArray(ring[name]) ? ring[name].join(" ") : ring[name]);
  const saveAll = make("button", { type: "button", onclick: () => save("rings.csv", [SAVED, ...chosenRings().map((ring) => SAVED.map((name) => told(ring, name)))]) });
  const place = make("div", {});
  let paper = false; // which has no pages to turn
  const fill = () => {
    const rows = chosenRings();
    const pages = Math.max(Math.ceil(rows.length / PAGE), 1);
    state.page = Math.min(state.page, pages - 1);
    const heads = COLUMNS.map(([name, kind]) => make("th", { class: kind, scope: "col", "aria-sort": state.sort === name ? (state.down ? "descending" : "ascending") : null },
      make("button", { type: "button", "data-sort": name, onclick: () => { state.down = state.sort === name ? !state.down : !["rank", "ring", "tier", "why"].includes(name); state.sort = name; fill(); place.querySelector(`[data-sort="${name}"]`).focus(); } },
        heading(name) + (state.sort === name ? (state.down ? " ↓" : " ↑") : ""))));
    saveAll.textContent = label("save_rings", { shown: number(rows.length), count: number(data.rings.length) });
    const looks = (ring) => (ring.explanation ? [data.innocent[ring.explanation][state.language]] : ring.kinds.map((kind) => label(kind))).map((text) => make("span", { class: "kind" }, text));
    const cells = (ring) => [number(ring.rank), make("a", { href: "#/ring/" + ring.ring_id }, ring.ring_id), make("span", {}, tier(ring.tier, standing(ring)), ring.contested ? make("span", { class: "tier review", title: label("contested_help") }, label("contested")) : null, wereRings(ring)), make("span", {}, looks(ring)),
      number(ring.size), number(ring.at_stake, 2), number(ring.amount, 2), number(ring.targets), number(ring.devices), number(ring.ips), moment(ring.first_seen), lasted(ring.days), chance(ring.q_value)];
    const body = (paper ? rows : rows.slice(state.page * PAGE, (state.page + 1) * PAGE)).map((ring) => make("tr", {}, cells(ring).map((cell, n) => make("td", { class: COLUMNS[n][1] }, cell))));
    const turn = (step) => () => { state.page += step; fill(); };
    place.classList.toggle("cut", pages > 1);
    const pager = pages > 1 ? make("div", { class: "row no-print" }, make("button", { type: "button", onclick: turn(-1), ...(state.page ? {} : { disabled: "" }) }, label("previous")),
      make("span", {}, label("page", { page: state.page + 1, pages })), make("button", { type: "button", onclick: turn(1), ...(state.page < pages - 1 ? {} : { disabled: "" }) }, label("next"))) : null;
    const empty = rows.length ? null : make("p", {}, label(data.rings.length ? "no_match" : "none"));
    const order = state.sort === "rank" && !state.down && rows.length > 1 ? make("p", { class: "soft" }, label("order")) : null;
    const known = rows.some((ring) => ring.chance !== null) ? make("p", { class: "soft" }, label("were_rings_help")) : null;
    const unsearched = state.search.trim() ? onlyDossiers() : null;
    place.replaceChildren(...[order, known, unsearched].filter(Boolean), make("div", { class: "scroll" }, make("table", { id: "rings" }, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, body))), ...[empty, pager].filter(Boolean));
  };
  place.onPaper = (on) => { paper = on; fill(); };
  fill();
  box.append(make("div", { class: "row no-print" }, search, tiers, saveAll), place);
  return box;
}
