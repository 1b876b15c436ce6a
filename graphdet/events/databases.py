"""A table or a query of a database → a plain file that is read like others: by DuckDB's extension where it is installed, or by psql.

A password stands in no message, in no argument of another program, and in no name that is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from graphdet.errors import UnreadableFile
from graphdet.events.expressions import identifier, quoted_text
from graphdet.events.refusals import ENGINE
from graphdet.scratch import new_file

EXTENSIONS = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_OTHERS = "mssql|sqlserver|oracle|snowflake|bigquery|clickhouse|mongodb|redshift"
_ADDRESS = re.compile(rf"({'|'.join(EXTENSIONS)}|{_OTHERS}):/+(.+)", re.IGNORECASE | re.DOTALL)
_EXPORTS = {
    "postgres": "psql -c \"\\copy (SELECT …) TO 'events.csv' CSV HEADER\"",
    "mysql": 'mysql --batch -e "SELECT …" > events.tsv',
}


@dataclass(frozen=True)
class Address:
    """Where a table or a query is.

    Attributes:
        kind: which database, as its address begins.
        url: the address without password and without what is asked.
        password: '' for none.
        asked: a table, or a query.
    """

    kind: str
    url: str
    password: str
    asked: str

    @property
    def name(self) -> str:
        """The address as it may be shown and kept."""
        place = urlsplit(self.url)
        return f"{self.kind}://{(place.hostname or '') + place.path}" + (f"#{self.asked}" if self.asked else "")


def address_of(text: str) -> Address | None:
    """What an argument names, if it is a database."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found:
        return None
    place, _, asked = found[2].partition("#")
    parts = urlsplit(f"{found[1].lower()}://{place}")
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        found[1].lower(), f"{parts.scheme}://{user}{host}{parts.path}{query}", unquote(parts.password or ""), unquote(asked).strip()
    )


def fetch(address: Address, folder: Path) -> Path:
    """All rows of the table or query, as CSV with a header.

    Raises:
        UnreadableFile: nothing is asked for, nothing here can ask it, or the database refuses.
    """
    if address.kind not in EXTENSIONS:
        raise UnreadableFile(f"{address.kind}://…: a database of this kind is not read; export the table as CSV or Parquet, and name that.")
    if not address.asked:
        raise UnreadableFile(
            f"{address.name}: name a table or a query behind the address, such as {address.name}#orders or …#'SELECT …'; or export one, "
            f"for instance with {_EXPORTS[EXTENSIONS[address.kind]]}, and name that file."
        )
    target = new_file(folder)
    extension = EXTENSIONS[address.kind]
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        connection.execute(f"LOAD {extension}")
    except ENGINE:
        if extension == "postgres" and shutil.which("psql"):
            return _by_psql(address, target)
        raise UnreadableFile(
            f"{address.name}: DuckDB's extension for it is not installed (in DuckDB: INSTALL {extension}); or export the table, "
            f"for instance with {_EXPORTS[extension]}, and name that file."
        ) from None
    try:
        _by_extension(connection, address, extension, target)
    except ENGINE as error:
        raise _refused(address, str(error)) from None
    finally:
        connection.close()
    return target


def _is_query(asked: str) -> bool:
    return any(character.isspace() for character in asked)


def _by_extension(connection: duckdb.DuckDBPyConnection, address: Address, extension: str, target: Path) -> None:
    place = urlsplit(address.url)
    parts = {
        "host": place.hostname,
        "port": place.port,
        "user": place.username,
        "dbname": place.path.strip("/"),
        "password": address.password,
    }
    told = " ".join(f"{key}='{str(value).replace(chr(39), chr(92) + chr(39))}'" for key, value in parts.items() if value)
    if extension == "mysql":
        told = told.replace("dbname=", "database=")
    connection.execute(f"ATTACH {quoted_text(told)} AS source (TYPE {extension}, READ_ONLY)")
    asked = f"{extension}_query('source', {quoted_text(address.asked)})" if _is_query(address.asked) else f"source.{_table(address.asked)}"
    connection.execute(f"COPY (FROM {asked}) TO {quoted_text(str(target))} (FORMAT csv, HEADER)")


def _by_psql(address: Address, target: Path) -> Path:
    asked = address.asked if _is_query(address.asked) else f"SELECT * FROM {_table(address.asked)}"  # noqa: S608
    environment = os.environ | {"PGOPTIONS": "-c default_transaction_read_only=on"}
    if address.password:
        environment["PGPASSWORD"] = address.password
    url = address.url.replace(f"{address.kind}://", "postgresql://", 1)
    command = [
        "psql",
        "-X",
        "-q",
        "-w",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        url,
        "-c",
        f"COPY ({asked.rstrip('; ')}) TO STDOUT (FORMAT csv, HEADER)",
    ]
    with target.open("wb") as out:
        done = subprocess.run(  # noqa: S603 - what is asked for is the user's own word
            command, env=environment, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False
        )
    if done.returncode:
        raise _refused(address, done.stderr.decode("utf-8", "replace"))
    return target


def _table(name: str) -> str:
    return ".".join(map(identifier, name.split(".")))


def _refused(address: Address, told: str) -> UnreadableFile:
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    first = (lines[0] if lines else "no reason was given")[:200]
    if address.password:
        first = first.replace(address.password, "…")
    return UnreadableFile(f"{address.name}: the database refused ({first}); check the address, the rights and the name of the table.")
