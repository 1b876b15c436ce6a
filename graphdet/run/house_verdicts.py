"""Files of a house's verdicts on rings → the run with chances that rest on them as well."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from graphdet.errors import LabelError
from graphdet.judging.standing import known_chances
from graphdet.run.folder import Run
from graphdet.run.ring_tables import chance_columns
from graphdet.schema import VERDICTS, arrow_schema
from graphdet.schema.standings import STANDINGS
from graphdet.schema.wording import numbered

CONFIRMED, INNOCENT = VERDICTS[:2]
COLUMNS = ("ring_id", "standing", "verdict")


RingVerdicts = Mapping[str, tuple[str, str]]  # ring → how it stood, and the verdict on it


def read_verdicts(paths: Sequence[Path]) -> RingVerdicts:
    """What the house said of rings; of a ring with several rows the last counts.

    Args:
        paths: CSV or Parquet with `ring_id`, `standing` and `verdict`, as `graphdet dispositions RUN --out FILE` writes them; rows without
            a standing or with another verdict (`unsure`) say nothing.

    Raises:
        LabelError: a file cannot be read, lacks a column, or has a standing or a verdict that is none.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        for ring, standing, verdict in zip(*_columns(path), strict=True):
            if verdict not in VERDICTS or (standing and standing not in STANDINGS):
                known = f"a verdict is one of {', '.join(VERDICTS)}, a standing one of {', '.join(STANDINGS)}"
                raise LabelError(f"{path}: {known} (found {verdict!r}, {standing!r}).")
            if standing:
                found[ring] = (standing, verdict)
    return found


def count_verdicts(found: RingVerdicts) -> dict[str, tuple[int, int]]:
    """Standing → rings confirmed, and rings found innocent."""
    said = Counter(found.values())
    return {name: (said[name, CONFIRMED], said[name, INNOCENT]) for name in STANDINGS}


def with_verdicts(run: Run, found: RingVerdicts) -> Run:
    """The run with chances by these verdicts, too, and an id of its own, since they decided these."""
    verdicts = count_verdicts(found)
    chances = known_chances(verdicts)
    rings, schema = run.rings, arrow_schema("rings")
    for name, values in chance_columns([chances[standing] for standing in rings["standing"].to_pylist()]).items():
        rings = rings.set_column(schema.get_field_index(name), schema.field(name), pa.array(values, schema.field(name).type))
    counted = sum(map(sum, verdicts.values()))
    identity = hashlib.sha256(json.dumps([run.id, verdicts], sort_keys=True).encode()).hexdigest()[:16]
    note = f"Chances beside rings rest on {numbered(counted, 'verdict', 'verdicts')} of this house, too."
    meta = {**run.meta, "id": f"run-{identity}", "notes": [*run.meta["notes"], note], "verdicts": verdicts}
    return replace(run.with_tables(rings=rings), meta=meta)


def _columns(path: Path) -> list[list[str]]:
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise LabelError(f"{path}: cannot be read as verdicts ({str(error).splitlines()[0]}); give CSV or Parquet.") from None
    absent = [name for name in COLUMNS if name not in table.column_names]
    if absent:
        raise LabelError(f"{path}: has no column {absent[0]!r}; `graphdet dispositions RUN --out FILE` writes {', '.join(COLUMNS)}.")
    return [["" if value is None else str(value) for value in table[name].to_pylist()] for name in COLUMNS]


def _read_csv(path: Path) -> pa.Table:
    texts = dict.fromkeys(COLUMNS, pa.string())
    return pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types=texts, strings_can_be_null=True))
