"""The process that prepares one run: started when something is missing, asked for what somebody waits for, ended with the console."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

from graphdet.console.prepared import ALL, INDEX, Prepared

WAITED = 8.0  # seconds that somebody waits for a page before they are told that it comes


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
        self._closed = False

    def start(self) -> None:
        """Prepare what is missing, in the background."""
        with self._told:
            if self._closed or (self._process is not None and self._process.poll() is None):
                return
            # -P: whatever lies in the folder that somebody happens to be in is not imported.
            command = [sys.executable, "-P", "-m", "graphdet.console.preparing", str(self._folder.resolve()), str(self.prepared.folder)]
            self._process = subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
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
        with self._told, contextlib.suppress(OSError, ValueError):  # it may have ended just now: the next click starts another
            if self._process is None or self._process.stdin is None:  # closed before it began
                return
            self._process.stdin.write(ring_id + "\n")
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
                    if reason:
                        self._failed[what] = reason
                    self._told.notify_all()
        with self._told:
            if process.returncode and not self._closed:
                self._failed[ALL] = f"the process that prepares pages ended with {process.returncode}; is there memory enough?"
            self._told.notify_all()
