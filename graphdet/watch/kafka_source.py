"""A Kafka topic whose messages are JSON objects → chunks, a partition each; the state says where reading goes on, not the broker."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphdet.errors import SettingsError, WatchError
from graphdet.extras import need
from graphdet.watch.chunks import MOST_BYTES, Chunk, Place

if TYPE_CHECKING:
    from confluent_kafka import Message

ADDRESS = re.compile(r"kafka://([^/\s]+)/([A-Za-z0-9._-]+)")
MOST_MESSAGES = 100_000  # of one step
LOOKED_FOR = 30.0  # seconds after which new partitions are looked for
PATIENCE = 20.0  # seconds to wait for a broker at the beginning
AWAY = 5.0  # and later, for one that may come back
SILENT = 30.0  # seconds without a message or the end of partitions that were not read to it, after which that is told
GROUP = "graphdet-watch"
OURS = ("enable.auto.commit", "enable.auto.offset.store", "bootstrap.servers", "enable.partition.eof")


class KafkaSource:
    """All partitions of a topic, those that are added later too.

    Args:
        address: kafka://HOST:PORT[,HOST:PORT…]/TOPIC.
        settings: of the client, as librdkafka names them (SASL, TLS, group.id and the like); passed through.
        where: they come from, for complaints.

    Raises:
        MissingExtra: the client is not installed.
        SettingsError: the client refuses a setting, or one that is not the user's to set.
        WatchError: no broker answers, or it has no such topic.
    """

    def __init__(self, address: str, settings: Mapping[str, str], where: str = "settings") -> None:
        need("watch", "reading from Kafka")
        from confluent_kafka import Consumer, KafkaException

        found = ADDRESS.fullmatch(address)
        if found is None:
            raise SettingsError(f"{address!r} is no topic; write it as kafka://HOST:PORT/TOPIC.")
        self._brokers, self._topic = found[1], found[2]
        wrong = next((name for name in OURS if name in settings), None)
        if wrong:
            raise SettingsError(f"{where}: {wrong} is the watch's own to set; leave it out.")
        own = {
            "bootstrap.servers": self._brokers,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
        }
        own |= {"auto.offset.reset": "earliest", "group.id": GROUP, "queued.max.messages.kbytes": 32_768, "log_level": 0, **settings}
        self._heard = self._trouble = self._silence = ""
        try:
            self._consumer = Consumer({**own, "error_cb": self._hear})
        except KafkaException as error:
            raise SettingsError(f"{where}: the Kafka client refuses its settings: {error.args[0].str().rstrip('.')}.") from None
        self._followed: set[int] = set()
        self._astray = True  # where reading goes on is to be told to the client
        self._unread: set[int] = set()  # partitions whose end was not met since
        self._next: dict[int, int] = {}  # partition → the place of the message that comes next
        self._looked = float("-inf")
        self._came = float("-inf")  # when something last did, or nothing was to come
        self.waiting = False
        self._partitions_there(PATIENCE)

    @property
    def ended(self) -> bool:
        return False

    @property
    def trouble(self) -> str:
        return self._trouble or self._silence

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        """Messages that have come, of each partition in their order."""
        self._assign(known, now)
        lines: dict[int, list[bytes]] = {}
        after, jumps = dict[int, int](), dict[int, tuple[int, int]]()
        size, count = 0, 0
        while size < MOST_BYTES and count < MOST_MESSAGES:
            messages = self._consumer.consume(MOST_MESSAGES // 10, 0.05)
            for message in messages:
                self._add(message, lines, after, jumps)
                size += len(message.value() or b"")
            count += len(messages)
            if not messages:
                break
        self._listen(now, came=count > 0)
        self.waiting = bool(self._unread) or size >= MOST_BYTES or count >= MOST_MESSAGES
        lost = {partition: self._deleted(partition, *places) for partition, places in jumps.items()}
        return [
            self._chunk(partition, lines[partition], after[partition], known, now, lost.get(partition, 0)) for partition in sorted(lines)
        ]

    def kept(self, places: Mapping[str, Place]) -> None:
        """Tell the group how far the state is, for those who look at its lag; nothing hangs on it."""
        from confluent_kafka import KafkaException, TopicPartition

        own = [
            TopicPartition(self._topic, int(place["partition"]), int(place["position"])) for place in places.values() if "topic" in place
        ]
        if own:
            try:
                self._consumer.commit(offsets=own, asynchronous=True)
            except KafkaException as error:
                self._heard = str(error.args[0].str())

    def rewind(self) -> None:
        """Forget what was taken and not kept: the next chunks begin where the state says."""
        self._astray = True

    def close(self) -> None:
        """Leave the brokers; one that is gone is not waited for, as the client would for minutes."""
        leaving = threading.Thread(target=self._consumer.close, daemon=True)
        leaving.start()
        leaving.join(AWAY)

    def _add(self, message: Message, lines: dict[int, list[bytes]], after: dict[int, int], jumps: dict[int, tuple[int, int]]) -> None:
        from confluent_kafka import KafkaError

        error, partition, offset = message.error(), message.partition(), message.offset()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF and partition is not None:
                self._unread.discard(partition)
                return
            if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART):
                raise WatchError(f"kafka topic {self._topic}: {error.str()}.")
            self._heard = error.str()
            return
        assert partition is not None
        assert offset is not None
        lines.setdefault(partition, []).append((message.value() or b"").replace(b"\r", b" ").replace(b"\n", b" ") or b"null")
        if offset > self._next.get(partition, offset):
            jumps.setdefault(partition, (self._next[partition], offset))
        after[partition] = self._next[partition] = offset + 1

    def _listen(self, now: float, *, came: bool) -> None:
        """A broker that answers may know nothing of one that is gone, with some of the partitions."""
        self._came = now if came or not self._unread else self._came
        silent = ", ".join(f"{self._topic}[{partition}]" for partition in sorted(self._unread)) if now - self._came >= SILENT else ""
        self._silence = silent and f"kafka {self._brokers}: nothing comes of {silent}, not read to the end yet."

    def _deleted(self, partition: int, wanted: int, found: int) -> int:
        """How many messages before one that was found the broker has deleted unread; none where places are left out for another reason:
        transactions have some of their own, and a compacted topic keeps the last of each key."""
        from confluent_kafka import KafkaException, TopicPartition

        try:
            first, _ = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=AWAY)
        except KafkaException:
            return 0
        return max(min(first, found) - wanted, 0)

    def _chunk(self, partition: int, lines: list[bytes], after: int, known: Mapping[str, Place], now: float, lost: int) -> Chunk:
        name = f"{self._topic}[{partition}]"
        before = int(known.get(name, {}).get("position", 0))
        place = {"topic": self._topic, "partition": partition, "position": after, "before": before, "seen": now}
        return Chunk(name, name, ".jsonl", b"\n".join(lines) + b"\n", place, line=after - len(lines), lost=lost)

    def _assign(self, known: Mapping[str, Place], now: float) -> None:
        """Every partition from where the state says; where that is not there any more, from the first that is."""
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition

        if not self._astray and now - self._looked < LOOKED_FOR:
            return
        there = self._partitions_there(AWAY if self._followed else PATIENCE)
        self._looked = now
        if not self._astray and set(there) <= self._followed:
            return
        places = {partition: known.get(f"{self._topic}[{partition}]") for partition in there}
        self._next = {partition: int(place["position"]) for partition, place in places.items() if place}
        begin = [TopicPartition(self._topic, partition, self._next.get(partition, OFFSET_BEGINNING)) for partition in there]
        self._consumer.assign(begin)
        self._followed, self._unread, self._astray, self._came = {*self._followed, *there}, set(there), False, now

    def _partitions_there(self, patience: float) -> list[int]:
        from confluent_kafka import KafkaException

        try:
            topic = self._consumer.list_topics(self._topic, timeout=patience).topics[self._topic]
        except KafkaException as error:
            if not self._followed:
                self._consumer.poll(0)  # the client tells its troubles only to who asks
            told = f"kafka {self._brokers}: no broker answers ({self._heard or error.args[0].str()})"
            if self._followed:  # what is followed comes when one is back
                self._trouble = f"{told}."
                return sorted(self._followed)
            raise WatchError(f"{told}; check the address, and SASL and TLS settings.") from None
        self._heard = self._trouble = ""
        if topic.error is not None or not topic.partitions:
            raise WatchError(f"kafka {self._brokers}: no topic {self._topic!r}; make it, or check the spelling.")
        return sorted(topic.partitions)

    def _hear(self, error: Any) -> None:
        from confluent_kafka import KafkaError

        if not self._heard or error.code() != KafkaError._ALL_BROKERS_DOWN:  # which says less than what came before it
            self._heard = error.str()


def client_settings(path: Path) -> dict[str, str]:
    """A file of `name = value` lines, as Kafka's own tools take it (client.properties).

    Raises:
        SettingsError: it cannot be read, or a line is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'no UTF-8'}).") from None
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith(("#", "!")):
            continue
        name, mark, value = bare.partition("=")
        if not mark:
            raise SettingsError(f"{path}: line {number} is no `name = value`.")
        found[name.strip()] = value.strip()
    return found
