"""Events → all that rings are searched in: visits, base rates and pair evidence, measured once and passed on as one object."""

from __future__ import annotations

from dataclasses import dataclass

from graphdet.events import EventTable
from graphdet.evidence.pairs import ExpectedMeetings, PairEvidence, affordable_evidence, expected_meetings, measure_pairs
from graphdet.progress import Progress
from graphdet.settings import EvidenceSettings, Settings
from graphdet.visits.base_rates import BaseRates, measure_base_rates
from graphdet.visits.communities import lacks_categories, with_communities
from graphdet.visits.index import VisitIndex, index_visits
from graphdet.visits.visits import Visits, collect_visits


@dataclass(frozen=True)
class Measured:
    """One log, measured.

    Attributes:
        events: the log; where it tells no categories, with communities of items that stand in.
        learned: names of those communities.
        visits: who was where and when; with `index`, the way from a user to their visits.
        base_rates: what was usual for each visit.
        expected: chance meetings at each key, the same in permuted logs.
        affordable: settings of evidence, `least` raised until the log's meetings can be afforded.
        pairs: pair evidence.
    """

    events: EventTable
    learned: tuple[str, ...]
    visits: Visits
    index: VisitIndex
    base_rates: BaseRates
    expected: ExpectedMeetings
    affordable: EvidenceSettings
    pairs: PairEvidence

    def __post_init__(self) -> None:
        if self.index.visits is not self.visits or len(self.base_rates) != len(self.visits):
            raise ValueError("index and base rates must be those of the visits")
        if self.events.count("user") != self.visits.users:
            raise ValueError(f"the visits must be those of the log's {self.events.count('user')} users (found {self.visits.users})")


def measure(events: EventTable, settings: Settings, progress: Progress | None = None) -> Measured:
    """The front half of a run; what searches, judges or learns takes it from here.

    Args:
        events: from `read_events`.
        settings: of the run.
        progress: told of each stage; see `graphdet.progress`.
    """
    progress = progress or Progress()
    threads = settings.machine.workers
    told = len(events.categories)
    if lacks_categories(events):
        with progress.stage("item communities", events.count("item")):
            events = with_communities(events, settings.evidence)
    with progress.stage("visits", len(events)):
        visits = collect_visits(events, settings.evidence, settings.view, threads)
        base_rates = measure_base_rates(visits, settings.evidence, threads=threads)
        expected = expected_meetings(visits)
        affordable = affordable_evidence(visits, base_rates, expected, settings.evidence, threads)
    with progress.stage("pair evidence", len(visits)):
        pairs = measure_pairs(visits, base_rates, expected, affordable, threads)
        index = index_visits(visits)
    return Measured(events, events.categories[told:], visits, index, base_rates, expected, affordable, pairs)
