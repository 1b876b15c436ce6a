"""A run and its dossiers → the one JSON document that the report's page draws everything from.

Ids stand in one list and everything else points into it, since the same account, item and device appear again and again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphdet.arrays import Int64
from graphdet.dossier.building import Dossier, build_dossier, build_dossiers, likely, weakness
from graphdet.dossier.network_picture import draw_network
from graphdet.dossier.reasoning import words
from graphdet.dossier.tried import parts_of, sentence
from graphdet.events import NO_TIME
from graphdet.judging.conditions import Weighed
from graphdet.judging.significance import q_values
from graphdet.replay.recorded import Recorded
from graphdet.report.counted_once import days_of_log, in_several_rings, order_stakes
from graphdet.report.tables import TABLES, rows_from, rows_of
from graphdet.run.folder import Run, RunRing
from graphdet.run.log_clock import clock_of
from graphdet.schema import ITEM, NODE_TYPES, USER, NodeType, lookalikes, objections
from graphdet.schema.claims import FACTS, Claim
from graphdet.schema.wording import LANGUAGES
from graphdet.words.claim_sentences import DIRECTIONS, with_bar
from graphdet.words.reasons import CATALOGUE, in_brief
from graphdet.words.run_notes import decides, note_in_words
from graphdet.words.use_words import purpose_in_words
from graphdet.words.verdicts import chance_in_words

MOST_EVENTS = 5_000  # of one ring, evenly spread over those on its items; its page says where the rest is
MOST_SHARED = 300  # things that members share, most telling first
MOST_CURVE = 300  # points of the false-discovery curve
BINS = 20
IN_PROPORTION = 0.3  # of a node's size in Neo4j Browser
READ_FIRST, WITNESS, STRAY = 2, 1, 3  # marks of events
MONEY = ("amount", "at_stake", "order_amount", "payment_amount", "return_amount")


class Names:
    """Ids in the order in which they are first asked for."""

    def __init__(self) -> None:
        self.every: list[str] = []
        self._place: dict[str, int] = {}

    def place(self, name: str) -> int:
        found = self._place.get(name)
        if found is None:
            found = self._place[name] = len(self.every)
            self.every.append(name)
        return found


def report_data(run: Run, most_rings: int) -> dict[str, Any]:
    """Everything that the page shows: the overview, every ring's row, and dossiers of the first `most_rings` rings."""
    recorded = Recorded(run)
    names = Names()
    rings = run.rings.sort_by("rank").to_pylist()
    dossiers: list[dict[str, Any]] = []
    stakes: dict[int, float] = {}
    inside: list[Int64] = []
    for dossier in build_dossiers(recorded, recorded.rings(most_rings)):
        if dossier.queued:
            for row, worth in order_stakes(dossier).items():
                stakes[row] = max(stakes.get(row, 0.0), worth)
        dossiers.append(_dossier(dossier, names))
        inside.append(np.array(dossier.events["inside"], np.int64))
    at_stake = round(sum(stakes.values()), 2) if recorded.has_amounts else None
    overview = _overview(run) | {"at_stake": at_stake}
    return _document(recorded, rings, dossiers, names, inside) | {"overview": overview}


def ring_data(recorded: Recorded, ring: RunRing) -> dict[str, Any]:
    """What the page of one ring shows, without the other rings; of the overview, what that page refers to."""
    names = Names()
    overview = {"users": recorded.background["users"]}
    return _document(recorded, [ring.row], [_dossier(build_dossier(recorded, ring), names)], names, []) | {"overview": overview}


