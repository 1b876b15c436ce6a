"""The outbox → its sinks: a thread for each, so that one that is down, slow or gone holds up nothing but itself.

An alert counts as delivered once its sink said so, and only then; whoever dies in between sends it again under the same key.
Pauses double with each failure and vary by half, so that receivers that come back are not met by everybody at once.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdet.alert_settings import AlertSettings
from graphdet.alerts.outbox import Delivery, mark, open_outbox, pause_of, set_pause, settle_sinks, waiting
from graphdet.alerts.sink import Sink, Undelivered
from graphdet.alerts.sinks import make_sinks
from graphdet.errors import AlertError
from graphdet.schema.wording import Language
from graphdet.words.alert_words import alert_words
from graphdet.words.failure_words import failure_in_words

LOOK_SECONDS = 2.0  # after which a sink is looked for that others made wait: `resend` runs in another process
PATIENCE = 30.0  # seconds to wait for the watch's own transaction
ENDING = 5.0  # seconds that threads are given to end

log = logging.getLogger("graphdet.alerts")


@dataclass
class Outcome:
    """What a sink did since the start."""

    delivered: int = 0
    failures: int = 0
    dead: int = 0


class Courier:
    """One sink's deliveries."""

    def __init__(self, path: Path, name: str, sink: Sink, settings: AlertSettings, clock: Callable[[], float] = time.time) -> None:
        self.name, self.outcome = name, Outcome()
        self._path, self._sink, self._settings, self._clock = path, sink, settings, clock
        self._pause = settings.sinks[name].pause
        self._woken, self._ended = threading.Event(), threading.Event()
        self._random = random.Random()  # noqa: S311 - of pauses

    def wake(self) -> None:
        """There may be something to deliver."""
        self._woken.set()

    def end(self) -> None:
        """Send what is due now, and then no more."""
        self._ended.set()
        self._woken.set()

    def run(self) -> None:
        """Deliver until `end` is called; a state that cannot be read or written for a while is waited for."""
        while True:
            try:
                with contextlib.closing(connect(self._path)) as connection:
                    self._deliver(connection)
                return
            except (sqlite3.Error, AlertError) as error:
                _warn("outbox_closed", sink=self.name, error=type(error).__name__)
                if self._ended.wait(LOOK_SECONDS):
                    return

    def _deliver(self, connection: sqlite3.Connection) -> None:
        while True:
            is_last = self._ended.is_set()
            self._woken.clear()
            wait = self.step(connection)
            if wait and is_last:
                return
            if wait:
                self._woken.wait(min(wait, LOOK_SECONDS))

    def step(self, connection: sqlite3.Connection) -> float:
        """One attempt, if one is due; seconds until the next may be."""
        now = self._clock()
        failures, after = pause_of(connection, self.name)
        if after > now:
            return after - now
        found = waiting(connection, self.name, now, self._sink.most)
        if not found:
            return LOOK_SECONDS
        deliveries = [one for one, _ in found]
        try:
            self._sink.deliver([alert for _, alert in found])
        except Undelivered as error:
            self._failed(connection, deliveries, error, failures + 1)
        except Exception as error:  # whatever a client library raises must not end the thread
            self._failed(connection, deliveries, Undelivered("failed", error=type(error).__name__), failures + 1)
        else:
            self.outcome.delivered += len(deliveries)
            mark(connection, deliveries, "delivered")
            if failures or self._pause:
                set_pause(connection, self.name, 0, self._clock() + self._pause)
            log.info("sink %s: %d delivered", self.name, len(deliveries))
        return 0.0

    def _failed(self, connection: sqlite3.Connection, deliveries: list[Delivery], error: Undelivered, failures: int) -> None:
        now = self._clock()
        self.outcome.failures += 1
        settings = self._settings
        longest = min(settings.retry_seconds * 2.0 ** min(failures - 1, 40), settings.retry_most_seconds)
        pause = max(longest * self._random.uniform(0.5, 1.0), error.after or 0.0, self._pause)
        old = [one for one in deliveries if error.gone or now - one.since >= settings.give_up_hours * 3600]
        self.outcome.dead += len(old)
        mark(connection, old, "dead", why=error.kept)
        mark(connection, [one for one in deliveries if one not in old], "waiting", next_time=now + pause, why=error.kept)
        set_pause(connection, self.name, failures, now + pause)
        _warn("undelivered", sink=self.name, why=error.kept, waiting=len(deliveries) - len(old), dead=len(old), seconds=pause)


def _warn(words: str, **values: Any) -> None:
    """To the log, and as it was to those who tell of it in another language."""
    log.warning(alert_words(words, "en", **in_words(values, "en")), extra={"told": (words, values)})


def in_words(values: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The values of a sentence on deliveries, with what failed as words."""
    return {name: failure_in_words(value, language) if name == "why" else value for name, value in values.items()}


@dataclass(frozen=True)
class Couriers:
    """All of them, at work."""

    couriers: tuple[Courier, ...]

    def wake(self) -> None:
        """After a transaction that put alerts in."""
        for one in self.couriers:
            one.wake()

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Sink → what it did since the start."""
        return {one.name: one.outcome for one in self.couriers}


@contextlib.contextmanager
def delivering(
    path: Path, settings: AlertSettings, where: str = "settings", newest: Callable[[], Path | None] = lambda: None
) -> Iterator[Couriers]:
    """Deliver what the outbox holds, in threads that end with the block; what is on its way then stays waiting and is sent by the next.

    Args:
        path: the SQLite file with the outbox.
        settings: of alerts.
        where: they come from, for complaints.
        newest: the folder of the newest run, for sinks that push it.

    Raises:
        AlertError: a sink cannot be used as it is set up.
    """
    couriers = tuple(Courier(path, name, sink, settings) for name, sink in make_sinks(settings, where, newest).items())
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(path)) as connection:
        settle_sinks(connection, settings.sinks)
    threads = [threading.Thread(target=one.run, name=f"sink {one.name}", daemon=True) for one in couriers]
    for thread in threads:
        thread.start()
    try:
        yield Couriers(couriers)
    finally:
        for one in couriers:
            one.end()
        end = time.monotonic() + ENDING
        for thread in threads:
            thread.join(max(end - time.monotonic(), 0.0))


def connect(path: Path) -> sqlite3.Connection:
    """A connection of one's own to an outbox that is there.

    Raises:
        AlertError: there is none.
    """
    if not path.is_file():
        raise AlertError(f"{path.parent}: no watch keeps its state here; name the folder of --state, or begin one with `graphdet watch`.")
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        open_outbox(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise AlertError(f"{path}: the outbox cannot be opened ({error}).") from None
    return connection
