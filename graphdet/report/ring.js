"use strict";
// One ring in one screen: left what speaks for and against it, in the middle who came where and when, right what to do; details below.
const NEXT = { device_farm: "devices", ip_rotation: "devices", shared_payment: "devices", refund_cycle: "refunds", coupon_crew: "coupons", hijacked_accounts: "owners",
  inflated_orders: "orders", seller_cartel: "orders", rating_burst: "orders", review_copies: "orders", coattail_clicks: "orders" };

function ringPage(main, ring) {
  const place = data.rings.indexOf(ring);
  const go = (step) => { const to = data.rings[place + step]; if (to) location.hash = "#/ring/" + to.ring_id; };
  main.append(make("nav", { class: "row no-print", "aria-label": label("rings") }, make("a", { href: "#/" }, "← " + label("back")),
    make("button", { type: "button", id: "previous", onclick: () => go(-1), ...(place ? {} : { disabled: "" }) }, label("previous")),
    make("button", { type: "button", id: "next", onclick: () => go(1), ...(place < data.rings.length - 1 ? {} : { disabled: "" }) }, label("next"))));
  main.append(make("h1", {}, `${label("ring")} ${ring.ring_id} `, tier(ring.tier, standing(ring))));
  if (ring.dossier === null) {
    main.append(make("p", {}, label("no_dossier", { count: number(data.dossiers.length) })));
    return;
  }
  ringParts(main, ring, dossierOf(ring));
}

function ringParts(main, ring, dossier) {
  main.append(make("p", { class: "verdict " + standing(ring) }, plain([dossier.verdict, dossier.chance].map((one) => one[state.language]).join(state.language === "en" ? " " : "").trim())));
  if (dossier.purposes.length) main.append(make("p", { class: "purposes" }, plain(dossier.purposes.map((one) => one[state.language]).join(" "))));
  main.append(tiles(ring, dossier));
  followers.length = 0;
  Object.assign(chosen, { member: null, target: null, thing: null, from: null, to: null });
  main.append(make("div", { class: "screen" }, whyCard(ring, dossier), pictureCard(dossier), actCard(ring, dossier)));
  main.append(eventTable(dossier), compareCard(dossier));
  const innocent = claimCard("innocent", dossier.innocent, data.innocent, "fits", "fails");
  const objections = claimCard("objections", dossier.objections, data.objections, "raised", "not_raised");
  main.append(make("div", { class: "grid" }, innocent, objections));
  main.append(memberTable(dossier), itemTable(dossier), sharedTable(dossier), sellerTable(dossier));
  if (dossier.copies.length) main.append(card("copies", "", dossier.copies.map((text) => make("blockquote", {}, plain(text)))));
  main.append(networkCard(dossier));
}

function tiles(ring, dossier) {
  const { what } = dossier;
  const money = (value) => (value === null ? "" : number(value, 2)), counted = (value) => (value === null ? "" : number(value));
  const rows = [[number(what.members), "size"], [number(what.items), "targets"], [number(what.events), "events"], [counted(what.orders), "orders"], [money(what.amount), "amount"], [money(what.at_stake), "at_stake"],
    [counted(what.payments), "payments", money(what.payment_amount)], [counted(what.returns), "returns", money(what.return_amount)], [what.first === null ? "" : minute(what.first), "first_seen"], [lasted(what.days), "lasted"], [what.strays ? number(what.strays) : "", "strays"], [chance(ring.q_value), "q"]];
  return make("div", { class: "tiles" }, rows.filter(([value]) => value !== "" && value !== "0").map(([value, name, worth]) => make("div", { class: "tile" }, make("b", {}, value), make("span", {}, heading(name), worth ? ` (${worth})` : ""))));
}

function lasted(days) {
  if (days === null || days === undefined) return "";
  return days < 2 && !data.run.bare_dates ? label("hours", { count: small(24 * days) }) : label("days", { count: small(days) });
}

function chance(value) {
  return value >= 0.1 ? percent(value) : "1/" + number(1 / value);
}

