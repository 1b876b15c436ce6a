"""The vocabulary as data: event columns, node types, views, actions, and the tables of a run folder.

Names live here once; documentation, tests and database constraints derive from them. Higher score = more suspicious, everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Field:
    """One column: its name, its Arrow type and what it means, in one sentence."""

    name: str
    type: pa.DataType
    meaning: str


@dataclass(frozen=True)
class NodeType:
    """One kind of node: its name, the log column that names its nodes, and its label and key in a graph database."""

    name: str
    column: str
    label: str
    key: str
    meaning: str


NODE_TYPES = (
    NodeType("user", "user_id", "User", "userId", "an account; the only node type that a ring's core is made of"),
    NodeType("item", "item_id", "Item", "itemId", "a product or listing; a ring's targets are items"),
    NodeType("device", "device_id", "Device", "deviceId", "a device fingerprint"),
    NodeType("ip", "ip", "IP", "ipAddress", "an IP address, version 4 or 6, in its canonical text form"),
    NodeType("seller", "seller_id", "Seller", "sellerId", "the shop that gains from an order"),
    NodeType("payment", "payment_id", "Payment", "paymentId", "a payment instrument"),
    NodeType("address", "address_id", "Address", "addressId", "a delivery address"),
)
NODE_TYPE = {node_type.name: node_type for node_type in NODE_TYPES}
KEY_TYPES = tuple(node_type.name for node_type in NODE_TYPES if node_type.name != "user")

ACTIONS = (
    "view",
    "click",
    "favourite",
    "cart",
    "order",
    "pay",
    "review",
    "refund",
    "cancel",
    "login",
    "coupon",
    "invite",
)

TEXT = pa.string()
EVENT_COLUMNS = (
    Field("event_id", TEXT, "names the event; rows that repeat it are duplicates"),
    Field("timestamp", TIME, "ISO 8601 with or without zone, a date, or epoch seconds, milliseconds or microseconds; UTC inside"),
    Field("user_id", TEXT, "who acted; required"),
    Field("item_id", TEXT, "on which item"),
    Field("device_id", TEXT, "from which device"),
    Field("ip", TEXT, "from which IP address"),
    Field("action", TEXT, "what was done, in lower case: " + ", ".join(ACTIONS) + "; others are kept and listed"),
    Field("category", TEXT, "the item's category; in run folders, where the log tells none, the community of items that stands in"),
    Field("seller_id", TEXT, "the item's seller"),
    Field("amount", pa.float64(), "money moved by the event"),
    Field("rating", pa.float64(), "stars given"),
    Field("text", TEXT, "review text"),
    Field("image", TEXT, "review image, by name or path"),
    Field("order_id", TEXT, "the order that the event belongs to"),
    Field("payment_id", TEXT, "the payment instrument"),
    Field("address_id", TEXT, "the delivery address"),
    Field("user_agent", TEXT, "the client's own words about itself"),
    Field("label", TEXT, "what is known about the event or its user, where anything is"),
)
EVENT_COLUMN = {field.name: field for field in EVENT_COLUMNS}

TIERS = ("alert", "review", "explained")
USER_ROLES = ("core", "attached")
KEY_ROLES = {
    "item": "target",
    "device": "shared_device",
    "ip": "shared_ip",
    "seller": "shared_seller",
    "payment": "shared_payment",
    "address": "shared_address",
}
EXPLANATIONS = {
    "household": "a few people who share a home's devices or address",
    "shared_network": "many people behind one network: campus, office, café or a carrier's NAT",
    "fan_club": "people whose own lasting taste brings them to the same items at the same time",
    "group_buy": "neighbours who order together through one leader",
    "reseller": "a company or reseller that buys the same goods in bulk",
    "flash_sale": "a sale or live stream that brought a crowd at once",
    "staff_device": "staff or test accounts of the shop",
}

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
        Field("explanation", TEXT, "the innocent explanation that fits, or empty: " + ", ".join(EXPLANATIONS)),
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
        Field("node_type", TEXT, "user, item, device, ip, seller, payment or address"),
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
        Field("view", TEXT, "item, device, ip, seller, payment or address"),
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
        Field("node_type", TEXT, "user, item, device, ip, seller, payment or address"),
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
        Field("node_type", TEXT, "user, item, device, ip, seller, payment or address"),
        Field("node_id", TEXT, "the id as the log has it; of a large log the highest scored nodes are here, users first"),
        Field("embedding", pa.list_(pa.float32(), EMBEDDING_WIDTH), "a unit vector; nodes that keep the same company lie close"),
    ),
    "relations": (
        Field("user_id", TEXT, "who acted"),
        Field("verb", TEXT, "what was done: the action on an item; used, dealt_with, paid_with or delivered_to otherwise"),
        Field("node_type", TEXT, "item, device, ip, seller, payment or address"),
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
        Field("node_type", TEXT, "item, device, ip, seller, payment, address, or category"),
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
        Field("node_type", TEXT, "item, device, ip, seller, payment or address"),
        Field("node_id", TEXT, "the key; here are all visits to rings' targets, and members' visits to what two of them share"),
        Field("user_id", TEXT, "who came"),
        Field("second", pa.int32(), "when, in seconds since the log's first event"),
        Field(
            "habits",
            pa.list_(pa.float32()),
            "what was usual for the user there, in the order of `habits` in run.json; null where it is no target",
        ),
    ),
    "dossiers": (
        Field("ring_id", TEXT, "the ring"),
        Field("measured", TEXT, "JSON: what only the whole log tells of the ring; see graphdet.record.recording"),
    ),
}

# The graph database: labels, keys and relationship types of what is written there. Nothing else becomes a label or a type.
RING_NODE = NodeType("ring", "ring_id", "FraudRing", "ringId", "a suspected ring: a finding, not a verdict")
RUN_NODE = NodeType("run", "run_id", "DetectionRun", "runId", "one run that was written to the database")
CASE_NODE = NodeType("case", "case_id", "Case", "caseId", "an analyst's decision on a ring, with author and time; never written by a push")
RISK_BANDS = (("RiskLow", 0.0), ("RiskMedium", 0.5), ("RiskHigh", 0.8), ("RiskCritical", 0.95))  # label, least score
VERDICTS = ("confirmed", "innocent", "unsure")
ITEM_RELATIONS = {
    "view": "VIEWED",
    "click": "CLICKED",
    "favourite": "FAVOURITED",
    "cart": "ADDED_TO_CART",
    "order": "PURCHASED",
    "pay": "PAID_FOR",
    "review": "REVIEWED",
    "refund": "REFUNDED",
    "cancel": "CANCELLED",
    "login": "LOGGED_IN_AT",
    "coupon": "USED_COUPON_ON",
    "invite": "INVITED_TO",
    "touched": "TOUCHED",
}
OTHER_ITEM_RELATION = "ACTED_ON"  # actions with words of their own; the word is the property `action`
KEY_RELATIONS = {"device": "USED", "ip": "HAS_IP", "seller": "DEALT_WITH", "payment": "PAID_WITH", "address": "DELIVERED_TO"}


def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of one table of the run folder."""
    fields = RUN_TABLES[table] if table in RUN_TABLES else OPTIONAL_RUN_TABLES[table]
    return pa.schema([pa.field(field.name, field.type) for field in fields])
