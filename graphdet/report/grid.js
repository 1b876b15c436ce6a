"use strict";
// Who came where and when, in one picture: members by items in the order of their first arrival, then what members share; a strip of all
// events above. Whatever is chosen in it (a member, an item, a shared thing, a stretch of time) is chosen everywhere on the page.
const COLUMNS_SHOWN = 18; // shared things beside the items
const chosen = { member: null, target: null, thing: null, from: null, to: null };
const followers = []; // told whenever something is chosen

function choose(what) {
  Object.assign(chosen, what);
  for (const follow of followers) follow();
}

function toggle(name, value) {
  choose({ [name]: chosen[name] === value ? null : value });
}

function nothingChosen() {
  return Object.values(chosen).every((value) => value === null);
}

function within(second) {
  return chosen.from === null || (second !== null && second >= chosen.from && second <= chosen.to);
}

// Whether a member is part of what is chosen.
function isChosen(dossier, member) {
  if (chosen.member !== null && chosen.member !== member) return false;
  const cells = dossier.cells.filter((cell) => cell.member === member);
  if (chosen.target !== null && !cells.some((cell) => cell.target === chosen.target && within(cell.first))) return false;
  if (chosen.thing !== null && !dossier.uses.some((use) => use.member === member && use.thing === chosen.thing)) return false;
  return chosen.from === null || cells.some((cell) => within(cell.first));
}

function chosenEvent(event) {
  return (chosen.member === null || event.member === chosen.member) && (chosen.target === null || event.target === chosen.target) && within(event.second);
}

function hueOf(second, dossier) {
  if (second === null) return colour("--accent");
  if (data.run.bare_dates) {
    const days = [...new Set(dossier.cells.map((cell) => Math.floor((cell.first ?? 0) / 86400)))].sort((a, b) => a - b);
    return `hsl(${(days.indexOf(Math.floor(second / 86400)) * 300) / Math.max(days.length, 1)} 60% 48%)`;
  }
  return hourHue(wall(second).getUTCHours());
}

function hourHue(hour) {
  return `hsl(${hour * 15} 62% ${dark() ? 58 : 46}%)`;
}

function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function pressable(act, name) {
  return { tabindex: 0, role: "button", "aria-label": name, onclick: act, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { act(event); event.preventDefault(); } } };
}

function firstOf(dossier, key, place) {
  return Math.min(...dossier.cells.filter((cell) => cell[key] === place && cell.first !== null).map((cell) => cell.first), Infinity);
}

function byArrival(count, first) {
  const moments = Array.from({ length: count }, (_, place) => first(place));
  return moments.map((_, place) => place).sort((a, b) => (moments[a] < moments[b] ? -1 : moments[a] > moments[b] ? 1 : a - b));
}

