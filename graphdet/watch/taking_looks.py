"""One look: rings in the window as it is, by the very steps of `graphdet run`; only what chance makes is that of the day's first look.

What a look finds is what `detect` finds in the same events with the same settings, without the network, and with the same null. Rates
follow the window at every look, so that this holds at each of them and not only at a day's first. What stands between
looks hangs on no ring:

- the window's events, encoded (`held_window.py`);
- the null, takeovers, bursts and what discounts cost, for a day;
- the run on the disk with its dossiers, while every ring has the members, tier, explanation and money that it tells; an entry in the
  casebook, a refresh, or the run's loss makes one anew.

All of it but the null is in memory alone and can be made anew, so that a watch that was killed goes on from the state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from graphdet.cases.casebook import Casebook
from graphdet.cases.following import follow_lineage
from graphdet.cases.suppressed_run import run_suppressed
from graphdet.cases.taking_in import Cost
from graphdet.errors import EmptyLog
from graphdet.events import EventTable
from graphdet.lineage.carrying import Step, carry_on
from graphdet.lineage.line import Line
from graphdet.lineage.sighting import take_snapshot
from graphdet.pipeline import find_in, record_run
from graphdet.progress import Progress
from graphdet.run.code import code_digest
from graphdet.run.folder import Run
from graphdet.run.house_verdicts import with_verdicts
from graphdet.settings import Settings
from graphdet.signals import measure_log
from graphdet.signals.beside_rings import measure_lives
from graphdet.watch.held_window import HeldWindow
from graphdet.watch.segments import DAY
from graphdet.watch.spending import allowance
from graphdet.watch.step_looks import Standing
from graphdet.watch.window import Null, Window
from graphdet.week.news import waits


@dataclass
class BetweenLooks:
    """What a watch keeps in memory from look to look; all of it can be made anew from the state.

    Attributes:
        events: of the window, encoded.
        lives: tables that no ring hangs on, as of the day's first look, or of the first since the watch began; None before that.
        costs: of each of the casebook's discounts what it cost, as of the look that first met it, or of the day's first.
    """

    events: HeldWindow = field(default_factory=HeldWindow)
    lives: Mapping[str, pa.Table] | None = None
    costs: Mapping[str, Cost] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        window: that it was taken at.
        run: as `graphdet run` makes them; without dossiers where it was not recorded.
        is_recorded: whether it lies in the folder of runs. Where no ring, no tier and no money of a ring is another than in the run before,
            that one stands.
        step: what became of the lines.
        tellable: lines that may be told of: they stood against what the look may spend, now or before.
        hidden: lines that the casebook lets nobody be told of.
        cases: line → its case.
        null: that it went by.
        refresh: whether that was made anew.
        allowed: q-value up to which a ring could be told.
        standing: for the step looks after it.
        entry: the casebook's last entry, as of this look.
        taken: as in `Window`.
        doubted: lines whose cases were found innocent, and wait again since an alert contradicts that.
    """

    window: Window
    run: Run
    is_recorded: bool
    step: Step
    tellable: frozenset[str]
    hidden: frozenset[str]
    cases: Mapping[str, str]
    null: Null
    refresh: bool
    allowed: float
    standing: Standing
    entry: int = 0
    taken: str = ""
    doubted: frozenset[str] = frozenset()

    @property
    def lines(self) -> dict[str, Line]:
        """Those that may be told now, as they are now."""
        return {line.name: line for line in self.step.lines if line.name in self.tellable and line.name not in self.hidden}

    @property
    def newest(self) -> str:
        """The run in the folder of runs that tells of these rings."""
        return self.run.id if self.is_recorded else self.window.run

    @property
    def recorded(self) -> str:
        """As in `Window`, for the look after."""
        return _digest_of_money(self.run.rings)


