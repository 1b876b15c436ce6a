"""The whole story: events → visits → pair evidence and its null → rings → facts → tiers → scores → a run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from graphdet.events import EventTable
from graphdet.evidence.measured import Measured
from graphdet.extras import lacks
from graphdet.judging.judge import judge_rings
from graphdet.judging.judged_ring import one_of_each, ring_id
from graphdet.judging.log_index import index_log
from graphdet.learning.embedding import embeddings_table
from graphdet.learning.messages import evidence_relation
from graphdet.progress import Progress
from graphdet.record.recording import describe_background, record_dossiers
from graphdet.rings.null_search import affordable_permutations, search_null
from graphdet.rings.search import search_rings
from graphdet.run.describing import describe_run
from graphdet.run.folder import Run
from graphdet.run.relations import ring_relations
from graphdet.run.ring_tables import evidence_table, members_table, rings_table
from graphdet.run.scores import rank_rings, score_nodes
from graphdet.settings import Settings
from graphdet.signals import measure_log
from graphdet.visits.discounts import list_discounts

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
    return detect_in(measure_log(events, settings, progress), settings, progress, model, keep_network)


def detect_in(
    measured: Measured,
    settings: Settings,
    progress: Progress,
    model: Model | None = None,
    keep_network: Path | None = None,
) -> Run:
    """`detect` for who measured the log already and needs the measures afterwards: labelled models read them, too."""
    settings, left_out = _as_installed(settings)
    threads = settings.machine.workers
    events, visits, base_rates, pairs = measured.events, measured.visits, measured.base_rates, measured.pairs
    with progress.stage("rings"):
        found = search_rings(pairs, measured.index, base_rates, settings.rings, threads)
    permutations = settings.rings.permutations or affordable_permutations(visits, pairs)
    with progress.stage("permuted logs", permutations):
        null = search_null(measured, permutations, settings, threads, progress)
    with progress.stage("facts and tiers", len(found.rings)):
        log = index_log(events, measured.index)
        judged = judge_rings(found, null, log, base_rates, settings, progress)
        rings = judged.rings
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

                opinion = learn_opinion(measured, relation, rings, settings.gnn, settings.seed, threads, model)
                odds, weight = opinion.odds, settings.gnn.weight * opinion.trust
                rings = attach_members(rank_rings(rings, odds), odds, base_rates, log, settings.rings)[0]
                if keep_network:
                    opinion.model.save(keep_network)
    with progress.stage("scores and tables"):
        rings = one_of_each(rings)
        ids = [ring_id(events.ids["user"].take(ring.facts.grown.members).to_pylist()) for ring in rings]
        tables = {
            "rings": rings_table(rings, ids, visits),
            "members": members_table(rings, ids, events, visits),
            "evidence": evidence_table(rings, ids, log, pairs, measured.expected),
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
    notes += left_out
    if measured.learned:
        notes.append(f"{len(measured.learned):,} communities of items that users share stand in for categories that the log does not tell.")
    if found.untried:
        notes.append(
            f"{found.untried:,} of {found.cores:,} cores were left untried when the effort was spent; raise [rings] effort to try them."
        )
    if judged.left_out:
        notes.append(
            f"{judged.left_out:,} groups that nearly everything speaks against were left out; raise [tiers] objections_most to see them."
        )
    meta = describe_run(events, settings, discounted, notes, progress.costs)
    meta["background"] = describe_background(log, base_rates, rings, null, found, judged.background, measured.learned)
    return Run(meta, tables)


def _as_installed(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings without the network where its packages are not installed, so that the run's id and settings tell of it; and a note."""
    package = lacks("learn") if settings.gnn.least_rings else ""
    if not package:
        return settings, []
    note = f"network and embeddings were left out: {package} is not installed (pip install 'graphdet[learn]')."
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})}), [note]
