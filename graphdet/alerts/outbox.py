"""The outbox: alerts and their deliveries as tables of the watch's own state, so that both are there or neither.

One row for each alert and sink: waiting, delivered or dead. Functions for the look (`open_outbox`, `enqueue`, `forget`) leave the
transaction to their caller; those for deliveries are single statements on connections of their own.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.words.failure_words import as_kept, failure_in_words

State = Literal["waiting", "delivered", "dead"]
STATES: tuple[State, ...] = ("waiting", "delivered", "dead")

_TABLES = (
    """CREATE TABLE IF NOT EXISTS outbox (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, line TEXT NOT NULL, ring_id TEXT NOT NULL,
        tier TEXT NOT NULL, moment INTEGER NOT NULL, made REAL NOT NULL, document TEXT
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS outbox_deliveries (
        number INTEGER NOT NULL REFERENCES outbox, sink TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
        attempts INTEGER NOT NULL, next REAL NOT NULL, since REAL NOT NULL, why TEXT NOT NULL, PRIMARY KEY (number, sink)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox_deliveries (sink, next) WHERE state = 'waiting'",
    "CREATE TABLE IF NOT EXISTS outbox_told (line TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS outbox_sinks (
        sink TEXT PRIMARY KEY, failures INTEGER NOT NULL, next REAL NOT NULL, failed INTEGER NOT NULL
    ) STRICT""",
)


@dataclass(frozen=True)
class Delivery:
    """One alert on its way to one sink.

    Attributes:
        number: of the alert.
        attempts: that failed, or that succeeded at the last.
        next: seconds since 1970 from which on it is tried.
        since: when it began to wait.
        failure: the last one, as `words/failure_words.py` keeps it, or empty.
    """

    number: int
    key: str
    kind: str
    line: str
    ring_id: str
    tier: str
    moment: int
    sink: str
    state: State
    attempts: int
    next: float
    since: float
    failure: str

    @property
    def why(self) -> str:
        """The last failure in English."""
        return failure_in_words(self.failure, "en")


_COLUMNS = "o.number, o.key, o.kind, o.line, o.ring_id, o.tier, o.moment, d.sink, d.state, d.attempts, d.next, d.since, d.why"


def open_outbox(connection: sqlite3.Connection) -> None:
    """Make the tables where they are not there yet."""
    for statement in _TABLES:
        connection.execute(statement)


def enqueue(connection: sqlite3.Connection, alerts: Iterable[Alert], sinks: Mapping[str, SinkSettings]) -> int:
    """Put alerts in, with a delivery to each sink that wants to be told of such; an alert whose key is known is no second one."""
    added, now = 0, time.time()
    for alert in alerts:
        row = (alert.key, alert.kind, alert.line, alert.ring_id, alert.tier, alert.moment, now, alert.as_text())
        done = connection.execute(
            "INSERT OR IGNORE INTO outbox (key, kind, line, ring_id, tier, moment, made, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
        )
        if done.rowcount:
            added += 1
            wanted = [name for name, sink in sinks.items() if set(alert.changes) & set(sink.changes)]
            connection.executemany(
                "INSERT INTO outbox_deliveries VALUES (?, ?, 'waiting', 0, 0, ?, '')", [(done.lastrowid, sink, now) for sink in wanted]
            )
    return added


def forget(connection: sqlite3.Connection, before: int) -> int:
    """Delete what alerts say of rings whose last event lies before a moment, unless a sink still waits for it; their keys stay, so that
    a repeat is known as one.

    Returns:
        Dead letters that went with it, which can be sent no more.
    """
    connection.execute(
        "UPDATE outbox SET document = NULL WHERE document IS NOT NULL AND coalesce(document ->> 'last_seen', moment) < ?"
        " AND NOT EXISTS (SELECT 1 FROM outbox_deliveries d WHERE d.number = outbox.number AND d.state = 'waiting')",
        (before,),
    )
    done = connection.execute(
        "DELETE FROM outbox_deliveries WHERE state = 'dead' AND number IN (SELECT number FROM outbox WHERE document IS NULL)"
    )
    return done.rowcount


def settle_sinks(connection: sqlite3.Connection, left: Collection[str]) -> None:
    """These are the sinks now. What waits for another waits for nobody: it is dead, until the sink is back and it is sent again."""
    connection.executemany("INSERT OR IGNORE INTO outbox_sinks VALUES (?, 0, 0, 0)", [(sink,) for sink in sorted(left)])
    connection.execute(
        "UPDATE outbox_deliveries SET state = 'dead', why = ? WHERE state = 'waiting' AND sink NOT IN (SELECT value FROM json_each(?))",
        (as_kept("no_sink"), json.dumps(sorted(left))),
    )


def known_sinks(connection: sqlite3.Connection) -> list[str]:
    """Those that the settings of a watch named, and those that something was ever to go to."""
    return [sink for (sink,) in connection.execute("SELECT sink FROM outbox_sinks UNION SELECT sink FROM outbox_deliveries ORDER BY 1")]


def waiting(connection: sqlite3.Connection, sink: str, now: float, most: int) -> list[tuple[Delivery, Alert]]:
    """What is due for a sink, that which was tried least first, so that one alert it cannot take holds up no other."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, o.document FROM outbox_deliveries d JOIN outbox o USING (number) WHERE d.sink = ? AND d.state = 'waiting'"  # noqa: S608
        " AND d.next <= ? AND o.document IS NOT NULL ORDER BY d.attempts, o.number LIMIT ?",
        (sink, now, most),
    ).fetchall()
    return [(Delivery(*row[:-1]), Alert.from_text(row[-1])) for row in rows]


