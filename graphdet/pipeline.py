"""The whole story: events → visits → pair evidence → rings and what chance makes → facts and tiers → scores → a run.

`detect` tells it; `apply` and `train` are the same story with a model or with labels. The commands only parse, call, and print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graphdet.errors import ModelError
from graphdet.events import EventTable, Labels
from graphdet.evidence.measured import Measured
from graphdet.extras import lacks, need
from graphdet.judging.judge import Judged, judge_rings
from graphdet.judging.judged_ring import JudgedRing, one_of_each, ring_id
from graphdet.judging.log_index import LogIndex, index_log
from graphdet.judging.stakes import Stakes, measure_stakes
from graphdet.learning.embedding import embeddings_table
from graphdet.learning.messages import EvidenceMatrix, evidence_relation
from graphdet.progress import Progress
from graphdet.record.recording import describe_background, record_dossiers
from graphdet.record.weak_members import find_weak_members
from graphdet.rings.farms import find_farms
from graphdet.rings.null_search import NullRings, affordable_permutations, search_null
from graphdet.rings.search import Search, search_rings
from graphdet.run.describing import describe_run
from graphdet.run.folder import Run
from graphdet.run.relations import ring_relations
from graphdet.run.ring_tables import evidence_table, members_table, rings_table
from graphdet.run.saving import GrowingTables
from graphdet.run.scores import rank_rings, score_nodes
from graphdet.schema.wording import numbered
from graphdet.settings import Settings
from graphdet.signals import measure_log
from graphdet.signals.beside_rings import measure_lives
from graphdet.visits.base_rates import BaseRates
from graphdet.visits.discounts import bundle_note, list_discounts

Tables = dict[str, pa.Table] | GrowingTables

STRONG = 50.0  # strength that chance reaches nowhere near, and of which alerts are made

if TYPE_CHECKING:
    from graphdet.learning.from_labels import Judgement
    from graphdet.learning.labelled_model import LabelledModel
    from graphdet.learning.opinion import Opinion
    from graphdet.learning.ring_model import RingModel


def detect(events: EventTable, settings: Settings | None = None, progress: Progress | None = None, tables: Tables | None = None) -> Run:
    """Rings, their evidence and a score for every node of a log.

    Args:
        events: from `read_events`.
        settings: the defaults suit any log; results depend on them and on nothing else.
        progress: told of each stage; see `graphdet.progress`.
        tables: where the run's tables go as soon as each is ready, a dictionary by default; those of a `RunWriter` do not stay in memory.

    Returns:
        A run, rings most suspicious first; `Run.save` writes it.
    """
    settings, progress = settings or Settings(), progress or Progress()
    return detect_in(measure_log(events, settings, progress), settings, progress, tables=tables).run


def apply(
    events: EventTable, model: Path, settings: Settings | None = None, progress: Progress | None = None, tables: Tables | None = None
) -> Run:
    """As `detect`, with scores by a model that was learned before, and an id of its own, since the model decided them, too.

    Args:
        events, settings, progress, tables: as for `detect`.
        model: a file that `Trained.model.save` or `graphdet train` wrote; with labels, users' scores are calibrated chances.

    Raises:
        NotAModel: it is no model, is damaged, or is of a newer graphdet.
        ModelMismatch: it reads other columns than this graphdet measures.
        ModelError: the settings leave networks out, and the model is one.
    """
    need("learn", "a model")
    from graphdet.learning.applying import apply_labelled, load_for_run, with_model
    from graphdet.learning.ring_model import RingModel

    settings, progress = settings or Settings(), progress or Progress()
    loaded = load_for_run(model, settings)
    measured = measure_log(events, settings, progress)
    if isinstance(loaded, RingModel):
        run = detect_in(measured, settings, progress, loaded, tables=tables).run
    else:
        run = apply_labelled(detect_in(measured, settings, progress, tables=tables).run, measured, loaded, settings.machine.workers)
    return with_model(run, model)


@dataclass(frozen=True)
class Trained:
    """A model, the run of the log that it learned from, and how good it is; `judgement` is None where it learned without labels."""

    model: RingModel | LabelledModel
    run: Run
    judgement: Judgement | None


def train(
    events: EventTable,
    labels: Labels | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    *,
    precision: float = 0.9,
    budget: int = 0,
    trials: int = 0,
    board: Path | None = None,
) -> Trained:
    """A model to score later logs by: of what is known of users, or else of the rings that stand against the null.

    Args:
        events, settings, progress: as for `detect`.
        labels: from `read_labels`; None = learn from the alert rings.
        precision, budget, trials, board: of a model with labels; as for `learning.from_labels.learn_labels`.

    Raises:
        ModelError: too few alert rings, and no labels.
        LabelError: too few labels, or labels of one kind.
    """
    need("learn", "learning")
    from graphdet.learning.from_labels import learn_from_log

    settings, progress = settings or Settings(), progress or Progress()
    measured = measure_log(events, settings, progress)
    found = detect_in(measured, settings, progress)
    if labels is None:
        if found.network is None:
            raise ModelError(
                f"too few alert rings to learn from (at least {settings.gnn.rings_needed}); give --labels, or more of the log."
            )
        return Trained(found.network, found.run, None)
    with progress.stage("learn from labels", len(labels)):
        model, judgement = learn_from_log(
            measured, found.run, labels, settings, precision=precision, budget=budget, trials=trials, board=board
        )
    return Trained(model, found.run, judgement)


@dataclass(frozen=True)
class Detection:
    """A run, the network that had its say (None where there was none), and what chance makes."""

    run: Run
    network: RingModel | None
    null: NullRings


def detect_in(
    measured: Measured,
    settings: Settings,
    progress: Progress,
    model: RingModel | None = None,
    null: NullRings | None = None,
    tables: Tables | None = None,
) -> Detection:
    """The back half of the story, for a log that is measured already.

    Args:
        measured, settings, progress: as for `detect`.
        model: has its say in place of a network learned here.
        null: what chance makes, in place of permuted logs that are searched here.
        tables: as for `detect`.
    """
    settings, notes = _as_installed(settings)
    finding = find_in(measured, settings, progress, model, null, tables)
    del measured  # pair evidence has had its last reader, unless who called keeps it
    lives = measure_lives(finding.log.events, settings, progress)
    network = finding.opinion.model if finding.opinion else None
    return Detection(record_run(finding, lives, settings, progress, notes), network, finding.null)


@dataclass(frozen=True)
class Finding:
    """Rings with what tells their tiers and scores, before anything is recorded for their dossiers.

    Attributes:
        rings, ids: most suspicious first, and the name that members give each.
        found: the rings before they were judged.
        log, base_rates: that they were found in.
        stakes: of each ring.
        tables: of the run folder, those that all else refers to.
        background: what rings are compared with.
        notes: what a reader of the run should know.
        opinion: the network's; None where there was none.
        null: what chance makes.
    """

    rings: Sequence[JudgedRing]
    ids: Sequence[str]
    found: Search
    log: LogIndex
    base_rates: BaseRates
    stakes: Sequence[Stakes]
    tables: Tables
    background: Mapping[str, Any]
    notes: Sequence[str]
    opinion: Opinion | None
    null: NullRings


def find_in(
    measured: Measured,
    settings: Settings,
    progress: Progress,
    model: RingModel | None = None,
    null: NullRings | None = None,
    tables: Tables | None = None,
) -> Finding:
    """As `detect_in`, without what is recorded for those who look at a ring more closely; with packages that `settings` ask for."""
    tables = {} if tables is None else tables
    with progress.stage("rings"):
        found = search_rings(measured.pairs, measured.index, measured.base_rates, settings.rings, settings.machine.workers)
        farms = find_farms(measured.index, settings.tiers.alert_q)
    _import_early(found, settings)
    if null is None:
        permutations = settings.rings.permutations or affordable_permutations(measured.visits, measured.pairs)
        with progress.stage("permuted logs", permutations):
            null = search_null(measured, permutations, settings, settings.machine.workers, progress)
    with progress.stage("facts and tiers", len(found.rings)):
        log = index_log(measured.events, measured.index)
        judged = judge_rings(found, farms, null, log, measured.base_rates, settings, progress)
    rings, relation, opinion = judged.rings, None, None
    if settings.gnn.least_rings:
        with progress.stage("network", measured.visits.users):
            rings, relation, opinion = _ask_network(measured, judged.rings, log, settings, model)
    with progress.stage("scores and tables"):
        rings = one_of_each(rings)
        ids = [ring_id(measured.events.ids["user"].take(ring.facts.grown.members).to_pylist()) for ring in rings]
        stakes = measure_stakes([ring.facts.grown for ring in rings], log)
        _add_tables(tables, measured, rings, ids, log, stakes, opinion, relation, settings)
        notes = _notes(measured, found, judged)
        background = describe_background(log, measured.base_rates, rings, null, found, judged.background, measured.learned)
    return Finding(rings, ids, found, log, measured.base_rates, stakes, tables, background, notes, opinion, null)


def record_run(
    finding: Finding,
    lives: Mapping[str, pa.Table],
    settings: Settings,
    progress: Progress,
    notes: Sequence[str] = (),
    *,
    dossiers: bool = True,
) -> Run:
    """A finding as a run, with what dossiers are made of later, unless nobody will ask for them."""
    log, tables = finding.log, finding.tables
    tables.update(lives)
    if dossiers:
        with progress.stage("dossiers", len(finding.rings)):
            for made in record_dossiers(finding.rings, finding.ids, log, finding.base_rates, finding.stakes, settings):
                tables.update(made)
                del made  # it may be dropped while the next is made
    discounted, crowded = list_discounts(log.visits.visits, log.events)
    told = [*crowded, *notes, *finding.notes]
    meta = describe_run(log.events, settings, discounted, told, progress.costs) | {"background": dict(finding.background)}
    return Run(meta, tables)


def _import_early(found: Search, settings: Settings) -> None:
    """torch takes two seconds to import; where strong rings say that it will be asked, it does so beside the permuted logs.

    Where it is not asked after all, nobody waits for it; in a log without rings none is that strong.
    """
    strong = sum(ring.strength >= STRONG for ring in found.rings)
    if settings.gnn.least_rings and strong >= settings.gnn.rings_needed:
        early = ThreadPoolExecutor(1)
        early.submit(import_module, "graphdet.learning.opinion")
        early.shutdown(wait=False)


def _as_installed(settings: Settings) -> tuple[Settings, list[str]]:
    """The settings without the network where its packages are not installed, so that the run's id and settings tell of it; and a note."""
    package = lacks("learn") if settings.gnn.least_rings else ""
    if not package:
        return settings, []
    note = f"network and embeddings were left out: {package} is not installed (pip install 'graphdet[learn]')."
    return settings.model_copy(update={"gnn": settings.gnn.model_copy(update={"least_rings": 0})}), [note]


