"use strict";
// One ring's page: what it is, why, why perhaps not, pictures, who, and the events.
function ringPage(main, ring) {
  const place = data.rings.indexOf(ring);
  const go = (step) => { const to = data.rings[place + step]; if (to) location.hash = "#/ring/" + to.ring_id; };
  main.append(make("nav", { class: "row no-print", "aria-label": label("rings") }, make("a", { href: "#/" }, "← " + label("back")),
    make("button", { type: "button", id: "previous", onclick: () => go(-1), ...(place ? {} : { disabled: "" }) }, label("previous")),
    make("button", { type: "button", id: "next", onclick: () => go(1), ...(place < data.rings.length - 1 ? {} : { disabled: "" }) }, label("next"))));
  main.append(make("h1", {}, `${label("ring")} ${ring.ring_id} `, tier(ring.tier)));
  if (ring.dossier === null) {
    main.append(make("p", {}, label("no_dossier", { count: number(data.dossiers.length) })));
    return;
  }
  const dossier = dossierOf(ring);
  const { what } = dossier;
  main.append(make("p", { class: "verdict " + ring.tier }, dossier.verdict[state.language]));
  const tiles = [[number(what.members), "size"], [number(what.items), "targets"], [number(what.events), "events"], [number(what.orders), "orders"],
    [what.order_amount === null ? "" : number(what.order_amount, 2), "worth"], [what.days === null ? "" : small(what.days), "lasted"], [percent(dossier.density), "density"],
    [percent(dossier.dedication), "dedication"], [ring.score.toFixed(3), "score"], [small(ring.q_value), "q"]];
  main.append(make("div", { class: "tiles" }, tiles.filter(([value]) => value !== "").map(([value, name]) => make("div", { class: "tile" }, make("b", {}, value), make("span", {}, label(name))))));
  const members = () => dossier.members.map((member) => data.ids[member.id]);
  main.append(make("div", { class: "row no-print" }, make("button", { type: "button", id: "copy", onclick: () => copy(members().join("\n")) }, label("copy_ids")),
    make("button", { type: "button", id: "save-members", onclick: () => saveMembers(ring, dossier) }, label("save_members")),
    make("button", { type: "button", id: "save-events", onclick: () => saveEvents(ring, dossier) }, label("save_events"))));
  const innocent = claimCard("innocent", dossier.innocent, data.innocent, "fits", "fails");
  const objections = claimCard("objections", dossier.objections, data.objections, "raised", "not_raised");
  const reasons = ["for", "caution"].map((side) => [side, dossier.reasons.filter((reason) => reason.side === side)]).filter(([, list]) => list.length)
    .map(([side, list]) => card(side, "", make("ul", { class: "reasons" }, list.map((reason) => make("li", {}, plain(reason[state.language]))))));
  const whole = { without: "nothing", id: null, tier: ring.tier, explanation: ring.explanation, strength: ring.strength, kept: what.members, lost: 0 };
  const without = card("without", label("without_help"), table([["left_out", (row) => make("span", {}, noun(row.without, "many") + " ", id(row.id))],
    ["becomes", (row) => make("span", {}, tier(row.tier), row.explanation ? " " + data.innocent[row.explanation][state.language] : "")],
    ["evidence", (row) => row.strength.toFixed(1), "number"], ["kept", (row) => `${row.kept}/${row.kept + row.lost}`, "number"]], [whole, ...dossier.without]),
    dossier.witness ? make("p", {}, label("hangs", { witness: number(dossier.witness) })) : null);
  const [left, right] = ring.tier === "explained" ? [[innocent, without], [...reasons, objections]] : [[reasons[0], without, objections], [...reasons.slice(1), innocent]];
  main.append(make("div", { class: "split" }, make("div", {}, left), make("div", {}, right)));
  const boxes = Object.fromEntries(["timeline", "matrix", "network"].map((name) => [name, make("div", { class: "chart", id: "chart-" + name, role: "img", "aria-label": label(name) })]));
  const timed = dossier.events.some((event) => event.second !== null);
  if (dossier.targets.length) main.append(make("div", { class: "grid" }, timed ? card("timeline", label("timeline_help"), boxes.timeline, legend(dossier)) : card("timeline", label("untimed")), card("matrix", label("matrix_help"), boxes.matrix)));
  main.append(card("network", label("network_help"), boxes.network, nodeLegend(dossier)));
  main.append(memberTable(dossier), itemTable(dossier), sharedTable(dossier), sellerTable(dossier));
  if (dossier.copies.length) main.append(card("copies", "", dossier.copies.map((text) => make("blockquote", {}, plain(text)))));
  main.append(eventTable(dossier));
  if (dossier.targets.length && timed) timelineChart(boxes.timeline, dossier);
  if (dossier.cells.length) matrixChart(boxes.matrix, dossier);
  networkChart(boxes.network, dossier);
}

// Everything that was claimed and weighed: whether it holds and by which numbers, and opened, each number with its bar.
function claimCard(heading, rows, claims, yes, no) {
  const verdict = (row) => make("span", { class: "tier " + (row.holds ? yes : no) }, label(row.holds ? yes : no));
  const claim = (row) => {
    const asked = claims[row.code].conditions;
    const why = make("ul", { class: "conditions" }, row.why.map((place) => condition(asked[place], row.checked[place])));
    return make("details", { class: "claim" }, make("summary", {}, make("strong", {}, claims[row.code][state.language]), " ", verdict(row),
      row.holds ? make("p", {}, plain(row[state.language])) : why), make("div", { class: "whole" }, conditions(asked, row.checked)));
  };
  return card(heading, label("claims_help"), rows.map(claim));
}

