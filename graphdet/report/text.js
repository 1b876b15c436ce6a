"use strict";
// The page's data and words, and elements made of text: nothing from the log is ever parsed as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const labels = JSON.parse(document.getElementById("labels").textContent);
const state = { language: "en", sort: "rank", down: false, page: 0, search: "", tier: "" };
state.language = (navigator.language || "en").startsWith("zh") ? "zh" : "en";

// Rows of one of the page's tables with the names of their columns, which the page holds once.
function named(table, rows) {
  const columns = data.columns[table];
  return rows.map((row) => Object.fromEntries(columns.map((name, n) => [name, row[n]])));
}

const opened = new Map();
// A ring's dossier with named rows; made when it is first looked at.
function dossierOf(ring) {
  if (!opened.has(ring.dossier)) {
    const packed = data.dossiers[ring.dossier];
    opened.set(ring.dossier, { ...packed, ...Object.fromEntries(Object.keys(data.columns).map((table) => [table, named(table, packed[table])])) });
  }
  return opened.get(ring.dossier);
}

function label(key, values = {}) {
  const text = labels[state.language][key] ?? data.types[key]?.one[state.language] ?? key;
  return filled(text, (name) => values[name] ?? (name === "zone" ? data.run.zone : ""));
}

// The heading of a column: money as what the log has of it, times of day with the zone of their clock.
function heading(key) {
  if (key === "amount") return label({ order: "amount", pay: "paid" }[data.run.deal] ?? "worth");
  return ["first_seen", "last_seen"].includes(key) && !data.run.bare_dates ? label("in_zone", { what: label(key) }) : label(key);
}

// A text with its values; where it names a thing after a number, as {count:ring|rings}, in the singular or the plural.
function filled(text, valueOf) {
  return text.replace(/\{(\w*)(?::([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const told = valueOf(name);
    return one === undefined ? told : `${told} ${String(told) === "1" ? one : many}`;
  });
}

// What was done: graphdet's own actions have words, others stand as the log has them.
function deed(action) {
  return labels[state.language][`action_${action}`] ?? short(action);
}

// What people call a node of a type; `type` may be the key of a label, too, such as "hubs".
function noun(type, number = "one") {
  return data.types[type]?.[number][state.language] ?? label(type);
}

// An element with attributes and children; strings become text, null is left out.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Control and direction marks spelt out, so that an id reads as it is stored and cannot rearrange its surroundings.
function plain(text) {
  return String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));
}

// An id of the page's list: a link to what the report knows of it where it is of a type, else text.
function id(place, type = null) {
  if (place === null || place === undefined) return "";
  const text = plain(data.ids[place]);
  const shown = text.slice(0, 200) + (text.length > 200 ? "…" : "");
  if (type === null || !data.types[type]) return make("span", { class: "id", title: text.slice(0, 400) }, shown);
  return make("a", { class: "id", title: text.slice(0, 400), href: pageOf(type, place) }, shown);
}

// Where the page of an account, item … is: in this document, or at an address of its own where the data name one.
function pageOf(type, place) {
  return data.about ? `${data.about}?type=${type}&id=${encodeURIComponent(data.ids[place])}` : `#/node/${type}/${place}`;
}

function share(value) {
  return value >= 0.1 ? percent(value) : value >= 0.001 ? (100 * value).toFixed(1) + "%" : "<0.1%";
}

function short(text, length = 18) {
  const shown = plain(text);
  return shown.length > length ? shown.slice(0, length - 1) + "…" : shown;
}

function number(value, digits = 0) {
  if (value === null || value === undefined) return "";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function small(value) {
  if (value === null || value === undefined) return "";
  if (value === 0 || Math.abs(value) >= 10) return number(value);
  return Math.abs(value) < 0.001 ? "<0.001" : String(Number(value.toPrecision(2)));
}

function percent(value) {
  return value === null || value === undefined ? "" : Math.round(100 * value) + "%";
}

// A time as the clock on the wall showed it in the log's zone; of a log of dates the date alone.
function moment(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return wall(seconds).toISOString().slice(0, data.run.bare_dates ? 10 : 16).replace("T", " ");
}

// A date whose hours in UTC are those of the log's zone.
function wall(seconds) {
  const offset = /^([+-])(\d{2}):?(\d{2})?$/.exec(data.run.zone);
  if (offset) return new Date(1000 * (seconds + (offset[1] === "-" ? -1 : 1) * (3600 * Number(offset[2]) + 60 * Number(offset[3] ?? 0))));
  if (data.run.zone === "UTC") return new Date(1000 * seconds);
  try {
    const told = new Intl.DateTimeFormat("sv-SE", { timeZone: data.run.zone, dateStyle: "short", timeStyle: "medium" }).format(new Date(1000 * seconds));
    return new Date(told.replace(" ", "T") + "Z");
  } catch {
    return new Date(1000 * seconds);
  }
}

function minute(text) {
  return text ? moment(Date.parse(text) / 1000) : "";
}

// A verdict that facts contradict is never green.
function standing(ring) {
  return ring.contested ? "review" : ring.tier;
}

function tier(name, colour = name) {
  return make("span", { class: "tier " + colour }, label(name));
}

// columns: [heading, cell(row), kind] with kind "number", "time" or nothing. On paper every row is there; on a phone each figure has its name beside it.
function table(columns, rows, most = 15) {
  const body = make("tbody"), names = columns.map(([key]) => heading(key));
  const fill = (shown) => body.replaceChildren(...shown.map((row) => make("tr", {}, columns.map(([, cell, kind], n) => make("td", { class: kind, "data-label": n ? names[n] : null }, cell(row))))));
  fill(rows.slice(0, most));
  const head = make("tr", {}, columns.map(([, , kind], n) => make("th", { class: kind, scope: "col" }, names[n])));
  const box = make("div", {}, make("div", { class: "scroll" }, make("table", { class: "stacked" }, make("thead", {}, head), body)));
  if (rows.length > most) {
    let whole = false;
    const more = make("button", { type: "button", class: "more", onclick: () => { fill(rows); whole = true; more.remove(); } }, label("more", { shown: number(most), count: number(rows.length) }));
    box.append(make("div", { class: "row" }, more));
    box.classList.add("cut");
    box.onPaper = (paper) => { if (!whole) fill(paper ? rows : rows.slice(0, most)); };
  }
  return box;
}

// Before a page is printed its tables are filled and what is folded is opened; afterwards all is as before.
function onPaper(paper) {
  for (const box of document.querySelectorAll(".cut")) box.onPaper(paper);
  for (const claim of document.querySelectorAll("details.claim")) {
    if (paper && !claim.open) { claim.open = true; claim.dataset.folded = "yes"; }
    if (!paper && claim.dataset.folded) { claim.open = false; delete claim.dataset.folded; }
  }
}

function card(heading, help, ...children) {
  return make("section", { class: "card", "aria-label": label(heading) }, make("h2", {}, label(heading)), help ? make("p", { class: "soft" }, help) : null, ...children);
}

function announce(text) {
  const live = document.getElementById("live");
  live.textContent = text;
  setTimeout(() => { if (live.textContent === text) live.textContent = ""; }, 1600);
}

// A cell that a spreadsheet would take for a formula gets an apostrophe in front.
function field(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value !== "number" && /^[\s]*[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function save(name, rows) {
  const text = "\ufeff" + rows.map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  announce(label("copied"));
}
