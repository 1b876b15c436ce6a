"""What this machine can run: Java homes, Maven, Docker, free ports; and the server's jars, fetched once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from graphdet.errors import ServerError
from graphdet.progress import Progress

STILL = 60  # seconds without a byte after which Maven gives a download up; else it would wait for half an hour


@dataclass(frozen=True)
class Line:
    """One line of Neo4j releases: a profile of neo4j/pom.xml, and what its server needs of Java."""

    name: str
    version: str
    java: range
    main: str
    opens: tuple[str, ...] = ()


LINES = {
    "lts": Line("lts", "5.26.30", range(17, 25), "org.neo4j.server.CommunityEntryPoint"),
    "current": Line("current", "2026.09.0", range(21, 100), "org.neo4j.server.Neo4jCommunity", ("java.base/java.util.concurrent",)),
}


def project_folder() -> Path:
    """The project's `neo4j/` folder: beside the package in a checkout, inside it where graphdet is installed.

    Raises:
        ServerError: neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "neo4j", package.parent / "neo4j"):
        if (folder / "pom.xml").is_file():
            return folder
    raise ServerError("the folder neo4j/ of graphdet is missing from this installation; install graphdet again.")


def java_homes() -> dict[Path, int]:
    """Java home → its major version, for all that JAVA_HOME, PATH and the usual folders show."""
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    if on_path:
        homes.append(Path(on_path).resolve().parent.parent)
    usual = (
        "/usr/lib/jvm/*",
        "/usr/java/*",
        "/opt/*",
        "/Library/Java/JavaVirtualMachines/*/Contents/Home",
        "~/.sdkman/candidates/java/*",
        "~/.jdks/*",
    )
    for pattern in usual:
        folder = Path(pattern).expanduser()
        homes += sorted(Path(folder.anchor).glob(str(folder.relative_to(folder.anchor))))
    found: dict[Path, int] = {}
    for home in homes:
        home = home.resolve()
        version = _java_version(home) if home not in found else None
        if version is not None:
            found[home] = version
    return found


def _java_version(home: Path) -> int | None:
    """The major version, from the file `release` that every JDK and JRE has; None where this is no Java home."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(match.group(1)) if match and os.access(home / "bin" / "java", os.X_OK) else None


def java_for(line: Line) -> Path | None:
    """The oldest Java here that the line runs on."""
    fitting = sorted((version, str(home)) for home, version in java_homes().items() if version in line.java)
    return Path(fitting[0][1]) if fitting else None


def choose_line(name: str | None) -> tuple[Line, Path]:
    """The line asked for, else the long-term one where a Java for it is here, else the current one; and its Java home.

    Raises:
        ServerError: no Java here runs it.
    """
    for line in [LINES[name]] if name else list(LINES.values()):
        home = java_for(line)
        if home is not None:
            return line, home
    wanted = LINES[name] if name else LINES["lts"]
    found = ", ".join(sorted({str(version) for version in java_homes().values()})) or "none"
    raise ServerError(
        f"no Java runs Neo4j {wanted.version} here (found Java: {found}; needed: {wanted.java.start} or newer, a JDK). "
        f"Install one{'' if shutil.which('mvn') else ' and Maven'}, or name it by JAVA_HOME; or install and start Docker; "
        "or set NEO4J_URI for a server elsewhere."
    )


def docker_answers() -> bool:
    """Is there a Docker whose daemon runs?"""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def fetch_jars(line: Line, java_home: Path, progress: Progress | None = None) -> Path:
    """The folder with the line's jars; fetched through Maven the first time, whole or not at all. `progress` is told of each file.

    Raises:
        ServerError: no Maven, or it cannot fetch them.
    """
    pom = project_folder() / "pom.xml"
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graphdet"
    jars = cache / f"neo4j-{line.version}-{digest}"
    if jars.is_dir():
        _require_known(jars, line)
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerError(
            "Maven (mvn) is needed once, to fetch the server's jars; install it; or install and start Docker; "
            "or set NEO4J_URI for a server elsewhere."
        )
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as one_maven, tempfile.TemporaryDirectory(dir=cache) as partial:
        fcntl.flock(one_maven, fcntl.LOCK_EX)  # two at once may spoil each other's downloads
        if jars.is_dir():
            _require_known(jars, line)
            return jars
        target = Path(partial) / "jars"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        patience = [f"-Daether.connector.requestTimeout={STILL}000", f"-Dmaven.wagon.rto={STILL}000"]
        command = [maven, "-B", *patience, "-f", str(pom), "-P", line.name, *goal]
        progress = progress or Progress()
        with progress.stage(f"fetch Neo4j {line.version} by Maven, files"):
            failed = _run_maven(command, {**os.environ, "JAVA_HOME": str(java_home)}, partial, progress.advance)
        if failed or not target.is_dir():
            raise ServerError(f"Maven could not fetch Neo4j {line.version}: {failed[:300]} Check the network, and try again.")
        _require_known(target, line)
        target.rename(jars)
    return jars


def _run_maven(command: list[str], environment: dict[str, str], folder: str, advance: Callable[[int], None]) -> str:
    """Why it failed, '' where it did not; `advance` is told of each file that came."""
    reasons = []
    with subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        cwd=folder,
    ) as maven:
        assert maven.stdout is not None
        try:
            for told in maven.stdout:
                advance("Downloaded from" in told)
                reasons += [told.strip()] if "ERROR" in told else []
        except BaseException:
            maven.kill()  # nobody waits for it any more
            raise
    return (reasons or ["no reason given."])[0] if maven.returncode else ""


def _require_known(jars: Path, line: Line) -> None:
    """The very jars that graphdet was tried with, each by its digest; it is their code that runs.

    Raises:
        ServerError: one is another, or there are more or fewer.
    """
    rows = (project_folder() / f"jars-{line.name}.sha256").read_text(encoding="utf-8").splitlines()
    known = {name: digest for digest, _, name in (row.partition("  ") for row in rows)}
    found = {jar.name: jar for jar in jars.iterdir()}
    with ThreadPoolExecutor() as pool:
        wrong = set(pool.map(lambda name: name if _digest(found[name]) != known[name] else "", known.keys() & found.keys()))
    odd = sorted((wrong | (known.keys() ^ found.keys())) - {""})
    if odd:
        raise ServerError(
            f"{jars}: {len(odd)} of the server's jars are not those that graphdet knows (such as {odd[0]}); "
            "remove that folder and try again."
        )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def free_port(wanted: int, taken: int | None = None) -> int:
    """`wanted` where it is free, else any free one; 0 asks for any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
            if found != taken:
                return found
    raise ServerError("no free port on this machine.")
