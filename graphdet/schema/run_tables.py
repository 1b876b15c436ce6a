"""The tables of a run folder, and the words that may stand in them."""

from __future__ import annotations

import pyarrow as pa

from graphdet.schema.columns import EVENT_COLUMNS, LAST_SECOND, TEXT, TIME, Field
from graphdet.schema.lookalikes import look_alike_names
from graphdet.schema.nodes import ITEM, KEY_TYPES, NODE_TYPE
from graphdet.schema.standings import STANDINGS

TIERS = ("alert", "review", "explained")
USER_ROLES = ("core", "attached")
ACT, HOLD = "act", "hold"  # what to do about a member
WEAK_PARTS = ("few_items", "little_evidence", "stray", "crowd")  # why to hold one
GRAINS = ("hour", "day")  # that series are counted by
BURST_NODES = (*(name for name in KEY_TYPES if NODE_TYPE[name].series), "category", "shop")  # whose series are counted

# A ring's id names files and stands in links and queries, and a run folder may come from anybody.
RING_ID = r"[A-Za-z][A-Za-z0-9-]{0,63}"

_WEAK = f"(?:{'|'.join(WEAK_PARTS)})"
_NODE_NAMES, _KEY_NAMES = ", ".join(NODE_TYPE), ", ".join(KEY_TYPES)
_VERBS = ", ".join(dict.fromkeys(NODE_TYPE[name].verb for name in KEY_TYPES if name != ITEM))

