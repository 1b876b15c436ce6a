"""The watch on a topic of a real Kafka broker: the state says where reading goes on, whatever becomes of broker, group and client."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from alert_parts import NOW, alert_settings, by_name, line
from kafka_broker import PASSWORD, USER, Broker
from watch_parts import NOON as MIDDAY
from watch_parts import Heard, add_up, event, watch_of

from graphdet.alerts.deliver import Courier
from graphdet.alerts.outbox import list_deliveries, open_outbox, resend
from graphdet.alerts.sinks import make_sinks
from graphdet.alerts.telling import tell
from graphdet.errors import AlertError, SettingsError, WatchError
from graphdet.watch import kafka_source, watching
from graphdet.watch.kafka_source import KafkaSource, client_settings
from graphdet.watch.state import open_state
from graphdet.watch.watching import Watch

confluent_kafka = pytest.importorskip("confluent_kafka")
AdminClient = pytest.importorskip("confluent_kafka.admin").AdminClient


def send(broker: Broker, topic: str, values: list[bytes | None], partition: int = -1) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(30) == 0


def steps(watch: Watch, accepted: int) -> None:
    """Until so many events were ever accepted, and none comes any more."""
    end = time.monotonic() + 60
    while watch.state.counts["accepted"] < accepted and time.monotonic() < end:
        watch.step()
    assert watch.state.counts["accepted"] == accepted


def test_every_message_counts_once_through_kills_of_the_broker_and_of_the_watch(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"kafka://{broker.address}/events"
    send(broker, "events", [event(number) for number in range(60)])
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}))
        steps(watch, 60)
        send(broker, "events", [b"no JSON at all", None, b'{"user_id": 1}', *(event(number) for number in range(40, 80))])  # 20 are known
        steps(watch, 80)
        assert (state.counts["rejected"], state.counts["duplicate"]) == (3, 20)
        partitions = [place for place in state.places.values() if place["topic"] == "events"]
        assert sum(place["position"] for place in partitions) == 60 + 43
        # A client that dies after it took messages and before it kept them: they come again.
        send(broker, "events", [event(number) for number in range(80, 100)])
        end = time.monotonic() + 30
        taken = 0
        while taken < 20 and time.monotonic() < end:
            taken += sum(chunk.data.count(b"\n") for chunk in source.take(state.places, 0.0))
        source.close()
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}))
        steps(watch, 100)
        broker.kill()
        monkeypatch.setattr(kafka_source, "LOOKED_FOR", 0.0)
        monkeypatch.setattr(kafka_source, "AWAY", 0.5)
        for _ in range(3):
            assert watch.step() is None
        assert isinstance(watch.witness, Heard)
        (told,) = watch.witness.hindrances  # once, however long it lasts
        assert "no broker answers" in told
        assert watch.figures["source_up"] == 0.0
        source.rewind()  # as after a step that a full disk refused
        assert watch.step() is None
        broker.start()
        send(broker, "events", [event(number) for number in range(100, 120)])
        steps(watch, 120)
        add_up(state)
        assert (watch.figures["source_up"], len(watch.witness.hindrances)) == (1.0, 1)
        source.close()


def test_what_lies_in_a_topic_at_the_beginning_is_taken_whole_and_none_of_it_is_late(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions come one after another, each days behind the end of the one before; and `--once` ends when all were read to their ends."""
    monkeypatch.setattr(kafka_source, "MOST_MESSAGES", 100)
    for partition in (0, 1, 2):
        moments = (datetime.fromtimestamp(MIDDAY - 600_000 + 3000 * number, UTC).isoformat() for number in range(180))
        lines: list[bytes | None] = [f'{{"timestamp": "{one}", "user_id": "u{partition}", "item_id": "i"}}'.encode() for one in moments]
        send(broker, "histories", lines, partition)
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(f"kafka://{broker.address}/histories", {}), lateness=3_600_000_000)
        watch.run(once=True)
        source.close()
        assert (state.counts["accepted"], state.counts["late"], watch.caught_up) == (540, 0, True)
        assert watch.steps > 3


def test_a_broker_that_dies_is_waited_for_by_once_as_long_as_is_said_and_the_next_one_goes_on(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(broker, "halves", [event(number) for number in range(60)])
    address = f"kafka://{broker.address}/halves"
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}), clock=time.time)
        steps(watch, 60)
        broker.kill()
        source.rewind()  # all partitions are to be read to their ends, and none can be
        for name, seconds in (("LOOKED_FOR", 0.0), ("AWAY", 0.2)):
            monkeypatch.setattr(kafka_source, name, seconds)
        monkeypatch.setattr(watching, "GIVEN_UP", 0.5)
        with pytest.raises(WatchError, match=f"kafka {broker.address}: no broker answers .*the next run goes on from there"):
            watch.run(once=True)
        source.close()
        assert state.meta["look"] == "1"  # at what was read
    broker.start()
    send(broker, "halves", [event(number) for number in range(60, 90)])
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}))
        monkeypatch.setattr(watching, "GIVEN_UP", 60.0)
        watch.run(once=True)
        source.close()
        assert (state.counts["accepted"], state.counts["read"]) == (90, 90)
        assert state.meta["looked_digest"] == state.digest  # at all of it, in one look or several, as it came
        add_up(state)


