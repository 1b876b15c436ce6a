"""Where the database is and how to reach it → an open `Database`; every failure → one line with the next step.

The password comes from the environment or from a file that only its owner may read; it is in no message and no repr.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from neo4j import READ_ACCESS, WRITE_ACCESS, Driver, GraphDatabase, ManagedTransaction, Session
from neo4j.exceptions import AuthError, ClientError, ConfigurationError, DriverError, Neo4jError, ServiceUnavailable, SessionExpired

from graphdet.errors import ServerError, StoreError

DEFAULT_FOLDER = Path("graphdet-db")
LEAST_VERSION = (5, 26)
# scheme, host, port, routing context; nothing that may hold a password
ADDRESS = re.compile(r"([a-z][a-z0-9+]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)/?(?:\?[^@]*)?", re.IGNORECASE | re.ASCII)

Answer = TypeVar("Answer")

logging.getLogger("neo4j").addHandler(logging.NullHandler())  # what it would say about retries, our errors say once


@dataclass(frozen=True)
class Target:
    """One database of one server."""

    uri: str
    user: str
    password: str = field(repr=False)
    database: str = "neo4j"

    @property
    def where(self) -> str:
        """The address as messages show it: only where it is plainly one, since people put passwords into addresses in many ways."""
        plain = ADDRESS.fullmatch(self.uri)
        return plain.group(1) if plain else "the server that NEO4J_URI names"


def find_target(folder: Path | None = None) -> Target:
    """The server that NEO4J_URI names, else the one that `graphdet db up` started in `folder`.

    Raises:
        ServerError: neither is there, or NEO4J_URI has no password to it.
    """
    uri = os.environ.get("NEO4J_URI")
    database = os.environ.get("NEO4J_DATABASE", "neo4j")
    if uri and folder is None:
        password = os.environ.get("NEO4J_PASSWORD")
        if password is None:
            raise ServerError("NEO4J_URI is set, but NEO4J_PASSWORD is not; set it in the environment (NEO4J_USER too, if not 'neo4j').")
        return Target(uri, os.environ.get("NEO4J_USER", "neo4j"), password, database)
    folder = folder or DEFAULT_FOLDER
    try:
        about = json.loads((folder / "server.json").read_text(encoding="utf-8"))
        return Target(about["bolt"], "neo4j", (folder / "password").read_text(encoding="utf-8").strip(), database)
    except FileNotFoundError:
        raise ServerError(
            f"no server is known: {folder} holds none. `graphdet db up --data {folder}` starts one; "
            "or set NEO4J_URI, NEO4J_USER and NEO4J_PASSWORD for another."
        ) from None
    except (OSError, ValueError, KeyError):
        raise ServerError(f"{folder}: not readable as a server's folder; `graphdet db up --data {folder}` mends it.") from None


class Database:
    """An open connection to one database. Reads go through read-only transactions, which the server holds to it."""

    def __init__(self, driver: Driver, target: Target) -> None:
        self._driver = driver
        self.target = target

    def require_server(self) -> None:
        """A server answers, now; a read or write would try again for a while first."""
        with self._clear_errors():
            self._driver.verify_connectivity()

    def read(self, query: str, **parameters: Any) -> list[list[Any]]:
        """All rows of a query, in a read-only transaction."""

        def work(transaction: ManagedTransaction) -> list[list[Any]]:
            return [record.values() for record in transaction.run(query, parameters)]

        with self._clear_errors(), self._session(READ_ACCESS) as session:
            return session.execute_read(work)

    def write(self, work: Callable[[ManagedTransaction], Answer]) -> Answer:
        """Do `work` in one transaction, again where the server asks for it; so `work` must bear being done twice."""
        with self._clear_errors(), self._session() as session:
            return session.execute_write(work)

    def change_schema(self, changes: Sequence[tuple[str, str]]) -> None:
        """CREATE or DROP constraints and indexes, all of them or none.

        Args:
            changes: pairs of a statement and of what to say where the data or the schema already there forbids it.
        """

        begun = 0

        def work(transaction: ManagedTransaction) -> None:
            nonlocal begun
            for begun, (statement, _) in enumerate(changes):  # noqa: B007 - the last one begun is the one that failed
                transaction.run(statement).consume()

        with self._clear_errors(), self._session() as session:
            try:
                session.execute_write(work)
            except Neo4jError as error:
                clash = changes[begun][1] if changes else ""
                if clash and any(word in (error.code or "") for word in _CLASHES):
                    raise StoreError(f"{self.target.where}: {clash}") from None
                raise

    def _session(self, access: str = WRITE_ACCESS) -> Session:
        return self._driver.session(database=self.target.database, fetch_size=10_000, default_access_mode=access)

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (DriverError, Neo4jError, OSError) as error:
            raise explain(error, self.target) from None


@contextmanager
def open_database(target: Target, retry_seconds: float = 15.0) -> Iterator[Database]:
    """Connect, and check that the server lets us in and is new enough.

    Raises:
        ServerError: no answer, wrong user or password, expired password, no such database, or too old a server.
    """
    if target.database == "system":
        raise ServerError(f"{target.where}: the database 'system' holds no data; check NEO4J_DATABASE.")
    try:
        if not ADDRESS.fullmatch(target.uri):  # before the driver, whose own warnings repeat it
            raise ConfigurationError("no address")
        driver = GraphDatabase.driver(
            target.uri,
            auth=(target.user, target.password),
            max_transaction_retry_time=retry_seconds,
            connection_timeout=10.0,
            connection_acquisition_timeout=20.0,
            keep_alive=True,
            notifications_min_severity="OFF",
            user_agent="graphdet",
        )
    except (ConfigurationError, ValueError):
        raise ServerError(
            f"{target.where}: no address of a Neo4j server; write it like neo4j://localhost:7687, "
            "user and password in NEO4J_USER and NEO4J_PASSWORD."
        ) from None
    with driver:
        database = Database(driver, target)
        database.require_server()
        components = database.read("CALL dbms.components() YIELD name, versions RETURN name, versions[0]")
        require_version(next((version for name, version in components if name == "Neo4j Kernel"), "unknown"), target)
        yield database


def require_version(version: str, target: Target) -> None:
    """Refuse servers that lack what the queries use (labels and types as parameters came with 5.26)."""
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < LEAST_VERSION:
        raise ServerError(f"{target.where} runs Neo4j {version}; graphdet needs 5.26 or newer. Upgrade it, or `graphdet db up` starts one.")


def explain(error: Exception, target: Target) -> StoreError:
    """What a driver's error means for the user, and what to do. Server messages can hold ids, so they are not repeated."""
    code = (error.code if isinstance(error, Neo4jError) else "") or ""
    where = target.where
    if isinstance(error, (ServiceUnavailable, SessionExpired, OSError)) and not code:
        return ServerError(f"{where}: no Neo4j server answers. `graphdet db up` starts one; the same command again then finishes the job.")
    told = [(words, line) for words, line in _EXPLANATIONS if any(word in code for word in words)]
    if told:
        return ServerError(told[0][1].format(where=where, user=target.user, database=target.database))
    if isinstance(error, AuthError):
        return ServerError(f"{where}: the server does not let '{target.user}' in; check NEO4J_USER and NEO4J_PASSWORD.")
    if isinstance(error, ClientError) and "Statement" in code:
        return StoreError(f"{where}: the server refused a statement ({code}); please report it.")
    return StoreError(f"{where}: {code or type(error).__name__}. The server's log says more; the same command again finishes the job.")