RUN_TABLES = {
    "rings": (
        Field("ring_id", TEXT, "derives from the member users alone", form=RING_ID),
        Field("rank", pa.int32(), "1 = most suspicious", least=1),
        Field("score", pa.float64(), "0 to 1, higher = more suspicious", least=0, most=1),
        Field(
            "tier", TEXT, "alert: act on it; review: significant, but an innocent explanation is not ruled out; explained: one covers it"
        ),
        Field(
            "p_value",
            pa.float64(),
            "chance that a group of a shuffled log is as strong; never 0, never above q_value",
            least=5e-324,
            most=1,
        ),
        Field(
            "q_value",
            pa.float64(),
            "expected share of coincidences among rings at least as strong; says nothing of innocence; never under 1e-6",
            least=0,
            most=1,
        ),
        Field("size", pa.int32(), "member users", least=1),
        Field("targets", pa.int32(), "items on which members acted together", least=0),
        Field("devices", pa.int32(), "devices at which members met closer together than chance brings people", least=0),
        Field("ips", pa.int32(), "IP addresses at which they did", least=0),
        Field("first_seen", TIME, "when members began to meet on targets, without strays; null where the log has no times", lacks=True),
        Field("last_seen", TIME, "when the last of them first came to a target, without strays", lacks=True),
        Field("explanation", TEXT, "the innocent explanation that fits, or empty: " + ", ".join(look_alike_names())),
        Field("strength", pa.float64(), "log10 likelihood ratio of the ring against independent users"),
        Field("events", pa.int64(), "members' events on the targets", least=0),
        Field(
            "amount",
            pa.float64(),
            "value of members' orders on the targets (payments where orders have no amounts); null where the log has no amounts",
            lacks=True,
        ),
        Field(
            "at_stake",
            pa.float64(),
            "value of those of them that ordinary users would not have placed; null where the log has no amounts or the ring no items",
            lacks=True,
        ),
        Field("density", pa.float64(), "share of member-target pairs that are there", least=0, most=1),
        Field("dedication", pa.float64(), "share of members' item events that fall on the targets", least=0, most=1),
        Field(
            "taste",
            pa.float64(),
            "log10 of members' own interest in the targets' categories, on other days, over everybody's; null where none are told or learned",
            lacks=True,
        ),
        Field("standing", TEXT, "how it stands: " + ", ".join(STANDINGS), lacks=True, form="|".join(STANDINGS)),
        Field(
            "chance",
            pa.float64(),
            "share of groups that stand so that were rings, in markets of many kinds; a rate, no proof",
            least=0,
            most=1,
            lacks=True,
        ),
        Field("chance_low", pa.float64(), "nine of ten new kinds of markets have a share between this", least=0, most=1, lacks=True),
        Field("chance_high", pa.float64(), "and this", least=0, most=1, lacks=True),
        Field("verdicts", pa.int64(), "verdicts of the house on such groups, which the chance rests on as well", least=0, lacks=True),
    ),
    "members": (
        Field("ring_id", TEXT, "the ring"),
        Field("node_type", TEXT, _NODE_NAMES),
        Field("node_id", TEXT, "the id as the log has it"),
        Field("role", TEXT, "core, attached, target or shared_…"),
        Field("contribution", pa.float64(), "log10 likelihood ratio that this node adds, higher = more suspicious"),
        Field("events", pa.int64(), "events of the node inside the ring", least=0),
        Field("first_seen", TIME, "first of those", lacks=True),
        Field("last_seen", TIME, "last of those", lacks=True),
        Field(
            "standing",
            TEXT,
            f"of users: {ACT} or, where their part is weak, {HOLD}: no label comes of it",
            lacks=True,
            form=f"{ACT}|{HOLD}",
        ),
        Field(
            "weak",
            TEXT,
            f"of users: why to hold them, parted by commas; empty where nothing says so: {', '.join(WEAK_PARTS)}",
            lacks=True,
            form=f"(?:{_WEAK}(?:,{_WEAK})*)?",
        ),
    ),
    "evidence": (
        Field("ring_id", TEXT, "the ring"),
        Field("user_a", TEXT, "the member with the smaller id"),
        Field("user_b", TEXT, "the other"),
        Field("view", TEXT, _KEY_NAMES),
        Field("key", TEXT, "what they share, as the log has it"),
        Field("evidence", pa.float64(), "log10 likelihood ratio of coordination for this pair at this key"),
        Field("events", pa.int64(), "events of the two at the key", least=0),
        Field("expected", pa.float64(), "meetings of the two at the key that independent users would have", least=0, lacks=True),
        Field(
            "seconds_apart",
            pa.float64(),
            "how far apart the closest of their meetings was that says anything; null where the log has no times",
            least=0,
            lacks=True,
        ),
    ),
    "scores": (
        Field("node_type", TEXT, _NODE_NAMES),
        Field("node_id", TEXT, "the id as the log has it"),
        Field("score", pa.float64(), "0 to 1, higher = more suspicious", least=0, most=1),
        Field("rank", pa.int64(), "1 = most suspicious of its node type; ties by id", least=1),
    ),
    "rejected": (
        Field("file", TEXT, "the file's name as given"),
        Field("line", pa.int64(), "line (text) or row (Parquet), from 1; null where it cannot be told", least=1, lacks=True),
        Field("column", TEXT, "the column as the file has it, or empty for the whole row"),
        Field("reason", TEXT, "what is wrong"),
        Field("raw", TEXT, "the row as it stood, cut to a bounded length", lacks=True),
    ),
}

