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
  const dossier = data.dossiers[ring.dossier];
  const { what } = dossier;
  main.append(make("p", { class: "verdict " + ring.tier }, dossier.verdict[state.language]));
  const tiles = [[number(what.members), "size"], [number(what.items), "targets"], [number(what.events), "events"], [number(what.orders), "orders"],
    [what.order_amount === null ? "" : number(what.order_amount, 2), "worth"], [what.days === null ? "" : small(what.days), "lasted"], [percent(dossier.density), "density"],
    [percent(dossier.dedication), "dedication"], [ring.score.toFixed(3), "score"], [small(ring.q_value), "q"]];
  main.append(make("div", { class: "tiles" }, tiles.filter(([value]) => value !== "").map(([value, name]) => make("div", { class: "tile" }, make("b", {}, value), make("span", {}, label(name))))));
  const members = () => dossier.members.map((member) => data.ids[member[0]]);
  main.append(make("div", { class: "row no-print" }, make("button", { type: "button", id: "copy", onclick: () => copy(members().join("\n")) }, label("copy_ids")),
    make("button", { type: "button", id: "save-members", onclick: () => saveMembers(ring, dossier) }, label("save_members")),
    make("button", { type: "button", id: "save-events", onclick: () => saveEvents(ring, dossier) }, label("save_events"))));
  const innocent = card("innocent", "", table([["", (row) => make("span", { class: "tier " + (row.fits ? "fits" : "fails") }, label(row.fits ? "fits" : "fails"))], ["", (row) => make("p", {}, row[state.language])]], dossier.innocent));
  const reasons = ["for", "caution"].map((side) => [side, dossier.reasons.filter((reason) => reason.side === side)]).filter(([, list]) => list.length)
    .map(([side, list]) => card(side, "", make("ul", { class: "reasons" }, list.map((reason) => make("li", {}, plain(reason[state.language]))))));
  const whole = { without: "nothing", id: null, tier: ring.tier, explanation: ring.explanation, strength: ring.strength, kept: what.members, lost: 0 };
  const without = card("without", label("without_help"), table([["left_out", (row) => make("span", {}, label(row.without) + " ", id(row.id))],
    ["becomes", (row) => make("span", {}, tier(row.tier), row.explanation ? " " + data.innocent[row.explanation][state.language] : "")],
    ["evidence", (row) => row.strength.toFixed(1), "number"], ["kept", (row) => `${row.kept}/${row.kept + row.lost}`, "number"]], [whole, ...dossier.without]),
    dossier.witness ? make("p", {}, label("hangs", { witness: number(dossier.witness) })) : null);
  const [left, right] = ring.tier === "explained" ? [[innocent, without], reasons] : [[reasons[0], without], [...reasons.slice(1), innocent]];
  main.append(make("div", { class: "split" }, make("div", {}, left), make("div", {}, right)));
  const boxes = Object.fromEntries(["timeline", "matrix", "network"].map((name) => [name, make("div", { class: "chart", id: "chart-" + name, role: "img", "aria-label": label(name) })]));
  const timed = dossier.events.some((event) => event[0] !== null);
  if (dossier.targets.length) main.append(make("div", { class: "grid" }, timed ? card("timeline", label("timeline_help"), boxes.timeline, legend(dossier)) : card("timeline", label("untimed")), card("matrix", label("matrix_help"), boxes.matrix)));
  main.append(card("network", label("network_help"), boxes.network, nodeLegend(dossier)));
  main.append(memberTable(dossier), itemTable(dossier), sharedTable(dossier), sellerTable(dossier));
  if (dossier.copies.length) main.append(card("copies", "", dossier.copies.map((text) => make("blockquote", {}, plain(text)))));
  main.append(eventTable(dossier));
  if (dossier.targets.length && timed) timelineChart(boxes.timeline, dossier);
  if (dossier.cells.length) matrixChart(boxes.matrix, dossier);
  networkChart(boxes.network, dossier);
}

function swatch(fill, text) {
  return make("span", { class: "kind" }, make("span", { style: `display:inline-block;width:9px;height:9px;border-radius:5px;margin-right:5px;background:${fill}` }), text);
}

