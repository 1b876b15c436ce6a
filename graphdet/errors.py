"""Every error a user can meet, as one tree. Each message says what, where, the value found, and the next step.

GraphdetError                exit code 2: the user can mend it
├── SettingsError            a settings file that cannot be used
│   └── UnknownSetting       a key that does not exist, with the nearest that does
├── LogError                 logs that cannot be read as events
│   ├── UnreadableFile       missing, truncated, not of its kind
│   ├── MissingColumn        a required column is in none of the columns found
│   ├── AmbiguousColumn      a column whose values, or whose name, can be read in two ways
│   └── EmptyLog             nothing was accepted
├── RunError                 run folders
│   ├── RunExists            the output folder already holds a run (or anything else)
│   ├── NotARun              the folder is no complete run
│   └── UnknownRing          no ring of that id in the run
├── ConsoleError             the console cannot be served as asked
├── StoreError               something between a run and a graph database
│   ├── ServerError          no server, or one that cannot be used as it is
│   └── PushRefused          a write that would do harm, or that another one is in the way of
├── ModelError               learning, and models that were saved
│   ├── BadNumbers           a feature or the loss is no finite number
│   ├── NotAModel            the file is no model, is damaged, or is of a newer graphdet
│   ├── ModelMismatch        a model of other features
│   └── LabelError           labels that cannot be read or learned from
├── CaseError                a casebook, or a word that it cannot take
│   ├── NotACasebook         there is none, or the file is another program's, damaged, or of a newer graphdet
│   └── UnknownCase          no case, suppression or member of that name
├── AlertError               alerts cannot be sent as the settings say, or there is no outbox
│   └── NoScores             a watch's state holds no scores yet
├── WatchError               a stream that cannot be followed as asked, or its state
├── MarketError              a market that cannot be simulated as asked
│   └── NotAMarket           the folder holds no truth tables
├── NoScratch                no folder for temporary files can be written to
└── MissingExtra             a package that only some jobs need is not installed
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from graphdet.printable import printable


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean X?' for the closest known name, or '' where none is close."""
    match = nearest_of(name, known)
    return f"; did you mean '{match}'?" if match else ""


def nearest_of(name: str, known: Iterable[str], close: float = 0.6) -> str:
    """The closest known name, or '' where none is as close as that."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=close)), "")


class GraphdetError(Exception):
    """Base of all errors that a user can mend. The CLI prints the message alone and exits with 2; it is one line, whatever a file holds."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class SettingsError(GraphdetError):
    """A settings file that cannot be used."""


class UnknownSetting(SettingsError):
    """A key that no setting has."""

    def __init__(self, where: str, section: str, name: str, known: Iterable[tuple[str, str]], *, table: bool = False) -> None:
        """`known`: (section, name) of every setting. One of another section is looked for where this one has none that is like it; what
        stands there as a section (`table`) is likened to sections."""
        every = list(known)
        if table and not section:
            super().__init__(f"{where}: {_no_section(name, every)} `graphdet settings` lists all of them.")
            return
        # A setting of a section may be looked for by its old name, which began with the section's: `item_cap` is [view.item] cap.
        elsewhere = {f"{of.rpartition('.')[2]}_{own}": f"[{of}] {own}" for of, own in every if of}
        elsewhere |= {own: f"[{of}] {own}" for of, own in every if of and of != section}
        hint = nearest(name, [own for of, own in every if of == section])
        if name in elsewhere or not hint:
            inside = sorted((own for own in elsewhere if name in own), key=len)  # zone is in timezone
            match = next(iter(inside), "") or nearest_of(name, elsewhere, 0.75)  # what is far away should be much like it
            hint = f"; did you mean {elsewhere[match]}?" if match else ""
        place = f"[{section}] has" if section else "there is"
        super().__init__(f"{where}: {place} no setting '{name}'{hint or '.'} `graphdet settings` lists all of them.")


def _no_section(name: str, every: Iterable[tuple[str, str]]) -> str:
    """That there is no such section, and the nearest, or those that there are."""
    sections = sorted({of for of, _ in every if of}, reverse=True)
    by_end = {one.rpartition(".")[2]: one for one in sections}
    match = nearest_of(name, by_end, 0.75)
    first = sorted({one.partition(".")[0] for one in sections})
    hint = f"did you mean [{by_end[match]}]?" if match else f"there are {', '.join(f'[{one}]' for one in first)}."
    return f"there is no section [{name}]; {hint}"


class LogError(GraphdetError):
    """Logs that cannot be read as events."""


class UnreadableFile(LogError):
    """A file that cannot be read at all."""


class MissingColumn(LogError):
    """A required column is in none of the columns found."""


class AmbiguousColumn(LogError):
    """A column whose values, or whose name, can be read in two ways."""


class EmptyLog(LogError):
    """No event was accepted."""


class RunError(GraphdetError):
    """Something about a run folder."""


class RunExists(RunError):
    """The output folder already holds something."""


class NotARun(RunError):
    """The folder is not a complete run."""


class UnknownRing(RunError):
    """No ring of that id in the run."""


class ConsoleError(GraphdetError):
    """The console cannot be served as asked."""


class StoreError(GraphdetError):
    """Something between a run and a graph database."""


class ServerError(StoreError):
    """No server, or one that cannot be used as it is."""


class PushRefused(StoreError):
    """A write that would do harm, or that another one is in the way of."""


class ModelError(GraphdetError):
    """Learning, and models that were saved."""


class BadNumbers(ModelError):
    """A feature or the loss is no finite number."""

    def __init__(self, stage: str, column: str) -> None:
        super().__init__(f"{stage}: {column} holds what is no finite number; look for broken values in the log's columns behind it.")


class NotAModel(ModelError):
    """The file is no model, is damaged, or is of a newer graphdet."""


class ModelMismatch(ModelError):
    """A model of other features than this graphdet measures."""


class LabelError(ModelError):
    """Labels that cannot be read or learned from."""


class CaseError(GraphdetError):
    """A casebook, or a word that it cannot take."""


class NotACasebook(CaseError):
    """There is none, or the file is another program's, damaged, or of a newer graphdet."""


class UnknownCase(CaseError):
    """No case, suppression or member of that name."""


class AlertError(GraphdetError):
    """Alerts cannot be sent as the settings say, or there is no outbox."""


class NoScores(AlertError):
    """A watch's state holds no scores yet."""


class WatchError(GraphdetError):
    """A stream that cannot be followed as asked, or its state."""


class MarketError(GraphdetError):
    """A market that cannot be simulated as asked."""


class NotAMarket(MarketError):
    """The folder holds no truth tables."""


class NoScratch(GraphdetError):
    """No folder for temporary files can be written to."""


class MissingExtra(GraphdetError):
    """A package that only some jobs need is not installed."""

    def __init__(self, job: str, package: str, extra: str) -> None:
        super().__init__(f"{job} needs {package}, which is not installed: pip install 'graphdet[{extra}]'")