// The evidence as a waterfall: what each kind of thing adds, what it costs to name such a group among all, and what is left.
function waterfall(dossier) {
  const parts = Object.entries(dossier.parts).filter(([, part]) => Math.abs(part) >= 0.5).sort(([, a], [, b]) => b - a);
  const most = Math.max(dossier.strength, parts.reduce((total, [, part]) => total + Math.max(part, 0), 0), 1);
  let at = 0;
  const line = (name, value, from, kind, told) => make("div", { class: "fall", title: told }, make("span", {}, name), make("span", { class: "track" }, make("i", { class: kind, style: `left:${(100 * from) / most}%;width:${Math.max((100 * Math.abs(value)) / most, 0.8)}%` })), make("span", { class: "sum" }, (value < 0 ? "−" : "") + Math.abs(value).toFixed(0)));
  const rows = parts.map(([type, part]) => {
    at += part;
    const known = type === "together" || type === "cost";
    const told = known ? label(`fall_${type}_help`) : label("fall_gain", { kind: noun(type, "many"), gain: part.toFixed(0) });
    return line(known ? label("fall_" + type) : noun(type, "many"), part, Math.max(Math.min(at, at - part), 0), part < 0 ? "minus" : "plus", told);
  });
  rows.push(line(label("evidence"), dossier.strength, 0, "all", label("fall_help")));
  return make("div", { class: "waterfall", role: "group", "aria-label": label("waterfall") }, rows, make("p", { class: "soft" }, `${label("fall_help")} ${label("fall_scale", { most: most.toFixed(0) })}`));
}

function whyCard(ring, dossier) {
  const list = (side) => dossier.reasons.filter((reason) => reason.side === side).map((reason) => make("li", {}, plain(reason[state.language])));
  const against = dossier.against.map((one) => make("li", {}, plain(one[state.language])));
  const part = (heading, rows, kind = "") => (rows.length ? [make("h3", {}, label(heading)), make("ul", { class: "reasons " + kind }, rows)] : []);
  return card("why_ring", "", waterfall(dossier), ...part("against_innocent", against), ...part("for", list("for")), ...part("caution", list("caution")), leftOut(ring, dossier));
}

function leftOut(ring, dossier) {
  const whole = { without: "nothing", id: null, tier: ring.tier, explanation: ring.explanation, strength: ring.strength, kept: dossier.what.members, lost: 0 };
  return make("div", {}, make("h3", {}, label("without")), make("p", { class: "soft" }, label("without_help")), table([["left_out", (row) => make("span", {}, noun(row.without, "many") + " ", id(row.id, row.without === "top_item" ? "item" : null))],
    ["becomes", (row) => make("span", {}, tier(row.tier), row.explanation ? " " + data.innocent[row.explanation][state.language] : "")], ["evidence", (row) => row.strength.toFixed(0), "number"],
    ["kept", (row) => `${row.kept}/${row.kept + row.lost}`, "number"]], [whole, ...dossier.without]), dossier.witness ? make("p", { class: "soft" }, label("hangs", { witness: number(dossier.witness) })) : null);
}

function pictureCard(dossier) {
  const clear = make("button", { type: "button", id: "clear", class: "no-print", onclick: () => choose({ member: null, target: null, thing: null, from: null, to: null }) }, label("clear"));
  followers.push(() => { clear.disabled = nothingChosen(); });
  clear.disabled = true;
  const cut = dossier.shared_in_all > COLUMNS_SHOWN ? label("shown_of", { shown: COLUMNS_SHOWN, all: number(dossier.shared_in_all), what: label("shared_table") }) : "";
  const crowd = dossier.crowd ? label("shown_of", { shown: number(dossier.members.length), all: number(dossier.crowd.size), what: label("size") }) : "";
  const timed = dossier.events.some((event) => event.second !== null);
  return card("grid", `${label("grid_help")} ${[crowd, cut].filter(Boolean).join(" · ")}`, make("div", { class: "row" }, hourLegend(), make("span", { class: "space" }), clear), timed ? strip(dossier, 700) : make("p", {}, label("untimed")), make("div", { class: "grid-box scroll" }, gridChart(dossier)));
}