def test_partitions_that_give_neither_messages_nor_their_end_are_named(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker may answer for others that are gone."""
    send(broker, "leaderless", [event(number) for number in range(30)])
    with open_state(tmp_path / "state") as state:
        now = [MIDDAY]
        watch = watch_of(state, source := KafkaSource(f"kafka://{broker.address}/leaderless", {}), clock=lambda: now[0])
        steps(watch, 30)
        while watch.step() is not None or source.waiting:
            pass
        source._unread |= {0, 2}  # as if their leader were gone
        for seconds, told in (
            (29, ""),
            (2, f"kafka {broker.address}: nothing comes of leaderless[0], leaderless[2], not read to the end yet."),
        ):
            now[0] += seconds
            watch.step()
            assert source.trouble == told
        send(broker, "leaderless", [event(number) for number in range(30, 60)], 2)
        send(broker, "leaderless", [event(number) for number in range(60, 90)], 0)
        steps(watch, 90)
        while watch.step() is not None or source.waiting:
            pass
        assert source.trouble == ""
        client, gone = source._consumer, threading.Event()
        monkeypatch.setattr(kafka_source, "AWAY", 0.1)
        source._consumer = SimpleNamespace(close=gone.wait)  # as that of a broker that is gone may do for minutes
        source.close()
        assert not gone.is_set()
        gone.set()
        client.close()


def test_messages_that_the_broker_deleted_before_they_were_read_are_told_once(broker: Broker, tmp_path: Path) -> None:
    """While the watch was away, and beside it; a state that begins asks for none of what was deleted before it."""
    topic, address = "kept_for_short", f"kafka://{broker.address}/kept_for_short"
    admin = AdminClient({"bootstrap.servers": broker.address})

    def delete(before: int) -> None:
        place = confluent_kafka.TopicPartition(topic, 0, before)
        (done,) = admin.delete_records([place]).values()
        assert done.result(30).low_watermark == before

    send(broker, topic, [event(number) for number in range(40)], 0)
    delete(10)
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}))
        steps(watch, 30)
        assert isinstance(watch.witness, Heard)
        assert (watch.witness.notes, watch.figures["source_lost_total"]) == ([], 0)
        source.close()
    send(broker, topic, [event(number) for number in range(40, 60)], 0)
    delete(53)
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, {}))
        steps(watch, 37)
        assert isinstance(watch.witness, Heard)
        assert watch.witness.notes == [("deleted", {"count": 13})]
        send(broker, topic, [event(number) for number in range(60, 70)], 0)
        steps(watch, 47)
        assert (len(watch.witness.notes), watch.figures["source_lost_total"]) == (1, 13)
        assert not watch.witness.hindrances
        source.close()


def test_places_are_the_states_and_what_cannot_be_followed_is_said(broker: Broker, tmp_path: Path) -> None:
    """Two states read the same topic whole, under one group; wrong settings and unknown topics are told in a line."""
    send(broker, "shared", [event(number) for number in range(30)])
    for name in ("one", "two"):
        with open_state(tmp_path / name) as state:
            watch = watch_of(state, source := KafkaSource(f"kafka://{broker.address}/shared", {"group.id": "the-same"}))
            steps(watch, 30)
            source.close()
    committed = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "the-same"})
    there = committed.list_topics("shared", timeout=10).topics["shared"].partitions
    end = time.monotonic() + 10
    offsets = 0
    while offsets < 30 and time.monotonic() < end:  # told afterwards, for those who look at lag
        told = committed.committed([confluent_kafka.TopicPartition("shared", partition) for partition in there], timeout=10)
        offsets = sum(max(one.offset, 0) for one in told)
    committed.close()
    assert offsets == 30
    with pytest.raises(SettingsError, match="refuses its settings"):
        KafkaSource(f"kafka://{broker.address}/shared", {"security.protocol": "NO-SUCH"})
    with pytest.raises(SettingsError, match="the watch's own"):
        KafkaSource(f"kafka://{broker.address}/shared", {"enable.auto.commit": "true"})
    with pytest.raises(SettingsError, match="kafka://HOST:PORT/TOPIC"):
        KafkaSource("kafka://somewhere", {})
    with pytest.raises(WatchError, match="no topic"):
        KafkaSource(f"kafka://{broker.address}/absent", {"allow.auto.create.topics": "false"})
    file = tmp_path / "client.properties"
    file.write_text("# as Kafka has it\nsecurity.protocol=SASL_SSL\n sasl.password = a=b \n")
    assert client_settings(file) == {"security.protocol": "SASL_SSL", "sasl.password": "a=b"}
    file.write_text("nonsense\n")
    with pytest.raises(SettingsError, match="line 1"):
        client_settings(file)


def test_a_broker_that_speaks_tls_and_asks_for_a_password(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from and written to by settings alone; of a wrong word and of a certificate that nobody trusts it says so, and tells no word."""
    send(broker, "guarded", [event(number) for number in range(30)])
    address, file = f"kafka://127.0.0.1:{broker.guarded}/guarded", tmp_path / "client.properties"
    open_ones = {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": f"{broker.certificate}",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USER,
    }
    file.write_text("".join(f"{name} = {value}\n" for name, value in {**open_ones, "sasl.password": PASSWORD}.items()))
    with open_state(tmp_path / "state") as state:
        watch = watch_of(state, source := KafkaSource(address, client_settings(file)))
        steps(watch, 30)
        source.close()
    monkeypatch.setattr(kafka_source, "PATIENCE", 5.0)
    for wrong in ({"sasl.password": "wrong-word"}, {"sasl.password": PASSWORD, "ssl.ca.location": ""}):
        with pytest.raises(WatchError, match=r"Authentication failed|certificate") as refused:
            KafkaSource(address, {**open_ones, **wrong})
        assert not {PASSWORD, "wrong-word"} & set(str(refused.value).split())
    own = {"kind": "kafka", "topic": "guarded-rings", "servers": [f"127.0.0.1:{broker.guarded}"]}
    monkeypatch.setenv("BUS_PASSWORD", PASSWORD)
    connection = sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)
    open_outbox(connection)
    tell(connection, by_name(line("a")), (), alert_settings({"bus": own}), NOW)

    def sent(seconds: float, certificate: str = f"{broker.certificate}") -> list[tuple[str, str]]:
        options = {"options": {**open_ones, "ssl.ca.location": certificate}, "options_from": {"sasl.password": "BUS_PASSWORD"}}
        settings = alert_settings({"bus": {**own, **options, "timeout_seconds": seconds}})
        resend(connection, list_deliveries(connection))
        Courier(tmp_path / "watch.sqlite", "bus", make_sinks(settings, "", lambda: None)["bus"], settings).step(connection)
        return [(one.state, one.why) for one in list_deliveries(connection)]

    assert sent(20) == [("delivered", "")]
    assert sent(3, certificate="") == [("waiting", "Kafka: TLS failed, or the certificate is not trusted")]
    monkeypatch.setenv("BUS_PASSWORD", "wrong-word")
    assert sent(3) == [("waiting", "Kafka: the user or the password was refused")]


