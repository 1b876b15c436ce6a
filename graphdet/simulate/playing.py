"""A market → a stream of JSON lines: its past at once, then its last hours in their own time, or faster."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from graphdet.simulate.market import Market
from graphdet.simulate.writing import log_batches

HOUR = 3_600_000_000  # microseconds
TICK = 0.2  # seconds between writes while it plays


def play(market: Market, out: BinaryIO, hours: float, speed: float, sleep: Callable[[float], None] = time.sleep) -> int:
    """Write all events in the order of time; how many there were.

    Args:
        market: to play.
        out: gets a JSON object a line, without what an event lacks.
        hours: at the end of the market that are played; what was before comes at once.
        speed: so many times as fast as the market's own clock.
        sleep: waits so many seconds.
    """
    begins = int(market.columns.time[-1]) - round(hours * HOUR)
    told, played = 0, float(begins)
    for batch in log_batches(market):
        time_of = batch["timestamp"].cast(pa.int64()).to_numpy()
        past = int((time_of <= begins).sum())
        told += _write(out, batch.slice(0, past))
        row = past
        while row < len(batch):
            played = max(played, float(begins)) + TICK * speed * 1e6
            end = int((time_of <= played).sum())
            if end > row:
                told += _write(out, batch.slice(row, end - row))
                row = end
            sleep(TICK)
    return told


def _write(out: BinaryIO, batch: pa.RecordBatch) -> int:
    out.write(b"".join(lines_of(batch)))
    out.flush()
    return len(batch)


def lines_of(batch: pa.RecordBatch) -> Iterator[bytes]:
    """A JSON object a line; times in ISO 8601."""
    place = batch.schema.get_field_index("timestamp")
    told = batch.set_column(place, "timestamp", pc.strftime(batch["timestamp"], "%Y-%m-%dT%H:%M:%SZ"))
    for row in told.to_pylist():
        present: dict[str, Any] = {name: value for name, value in row.items() if value is not None}
        yield json.dumps(present, ensure_ascii=False).encode() + b"\n"