// What somebody should do next: of an alert what its tactic asks for; of anything less, to look closer before anything happens to people.
function nextStep(ring, kinds) {
  if (ring.tier === "alert") return "next_" + (kinds.map((kind) => NEXT[kind]).find(Boolean) ?? "plain");
  if (ring.tier === "explained" && !ring.contested) return "next_none";
  if (ring.likely) return "next_likely";
  return ring.tier === "review" ? "next_review" : "next_contested";
}

function actCard(ring, dossier) {
  const step = nextStep(ring, dossier.kinds);
  const people = (name) => {
    const rows = dossier.members.map((member, place) => [member, place]).filter(([member]) => member.standing === name);
    if (!rows.length) return null;
    const ids = () => rows.map(([member]) => data.ids[member.id]).join("\n");
    const list = make("ul", { class: "people" }, rows.map(([member, place]) => make("li", { "data-member": place }, make("button", { type: "button", class: "pick", "aria-label": `${label("select")} ${short(data.ids[member.id], 60)}`, onclick: () => toggle("member", place) }, "◉"), id(member.id, "user"),
      make("span", { class: "soft" }, name === "hold" ? plain(member.weak[state.language]) : `${member.touched}/${dossier.targets.length}`))));
    followers.push(() => { for (const row of list.children) row.classList.toggle("dim", !isChosen(dossier, Number(row.dataset.member))); });
    return make("div", {}, make("h3", {}, `${label(name === "act" && ring.tier !== "alert" ? "act_if" : name)} (${number(rows.length)})`), name === "hold" ? make("p", { class: "soft" }, label("hold_help")) : null, list,
      make("button", { type: "button", class: "no-print", id: "copy-" + name, onclick: () => copy(ids()) }, label("copy_count", { count: number(rows.length) })));
  };
  const command = `graphdet decide ${ring.ring_id} VERDICT --note "…"`;
  const all = dossier.crowd ? dossier.crowd.size : dossier.members.length;
  return card("do", "", make("h3", {}, label("next_step")), make("p", {}, label(step)), people("act"), people("hold"),
    make("div", { class: "by-command" }, make("h3", {}, label("decide")), make("p", { class: "soft" }, label("verdict"), " ", label("command_help")), make("code", { class: "command" }, command),
      make("button", { type: "button", id: "copy-command", class: "no-print", onclick: () => copy(command) }, label("copy_command"))), make("div", { class: "row no-print" },
      make("button", { type: "button", id: "save-members", onclick: () => saveMembers(ring, dossier) }, label("save_members", { shown: number(dossier.members.length), all: number(all) })),
      make("button", { type: "button", id: "save-events", onclick: () => saveEvents(ring, dossier) }, label("save_events", { shown: number(dossier.events.length), all: number(dossier.inside) }))));
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
  const fact = data.facts[one.fact], untold = found === "?", answer = bar || untold ? "" : fact[found === "✓" ? "yes" : "no"][state.language === "en" ? 0 : 1];
  const told = answer || filled(fact[state.language], () => (untold ? "…" : found));
  const held = bar || untold ? make("span", { class: "soft" }, ` (${untold ? label("not_told") : `${data.directions[one.direction][state.language]} ${bar}`})`) : null;
  const [sign, means] = untold ? ["?", "not_told"] : passed ? ["✓", "passed"] : ["✗", "missed"]; // what is not known is no bar that was missed
  const mark = make("span", { class: "mark", role: "img", "aria-label": label(means), title: label(means) }, sign);
  return make("li", { class: passed ? "passed" : "missed" }, mark, make("span", { title: untold ? label("not_told") : null }, told, held));
}

