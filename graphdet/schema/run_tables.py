"""The tables of a run folder, and the words that may stand in them."""

from __future__ import annotations

import pyarrow as pa

from graphdet.schema.columns import EVENT_COLUMNS, TEXT, TIME, Field
from graphdet.schema.lookalikes import look_alike_names
from graphdet.schema.nodes import ITEM, KEY_TYPES, NODE_TYPE

TIERS = ("alert", "review", "explained")
USER_ROLES = ("core", "attached")

_NODE_NAMES, _KEY_NAMES = ", ".join(NODE_TYPE), ", ".join(KEY_TYPES)
_VERBS = ", ".join(dict.fromkeys(NODE_TYPE[name].verb for name in KEY_TYPES if name != ITEM))

RUN_TABLES = {
    "rings": (
        Field("ring_id", TEXT, "derives from the member users alone"),
        Field("rank", pa.int32(), "1 = most suspicious"),
        Field("score", pa.float64(), "0 to 1, higher = more suspicious"),
        Field(
            "tier", TEXT, "alert: act on it; review: significant, but an innocent explanation is not ruled out; explained: one covers it"
        ),
        Field("p_value", pa.float64(), "share of rings of the permuted logs at least as strong, never 0"),
        Field("q_value", pa.float64(), "expected share of false rings among those at least as strong; never under 1e-6"),
        Field("size", pa.int32(), "member users"),
        Field("targets", pa.int32(), "items on which members acted together"),
        Field("devices", pa.int32(), "devices that members share"),
        Field("ips", pa.int32(), "IP addresses that members share"),
        Field("first_seen", TIME, "first event of a member on a target; null where the log has no times"),
        Field("last_seen", TIME, "last event of a member on a target"),
        Field("explanation", TEXT, "the innocent explanation that fits, or empty: " + ", ".join(look_alike_names())),
        Field("strength", pa.float64(), "log10 likelihood ratio of the ring against independent users"),
        Field("events", pa.int64(), "members' events on the targets"),
        Field("amount", pa.float64(), "money moved by members' events on the targets; null where the log has no amounts"),
        Field("density", pa.float64(), "share of member-target pairs that are there"),
        Field("dedication", pa.float64(), "share of members' item events that fall on the targets"),
        Field(
            "taste",
            pa.float64(),
            "log10 of members' own interest in the targets' categories, on other days, over everybody's; null where none are told or learned",
        ),
    ),
    "members": (
        Field("ring_id", TEXT, "the ring"),
        Field("node_type", TEXT, _NODE_NAMES),
        Field("node_id", TEXT, "the id as the log has it"),
        Field("role", TEXT, "core, attached, target or shared_…"),
        Field("contribution", pa.float64(), "log10 likelihood ratio that this node adds, higher = more suspicious"),
        Field("events", pa.int64(), "events of the node inside the ring"),
        Field("first_seen", TIME, "first of those"),
        Field("last_seen", TIME, "last of those"),
    ),
    "evidence": (
        Field("ring_id", TEXT, "the ring"),
        Field("user_a", TEXT, "the member with the smaller id"),
        Field("user_b", TEXT, "the other"),
        Field("view", TEXT, _KEY_NAMES),
        Field("key", TEXT, "what they share, as the log has it"),
        Field("evidence", pa.float64(), "log10 likelihood ratio of coordination for this pair at this key"),
        Field("events", pa.int64(), "events of the two at the key"),
        Field("expected", pa.float64(), "meetings of the two at the key that independent users would have"),
        Field(
            "seconds_apart",
            pa.float64(),
            "how far apart the closest of their meetings was that says anything; null where the log has no times",
        ),
    ),
    "scores": (
        Field("node_type", TEXT, _NODE_NAMES),
        Field("node_id", TEXT, "the id as the log has it"),
        Field("score", pa.float64(), "0 to 1, higher = more suspicious"),
        Field("rank", pa.int64(), "1 = most suspicious of its node type; ties by id"),
    ),
    "rejected": (
        Field("file", TEXT, "the file's name as given"),
        Field("line", pa.int64(), "line (text) or row (Parquet), from 1; null where it cannot be told"),
        Field("column", TEXT, "the column as the file has it, or empty for the whole row"),
        Field("reason", TEXT, "what is wrong"),
        Field("raw", TEXT, "the row as it stood, cut to a bounded length"),
    ),
}

