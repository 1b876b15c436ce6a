"""The whole story: events → visits → pair evidence and its null → rings → facts → tiers → scores → a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphdet.events import EventTable
from graphdet.evidence.pairs import PairEvidence, Rates, affordable_evidence, expected_rates, measure_pairs
from graphdet.judging.diligence import measure_diligent
from graphdet.judging.judged_ring import JudgedRing, ring_id
from graphdet.judging.ring_facts import LogIndex, RingFacts
from graphdet.judging.significance import NullRings, p_values, q_values
from graphdet.judging.tiers import Setting, doubts, has_targets_to_itself, judge, ring_score
from graphdet.learning.embedding import embeddings_table
from graphdet.learning.messages import evidence_relation
from graphdet.progress import Progress
from graphdet.record.recording import describe_background, record_dossiers
from graphdet.rings.growth import Grower, index_visits
from graphdet.rings.search import Search, search_rings
from graphdet.run.folder import Run, describe_run
from graphdet.run.relations import ring_relations
from graphdet.run.ring_tables import evidence_table, members_table, rings_table
from graphdet.run.scores import rank_rings, score_nodes
from graphdet.settings import EvidenceSettings, Settings, TierSettings
from graphdet.visits.communities import lacks_categories, with_communities
from graphdet.visits.discounts import list_discounts
from graphdet.visits.permuting import permute
from graphdet.visits.visits import Visits, collect_visits

if TYPE_CHECKING:
    from graphdet.learning.ring_model import Model


def detect(
    events: EventTable,
    settings: Settings | None = None,
    progress: Progress | None = None,
    model: Model | None = None,
    keep_network: Path | None = None,
) -> Run:
    """Rings, their evidence and a score for every node of a log.

    Args:
        events: from `read_events`.
        settings: the defaults suit any log; results depend on them and on nothing else.
        progress: told of each stage; see `graphdet.progress`.
        model: from `graphdet.gnn.model.load_model`, to score by instead of learning from this log.
        keep_network: where to write the network that was learned from this log.

    Returns:
        A run, rings most suspicious first; `Run.save` writes it.
    """
    settings = settings or Settings()
    progress = progress or Progress()
    threads = settings.machine.threads or os.cpu_count() or 1
    told = len(events.categories)
    if lacks_categories(events):
        with progress.stage("item communities", events.count("item")):
            events = with_communities(events, settings.evidence)
    learned = events.categories[told:]
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
        null = _search_null(visits, rates, rules, permutations, settings, threads, progress)
    with progress.stage("facts and tiers", len(found.rings)):
        log = LogIndex(events, index)
        rings, left_out, setting = _judge_rings(found, null, log, settings, progress)
    odds, weight = None, 0.0
    if settings.gnn.least_rings:
        with progress.stage("network", visits.users):
            needed = model is not None or sum(ring.tier == "alert" for ring in rings) >= settings.gnn.least_rings
            with ThreadPoolExecutor(1) as early:
                if needed:  # torch takes two seconds to import, and may do so meanwhile
                    early.submit(import_module, "graphdet.learning.opinion")
                relation = evidence_relation(pairs, visits.users, threads)
            if needed:
                from graphdet.learning.opinion import learn_opinion
                from graphdet.learning.proposals import attach_members

                opinion = learn_opinion(events, visits, pairs, relation, rings, settings.gnn, settings.seed, threads, model)
                odds, weight = opinion.odds, settings.gnn.weight * opinion.trust
                rings = attach_members(rank_rings(rings, odds), odds, index, log, settings.rings)[0]
                if keep_network:
                    opinion.model.save(keep_network)
    with progress.stage("scores and tables"):
        rings = one_of_each(rings)
        ids = [ring_id(events.ids["user"].take(ring.facts.grown.members).to_pylist()) for ring in rings]
        tables = {
            "rings": rings_table(rings, ids, visits),
            "members": members_table(rings, ids, events, visits),
            "evidence": evidence_table(rings, ids, log, pairs, rates),
            "scores": score_nodes(events, visits, pairs, rings, odds, weight),
            "rejected": events.report.rejected,
        }
        if settings.gnn.least_rings:
            tables["embeddings"] = embeddings_table(
                events, visits, relation, rings, tables["scores"], odds, settings.seed, settings.gnn.embeddings
            )
        tables["relations"] = ring_relations(events, tables["members"])
    with progress.stage("dossiers", len(rings)):
        tables |= record_dossiers(rings, ids, log, settings)
    discounted, notes = list_discounts(visits, events)
    if learned:
        notes.append(f"{len(learned):,} communities of items that users share stand in for categories that the log does not tell.")
    if found.untried:
        notes.append(
            f"{found.untried:,} of {found.cores:,} cores were left untried when the effort was spent; raise [rings] effort to try them."
        )
    if left_out:
        notes.append(f"{left_out:,} groups that nearly everything speaks against were left out; raise [tiers] doubts_most to see them.")
    meta = describe_run(events, settings, discounted, notes, progress.costs)
    meta["background"] = describe_background(log, null, found, setting, learned)
    return Run(**tables, meta=meta)


def one_of_each(rings: Sequence[JudgedRing]) -> list[JudgedRing]:
    """Rings in their order, of those with the very same members the first: a ring is its members, and so is its id."""
    first: dict[bytes, JudgedRing] = {}
    for ring in rings:
        first.setdefault(ring.facts.grown.members.tobytes(), ring)
    return list(first.values())


def _search_null(
    visits: Visits, rates: Rates, rules: EvidenceSettings, permutations: int, settings: Settings, threads: int, progress: Progress
) -> NullRings:
    """What the same code finds in permuted logs, weak rings too: they tell how the strong ones fall off."""
    any_strength = settings.rings.model_copy(update={"least_strength": 0.0})
    strengths, cores = [], 0
    for number in range(permutations):
        shuffled = permute(visits, rules, settings.seed + number)
        found = search_rings(measure_pairs(shuffled, rates, rules, threads), index_visits(shuffled), any_strength, threads)
        strengths += [ring.strength for ring in found.rings]
        cores += found.cores
        progress.advance(1)
    return NullRings(permutations, cores, np.array(strengths))


def _judge_rings(
    found: Search, null: NullRings, log: LogIndex, settings: Settings, progress: Progress
) -> tuple[list[JudgedRing], int, Setting]:
    """Rings that the permuted logs support, most suspicious first; how many more there are that too much speaks against; what judged by."""
    strengths = np.array([ring.strength for ring in found.rings])
    p = p_values(strengths, null.strengths, null.cores)
    q = q_values(strengths, null.strengths, null.permutations)
    grower = Grower(log.visits, settings.rings)
    measured = []
    for grown, p_value, q_value in zip(found.rings, p.tolist(), q.tolist(), strict=True):
        progress.advance(1)
        if q_value > settings.tiers.alert_q:
            continue
        facts = measure_diligent(grown, log, grower, settings)
        if facts is not None:
            measured.append((facts, p_value, q_value))
    setting = describe_setting(log, [facts for facts, _, _ in measured], settings.tiers)
    rings, left_out = [], 0
    for facts, p_value, q_value in measured:
        grown = facts.grown
        items = log.visits.items_among(grown.targets)
        tier, explanation = judge(facts, items, setting, settings.tiers)
        if tier == "review" and len(doubts(facts, items, setting, settings.tiers)) > settings.tiers.doubts_most:
            left_out += 1
            continue
        rings.append(JudgedRing(facts, p_value, q_value, tier, explanation, score=ring_score(tier, grown.strength)))
    rings.sort(key=lambda ring: (-ring.score, ring.facts.grown.members.tobytes()))
    return rings, left_out, setting


def describe_setting(log: LogIndex, rings: Sequence[RingFacts], settings: TierSettings) -> Setting:
    """What the tiers judge rings against."""
    timed, users = log.events.time is not None, log.visits.visits.users
    apart = [facts.grown.members for facts in rings if not timed and has_targets_to_itself(facts, settings)]
    share = len(np.unique(np.concatenate(apart))) / users if apart else 0.0
    return Setting(days=log.end / 86_400, users=users, timed=timed, to_themselves=share)


def _affordable(visits: Visits, pairs: PairEvidence) -> int:
    """Permuted logs that cost about as much as one detection on a large log; more on a small one, where they are cheap."""
    return int(np.clip(2_000_000 // max(len(visits) + len(pairs), 1), 1, 20))
