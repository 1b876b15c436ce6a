"""How a command is to speak: options that may stand anywhere on the command line, and are one and the same for all commands."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdet.progress import Progress

DEBUG = ("--debug",)
QUIET = ("-q", "--quiet")
VERBOSE = ("-v", "--verbose")


@dataclass
class Manner:
    """What was asked for; `read_manner` sets it before a command runs."""

    debug: bool = False
    quiet: bool = False
    verbose: bool = False


manner = Manner()


def read_manner(arguments: list[str]) -> list[str]:
    """The arguments without those that say how to speak; what stands after `--` is left alone."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before, after = arguments[:end], arguments[end:]
    manner.debug, manner.quiet, manner.verbose = (any(word in before for word in words) for words in (DEBUG, QUIET, VERBOSE))
    return [word for word in before if word not in (*DEBUG, *QUIET, *VERBOSE)] + after


def progress_here() -> Progress:
    """Where stages are shown: on stderr, or nowhere."""
    from graphdet.progress import Progress, progress_for

    return Progress() if manner.quiet else progress_for(sys.stderr)


def say(line: str) -> None:
    """One line about the work, on stderr; not for those who asked for quiet."""
    from graphdet.printable import printable

    if not manner.quiet:
        print(f"graphdet: {printable(line)}", file=sys.stderr)


def tell_done(line: str) -> None:
    """What was done, on stdout, where nothing else is asked for; not for those who asked for quiet."""
    if not manner.quiet:
        print(line)


def say_more(line: str) -> None:
    """One line for those who asked for more."""
    if manner.verbose:
        say(line)


def complain(line: str) -> None:
    """Why a command ends without what was asked for; always said, even where the terminal is gone."""
    from graphdet.printable import printable

    try:
        sys.stderr.write(f"graphdet: {printable(line)}\n")  # at once: the watcher of signals may end the process between two writes
        sys.stderr.flush()
    except OSError:
        os.close(2)