# Tables that a run may lack: older runs, and runs made without the stage that fills them.
EMBEDDING_WIDTH = 64
OPTIONAL_RUN_TABLES = {
    "embeddings": (
        Field("node_type", TEXT, _NODE_NAMES),
        Field("node_id", TEXT, "the id as the log has it; of a large log the highest scored nodes are here, users first"),
        Field("embedding", pa.list_(pa.float32(), EMBEDDING_WIDTH), "a unit vector; nodes that keep the same company lie close"),
    ),
    "relations": (
        Field("user_id", TEXT, "who acted"),
        Field("verb", TEXT, f"what was done: the action on an item; {_VERBS} otherwise"),
        Field("node_type", TEXT, _KEY_NAMES),
        Field("node_id", TEXT, "on what, as the log has it"),
        Field("count", pa.int64(), "events of the relation"),
        Field("first_seen", TIME, "first of those; null where the log has no times"),
        Field("last_seen", TIME, "last of those"),
        Field("amount", pa.float64(), "money moved by those; null where the log has no amounts"),
        Field("user_degree", pa.int64(), "relations that the user has in the whole log, for ring members; this table may hold fewer"),
        Field("node_degree", pa.int64(), "the same for the node, where rings share it; null for all others"),
    ),
    # What a dossier is made of, once the logs may be gone. Of one member 2,000 events are kept: those on rings' targets, then the earliest.
    "events": EVENT_COLUMNS,
    "keys": (
        Field("node_type", TEXT, f"{_KEY_NAMES}, or category"),
        Field("node_id", TEXT, "the id as the log has it; every key that the table `events` names is here"),
        Field("events", pa.int64(), "its events in the whole log"),
        Field("users", pa.int64(), "its users in the whole log"),
        Field("crowded", pa.bool_(), "so many meet there at once that meeting there says little"),
        Field("share", pa.float64(), "share of the log's item events that are of its items, for sellers and categories; else null"),
        Field("ratings", pa.int64(), "ratings in the whole log, for items; else null"),
        Field("rating", pa.float64(), "their mean; null where there is none"),
        Field("history", pa.list_(pa.int32()), "its events in each `history_seconds` of run.json, for targets; else null"),
    ),
    "visits": (
        Field("node_type", TEXT, _KEY_NAMES),
        Field("node_id", TEXT, "the key; here are all visits to rings' targets, and members' visits to what two of them share"),
        Field("user_id", TEXT, "who came"),
        Field("second", pa.int32(), "when, in seconds since the log's first event"),
        Field(
            "draw", pa.int32(), "visits of one number are one choice of their user, as the lines of an order; null where one is by itself"
        ),
        Field("user_visits", pa.int64(), "all visits of the user in the whole log; this and those after it are null where it is no target"),
        Field("near", pa.int32(), "the user's visits to keys of this kind within the view's shortest window around, this one among them"),
        Field("elsewhen", pa.int32(), "the user's visits to keys of this kind at other times"),
        Field("public", pa.float32(), "of users who came to items that drew more than usual just then, the share beyond what any ring has"),
        Field(
            "log_hours", pa.float32(), "at an item in a rush log10 of the user's share of all visits to items within its hours; 0 elsewhere"
        ),
    ),
    "dossiers": (
        Field("ring_id", TEXT, "the ring"),
        Field("measured", TEXT, "JSON: what only the whole log tells of the ring; see graphdet.record.recording"),
    ),
}


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of one table of the run folder."""
    fields = RUN_TABLES[table] if table in RUN_TABLES else OPTIONAL_RUN_TABLES[table]
    return pa.schema([pa.field(field.name, field.type) for field in fields])
