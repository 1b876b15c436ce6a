"""A Neo4j server of one's own, in one folder: started with Java or Docker, waited for, stopped, wiped.

The folder holds `server.json` (where it listens), `password` (readable by its owner alone), `server.log` and the data.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from neo4j import GraphDatabase
from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError

from graphdet.errors import ServerError
from graphdet.progress import Progress
from graphdet.store.machine import LINES, Line, choose_line, docker_answers, fetch_jars, free_port, project_folder
from graphdet.whole import whole_file, why

COMMON_OPENS = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch")
LEAST_BUSY = 0.05  # of a processor: a server that waits for nothing but requests uses less, one that starts more
FIRST_PASSWORD = "neo4j"  # noqa: S105 - what every fresh server has; it is changed at once


@dataclass(frozen=True)
class Server:
    """One server of a folder: where it listens and what runs it."""

    bolt: str
    browser: str
    version: str
    way: str  # java or docker
    pid: int  # 0 for docker
    started: float


def start_server(
    folder: Path,
    line: str | None = None,
    way: str | None = None,
    bolt_port: int | None = None,
    http_port: int | None = None,
    heap: str = "1g",
    pagecache: str = "256m",
    kit: str | None = None,
    extra: dict[str, str] | None = None,
    java_switches: tuple[str, ...] = (),
    seconds: float = 120.0,
    progress: Progress | None = None,
) -> Server:
    """Start the folder's server, or find it running; returns when Bolt and Browser answer and the password is set.

    Args:
        folder: made where it is not there; its data is kept from one start to the next.
        line: 'lts' or 'current'; None takes what the machine's Java can run, the long-term line first.
        way: 'java' or 'docker'; None takes Java, or Docker where there is no fitting Java.
        bolt_port, http_port: refused where they are taken; None takes the ones of last time, the usual ones, or any free ones.
        kit: address of an investigation kit that Browser sets up at log-in.
        extra: further settings of the server.
        java_switches: further switches of its Java.
        seconds: how long it may do nothing before it is given up.
        progress: told of what is waited for.

    Raises:
        ServerError: it cannot be started here, or does nothing more and does not answer; the message says why.
    """
    known, progress = read_server(folder), progress or Progress()
    if known is not None and _comes_up(folder, known, seconds):
        return known
    _prepare(folder)
    ports = _ports(known, bolt_port, http_port)
    way, chosen, home = _way(way, line, known)
    jars = fetch_jars(chosen, home, progress) if home is not None and way == "java" else None
    began = time.time()
    settings = {**_settings(ports, pagecache, kit), **(extra or {})}
    if way == "docker":
        _start_docker(folder, chosen, ports, heap, kit)
        pid = 0
    else:
        assert home is not None
        assert jars is not None
        pid = _start_java(folder, chosen, home, jars, (f"-Xmx{heap}", "-XX:+UseG1GC", *java_switches), settings)
    server = Server(f"bolt://localhost:{ports[0]}", f"http://localhost:{ports[1]}/browser/", chosen.version, way, pid, began)
    _write(folder / "server.json", json.dumps(asdict(server), indent=1) + "\n")
    with progress.stage(f"wait for Neo4j {chosen.version}, lines in its log"):
        _wait(folder, server, _Patience(folder, server, seconds, progress))
    return server


def read_server(folder: Path) -> Server | None:
    """The folder's server as it was started last; None where there has been none."""
    try:
        return Server(**json.loads((folder / "server.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        raise ServerError(f"{folder / 'server.json'}: damaged; remove it and give `graphdet db up --data {folder}` again.") from None


def is_running(folder: Path, server: Server) -> bool:
    """Does its process run? A process of the same number that is something else does not count."""
    if server.way == "docker":
        return _answers(server.browser)
    listed = subprocess.run(["ps", "-ww", "-o", "stat=,command=", "-p", str(server.pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return f"--home-dir={folder.resolve() / 'home'}" in listed.stdout and not listed.stdout.startswith("Z")


def stop_server(folder: Path, seconds: float = 60.0) -> bool:
    """Stop the folder's server in good order; False where it was not running."""
    server = read_server(folder)
    if server is None or not is_running(folder, server):
        return False
    if server.way == "docker":
        _compose(folder, {"GRAPHDET_DATA": "x", "GRAPHDET_AUTH_FILE": "x"}, "down")
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while is_running(folder, server):
        if time.monotonic() > until:
            raise ServerError(f"the server (process {server.pid}) does not stop; see {folder / 'server.log'}.")
        time.sleep(0.1)
    _has_ended(server.pid)
    return True


def wipe_server(folder: Path) -> None:
    """Remove the folder of a stopped server, with all its data.

    Raises:
        ServerError: it runs, or the folder is not one that `db up` made.
    """
    server = read_server(folder)
    if server is None:
        raise ServerError(f"{folder}: no server's folder (server.json is missing), so it is left alone.")
    if is_running(folder, server):
        raise ServerError(f"{folder}: its server runs; `graphdet db down --data {folder}` stops it.")
    ours = ("server.json", "password", "auth", "server.log")
    for name in ours:
        (folder / name).unlink(missing_ok=True)
    for name in ("home", "docker"):
        shutil.rmtree(folder / name, ignore_errors=True)
    with contextlib.suppress(OSError):  # whatever else the user keeps there stays
        folder.rmdir()


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # all that the server keeps is its owner's alone
        strange = [
            path.name for path in folder.iterdir() if path.name not in ("server.json", "password", "auth", "server.log", "home", "docker")
        ]
        if strange:
            raise ServerError(f"{folder}: holds other things (such as {strange[0]!r}); name a folder of its own with --data.")
        if not (folder / "password").exists():
            _write(folder / "password", (os.environ.get("NEO4J_PASSWORD") or secrets.token_urlsafe(15)) + "\n")
    except OSError as error:
        raise ServerError(f"{folder}: cannot be used for a server ({why(error)}); name another folder with --data.") from None


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    with whole_file(path) as partial, os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _ports(known: Server | None, bolt: int | None, http: int | None) -> tuple[int, int]:
    last = (int(known.bolt.rpartition(":")[2]), int(known.browser.split(":")[2].split("/")[0])) if known else (7687, 7474)
    found: list[int] = []
    for name, asked, usual in (("Bolt", bolt, last[0]), ("HTTP", http, last[1])):
        port = free_port(asked if asked is not None else usual, found[0] if found else None)
        if asked and port != asked:
            raise ServerError(f"port {asked} for {name} is taken; leave it out for a free one, or name another.")
        found.append(port)
    return found[0], found[1]


def _way(way: str | None, line: str | None, known: Server | None) -> tuple[str, Line, Path | None]:
    """How to start; a folder keeps to its line, since stores do not go back."""
    if known is not None:
        kept = next((one.name for one in LINES.values() if one.version == known.version), None)
        if line and kept and line != kept:
            raise ServerError(f"this folder's data is of Neo4j {known.version}; name another folder with --data for {LINES[line].version}.")
        line, way = line or kept, way or known.way
    if way != "docker":
        try:
            chosen, home = choose_line(line)
        except ServerError:
            if way == "java" or not docker_answers():
                raise
        else:
            if way == "java" or shutil.which("mvn") or not docker_answers():
                return "java", chosen, home
    elif not docker_answers():
        raise ServerError("Docker does not answer; start it, or leave --with out.")
    return "docker", LINES[line or "lts"], None


def _settings(ports: tuple[int, int], pagecache: str, kit: str | None) -> dict[str, str]:
    settings = {
        "server.bolt.listen_address": f"127.0.0.1:{ports[0]}",
        "server.bolt.advertised_address": f"localhost:{ports[0]}",
        "server.http.listen_address": f"127.0.0.1:{ports[1]}",
        "server.http.advertised_address": f"localhost:{ports[1]}",
        "server.memory.pagecache.size": pagecache,
        "db.tx_log.preallocate": "false",
        "client.allow_telemetry": "false",
        "dbms.usage_report.enabled": "false",
        "browser.remote_content_hostname_whitelist": "localhost,127.0.0.1",
    }
    if kit:
        settings["browser.post_connect_cmd"] = post_connect(kit)
    return settings


def post_connect(kit: str) -> str:
    """What Browser does at log-in so that the kit at this address is set up: styles, settings, guide."""
    base = kit.rstrip("/")
    return f"style {base}/style.grass; config initialNodeDisplay: 500; config autoComplete: false; guide {base}/guide.html"


def _start_java(folder: Path, line: Line, java_home: Path, jars: Path, own: tuple[str, ...], settings: dict[str, str]) -> int:
    home = folder.resolve() / "home"
    for name in ("conf", "plugins", "web", "logs"):
        (home / name).mkdir(parents=True, exist_ok=True)
    opens = [f"--add-opens={module}=ALL-UNNAMED" for module in (*COMMON_OPENS, *line.opens)]
    switches = [*own, "--enable-native-access=ALL-UNNAMED", "-Dio.netty.tryReflectionSetAccessible=true"]
    switches += ["-Dlog4j2.disable.jmx=true", "-Dfile.encoding=UTF-8", "-XX:+ExitOnOutOfMemoryError"]
    command = [str(java_home / "bin" / "java"), *switches, *opens]
    command += [
        "-cp",
        f"{home}/plugins/*:{home}/conf:{jars}/*",
        line.main,
        f"--home-dir={home}",
        f"--config-dir={home}/conf",
        "--console-mode",
    ]
    for key, value in settings.items():
        command += ["-c", f"{key}={value}"]
    log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=home)  # noqa: S603
    finally:
        os.close(log)
    process.returncode = 0  # it outlives us on purpose: no warning about that when the object goes
    return process.pid


def _start_docker(folder: Path, line: Line, ports: tuple[int, int], heap: str, kit: str | None) -> None:
    _write(folder / "auth", "neo4j/" + (folder / "password").read_text(encoding="utf-8").strip() + "\n")
    (folder / "docker").mkdir(exist_ok=True)
    variables = {
        "GRAPHDET_NEO4J_VERSION": line.version,
        "GRAPHDET_DATA": str((folder / "docker").resolve()),
        "GRAPHDET_AUTH_FILE": str((folder / "auth").resolve()),
        "GRAPHDET_BOLT_PORT": str(ports[0]),
        "GRAPHDET_HTTP_PORT": str(ports[1]),
        "GRAPHDET_HEAP": heap,
        "GRAPHDET_POST_CONNECT": post_connect(kit) if kit else "",
    }
    _compose(folder, variables, "up", "--detach")


def _compose(folder: Path, variables: dict[str, str], *words: str) -> None:
    docker = shutil.which("docker")
    assert docker is not None
    project = "graphdet-" + "".join(letter for letter in folder.resolve().name.lower() if letter.isalnum())
    command = [docker, "compose", "--project-name", project, "--file", str(project_folder() / "compose.yaml"), *words]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, check=False)  # noqa: S603
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ServerError(f"docker compose {words[0]} failed: {reason[:300]}")


class _Patience:
    """With a server that starts: over when for so long it neither wrote to its log nor used a processor, however slow the machine is."""

    def __init__(self, folder: Path, server: Server, seconds: float, progress: Progress) -> None:
        self._log, self._pid, self._seconds, self._progress = folder / "server.log", server.pid, seconds, progress
        self._lines, self._used, self._since = 0, 0.0, time.monotonic()

    def is_over(self) -> bool:
        """To be asked again and again."""
        lines = self._log.read_bytes().count(b"\n") if self._log.exists() else 0
        self._progress.advance(max(lines - self._lines, 0))
        if lines != self._lines:
            self._lines, self._since = lines, time.monotonic()
        if time.monotonic() - self._since < self._seconds:
            return False
        before, self._used, self._since = self._used, _processor_seconds(self._pid), time.monotonic()
        return self._used - before <= LEAST_BUSY * self._seconds


def _processor_seconds(pid: int) -> float:
    """That a process has used, as `ps` tells it: days-hours:minutes:seconds. 0 of one that is not there (Docker's are not ours), and of any
    where there is no `ps`, as in small containers: then its log alone tells whether it works.
    """
    ps = shutil.which("ps")
    if not pid or ps is None:
        return 0.0
    told = subprocess.run([ps, "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    days, _, clock = told.rpartition("-")
    parts = [float(part) for part in clock.split(":")] if clock else [0.0]
    return int(days or 0) * 86_400 + sum(part * 60.0**power for power, part in enumerate(reversed(parts)))


def _comes_up(folder: Path, server: Server, seconds: float) -> bool:
    """Whether a server started earlier answers; False where its process is gone, or goes while we wait (one that was just killed)."""
    patience = _Patience(folder, server, seconds, Progress())
    while is_running(folder, server):
        if _password_is_set(folder, server) and _answers(server.browser):
            return True
        if patience.is_over():
            raise ServerError(f"the server (process {server.pid}) runs but does not answer; see {folder / 'server.log'}.")
        time.sleep(0.1)
    return False


def _wait(folder: Path, server: Server, patience: _Patience) -> None:
    """Until Browser's page and Bolt answer and the password is the folder's."""
    while True:
        if server.pid and _has_ended(server.pid):  # a list of processes may not name it yet
            raise ServerError(
                f"the server ended while starting: {_last_words(folder / 'server.log')} ({folder / 'server.log'} has all of it)."
            )
        if _password_is_set(folder, server) and _answers(server.browser):
            return
        if patience.is_over():
            stop_server(folder)
            raise ServerError(f"the server neither answers nor does anything more; see {folder / 'server.log'}.")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own http address
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False


def _password_is_set(folder: Path, server: Server) -> bool:
    password = (folder / "password").read_text(encoding="utf-8").strip()
    try:
        with GraphDatabase.driver(server.bolt, auth=("neo4j", password), connection_timeout=5.0, max_transaction_retry_time=0.0) as driver:
            driver.execute_query("SHOW DEFAULT DATABASE", database_="system")
            return True
    except AuthError:
        pass
    except (DriverError, Neo4jError, OSError):
        return False
    try:
        with GraphDatabase.driver(
            server.bolt, auth=("neo4j", FIRST_PASSWORD), connection_timeout=5.0, max_transaction_retry_time=0.0
        ) as driver:
            statement = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
            driver.execute_query(statement, old=FIRST_PASSWORD, new=password, database_="system")
            return True
    except AuthError:
        raise ServerError(f"{folder}: the password in {folder / 'password'} is not the server's; put the right one there.") from None
    except ClientError as error:
        raise ServerError(
            f"the server does not take the password in {folder / 'password'} ({error.code}); it needs 8 characters."
        ) from None
    except (DriverError, Neo4jError, OSError):
        return False


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR" in line or "Unrecognized" in line or "Exception" in line] or lines
    return telling[-1][:300] if telling else "it said nothing"


def _has_ended(pid: int) -> bool:
    """Whether a child has; its exit status is taken then, so that it does not stay as a zombie. What is no child of ours has."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
