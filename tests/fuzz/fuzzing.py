"""What every fuzzing test shares: how many inputs, the kept ones, the tally, and what may come of an input."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from graphdet.cli.program import app
from graphdet.errors import GraphdetError

HERE = Path(__file__).parent
INPUTS = int(os.environ.get("GRAPHDET_FUZZ", "0"))  # of each kind; 0 = the short part that every `make test` holds
SEED = int(os.environ.get("GRAPHDET_FUZZ_SEED", "0"))
TALLY = os.environ.get("GRAPHDET_FUZZ_TALLY")  # a file that a soak's tallies are added to
ONE_LINE = re.compile(r"[^\n\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def kept(name: str) -> list[Any]:
    """Inputs that once did harm."""
    path = HERE / "corpus" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def inputs(name: str, draw: Callable[[random.Random], Any], few: int, most: int = 10**9) -> Iterator[Any]:
    """The kept inputs, then `few` drawn ones, or as many as a soak asks for, `most` at most; each can be kept as it stands."""
    yield from kept(name)
    for number in range(min(INPUTS, most) or few):
        yield draw(random.Random(f"{name} {SEED} {number}"))  # noqa: S311 - the same inputs each time


@contextlib.contextmanager
def tallied(name: str) -> Iterator[Counter[str]]:
    """Counts what becomes of inputs: 'tried' = 'taken' + 'refused' + 'failed'; a soak's are written down."""
    tally: Counter[str] = Counter()
    try:
        yield tally
    finally:
        if TALLY:
            with Path(TALLY).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": name, **tally}) + "\n")


def outcome(act: Callable[[], object], tally: Counter[str], about: Any) -> str:
    """Do it: it may be taken, or refused in one clear line; anything else is told with what would try it again."""
    tally["tried"] += 1
    try:
        act()
    except GraphdetError as error:
        if not ONE_LINE.fullmatch(str(error)):
            tally["failed"] += 1
            return f"not one clear line: {str(error)[:200]!r} of {json.dumps(about)[:2000]}"
        tally["refused"] += 1
        return ""
    except BaseException as error:
        tally["failed"] += 1
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} {str(error)[:200]!r} at {where.filename}:{where.lineno} of {json.dumps(about)[:2000]}"
    tally["taken"] += 1
    return ""


def command(arguments: list[str]) -> None:
    """Run a command in this process; raises what it raises, but for its own exit."""
    done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
