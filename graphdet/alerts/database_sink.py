"""Alerts → Neo4j: the run that the alerts are of is pushed, once for all that wait; the same run twice changes nothing there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.sink import Undelivered
from graphdet.errors import GraphdetError
from graphdet.extras import need


class DatabaseSink:
    """A graph database that holds the newest run."""

    most = 500

    def __init__(self, settings: SinkSettings, newest: Callable[[], Path | None]) -> None:
        """`newest`: the folder of the newest run; None where there is none yet."""
        need("neo4j", "an alert sink of the kind neo4j")
        self._server, self._newest = Path(settings.server) if settings.server else None, newest

    def deliver(self, alerts: Sequence[Alert]) -> None:
        from graphdet.run.folder import Run
        from graphdet.store.push import push

        folder = self._newest()
        if folder is None:
            raise Undelivered("no_run")
        try:
            push(Run.load(folder), self._server)
        except GraphdetError as error:  # their texts may name the server's address
            raise Undelivered("unpushed", error=type(error).__name__) from None
