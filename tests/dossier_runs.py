"""Made logs with their runs, for the tests of dossiers, reports and exports: three markets, and real shopping with a planted ring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from text_groups import with_text_groups

from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.run.folder import Run
from graphdet.schema import TOLD_LATER
from graphdet.settings import RingSettings, Settings, load_settings
from graphdet.simulate import plant_ring, preset, simulate, with_sheets, write_market

ROOT = Path(__file__).parent.parent
QUICK = Settings(rings=RingSettings(permutations=2))


@dataclass(frozen=True)
class LoggedRun:
    """A run, saved and loaded again, and the raw log that it was made from."""

    run: Run
    log: pd.DataFrame
    folder: Path
    settings: Settings

    def alerts(self) -> list[str]:
        return self.run.rings.filter(pc.equal(self.run.rings["tier"], "alert"))["ring_id"].to_pylist()  # type: ignore[no-any-return]


def market_run(
    folder: Path, seed: int, events: int = 40_000, kind: str = "demo", settings: Settings = QUICK, sheets: float = 0.0
) -> LoggedRun:
    write_market(simulate(with_sheets(preset(kind, events=events), sheets), seed=seed), folder)
    return run_of(folder, pd.read_parquet(folder / "events.parquet"), settings)


def taobao_run(folder: Path) -> LoggedRun:
    """A ring planted into a part of a real shopping log; dates alone, no devices, no IPs."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = load_settings(ROOT / "configs" / "taobao.toml")
    named = settings.log.model_copy(update={"columns": {}})  # the log is written under graphdet's own names
    settings = settings.model_copy(update={"rings": RingSettings(permutations=2), "log": named})
    log = pd.read_parquet(ROOT / "tests" / "data" / "taobao_events.parquet").astype({"user": str, "item": str, "action": str})
    items = pd.read_parquet(ROOT / "tests" / "data" / "taobao_items.parquet", columns=["item", "category"]).astype(str)
    log = log.merge(items, on="item", how="left").rename(columns={"user": "user_id", "item": "item_id", "date": "timestamp"})
    log = log.sort_values("timestamp", kind="stable", ignore_index=True)
    planted = plant_ring(
        log, users=40, targets=8, density=0.9, window=86_400.0, camouflage="popular", noise_events_per_user=8.0, seed=0, action="buy"
    )
    events = planted.events.assign(event_id=np.arange(len(planted.events)).astype(str))
    events.to_parquet(folder / "events.parquet", index=False)
    return run_of(folder, events, settings)


def run_of(folder: Path, log: pd.DataFrame, settings: Settings) -> LoggedRun:
    detect(read_events([folder / "events.parquet"], settings.log), settings).save(folder / "run")
    return LoggedRun(Run.load(folder / "run"), with_text_groups(log), folder, settings)


HOSTILE = (
    '<script>document.title="run"</script>',
    '"><img src=x onerror=\'document.title="run"\'>',
    "</script><script>document.title='run'</script>",
    "<!--<script>",
    "\u202eright-to-left\u2066",
    '=HYPERLINK("http://example.com","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "x" * 10_000,
    "'quoted'\"`back`|pipe|",
    "two\nlines\u2028and more",
    "\x1b[31mred\x07",
    "${7*7}{{7*7}}%s{members}",
    "用户😀&amp;",
    "javascript:document.title='run'",
    "data:text/html,<script>document.title='run'</script>",
    "<svg/onload=document.title='run'>",
    "</style><style>*{display:none}</style>",
    "' onmouseover='document.title=\"run\"",
    "]]><x/><!ENTITY",
    "\u200f\u2069\ufeff\u2029marks",
)


def hostile_run(folder: Path) -> LoggedRun:
    """A market whose ring members, targets, devices and texts have names that would like to be code."""
    market = simulate(preset("demo", events=40_000), seed=1)
    write_market(market, folder)
    log = pd.read_parquet(folder / "events.parquet")
    truth = market.truth["members"].to_pandas()
    for column, kind in (("user_id", "user"), ("item_id", "item"), ("device_id", "device")):
        own = truth[(truth["node_type"] == kind) & (truth["ring_id"] == truth["ring_id"].min())]["node_id"]
        log[column] = log[column].replace(dict(zip(own, (f"{name}{kind[0]}" for name in HOSTILE), strict=False)))
    reviewed = log["text"].notna()
    log.loc[reviewed, "text"] = [HOSTILE[place % 5] for place in range(int(reviewed.sum()))]
    log["action"] = log["action"].replace({"cart": "<b>cart</b>"})
    log.to_parquet(folder / "events.parquet", index=False)
    return run_of(folder, log, QUICK)


def plain_log(logged: LoggedRun) -> pd.DataFrame:
    """The raw log in the log schema: UTC times in microseconds, action words mapped."""
    settings = logged.settings.log
    log = logged.log.rename(columns=settings.columns)
    moments = pd.to_datetime(log["timestamp"])
    if moments.dt.tz is None:
        moments = moments.dt.tz_localize(settings.timezone.replace("+08:00", "Asia/Shanghai"))
    log = log.assign(timestamp=moments.dt.tz_convert("UTC").dt.as_unit("us"))
    if "action" in log:
        log["action"] = log["action"].map(lambda word: settings.actions.get(word, word))
    return log


def without_standings(run: Run) -> Run:
    """As an older graphdet would have made it: its table of members does not say who is to be held."""
    members = run.members
    for name in TOLD_LATER["members"]:
        members = members.set_column(members.column_names.index(name), name, pa.nulls(members.num_rows, pa.string()))
    return Run(run.meta, {**run.tables, "members": members})
