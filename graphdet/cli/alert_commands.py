"""What a watch knows, how its days drift, and what became of its alerts: score, drift, alerts list, resend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.listing import Listed
from graphdet.cli.manner import tell_done
from graphdet.cli.score_command import score
from graphdet.cli.shared import AsJson, Lang, print_json

if TYPE_CHECKING:
    import sqlite3

HEADING = "Follow a shop"
OUTBOX = "watch.sqlite"
Place = Annotated[Path, typer.Argument(metavar="STATE", help="The folder with the watch's state.")]
Sink = Annotated[str | None, typer.Option("--sink", metavar="NAME", help="Only those of this sink.")]
Language = Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")]


class DeliveryState(StrEnum):
    """States of deliveries, for the command line; a test holds them to `alerts.outbox.STATES`."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


alerts = typer.Typer(
    cls=Listed,
    help="See what became of alerts: who has them, who waits for them, and what was given up on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(score)
    app.command()(drift)
    app.add_typer(alerts, name="alerts")


def drift(state: Place, lang: Language = Lang.EN, as_json: AsJson = False) -> None:
    """Tell how far the last whole day is from the days before: features, unknown values, events a minute, hubs, scores, alerts."""
    from dataclasses import asdict

    from graphdet.drift.measuring import day_name, load_days, load_drift

    with _opened(state) as connection:
        day, found = load_drift(connection)
        before = len(load_days(connection)) - 1 if day is not None else 0
    if as_json:
        print_json({"day": None if day is None else day_name(day), "days_before": before, "measures": [asdict(one) for one in found]})
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.alert_screen import show_drift

    show_drift(console_for(), None if day is None else day_name(day), before, found, lang.value)


@alerts.command("list")
def list_alerts(
    state: Place,
    only: Annotated[list[DeliveryState] | None, typer.Option("--state", help="Only in this state; may be given more than once.")] = None,
    sink: Sink = None,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
) -> None:
    """List alerts with each sink that they go to: waiting, delivered, or dead, with the last failure."""
    from dataclasses import asdict

    from graphdet.alerts.outbox import STATES, list_deliveries
    from graphdet.words.failure_words import failure_in_words

    with _opened(state) as connection:
        _check_sink(connection, state, sink)
        found = list_deliveries(connection, [one for one in STATES if not only or one in only], sink)
    if as_json:
        told = [{**asdict(one), "why": failure_in_words(one.failure, lang.value)} for one in found]
        print_json([{name: value for name, value in one.items() if name != "failure"} for one in told])
        return
    from graphdet.terminal import console_for
    from graphdet.terminal.alert_screen import show_deliveries

    show_deliveries(console_for(), found, lang.value)


@alerts.command()
def resend(
    state: Place,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="ALERT", help="Keys of alerts; else all dead letters.", show_default=False)
    ] = None,
    sink: Sink = None,
    lang: Language = Lang.EN,
) -> None:
    """Send dead letters again, or named alerts whatever became of them; receivers know a repeat by its key. The watch sends them."""
    from graphdet.alerts.outbox import list_deliveries
    from graphdet.alerts.outbox import resend as wait_anew
    from graphdet.errors import AlertError, nearest
    from graphdet.words.alert_words import alert_words

    with _opened(state) as connection:
        _check_sink(connection, state, sink)
        every = list_deliveries(connection, sink=sink)
        known = {one.key for one in every}
        for key in keys or ():
            if key not in known:
                raise AlertError(f"{state}: there is no alert '{key}'{nearest(key, known) or '.'} `graphdet alerts list` has all.")
        sent = wait_anew(connection, [one for one in every if (one.key in keys if keys else one.state == "dead")])
    tell_done(alert_words("sent_again", lang.value, count=sent))


def _check_sink(connection: sqlite3.Connection, state: Path, sink: str | None) -> None:
    from graphdet.alerts.outbox import known_sinks
    from graphdet.errors import AlertError, nearest

    known = known_sinks(connection)
    if sink is not None and sink not in known:
        there = f"There are: {', '.join(known)}." if known else "There are none: name them in [alerts.sinks] of the watch's settings."
        raise AlertError(f"{state}: no sink is called '{sink}'{nearest(sink, known) or '.'} {there}")


@contextlib.contextmanager
def _opened(state: Path) -> Iterator[sqlite3.Connection]:
    """A connection for a block in which all of it happens or nothing."""
    from graphdet.alerts.deliver import connect

    with contextlib.closing(connect(state / OUTBOX)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