// Two members side by side: where both were, how far apart, and how many of all users were there, too.
function compareCard(dossier) {
  if (dossier.members.length < 2) return "";
  const out = make("div", {});
  const pick = (start, name) => {
    const select = make("select", { "aria-label": label(name), "data-key": start ? null : "v" }, dossier.members.map((member, place) => make("option", { value: place }, short(data.ids[member.id], 40))));
    select.value = start;
    select.addEventListener("change", () => fill());
    return select;
  };
  const one = pick(0, "first_member"), other = pick(1, "second_member");
  const fill = () => {
    const [a, b] = [Number(one.value), Number(other.value)];
    const cell = (member, target) => dossier.cells.find((found) => found.member === member && found.target === target);
    const both = dossier.targets.map((target, place) => [target, cell(a, place), cell(b, place)]).filter(([, left, right]) => left && right);
    const rows = both.map(([target, left, right]) => ({ type: "item", id: target.id, left: moment(left.first), right: moment(right.first), apart: left.first === null || right.first === null ? null : Math.abs(left.first - right.first) / 60, users: target.users, of: data.overview.users }));
    const uses = (member) => new Set(dossier.uses.filter((use) => use.member === member).map((use) => use.thing));
    const mine = uses(a), theirs = uses(b);
    rows.push(...dossier.shared.map((thing, place) => [thing, place]).filter(([, place]) => mine.has(place) && theirs.has(place)).map(([thing]) => ({ type: thing.type, id: thing.id, left: "", right: "", apart: null, users: thing.users, of: data.overview.users })));
    const who = make("p", {}, label("first_member"), ": ", id(dossier.members[a].id, "user"), " · ", label("second_member"), ": ", id(dossier.members[b].id, "user"));
    out.replaceChildren(who, rows.length ? table([["kind", (row) => noun(row.type)], ["id", (row) => id(row.id, row.type)], ["first_member", (row) => row.left, "time"], ["second_member", (row) => row.right, "time"],
      ["minutes_apart", (row) => (row.apart === null || data.run.bare_dates ? "" : small(row.apart)), "number"], ["there_too", (row) => number(row.users), "number"], ["of_everybody", (row) => share(row.users / row.of), "number"]], rows, 40) : make("p", {}, label("nothing_common")));
  };
  fill();
  followers.push(() => { if (chosen.member !== null && one.value !== String(chosen.member)) { other.value = one.value; one.value = chosen.member; fill(); } });
  return card("compare", label("compare_help"), make("div", { class: "row no-print" }, one, other), out);
}

function memberTable(dossier) {
  const weak = (row) => (row.weak ? row.weak[state.language] : "");
  return card("member_table", "", table([["member", (row) => id(row.id, "user")], ["standing", (row) => label(row.standing)], ["role", (row) => label(row.role)], ["evidence", (row) => row.contribution.toFixed(1), "number"],
    ["targets", (row) => `${row.touched}/${dossier.targets.length}`, "number"], ["events", (row) => number(row.events), "number"], ["of_all", (row) => number(row.all_events), "number"],
    ["first", (row) => minute(row.first), "time"], ["since", (row) => minute(row.seen_since), "time"], ["shared_devices", (row) => number(row.shared_devices), "number"], ["weak", weak]], dossier.members));
}

function itemTable(dossier) {
  return card("item_table", "", table([["item", (row) => id(row.id, "item")], ["size", (row) => number(row.members), "number"], ["visitors", (row) => number(row.users), "number"], ["events", (row) => number(row.events), "number"],
    ["from", (row) => (row.start && data.run.bare_dates ? moment(Date.parse(row.start) / 1000 + 86399) : minute(row.start)), "time"], ["to", (row) => minute(row.end), "time"], ["category", (row) => short(row.category ?? "", 40)], ["evidence", (row) => row.gain.toFixed(1), "number"]], dossier.targets));
}

function sharedTable(dossier) {
  if (!dossier.shared.length) return "";
  const cut = dossier.shared.length < dossier.shared_in_all ? label("shown_of", { shown: number(dossier.shared.length), all: number(dossier.shared_in_all), what: label("shared_table") }) : "";
  return card("shared_table", cut, table([["kind", (row) => noun(row.type)], ["id", (row) => id(row.id, row.type)], ["size", (row) => number(row.members), "number"], ["all_users", (row) => number(row.users), "number"],
    ["expected", (row) => small(row.expected), "number"], ["crowded", (row) => (row.crowded ? label("yes") : "")]], dossier.shared, 10));
}

