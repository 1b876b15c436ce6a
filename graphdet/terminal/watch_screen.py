"""A watch on a terminal: one live line, and a line for each look; or JSON objects, one a line. No line names a user."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size

from graphdet.alerts.alert import Alert
from graphdet.alerts.chat import digest
from graphdet.alerts.deliver import in_words
from graphdet.printable import printable
from graphdet.run.log_clock import LogClock, clock_of
from graphdet.schema.wording import Language
from graphdet.watch.step_looks import StepLook
from graphdet.watch.stepping import StepReport
from graphdet.watch.taking_looks import Look
from graphdet.watch.window import Window
from graphdet.words.alert_words import alert_words
from graphdet.words.watch_words import watch_words

APART = 0.5  # seconds between two writings of the live line


class Screen:
    """Lines for people: what is found on `out`, how far the watch is on `told`."""

    def __init__(self, out: TextIO, told: TextIO, language: Language, *, quiet: bool) -> None:
        self._out, self._told, self._language, self._quiet = out, told, language, quiet
        self._live = told.isatty() and not quiet
        self._width, self._written, self._moment = 0, 0.0, ""
        self._clock: LogClock  # as the last look tells it; no step look comes before one

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        """The live line, where there is a terminal."""
        if self._live and time.monotonic() - self._written >= APART:
            self._written = time.monotonic()
            counts = {name: f"{int(figures[f'events_{name}_total']):,}" for name in ("read", "rejected", "duplicate")}
            moment = self._moment or "…"
            line = watch_words(
                "live",
                self._language,
                **counts,
                window=f"{int(figures['window_events']):,}",
                look=int(figures["looks_total"]),
                moment=moment,
            )
            room = _columns(self._told) - 1  # one that is longer would be gone on with below, and stay there
            line = line if cell_len(line) <= room else f"{set_cell_size(line, room - 1)}…"
            self._told.write(f"\r{set_cell_size(line, max(cell_len(line), self._width))}")
            self._told.flush()
            self._width = cell_len(line)

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """What the look found, without anybody's name."""
        self._clock = clock_of(look.run)
        self._moment = self._clock_at(look.window)
        tiers = Counter(look.run.rings["tier"].to_pylist())
        if not self._quiet:
            self._clear()
            counts = {"alerts": tiers["alert"], "review": tiers["review"], "explained": tiers["explained"]}
            number, seconds = int(figures["looks_total"]), f"{figures['look_seconds']:.1f}"
            line = watch_words("looked", self._language, moment=self._moment, look=number, seconds=seconds, **counts)
            self._told.write(line + "\n")
            self._told.flush()
        self._told_of(alerts)

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """What a step look tells; most tell nothing."""
        if alerts:
            self._clear()
            self._moment = self._clock_at(look.window)
        self._told_of(alerts)

    def hindered(self, why: str) -> None:
        """What stands in the way."""
        self._clear()
        self._told.write(printable(watch_words("hindered", self._language, why=why)) + "\n")
        self._told.flush()

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        """What people should know."""
        self._clear()
        self._told.write(printable(watch_words(what, self._language, **values)) + "\n")
        self._told.flush()

    def undelivered(self, words: str, values: Mapping[str, Any]) -> None:
        """What a sink did not take."""
        self._clear()
        self._told.write(printable(alert_words(words, self._language, **in_words(values, self._language))) + "\n")
        self._told.flush()

    def ended(self) -> None:
        """What is told next has a line of its own."""
        if self._live and self._width:
            self._told.write("\n")
            self._told.flush()

    def _clock_at(self, window: Window) -> str:
        return self._clock.beside(self._clock.minute(datetime.fromtimestamp(window.end / 1e6, UTC)))

    def _told_of(self, alerts: Sequence[Alert]) -> None:
        for line in digest(alerts, self._language, names=False)[1][:-1] if alerts else ():
            self._out.write(f"{self._moment}  {line}\n")
        self._out.flush()

    def _clear(self) -> None:
        if self._live and self._width:
            self._told.write(f"\r{' ' * self._width}\r")
            self._width = 0


class Journal:
    """JSON objects, one a line: counts and times, and of rings their names alone."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        """What a step did."""
        self._write(
            "step", {**report.counts, "gone": report.gone, "window": int(figures["window_events"]), "seconds": figures["step_seconds"]}
        )

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """What a look found."""
        tiers = Counter(look.run.rings["tier"].to_pylist())
        told = {
            "run": look.newest,
            "until": _iso(look.window.end),
            "refresh": look.refresh,
            "allowed_q": look.allowed,
            "tiers": dict(sorted(tiers.items())),
        }
        self._write("look", {**told, "alerts": _named(alerts), "seconds": round(figures["look_seconds"], 3)})

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """What a step look found: rings that grew."""
        told = {"until": _iso(look.window.end), "allowed_q": look.allowed, "rings": look.rings.num_rows, "alerts": _named(alerts)}
        self._write("step look", {**told, "seconds": round(look.seconds, 3)})

    def hindered(self, why: str) -> None:
        """What stands in the way."""
        self._write("hindered", {"why": printable(why)})

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        """What people should know."""
        self._write(what, {**values, "why": printable(watch_words(what, "en", **values))})

    def undelivered(self, words: str, values: Mapping[str, Any]) -> None:
        """What a sink did not take."""
        self._write("undelivered", {"why": printable(alert_words(words, "en", **in_words(values, "en")))})

    def ended(self) -> None:
        """Its lines are whole."""

    def _write(self, what: str, told: Mapping[str, Any]) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._out.write(json.dumps({"time": moment, "what": what, **told}) + "\n")
        self._out.flush()


def witness_for(out: TextIO, told: TextIO, *, as_json: bool, quiet: bool, language: Language) -> Screen | Journal:
    """Who tells of a watch here."""
    return Journal(out) if as_json else Screen(out, told, language, quiet=quiet)


@contextlib.contextmanager
def all_told(witness: Screen | Journal) -> Iterator[None]:
    """What sinks do not take is told by who tells of the watch, in lines of its own, while the block lasts; then its live line ends."""

    class Failures(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            witness.undelivered(*record.told)  # type: ignore[attr-defined]

    told, log = Failures(logging.WARNING), logging.getLogger("graphdet.alerts")
    log.addHandler(told)
    try:
        yield
    finally:
        log.removeHandler(told)
        witness.ended()


def _columns(stream: TextIO) -> int:
    """Of the terminal; some do not know."""
    return os.get_terminal_size(stream.fileno()).columns or 80


def _named(alerts: Sequence[Alert]) -> list[dict[str, str]]:
    return [{"key": one.key, "kind": one.kind, "ring": one.ring_id} for one in alerts]


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e6, UTC).isoformat(timespec="seconds")
