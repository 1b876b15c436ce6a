"""What the commands share: arguments of one meaning, settings from a file and the command line, and JSON for machines."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet import __version__
from graphdet.cli.manner import manner, say, say_more

if TYPE_CHECKING:
    from graphdet.events import EventTable
    from graphdet.progress import Progress
    from graphdet.settings import Settings


class Tier(StrEnum):
    """Tiers of rings, for the command line; a test holds them to `schema.TIERS`."""

    ALERT = "alert"
    REVIEW = "review"
    EXPLAINED = "explained"


class UseName(StrEnum):
    """What rings may be for, for the command line; a test holds them to `words.use_words.USES`."""

    BRUSHING = "brushing"
    FAKE_REVIEWS = "fake_reviews"
    MALICIOUS_REVIEWS = "malicious_reviews"
    ACCOUNT_TAKEOVER = "account_takeover"
    PAYMENT_FRAUD = "payment_fraud"
    REFUND_ABUSE = "refund_abuse"
    COUPON_ABUSE = "coupon_abuse"
    CLICK_FARMING = "click_farming"


class Lang(StrEnum):
    """Languages of words for people; a test holds them to `words.reasons.LANGUAGES`."""

    EN = "en"
    ZH = "zh"


ByUse = Annotated[
    list[UseName] | None, typer.Option("--use", help="Only rings that seem to be for this (docs/uses.md); may be given more than once.")
]
Language = Annotated[Lang, typer.Option("--lang", help="Words in English or Chinese.")]
SETTINGS_NAME = "graphdet.toml"
MOST_THREADS, HIGHEST_SEED = 1024, 2**32 - 1  # as in settings.py, which is slow to import; a test compares

Logs = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOGS",
        help="Log files, folders of them, or a table as postgres://host/shop#orders: CSV, JSON, Parquet, workbooks …; squeezed or not.",
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE", help=f"TOML file; else {SETTINGS_NAME} in this folder or beside the log. `graphdet init` writes one."
    ),
]
Threads = Annotated[
    int | None, typer.Option(min=0, max=MOST_THREADS, metavar="N", help="Threads; 0 = all cores. The results do not depend on it.")
]
Seed = Annotated[int | None, typer.Option(min=0, max=HIGHEST_SEED, metavar="N", help="Seed of the permutations.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only events from this date or time on, such as 2025-03-01.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only events up to this date, or before this time.")]
Sample = Annotated[
    float | None, typer.Option("--sample", metavar="SHARE", help="Only such a share of users (0.1), with all they did. It thins rings.")
]
Home = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="Home folder, with the casebook: what is discounted there counts for nothing.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")]


@dataclass(frozen=True)
class Wanted:
    """What the command line says otherwise than the settings; None = nothing."""

    threads: int | None = None
    seed: int | None = None
    since: str | None = None
    until: str | None = None
    sample: float | None = None

    def sections(self) -> dict[str, dict[str, object]]:
        """The same as tables of a settings file."""
        named: dict[str, dict[str, object]] = {
            "": {"seed": self.seed},
            "machine": {"threads": self.threads},
            "log": {"since": self.since, "until": self.until, "sample": self.sample},
        }
        return {section: {name: value for name, value in own.items() if value is not None} for section, own in named.items()}


def choose_settings(path: Path | None, logs: Sequence[Path] = (), wanted: Wanted | None = None) -> Settings:
    """The settings file's, but for what the command line says otherwise; without `path`, a file that lies where the work is.

    Raises:
        SettingsError: a setting that cannot be used, in the file or on the command line.
    """
    from graphdet.errors import SettingsError
    from graphdet.settings import Settings, load_settings, parse_section

    for option, given in (("--since", wanted.since), ("--until", wanted.until)) if wanted else ():
        if given is not None and not given.strip():
            raise SettingsError(f'{option} "": no date or time; write one such as 2025-03-01 or "2025-03-01 18:30", or leave it out.')
    found = path or settings_lying_about(logs)
    chosen = load_settings(found)
    if found is not None and path is None:
        say(f"settings from {found} (--settings names another; /dev/null for none)")
    for section, own in (wanted or Wanted()).sections().items():
        if own and section:
            group = getattr(chosen, section)
            table = {**group.model_dump(mode="json"), **own}
            chosen = chosen.model_copy(update={section: parse_section(type(group), table, f"command line, [{section}]")})
        elif own:
            chosen = chosen.model_copy(update=own)
    _tell_what_is_used(chosen, Settings())
    return chosen


def settings_lying_about(logs: Sequence[Path]) -> Path | None:
    """The settings file in the working folder, else beside the first log that has one."""
    places = [Path(), *(log if os.path.isdir(log) else log.parent for log in logs)]  # noqa: PTH112 - Path.is_dir raises where it may not look
    files = [path for path in dict.fromkeys(place / SETTINGS_NAME for place in places) if os.path.isfile(path)]  # noqa: PTH113
    for path in files[1:]:
        if not path.samefile(files[0]):
            say(f"{path} is left aside, since there is {files[0]}")
    return files[0] if files else None


def _tell_what_is_used(chosen: Settings, defaults: Settings) -> None:
    """For those who asked for more: what works here, and each setting that is not the default."""
    if not manner.verbose:
        return
    from graphdet.schema.wording import numbered

    threads = numbered(chosen.machine.workers, "thread", "threads")
    say_more(f"graphdet {__version__}, Python {platform.python_version()}, {threads}, seed {chosen.seed}")
    usual = defaults.model_dump(mode="json")
    for section, own in chosen.model_dump(mode="json").items():
        for name, value in own.items() if isinstance(own, dict) else ((section, own),):
            if value != (usual[section][name] if isinstance(own, dict) else usual[section]):
                say_more(f"setting {f'[{section}] ' if isinstance(own, dict) else ''}{name} = {value!r}")


def follower(progress: Progress) -> Callable[[str, int, int | None], None]:
    """Tells the open stage of the rows that the reader has done; the reader tells their sum so far."""
    reported = 0

    def follow(stage: str, rows: int, total: int | None) -> None:
        nonlocal reported
        progress.advance(max(rows - reported, 0))
        reported = max(rows, reported)

    return follow


def read_logs(logs: list[Path], settings: Settings, progress: Progress) -> EventTable:
    """The events of log files, as a stage."""
    from graphdet.events import read_events
    from graphdet.spilling import spill_arrays

    spill_arrays(settings.machine)
    with progress.stage("read logs"):
        return read_events(logs, settings.log, settings.machine, follower(progress))


def print_json(document: object) -> None:
    """On stdout, with nothing in it that controls a screen."""
    from graphdet.printable import as_json

    print(as_json(document))
