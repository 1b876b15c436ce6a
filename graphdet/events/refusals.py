"""What is raised where a file cannot be read: by the engine, by Arrow, by the disk."""

from __future__ import annotations

import duckdb
import pyarrow as pa

# A message that quotes a damaged file's bytes may be no text, which the engine's binding then tells in ways of its own.
ENGINE = (duckdb.Error, UnicodeError, RuntimeError)
REFUSALS = (*ENGINE, pa.ArrowException, OSError)  # what is raised inside a stream arrives through Arrow, as OSError