def _document(
    recorded: Recorded, rings: list[dict[str, Any]], dossiers: list[dict[str, Any]], names: Names, inside: list[Int64]
) -> dict[str, Any]:
    run, several = recorded.run, in_several_rings(recorded, inside, names.place)
    return {
        "run": {
            "id": run.id,
            "version": run.meta["version"],
            "files": len(run.meta["inputs"]),
            "notes": list(map(_note, run.meta["notes"])),
            "bare_dates": bool(recorded.bare_dates),
            "zone": clock_of(run).zone,
            "deal": recorded.background["deal"],
        },
        "rings": [_ring(ring, place, dossiers) for place, ring in enumerate(rings)],
        "dossiers": dossiers,
        "several": several,
        "innocent": {one.name: _claim(one) for one in lookalikes.LOOK_ALIKES},
        "objections": {one.name: _claim(one) for one in objections.OBJECTIONS},
        "facts": {name: {"en": fact.en, "zh": fact.zh, "yes": fact.yes, "no": fact.no} for name, fact in FACTS.items()},
        "directions": {name: {one: words.to(one) for one in LANGUAGES} for name, words in DIRECTIONS.items()},
        "ids": names.every,
        "columns": TABLES | {"events": (*TABLES["events"], *recorded.event_code)},
        "types": {one.name: _type(one) for one in NODE_TYPES},
    }


def _note(note: str) -> dict[str, Any]:
    """A note of the run in each language, and whether it may change a decision."""
    return {**{one: note_in_words(note, one) for one in LANGUAGES}, "decides": decides(note)}


def _type(node_type: NodeType) -> dict[str, Any]:
    """How nodes of a type are called and drawn, and which column of the log names them."""
    look, noun = node_type.look, node_type.noun
    words = {name: {one: noun.to(one, many=name == "many") for one in LANGUAGES} for name in ("one", "many")}
    return {**words, "colour": look.colour, "shape": look.shape, "size": round(look.size * IN_PROPORTION), "column": node_type.column}


def _ring(ring: dict[str, Any], place: int, dossiers: list[dict[str, Any]]) -> dict[str, Any]:
    kept = ("ring_id", "rank", "tier", "size", "targets", "devices", "ips", "explanation", "events")
    row = {name: ring[name] for name in kept} | {name: _round(ring[name]) for name in ("score", "q_value", "strength")}
    row |= {
        name: None if ring[name] is None else round(ring[name], 2) for name in ("amount", "at_stake")
    }  # money to the cent, however much
    row |= {name: None if ring[name] is None else round(ring[name].timestamp()) for name in ("first_seen", "last_seen")}
    lasted = None if ring["first_seen"] is None else (ring["last_seen"] - ring["first_seen"]).total_seconds() / 86_400
    row["days"] = None if lasted is None else _round(lasted)
    row["dossier"] = place if place < len(dossiers) else None
    told = dossiers[place] if place < len(dossiers) else {"kinds": [], "queued": ring["tier"] == "alert" or likely(ring), "against": []}
    row |= {name: _round(ring[name]) for name in ("chance", "chance_low", "chance_high")}
    row["likely"] = likely(ring)
    return row | {"kinds": told["kinds"], "queued": told["queued"], "contested": bool(told["against"])}


