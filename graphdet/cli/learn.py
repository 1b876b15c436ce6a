"""Learning and what was learned: train, refresh, similar, explain."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.manner import progress_here, say
from graphdet.cli.shared import AsJson, Folder, Logs, Seed, SettingsFile, Threads, Wanted, choose_settings, follower, print_json, read_logs

if TYPE_CHECKING:
    from graphdet.drift.model_shelf import ModelEntry, ModelShelf
    from graphdet.events import EventTable, LabelReport, Labels
    from graphdet.learning.explaining import Explanation
    from graphdet.learning.network_reasons import NetworkExplanation
    from graphdet.progress import Progress
    from graphdet.settings import Settings


HEADING = "Learn"
WATCH_STATE = "watch.sqlite"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (train, refresh, similar, explain):
        app.command()(command)


def train(
    logs: Logs,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The model to write, such as model.npz.")],
    labels: Annotated[
        Path | None, typer.Option("--labels", help="user_id and label (1 or 0), known_at where known; or a log with a label column.")
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Learn from the verdicts of this home folder's casebook; they go before --labels."),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="DIR", help="Figures and pictures of the judgement.")] = None,
    precision: Annotated[float, typer.Option(min=0, max=1, help="Share of flagged users that is to be right.")] = 0.9,
    budget: Annotated[int, typer.Option(min=0, help="Users that can be looked at; instead of --precision.")] = 0,
    search: Annotated[int, typer.Option(min=0, metavar="TRIALS", help="Try so many settings of the trees; needs the extra lab.")] = 0,
    tensorboard: Annotated[Path | None, typer.Option(metavar="DIR", help="Write figures for TensorBoard; needs the extra lab.")] = None,
    settings: SettingsFile = None,
    threads: Threads = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Learn from labels, or else from the rings that stand against the null; write a model for `graphdet run --model`.

    Labels are parted in time and by rings: the model is calibrated and judged on later labels of other rings.
    """
    _need_what_training_needs(
        with_labels=labels is not None or home is not None, asked=bool(budget or report), search=bool(search), board=bool(tensorboard)
    )
    from graphdet import pipeline
    from graphdet.learning.judgement_report import as_table, write_report

    chosen = choose_settings(settings, logs, Wanted(threads, seed))
    progress = progress_here()
    events = read_logs(logs, chosen, progress)
    known, rows = _read_labels(labels, events, chosen, progress) if labels else (None, None)
    if home is not None:
        known = _read_verdicts(home, events, known)
    trained = pipeline.train(events, known, chosen, progress, precision=precision, budget=budget, trials=search, board=tensorboard)
    trained.model.save(out)
    if trained.judgement is not None and report is not None:
        write_report(trained.judgement, report)
    if as_json:
        told = {"labels": rows.as_dict()} if rows else {}
        print_json({"model": str(out), **told, **(trained.judgement.as_dict() if trained.judgement else {})})
    else:
        print(as_table(trained.judgement) if trained.judgement else f"{out}\n", end="")


def refresh(
    state: Annotated[Path, typer.Argument(metavar="STATE", help="The folder with the watch's state.")],
    labels: Annotated[Path | None, typer.Option("--labels", help="user_id and label (1 or 0), known_at where known.")] = None,
    home: Annotated[
        Path | None, typer.Option("--home", metavar="DIR", envvar="GRAPHDET_HOME", help="A home folder, whose verdicts go before --labels.")
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="The network that learns from rings, with no label, in place of the model with labels.")
    ] = False,
    every: Annotated[
        int, typer.Option("--every", min=0, max=3650, metavar="DAYS", help="Only where the last is so old, or the last day drifted.")
    ] = 0,
    back: Annotated[bool, typer.Option("--back", help="Take the model in use back: the one before it is used again.")] = False,
    journal: Annotated[bool, typer.Option("--journal", help="Only list what was learned, kept, left and taken back.")] = False,
    settings: SettingsFile = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Learn a fresh model from a watch's window and the labels known now; it is used only if it is no worse than the one in use.

    With --network it is the network of `graphdet run --model` that is learned, from the window's rings, and judged on the latest of them.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from graphdet.alerts.deliver import connect
    from graphdet.drift.measuring import load_drift
    from graphdet.drift.model_shelf import ModelShelf, is_due
    from graphdet.schema.wording import numbered

    with contextlib.closing(connect(state / WATCH_STATE)) as connection:
        shelf = ModelShelf(state, connection, "network" if network else "model")
        if not back and not journal:
            drifted = any(one.beyond for one in load_drift(connection)[1])
            reason = is_due(shelf.entries(), every * 86_400, datetime.now(UTC), drifted) if every else "asked"
            found = [_learn_anew(state, shelf, labels, home, reason, choose_settings(settings, wanted=Wanted(threads)))] if reason else []
        else:
            found = [_take_back(shelf, settings, threads)] if back else shelf.entries()
    if as_json:
        print_json([asdict(entry) for entry in found])
        return
    if not found:
        print("No model was due." if not journal else "No model was learned yet.")
    for entry in found:
        told = "" if entry.figure is None else f"; area {entry.figure:.3f}"
        told += "" if entry.figure_before is None else f", the one in use {entry.figure_before:.3f}"
        told += f", on {numbered(entry.judged, *('user', 'users') if network else ('label', 'labels'))}" if entry.judged else ""
        print(f"{entry.time}  {entry.what:10}  {entry.name or 'none'}  ({entry.reason}{told})")


