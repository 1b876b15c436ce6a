"""A step → what people should know of it: events that no look will see, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graphdet.watch.chunks import Chunk
from graphdet.watch.leaps import told_time
from graphdet.watch.stepping import StepReport, window_start

MORE = 10  # times as many are told of again


class StepNotes:
    """What a watch has told of its steps."""

    def __init__(self) -> None:
        self._early = self._told = 0

    def of(
        self, report: StepReport, chunks: Sequence[Chunk], meta: Mapping[str, str], days: int
    ) -> Iterator[tuple[str, Mapping[str, int | str]]]:
        """Sentences of `words/watch_words.py`, with their values.

        Args:
            report: of a step.
            chunks: that it took.
            meta: of the state after it.
            days: of the window.
        """
        if lost := sum(chunk.lost for chunk in chunks):
            yield "deleted", {"count": lost}
        if report.leap and report.gone:
            moments = {"moment": told_time(report.leap.moment), "before": told_time(report.leap.before)}
            yield "leapt", {"count": report.gone, **moments, "place": report.end_of}
        self._early += report.early
        if self._early and self._early >= MORE * self._told:
            self._told, end = self._early, int(meta["end"])
            moments = {"start": told_time(window_start(end, days)), "moment": told_time(end)}
            yield "early", {"count": self._early, **moments, "place": meta.get("end_of", "?")}
