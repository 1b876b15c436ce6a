"""Tables and meta → a run folder on disk: all of it or nothing, whatever moment the process dies at.

A folder is written under another name and renamed when whole, so a half-written one is never mistaken for a run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphdet.errors import RunError, RunExists
from graphdet.whole import is_full, whole_folder, why

AT_ONCE = 2  # tables that are written beside each other


def require_free(folder: Path) -> None:
    """Nothing may stand in the way of a run that is to be saved in `folder`; asked before the work, since an answer after it is dear.

    Raises:
        RunExists: it is a file, or a folder that holds anything.
        RunError: the place cannot be written to.
    """
    if folder.is_dir():
        if (folder / "run.json").is_file():
            raise RunExists(f"{folder}: holds a run already; choose another --out, or remove that folder first.")
        found = next(iter(sorted(path.name for path in folder.iterdir())), None)
        if found is not None:
            raise RunExists(f"{folder}: is not empty (found {found!r}); choose another --out.")
        if folder.resolve().is_mount():
            raise RunError(f"{folder}: is a mount point, which cannot be replaced in one step; choose a folder inside it for --out.")
    elif folder.exists() or folder.is_symlink():
        raise RunExists(f"{folder}: is not a folder; choose another --out.")
    above = folder.resolve().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise RunError(f"{folder}: cannot be made, since {above} is no folder that may be written to; choose another --out.")


def save_folder(folder: Path, tables: Mapping[str, pa.Table], meta: dict[str, Any]) -> None:
    """Write the tables and run.json into `folder`, which must not exist yet or be empty.

    Raises:
        RunExists: the folder holds something already.
        RunError: the disk or the rights do not allow it.
    """
    require_free(folder)
    try:
        with whole_folder(folder) as partial:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda name: _write_table(partial / f"{name}.parquet", tables[name]), tables))
            with (partial / "run.json").open("x", encoding="utf-8") as text:
                json.dump(meta, text, ensure_ascii=False, indent=1)
                text.write("\n")
    except OSError as error:
        if not is_full(error):
            require_free(folder)  # the rename is refused where another run took the place meanwhile
        raise RunError(f"{folder}: the run cannot be written ({why(error)}); choose another --out.") from None


def _write_table(path: Path, table: pa.Table) -> None:
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]  # numbers seldom come twice
    with path.open("xb") as file:
        # One chunk: page limits, and so bytes, must not depend on how the table was put together.
        pq.write_table(table.replace_schema_metadata(None).combine_chunks(), file, compression="zstd", use_dictionary=words)
