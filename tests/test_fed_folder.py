"""The folder that benchmarks write to ends once nobody writes any more and all of it was read, and not a step before."""

from __future__ import annotations

from pathlib import Path

from fed_folder import FedFolder

from graphdet.watch.chunks import Place

LINE = b'{"user_id": "u1", "item_id": "i1", "timestamp": "2025-03-01T10:00:00Z"}\n'


def test_what_is_written_last_is_read_before_the_end(tmp_path: Path) -> None:
    """Whoever writes may end between two steps, the first of which found nothing."""
    source, places, log = FedFolder(tmp_path, 3600.0), dict[str, Place](), tmp_path / "events.jsonl"

    def step() -> bytes:
        chunks = source.take(places, 0.0)
        places.update({chunk.partition: chunk.place for chunk in chunks})
        return b"".join(chunk.data for chunk in chunks)

    log.write_bytes(LINE)
    assert (step(), source.ended) == (LINE, False)
    assert (step(), source.ended) == (b"", False), "whoever writes may write on"
    with log.open("ab") as file:
        file.write(LINE)
    source.is_fed = lambda: False
    assert not source.ended
    assert (step(), source.ended) == (LINE, False)
    assert (step(), source.ended) == (b"", True)
