"""The watch: steps as events come, looks at fixed times beside them, until the source ends or somebody stops it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from graphdet.alerts.alert import Alert
from graphdet.alerts.outbox import forget
from graphdet.alerts.telling import tell
from graphdet.cases.casebook import Casebook
from graphdet.errors import GraphdetError, WatchError
from graphdet.progress import Progress
from graphdet.settings import Settings
from graphdet.shortage import memory_now
from graphdet.watch.after_looks import tell_those_who_ask
from graphdet.watch.chunks import Source
from graphdet.watch.forgetting import lines_left, prune_runs
from graphdet.watch.segments import is_disk_full, remove_segments
from graphdet.watch.state import RUNS, State, save_lines, save_meta
from graphdet.watch.step_looks import Standing, StepLook, take_step_look
from graphdet.watch.step_notes import StepNotes
from graphdet.watch.stepping import Bounds, StepReport, take_step, tidy, watermark, window_start
from graphdet.watch.taking_looks import BetweenLooks, Look, take_look
from graphdet.watch.window import Window, window_of

KEPT_RUNS = 3
MANY = 1_000  # segments, from which on they are made fewer at any look
REST = 0.1  # of the time that a step look took, before the next: so step looks take ten elevenths of one processor at the most
SPARED = 25.0  # times what a whole look took, before the next where that is more than `spacing`: step looks are none meanwhile
SHORT = 0.05  # seconds to wait for what is about to come
GIVEN_UP = 30.0  # seconds after which `once` does not wait any longer for a source that is in trouble
PATIENCE = 5.0  # seconds before what a full disk refused is tried again
Done = TypeVar("Done")


class Witness(Protocol):
    """Is told what the watch does, as it does it."""

    def stepped(self, report: StepReport, figures: Mapping[str, float]) -> None:
        """A step was taken, or there was nothing to take."""

    def looked(self, look: Look, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """A look was taken, and these alerts are new."""

    def glanced(self, look: StepLook, alerts: Sequence[Alert], figures: Mapping[str, float]) -> None:
        """A step look was taken, and these alerts are new."""

    def hindered(self, why: str) -> None:
        """Something cannot be done now, and will be tried again."""

    def noted(self, what: str, values: Mapping[str, int | str]) -> None:
        """Something is as it is, and people should know: a sentence of `words/watch_words.py` with its values."""


@dataclass
class Watch:
    """One watch over one source.

    Attributes:
        state, source, settings, bounds: what is kept, where from, how it is read, and for how long.
        every: seconds from step to step; none while more is waiting.
        spacing: microseconds of the events' own time from look to look; a look also comes when events have waited as long by the clock.
        home: of a casebook, whose verdicts and suppressions hold from the moment they are made.
        witness: is told of steps and looks.
        wake: tells those who deliver alerts that some wait.
        clock: seconds since 1970.
    """

    state: State
    source: Source
    settings: Settings
    bounds: Bounds
    every: float
    spacing: int
    home: Path | None
    witness: Witness
    wake: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.time
    steps: int = 0
    caught_up: bool = False  # all that lay there at the beginning was read: of several files one after another, none of which is late
    is_looking: bool = False  # a look reads segments beside the steps
    notes: StepNotes = field(default_factory=StepNotes)
    unwiped: bool = False  # SQLite's own log may hold what left the window
    trouble: str = ""  # of the source, which is told when it begins
    troubled: float = 0.0  # since when
    unlooked: float | None = None  # since when there are events that no look saw
    figures: dict[str, float] = field(default_factory=dict)
    between: BetweenLooks = field(default_factory=BetweenLooks)  # one look is taken at a time
    standing: Standing | None = None  # for step looks; let go while a whole look holds as much of its own
    rested: float = 0.0  # until when no step look is taken
    spared: float = 0.0  # until when no whole look is taken, as long as step looks can be

    def run(self, *, once: bool) -> None:
        """Follow the source until it ends; `once`: until nothing more is there.

        Raises:
            WatchError: `once`, and what is there cannot be read to its end.
        """
        with _worker() as worker:
            looking: Future[Look] | None = None
            glancing: Future[StepLook | None] | None = None
            writing: Future[None] | None = None
            while True:
                begun = self.clock()
                report = self._patient_step(once=once)
                if looking is not None and looking.done():
                    writing, looking = self._finish(looking, worker, once=once), None
                if glancing is not None and glancing.done():
                    self._with_room(partial(lambda told: self.keep_glance(told.result()), glancing), once=once)
                    glancing = None
                busy = looking is not None or glancing is not None or (writing is not None and not writing.done())
                if self.is_looking and not busy:
                    self.is_looking = False
                    self._let_go()
                over = self.source.ended or (once and report is None and (not self.source.waiting or self._is_given_up()))
                due = not busy and not over and self.is_due()
                looks = due or (not busy and not over and self.is_glance_due())
                window = self._with_room(partial(self.window, whole=due), once=once) if looks else None
                if window is not None:
                    self.is_looking = True
                    if due:
                        self.unlooked, self.standing, looking = None, None, worker.submit(self._take, window)
                    else:
                        glancing = worker.submit(self._glance_at, window)
                if over:
                    break
                at_once = self.source.waiting and not self.trouble
                time.sleep(SHORT * (report is None) if at_once else max(self.every - (self.clock() - begun), SHORT))
            for told in (writing, glancing):
                if told is not None:
                    told.result()
            if looking is not None:
                self.keep(looking.result())
                self._tell_those_who_ask(looking.result())
            self.is_looking = False
            self.look()
        if once and self.trouble and self.source.waiting:
            raise WatchError(f"{self.trouble} Not all was read; what was is kept and looked at, and the next run goes on from there.")

    def step(self) -> StepReport | None:
        """Take what has come; None where nothing has.

        Raises:
            WatchError: it could not be kept; the source gives it again.
        """
        now, begun = self.clock(), time.perf_counter()
        chunks = self.source.take(self.state.places, now)
        if self.source.trouble and not self.trouble:
            self.troubled = now
            self.witness.hindered(self.source.trouble)
        self.trouble = self.source.trouble
        if not chunks:
            self.caught_up = self.caught_up or not self.source.waiting
            self._tell(now, time.perf_counter() - begun)
            return None
        bounds = self.bounds if self.caught_up else replace(self.bounds, lateness=None)
        try:
            report = take_step(self.state, chunks, self.settings.log, self.settings.machine, bounds, now)
        except BaseException:
            self.source.rewind()
            raise
        self.source.kept(self.state.places)
        for what, values in self.notes.of(report, chunks, self.state.meta, self.bounds.days):
            self.witness.noted(what, values)
        self.figures["source_lost_total"] = self.figures.get("source_lost_total", 0.0) + sum(chunk.lost for chunk in chunks)
        self.caught_up = self.caught_up or not self.source.waiting
        self.steps += 1
        self.figures["events_per_second"] = report.counts["read"] / max(time.perf_counter() - begun, 1e-6)
        if report.gone:
            self._let_go()
        if report.counts["accepted"] or report.gone:
            self.unlooked = now if self.unlooked is None else self.unlooked
        self._tell(now, time.perf_counter() - begun)
        self.witness.stepped(report, self.figures)
        return report

    def is_due(self) -> bool:
        """Whether a look is due: the events' time passed a mark, they have waited long enough, or the casebook has changed."""
        state = self.state
        if not state.segments or state.end is None:
            return False
        if self._entry() != int(state.meta.get("entry", "0")):
            return True
        if state.meta.get("looked_digest") == state.digest:
            return False
        looked = state.meta.get("looked_end")
        passed = looked is None or state.end // self.spacing > int(looked) // self.spacing
        self.unlooked = self.clock() if self.unlooked is None else self.unlooked
        if self.clock() < self.spared and self._goes_on():
            return False
        return passed or (self.clock() - self.unlooked) * 1e6 >= self.spacing

    def is_glance_due(self) -> bool:
        """Whether a step look is: events came since the look before, of the same day and not many more, and the last one's rest is over."""
        goes_on = self.standing is not None and self.state.events != self.standing.events and self._goes_on()
        return goes_on and self.clock() >= self.rested

    def _goes_on(self) -> bool:
        """Whether step looks can be taken: there was a look, of the same day, and of about as many events."""
        state, standing = self.state, self.standing
        return standing is not None and state.end is not None and standing.null.fits(standing.null.of, state.end, state.events)

    def _is_given_up(self) -> bool:
        return bool(self.trouble) and self.clock() - self.troubled >= GIVEN_UP

    def look(self) -> Look | None:
        """Look now, if anything has changed since the look before."""
        state = self.state
        if not state.segments or (state.meta.get("looked_digest") == state.digest and self._entry() == int(state.meta.get("entry", "0"))):
            return None
        self.unlooked = self.standing = None
        found = self._take(self.window())
        self.keep(found)
        self._tell_those_who_ask(found)
        self._let_go()
        return found

    def glance(self) -> StepLook | None:
        """Take a step look now, if one is due."""
        if not self.is_glance_due():
            return None
        found = self._glance_at(self.window(whole=False))
        self.keep_glance(found)
        self._let_go()
        return found

    def window(self, *, whole: bool = True) -> Window:
        """The state as it is, for a look; a step look goes on from the segments that it knows, and leaves them as they are."""
        if whole or len(self.state.segments) > MANY:
            tidy(self.state)
        return window_of(self.state)

    def keep(self, look: Look) -> Sequence[Alert]:
        """All of a look in one transaction: lines, alerts, and which run is the newest."""
        state, window, own = self.state, look.window, self.settings.alerts
        start = window_start(window.end, self.bounds.days)
        told = {
            "start": str(start),
            "look": str(int(state.meta["look"]) + 1),
            "looked": datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="seconds"),
            "looked_digest": window.digest,
            "looked_end": str(window.end),
            "null": look.null.as_json(),
            "entry": str(look.entry),
            "taken": look.taken,
        }
        moved, gone = told["start"] != state.meta.get("start"), 0
        if moved:
            told["before"] = ""
        if look.is_recorded:
            before = [] if moved else [state.meta["run"], *state.meta.get("before", "").split()]
            told |= {"run": look.run.id, "recorded": look.recorded, "before": " ".join(before[: KEPT_RUNS - 1])}
        rings = {row["ring_id"]: row for row in look.run.rings.to_pylist()}
        with state.writing() as connection:
            save_meta(connection, told)
            gone = forget(connection, start) if moved else 0
            alerts = tell(connection, look.lines, look.step.changes, own, window.end, cases=look.cases, doubted=look.doubted, rings=rings)
            save_lines(connection, lines_left(connection, look, start) if moved else look.step.lines, look.tellable)
        state.meta |= told
        self.standing = look.standing
        self._forgot(gone, moved=moved)
        if alerts:
            self.wake()
        prune_runs(state.folder / RUNS, {state.meta["run"], *state.meta["before"].split()}, self.home)
        self.figures["looks_total"] = float(told["look"])
        took = sum(cost["seconds"] for cost in look.run.meta["cost"]["stages"])
        self.spared = self.clock() + SPARED * took if SPARED * took * 1e6 > self.spacing else 0.0
        self.figures["look_seconds"] = took
        self.witness.looked(look, alerts, self.figures)
        return alerts

    def _forgot(self, dead_letters: int, *, moved: bool) -> None:
        """Tell of what can be sent no more; and what SQLite's own log still says of it goes, too, at this look or a later one."""
        self.unwiped = (self.unwiped or moved) and not self.state.wipe()
        self.figures["dead_letters_forgotten_total"] = self.figures.get("dead_letters_forgotten_total", 0.0) + dead_letters
        if dead_letters:
            self.witness.noted("forgotten", {"count": dead_letters})

    def keep_glance(self, look: StepLook | None) -> Sequence[Alert]:
        """All of a step look in one transaction: lines and alerts; where there can be none, a whole look comes before the next.

        What it found is let go where the casebook was written to meanwhile, of which it does not know: a whole look is due.
        """
        if look is None:
            self.standing = None
        if look is None or self._entry() != int(self.state.meta.get("entry", "0")):
            return ()
        state, window = self.state, look.window
        told = {"spent_end": str(window.end)} if look.allowed else {}
        rings = {row["ring_id"]: row for row in look.rings.to_pylist()}
        with state.writing() as connection:
            save_lines(connection, look.step.lines, look.tellable, look.stands)
            save_meta(connection, told)
            settings, cases, doubted = self.settings.alerts, look.standing.cases, look.standing.doubted
            alerts = tell(connection, look.lines, look.step.changes, settings, window.end, cases=cases, doubted=doubted, rings=rings)
        state.meta |= told
        self.standing, self.rested = look.standing, self.clock() + REST * look.seconds
        if alerts:
            self.wake()
        self.figures["step_looks_total"] = self.figures.get("step_looks_total", 0.0) + 1
        self.figures["step_look_seconds"] = look.seconds
        self.witness.glanced(look, alerts, self.figures)
        return alerts

    def _tell_those_who_ask(self, look: Look, *, hurried: bool = False) -> None:
        number = int(self.state.meta["look"])
        trouble = tell_those_who_ask(self.state.folder, look, number, self.settings.drift, hurried=hurried)
        if trouble:
            self.witness.hindered(trouble)

    def _glance_at(self, window: Window) -> StepLook | None:
        assert self.standing is not None
        return take_step_look(window, self.between.events, self.standing, Progress())

    def _take(self, window: Window) -> Look:
        return take_look(window, self.between, self.settings, self.state.folder / RUNS, self.home, Progress())

    def _patient_step(self, *, once: bool) -> StepReport | None:
        """A step; where the disk is full it waits for room, and nothing is lost meanwhile."""
        while True:
            try:
                return self.step()
            except WatchError as error:
                self._wait_for_room(error, once=once)

    def _finish(self, looking: Future[Look], worker: ThreadPoolExecutor, *, once: bool) -> Future[None] | None:
        """Keep a look that is over, and have it told to those who ask; nothing holds it after that."""
        kept = self._with_room(lambda: self.keep(looking.result()), once=once)
        return None if kept is None else worker.submit(self._tell_those_who_ask, looking.result(), hurried=self.is_due())

    def _with_room(self, act: Callable[[], Done], *, once: bool) -> Done | None:
        """What a part of a look gives; None where the disk is full, and the look stays due."""
        try:
            return act()
        except GraphdetError as error:
            self._wait_for_room(error, once=once)
            return None

    def _wait_for_room(self, error: GraphdetError, *, once: bool) -> None:
        """A while, where room is what lacks."""
        folders = [self.state.folder, *([self.home] if self.home else [])]
        if once or not is_disk_full(error, *folders):
            raise error
        self.witness.hindered(str(error))
        time.sleep(PATIENCE)

    def _entry(self) -> int:
        """The casebook's last entry."""
        if self.home is None:
            return 0
        with Casebook(self.home) as book:
            last = book.tables.last()
            return last.number if last else 0

    def _let_go(self) -> None:
        """What left the window goes from the disk, as soon as no look reads it any more."""
        if not self.is_looking:
            remove_segments(self.state.rows, (segment.name for segment in self.state.segments))

    def _tell(self, now: float, seconds: float) -> None:
        state = self.state
        mark = watermark(state, self.bounds, now)
        self.figures |= {
            **{f"events_{name}_total": float(count) for name, count in state.counts.items()},
            "window_events": float(state.events),
            "lag_seconds": 0.0 if mark is None else max(now - mark / 1e6, 0.0),
            "step_seconds": seconds,
            "looks_total": float(state.meta["look"]),
            "steps_total": float(self.steps),
            "memory_bytes": float(memory_now()),
            "source_up": float(not self.trouble),
            "stepped": now,
        }
        self.figures.setdefault("events_per_second", 0.0)
        with contextlib.suppress(WatchError):  # a full disk stops steps, which say so
            state.tell_figures(self.figures)


@contextlib.contextmanager
def _worker() -> Iterator[ThreadPoolExecutor]:
    """One thread for looks; a stop does not wait for it."""
    worker = ThreadPoolExecutor(1)
    try:
        yield worker
    finally:
        worker.shutdown(wait=False, cancel_futures=True)
