"""Events and their log files → every review with its stars and its text, in order of item and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graphdet.arrays import Float64, Int64
from graphdet.events import NO_TIME, EventTable
from graphdet.record.recording import events_table
from graphdet.record.texts import add_wording
from graphdet.reviews.review_wording import fold
from graphdet.schema import ITEM
from graphdet.settings import Settings


@dataclass(frozen=True)
class Reviews:
    """n reviews with stars, by item and in it by time.

    Attributes:
        row: (n,) their events.
        user, item: (n,) codes. `time`: (n,) microseconds since 1970 UTC. `stars`: (n,).
        text: as the log has it, "" where there is none; `folded`: its letters alone, in lower case.
    """

    row: Int64
    user: Int64
    item: Int64
    time: Int64
    stars: Float64
    text: list[str]
    folded: list[str]

    def __len__(self) -> int:
        return len(self.row)


def read_reviews(events: EventTable, settings: Settings) -> Reviews | None:
    """All events on an item with stars and a time; None where the log has none. Texts are read from the log files again."""
    if events.rating is None or events.time is None or ITEM not in events.codes:
        return None
    rows = np.flatnonzero(~np.isnan(events.rating) & (events.codes[ITEM] >= 0) & (events.time != NO_TIME))
    if not len(rows):
        return None
    table = add_wording(events_table(events, rows), events.report.files, events.ids[ITEM], settings.log, settings.machine)
    order = np.lexsort((rows, events.time[rows], events.codes[ITEM][rows]))
    text = ["" if one is None else str(one) for one in table["text"].take(pa.array(order)).to_pylist()]
    rows = rows[order]
    return Reviews(
        rows,
        events.codes["user"][rows].astype(np.int64),
        events.codes[ITEM][rows].astype(np.int64),
        events.time[rows],
        events.rating[rows].astype(np.float64),
        text,
        [fold(one) for one in text],
    )