def _need_what_training_needs(*, with_labels: bool, asked: bool, search: bool, board: bool) -> None:
    """Refuse options that would do nothing, and those whose packages are not installed."""
    from graphdet.errors import ModelError
    from graphdet.extras import need

    need("learn", "graphdet train")
    if not with_labels and (asked or search or board):
        raise ModelError("--budget, --search, --report and --tensorboard are about a model with labels; give --labels or --home, too.")
    if search or board:
        need("lab", "graphdet train --search" if search else "graphdet train --tensorboard")


def _read_labels(path: Path, events: EventTable, settings: Settings, progress: Progress) -> tuple[Labels, LabelReport]:
    """The labels, and what became of their rows, which is told on stderr."""
    from graphdet.events import read_labels
    from graphdet.terminal.about_labels import about_labels

    with progress.stage("read labels"):
        known, rows = read_labels([path], events, settings.log, settings.machine, follower(progress))
    for line in about_labels(rows):
        say(line)
    return known, rows


def _read_verdicts(home: Path, events: EventTable, others: Labels | None) -> Labels:
    """The casebook's verdicts as labels, and those of a file for users whom it says nothing of."""
    from graphdet.cases.casebook import Casebook
    from graphdet.errors import LabelError
    from graphdet.events.labels import joined_labels, labels_of
    from graphdet.schema.wording import numbered

    with Casebook(home, make=False) as book:
        judged = book.judged_users()
    found = labels_of([one.user_id for one in judged], [one.positive for one in judged], events)
    if not len(found) and others is None:
        told = (
            f"of {numbered(len(judged), 'judged user', 'judged users')} none is in this log"
            if judged
            else "no ring was confirmed or found innocent yet"
        )
        raise LabelError(f"{home}: {told}; judge some with `graphdet cases decide`, or give --labels.")
    say(
        f"{home}: in this log are {len(found):,} of {numbered(len(judged), 'judged user', 'judged users')}, "
        f"{int(found.positive.sum()):,} positive"
    )
    return found if others is None else joined_labels(found, others)


def _take_back(shelf: ModelShelf, settings: Path | None, threads: int | None) -> ModelEntry:
    from graphdet.drift.refreshing import tell_learned
    from graphdet.events import read_events
    from graphdet.week.kept_log import settings_of_kept

    entry = shelf.take_back("asked")
    if shelf.in_use and shelf.kind == "model":
        chosen = choose_settings(settings, wanted=Wanted(threads))
        tell_learned(read_events(shelf.segments(), settings_of_kept(chosen.log), chosen.machine), shelf, chosen, progress_here())
    return entry


