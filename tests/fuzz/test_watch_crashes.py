"""Watches whose process, broker, receiver and disk fail at random: in the end every event is in the state once, and every alert came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fuzzing import INPUTS, inputs, tallied
from kafka_broker import Broker
from watch_crashes import draw_history, play

HISTORIES = min(INPUTS, 100) or 1  # of each source
TURNS = 6 if INPUTS else 3


@pytest.mark.parametrize("source", ["folder", "kafka"])
def test_whatever_fails_every_event_counts_once_and_every_alert_comes(source: str, broker: Broker, tmp_path: Path) -> None:
    pytest.importorskip("confluent_kafka")
    drawn = inputs(f"watch_crashes_{source}", lambda chance: draw_history(chance, source, TURNS), HISTORIES)
    with tallied(f"watches of a {source}, all around them failing") as tally:
        for number, history in enumerate(drawn):
            tally["tried"] += 1
            place = tmp_path / f"{source}-{number}"
            place.mkdir()
            try:
                ends = play(history, place, broker)
            except BaseException as error:
                tally["failed"] += 1
                error.add_note(json.dumps(history))
                raise
            tally["refused" if ends["by an error"] else "taken"] += 1
