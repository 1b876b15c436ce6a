"""Calls of kernels as a detection makes them, with arguments changed at random: each is done or refused, and reads what is its own.

For `sanitized.py`, in a process of its own that a checking build ends at the first fault.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

MOST = 40  # calls of one kernel that are kept
FAR = 1_000_000  # numbers beyond it are asked of arrays alone: as a length it would be asked of the machine
Call = tuple[Callable[..., object], list[Any], dict[str, Any]]


def record_calls(act: Callable[[], object]) -> dict[str, list[Call]]:
    """What of the compiled module is called by `act`, and with what, by name; arguments are copies."""
    calls: dict[str, list[Call]] = {}
    places = list(_callables())

    def recorder(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: Any, **named: Any) -> object:
            if len(own := calls.setdefault(name, [])) < MOST:
                own.append((function, [_kept(value) for value in arguments], {key: _kept(value) for key, value in named.items()}))
            return function(*arguments, **named)

        return call

    for holder, name, full in places:
        setattr(holder, name, recorder(full, getattr(holder, name)))
    act()
    return calls


def _callables() -> Iterator[tuple[Any, str, str]]:
    """Where they are, by what name, and how they are told of: functions and classes, and the methods of these."""
    from graphdet import _kernels

    for name in (name for name in dir(_kernels) if not name.startswith("_")):
        one: Any = getattr(_kernels, name)
        if isinstance(one, type):
            yield from (
                (one, method, f"{name}.{method}") for method in dir(one) if not method.startswith("_") and callable(getattr(one, method))
            )
        if callable(one):
            yield _kernels, name, name


def _kept(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def one_detection() -> None:
    """Tiny logs, one of them read from a file, on the way that calls most kernels."""
    from sanitized import tiny_log

    import graphdet._kernels  # noqa: F401 - the checking build
    from graphdet.errors import GraphdetError
    from graphdet.events import read_events
    from graphdet.pipeline import detect
    from graphdet.settings import Settings
    from graphdet.simulate.zoo import make_shop, write_shop

    chosen = Settings.model_validate({"machine": {"threads": 1}, "gnn": {"least_rings": 0}, "rings": {"permutations": 1}})
    for number in range(8):
        try:
            detect(tiny_log(np.random.default_rng([9, number])), chosen)
        except GraphdetError as refused:
            sys.stderr.write(f"{number}: {refused}\n")
    with tempfile.TemporaryDirectory() as folder:
        write_shop(make_shop("flooded", 5, 800), Path(folder))
        detect(read_events([Path(folder) / "events.parquet"], chosen.log, chosen.machine), chosen)


def call_many(count: int, seed: str) -> None:
    """So many changed calls; prints how many were done, and how many refused."""
    calls = {name: own for name, own in record_calls(one_detection).items() if any(arguments or named for _, arguments, named in own)}
    names, told = sorted(calls), {"done": 0, "refused": 0}
    for number in range(count):
        chance = np.random.default_rng([int(seed), number])
        name = names[number % len(names)]
        function, arguments, named = calls[name][chance.integers(len(calls[name]))]
        arguments, named = list(arguments), dict(named)
        slots: list[tuple[Any, Any]] = [*((arguments, at) for at in range(len(arguments))), *((named, key) for key in named)]
        for _ in range(chance.choice([1, 1, 2]) if slots else 0):
            holder, at = slots[chance.integers(len(slots))]
            holder[at] = _changed(holder[at], chance)
        sys.stderr.write(f"{number} {name}\n")  # the last one is the one that ended all
        try:
            function(*arguments, **named)
        except (ValueError, TypeError, OverflowError, IndexError, KeyError):
            told["refused"] += 1
        else:
            told["done"] += 1
    sys.stdout.write(f"{len(names)} kernels, {told['done']} done, {told['refused']} refused\n")


def _changed(value: Any, chance: Generator) -> Any:
    if isinstance(value, np.ndarray):
        return _changed_array(value.copy(), chance)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return int(chance.choice([0, 1, 2, -1, value + 1, max(value - 1, -1), 1000, FAR]))
    if isinstance(value, float):
        return float(chance.choice([0, 1, -1, np.nan, np.inf, 1e300]))
    return None if chance.random() < 0.1 else value


def _changed_array(array: Any, chance: Generator) -> Any:
    """Cut, doubled, shuffled, of one value, of another type, or with a few values from the ends of all."""
    how = chance.choice(["cut", "doubled", "shuffled", "one value", "type", "ends", "ends", "ends"])
    if array.dtype == np.uint64 and how == "one value":
        return array  # these are hashes: of one value they take as long as their square
    if how == "cut":
        return array[: chance.integers(len(array) + 1)].copy()
    if how == "doubled":
        return np.concatenate([array, array])
    if how == "shuffled":
        return chance.permutation(array)
    if how == "one value":
        return np.full_like(array, chance.choice([0, 1]) if array.dtype.kind in "bu" else chance.choice([-1, 0, 1]))
    if how == "type":
        return array.astype(chance.choice(["int32", "int64", "float32", "float64", "bool"])) if array.dtype.kind in "bif" else array
    if array.size and array.dtype.kind in "if":
        length = len(array)
        ends = [-1, 0, 1, length, length - 1, length + 1]
        if array.dtype.kind == "i":
            ends = [*ends, np.iinfo(array.dtype).max, np.iinfo(array.dtype).min]
        else:
            ends = [*ends, np.nan, np.inf, -np.inf, 1e38, -1e38]
        for _ in range(chance.integers(1, 4)):
            array.reshape(-1)[chance.integers(array.size)] = np.array(ends[chance.integers(len(ends))]).astype(array.dtype)
    return array
