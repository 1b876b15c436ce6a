"""Arguments → the library, and what it says → the terminal. Thin: heavy imports stay inside the commands, so that --help is instant.

Data goes to stdout, progress and complaints to stderr; `--json` puts one JSON document on stdout and nothing else.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from graphdet import __version__
from graphdet.cli import database, detect, learn, look, markets
from graphdet.errors import GraphdetError

DEBUG = "--debug"

app = typer.Typer(
    help="Finds organised fraud rings in shop and marketplace logs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an unexpected error; may stand anywhere.")] = False,
) -> None:
    """Options that stand before the command; `main` looks for --debug itself."""


for commands in (detect, learn, look, markets, database):
    commands.register(app)


def main() -> None:
    """The console script. Exit codes: 0 done, 1 a fault in graphdet, 2 something the user can mend, 130 stopped by Ctrl-C."""
    arguments = sys.argv[1:]
    try:
        app([argument for argument in arguments if argument != DEBUG], prog_name="graphdet")
    except GraphdetError as error:
        _complain(str(error))
        sys.exit(2)
    except SystemExit as end:
        if end.code == 130:
            _complain("stopped; nothing half-written is left.")
        raise
    except ModuleNotFoundError as error:
        from graphdet.extras import missing_extra

        missing = missing_extra(error)
        if missing is None or DEBUG in arguments:
            raise
        _complain(str(missing))
        sys.exit(2)
    except Exception as error:
        if DEBUG in arguments:
            raise
        _complain(f"unexpected {type(error).__name__}: {error}. Please report it, with what {DEBUG} adds to the same command.")
        sys.exit(1)


def _complain(message: str) -> None:
    from graphdet.terminal import clean

    print(f"graphdet: {clean(message)}", file=sys.stderr)