# Columns that runs of an older graphdet lack; they are null there.
TOLD_LATER = {
    "rings": ("at_stake", "standing", "chance", "chance_low", "chance_high", "verdicts"),
    "members": ("standing", "weak"),
    "takeovers": ("by_travel", "travel_km", "travel_minutes"),
    "events": tuple(NODE_TYPE[name].column for name in KEY_TYPES),  # a node type may be newer than the run
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
        Field("count", pa.int64(), "events of the relation", least=1),
        Field("first_seen", TIME, "first of those; null where the log has no times", lacks=True),
        Field("last_seen", TIME, "last of those", lacks=True),
        Field("amount", pa.float64(), "money moved by those; null where the log has no amounts", lacks=True),
        Field(
            "user_degree",
            pa.int64(),
            "relations that the user has in the whole log, for ring members; this table may hold fewer",
            least=0,
            lacks=True,
        ),
        Field("node_degree", pa.int64(), "the same for the node, where rings share it; null for all others", least=0, lacks=True),
    ),
    # What a dossier is made of, once the logs may be gone. Of one member 2,000 events are kept: those on rings' targets, then the earliest.
    "events": tuple(field for field in EVENT_COLUMNS if field.name != "currency"),  # by now all amounts are in one
    "keys": (
        Field("node_type", TEXT, f"{_KEY_NAMES}, or category"),
        Field("node_id", TEXT, "the id as the log has it; every key that the table `events` names is here"),
        Field("events", pa.int64(), "its events in the whole log", least=0, lacks=True),
        Field("users", pa.int64(), "its users in the whole log", least=1, lacks=True),
        Field("crowded", pa.bool_(), "so many meet there at once that meeting there says little", lacks=True),
        Field(
            "share",
            pa.float64(),
            "share of the log's item events that are of its items, for sellers and categories; else null",
            least=0,
            most=1,
            lacks=True,
        ),
        Field("ratings", pa.int64(), "ratings in the whole log, for items; else null", least=0, lacks=True),
        Field("rating", pa.float64(), "their mean; null where there is none", lacks=True),
        Field(
            "history", pa.list_(pa.int32()), "its events in each `history_seconds` of run.json, for targets; else null", least=0, lacks=True
        ),
    ),
    "visits": (
        Field("node_type", TEXT, _KEY_NAMES),
        Field("node_id", TEXT, "the key; here are all visits to rings' targets, and members' visits to what two of them share"),
        Field("user_id", TEXT, "who came"),
        Field("second", pa.int32(), "when, in seconds since the log's first event", least=0, most=LAST_SECOND - 1),
        Field(
            "draw",
            pa.int32(),
            "visits of one number are one choice of their user, as the lines of an order; null where one is by itself",
            least=0,
            lacks=True,
        ),
        Field(
            "user_visits",
            pa.int64(),
            "all visits of the user in the whole log; this and those after it are null where it is no target",
            least=1,
            lacks=True,
        ),
        Field(
            "near",
            pa.int32(),
            "the user's visits to keys of this kind within the view's shortest window around, this one among them",
            least=1,
            lacks=True,
        ),
        Field("elsewhen", pa.int32(), "the user's visits to keys of this kind at other times", least=0, lacks=True),
        Field(
            "public",
            pa.float32(),
            "of users who came to items that drew more than usual just then, the share beyond what any ring has",
            least=0,
            most=1,
            lacks=True,
        ),
        Field(
            "log_hours",
            pa.float32(),
            "at an item in a rush log10 of the user's share of all visits to items within its hours; 0 elsewhere",
            most=0,
            lacks=True,
        ),
    ),
    # Accounts that somebody else seems to act in; a part is the log10 that it adds to the score, and what is new is new to the account.
    "takeovers": (
        Field("user_id", TEXT, "the account"),
        Field("rank", pa.int32(), "1 = most suspicious", least=1),
        Field("score", pa.float64(), "log10 of how much likelier a stranger's life looks so than the owner's, higher = more suspicious"),
        Field("p_value", pa.float64(), "chance that an account shows as much by coincidence", least=5e-324, most=1),
        Field("q_value", pa.float64(), "expected share of coincidences among accounts at least as suspicious", least=0, most=1),
        Field("first_seen", TIME, "the first event from where the account had never come from"),
        Field("last_seen", TIME, "the last of that stretch"),
        Field("known", pa.int32(), "sittings of the account before, which it is held against", least=0),
        Field("sittings", pa.int32(), "sittings in the stretch", least=1),
        Field("events", pa.int64(), "events in the stretch", least=1),
        Field("orders", pa.int64(), "orders in the stretch", least=0),
        Field("amount", pa.float64(), "what they are worth; null where the log has no amounts", lacks=True),
        Field("by_place", pa.float64(), "what the device and the network add, and who came afterwards"),
        Field("by_pace", pa.float64(), "what the number of visits and orders and their worth add"),
        Field("by_goods", pa.float64(), "what the kinds of goods add"),
        Field("by_sent_to", pa.float64(), "what the delivery addresses add"),
        Field("by_paid_by", pa.float64(), "what the means of payment add"),
        Field("by_hour", pa.float64(), "what the hours of the day add"),
        Field("by_travel", pa.float64(), "what journeys add; 0 where nobody says where networks are", lacks=True),
        Field(
            "travel_km",
            pa.float64(),
            "kilometres of a journey that nobody makes in the time; null where there is none",
            least=0,
            lacks=True,
        ),
        Field("travel_minutes", pa.float64(), "minutes that it took", least=0, lacks=True),
        *(
            Field(
                f"new_{name}",
                pa.float64(),
                f"share of the stretch's {told} that are new; null where there are none",
                least=0,
                most=1,
                lacks=True,
            )
            for name, told in (
                ("device", "events with a device"),
                ("ip", "events with an IP address"),
                ("goods", "item events whose category"),
                ("address", "events with a delivery address"),
                ("payment", "events with a means of payment"),
            )
        ),
    ),
    "takeover_events": (
        Field("user_id", TEXT, "an account of the table `takeovers`"),
        *(
            Field(field.name, field.type, field.meaning, field.least, field.most, lacks=field.name != "timestamp")
            for field in EVENT_COLUMNS
            if field.name in ("timestamp", "action", "item_id", "device_id", "ip", "address_id", "payment_id", "amount")
        ),
    ),
    "bursts": (
        Field("node_type", TEXT, f"{', '.join(BURST_NODES)}: the whole log"),
        Field("node_id", TEXT, "the id as the log has it; of the whole log empty"),
        Field("measure", TEXT, "what was counted: events, orders, reviews, refunds; of the whole log events, or an action's own word"),
        Field("grain", TEXT, f"{' or '.join(GRAINS)}: what it was counted by"),
        Field("first_seen", TIME, "begin of the first hour or day"),
        Field("last_seen", TIME, "end of the last one"),
        Field("count", pa.int64(), "users, each once in an hour or a day; of the whole log events", least=1),
        Field("expected", pa.float64(), "of season and own level", least=0),
        Field("excess", pa.float64(), "count less expected", least=0),
        Field(
            "excess_low",
            pa.float64(),
            "nine of ten times the excess lies between this, since what is expected is not known exactly",
            least=0,
        ),
        Field("excess_high", pa.float64(), "and this", least=0),
        Field("p_value", pa.float64(), "chance of as much in a series without a burst, all its hours and days considered", least=0, most=1),
        Field("q_value", pa.float64(), "share of false alarms among bursts that are at least as unlikely", least=0, most=1),
        Field(
            "rare",
            pa.float64(),
            "share of series of the kind that reach as much, by their tail; null where they are too few",
            least=0,
            most=1,
            lacks=True,
        ),
        Field("since", TIME, "begin of the first count of `counts`"),
        Field("counts", pa.list_(pa.int32()), "counts of each hour or day around the burst", least=0),
        Field("usual", pa.list_(pa.float32()), "what was expected of each", least=0),
    ),
    "dossiers": (
        Field("ring_id", TEXT, "the ring"),
        Field("measured", TEXT, "JSON: what only the whole log tells of the ring; see graphdet.record.recording"),
    ),
}


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of one table of the run folder."""
    return pa.schema([pa.field(field.name, field.type) for field in fields_of(table)])


def fields_of(table: str) -> tuple[Field, ...]:
    """The columns of one table of the run folder."""
    return RUN_TABLES[table] if table in RUN_TABLES else OPTIONAL_RUN_TABLES[table]