_CLASHES = ("ConstraintCreationFailed", "AlreadyExists", "ConstraintValidation")
_EXPLANATIONS = (
    (
        ("CredentialsExpired",),
        "{where}: the password of '{user}' has expired; set a new one (ALTER CURRENT USER SET PASSWORD) and try again.",
    ),
    (
        ("Security.Unauthorized",),
        "{where}: wrong user or password for '{user}'; check NEO4J_USER and NEO4J_PASSWORD, or the file 'password' of the server's folder.",
    ),
    (("AuthenticationRateLimit",), "{where}: too many wrong passwords; wait five seconds, check NEO4J_PASSWORD and try again."),
    (("DatabaseNotFound",), "{where}: there is no database '{database}'; check NEO4J_DATABASE (SHOW DATABASES lists them)."),
    (("DatabaseUnavailable",), "{where}: the database '{database}' is not online; see the server's log, then try again."),
    (
        ("ForbiddenOnReadOnlyDatabase", "WriteOnReadOnly", "AccessMode", "Security.Forbidden", "NotALeader"),
        "{where}: '{user}' may not write to '{database}'; take a user or a database that may be written to.",
    ),
    (
        ("ConstraintValidationFailed",),
        "{where}: a constraint of '{database}' forbids the write; SHOW CONSTRAINTS lists them. Drop it, or take another database.",
    ),
    (
        ("TransactionLogError", "TransactionStartFailed"),
        "{where}: the server can write no more: its disk may be full. Make room, start it, and push again: that finishes the job.",
    ),
    (
        ("MemoryPoolOutOfMemory", "OutOfMemory"),
        "{where}: the server has too little memory for a batch; give it more (graphdet db up --heap), or push with a smaller --batch.",
    ),
)
