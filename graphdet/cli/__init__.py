"""Arguments → the library, and what it says → the terminal. Thin: heavy imports stay inside the commands, so that --help is instant.

Data goes to stdout, progress and complaints to stderr; `--json` puts one JSON document on stdout and nothing else.
"""

from __future__ import annotations

import gc
import sys

from graphdet.cli.stopping import Stopping, stoppable
from graphdet.early_stop import INTERRUPTED, LINE

HARMLESS = {"-h", "--help", "help", "-V", "--version"}  # what needs next to no memory
AT_ONCE = 100_000  # objects made before Python looks for cycles among them; nearly all stay, and each look goes through many


def main() -> None:
    """The console script. Exit codes: 0 done, 1 a fault in graphdet, 2 something the user can mend, 130 Ctrl-C, 143 SIGTERM."""
    gc.set_threshold(AT_ONCE)
    stopping = Stopping()
    try:
        with stoppable(stopping):  # before anything else is imported: signals come when they like, and while they begin to be heard, too
            code = _outcome(sys.argv[1:])
    except BaseException:
        if not stopping.signal:
            raise
        code = stopping.code
    if code and (stopping.signal or code == INTERRUPTED):  # the latter of a command that caught Ctrl-C itself
        code = _stop(stopping)
    if "duckdb" not in sys.modules:  # which tells on stderr of every object that it finds alive at the end
        gc.freeze()  # what is left goes with the process: Python need not look through all of it once more
    sys.exit(code)


def _stop(stopping: Stopping) -> int:
    """Clear up what an interrupted library may have held on to, and say that it is done."""
    from graphdet.cli.manner import complain
    from graphdet.scratch import clear_scratch

    clear_scratch()
    stopping.tell(lambda: complain(LINE))
    return stopping.code if stopping.signal else INTERRUPTED


def _outcome(arguments: list[str]) -> int:
    """Run the command, and tell in one line why it failed, if it did."""
    from graphdet.cli.manner import complain, manner, read_manner
    from graphdet.errors import GraphdetError
    from graphdet.shortage import shortage, too_low_a_limit

    arguments = read_manner(arguments)
    lack = "" if set(arguments) & HARMLESS or not arguments else too_low_a_limit()
    if lack:
        complain(lack)
        return 2
    try:
        from graphdet.cli.program import run_program

        return run_program(arguments)
    except GraphdetError as error:
        complain(str(error))
        return 2
    except ModuleNotFoundError as error:
        from graphdet.extras import missing_extra

        missing = missing_extra(error)
        if missing is None or manner.debug:
            raise
        complain(str(missing))
        return 2
    except Exception as error:
        if manner.debug:
            raise
        lack = shortage(error)
        if lack:
            complain(lack)
            return 2
        if isinstance(error, OSError) and error.filename is not None and error.strerror:
            complain(f"{error.filename}: {error.strerror}.")
            return 2
        complain(f"unexpected {type(error).__name__}: {error}. Please report it, with what --debug adds to the same command.")
        return 1
