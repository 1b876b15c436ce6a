"""Small runs for the store's tests, said in few words."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from graphdet.run.folder import Run
from graphdet.schema import KEY_ROLES, arrow_schema

DAY = datetime(2024, 3, 1, tzinfo=UTC)
Touch = tuple[str, str, str, str, int]  # user, verb, node type, node, hour of the first event


def make_run(
    name: str,
    rings: Mapping[str, Mapping[str, Sequence[str]]],
    touches: Sequence[Touch] = (),
    scores: Mapping[str, float] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> Run:
    """A run: ring → node type → members; what users did; users' scores (0.9 for members where not said)."""
    people = sorted({user for members in rings.values() for user in members["user"]})
    scores = {**dict.fromkeys(people, 0.9), **(scores or {})}
    ring_rows, member_rows, evidence_rows = [], [], []
    for rank, (ring_id, members) in enumerate(rings.items(), 1):
        facts = {"q_value": 0.01, "strength": 20.5, "events": 7, "amount": 99.5, "density": 0.8, "dedication": 0.7, "taste": 0.1}
        sizes = {"size": len(members["user"]), "targets": len(members.get("item", ()))}
        sizes |= {"devices": len(members.get("device", ())), "ips": len(members.get("ip", ()))}
        seen = {"first_seen": DAY, "last_seen": DAY + timedelta(hours=9)}
        told = {"ring_id": ring_id, "rank": rank, "score": 0.99 - rank / 100, "tier": "alert", "p_value": 0.02, "explanation": ""}
        ring_rows.append({**told, **facts, **sizes, **seen})
        for node_type, ids in members.items():
            role = "core" if node_type == "user" else KEY_ROLES[node_type]
            member_rows += [
                {"ring_id": ring_id, "node_type": node_type, "node_id": one, "role": role, "contribution": 5.25, "events": 3, **seen}
                for one in ids
            ]
        users = sorted(members["user"], key=str.encode)
        evidence_rows += [
            {
                "ring_id": ring_id,
                "user_a": a,
                "user_b": b,
                "view": "item",
                "key": item,
                "evidence": 3.5,
                "events": 2,
                "expected": 0.01,
                "seconds_apart": 60.0,
            }
            for a, b in itertools.pairwise(users)
            for item in members.get("item", ())
        ]
    ordered = sorted(scores, key=lambda user: (-scores[user], user))
    score_rows = [{"node_type": "user", "node_id": user, "score": scores[user], "rank": rank} for rank, user in enumerate(ordered, 1)]
    touch_rows = [
        {
            "user_id": user,
            "verb": verb,
            "node_type": node_type,
            "node_id": node,
            "count": 2,
            "first_seen": DAY + timedelta(hours=hour, microseconds=1),
            "last_seen": DAY + timedelta(hours=hour + 5),
            "amount": 12.5 if verb == "order" else None,
            "user_degree": 7 if user in people else None,
            "node_degree": 4000 if node_type == "device" else None,
        }
        for user, verb, node_type, node, hour in touches
    ]
    counts = {"read": 100, "accepted": 99, "rejected": 1, "duplicates": 0, "nodes": {"user": 50}, "relations": {"user-order-item": 80}}
    about = {
        "format": 1,
        "id": name,
        "version": "0.1.0",
        "seed": 1,
        "settings": {},
        "inputs": [],
        "counts": counts,
        "discounted": [],
        "notes": [],
    }
    rows = {
        "rings": ring_rows,
        "members": member_rows,
        "evidence": evidence_rows,
        "scores": score_rows,
        "rejected": [],
        "relations": touch_rows,
    }
    tables = {table: pa.Table.from_pylist(content, arrow_schema(table)) for table, content in rows.items()}
    return Run({**about, "cost": {"stages": []}, **(meta or {})}, tables)


def two_rings(name: str = "run-a") -> Run:
    """Two rings that share a user; every kind of relation occurs, and the nodes that most logs have."""
    first = {
        "user": ["ann", "bob", "cid"],
        "item": ["soap", "tea"],
        "device": ["phone"],
        "ip": ["10.0.0.1"],
        "seller": ["shop"],
        "payment": ["card"],
        "address": ["lane 1"],
    }
    second = {"user": ["bob", "dan"], "item": ["hat", "tea"]}
    touches: list[Touch] = [(user, "order", "item", item, 1) for user in first["user"] for item in first["item"]]
    touches += [(user, verb, "item", "hat", 3) for user in ("bob", "dan", "out") for verb in ("order", "view", "touched", "wave")]
    touches += [
        (user, verb, node_type, node, 2)
        for user in ("ann", "bob", "cid", "out")
        for verb, node_type, node in (
            ("used", "device", "phone"),
            ("used", "ip", "10.0.0.1"),
            ("dealt_with", "seller", "shop"),
            ("paid_with", "payment", "card"),
            ("delivered_to", "address", "lane 1"),
        )
    ]
    cells = [{"view": "item", "window": "24h", "key": "sale", "reason": "denser than 80 events", "size": 4000}]
    scores = {"ann": 0.97, "bob": 0.9, "cid": 0.6, "dan": 0.3, "out": 0.1}
    return make_run(name, {"ring-1": first, "ring-2": second}, touches, scores, {"discounted": cells})


def later_run(name: str = "run-b") -> Run:
    """The next day: ring-2 is gone, ring-1 lost an item, a third ring came; what is seen again is seen first later."""
    first = {"user": ["ann", "bob", "cid"], "item": ["soap"], "device": ["phone"]}
    third = {"user": ["eve", "fay"], "item": ["mug", "pen"]}
    touches: list[Touch] = [(user, "order", "item", "soap", 30) for user in first["user"]]
    touches += [(user, "order", "item", item, 30) for user in third["user"] for item in third["item"]]
    touches += [(user, "used", "device", "phone", 0) for user in first["user"]]
    return make_run(
        name, {"ring-1": first, "ring-3": third}, touches, {"ann": 0.5, "bob": 0.9, "cid": 0.9, "dan": 0.2, "eve": 0.99, "fay": 0.99}
    )


def with_embeddings(run: Run, width: int = 32) -> Run:
    """The run with embeddings of its users, narrower than today's: members of one ring look alike, and the last lies between them."""
    users = sorted(run.scores["node_id"].to_pylist())
    vectors = [[1.0 + place * 3 % len(users) / 10, 0.5] + [0.1] * (width - 2) for place, _ in enumerate(users)]
    columns = {"node_type": ["user"] * len(users), "node_id": users, "embedding": pa.array(vectors, pa.list_(pa.float32(), width))}
    return run.with_tables(embeddings=pa.table(columns))


def with_standings(run: Run, weak: Mapping[str, Mapping[str, str]]) -> Run:
    """The run with whom to hold: ring → user → why, parted by commas; all other users are to be acted on."""
    members = run.members.to_pylist()
    for row in members:
        if row["node_type"] == "user":
            row["weak"] = weak.get(row["ring_id"], {}).get(row["node_id"], "")
            row["standing"] = "hold" if row["weak"] else "act"
    return run.with_tables(members=pa.Table.from_pylist(members, arrow_schema("members")))