def _overview(run: Run) -> dict[str, Any]:
    counts, background = run.meta["counts"], run.meta["background"]
    users = run.scores.filter(pc.equal(run.scores["node_type"], "user"))["score"].to_numpy()
    members = run.members.filter(pc.equal(run.members["node_type"], "user"))
    alerts = run.rings.filter(pc.equal(run.rings["tier"], "alert"))["ring_id"]
    alerted = members.filter(pc.is_in(members["ring_id"], value_set=alerts.combine_chunks()))
    found = np.array(background["found_strengths"])
    null = np.array(background["null_strengths"])
    curve = q_values(found, null, background["permutations"]) if len(found) else np.zeros(0)
    step = max(len(found) // MOST_CURVE, 1)
    return {
        "funnel": [
            {"of": "read", "count": counts["read"]},
            {"of": "accepted", "count": counts["accepted"]},
            {"of": "users", "count": background["users"]},
            {"of": "members", "count": pc.count_distinct(members["node_id"]).as_py()},
            {"of": "alerted", "count": pc.count_distinct(alerted["node_id"]).as_py()},
            {"of": "rings", "count": run.rings.num_rows},
            {"of": "alerts", "count": len(alerts)},
        ],
        "users": background["users"],
        "alerted": pc.count_distinct(alerted["node_id"]).as_py(),
        "tiers": {tier: run.rings["tier"].to_pylist().count(tier) for tier in ("alert", "review", "explained")},
        "discounted": [{key: cell[key] for key in ("view", "key", "size", "reason")} for cell in run.meta["discounted"]],
        "scores": np.histogram(users, BINS, (0, 1))[0].tolist(),
        "curve": [{"rings": n + 1, "q": _round(q)} for n, q in enumerate(curve.tolist()) if n % step == 0],
        "alert_q": run.meta["settings"]["tiers"]["alert_q"],
        "permutations": background["permutations"],
        "start": None if background["start"] is None else background["start"] // 1_000_000,
        "seconds": background["seconds"],
    }


def _dossier(dossier: Dossier, names: Names) -> dict[str, Any]:
    told = [member for member in dossier.members if "crowd" not in member["weak"]]  # of a crowd its core
    members = [member["id"] for member in told]
    facts = dossier.facts
    shared = facts["shared"]["keys"][:MOST_SHARED]
    raised = [{"side": "caution", "code": one.claim.name, **_sentences(one)} for one in dossier.objections if one.holds]
    reasons = [{"side": CATALOGUE[code].side, "code": code, **_both(code, numbers)} for code, numbers in dossier.reasons]
    picture = draw_network(dossier.scene, shared, members)
    return {
        "verdict": {one: dossier.meaning(one) for one in LANGUAGES},
        "chance": {one: chance_in_words(dossier.ring, one) for one in LANGUAGES},
        "purposes": [
            {one: purpose_in_words(use, numbers, one, alert=dossier.ring["tier"] == "alert") for one in LANGUAGES}
            for use, numbers in dossier.uses
        ],
        "queued": dossier.queued,
        "against": [{one: in_brief(code, one, numbers) for one in LANGUAGES} for code, numbers in dossier.against],
        "crowd": facts["crowd"],
        "shared_in_all": len(facts["shared"]["keys"]),
        "drawn": {kind: sum(node["type"] == kind for node in picture["nodes"]) for kind in (USER, ITEM)},
        "parts": {name: _round(part) for name, part in dossier.parts().items()},
        "strength": _round(dossier.ring["strength"]),
        "kinds": list(dict.fromkeys(code for code, _ in dossier.reasons if code in TACTICS)),
        "what": {key: _money(value) if key in MONEY else value for key, value in facts["what"].items()},
        "dedication": _round(facts["taste"]["dedication"]),
        "density": None if facts["lockstep"] is None else _round(facts["lockstep"]["density"]),
        "reasons": [*raised, *reasons],
        "innocent": [_weighed(one) for one in dossier.innocent],
        "objections": [_weighed(one) for one in dossier.objections],
        "without": [_without(one, names) for one in dossier.counterfactuals],
        "members": rows_of("members", (_member(member, names) for member in told)),
        "targets": rows_of("targets", (_target(target, names) for target in facts["targets"])),
        "shared": rows_of("shared", (_shared(key, names) for key in shared)),
        "sellers": rows_of("sellers", (_seller(seller, names) for seller in facts["sellers"])),
        "copies": facts["texts"]["examples"] if facts["texts"] else [],
        "witness": len(dossier.events["witness"]),
        "inside": len(dossier.events["inside"]),
        "events": _events(dossier, names, members),
        "cells": _cells(dossier, members),
        "uses": _uses(dossier, members, shared),
        "life": _life(dossier, members),
        "nodes": rows_of("nodes", ({**node, "id": names.place(node["id"])} for node in picture["nodes"])),
        "edges": rows_of("edges", picture["edges"]),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    """What a claim hangs on, the same for every ring."""
    return {
        **{one: claim.short.to(one) for one in LANGUAGES},
        "conditions": [{"fact": one.fact, "direction": one.direction, "part": part} for one, part in parts_of(claim)],
    }


def _weighed(one: Weighed) -> dict[str, Any]:
    """What was found of each of these conditions, in the same order; which of them decide, and a sentence where the claim holds."""
    asked = [condition for condition, _ in parts_of(one.claim)]
    checked = one.checked
    rows = [checked[condition] for condition in asked]
    return {
        "code": one.claim.name,
        "holds": one.holds,
        **(_sentences(one) if one.holds else {}),
        "why": [asked.index(row.condition) for row in (one.nearest() if one.holds else one.missed())],
        "checked": [
            dict(
                zip(("found", "bar"), with_bar(row.condition, row.value, row.bar) if row.told else ("?", ""), strict=True),
                passed=row.holds,
            )
            for row in rows
        ],
    }


def _sentences(one: Weighed) -> dict[str, str]:
    return {language: sentence(one, language) for language in LANGUAGES}


def _both(code: str, numbers: dict[str, Any]) -> dict[str, str]:
    return {one: words((code, numbers), one) for one in LANGUAGES}


def _without(one: dict[str, Any], names: Names) -> dict[str, Any]:
    kept = {key: one[key] for key in ("without", "tier", "explanation", "kept", "lost")}
    return {**kept, "strength": _round(one["strength"]), "id": None if one["id"] is None else names.place(one["id"])}


def _member(member: dict[str, Any], names: Names) -> dict[str, Any]:
    weak = {one: weakness(member, one) for one in LANGUAGES} if member["weak"] else None
    return {**member, "id": names.place(member["id"]), "contribution": _round(member["contribution"]), "weak": weak}


def _target(target: dict[str, Any], names: Names) -> dict[str, Any]:
    return {**target, "id": names.place(target["id"]), "gain": _round(target["gain"])}


def _shared(key: dict[str, Any], names: Names) -> dict[str, Any]:
    return {**key, "id": names.place(key["id"]), "expected": _round(key["expected"])}


def _seller(seller: dict[str, Any], names: Names) -> dict[str, Any]:
    return {
        **seller,
        "id": names.place(seller["id"]),
        "expected": _round(seller["expected"]),
        **{key: _money(seller[key]) for key in ("amount", "inflated_amount")},
    }


TACTICS = (
    "device_farm", "ip_rotation", "hijacked_accounts", "coattail_clicks", "review_copies", "rating_burst", "refund_cycle", "coupon_crew",
    "seller_cartel", "inflated_orders", "shared_payment", "shared_address", "shared_phone", "shared_coupon",
)  # fmt: skip


def _events(dossier: Dossier, names: Names, members: list[str]) -> list[list[Any]]:
    """Events inside the ring: seconds since 1970, who, on which target, and the raw ids; `mark` is READ_FIRST, WITNESS, STRAY or 0."""
    scene = dossier.scene
    recorded, small = scene.replay.recorded, scene.replay.small
    marks = dict.fromkeys(dossier.events["stray"], STRAY) | dict.fromkeys(dossier.events["witness"], WITNESS)
    marks |= dict.fromkeys(dossier.events["read_first"], READ_FIRST)
    place_of = _places(dossier, members)
    inside = np.flatnonzero(scene.inside & (place_of[scene.member] >= 0))
    if len(inside) > MOST_EVENTS:
        first = np.intersect1d(np.searchsorted(small.rows, dossier.events["read_first"]), inside)
        inside = np.unique(np.r_[inside[np.linspace(0, len(inside) - 1, MOST_EVENTS - len(first)).astype(int)], first])
    rows = small.rows[inside]
    columns: dict[str, list[Any]] = {
        "second": [None if time == NO_TIME else time // 1_000_000 for time in recorded.time[rows].tolist()],
        "member": place_of[scene.member[inside]].tolist(),
        "target": scene.target[inside].tolist(),
        "action": [recorded.actions[action] if action >= 0 else "" for action in recorded.action[rows].tolist()],
        "amount": [None if amount != amount else round(amount, 2) for amount in recorded.amount[rows].tolist()],
        "mark": [marks.get(row, 0) for row in rows.tolist()],
    }
    for kind in recorded.event_code:
        columns[kind] = [None if name is None else names.place(name) for name in _ids_at(recorded, kind, rows)]
    return rows_from("events", columns, list(recorded.event_code))


def _ids_at(recorded: Recorded, kind: str, rows: Int64) -> list[str | None]:
    """Of each of these events its node of a type."""
    code = recorded.event_code[kind][rows]
    found: list[str | None] = recorded.ids[kind].take(pa.array(code, mask=code < 0)).to_pylist()
    return found


def _places(dossier: Dossier, members: list[str]) -> Int64:
    """(members of the scene,) place of each in the report's table, −1 of those whom it leaves out."""
    order = {name: place for place, name in enumerate(members)}
    return np.array([order.get(name, -1) for name in dossier.scene.names], np.int64)


def _cells(dossier: Dossier, members: list[str]) -> list[list[Any]]:
    """Every pair of a member and a target that is there, with its events, when the member first came, and whether that was astray."""
    scene, place_of = dossier.scene, _places(dossier, members)
    there = (scene.target >= 0) & (place_of[scene.member] >= 0)
    width = max(len(scene.windows), 1)
    found, count = np.unique(scene.member[there] * width + scene.target[there], return_counts=True)
    who, target = np.divmod(found, width)
    first = scene.first[who, target] if len(found) else found
    timed = (first != NO_TIME) & (scene.measured["time"]["start"] is not None)
    columns = {
        "member": place_of[who].tolist(),
        "target": target.tolist(),
        "events": count.tolist(),
        "first": [came // 1_000_000 if known else None for came, known in zip(first.tolist(), timed.tolist(), strict=True)],
        "stray": (timed & (scene.came[who, target] == NO_TIME)).tolist() if len(found) else [],
    }
    return rows_from("cells", columns)


def _uses(dossier: Dossier, members: list[str], shared: list[dict[str, Any]]) -> list[list[Any]]:
    """Who uses which of the shared things, with the events there in the whole log."""
    scene, place_of = dossier.scene, _places(dossier, members)
    events = scene.replay.small.events
    found: list[list[Any]] = []
    for thing, key in enumerate(shared):
        who, count = np.unique(place_of[scene.member[events.at(key["type"], key["id"])]], return_counts=True)
        known = who >= 0
        found += rows_from("uses", {"thing": [thing] * int(known.sum()), "member": who[known].tolist(), "events": count[known].tolist()})
    return found


def _life(dossier: Dossier, members: list[str]) -> list[list[Any]]:
    """Of each member and day of the log with events, how many were inside the ring and how many not."""
    scene, place_of = dossier.scene, _places(dossier, members)
    if scene.replay.recorded.start is None:
        return []
    known = (scene.time != NO_TIME) & (place_of[scene.member] >= 0)
    pair = place_of[scene.member[known]] << 32 | days_of_log(scene.replay.recorded, scene.time[known])
    keys, place, count = np.unique(pair, return_inverse=True, return_counts=True)
    inside = np.bincount(place, weights=scene.inside[known], minlength=len(keys)).astype(int)
    columns = {"member": keys >> 32, "day": keys & 0xFFFFFFFF, "inside": inside, "outside": count - inside}
    return rows_from("life", {name: column.tolist() for name, column in columns.items()})


def _money(value: float | None) -> float | None:
    """To the cent, however large."""
    return None if value is None else round(value, 2)


def _round(value: float | None) -> float | None:
    """Six digits that count: enough for people, and a third of the bytes."""
    return None if value is None else float(f"{value:.6g}")