function legend(dossier) {
  const rows = dossier.targets.slice(0, PALETTE.length).map((target, n) => swatch(PALETTE[n], short(data.ids[target[0]])));
  return make("div", {}, rows, dossier.targets.length > PALETTE.length ? swatch(colour("--soft"), label("other")) : null);
}

function nodeLegend(dossier) {
  return make("div", {}, [...new Set(dossier.nodes.map((node) => node[0]))].map((kind) => swatch(NODE[kind][0], label("one_" + kind))));
}

function memberTable(dossier) {
  const weak = (row) => (row[9] ? row[9][state.language] : "");
  return card("member_table", "", table([["member", (row) => id(row[0])], ["role", (row) => label(row[1])], ["evidence", (row) => row[2].toFixed(1), "number"],
    ["targets", (row) => `${row[3]}/${dossier.targets.length}`, "number"], ["events", (row) => number(row[4]), "number"], ["of_all", (row) => number(row[5]), "number"],
    ["first", (row) => minute(row[6]), "time"], ["since", (row) => minute(row[7]), "time"], ["shared_devices", (row) => number(row[8]), "number"], ["weak", weak]], dossier.members));
}

function itemTable(dossier) {
  return card("item_table", "", table([["item", (row) => id(row[0])], ["size", (row) => number(row[1]), "number"], ["visitors", (row) => number(row[2]), "number"], ["events", (row) => number(row[3]), "number"],
    ["from", (row) => minute(row[4]), "time"], ["to", (row) => minute(row[5]), "time"], ["category", (row) => short(row[6] ?? "", 40)], ["evidence", (row) => row[7].toFixed(1), "number"]], dossier.targets));
}

function sharedTable(dossier) {
  if (!dossier.shared.length) return "";
  return card("shared_table", "", table([["kind", (row) => label("one_" + row[0])], ["id", (row) => id(row[1])], ["size", (row) => number(row[2]), "number"], ["all_users", (row) => number(row[3]), "number"],
    ["expected", (row) => small(row[4]), "number"], ["crowded", (row) => (row[5] ? label("yes") : "")]], dossier.shared, 10));
}

function sellerTable(dossier) {
  const rows = dossier.sellers.filter((seller) => seller[2]);
  if (!rows.length) return "";
  return card("seller_table", "", table([["seller", (row) => id(row[0])], ["targets", (row) => number(row[1]), "number"], ["orders", (row) => number(row[2]), "number"], ["expected_orders", (row) => small(row[4]), "number"],
    ["amount", (row) => number(row[3], 2), "number"], ["inflated", (row) => number(row[5], 2), "number"]], rows));
}

function eventTable(dossier) {
  const mark = (row) => ["", "●", "★"][row[8]];
  const rows = [...dossier.events].sort((one, other) => (other[8] === 2) - (one[8] === 2) || one[0] - other[0]);
  const some = rows.length < dossier.inside ? label("some_events", { shown: number(rows.length), all: number(dossier.inside) }) : "";
  return card("event_table", `${label("event_help")} ${some}`, table([["", mark], ["when", (row) => moment(row[0]), "time"], ["member", (row) => id(dossier.members[row[1]][0])], ["action", (row) => short(row[3])],
    ["item", (row) => id(row[4])], ["device", (row) => id(row[5])], ["ip", (row) => id(row[6])], ["amount", (row) => number(row[7], 2), "number"]], rows, 12));
}

function saveMembers(ring, dossier) {
  save(`${ring.ring_id}-members.csv`, [["user_id", "role", "evidence", "items", "events", "all_events", "first", "in_log_since", "shared_devices", "weak"],
    ...dossier.members.map((row) => [data.ids[row[0]], ...row.slice(1, 9), row[9] ? row[9].en : ""])]);
}

function saveEvents(ring, dossier) {
  const name = (place) => (place === null ? "" : data.ids[place]);
  save(`${ring.ring_id}-events.csv`, [["timestamp", "user_id", "action", "item_id", "device_id", "ip", "amount", "mark"],
    ...dossier.events.map((row) => [row[0] === null ? "" : new Date(row[0] * 1000).toISOString(), name(dossier.members[row[1]][0]), row[3], name(row[4]), name(row[5]), name(row[6]), row[7], ["", "witness", "read first"][row[8]]])]);
}
