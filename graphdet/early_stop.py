"""A signal before anything is begun → one line and 128 + its number, at once: nothing is there yet that would have to be cleared up."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # not from typing: what is imported here, Ctrl-C may come into
if TYPE_CHECKING:
    from types import FrameType, TracebackType

STOPS = ("SIGINT", "SIGTERM", "SIGHUP")
LINE = "stopped; nothing half-written is left."
SHOWN = f"graphdet: {LINE}\n".encode()
INTERRUPTED = 130


def stop_at_once() -> None:
    """Until somebody else takes them over, signals end the process where it is; one that is ignored (`nohup`) stays so."""
    sys.excepthook = _uncaught
    import signal  # takes longer than all else before the program, which is why Ctrl-C is awaited first

    for name in STOPS:
        if signal.getsignal(signal.Signals[name]) != signal.SIG_IGN:
            signal.signal(signal.Signals[name], _heard)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        _end(INTERRUPTED)
    sys.__excepthook__(kind, error, trace)


def _heard(number: int, frame: FrameType | None) -> None:
    _end(128 + number)


def _end(code: int) -> None:
    try:
        os.write(2, SHOWN)
    finally:  # also where nobody reads it
        os._exit(code)