def _ask_network(
    measured: Measured, rings: list[JudgedRing], log: LogIndex, settings: Settings, model: RingModel | None
) -> tuple[list[JudgedRing], EvidenceMatrix, Opinion | None]:
    """Rings in the network's order and with its members, who meets whom, and its opinion; None where too few rings are to learn from."""
    needed = model is not None or sum(ring.tier == "alert" for ring in rings) >= settings.gnn.rings_needed
    relation = evidence_relation(measured.pairs, measured.visits.users, settings.machine.workers)
    if not needed:
        return rings, relation, None
    from graphdet.learning.opinion import learn_opinion
    from graphdet.learning.proposals import attach_members

    opinion = learn_opinion(measured, relation, rings, settings.gnn, settings.seed, settings.machine.workers, model)
    ranked = rank_rings(rings, opinion.odds)
    attached, _ = attach_members(ranked, opinion.odds, measured.base_rates, log, settings.rings, settings.machine.workers)
    return attached, relation, opinion


def _add_tables(
    tables: Tables,
    measured: Measured,
    rings: list[JudgedRing],
    ids: list[str],
    log: LogIndex,
    stakes: list[Stakes],
    opinion: Opinion | None,
    relation: EvidenceMatrix | None,
    settings: Settings,
) -> None:
    """The run folder's tables, but for dossiers and single accounts; those that take long are made beside each other."""
    events, visits, pairs = measured.events, measured.visits, measured.pairs
    odds, weight = (opinion.odds, settings.gnn.weight * opinion.trust) if opinion else (None, 0.0)
    members = members_table(rings, ids, find_weak_members(rings, log, settings.tiers), events, visits)
    tables.update({"rings": rings_table(rings, ids, visits, stakes), "members": members, "rejected": events.report.rejected})
    with ThreadPoolExecutor(1) as pool:  # one after the other: each takes as long as scores, and more memory
        beside = [
            pool.submit(lambda: tables.update({"evidence": evidence_table(rings, ids, log, pairs, measured.expected)})),
            pool.submit(lambda: tables.update({"relations": ring_relations(events, members)})),
        ]
        made = {"scores": score_nodes(events, visits, pairs, rings, odds, weight)}
        if relation is not None:
            most, seed = settings.gnn.embeddings, settings.seed
            made["embeddings"] = embeddings_table(events, visits, relation, rings, made["scores"], odds, seed, most)
        tables.update(made)
        for one in beside:
            one.result()


def _notes(measured: Measured, found: Search, judged: Judged) -> list[str]:
    """What a reader of the run should know of how it was made."""
    notes = []
    if measured.learned:
        notes.append(
            f"{numbered(len(measured.learned), 'community', 'communities')} of items that users share "
            "stand in for categories that the log does not tell."
        )
    bundles = bundle_note(measured.index, measured.events)
    if bundles:
        notes.append(bundles)
    if found.untried:
        left = f"{found.untried:,} of {numbered(found.cores, 'core was', 'cores were')} left untried when the effort was spent"
        notes.append(f"{left}; raise [rings] effort to try them.")
    if found.swallowed:
        notes.append(
            f"{numbered(found.swallowed, 'group', 'groups')} grew into everybody and {'was' if found.swallowed == 1 else 'were'} "
            "dropped: what they share is what all users share."
        )
    if judged.left_out:
        left = f"{numbered(judged.left_out, 'group', 'groups')} that nearly everything speaks against"
        left += " was left out" if judged.left_out == 1 else " were left out"
        notes.append(f"{left}; raise [tiers] objections_most to see them.")
    return notes
