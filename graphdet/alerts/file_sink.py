"""Alerts → lines at the end of a file, each whole and on the disk before it counts as delivered.

The file is opened by its name for each message, so that whoever rotates it finds the next lines in the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.alert_lines import as_line
from graphdet.alerts.sink import Undelivered
from graphdet.whole import is_full, sync, why


class FileSink:
    """A file that alerts are added to. Only its owner may read it, since alerts name accounts."""

    most = 500

    def __init__(self, settings: SinkSettings) -> None:
        self._path, self._settings = Path(settings.path).expanduser(), settings

    def deliver(self, alerts: Sequence[Alert]) -> None:
        lines = b"".join(as_line(alert, self._settings) + b"\n" for alert in alerts)
        try:
            is_new = not self._path.exists()
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                _add(file, lines)
            finally:
                os.close(file)
            if is_new:
                sync(self._path.parent)
        except OSError as error:
            raise (Undelivered("full") if is_full(error) else Undelivered("unwritten", reason=why(error))) from None


def _add(file: int, lines: bytes) -> None:
    """All of the lines or none; half a line that a killed process left is ended first."""
    before = os.fstat(file).st_size
    begin = b"\n" if before and os.pread(file, 1, before - 1) != b"\n" else b""
    left = begin + lines
    try:
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        with contextlib.suppress(OSError):  # a pipe or a device cannot be cut
            os.ftruncate(file, before)
        raise
