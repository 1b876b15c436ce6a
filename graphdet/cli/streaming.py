"""Rings while they form: watch."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.manner import manner, say
from graphdet.cli.shared import Lang, SettingsFile, Threads, Wanted, choose_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphdet.watch.chunks import Source
    from graphdet.watch.state import State

HEADING = "Follow a shop"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(watch)


def watch(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder, - for standard input, or kafka://HOST:PORT/TOPIC.")],
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Where the window and all that is known is kept; made if absent.")
    ] = Path("graphdet-watch"),
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", envvar="GRAPHDET_HOME", help="A home folder, whose verdicts and suppressions apply at once."),
    ] = None,
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="The window: so many days, such as 30d or 8w; older goes.")] = "30d",
    lateness: Annotated[
        str, typer.Option(metavar="TIME", help="Events so far behind the others are taken; later ones are put aside.")
    ] = "1d",
    idle: Annotated[str, typer.Option(metavar="TIME", help="What is silent for so long is finished, and holds up nothing.")] = "60s",
    every: Annotated[str, typer.Option(metavar="TIME", help="From step to step; while more is waiting they follow at once.")] = "2s",
    look: Annotated[str, typer.Option(metavar="TIME", help="From look to look, in the events' own time.")] = "5m",
    client: Annotated[
        Path | None, typer.Option("--client", metavar="FILE", help="Settings of the Kafka client (SASL, TLS), as in client.properties.")
    ] = None,
    serve: Annotated[str, typer.Option("--serve", metavar="HOST:PORT", help="Answer there: scores, /healthz and /metrics.")] = "",
    once: Annotated[bool, typer.Option("--once", help="Take what is there, look, and end.")] = False,
    settings: SettingsFile = None,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each step, look and failed delivery.")] = False,
    language: Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")] = Lang.EN,
) -> None:
    """Follow a shop's events as they come, keep the window, and tell of rings while they form.

    Ctrl-C stops; the next one goes on from there.
    """
    from graphdet.alerts.deliver import delivering
    from graphdet.errors import SettingsError
    from graphdet.progress import share_heaps
    from graphdet.terminal.watch_screen import all_told, witness_for
    from graphdet.watch.state import FILE, open_state
    from graphdet.watch.stepping import Bounds
    from graphdet.watch.watching import Watch

    folder = Path(source)
    logs = [] if source == "-" or "://" in source else [folder]
    chosen = choose_settings(settings, logs, Wanted(threads))
    if chosen.log.since or chosen.log.until:
        raise SettingsError("[log] since and until are what --keep is for; leave them out for `graphdet watch`.")
    days, rest = divmod(as_seconds("--keep", keep), 86_400)
    if rest or not days:
        raise SettingsError(f"--keep {keep!r} must be whole days, such as 30d or 8w: the window begins with a day.")
    bounds = Bounds(int(days), round(as_seconds("--lateness", lateness) * 1e6), as_seconds("--idle", idle))
    seconds, spacing = as_seconds("--every", every), round(as_seconds("--look", look) * 1e6)
    share_heaps()
    with _source(source, bounds.idle, client, (*chosen.log.join, *chosen.log.skip)) as followed, open_state(state) as kept:
        witness = witness_for(sys.stdout, sys.stderr, as_json=as_json, quiet=manner.quiet, language=language.value)
        newest = partial(_newest, kept)
        sending = delivering(state / FILE, chosen.alerts, str(settings or "settings"), newest)
        with _door(state, serve), all_told(witness), sending as couriers:
            Watch(kept, followed, chosen, bounds, seconds, spacing, home, witness, couriers.wake).run(once=once)


@contextmanager
def _door(state: Path, place: str) -> Iterator[None]:
    """Answer at a place for as long as the block lasts; nowhere where none is named."""
    if not place:
        yield
        return
    from graphdet.answering.serving_answers import answering

    with answering(state, place) as door:
        say(f"answers at {door.address}")
        yield


def _newest(state: State) -> Path | None:
    """The folder of the newest run."""
    from graphdet.watch.state import RUNS

    return state.folder / RUNS / state.meta["run"] if state.meta["run"] else None


def as_seconds(option: str, text: str) -> float:
    """A length of time as options tell it.

    Raises:
        SettingsError: it is none.
    """
    from graphdet.errors import SettingsError

    found = re.fullmatch(r"\s*(\d{1,6})\s*([smhdw])\s*", text)
    if found is None or not int(found[1]):
        raise SettingsError(f"{option} {text!r} is no time; write seconds, minutes, hours, days or weeks, such as 2s, 5m, 36h, 30d or 8w.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])}).total_seconds()


@contextmanager
def _source(named: str, idle: float, client: Path | None, left_out: Sequence[str]) -> Iterator[Source]:
    from graphdet.errors import SettingsError
    from graphdet.watch.folder_source import FolderSource
    from graphdet.watch.kafka_source import KafkaSource, client_settings
    from graphdet.watch.pipe_source import PipeSource

    if client is not None and not named.startswith("kafka://"):
        raise SettingsError("--client is of Kafka's client; name a source such as kafka://HOST:PORT/TOPIC, or leave it out.")
    found: Source
    if named == "-":
        found = PipeSource(sys.stdin.buffer)
    elif named.startswith("kafka://"):
        found = KafkaSource(named, client_settings(client) if client else {}, str(client or "settings"))
    else:
        found = FolderSource(Path(named), idle, left_out)
    try:
        yield found
    finally:
        found.close()
