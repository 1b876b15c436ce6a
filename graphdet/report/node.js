"use strict";
// The page of one account, item, shop, device or address: its rings, its life in and out of them, and what it shares.
function nodePage(main, type, place) {
  const name = data.ids[place];
  main.append(make("nav", { class: "row no-print" }, make("a", { href: "#/" }, "← " + label("back"))));
  main.append(make("h1", {}, `${noun(type)} `, make("span", { class: "whole-id" }, plain(name).slice(0, 400) + (plain(name).length > 400 ? "…" : ""))));
  main.append(make("div", { class: "row no-print" }, make("button", { type: "button", id: "copy-id", onclick: () => copy(name) }, label("copy_id"))));
  const tables = { user: "members", item: "targets", seller: "sellers" };
  // A thing of one member alone stands in no table of its ring, and in the ring's events all the same.
  const own = data.rings.filter((ring) => ring.dossier !== null).map((ring) => [ring, dossierOf(ring)]).map(([ring, dossier]) => {
    const rows = dossier[tables[type] ?? "shared"], at = rows.findIndex((row) => row.id === place && (tables[type] || row.type === type));
    return { ring, dossier, at, about: rows[at], met: dossier.events.filter((row) => row[type] === place) };
  }).filter(({ at, met }) => at >= 0 || met.length);
  main.append(...[onlyDossiers()].filter(Boolean));
  if (!own.length) {
    main.append(make("p", {}, label("in_no_ring")));
    return;
  }
  const money = (value) => number(value, 2), size = ({ about, met }) => number(about ? about.members : new Set(met.map((row) => row.member)).size);
  const ofUser = [["standing", ({ about }) => label(about.standing)], ["weak", ({ about }) => (about.weak ? about.weak[state.language] : "")], ["evidence", ({ about }) => about.contribution.toFixed(1), "number"], ["targets", ({ about, dossier }) => `${about.touched}/${dossier.targets.length}`, "number"], ["events", ({ about }) => number(about.events), "number"]];
  const ofItem = [["size", size, "number"], ["events", ({ about, met }) => number(about ? about.events : met.length), "number"]];
  const ofSeller = [["bought", ({ about }) => number(about?.orders), "number"], ["expected_orders", ({ about }) => small(about?.expected), "number"], ["amount", ({ about }) => money(about?.amount), "number"], ["at_stake", ({ about }) => money(about?.inflated_amount), "number"]];
  const columns = { user: ofUser, item: ofItem, seller: ofSeller }[type] ?? [["size", size, "number"]];
  main.append(card("its_rings", "", table([["ring", ({ ring }) => make("a", { href: "#/ring/" + ring.ring_id }, ring.ring_id)], ["tier", ({ ring }) => tier(ring.tier, standing(ring))], ...columns,
    ["first_seen", ({ ring }) => moment(ring.first_seen), "time"], ["last_seen", ({ ring }) => moment(ring.last_seen), "time"]], own)));
  if (type === "user") accountLife(main, own, place);
  const shared = type === "user" ? sharesOf(own, place) : usersOf(type, own, place);
  const [told, all] = ["events", "inside"].map((name) => own.reduce((sum, { dossier }) => sum + (dossier[name].length ?? dossier[name]), 0));
  const some = type !== "user" && told < all ? label("some_events", { shown: number(told), all: number(all) }) : "";
  if (shared.length) main.append(card(type === "user" ? "it_shares" : "used_by", `${label("events_counted")} ${some}`, table([["kind", (one) => noun(one.type)], ["id", (one) => id(one.id, one.type)], ["events", (one) => number(one.events), "number"]], shared, 30)));
}

// What an account did at an item, or on a day, in any of its rings, where it did something in several: an event in two rings is one event.
function inSeveral(kind, account) {
  return new Map(data.several[kind].filter(([user]) => user === account).map(([, what, events]) => [what, events]));
}

// Events by day: those in the ring above the line, all others below it.
function accountLife(main, own, place) {
  const days = new Map(), several = inSeveral("days", place);
  for (const { dossier, at } of own) for (const one of dossier.life.filter((row) => row.member === at)) days.set(one.day, { inside: several.get(one.day) ?? Math.max(days.get(one.day)?.inside ?? 0, one.inside), every: one.inside + one.outside });
  if (!days.size) return;
  const last = Math.max(...days.keys(), Math.ceil(data.overview.seconds / 86400)), width = 900, step = width / (last + 1), most = Math.max(...[...days.values()].map((one) => one.every));
  const svg = drawn("svg", { viewBox: `0 0 ${width} 116`, class: "strip", role: "img", "aria-label": label("life") });
  const first = Math.floor(wall(data.overview.start).getTime() / 86400000), day = (n) => new Date((first + n) * 86400000).toISOString().slice(0, 10);
  for (const [n, { inside, every }] of days) {
    const up = (inside / most) * 50, down = ((every - inside) / most) * 50;
    svg.append(drawn("rect", { x: n * step, y: 50 - up, width: Math.max(step - 0.6, 1), height: up, class: "bar" }, drawn("title", {}, `${day(n)}: ${inside}`)), drawn("rect", { x: n * step, y: 50, width: Math.max(step - 0.6, 1), height: down, class: "bar outside" }, drawn("title", {}, `${day(n)}: ${every - inside}`)));
  }
  svg.append(drawn("text", { x: 0, y: 112, class: "tick" }, day(0)), drawn("text", { x: width, y: 112, class: "tick", "text-anchor": "end" }, day(last)));
  main.append(card("life", label("life_help"), svg));
}

function sharesOf(own, place) {
  const found = new Map(), several = inSeveral("items", place);
  const add = (type, place, events) => found.set(`${type} ${place}`, { type, id: place, events: Math.max(found.get(`${type} ${place}`)?.events ?? 0, events) });
  for (const { dossier, at } of own) {
    for (const cell of dossier.cells.filter((one) => one.member === at)) add("item", dossier.targets[cell.target].id, several.get(dossier.targets[cell.target].id) ?? cell.events);
    for (const use of dossier.uses.filter((one) => one.member === at)) add(dossier.shared[use.thing].type, dossier.shared[use.thing].id, use.events);
  }
  return [...found.values()];
}

function usersOf(type, own, place) {
  const found = new Map(), several = new Map(data.several.items.filter(([, item]) => type === "item" && item === place).map(([user, , events]) => [user, events]));
  const byEvents = type === "seller" ? own : own.filter(({ at }) => at < 0);
  for (const { dossier, at } of own) {
    const rows = at < 0 || type === "seller" ? [] : type === "item" ? dossier.cells.filter((one) => one.target === at) : dossier.uses.filter((one) => one.thing === at);
    for (const one of rows) {
      const user = dossier.members[one.member].id;
      found.set(user, { type: "user", id: user, events: several.get(user) ?? one.events });
    }
  }
  for (const [user, events] of countedOnce(byEvents)) if (!found.has(user)) found.set(user, { type: "user", id: user, events });
  return [...found.values()];
}

// Of each member how many events of these rings it was there; one that is in two rings is one event.
function countedOnce(own) {
  const most = new Map(), found = new Map();
  for (const { dossier, met } of own) {
    const here = new Map();
    for (const { member, target, mark, ...row } of met) {
      const key = JSON.stringify([dossier.members[member].id, row]);
      here.set(key, (here.get(key) ?? 0) + 1);
    }
    for (const [key, events] of here) most.set(key, Math.max(most.get(key) ?? 0, events));
  }
  for (const [key, events] of most) found.set(JSON.parse(key)[0], (found.get(JSON.parse(key)[0]) ?? 0) + events);
  return found;
}
