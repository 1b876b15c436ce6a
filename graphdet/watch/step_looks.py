"""One step look: between two whole looks, the rings that what came since may have changed, and no others.

It goes by what the look before measured. Rates are those of the window as it is, the null is the day's. Measured anew is pair evidence
of whom something came; grown are cores of pairs that say more than before and the rings that such may change; judged is what grew.
All other rings stand as they were told. Nothing is recorded: no run, no scores, no dossiers. A ring that lost members, went into another,
a farm or a crowd are the next whole look's to tell.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pyarrow as pa

from graphdet.arrays import Int32
from graphdet.evidence.measured import Measured
from graphdet.evidence.since import Before, Since, measure_since, says_more
from graphdet.judging.judge import judge_rings
from graphdet.judging.judged_ring import JudgedRing, one_of_each, ring_id
from graphdet.judging.log_index import LogIndex, index_log
from graphdet.judging.significance import LEAST_Q
from graphdet.judging.stakes import measure_stakes
from graphdet.lineage.carrying import Change, Step, carry_on
from graphdet.lineage.line import Line, lengthen
from graphdet.lineage.overlap import match_overlaps, measure_overlaps
from graphdet.lineage.sighting import Sighting, Snapshot, sightings_of
from graphdet.pipeline import Finding
from graphdet.progress import Progress
from graphdet.record.weak_members import find_weak_members
from graphdet.rings.growth import Grown
from graphdet.rings.search import search_again
from graphdet.run.ring_tables import members_table, rings_table
from graphdet.schema import USER
from graphdet.settings import Settings
from graphdet.signals import MadePlaces, made_places, with_meeting_places
from graphdet.watch.held_window import HeldWindow
from graphdet.watch.spending import allowance
from graphdet.watch.window import Null, Window


@dataclass(frozen=True)
class Standing:
    """What a look leaves to the step looks after it; in memory alone, so that a watch that begins again has none before its first look.

    Attributes:
        settings: of the look, with keys that the casebook discounts.
        null: what chance makes.
        events: in its window.
        before, places: the window as it was measured.
        rings: found in it, in its codes, told or not.
        farms: members of each farm, in its codes.
        q_values: of rings that step looks found, until the next whole look.
        cases, hidden, doubted, asleep: as of the last whole look: line → its case, lines that the casebook lets nobody be told of, lines
            whose cases were found innocent, as in `Look`; and, where there is a casebook, lines that were not found, whose cases nobody
            asked about.
    """

    settings: Settings
    null: Null
    events: int
    before: Before
    places: Mapping[str, MadePlaces]
    rings: Sequence[Grown]
    farms: Sequence[Int32]
    q_values: Mapping[str, float] = field(default_factory=dict)
    cases: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    asleep: frozenset[str] = frozenset()

    @staticmethod
    def of(measured: Measured, finding: Finding, settings: Settings, null: Null) -> Standing:
        """As a whole look leaves it."""
        farms = [ring.facts.grown.members for ring in finding.rings if ring.farm is not None]
        places = made_places(measured.events)
        return Standing(settings, null, len(measured.events), Before.of(measured), places, finding.found.rings, farms)


@dataclass(frozen=True)
class StepLook:
    """What a step look found.

    Attributes:
        window: that it was taken at.
        rings: those that grew, as in the run's table of rings.
        step: what became of the lines.
        told: lines that may be told of now.
        tellable: as in `Look`.
        stands: lines that are as they were.
        allowed: q-value up to which a ring could be told for the first time; 0 where nothing was spent.
        standing: for the step look after it.
        seconds: that it took.
    """

    window: Window
    rings: pa.Table
    step: Step
    told: frozenset[str]
    tellable: frozenset[str]
    stands: frozenset[str]
    allowed: float
    standing: Standing
    seconds: float

    @property
    def lines(self) -> dict[str, Line]:
        """Those that may be told now, as they are now."""
        return {line.name: line for line in self.step.lines if line.name in self.told}


def take_step_look(window: Window, held: HeldWindow, standing: Standing, progress: Progress) -> StepLook | None:
    """Find what changed since the look before; None where that needs a whole look.

    Args:
        window: of the same day as the null.
        held: events of the window, brought up to date.
        standing: of the look before.
        progress: told of each stage.
    """
    begun, settings = time.monotonic(), standing.settings
    with progress.stage("read", sum(segment.rows for segment in window.segments)):
        events, moved = held.read_on(window.folder, window.segments, window.end, window.digest, settings)
        events = with_meeting_places(events, standing.places)
    since = measure_since(events, standing.before, settings, progress, moved)
    if since is None:
        return None
    measured, came = since
    with progress.stage("rings"), ThreadPoolExecutor(1) as beside:
        indexing = beside.submit(index_log, measured.events, measured.index)
        known = [_recoded(ring, came) for ring in standing.rings]
        news = says_more(standing.before, came, measured.pairs)
        found = search_again(
            known, news, came.came, measured.pairs, measured.index, measured.base_rates, settings.rings, settings.machine.workers
        )
        log = indexing.result()
    with progress.stage("facts and tiers"):
        stood = {id(ring) for ring in known}
        grown = [place for place, ring in enumerate(found.rings) if id(ring) not in stood]
        judged = judge_rings(found, (), standing.null.rings, log, measured.base_rates, settings, progress, chosen=grown)
        farms = [came.user[members] for members in standing.farms]
        rings = [ring for ring in one_of_each(judged.rings) if not _of_a_farm(ring, farms)]
        table, sightings = _seen(rings, log, settings)
    step, apart = _carried(window, sightings, log)
    q_values = {**standing.q_values, **dict(zip(table["ring_id"].to_pylist(), table["q_value"].to_pylist(), strict=True))}
    after = replace(
        standing,
        events=len(measured.events),
        before=Before.of(measured),
        places=made_places(measured.events),
        rings=found.rings,
        farms=farms,
        q_values=q_values,
    )
    return _spent(window, table, step, apart, after, settings, time.monotonic() - begun)


def _spent(
    window: Window, table: pa.Table, step: Step, apart: Sequence[Line], standing: Standing, settings: Settings, seconds: float
) -> StepLook:
    """What may be told: a ring of a line that was told of before, and one whose q-value is at most what there is to spend."""
    line_of = step.line_of
    here = {line.last.ring_id: line.name for line in apart if line.state == "here"} | line_of
    asked = {line: standing.q_values[ring] for ring, line in here.items() if ring in standing.q_values}
    untold = {line: q_value for line, q_value in asked.items() if line not in window.tellable}
    spent = window.looked if window.spent is None else window.spent
    allowed = allowance(settings.tiers.alert_q, window.end, spent, "step look") if untold else 0.0
    allowed = allowed if allowed >= LEAST_Q else 0.0  # less than any ring's: it is left to the next
    proven = {line for line, q_value in untold.items() if q_value <= allowed}
    names = {line.name for line in step.lines}
    tellable = frozenset((window.tellable & names) | proven)
    of_rings = {line_of[ring] for ring in table["ring_id"].to_pylist()}
    told = ((of_rings & tellable) | proven) - standing.hidden - standing.asleep
    stands = frozenset(line.name for line in apart) - proven
    return StepLook(window, table, step, frozenset(told), tellable, stands, allowed, standing, seconds)


def _seen(rings: list[JudgedRing], log: LogIndex, settings: Settings) -> tuple[pa.Table, list[Sighting]]:
    ids = [ring_id(log.events.ids[USER].take(ring.facts.grown.members).to_pylist()) for ring in rings]
    visits, stakes = log.visits.visits, measure_stakes([ring.facts.grown for ring in rings], log)
    table = rings_table(rings, ids, visits, stakes)
    members = members_table(rings, ids, find_weak_members(rings, log, settings.tiers), log.events, visits)
    return table, sightings_of(table, members)


def _carried(window: Window, sightings: Sequence[Sighting], log: LogIndex) -> tuple[Step, list[Line]]:
    """What became of the lines that know anybody in a ring that has other members now; and all other lines, which go on with the ring that
    they had, as it is now where it grew."""
    had = {line.last.ring_id for line in window.lines if line.state == "here"}
    members = {user for ring in sightings if ring.ring_id not in had for user in ring.members}
    near = [line for line in window.lines if not members.isdisjoint(line.known)]
    apart = [line for line in window.lines if members.isdisjoint(line.known)]
    grown = {ring.ring_id: ring for ring in sightings}
    gone_on = {line.name: (line, grown.pop(line.last.ring_id)) for line in apart if line.state == "here" and line.last.ring_id in grown}
    step = carry_on(near, _snapshot(near, list(grown.values()), log), window.end)
    same = (Change("same", name, line.last, ring) for name, (line, ring) in gone_on.items())
    longer = (lengthen(line, ring, window.end, frozenset()) for line, ring in gone_on.values())
    stand = [line for line in apart if line.name not in gone_on]
    changes = sorted([*step.changes, *same], key=lambda change: change.line)
    return Step(tuple(changes), tuple(sorted([*step.lines, *longer, *stand], key=lambda line: line.name))), stand


def _snapshot(near: Sequence[Line], sightings: Sequence[Sighting], log: LogIndex) -> Snapshot:
    """Rings that grew, and the others of these lines as they were seen last."""
    lines, grown = {line.name: line for line in near}, {ring.ring_id: ring for ring in sightings}
    followed = set(match_overlaps(measure_overlaps(lines, grown)).values())
    here = [line.last for line in near if line.state == "here" and line.name not in followed]
    stand = [ring for ring in here if ring.ring_id not in grown]
    return Snapshot((*sightings, *stand), log.start, log.start + log.end * 1_000_000)


def _recoded(ring: Grown, since: Since) -> Grown:
    return replace(ring, members=since.user[ring.members], targets=since.key[ring.targets])


def _of_a_farm(ring: JudgedRing, farms: Sequence[Int32]) -> bool:
    """Whether it has most members of a farm: which of the two is told is the whole look's to say."""
    members = set(ring.facts.grown.members.tolist())
    return any(2 * len(members.intersection(farm.tolist())) > len(farm) for farm in farms)
