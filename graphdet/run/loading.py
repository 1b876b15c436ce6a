"""A run folder on disk → its meta at once, and each of its tables when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphdet.errors import NotARun
from graphdet.run.consistency import check_table, fits
from graphdet.run.describing import FORMAT
from graphdet.run.documents import format_of, read_meta
from graphdet.schema import OPTIONAL_RUN_TABLES, RUN_TABLES, TOLD_LATER, arrow_schema


class CheckedTables(Mapping[str, pa.Table]):
    """Tables of a run by name that check themselves."""


class ChangedTables(CheckedTables):
    """Checked tables with others in place of some; all but these stay where they lie."""

    def __init__(self, base: CheckedTables, changed: Mapping[str, pa.Table]) -> None:
        self.base, self.changed = base, dict(changed)
        if isinstance(base, ChangedTables):
            self.base, self.changed = base.base, {**base.changed, **changed}
        for name in changed:
            check_table(name, self.changed[name], self)

    def __getitem__(self, name: str) -> pa.Table:
        return self.changed[name] if name in self.changed else self.base[name]

    def __contains__(self, name: object) -> bool:
        return name in self.changed or name in self.base

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self.base), **dict.fromkeys(self.changed)})

    def __len__(self) -> int:
        return len(list(iter(self)))


class StoredTables(CheckedTables):
    """The tables of a run folder by name: each is read, checked and kept when it is first asked for.

    Which tables there are is looked up once, at the beginning.

    Raises:
        NotARun: a table that every run has is absent, or one that is asked for is damaged.
    """

    def __init__(self, folder: Path) -> None:
        for name in RUN_TABLES:
            if not _path(folder, name).is_file():  # a pipe that nobody writes to would be waited for
                raise NotARun(f"{folder}: not a whole run ({name}.parquet is missing); run `graphdet run` again.")
        self._folder = folder
        self._names = [*RUN_TABLES, *(name for name in OPTIONAL_RUN_TABLES if _path(folder, name).is_file())]
        self._read: dict[str, pa.Table] = {}

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._read:
            if name not in self._names:
                raise KeyError(name)
            path = _path(self._folder, name)
            table = read_table(path, name)
            try:
                check_table(name, table, self)
            except ValueError as error:
                raise NotARun(f"{path}: damaged ({error}); run `graphdet run` again.") from None
            self._read[name] = table
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names  # whether it is there can be told without reading it

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_meta(folder: Path) -> dict[str, Any]:
    """What run.json holds.

    Raises:
        NotARun: the folder or the file is absent, damaged, or written by a newer graphdet.
    """
    path = folder / "run.json"
    if not folder.is_dir():
        raise NotARun(f"{folder}: no such run folder; `graphdet run LOGS… --out {folder}` makes one.")
    if path.exists() and not path.is_file():
        raise NotARun(f"{path}: damaged (no file); run `graphdet run` again.")
    try:
        text = path.read_text(encoding="utf-8")
        form, version = format_of(text)
    except FileNotFoundError:
        raise NotARun(f"{folder}: not a run folder (run.json is missing); give the folder that `graphdet run` wrote.") from None
    except (OSError, ValueError) as error:
        raise NotARun(f"{path}: damaged ({error}); run `graphdet run` again.") from None
    if form is None:
        raise NotARun(f"{path}: not a graphdet run.json (no format number in it).")
    if form > FORMAT:
        raise NotARun(f"{folder}: written by a newer graphdet ({version}, format {form}); upgrade to read it.")
    try:
        return read_meta(text)
    except ValueError as error:
        raise NotARun(f"{path}: damaged ({error}); run `graphdet run` again.") from None


def read_table(path: Path, name: str) -> pa.Table:
    """One table of a run folder, with the columns of its schema; not checked.

    Raises:
        NotARun: it is absent, no Parquet, or lacks a column.
    """
    schema = arrow_schema(name)
    try:
        table = pq.ParquetFile(path).read()  # of names that are no text it says so by UnicodeDecodeError, a ValueError
    except FileNotFoundError:  # it was there when the run was opened
        raise NotARun(f"{path.parent}: not a whole run ({path.name} is missing); run `graphdet run` again.") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise NotARun(f"{path}: damaged ({str(error).splitlines()[0]}); run `graphdet run` again.") from None
    for field in schema:
        if field.name in TOLD_LATER.get(name, ()) and table.schema.get_field_index(field.name) < 0:
            table = table.append_column(field, pa.nulls(len(table), field.type))
        if table.schema.get_field_index(field.name) < 0 or not fits(table.schema.field(field.name).type, field.type):
            raise NotARun(f"{path}: has no column {field.name!r} of type {field.type}; run `graphdet run` again.")
    return table.select(schema.names).replace_schema_metadata(None)  # later versions may add columns


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"
