"""A run and its dossiers → the one JSON document that the report's page draws everything from.

Ids stand in one list and everything else points into it, since the same account, item and device appear again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc

from graphdet.dossier.building import Dossier, build_dossier, weakness
from graphdet.dossier.network_picture import draw_network
from graphdet.dossier.reasoning import words
from graphdet.dossier.tried import parts_of, sentence
from graphdet.events import NO_TIME
from graphdet.judging.conditions import Weighed
from graphdet.judging.significance import q_values
from graphdet.replay.recorded import Recorded
from graphdet.report.tables import TABLES, rows_of
from graphdet.run.folder import Run
from graphdet.schema import EVENT_MAKERS, NODE_TYPES, NodeType, lookalikes, objections
from graphdet.schema.claims import FACTS, Claim
from graphdet.schema.wording import LANGUAGES
from graphdet.words.claim_sentences import DIRECTIONS, with_bar
from graphdet.words.reasons import CATALOGUE

MOST_EVENTS = 400  # of one ring, evenly spread over those on its items
MOST_CURVE = 300  # points of the false-discovery curve
BINS = 20
RAW = tuple(node_type.name for node_type in EVENT_MAKERS)
IN_PROPORTION = 0.3  # of a node's size in Neo4j Browser
READ_FIRST, WITNESS = 2, 1  # marks of events


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
    dossiers = [_dossier(build_dossier(recorded, ring), names) for ring in recorded.rings(most_rings)]
    return {
        "run": {"id": run.id, "version": run.meta["version"], "files": len(run.meta["inputs"]), "notes": run.meta["notes"]},
        "overview": _overview(run),
        "rings": [_ring(ring, place, dossiers) for place, ring in enumerate(rings)],
        "dossiers": dossiers,
        "innocent": {one.name: _claim(one) for one in lookalikes.LOOK_ALIKES},
        "objections": {one.name: _claim(one) for one in objections.OBJECTIONS},
        "facts": {name: {"en": fact.en, "zh": fact.zh} for name, fact in FACTS.items()},
        "directions": {name: {one: words.to(one) for one in LANGUAGES} for name, words in DIRECTIONS.items()},
        "ids": names.every,
        "columns": TABLES,
        "types": {one.name: _type(one) for one in NODE_TYPES},
    }


def _type(node_type: NodeType) -> dict[str, Any]:
    """How nodes of a type are called and drawn."""
    look, noun = node_type.look, node_type.noun
    words = {name: {one: noun.to(one, many=name == "many") for one in LANGUAGES} for name in ("one", "many")}
    return {**words, "colour": look.colour, "shape": look.shape, "size": round(look.size * IN_PROPORTION)}


def _ring(ring: dict[str, Any], place: int, dossiers: list[dict[str, Any]]) -> dict[str, Any]:
    kept = ("ring_id", "rank", "tier", "size", "targets", "devices", "ips", "explanation", "events")
    row = {name: ring[name] for name in kept} | {name: _round(ring[name]) for name in ("score", "q_value", "amount", "strength")}
    row |= {name: None if ring[name] is None else round(ring[name].timestamp()) for name in ("first_seen", "last_seen")}
    row["dossier"] = place if place < len(dossiers) else None
    row["kinds"] = dossiers[place]["kinds"] if place < len(dossiers) else []
    return row


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
    members = [member["id"] for member in dossier.members]
    facts = dossier.facts
    shared = facts["shared"]["keys"]
    raised = [{"side": "caution", "code": one.claim.name, **_sentences(one)} for one in dossier.objections if one.holds]
    reasons = [{"side": CATALOGUE[code].side, "code": code, **_both(code, numbers)} for code, numbers in dossier.reasons]
    picture = draw_network(dossier.scene, shared, members)
    return {
        "verdict": {one: dossier.verdict(one) for one in LANGUAGES},
        "kinds": list(dict.fromkeys(code for code, _ in dossier.reasons if code in TACTICS)),
        "what": {key: _round(value) if isinstance(value, float) else value for key, value in facts["what"].items()},
        "dedication": _round(facts["taste"]["dedication"]),
        "density": None if facts["lockstep"] is None else _round(facts["lockstep"]["density"]),
        "reasons": [*raised, *reasons],
        "innocent": [_weighed(one) for one in dossier.innocent],
        "objections": [_weighed(one) for one in dossier.objections],
        "without": [_without(one, names) for one in dossier.counterfactuals],
        "members": rows_of("members", (_member(member, names) for member in dossier.members)),
        "targets": rows_of("targets", (_target(target, names) for target in facts["targets"])),
        "shared": rows_of("shared", (_shared(key, names) for key in shared)),
        "sellers": rows_of("sellers", (_seller(seller, names) for seller in facts["sellers"])),
        "copies": facts["texts"]["examples"] if facts["texts"] else [],
        "witness": len(dossier.events["witness"]),
        "inside": len(dossier.events["inside"]),
        "events": rows_of("events", _events(dossier, names, members)),
        "cells": rows_of("cells", _cells(dossier, members)),
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
    rows = [one.checked[condition] for condition in asked]
    return {
        "code": one.claim.name,
        "holds": one.holds,
        **(_sentences(one) if one.holds else {}),
        "why": [asked.index(checked.condition) for checked in (one.nearest() if one.holds else one.missed())],
        "checked": [
            dict(zip(("found", "bar"), with_bar(row.condition, row.value, row.bar), strict=True), passed=row.holds) for row in rows
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
    return {**seller, "id": names.place(seller["id"]), **{key: _round(seller[key]) for key in ("amount", "expected", "inflated_amount")}}


TACTICS = (
    "device_farm", "ip_rotation", "hijacked_accounts", "coattail_clicks", "review_copies", "rating_burst", "refund_cycle", "coupon_crew",
    "seller_cartel", "inflated_orders", "shared_payment", "shared_address",
)  # fmt: skip


def _events(dossier: Dossier, names: Names, members: list[str]) -> Iterator[dict[str, Any]]:
    """Events inside the ring: seconds since 1970, who, on which target, and the raw ids; `mark` is READ_FIRST, WITNESS or 0."""
    scene = dossier.scene
    recorded, small = scene.replay.recorded, scene.replay.small
    rows = np.array(dossier.events["inside"], np.int64)
    first, witness = set(dossier.events["read_first"]), set(dossier.events["witness"])
    if len(rows) > MOST_EVENTS:
        rows = np.unique(np.r_[rows[np.linspace(0, len(rows) - 1, MOST_EVENTS).astype(int)], dossier.events["read_first"]])
    order = {name: place for place, name in enumerate(members)}
    users = small.events.ids["user"].to_pylist()
    local = np.searchsorted(small.rows, rows)
    for row, place in zip(rows.tolist(), local.tolist(), strict=True):
        time, amount, action = int(recorded.time[row]), float(recorded.amount[row]), int(recorded.action[row])
        yield {
            "second": None if time == NO_TIME else time // 1_000_000,
            "member": order[users[small.events.codes["user"][place]]],
            "target": int(scene.target[place]),
            "action": recorded.actions[action] if action >= 0 else "",
            **{kind: _id_at(recorded, names, kind, row) for kind in RAW},
            "amount": None if amount != amount else round(amount, 2),
            "mark": READ_FIRST if row in first else WITNESS if row in witness else 0,
        }


def _id_at(recorded: Recorded, names: Names, kind: str, row: int) -> int | None:
    if kind not in recorded.event_code or recorded.event_code[kind][row] < 0:
        return None
    return names.place(recorded.ids[kind][int(recorded.event_code[kind][row])].as_py())


def _cells(dossier: Dossier, members: list[str]) -> Iterator[dict[str, int]]:
    """Every pair of a member and a target that is there, with its events."""
    scene = dossier.scene
    users = scene.replay.small.events.ids["user"].to_pylist()
    order = {name: place for place, name in enumerate(members)}
    place_of = [order[users[code]] for code in scene.replay.small.members.tolist()]
    there = scene.target >= 0
    pair = scene.member[there] * max(len(scene.windows), 1) + scene.target[there]
    found, count = np.unique(pair, return_counts=True)
    width = max(len(scene.windows), 1)
    for one, events in zip(found.tolist(), count.tolist(), strict=True):
        yield {"member": place_of[one // width], "target": one % width, "events": events}


def _round(value: float | None) -> float | None:
    """Six digits that count: enough for people, and a third of the bytes."""
    return None if value is None else float(f"{value:.6g}")