def take_look(window: Window, between: BetweenLooks, settings: Settings, runs: Path, home: Path | None, progress: Progress) -> Look:
    """Find rings, save the run, carry lines and cases on.

    Args:
        window: with at least one event.
        between: as the look before left it; brought up to date.
        settings: of the watch.
        runs: folder of run folders; the run is saved there under its own id, unless the one before stands.
        home: of a casebook; it takes the run in at a refresh, and where rings differ from those that it was told of last.
        progress: told of each stage.
    """
    quick = settings_of_look(settings)

    def read(by: Settings) -> EventTable:
        with progress.stage("read", sum(segment.rows for segment in window.segments)):
            return between.events.read(window.folder, window.segments, window.end, window.digest, by)

    stands = (runs / window.run / "run.json").is_file() if window.run else False
    if home is None:
        found = _find(window, between, quick, {}, progress, read(quick), stands=stands)
        return _followed(window, quick, _saved(found, found.run, runs), found)
    with Casebook(home) as book:
        made: list[_Found] = []
        before = book.tables.last()
        stands = stands and bool(window.taken) and window.entry == (before.number if before else 0)

        def find(events: EventTable, by: Settings) -> Run:
            made.append(_find(window, between, by, by.log.ignore_keys, progress, events, stands=stands))
            return made[0].run

        under = run_suppressed(book, quick, read, find, progress, lambda: {} if made[0].refresh else between.costs)
        between.costs = under.costs
        verdicts = book.ring_verdicts()
        run = _saved(made[0], with_verdicts(under.run, verdicts) if verdicts else under.run, runs)
        look = _followed(window, quick, run, made[0])
        taken = _digest_of_rings(run)
        if look.refresh or taken != window.taken:
            book.take_in(run, follow_lineage, folder=runs / run.id, discounts=under.discounts, costs=under.costs)
        case_of = {case.ring_id: case for case in book.cases()}
        line_of = look.step.line_of
        cases = {line: case_of[ring].name for ring, line in line_of.items() if ring in case_of}
        hidden = frozenset(line for ring, line in line_of.items() if ring in case_of and not waits(case_of[ring]))
        doubted = frozenset(line for ring, line in line_of.items() if ring in case_of and case_of[ring].is_doubted)
        last = book.tables.last()
        asleep = frozenset(line.name for line in look.step.lines if line.state != "here")
        standing = replace(look.standing, cases=cases, hidden=hidden, doubted=doubted, asleep=asleep)
        entry = last.number if last else 0
        return replace(look, cases=cases, hidden=hidden, standing=standing, entry=entry, taken=taken, doubted=doubted)


def settings_of_look(settings: Settings) -> Settings:
    """Without the network, on which no tier hangs: what it adds to a ring differs from look to look."""
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})})


@dataclass(frozen=True)
class _Found:
    """A run, what chance makes, whether that was made anew, whether the run is to be recorded, and what step looks go by."""

    run: Run
    null: Null
    refresh: bool
    is_recorded: bool
    standing: Standing


def _find(
    window: Window,
    between: BetweenLooks,
    settings: Settings,
    keys: Mapping[str, Sequence[str]],
    progress: Progress,
    events: EventTable,
    *,
    stands: bool,
) -> _Found:
    """Rings in the events; `stands`: the run before may stand where nothing is told of rings that it does not tell."""
    told = [settings.decisive(), {name: list(own) for name, own in keys.items()}, code_digest()]
    of = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    if not len(events):
        raise EmptyLog("the window holds no event.")
    kept = window.null if window.null is not None and window.null.fits(of, window.end, len(events)) else None
    measured = measure_log(events, settings, progress)
    finding = find_in(measured, settings, progress, null=kept.rings if kept else None)
    null = kept or Null(of, window.end // DAY, len(events), finding.null)
    standing = Standing.of(measured, finding, settings, null)
    del measured
    is_recorded = kept is None or not stands or window.recorded != _digest_of_money(finding.tables["rings"])
    if is_recorded and (kept is None or between.lives is None):
        between.lives = measure_lives(events, settings, progress)
    lives = between.lives if is_recorded and between.lives is not None else {}
    run = record_run(finding, lives, settings, progress, dossiers=is_recorded)
    own = hashlib.sha256((run.id + null.as_json()).encode()).hexdigest()[:16]  # the null decides q-values, too
    return _Found(replace(run, meta={**run.meta, "id": f"run-{own}"}), null, kept is None, is_recorded, standing)


def _saved(found: _Found, run: Run, runs: Path) -> Run:
    """Whole or not at all; what a look that was killed saved is the same run, and stays."""
    if found.is_recorded and not (runs / run.id / "run.json").is_file():
        run.save(runs / run.id)
    return run


def _followed(window: Window, settings: Settings, run: Run, found: _Found) -> Look:
    step = carry_on(window.lines, take_snapshot(run), window.end)
    allowed = allowance(settings.tiers.alert_q, window.end, window.looked, "refresh" if found.refresh else "look")
    q_value = dict(zip(run.rings["ring_id"].to_pylist(), run.rings["q_value"].to_pylist(), strict=True))
    proven = {line for ring, line in step.line_of.items() if q_value[ring] <= allowed}
    names = {line.name for line in step.lines}
    tellable = frozenset((window.tellable & names) | proven)
    return Look(window, run, found.is_recorded, step, tellable, frozenset(), {}, found.null, found.refresh, allowed, found.standing)


def _digest_of_rings(run: Run) -> str:
    return _digest_of(zip(*(run.rings[column].to_pylist() for column in ("ring_id", "tier")), strict=True))


def _digest_of_money(rings: pa.Table) -> str:
    amounts = [None if amount is None else round(amount, 2) for amount in rings["amount"].to_pylist()]  # sums differ in their last digits
    return _digest_of(zip(*(rings[column].to_pylist() for column in ("ring_id", "tier", "explanation")), amounts, strict=True))


def _digest_of(told: Iterable[tuple[Any, ...]]) -> str:
    return hashlib.sha256(json.dumps(sorted(told)).encode()).hexdigest()
