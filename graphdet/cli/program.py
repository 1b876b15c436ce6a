"""The program: all commands under their headings, the options that stand before them, and `help` as a word."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from graphdet import __version__
from graphdet.cli import (
    HARMLESS,
    alert_commands,
    case_commands,
    caseload,
    compare,
    console_commands,
    daily,
    database,
    detect,
    findings,
    first,
    learn,
    look,
    markets,
    streaming,
)
from graphdet.cli.listing import Listed
from graphdet.cli.manner import DEBUG, QUIET, VERBOSE, complain
from graphdet.cli.mistyped import Mistyped, mistyped_line

WORD = "help"


class Commands(Listed):
    """All commands under their headings."""

    def headed(self) -> dict[str, list[str]]:
        return HEADED


app = typer.Typer(
    cls=Commands,
    help="Finds organised fraud rings in shop and marketplace logs.",
    epilog=f"`graphdet {WORD} COMMAND` tells more of one. New here? `graphdet demo` shows all of it on a made log.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
HEADED: dict[str, list[str]] = {}


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    quiet: Annotated[bool, typer.Option(*QUIET, help="Say nothing but what is asked for and what is wrong; may stand anywhere.")] = False,
    verbose: Annotated[bool, typer.Option(*VERBOSE, help="Say which files, settings and machine are used; may stand anywhere.")] = False,
    debug: Annotated[bool, typer.Option(*DEBUG, help="Show the traceback of an unexpected error; may stand anywhere.")] = False,
) -> None:
    """Options that stand before the command; `read_manner` has taken the last three out already, wherever they stood."""


COMMANDS = (
    *(first, detect, look, findings, compare, daily, case_commands, caseload),
    *(console_commands, streaming, alert_commands, learn, database, markets),
)
for commands in COMMANDS:
    before = len(app.registered_commands), len(app.registered_groups)
    commands.register(app)
    names = [one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands[before[0] :]]
    names += [str(group.name) for group in app.registered_groups[before[1] :]]
    HEADED.setdefault(commands.HEADING, []).extend(names)


def run_program(arguments: list[str]) -> int:
    """Parse and run; the exit code. What a command itself complains of is raised.

    Raises:
        GraphdetError: what the user can mend.
    """
    if arguments[:1] == [WORD]:
        arguments = [*(word for word in arguments if word != WORD), "--help"]
    if arguments and not HARMLESS & set(arguments):
        _leave_pandas_aside()
    try:
        try:
            return app(arguments, prog_name="graphdet", standalone_mode=False) or 0
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                raise end.__context__ from None
            return int(end.code or 0)
        except Mistyped as error:
            if str(error).startswith("Usage:"):  # nothing was typed after the name of a group
                print(error, file=sys.stderr)
            else:
                complain(mistyped_line(error))
            return 2
        except typer.Abort as answer:
            if not isinstance(answer.__context__, KeyboardInterrupt):  # which says its own line
                complain("this was not answered with yes; nothing was done.")
            return 2
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough
        _forget_stdout()
    return 0


def _leave_pandas_aside() -> None:
    """Arrow imports pandas with the first array that it makes, a third of a second, to ask whether it is given one of pandas'.

    No command gives it one. Once it was told that there is no pandas it asks no more; what makes a pandas table of its own still can.
    """
    try:
        if "pandas" in sys.modules or find_spec("pandas") is None:
            return
    except ModuleNotFoundError:  # of a finder that hides it
        return
    import pyarrow as pa

    places, sys.path = sys.path, []
    try:
        pa.array([])
    finally:
        sys.path = places


def _forget_stdout() -> None:
    """So that what is still buffered goes nowhere, and nothing is said of it at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
