"""The first step with logs of one's own: init."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphdet.cli.manner import manner, progress_here
from graphdet.cli.shared import SETTINGS_NAME, AsJson, print_json

if TYPE_CHECKING:
    from graphdet.proposing import Layout, Proposal

HEADING = "Find rings"
LIST = "list"
WHAT = {"user_id": "the user", "item_id": "what the user touched"}  # of which a log needs both


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(init)


def init(
    logs: Annotated[list[Path] | None, typer.Argument(metavar="LOGS", help="Log files or folders of them.", show_default=False)] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The settings file to write; must not exist.")] = Path(SETTINGS_NAME),
    layout: Annotated[
        str | None, typer.Option("--layout", metavar="NAME", help=f"The well-known layout that the logs have; `{LIST}` names them all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; without a terminal nothing is asked anyway.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at logs, propose which of their columns is which of ours, and write a settings file with the reasons."""
    from graphdet.errors import EmptyLog, SettingsError
    from graphdet.proposing import LAYOUTS, look_at_files, proposal_as_toml, propose
    from graphdet.settings import MachineSettings

    if layout == LIST:
        for one in LAYOUTS:
            print(f"{one.name:<21}  {one.title}")
        return
    if not logs:
        raise EmptyLog("no log files were named; give at least one file or folder, or --layout list.")
    known = _layout_named(layout)
    if out.exists():
        raise SettingsError(f"{out}: exists already; change it, remove it, or choose another --out.")
    with progress_here().stage("look at logs"):
        looks = look_at_files(logs, MachineSettings())
    if not looks:
        raise EmptyLog(f"{', '.join(map(str, logs[:3]))}: the files are empty; name a log with at least one row.")
    proposal = propose(looks, known)
    named = [str(path) for path in logs]
    if as_json:
        print_json(_as_dict(proposal))
    elif not manner.quiet:
        from graphdet.terminal import console_for
        from graphdet.terminal.proposed import show_proposal

        show_proposal(console_for(), proposal)
    if sys.stdin.isatty() and sys.stdout.isatty() and not yes:
        proposal = _asked(proposal, out)
    _write(out, proposal_as_toml(proposal, named, folder=out.parent))
    if not as_json and not manner.quiet:
        _say_next(proposal, out, named)


def _layout_named(name: str | None) -> Layout | None:
    from graphdet.errors import SettingsError, nearest
    from graphdet.proposing.layouts import LAYOUT

    if name is not None and name not in LAYOUT:
        raise SettingsError(f"--layout: there is no '{name}'{nearest(name, LAYOUT) or '.'} `graphdet init --layout {LIST}` names them all.")
    return LAYOUT[name] if name is not None else None


def _asked(proposal: Proposal, out: Path) -> Proposal:
    """The proposal, changed as the user says; Ctrl-C leaves everything as it was."""
    from graphdet.terminal import clean

    for guess in proposal.unsure:
        if guess.ours and guess.ours not in {other.ours for other in proposal.mapped}:
            question = f"Is {clean(guess.theirs, 60)} the {guess.ours}? ({clean(guess.reason)})"
            if typer.confirm(question, default=False, err=True):
                proposal = proposal.with_column(guess.theirs, guess.ours, "as you said")
    names = [name for name in (*proposal.unused, *(guess.theirs for guess in (*proposal.mapped, *proposal.unsure))) if name]
    while lacking := proposal.lacking:
        answer = typer.prompt(
            f"Which column names {WHAT[lacking[0]]}? ({', '.join(clean(name, 40) for name in names[:30])})", default="", err=True
        )
        if not answer:
            break
        if answer in names:
            proposal = proposal.with_column(answer, lacking[0], "as you said")
    typer.confirm(f"Write {out}?", default=True, abort=True, err=True)
    return proposal


def _write(out: Path, text: str) -> None:
    from graphdet.errors import SettingsError
    from graphdet.whole import whole_file, why

    try:
        with whole_file(out) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{out}: cannot be written ({why(error)}); choose another --out.") from None


def _say_next(proposal: Proposal, out: Path, logs: list[str]) -> None:
    """Where the file is, and which commands come next; what is no log is left out by the file itself."""
    from graphdet.terminal import clean, lines_of_steps

    print(f"\nWrote {clean(out)}. Every line of it has its reason; change what is wrong.")
    if lacking := proposal.lacking:
        what, ours = " or ".join(WHAT[name] for name in lacking), " and another to ".join(lacking)
        print(f"As it is nothing can be run: no column is known to name {what}. Map one to {ours} in it, then")
    named = " ".join(clean(shlex.quote(path)) for path in logs)
    settings = "" if out == Path(SETTINGS_NAME) else f" --settings {clean(shlex.quote(str(out)))}"
    check, run = f"graphdet check {named}{settings}", f"graphdet run {named}{settings} --out out/first"
    print("\n".join(lines_of_steps([(check, "what becomes of the log with it"), (run, "finds rings")])))


def _as_dict(proposal: Proposal) -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(proposal), "layout": proposal.layout.name if proposal.layout else None, "usable": list(proposal.usable)}
