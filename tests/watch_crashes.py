"""A watch whose process, broker, receiver and disk fail at random, often several at once; what must hold once all of them are well again.

Rows of a history are drawn first, so that one can be told and played again, but for the very moments at which things fail.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
from alert_parts import FAILURES, FailingReceiver
from kafka_broker import Broker
from watch_parts import FORKS, NOON, Heard, add_up, fill, quick, small_disk, watch_of

from graphdet.alerts.deliver import delivering
from graphdet.alerts.outbox import list_deliveries
from graphdet.alerts.telling import load_told
from graphdet.errors import GraphdetError
from graphdet.run.folder import Run
from graphdet.settings import AlertSettings, Settings
from graphdet.simulate import preset, simulate
from graphdet.simulate.playing import lines_of
from graphdet.simulate.writing import log_table
from graphdet.watch import watching
from graphdet.watch.chunks import Source
from graphdet.watch.folder_source import FolderSource
from graphdet.watch.kafka_source import KafkaSource
from graphdet.watch.segments import DAY, read_rows
from graphdet.watch.state import FILE, RUNS, open_state
from graphdet.watch.stepping import Bounds
from graphdet.watch.watching import Watch

SECRET = "whsec_" + "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"
ROOM = 24 << 20  # bytes of the small disk
LONGEST = 300.0  # seconds until all is well again


def draw_history(chance: random.Random, source: str, turns: int) -> dict[str, Any]:
    """What fails in each turn and how, for so long and until the watch has looked so often; the watch itself dies in most of them."""
    others = ("receiver", "disk", "broker") if source == "kafka" else ("receiver", "disk")
    return {
        "source": source,
        "seed": chance.randrange(1 << 30),
        "turns": [
            {
                "fails": [name for name in others if chance.random() < 0.4],
                "receiver": chance.choice(FAILURES),
                "room": chance.choice([0, 4096, 20_000, 60_000, 400_000]),
                "looks": chance.choice([0, 1, 1]),
                "seconds": round(chance.uniform(0.3, 3.0), 2),
                "share": round(chance.random(), 2),
                "killed": chance.choice(["never", "soon", "soon", "at its look"]),
            }
            for _ in range(turns)
        ],
    }


@cache
def log_lines() -> list[bytes]:
    """A made market of three days, an event a line."""
    settings = preset("easy", users=500)
    rings = settings.rings.model_copy(update={"count": 8 * settings.rings.count})
    table = log_table(simulate(settings.model_copy(update={"days": 3, "rings": rings, "start": "2025-03-01"}), 5))
    return [line for batch in table.to_batches() for line in lines_of(batch)]


def settings_for(receiver: str, file: str, brokers: str) -> Settings:
    """Sinks that are tried again soon, and much to tell of."""
    sinks: dict[str, Any] = {
        "hook": {"kind": "webhook", "address": receiver, "secrets_from": ["CRASH_SECRET"], "timeout_seconds": 0.5},
        "file": {"kind": "file", "path": file},
    }
    if brokers:
        sinks["bus"] = {"kind": "kafka", "topic": Path(file).stem, "servers": [brokers], "timeout_seconds": 2}
    told = {"least": "review", "grew_share": 0.05, "grew_least": 1, "gained_share": 0.1, "retry_seconds": 0.1, "retry_most_seconds": 0.3}
    return quick().model_copy(update={"alerts": AlertSettings.model_validate_json(json.dumps({**told, "sinks": sinks}))})


def source_of(where: str) -> Source:
    return KafkaSource(where, {}) if where.startswith("kafka://") else FolderSource(Path(where), 3600.0)


def follow(state: str, where: str, sinks: tuple[str, str, str], awake: str) -> None:
    """Watch until killed; a clear error ends it too, and whoever started it starts it again."""
    os.environ["CRASH_SECRET"] = SECRET
    watching.PATIENCE = 0.2
    Path(awake).touch()
    settings = settings_for(*sinks)
    try:
        with open_state(Path(state)) as kept, delivering(Path(state) / FILE, settings.alerts) as couriers:
            bounds = Bounds(30, 30 * DAY)
            Watch(
                kept, source_of(where), settings, bounds, 0.01, DAY // 24, None, Heard(), couriers.wake, clock=lambda: NOON
            ).run(once=False)  # fmt: skip
    except GraphdetError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)


@dataclass
class Watched:
    """The watch's process, which whoever runs it starts again when it ends."""

    state: Path
    where: str
    sinks: tuple[str, str, str]
    awake: Path
    process: BaseProcess | None = None
    ends: Counter[str] = field(default_factory=Counter)

    def looks(self) -> int:
        """That it ever took."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(f"file:{self.state / FILE}?mode=ro", uri=True)) as own:
            return int((own.execute("SELECT value FROM meta WHERE name = 'look'").fetchone() or "0")[0])
        return 0

    def wait(self) -> None:
        """Until it is up, or could not be for what fails about it."""
        ends = self.ends["by an error"]
        while not self.awake.exists() and self.ends["by an error"] == ends:
            self.tend()
            time.sleep(0.02)

    def tend(self) -> None:
        """Start it where it does not run; nothing but a clear error or a kill may have ended it."""
        if self.process is not None and not self.process.is_alive():
            assert self.process.exitcode == 2, f"the watch ended with {self.process.exitcode}"
            self.ends["by an error"] += 1
            self.process = None
        if self.process is None:
            self.awake.unlink(missing_ok=True)
            arguments = str(self.state), self.where, self.sinks, str(self.awake)
            self.process = FORKS.Process(target=follow, args=arguments, daemon=True)
            self.process.start()

    def kill(self) -> None:
        """At any moment."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            assert self.process.exitcode in (-9, 2), f"the watch ended with {self.process.exitcode}"
            self.ends["killed"] += 1
            self.process = None


