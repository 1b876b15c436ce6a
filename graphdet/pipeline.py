"""The whole story: events → visits → pair evidence and its null → rings → facts → tiers → scores → a run."""

from __future__ import annotations

import os

import numpy as np

from graphdet.events import EventTable
from graphdet.evidence.discounts import list_discounts
from graphdet.evidence.null import permute
from graphdet.evidence.pairs import PairEvidence, affordable_evidence, expected_rates, measure_pairs
from graphdet.evidence.visits import Visits, collect_visits
from graphdet.progress import Progress
from graphdet.rings.facts import LogIndex, measure_ring
from graphdet.rings.growth import Grower, index_visits
from graphdet.rings.search import Search, search_rings
from graphdet.rings.significance import p_values, q_values
from graphdet.rings.tables import JudgedRing, evidence_table, members_table, ring_id, rings_table
from graphdet.rings.tiers import Setting, judge
from graphdet.run import Run, describe_run
from graphdet.schema import TIERS
from graphdet.scores import score_nodes
from graphdet.settings import Settings


def detect(events: EventTable, settings: Settings | None = None, progress: Progress | None = None) -> Run:
    """Rings, their evidence and a score for every node of a log.

    Args:
        events: from `read_events`.
        settings: the defaults suit any log; results depend on them and on nothing else.
        progress: told of each stage; see `graphdet.progress`.

    Returns:
        A run, rings most suspicious first; `Run.save` writes it.
    """
    settings = settings or Settings()
    progress = progress or Progress()
    threads = settings.machine.threads or os.cpu_count() or 1
    with progress.stage("visits", len(events)):
        visits = collect_visits(events, settings.evidence)
        rates = expected_rates(visits, settings.evidence)
        rules = affordable_evidence(visits, rates, settings.evidence, threads)
    with progress.stage("pair evidence", len(visits)):
        pairs = measure_pairs(visits, rates, rules, threads)
    with progress.stage("rings"):
        index = index_visits(visits)
        found = search_rings(pairs, index, settings.rings, threads)
    permutations = settings.rings.permutations or _affordable(visits, pairs)
    with progress.stage("permuted logs", permutations):
        null: list[Search] = []
        for number in range(permutations):
            shuffled = permute(visits, rules, settings.seed + number)
            shuffled_pairs = measure_pairs(shuffled, rates, rules, threads)
            null.append(search_rings(shuffled_pairs, index_visits(shuffled), settings.rings, threads))
            progress.advance(1)
    with progress.stage("facts and tiers", len(found.rings)):
        strengths = np.array([ring.strength for ring in found.rings])
        null_strengths = np.array([ring.strength for search in null for ring in search.rings])
        p = p_values(strengths, null_strengths, sum(search.cores for search in null))
        q = q_values(strengths, null_strengths, permutations)
        log, grower = LogIndex(events, index), Grower(index, settings.rings)
        setting = Setting(days=float(visits.time.max(initial=0)) / 86_400, users=visits.users)
        rings = []
        for grown, p_value, q_value in zip(found.rings, p.tolist(), q.tolist(), strict=True):
            progress.advance(1)
            if q_value > settings.tiers.alert_q:
                continue
            facts = measure_ring(grown, log, grower)
            items = int((index.view[grown.targets] == index.item_view).sum())
            tier, explanation = judge(facts, items, setting, settings.tiers)
            rings.append(JudgedRing(facts, p_value, q_value, tier, explanation, score=_ring_score(tier, grown.strength)))
        rings.sort(key=lambda ring: (-ring.score, ring.facts.grown.members.tobytes()))
    with progress.stage("scores and tables"):
        ids = [ring_id(events.ids["user"].take(ring.facts.grown.members).to_pylist()) for ring in rings]
        tables = {
            "rings": rings_table(rings, ids, visits),
            "members": members_table(rings, ids, events, visits),
            "evidence": evidence_table(rings, ids, log, pairs, rates),
            "scores": score_nodes(events, visits, pairs, rings),
            "rejected": events.report.rejected,
        }
    discounted, notes = list_discounts(visits, events)
    if found.untried:
        notes.append(
            f"{found.untried:,} of {found.cores:,} cores were left untried when the effort was spent; raise [rings] effort to try them."
        )
    return Run(**tables, meta=describe_run(events, settings, discounted, notes, progress.costs))


def _affordable(visits: Visits, pairs: PairEvidence) -> int:
    """Permuted logs that cost about as much as one detection on a large log; more on a small one, where they are cheap."""
    return int(np.clip(2_000_000 // max(len(visits) + len(pairs), 1), 1, 20))


def _ring_score(tier: str, strength: float) -> float:
    """0 … 1: each tier has its third, alerts the upper one; within it, stronger is higher."""
    third = len(TIERS) - 1 - TIERS.index(tier)
    return float((third + strength / (strength + 100.0)) / len(TIERS))
