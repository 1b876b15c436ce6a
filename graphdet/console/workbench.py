"""The process that prepares one run: started when something is missing, asked for what somebody waits for, ended with the console.

Where it dies, the terminal is told, and it is started again with what was asked of it; after `MOST_DEATHS` in a row without a page between
them whoever waits is told, and it is started again only when somebody asks.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from graphdet.console.prepared import ALL, INDEX, Prepared

WAITED = 8.0  # seconds that somebody waits for a page before they are told that it comes
MOST_DEATHS = 3
ENDED = "preparing_ended"  # what is told then, as the console's words name it

log = logging.getLogger("graphdet.console")


class Workbench:
    """What is prepared of one run, and what prepares it.

    Args:
        folder: of the run.
        place: where what is prepared lies.
    """

    def __init__(self, folder: Path, place: Path) -> None:
        self._folder, self.prepared = folder, Prepared(place)
        self._process: subprocess.Popen[str] | None = None
        self._told = threading.Condition()
        self._failed: dict[str, str] = {}
        self._asked = set[str]()
        self._deaths = 0  # since the last page
        self._closed = False

    @property
    def is_at_work(self) -> bool:
        """Whether something is being prepared."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_given_up(self) -> bool:
        """Whether it died so often that it is started again only when somebody asks."""
        return self._deaths >= MOST_DEATHS and not self.is_at_work

    def start(self) -> None:
        """Prepare what is missing, in the background."""
        with self._told:
            if self._closed or self.is_at_work:
                return
            # -P: whatever lies in the folder that somebody happens to be in is not imported.
            command = [sys.executable, "-P", "-m", "graphdet.console.preparing", str(self._folder.resolve()), str(self.prepared.folder)]
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            self._write(sorted(self._asked))
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def page(self, ring_id: str) -> str | None:
        """A ring's page, asked for and waited for where it is not there; None where it takes longer.

        Raises:
            LookupError: it cannot be made; says why.
        """
        found = self.prepared.page(ring_id)
        if found is None:
            self.start()
            self._ask(ring_id)
            self._wait(ring_id)
            found = self.prepared.page(ring_id)
        return found

    def index(self) -> Prepared | None:
        """Where scores and events can be looked up; None where it takes longer.

        Raises:
            LookupError: it cannot be made; says why.
        """
        if not self.prepared.is_indexed:
            self.start()
            self._wait(INDEX)
        return self.prepared if self.prepared.is_indexed else None

    def close(self) -> None:
        """End what goes on."""
        with self._told:
            self._closed = True
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()

    def _ask(self, ring_id: str) -> None:
        with self._told:
            self._asked.add(ring_id)
            self._write([ring_id])

    def _write(self, names: Sequence[str]) -> None:
        """Ask the process for these; the lock is held."""
        with contextlib.suppress(OSError, ValueError):  # it may have ended just now: the next click starts another
            if self._process is None or self._process.stdin is None:  # closed before it began
                return
            self._process.stdin.writelines(f"{name}\n" for name in names)
            self._process.stdin.flush()

    def _wait(self, what: str) -> None:
        def is_there() -> bool:
            ready = self.prepared.is_indexed if what == INDEX else (self.prepared.page(what) is not None)
            return ready or self._closed or what in self._failed or ALL in self._failed

        with self._told:
            self._told.wait_for(is_there, WAITED)
            reason = self._failed.pop(what, "") or self._failed.pop(ALL, "")  # the next click tries again
        if reason:
            raise LookupError(reason)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process, contextlib.suppress(ValueError):
            for line in process.stdout:
                what, _, reason = line.rstrip("\n").partition("\t")
                with self._told:
                    self._asked.discard(what)
                    if reason:
                        self._failed[what] = reason
                    elif what != INDEX:
                        self._deaths = 0
                    self._told.notify_all()
        if process.returncode and not self._closed:
            self._died(process.returncode)
        with self._told:
            self._told.notify_all()

    def _died(self, code: int) -> None:
        with self._told:
            self._deaths += 1
            ends = self._deaths >= MOST_DEATHS
            if ends:
                self._failed[ALL] = ENDED
                self._asked.clear()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        then = "once somebody asks for a page" if ends else f"now, until it dies {MOST_DEATHS} times without making a page"
        log.warning("the process that prepares pages %s (is there memory enough?); it is started again %s.", how, then)
        if not ends:
            self.start()
