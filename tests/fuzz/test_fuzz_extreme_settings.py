"""Settings at the ends of their bounds, several at once: a run is whole and can be read, or is refused in one clear line."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fuzzing import inputs, outcome, tallied
from pydantic import BaseModel

from graphdet.dossier.building import build_dossier
from graphdet.events import read_events
from graphdet.pipeline import detect
from graphdet.replay.recorded import Recorded
from graphdet.run.folder import Run
from graphdet.settings import Settings, parse_settings
from graphdet.simulate.zoo import make_shop, write_shop

QUICK: dict[str, Any] = {"machine": {"threads": 1}, "gnn": {"least_rings": 1, "epochs": 1}, "rings": {"permutations": 1}}
FLOATS = [0.0, 5e-324, 1e-9, 1e-3, 1.0, 300.0, 1e6, 1e9, 1e308, -1.0, -300.0, -1e9]
INTEGERS = [0, 1, 2, 3, 60, 10_000, 10**9, 2**31, 2**62, -1]
LISTS = [[1.0], [5e-324], [300.0], [1 / 3600, 500_000.0], [1e9], [-1e9, 1e9], [float(place) for place in range(1, 9)], []]
LEFT_OUT = {"alerts", "drift", "machine"}  # what a run does not read, and threads
SLOW = {"permutations", "epochs", "folds"}  # many are many times as slow, and that is all


def numbers(section: BaseModel, above: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """Each setting that is a number, or a list of them, with its default."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from numbers(value, (*above, name))
        elif type(value) in (int, float) or (isinstance(value, tuple) and value and type(value[0]) is float):
            yield [*above, name], value


EVERY = [(path, value) for path, value in numbers(Settings()) if path[0] not in LEFT_OUT]


def draw(chance: random.Random) -> dict[str, Any]:
    chosen = {}
    for path, value in chance.sample(EVERY, chance.choice([1, 1, 2, 4])):
        ends = LISTS if isinstance(value, tuple) else INTEGERS if isinstance(value, int) else FLOATS
        chosen[".".join(path)] = chance.choice(ends[:3] if path[-1] in SLOW else ends)
    return chosen


def table(one: dict[str, Any]) -> dict[str, Any]:
    """As a settings file says it."""
    found: dict[str, Any] = {name: dict(section) for name, section in QUICK.items()}
    for dotted, value in one.items():
        *sections, name = dotted.split(".")
        at = found
        for section in sections:
            at = at.setdefault(section, {})
        at[name] = value
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extreme") / "shop"
    write_shop(make_shop("flooded", 5, 1500), folder)
    return folder


def test_settings_at_their_ends_give_a_whole_run_or_one_clear_line(shop: Path, tmp_path: Path) -> None:
    failures, rings = [], 0
    with tallied("settings at their ends") as tally:
        for one in inputs("extreme_settings", draw, few=8, most=1000):

            def act(one: dict[str, Any] = one) -> None:
                nonlocal rings
                settings = parse_settings(table(one), "settings")
                detect(read_events([shop / "events.parquet"], settings.log, settings.machine), settings).save(tmp_path / "run")
                run = Run.load(tmp_path / "run")
                recorded, ids = Recorded(run), run.rings["ring_id"].to_pylist()
                rings += len(ids)
                for ring in ids[:2]:
                    build_dossier(recorded, run.ring(ring)).as_dict(recorded)

            told = outcome(act, tally, one)
            failures += [told] if told else []
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert not failures, "\n".join(failures)
    assert tally["tried"] == tally["taken"] + tally["refused"]
    assert tally["taken"]
    assert rings