def _learn_anew(state: Path, shelf: ModelShelf, labels: Path | None, home: Path | None, reason: str, settings: Settings) -> ModelEntry:
    from graphdet.drift.refreshing import refresh_model, refresh_network
    from graphdet.errors import ModelError
    from graphdet.events import read_events
    from graphdet.week.kept_log import settings_of_kept

    if shelf.kind == "network":
        if labels is not None or home is not None:
            raise ModelError("--network learns from rings alone: leave --labels and --home out.")
        events = read_events(shelf.segments(), settings_of_kept(settings.log), settings.machine)
        return refresh_network(events, shelf, reason, settings, progress_here())
    if labels is None and home is None:
        raise ModelError("a model is judged on what people know: give --home, with verdicts, or --labels.")
    progress = progress_here()
    events = read_events(shelf.segments(), settings_of_kept(settings.log), settings.machine)
    known = _read_labels(labels, events, settings, progress)[0] if labels else None
    if home is not None:
        known = _read_verdicts(home, events, known)
    assert known is not None
    return refresh_model(events, known, shelf, reason, settings, progress)


def similar(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="USER|RING", help="A user's id, or a ring's id or rank.")],
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    as_json: AsJson = False,
) -> None:
    """List the users nearest to a user or a ring by embedding, with what they share."""
    from graphdet.run.folder import Run
    from graphdet.run.similar import find_similar

    found = find_similar(Run.load(folder), name, count)
    if as_json:
        print_json([one.as_dict() for one in found])
        return
    for one in found:
        facts = ", ".join([*(f"ring {ring}" for ring in one.rings), *one.shared])
        print(f"{one.cosine:6.3f}  score {one.score:.3f}  {_clean(one.user_id)}  {_clean(facts)}".rstrip())


def explain(
    logs: Logs,
    user: Annotated[str, typer.Option("--user", help="The user's id.")],
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="A model that `graphdet train` wrote; left out: a run's own network.")
    ] = None,
    settings: SettingsFile = None,
    threads: Threads = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Tell what moved a user's score in a model, or in the network of a run; an appendix to the facts of `graphdet show`, not proof."""
    from graphdet.extras import need

    need("learn", "graphdet explain")
    from graphdet import explanation
    from graphdet.learning.applying import load_for_run
    from graphdet.learning.network_reasons import NetworkExplanation

    chosen = choose_settings(settings, logs, Wanted(threads, seed))
    if model is not None:
        load_for_run(model, chosen)  # a model that does not fit is told of before the logs are read
    progress = progress_here()
    events = read_logs(logs, chosen, progress)
    found = explanation.explain(events, user, model, chosen, progress)
    if as_json:
        print_json(found.as_dict())
        return
    if isinstance(found, NetworkExplanation):
        _print_network(found)
        return
    by_trees, by_network = f"{found.fidelity:.0%}", f"{found.network_fidelity:.0%}"
    print(
        f"chance {found.chance:.3f}; the columns below hold {by_trees} of what sets this user apart by trees, {by_network} by the network"
    )
    for one in found.moved:
        print(f"{one.contribution:+7.3f} {one.by_network:+7.3f}  {one.words}: {_number(one.value)}")
    _print_lives(found, events, chosen.log.timezone)


def _print_network(found: NetworkExplanation) -> None:
    held = f"the columns below hold {found.fidelity:.0%} of what sets this user apart"
    beside = f"in scores they count {found.weight:.2f} times as much as those of pair evidence"
    print(f"log odds by the network {found.log_odds:+.3f}, of an ordinary user {found.ordinary:+.3f}; {held}; {beside}")
    for one in found.moved:
        print(f"{one.by_network:+7.3f}  {one.words}: {_number(one.value)}")
    print(f"{found.others:+7.3f}  all other columns together; not accounted for: {found.missed:+.3f}")


def _print_lives(found: Explanation, events: EventTable, zone: str) -> None:
    """The events behind what the account's own life tells, by the log's clock."""
    from graphdet.run.log_clock import clock_by

    clock = clock_by(zone, events.report.notes)
    words = {one.column: one.words for one in found.moved}
    for life in found.lives:
        changed = f"{_number(life.value)}, {_number(life.without)} without these events, which hold {life.fidelity:.0%} of what is odd"
        print(f"\n{words[life.column]}: {changed} ({clock.zone})")
        for event in life.events:
            bits = "" if event["bits"] is None else f"{event['bits']:5.1f} bits  "
            print(
                f"  {bits}{clock.second(event['timestamp']):19}  {_clean(event['action'] or '')}  {_clean(event['item_id'] or '')}".rstrip()
            )


def _number(value: float | None) -> str:
    if value is None:
        return "nobody there"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _clean(text: str) -> str:
    from graphdet.terminal import clean

    return clean(text)
