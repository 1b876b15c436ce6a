"""Ctrl-C, SIGTERM and a closed terminal → one line, 128 + the signal's number, and nothing left behind, whenever they come.

A signal is heard twice. Python's handler raises in the main thread, so that work unwinds in good order: folders are removed, locks are
given back. But it waits while the main thread is in compiled code, and unwinding waits for threads that are. So a watcher, which the
interpreter wakes through a pipe at once, gives it some time, and then clears up by itself and ends the process.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from graphdet import early_stop

STOPS = tuple(signal.Signals[name] for name in early_stop.STOPS)
GRACE = 2.0  # seconds to unwind in


class Stopping:
    """Which signal told the process to end, 0 while none did."""

    def __init__(self) -> None:
        self.signal = 0
        self._raised = self._told = False
        self._telling = threading.Lock()
        self._ear, self._mouth = os.pipe()
        os.set_blocking(self._mouth, False)

    @property
    def code(self) -> int:
        return 128 + self.signal

    def listen(self) -> None:
        """Hear signals that nobody asked to be ignored (`nohup`, `&` in a script)."""
        for number in STOPS:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._heard)
        signal.set_wakeup_fd(self._mouth, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()
        sys.unraisablehook = self._swallowed

    def tell(self, say: Callable[[], object]) -> None:
        """Say that the process was stopped, once. Who comes second waits for who is saying it, but not for ever: nobody may read it."""
        if self._telling.acquire(timeout=GRACE):
            try:
                if not self._told:
                    self._told = True
                    say()
            finally:
                self._telling.release()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or number  # which the watcher may have been told first
        first, self._raised = not self._raised, True
        if first:  # a second one must not disturb the clearing up; the watcher ends it
            raise KeyboardInterrupt

    def _watch(self) -> None:
        heard = os.read(self._ear, 1)
        if heard:
            self.signal = self.signal or heard[0]
            select.select([self._ear], [], [], GRACE)  # a second signal ends the waiting
            self.end()

    def _swallowed(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An exception where Python has nobody to give it to: a stop that came just then still counts."""
        if self.signal:
            self.end()
        sys.__unraisablehook__(unraisable)

    def end(self) -> None:
        """End now, whatever other threads do."""
        from graphdet.scratch import clear_scratch

        clear_scratch()
        with contextlib.suppress(OSError):  # not through sys.stderr, which the main thread may have in its hands
            self.tell(lambda: os.write(2, early_stop.SHOWN))
        os._exit(self.code)


@contextlib.contextmanager
def stoppable(stopping: Stopping | None = None) -> Iterator[Stopping]:
    """Hear signals until the block ends; after a stop they stay heard, since threads may hold up the interpreter's end."""
    stopping = stopping or Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.getsignal(number) for number in STOPS}
    hook = sys.unraisablehook
    stopping.listen()
    try:
        yield stopping
    finally:
        if not stopping.signal:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            os.close(stopping._mouth)
            sys.unraisablehook = hook