def test_options_that_the_client_refuses_are_named_and_what_they_hold_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_PASSWORD", "VERYSECRET")
    own = {"kind": "kafka", "topic": "rings", "servers": ["127.0.0.1:1"]}
    for options in ({"options_from": {"sasl.pasword": "BUS_PASSWORD"}}, {"options": {"sasl.pasword": "VERYSECRET"}}):
        with pytest.raises(AlertError, match=r"mine.toml: \[alerts.sinks.bus\] options: the Kafka client refuses sasl.pasword") as refused:
            make_sinks(alert_settings({"bus": {**own, **options}}), "mine.toml", lambda: None)
        assert "VERYSECRET" not in str(refused.value)
    with pytest.raises(AlertError, match=r"refuses security.protocol;"):
        make_sinks(alert_settings({"bus": {**own, "options": {"security.protocol": "VERYSECRET"}}}), "mine.toml", lambda: None)


def test_alerts_reach_a_topic_once_the_broker_is_there_in_each_rings_order(broker: Broker, tmp_path: Path) -> None:
    own = {"kind": "kafka", "topic": "rings", "servers": [broker.address]}
    settings = alert_settings({"bus": {**own, "timeout_seconds": 20}})
    hasty = alert_settings({"bus": {**own, "servers": ["127.0.0.1:1"], "timeout_seconds": 0.5}})  # where nobody is
    connection = sqlite3.connect(tmp_path / "watch.sqlite", isolation_level=None)
    open_outbox(connection)
    alerts = [one for size in (10, 40, 90) for one in tell(connection, by_name(line("a", size=size), line("b")), (), settings, NOW)]
    Courier(tmp_path / "watch.sqlite", "bus", make_sinks(hasty, "", lambda: None)["bus"], hasty).step(connection)
    assert [one.why for one in list_deliveries(connection) if one.why] == ["Kafka: no answer within 0.5 seconds"]
    resend(connection, list_deliveries(connection))
    courier = Courier(tmp_path / "watch.sqlite", "bus", make_sinks(settings, "", lambda: None)["bus"], settings)
    for _ in alerts:
        courier.step(connection)
    assert {one.state for one in list_deliveries(connection)} == {"delivered"}
    reader = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "t", "auto.offset.reset": "earliest"})
    reader.subscribe(["rings"])
    found = [message for message in reader.consume(len(alerts), 30) if message.error() is None]
    reader.close()
    keys = [json.loads(one.value())["data"]["key"] for one in found if one.key() == b"line-a"]
    assert keys == [one.key for one in alerts if one.line == "line-a"]
    assert sorted(dict(one.headers())["graphdet-key"].decode() for one in found) == sorted(one.key for one in alerts)