// The strip: when members came to items, without strays; a stretch of it is chosen by dragging.
function strip(dossier, width) {
  const seconds = dossier.cells.filter((cell) => cell.first !== null && !cell.stray).map((cell) => cell.first);
  if (!seconds.length) return null;
  const low = Math.min(...seconds), high = Math.max(...seconds, low + 60), bins = 72, height = 46;
  const count = new Array(bins).fill(0);
  const bin = (second) => Math.min(Math.floor(((second - low) / (high - low)) * bins), bins - 1);
  for (const second of seconds) count[bin(second)] += 1;
  const most = Math.max(...count), step = width / bins;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height + 14}`, class: "strip", role: "img", "aria-label": label("strip") });
  svg.append(...count.map((n, place) => drawn("rect", { x: place * step + 0.5, width: Math.max(step - 1, 1), y: height - (n / most) * height, height: (n / most) * height, class: "bar" },
    drawn("title", {}, `${moment(low + (place * (high - low)) / bins)}: ${n}`))));
  const zone = drawn("rect", { y: 0, height, class: "zone", x: 0, width: 0 });
  const clock = (x) => low + (x / width) * (high - low);
  const at = (event) => { const box = svg.getBoundingClientRect(); return Math.max(0, Math.min(width, ((event.clientX - box.left) / box.width) * width)); };
  let begun = null;
  svg.addEventListener("pointerdown", (event) => { begun = at(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const [from, to] = [begun, at(event)].sort((a, b) => a - b);
    begun = null;
    choose(to - from < 4 ? { from: null, to: null } : { from: clock(from), to: clock(to) });
  });
  svg.append(zone, drawn("text", { x: 0, y: height + 11, class: "tick" }, moment(low)), drawn("text", { x: width, y: height + 11, class: "tick", "text-anchor": "end" }, moment(high)));
  followers.push(() => {
    const x = (second) => ((second - low) / (high - low)) * width;
    zone.setAttribute("x", chosen.from === null ? 0 : x(chosen.from));
    zone.setAttribute("width", chosen.from === null ? 0 : x(chosen.to) - x(chosen.from));
  });
  return svg;
}

function gridChart(dossier) {
  const people = byArrival(dossier.members.length, (place) => firstOf(dossier, "member", place));
  const items = byArrival(dossier.targets.length, (place) => firstOf(dossier, "target", place));
  const things = dossier.shared.slice(0, COLUMNS_SHOWN).map((_, place) => place);
  const name = 112, head = 92, columns = items.length + things.length, gap = things.length && items.length ? 10 : 0;
  const wide = Math.max(9, Math.min(30, (560 - gap) / Math.max(columns, 1))), high = Math.max(10, Math.min(17, 520 / Math.max(people.length, 1)));
  const width = name + columns * wide + gap + 58, height = head + people.length * high + 4;
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, style: `width:100%;max-width:${Math.round(width * 1.25)}px;min-width:${Math.round(width * 0.8)}px`, class: "grid-chart", role: "group", "aria-label": label("grid") });
  const row = new Map(people.map((member, place) => [member, place]));
  const x = (column) => name + column * wide + (column >= items.length ? gap : 0);
  const heading = (place, column, text, about, key, fill) => drawn("g", { class: "head", "data-key": `${key} ${place}`, ...pressable(() => toggle(key, place), about) },
    drawn("text", { transform: `translate(${x(column) + wide / 2 + 3} ${head - 6}) rotate(-62)`, fill }, text), drawn("title", {}, about));
  items.forEach((place, column) => svg.append(heading(place, column, short(data.ids[dossier.targets[place].id], 12), `${noun("item")} ${plain(data.ids[dossier.targets[place].id]).slice(0, 200)}`, "target")));
  things.forEach((place, n) => { const thing = dossier.shared[place];
    svg.append(heading(place, items.length + n, short(data.ids[thing.id], 12), `${noun(thing.type)} ${plain(data.ids[thing.id]).slice(0, 200)}`, "thing", look(thing.type).colour)); });
  people.forEach((member, place) => {
    const told = plain(data.ids[dossier.members[member].id]).slice(0, 200);
    svg.append(drawn("g", { class: "row-of", "data-member": member, transform: `translate(0 ${head + place * high})` },
      drawn("rect", { class: "ground", x: 0, width, height: high }),
      drawn("text", { x: name - 5, y: high * 0.78, "text-anchor": "end", class: dossier.members[member].standing, onclick: () => toggle("member", member) }, short(data.ids[dossier.members[member].id], 15), drawn("title", {}, told))));
  });
  const rows = svg.querySelectorAll(".row-of");
  for (const cell of dossier.cells) {
    const fill = hueOf(cell.first, dossier), place = row.get(cell.member);
    const told = `${short(data.ids[dossier.members[cell.member].id], 40)} · ${short(data.ids[dossier.targets[cell.target].id], 40)} · ${moment(cell.first)} · ${number(cell.events)} ${label("events")}${cell.stray ? " · " + label("strays") : ""}`;
    rows[place].append(drawn("rect", { x: x(items.indexOf(cell.target)) + 0.7, y: 0.7, width: wide - 1.4, height: high - 1.4, rx: 1.5, "data-target": cell.target, "data-first": cell.first, class: cell.stray ? "cell stray" : "cell", style: cell.stray ? `stroke:${fill}` : `fill:${fill}`,
      onclick: () => choose({ member: cell.member, target: cell.target }) }, drawn("title", {}, told)));
  }
  for (const use of dossier.uses.filter((one) => one.thing < things.length)) {
    const thing = dossier.shared[use.thing];
    rows[row.get(use.member)].append(drawn("circle", { cx: x(items.length + use.thing) + wide / 2, cy: high / 2, r: Math.min(wide, high) / 2 - 1.2, class: "cell", "data-thing": use.thing, style: `fill:${look(thing.type).colour}`, onclick: () => choose({ member: use.member, thing: use.thing }) },
      drawn("title", {}, `${short(data.ids[dossier.members[use.member].id], 40)} · ${noun(thing.type)} ${short(data.ids[thing.id], 40)} · ${number(use.events)} ${label("events")}`)));
  }
  followers.push(() => {
    for (const one of svg.querySelectorAll(".row-of")) one.classList.toggle("dim", !isChosen(dossier, Number(one.dataset.member)));
    for (const one of svg.querySelectorAll(".head")) one.classList.toggle("on", one.dataset.key === `target ${chosen.target}` || one.dataset.key === `thing ${chosen.thing}`);
  });
  return svg;
}

// What the colours are: hours of the day, or, where dates are bare, days.
function hourLegend() {
  if (data.run.bare_dates) return make("span", { class: "soft" }, label("by_day"));
  const hours = [0, 3, 6, 9, 12, 15, 18, 21].map((hour) => make("span", { class: "hour", style: `border-color:${hourHue(hour)}` }, String(hour)));
  return make("span", { class: "soft" }, label("by_hour"), " ", hours);
}