function sellerTable(dossier) {
  const rows = dossier.sellers.filter((seller) => seller.orders);
  if (!rows.length) return "";
  return card("seller_table", "", table([["seller", (row) => id(row.id, "seller")], ["targets", (row) => number(row.items), "number"], ["bought", (row) => number(row.orders), "number"], ["expected_orders", (row) => small(row.expected), "number"],
    ["amount", (row) => number(row.amount, 2), "number"], ["at_stake", (row) => number(row.inflated_amount, 2), "number"]], rows));
}

function eventTable(dossier) {
  const mark = (row) => ["", "●", "★", "○"][row.mark];
  const order = [...dossier.events].sort((one, other) => (other.mark === READ_FIRST) - (one.mark === READ_FIRST) || one.second - other.second);
  const some = order.length < dossier.inside ? label("some_events", { shown: number(order.length), all: number(dossier.inside) }) : "";
  const box = make("div", {}), count = make("p", { class: "soft" });
  const fill = () => {
    const rows = order.filter(chosenEvent);
    count.textContent = nothingChosen() ? "" : label("shown_of", { shown: number(rows.length), all: number(order.length), what: label("events") });
    box.replaceChildren(table([["mark", mark], ["when_here", (row) => moment(row.second), "time"], ["member", (row) => id(dossier.members[row.member].id, "user")], ["action", (row) => deed(row.action)], ["item", (row) => id(row.item, "item")],
      ["device", (row) => id(row.device, "device")], ["ip", (row) => id(row.ip, "ip")], ["money", (row) => number(row.amount, 2), "number"]], rows, 12));
  };
  fill();
  followers.push(fill);
  return card("event_table", `${label("event_help")} ${some}`, count, box);
}

function networkCard(dossier) {
  const box = make("div", { class: "chart", id: "chart-network", role: "img", "aria-label": label("network") });
  const { user: users, item: items } = dossier.drawn;
  const all = dossier.crowd ? dossier.crowd.size : dossier.members.length;
  const cut = users < all || items < dossier.targets.length ? `${label("shown_of", { shown: number(users), all: number(all), what: label("size") })} · ${label("shown_of", { shown: number(items), all: number(dossier.targets.length), what: label("targets") })}` : "";
  const open = make("button", { type: "button", id: "open-network", class: "no-print", onclick: () => { open.remove(); networkChart(box, dossier); } }, label("draw"));
  return card("network", `${label("network_help")} ${cut}`, open, box, nodeLegend(dossier));
}

function swatch(fill, text) {
  return make("span", { class: "kind" }, make("span", { style: `display:inline-block;width:9px;height:9px;border-radius:5px;margin-right:5px;background:${fill}` }), text);
}

function nodeLegend(dossier) {
  return make("div", {}, [...new Set(dossier.nodes.map((node) => node.type))].map((kind) => swatch(look(kind).colour, noun(kind))));
}

function saveMembers(ring, dossier) {
  save(`${ring.ring_id}-members.csv`, [["user_id", "advice", "role", "evidence", "items", "events", "all_events", "first", "in_log_since", "shared_devices", "weak"],
    ...dossier.members.map((row) => [data.ids[row.id], row.standing, row.role, row.contribution, row.touched, row.events, row.all_events, row.first, row.seen_since, row.shared_devices, row.weak ? row.weak.en : ""])]);
}

function saveEvents(ring, dossier) {
  const name = (place) => (place === null ? "" : data.ids[place]);
  const kinds = data.columns.events.filter((kind) => data.types[kind] && dossier.events.some((row) => row[kind] !== null));
  save(`${ring.ring_id}-events.csv`, [["timestamp", "user_id", "action", ...kinds.map((kind) => data.types[kind].column), "amount", "mark"],
    ...dossier.events.map((row) => [row.second === null ? "" : new Date(row.second * 1000).toISOString(), name(dossier.members[row.member].id), row.action, ...kinds.map((kind) => name(row[kind])), row.amount, ["", "witness", "read first", "stray"][row.mark]])]);
}
