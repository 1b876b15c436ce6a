"""Alerts → a Kafka topic: the value is JSON or CEF, the key is the ring's line, so that what happens to one ring stays in its order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from graphdet.alert_settings import SinkSettings
from graphdet.alerts.alert import Alert
from graphdet.alerts.alert_lines import as_line
from graphdet.alerts.sink import Undelivered
from graphdet.extras import need

if TYPE_CHECKING:
    from confluent_kafka import Producer

NAME = re.compile(r"[a-z]+(?:\.[a-z]+)+")  # of an option
MEANS = {  # what the client calls an error → what it means, the most telling first; its own text may tell settings and addresses
    "_AUTHENTICATION": "kafka_password",
    "_SSL": "kafka_tls",
    "_RESOLVE": "kafka_host",
    "TOPIC_AUTHORIZATION_FAILED": "kafka_denied",
    "_UNKNOWN_TOPIC": "kafka_topic",
    "UNKNOWN_TOPIC_OR_PART": "kafka_topic",
    "MSG_SIZE_TOO_LARGE": "kafka_large",
}


class KafkaSink:
    """A topic. The client is made anew after a failure, so that no message of a failed attempt comes later."""

    most = 1  # one that is too large for the broker must not hold up those beside it

    def __init__(self, settings: SinkSettings, options: Mapping[str, str]) -> None:
        """Raises ValueError where the client refuses an option; what the option holds is not told."""
        need("watch", "an alert sink of the kind kafka")
        from confluent_kafka import KafkaException

        self._settings, self._options, self._heard = settings, dict(options), set[str]()
        try:
            self._producer: Producer | None = self._made()
        except KafkaException as error:
            held = " ".join(options.values())
            named = [name for name in NAME.findall(str(error)) if name not in held]
            raise ValueError(
                f"the Kafka client refuses {' and '.join(named) or 'them'}; names and values are those of librdkafka"
            ) from None

    def deliver(self, alerts: Sequence[Alert]) -> None:
        from confluent_kafka import KafkaException

        failed: list[str] = []
        self._heard.clear()
        try:
            producer = self._producer = self._producer or self._made()
            for alert in alerts:
                producer.produce(
                    self._settings.topic, as_line(alert, self._settings), alert.line.encode(),
                    headers=[("graphdet-key", alert.key.encode()), ("graphdet-type", f"ring.{alert.kind}".encode())],
                    on_delivery=lambda error, _message: failed.append(error.name()) if error else None,
                )  # fmt: skip
            left = producer.flush(self._settings.timeout_seconds)
        except (KafkaException, BufferError, ValueError) as error:
            self._producer = None
            raise _undelivered(_name(error)) from None
        if left or failed:
            producer.purge()
            self._producer = None
            raise self._why(failed)

    def _made(self) -> Producer:
        from confluent_kafka import Producer

        own = {"bootstrap.servers": ",".join(self._settings.servers), "acks": "all", "enable.idempotence": "true", "client.id": "graphdet"}
        late = {"message.timeout.ms": str(round(1000 * self._settings.timeout_seconds)), "log_level": "0"}
        return Producer({**own, **late, **self._options, "error_cb": lambda error: self._heard.add(error.name())})

    def _why(self, failed: Sequence[str]) -> Undelivered:
        """What the broker, or the way to it, had against the message."""
        named = next((name for name in MEANS if name in self._heard or name in failed), "")
        other = next((name for name in failed if name != "_MSG_TIMED_OUT"), "")
        return _undelivered(named or other) if named or other else Undelivered("kafka_late", seconds=self._settings.timeout_seconds)


def _undelivered(name: str) -> Undelivered:
    return Undelivered(MEANS[name]) if name in MEANS else Undelivered("kafka_failed", error=name)


def _name(error: Exception) -> str:
    """The error's own name; its text may tell settings."""
    told = error.args[0] if error.args else None
    return str(told.name()) if told is not None and hasattr(told, "name") else type(error).__name__
