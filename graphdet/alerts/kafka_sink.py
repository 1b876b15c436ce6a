"""Alerts → a Kafka topic: the value is JSON or CEF, the key is the ring's line, so that what happens to one ring stays in its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.alert_lines import as_line
from graphdet.alerts.sink import Undelivered
from graphdet.extras import need

if TYPE_CHECKING:
    from confluent_kafka import Producer


class KafkaSink:
    """A topic. The client is made when first needed, and anew after a failure, so that no message of a failed attempt comes later."""

    most = 1  # one that is too large for the broker must not hold up those beside it

    def __init__(self, settings: SinkSettings, options: Mapping[str, str]) -> None:
        need("watch", "an alert sink of the kind kafka")
        self._settings, self._options = settings, dict(options)
        self._producer: Producer | None = None

    def deliver(self, alerts: Sequence[Alert]) -> None:
        from confluent_kafka import KafkaException

        failed: list[Any] = []
        try:
            producer = self._opened()
            for alert in alerts:
                producer.produce(
                    self._settings.topic, as_line(alert, self._settings), alert.line.encode(),
                    headers=[("graphdet-key", alert.key.encode()), ("graphdet-type", f"ring.{alert.kind}".encode())],
                    on_delivery=lambda error, _message: failed.append(error) if error else None,
                )  # fmt: skip
            left = producer.flush(self._settings.timeout_seconds)
        except (KafkaException, BufferError, ValueError) as error:
            self._producer = None
            raise Undelivered(f"Kafka: {_name(error)}") from None
        if left or failed:
            producer.purge()
            self._producer = None
            raise Undelivered(f"Kafka: {failed[0].name() if failed else f'no answer within {self._settings.timeout_seconds:g} seconds'}")

    def _opened(self) -> Producer:
        if self._producer is None:
            from confluent_kafka import Producer

            own = {
                "bootstrap.servers": ",".join(self._settings.servers),
                "acks": "all",
                "enable.idempotence": "true",
                "client.id": "graphdet",
            }
            late = {"message.timeout.ms": str(round(1000 * self._settings.timeout_seconds)), "log_level": "0"}
            self._producer = Producer({**own, **late, **self._options})
        return self._producer


def _name(error: Exception) -> str:
    """The error's own name; its text may tell settings."""
    told = error.args[0] if error.args else None
    return str(told.name()) if told is not None and hasattr(told, "name") else type(error).__name__
