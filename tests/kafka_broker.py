"""A real Kafka broker for tests: one process in KRaft mode, from Maven jars that are fetched once and kept beside the Neo4j server's."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graphdet.store.machine import java_homes

VERSION = "4.4.0"
POM = Path(__file__).parent / "data" / "kafka" / "pom.xml"
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},GUARDED://127.0.0.1:{guarded},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},GUARDED://127.0.0.1:{guarded}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_SSL
sasl.enabled.mechanisms=PLAIN
listener.name.guarded.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
ssl.keystore.type=PKCS12
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password={password}
log.dirs={folder}/logs
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


USER, PASSWORD = "watcher", "known-to-both"
CLUSTER = "Z3JhcGhkZXQncyB0ZXN0cw"  # a drawn one may begin with a hyphen, which the tool takes for an option


@dataclass
class Broker:
    """A broker that can be killed and started again on the same ports and the same data; at the guarded one by TLS and with a password."""

    java: Path
    jars: Path
    folder: Path
    port: int
    guarded: int
    controller: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        """By which clients know it."""
        return self.folder / "broker.pem"

    def run(self, main: str, *arguments: object) -> subprocess.Popen[bytes]:
        settings = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self.jars}/*"]
        with (self.folder / "broker.txt").open("ab") as log:
            return subprocess.Popen([str(self.java / "bin" / "java"), *settings, main, *map(str, arguments)], stdout=log, stderr=log)

    def format(self) -> None:
        """A log folder of a new cluster."""
        told = {"port": self.port, "guarded": self.guarded, "controller": self.controller, "user": USER, "password": PASSWORD}
        (self.folder / "server.properties").write_text(PROPERTIES.format(folder=self.folder, **told))
        self._make_keys()
        done = self.run("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.folder / "server.properties")
        assert done.wait(240) == 0, (self.folder / "broker.txt").read_text()

    def _make_keys(self) -> None:
        """A key and a certificate of its own, by the JDK's tool."""
        store = ["-keystore", self.folder / "broker.p12", "-storetype", "PKCS12", "-storepass", PASSWORD, "-alias", "broker"]
        made = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=broker", "-ext", "SAN=ip:127.0.0.1"]
        for command in ([*made, *store], ["-exportcert", "-rfc", "-file", self.certificate, *store]):
            subprocess.run([str(self.java / "bin" / "keytool"), *map(str, command)], check=True, capture_output=True)

    def start(self) -> None:
        """And wait until it answers."""
        self.process = self.run("kafka.Kafka", self.folder / "server.properties")
        end = time.monotonic() + 240
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (self.folder / "broker.txt").read_text()
            time.sleep(0.1)
        raise AssertionError("the broker does not answer")

    def kill(self) -> None:
        """At once, as a crash does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def kafka_broker() -> Iterator[Broker]:
    """A running broker, gone with its data afterwards."""
    java = next((home for home, version in sorted(java_homes().items(), key=lambda one: one[1]) if version >= 17), None)
    if java is None or shutil.which("mvn") is None:
        pytest.skip("a Kafka broker needs a JDK 17 or newer, and Maven")
    with tempfile.TemporaryDirectory(prefix="graphdet-kafka-") as folder:
        broker = Broker(java, fetch_jars(java), Path(folder), *_free_ports(3))
        broker.format()
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One for all tests; whoever kills it starts it again."""
    with kafka_broker() as running:
        yield running


def _free_ports(count: int) -> list[int]:
    """So many, each another."""
    with contextlib.ExitStack() as open_ones:
        probes = [open_ones.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def fetch_jars(java: Path) -> Path:
    """Whole or not at all."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graphdet"
    jars = cache / f"kafka-{VERSION}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as one_maven:
        fcntl.flock(one_maven, fcntl.LOCK_EX)
        if not jars.is_dir():
            with tempfile.TemporaryDirectory(dir=cache) as partial:
                goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}/jars"]
                command = ["mvn", "-q", "-B", "-f", str(POM), *goal]
                subprocess.run(command, check=True, capture_output=True, env={**os.environ, "JAVA_HOME": str(java)}, cwd=partial)
                (Path(partial) / "jars").rename(jars)
    return jars
