"""What a column's values say against its being one of ours, whatever its name."""

from __future__ import annotations

from graphdet.proposing.looking import ColumnLook
from graphdet.schema.wording import numbered

KINDS = 12  # different values up to which a column tells kinds of things, no single ones
WORDS_MOST = 60


def objection(ours: str, column: ColumnLook, rows: int) -> str:
    """Why it can hardly be `ours`, or ''."""
    if not column.filled:
        return "it is empty"
    few = (
        f"it has {column.distinct:,} different {'value' if column.distinct == 1 else 'values'} in {numbered(column.filled, 'row', 'rows')}"
    )
    kinds = column.distinct <= KINDS and column.filled > 3 * column.distinct
    if ours == "user_id" and column.distinct <= KINDS and column.filled > 50 * column.distinct:
        return f"{few}: kinds of people, it seems, no single ones"
    if ours in ("user_id", "item_id", "seller_id", "order_id"):
        return f"{few}" if column.distinct < 2 and rows > 50 else "it holds times" if column.times > 0.8 else ""
    if ours in ("device_id", "payment_id", "address_id"):
        what = {"device_id": "kinds of devices", "payment_id": "ways of paying", "address_id": "areas"}[ours]
        return f"{few}: {what}, it seems, no single ones" if kinds else ""
    if ours == "ip":
        opaque = column.longest >= 16 and column.distinct > KINDS
        return "" if column.ips >= 0.8 or opaque else f"{column.ips:.0%} of its values are IP addresses"
    if ours == "timestamp":
        times = max(column.times, column.epochs)
        other = f"; rows with others, such as {column.no_time[:40]!r}, would be rejected" if times > 0 and column.no_time else ""
        return "" if times >= 0.8 else f"{times:.0%} of its values are times{other}"
    if ours == "action":
        return f"{few}: too many for actions" if column.distinct > WORDS_MOST else "it holds numbers" if column.numbers > 0.8 else ""
    return _objection_to_more(ours, column, few)


def _objection_to_more(ours: str, column: ColumnLook, few: str) -> str:
    """Of columns without which a run can do."""
    if ours == "amount":
        return "" if column.numbers >= 0.8 else f"{column.numbers:.0%} of its values are numbers"
    if ours == "rating":
        return "" if column.numbers >= 0.8 and column.distinct <= 101 else f"{few}, {column.numbers:.0%} of them numbers"
    if ours == "category":
        return f"{few}: too many for categories" if column.distinct > 0.5 * column.filled > KINDS else ""
    if ours == "text":
        return "its texts are short" if column.longest < 20 else ""
    if ours == "event_id":
        repeated = column.distinct < column.filled
        return f"{few}; rows that repeat an event_id would be dropped as duplicates" if repeated else ""
    if ours == "label":
        return few if column.distinct > KINDS else ""
    if ours == "user_agent":
        return "" if column.agents >= 0.5 else "it does not hold what clients say of themselves"
    return ""