function conditions(asked, checked) {
  const list = (part) => make("ul", { class: "conditions" }, asked.map((one, n) => (one.part === part ? condition(one, checked[n]) : null)));
  const heading = (part) => (part === "all" ? null : make("span", { class: "part" }, label(part === "unless" ? "unless" : part === "1" ? "one_way" : "other_way")));
  return [...new Set(asked.map((one) => one.part))].map((part) => [heading(part), list(part)]).flat();
}

function condition(one, { found, bar, passed }) {
  const told = data.facts[one.fact][state.language].replace("{}", found);
  const held = bar ? make("span", { class: "soft" }, ` (${data.directions[one.direction][state.language]} ${bar})`) : null;
  const mark = make("span", { class: "mark", role: "img", "aria-label": label(passed ? "passed" : "missed") }, passed ? "✓" : "✗");
  return make("li", { class: passed ? "passed" : "missed" }, mark, make("span", {}, told, held));
}

function swatch(fill, text) {
  return make("span", { class: "kind" }, make("span", { style: `display:inline-block;width:9px;height:9px;border-radius:5px;margin-right:5px;background:${fill}` }), text);
}

function legend(dossier) {
  const rows = dossier.targets.slice(0, PALETTE.length).map((target, n) => swatch(PALETTE[n], short(data.ids[target.id])));
  return make("div", {}, rows, dossier.targets.length > PALETTE.length ? swatch(colour("--soft"), label("other")) : null);
}

function nodeLegend(dossier) {
  return make("div", {}, [...new Set(dossier.nodes.map((node) => node.type))].map((kind) => swatch(look(kind).colour, noun(kind))));
}

function memberTable(dossier) {
  const weak = (row) => (row.weak ? row.weak[state.language] : "");
  return card("member_table", "", table([["member", (row) => id(row.id)], ["role", (row) => label(row.role)], ["evidence", (row) => row.contribution.toFixed(1), "number"],
    ["targets", (row) => `${row.touched}/${dossier.targets.length}`, "number"], ["events", (row) => number(row.events), "number"], ["of_all", (row) => number(row.all_events), "number"],
    ["first", (row) => minute(row.first), "time"], ["since", (row) => minute(row.seen_since), "time"], ["shared_devices", (row) => number(row.shared_devices), "number"], ["weak", weak]], dossier.members));
}

function itemTable(dossier) {
  return card("item_table", "", table([["item", (row) => id(row.id)], ["size", (row) => number(row.members), "number"], ["visitors", (row) => number(row.users), "number"], ["events", (row) => number(row.events), "number"],
    ["from", (row) => minute(row.start), "time"], ["to", (row) => minute(row.end), "time"], ["category", (row) => short(row.category ?? "", 40)], ["evidence", (row) => row.gain.toFixed(1), "number"]], dossier.targets));
}

function sharedTable(dossier) {
  if (!dossier.shared.length) return "";
  return card("shared_table", "", table([["kind", (row) => noun(row.type)], ["id", (row) => id(row.id)], ["size", (row) => number(row.members), "number"], ["all_users", (row) => number(row.users), "number"],
    ["expected", (row) => small(row.expected), "number"], ["crowded", (row) => (row.crowded ? label("yes") : "")]], dossier.shared, 10));
}

function sellerTable(dossier) {
  const rows = dossier.sellers.filter((seller) => seller.orders);
  if (!rows.length) return "";
  return card("seller_table", "", table([["seller", (row) => id(row.id)], ["targets", (row) => number(row.items), "number"], ["orders", (row) => number(row.orders), "number"], ["expected_orders", (row) => small(row.expected), "number"],
    ["amount", (row) => number(row.amount, 2), "number"], ["inflated", (row) => number(row.inflated_amount, 2), "number"]], rows));
}

function eventTable(dossier) {
  const mark = (row) => ["", "●", "★"][row.mark];
  const rows = [...dossier.events].sort((one, other) => (other.mark === READ_FIRST) - (one.mark === READ_FIRST) || one.second - other.second);
  const some = rows.length < dossier.inside ? label("some_events", { shown: number(rows.length), all: number(dossier.inside) }) : "";
  return card("event_table", `${label("event_help")} ${some}`, table([["", mark], ["when", (row) => moment(row.second), "time"], ["member", (row) => id(dossier.members[row.member].id)], ["action", (row) => short(row.action)],
    ["item", (row) => id(row.item)], ["device", (row) => id(row.device)], ["ip", (row) => id(row.ip)], ["amount", (row) => number(row.amount, 2), "number"]], rows, 12));
}

function saveMembers(ring, dossier) {
  save(`${ring.ring_id}-members.csv`, [["user_id", "role", "evidence", "items", "events", "all_events", "first", "in_log_since", "shared_devices", "weak"],
    ...dossier.members.map((row) => [data.ids[row.id], row.role, row.contribution, row.touched, row.events, row.all_events, row.first, row.seen_since, row.shared_devices, row.weak ? row.weak.en : ""])]);
}

function saveEvents(ring, dossier) {
  const name = (place) => (place === null ? "" : data.ids[place]);
  save(`${ring.ring_id}-events.csv`, [["timestamp", "user_id", "action", "item_id", "device_id", "ip", "amount", "mark"],
    ...dossier.events.map((row) => [row.second === null ? "" : new Date(row.second * 1000).toISOString(), name(dossier.members[row.member].id), row.action, name(row.item), name(row.device), name(row.ip), row.amount, ["", "witness", "read first"][row.mark]])]);
}
