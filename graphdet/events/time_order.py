"""All odd times of a column → how they are written: one order of day and month, told by values that fit one order alone (31/12).

What no value tells is not guessed: reading stops, and names the setting.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

from graphdet.errors import AmbiguousColumn
from graphdet.events.forms import Order, TimeForm
from graphdet.events.time_writings import Numeric, numeric_of, read_time

ORDERS: tuple[Order, ...] = ("day first", "month first", "year first")
_DAY_MICROS = 86_400_000_000
_LONG, _SHORT = 20 * 366, 5 * 366  # days: no log is that long; and many are that short
_ENOUGH = 5  # different dates that may tell an order by the length that they give the log


@dataclass
class _Votes:
    """What the dates of one separator and length say: for each set of orders that can read a date, one such text."""

    example: dict[frozenset[Order], str] = field(default_factory=dict)
    differing: dict[frozenset[Order], str] = field(default_factory=dict)  # where these orders give different days
    days: dict[Order, set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, text: str, numeric: Numeric) -> None:
        read = {}
        for order in ORDERS[: 2 if numeric[1] == 4 else 3]:
            wall = read_time(text, {numeric: order}.get)
            if wall is not None:
                read[order] = wall[0]
        if read:
            able = frozenset(read)
            self.example.setdefault(able, text)
            if len(set(read.values())) > 1:
                self.differing.setdefault(able, text)
            for order, micros in read.items():
                self.days[order].add(micros // _DAY_MICROS)

    @property
    def viable(self) -> list[Order]:
        """Orders that read all that any order reads."""
        return [order for order in ORDERS if self.example and all(order in able for able in self.example)]

    def told(self) -> Order | None:
        """The one order that reads all dates; or the one by which the log is not absurdly long."""
        viable = self.viable
        if len(viable) > 1 and "year first" in viable:
            lasts = {order: max(self.days[order]) - min(self.days[order]) for order in viable}
            short = [order for order in viable if lasts[order] < _SHORT]
            if len(short) == 1 and all(lasts[order] > _LONG or order in short for order in viable) and len(self.days[short[0]]) >= _ENOUGH:
                return short[0]
        if len(viable) == 1:
            return viable[0]
        return viable[0] if viable and not any(set(able) >= set(viable) for able in self.differing) else None


def tell_orders(where: str, texts: Iterable[str], day_first: bool | None) -> TimeForm:
    """How a column's dates in numbers are to be read.

    Args:
        where: file and column, for errors.
        texts: its odd times, each once.
        day_first: what the settings say; None = the values tell.

    Raises:
        AmbiguousColumn: the values fit two orders, or none.
    """
    votes: dict[Numeric, _Votes] = defaultdict(_Votes)
    for text in texts:
        numeric = numeric_of(text)
        if numeric is not None:
            votes[numeric].add(text, numeric)
    told = {numeric: votes[numeric].told() for numeric in sorted(votes)}
    if day_first is not None:
        wanted: Order = "day first" if day_first else "month first"
        orders = {numeric: wanted if numeric[0] != "." else told[numeric] or "day first" for numeric in told}
    else:
        orders = {numeric: told[numeric] or _borrowed(where, numeric, votes[numeric], told) for numeric in told if votes[numeric].example}
    telling = ((len(able), text) for numeric in orders for able, text in votes[numeric].example.items())
    example = min(telling, key=lambda pair: pair[0], default=(0, ""))[1]  # one that fits the fewest orders shows which it is
    return TimeForm(tuple((*numeric, order) for numeric, order in sorted(orders.items())), example=example)


def _borrowed(where: str, numeric: Numeric, votes: _Votes, told: dict[Numeric, Order | None]) -> Order:
    """The order that the column's other dates tell; dots alone are day first, as nobody writes them otherwise."""
    viable = votes.viable
    if not viable:
        pairs = [(one, other) for one, other in combinations(votes.example, 2) if not one & other]
        one, other = pairs[0] if pairs else tuple(votes.example)[:2]
        first, second = votes.example[one], votes.example[other]
        raise AmbiguousColumn(
            f"{where}: {_first(first)} and {_first(second)} cannot both be read by one order of day and month; set [log] day_first "
            "(rows of the other order are then rejected), or timestamp_format."
        )
    others = {order for other, order in told.items() if order is not None and other != numeric}
    if numeric[0] == "." and others <= {"day first"} and "day first" in viable:
        return "day first"
    if len(others) == 1 and numeric[0] != "." and (order := next(iter(others))) in viable:
        return order
    text = next(iter(votes.differing.values()))
    raise AmbiguousColumn(
        f"{where}: {_first(text)} can be read as {' or '.join(viable)}, and no value of the column tells which; "
        "set [log] day_first = true or false, or timestamp_format."
    )


def _first(text: str) -> str:
    return text[:40]
