"""Columns of a log, and the actions that are known by name."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from graphdet.schema.nodes import NODE_TYPES

TEXT = pa.string()
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Field:
    """One column: its name, its Arrow type and what it means, in one sentence."""

    name: str
    type: pa.DataType
    meaning: str


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

EVENT_COLUMNS = (
    Field("event_id", TEXT, "names the event; rows that repeat it are duplicates"),
    Field("timestamp", TIME, "ISO 8601 with or without zone, a date, or epoch seconds, milliseconds or microseconds; UTC inside"),
    *(Field(node_type.column, TEXT, node_type.told) for node_type in NODE_TYPES),
    Field("action", TEXT, "what was done, in lower case: " + ", ".join(ACTIONS) + "; others are kept and listed"),
    Field("category", TEXT, "the item's category; in run folders, where the log tells none, the community of items that stands in"),
    Field("amount", pa.float64(), "money moved by the event"),
    Field("rating", pa.float64(), "stars given"),
    Field("text", TEXT, "review text"),
    Field("image", TEXT, "review image, by name or path"),
    Field("order_id", TEXT, "the order that the event belongs to"),
    Field("user_agent", TEXT, "the client's own words about itself"),
    Field("label", TEXT, "what is known about the event or its user, where anything is"),
)
IP_COLUMNS = tuple(node_type.column for node_type in NODE_TYPES if node_type.canonical == "ip")
EVENT_COLUMN = {field.name: field for field in EVENT_COLUMNS}
