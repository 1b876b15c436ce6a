"""A proposal → the text of a settings file, with the reason beside each line."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from graphdet.printable import printable, shown_name
from graphdet.proposing.guessing import WEB_LOG, Guess, Proposal
from graphdet.schema import ACTIONS, EVENT_COLUMN
from graphdet.settings import LogSettings

WIDTH = 44  # columns before a comment


def proposal_as_toml(proposal: Proposal, logs: Sequence[str], command: str = "graphdet init", folder: Path = Path()) -> str:
    """A settings file that `load_settings` reads.

    Args:
        logs: as they were named, for the comments.
        command: that made it.
        folder: where it is to lie; paths in it start there.
    """
    named = printable(" ".join(logs))
    head = [
        *_comment(f"Proposed by `{command} {named}` from the first rows of each file. Every line is yours to change:"),
        *_comment(f"`graphdet check {named}` says what becomes of the log with it, `graphdet settings` what else can be set."),
    ]
    if proposal.layout is not None:
        head += _comment(f"The layout is that of {proposal.layout.title}. {proposal.layout.told}")
    columns = [] if proposal.preset else [*_columns(proposal), *_actions(proposal)]
    return "\n".join([*head, "", "[log]", *_scalars(proposal), *_skipped(proposal, folder), *_tables(proposal, folder), *columns]) + "\n"


def _scalars(proposal: Proposal) -> Iterator[str]:
    if proposal.preset:
        yield _line(f"preset = {_quoted(proposal.preset)}", WEB_LOG)
        yield "# Who is logged in is the user, with the address as IP; anybody else is their address. Requests that failed are no events."
        return
    if proposal.timezone:
        yield f"timezone = {_quoted(proposal.timezone)}"
    else:
        yield '# timezone = "UTC"  # where times that carry no zone were written down, such as "+08:00" or "Europe/Paris"'
    if proposal.constants:
        pairs = ", ".join(f"{name} = {_quoted(value)}" for name, value in proposal.constants.items())
        yield f"constants = {{ {pairs} }}"
    elif "action" not in {guess.ours for guess in proposal.mapped} | set(proposal.own):
        yield '# constants = { action = "order" }  # what every row is, if no column says it'
    if proposal.names and "names" in LogSettings.model_fields:
        yield "# The first row seems to be data; these are the columns' names in their order."
        yield f"names = [{', '.join(map(_quoted, proposal.names))}]"
    elif proposal.names:
        yield f"# The first row seems to be data. Put a line of names before it: {printable(','.join(proposal.names))}"


def _skipped(proposal: Proposal, folder: Path) -> Iterator[str]:
    if proposal.skipped:
        yield "# No logs of their own; take one out of the list to have it read."
        yield "skip = ["
        why = {file.path: file.why for file in proposal.files}
        yield from (_line(f"    {_quoted(_beside(path, folder))},", why[path]) for path in proposal.skipped)
        yield "]"


def _tables(proposal: Proposal, folder: Path) -> Iterator[str]:
    if not proposal.joins and not proposal.unjoined:
        return
    yield ""
    yield from _comment(
        "Tables whose columns the rows of the log get, one after the other: the table's file = the column that both have, or "
        "\"the log's = the table's\". Each row finds one row, or none, so that the log's rows stay as many."
    )
    yield "[log.join]"
    for join in proposal.joins:
        yield _line(f"{_quoted(_beside(join.table, folder))} = {_quoted(join.key)}", join.reason)
    for join in proposal.unjoined:
        yield _line(f"# {_quoted(_beside(join.table, folder))} = {_quoted(join.key)}", join.reason)


def _beside(path: str, folder: Path) -> str:
    """A path as it reads from the settings file's folder."""
    here = Path(os.path.relpath(folder))
    return path if Path(path).is_absolute() or here == Path() else os.path.relpath(path, folder)


def _columns(proposal: Proposal) -> Iterator[str]:
    yield ""
    yield from _comment(f"Their column = ours. Ours are {', '.join(EVENT_COLUMN)}.")
    yield "[log.columns]"
    for guess in proposal.mapped:
        if not (proposal.names and guess.theirs == guess.ours):
            yield _line(f"{_quoted(guess.theirs)} = {_quoted(guess.ours)}", guess.reason)
    if proposal.own and not proposal.names:
        yield f"# Ours by their name already: {printable(', '.join(proposal.own))}"
    for guess in proposal.unsure:
        yield _unsure(guess)
    if proposal.unused:
        yield f"# Not used: {printable(', '.join(map(shown_name, proposal.unused[:40])))}{', …' if len(proposal.unused) > 40 else ''}"


def _unsure(guess: Guess) -> str:
    if not guess.ours:
        return f"# Look at {printable(guess.theirs)}: it {printable(guess.reason)}"
    return _line(f"# {_quoted(guess.theirs)} = {_quoted(guess.ours)}", f"not mapped, unsure: {guess.reason}")


def _actions(proposal: Proposal) -> Iterator[str]:
    if proposal.actions or proposal.kept:
        yield ""
        yield f"# Their action word = ours: {', '.join(ACTIONS)}."
        yield "[log.actions]"
        yield from (f"{_quoted(theirs)} = {_quoted(ours)}" for theirs, ours in proposal.actions.items())
    if proposal.kept:
        yield f"# Kept as they are: {printable(', '.join(proposal.kept[:20]))}{', …' if len(proposal.kept) > 20 else ''}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 118, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)


def _line(text: str, reason: str) -> str:
    return f"{text:<{WIDTH}}  # {printable(reason)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