def play(history: Mapping[str, Any], folder: Path, broker: Broker) -> Counter[str]:
    """One history to its end, and all that must hold then; how often the watch was killed, and ended by an error."""
    lines, chance = log_lines(), random.Random(history["seed"])  # noqa: S311
    with small_disk(folder / "small", ROOM) as fills:
        receiver = FailingReceiver()
        writer = _TopicWriter(broker, folder.name) if history["source"] == "kafka" else _FolderWriter(folder / "logs", chance)
        sink = folder / "small" / f"{folder.name}-alerts.jsonl"
        sinks = receiver.address, str(sink), broker.address if history["source"] == "kafka" else ""
        watched = Watched(folder / "small" / "state", writer.where, sinks, folder / "awake")
        writer.write(lines[: len(lines) // 2])
        watched.tend()
        parts = [len(lines) // 2 + (len(lines) - len(lines) // 2) * turn // len(history["turns"]) for turn in range(len(history["turns"]))]
        try:
            for turn, start, end in zip(history["turns"], parts, [*parts[1:], len(lines)], strict=True):
                fails = [name for name in turn["fails"] if name != "disk" or fills]
                _begin(fails, turn, receiver, broker, folder / "small")
                hindered = "disk" in fails or "broker" in fails
                _live(turn, watched, partial(_write_part, writer, lines[start:end]), hindered=hindered)
                _mend(fails, receiver, broker, folder / "small")
            writer.finish()
            watched.kill()
            _check(watched, receiver, sink, lines, broker if history["source"] == "kafka" else None)
        finally:
            watched.kill()
            receiver.close()
        return watched.ends


def _write_part(writer: _FolderWriter | _TopicWriter, lines: list[bytes], low: float, high: float) -> None:
    writer.write(lines[round(len(lines) * low) : round(len(lines) * high)])


def _live(turn: Mapping[str, Any], watched: Watched, write: Callable[[float, float], None], *, hindered: bool) -> None:
    """Some time passes, in which events come; the watch is killed, and started again wherever it ended. One that is `hindered` may not
    come to look."""
    watched.wait()
    begun, done, wanted = time.monotonic(), 0.0, watched.looks() + turn["looks"]
    dies = begun + turn["seconds"] * turn["share"] if turn["killed"] == "soon" else math.inf
    while done < 1 or not (hindered or watched.looks() >= wanted):
        time.sleep(0.02)
        now = time.monotonic()
        assert now - begun < LONGEST, "it does not come to look"
        share = min((now - begun) / turn["seconds"], 1.0)
        if share > done:
            write(done, share)
            done = share
        if now > dies:
            watched.kill()
            dies = math.inf
        watched.tend()
    if turn["killed"] == "at its look":
        watched.kill()


def _begin(fails: list[str], turn: Mapping[str, Any], receiver: FailingReceiver, broker: Broker, disk: Path) -> None:
    if "receiver" in fails:
        receiver.fail(turn["receiver"])
    if "disk" in fails:
        fill(disk, turn["room"])
    if "broker" in fails:
        broker.kill()


def _mend(fails: list[str], receiver: FailingReceiver, broker: Broker, disk: Path) -> None:
    if "receiver" in fails:
        receiver.mend()
    if "disk" in fails:
        (disk / "filler").unlink()
    if "broker" in fails:
        broker.start()


def _check(watched: Watched, receiver: FailingReceiver, sink: Path, lines: list[bytes], broker: Broker | None) -> None:
    """Let a watch go to the end: every event once, every alert delivered under one key, and the rings are those of a quiet watch."""
    os.environ["CRASH_SECRET"] = SECRET
    with open_state(watched.state) as kept:
        source = source_of(watched.where)
        watch = watch_of(kept, source, lateness=30 * DAY)
        watch.settings = settings_for(*watched.sinks)
        _until(lambda: watch.step() is None and kept.counts["accepted"] >= len(lines))
        watched.ends["looks"] += int(kept.meta["look"])
        watch.look()
        add_up(kept)
        assert kept.events == kept.counts["accepted"] == len(lines)
        rows = read_rows(kept.rows, kept.segments, ["timestamp", "user_id", "item_id"])
        assert _told(rows) == _told_lines(lines)
        assert load_told(kept.connection)
        assert set(Run.load(watched.state / RUNS / kept.meta["run"]).rings["ring_id"].to_pylist()) == quiet_rings()
        with delivering(watched.state / FILE, watch.settings.alerts):
            _until(lambda: all(one.state == "delivered" for one in list_deliveries(kept.connection)))
        keys = {one.key for one in list_deliveries(kept.connection)}
        source.close()
    assert len(keys) > 2
    came = receiver.keys()
    assert came.keys() == keys
    assert all(len(said) == 1 for said in came.values())
    written = [json.loads(line)["data"]["key"] for line in sink.read_bytes().splitlines() if line.endswith(b"}")]
    assert set(written) == keys
    if broker is not None:
        assert set(_read_topic(broker, sink.stem)) == keys


@cache
def quiet_rings() -> frozenset[str]:
    """Those of a watch that nothing befell."""
    with tempfile.TemporaryDirectory() as folder:
        logs, state = Path(folder) / "logs", Path(folder) / "state"
        logs.mkdir()
        (logs / "events.jsonl").write_bytes(b"".join(log_lines()))
        with open_state(state) as kept:
            watch = watch_of(kept, FolderSource(logs, 3600.0))
            while watch.step() is not None:
                pass
            look = watch.look()
            assert look is not None
            return frozenset(look.run.rings["ring_id"].to_pylist())


def _told(rows: pa.Table) -> Counter[tuple[Any, ...]]:
    """Events by what tells them apart here."""
    return Counter(
        zip(rows["timestamp"].cast(pa.int64()).to_pylist(), rows["user_id"].to_pylist(), rows["item_id"].to_pylist(), strict=True)
    )


def _told_lines(lines: list[bytes]) -> Counter[tuple[Any, ...]]:
    rows = [json.loads(line) for line in lines]
    return Counter((_microseconds(row["timestamp"]), row["user_id"], row.get("item_id")) for row in rows)


def _microseconds(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not done():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


class _FolderWriter:
    """Lines to a file that is cut in the middle of them, renamed now and then, and told some of them twice."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        folder.mkdir()
        self.where, self._folder, self._chance = str(folder), folder, chance

    def write(self, lines: list[bytes]) -> None:
        path = self._folder / "events.jsonl"
        data = b"".join([*lines, *lines[: self._chance.randrange(3)]])
        cut = self._chance.randrange(len(data) + 1)
        with path.open("ab", buffering=0) as file:
            file.write(data[:cut])
            file.write(data[cut:])
        if self._chance.random() < 0.05:
            path.rename(path.with_name(f"events.jsonl.{time.time_ns() % 100_000}"))

    def finish(self) -> None:
        """All of it is there already."""


class _TopicWriter:
    """Lines to a topic, whose broker may be away meanwhile."""

    def __init__(self, broker: Broker, topic: str) -> None:
        from confluent_kafka import Producer

        self.where = f"kafka://{broker.address}/{topic}"
        self._topic, self._producer = topic, Producer({"bootstrap.servers": broker.address, "linger.ms": 5, "log_level": 0})
        self._made = False

    def write(self, lines: list[bytes]) -> None:
        for line in [*lines, *lines[:1]]:
            self._producer.produce(self._topic, line.rstrip())
        if not self._made:
            self.finish()
            self._made = True

    def finish(self) -> None:
        """Until the broker has it all."""
        assert self._producer.flush(LONGEST) == 0


def _read_topic(broker: Broker, topic: str) -> list[str]:
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    reader = Consumer({"bootstrap.servers": broker.address, "group.id": topic, "enable.partition.eof": True})
    parts = reader.list_topics(topic, timeout=30).topics[topic].partitions
    reader.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts])
    found, ended = [], 0
    while ended < len(parts):
        for message in reader.consume(100, 1.0):
            if message.error() is None:
                found.append(json.loads(message.value())["data"]["key"])
            else:
                ended += message.error().code() == KafkaError._PARTITION_EOF
    reader.close()
    return found