def mark(connection: sqlite3.Connection, deliveries: Sequence[Delivery], state: State, *, next_time: float = 0.0, why: str = "") -> None:
    """What became of an attempt; one that was sent again meanwhile, or delivered by somebody else, is left as it is then."""
    connection.executemany(
        "UPDATE outbox_deliveries SET state = ?, attempts = attempts + 1, next = ?, why = ?"
        " WHERE number = ? AND sink = ? AND state = 'waiting' AND since = ?",
        [(state, next_time, why, one.number, one.sink, one.since) for one in deliveries],
    )


def pause_of(connection: sqlite3.Connection, sink: str) -> tuple[int, float]:
    """Failures of a sink one after another, and seconds since 1970 before which it is not to be asked."""
    found = connection.execute("SELECT failures, next FROM outbox_sinks WHERE sink = ?", (sink,)).fetchone()
    return (0, 0.0) if found is None else (int(found[0]), float(found[1]))


def set_pause(connection: sqlite3.Connection, sink: str, failures: int, next_time: float) -> None:
    """Remember it beyond this process: a limit of messages a minute holds over restarts, too."""
    connection.execute(
        "INSERT INTO outbox_sinks VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sink) DO UPDATE SET failures = ?2, next = ?3, failed = failed + ?4",
        (sink, failures, next_time, int(failures > 0)),
    )


def list_deliveries(connection: sqlite3.Connection, states: Collection[State] = STATES, sink: str | None = None) -> list[Delivery]:
    """Deliveries in these states, oldest alert first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM outbox_deliveries d JOIN outbox o USING (number) ORDER BY o.number, d.sink"  # noqa: S608 - columns are ours
    ).fetchall()
    found = (Delivery(*row) for row in rows)
    return [one for one in found if one.state in states and sink in (None, one.sink)]


def latest_alerts(connection: sqlite3.Connection, most: int) -> list[tuple[Alert, dict[str, State]]]:
    """The last alerts that still say what they said, latest first, each with what became of it at each sink."""
    rows = connection.execute(
        "SELECT number, document FROM outbox WHERE document IS NOT NULL ORDER BY number DESC LIMIT ?", (most,)
    ).fetchall()
    sent = connection.execute(
        "SELECT number, sink, state FROM outbox_deliveries WHERE number >= ?", (min((row[0] for row in rows), default=0),)
    )
    became: dict[int, dict[str, State]] = {}
    for number, sink, state in sorted(sent.fetchall()):
        became.setdefault(number, {})[sink] = state
    return [(Alert.from_text(document), became.get(number, {})) for number, document in rows]


def resend(connection: sqlite3.Connection, deliveries: Iterable[Delivery]) -> int:
    """Let deliveries wait anew, from now on; what an alert said may be gone for age, and then it stays as it is."""
    now, sent, sinks = time.time(), 0, set()
    for one in deliveries:
        done = connection.execute(
            "UPDATE outbox_deliveries SET state = 'waiting', attempts = 0, next = 0, since = ?, why = ''"
            " WHERE number = ? AND sink = ? AND number IN (SELECT number FROM outbox WHERE document IS NOT NULL)",
            (now, one.number, one.sink),
        )
        sent += done.rowcount
        sinks.add(one.sink)
    connection.executemany(
        "UPDATE outbox_sinks SET failures = 0, next = 0 WHERE sink = ? AND failures > 0", [(sink,) for sink in sorted(sinks)]
    )
    return sent


@dataclass(frozen=True)
class Counts:
    """What the outbox did so far: (kind, tier) → alerts; (sink, state) → deliveries; sink → attempts that failed."""

    alerts: Mapping[tuple[str, str], int]
    deliveries: Mapping[tuple[str, str], int]
    failed: Mapping[str, int]


def count(connection: sqlite3.Connection) -> Counts:
    """For those who look from outside."""
    alerts = connection.execute("SELECT kind, tier, COUNT(*) FROM outbox GROUP BY kind, tier ORDER BY kind, tier").fetchall()
    deliveries = connection.execute(
        "SELECT sink, state, COUNT(*) FROM outbox_deliveries GROUP BY sink, state ORDER BY sink, state"
    ).fetchall()
    failed = connection.execute("SELECT sink, failed FROM outbox_sinks ORDER BY sink").fetchall()
    return Counts({(kind, tier): own for kind, tier, own in alerts}, {(sink, state): own for sink, state, own in deliveries}, dict(failed))
