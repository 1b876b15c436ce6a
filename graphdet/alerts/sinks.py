"""Settings of a sink → the sink, with its secrets read from the environment; what is missing is told before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from graphdet.alert_settings import CHATS, AlertSettings, SinkSettings
from graphdet.alerts.chat import Chat
from graphdet.alerts.database_sink import DatabaseSink
from graphdet.alerts.file_sink import FileSink
from graphdet.alerts.http_post import check_address
from graphdet.alerts.kafka_sink import KafkaSink
from graphdet.alerts.sink import Sink
from graphdet.alerts.webhook import Webhook
from graphdet.errors import AlertError


def make_sinks(settings: AlertSettings, where: str, newest: Callable[[], Path | None]) -> dict[str, Sink]:
    """All sinks, by name.

    Args:
        settings: of alerts.
        where: they come from, for complaints.
        newest: the folder of the newest run, for sinks that push it.

    Raises:
        AlertError: an environment variable is not set, or what it holds cannot be used; no secret is told.
        MissingExtra: a package that a sink needs is not installed.
    """
    return {name: _make(one, f"{where}: [alerts.sinks.{name}]", newest) for name, one in settings.sinks.items()}


def _make(settings: SinkSettings, where: str, newest: Callable[[], Path | None]) -> Sink:
    if settings.kind == "file":
        path = Path(settings.path).expanduser().absolute()
        if not path.parent.is_dir():
            raise AlertError(f"{where} path: there is no folder {path.parent}; make it, or name another file.")
        if path.is_dir():
            raise AlertError(f"{where} path: {path} is a folder; name a file in it.")
        return FileSink(settings)
    if settings.kind == "kafka":
        options = settings.options | _secrets(settings.options_from, where)
        try:
            return KafkaSink(settings, options)
        except ValueError as error:
            raise AlertError(f"{where} options: {error}.") from None
    if settings.kind == "neo4j":
        return DatabaseSink(settings, newest)
    address = settings.address or _variable(settings.address_from, where)
    wrong = check_address(address)
    if wrong:
        raise AlertError(f"{where} address{' in ' + settings.address_from if settings.address_from else ''}: it {wrong}.")
    secrets = [_variable(name, where) for name in settings.secrets_from]
    if settings.kind in CHATS:
        return Chat(settings, address, secrets)
    try:
        return Webhook(settings, address, secrets)
    except ValueError as error:
        raise AlertError(f"{where} secrets_from: one of {', '.join(settings.secrets_from)} {error}.") from None


def _secrets(variables: Mapping[str, str], where: str) -> dict[str, str]:
    return {name: _variable(variable, where) for name, variable in variables.items()}


def _variable(name: str, where: str) -> str:
    found = os.environ.get(name, "").strip()
    if not found:
        raise AlertError(f"{where}: the environment variable {name} is not set; set it, or take the sink out.")
    return found
