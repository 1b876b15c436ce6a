"""Files → their rows in one collector, and at the end what became of every row: read = accepted + rejected + duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphdet.errors import MissingColumn, UnreadableFile
from graphdet.events.asking import Asking
from graphdet.events.clock_changes import ClockDoubts, count_doubts
from graphdet.events.collecting import Collector
from graphdet.events.encodings import check_encoding
from graphdet.events.files import LogFile, digest, state_of
from graphdet.events.header import check_columns, check_mapped, map_columns
from graphdet.events.joining import open_joined
from graphdet.events.named_files import find_logs
from graphdet.events.odd_values import is_odd
from graphdet.events.opening import Mapper, Source, careful_source, require_whole, unreadable
from graphdet.events.pictures import Pictures
from graphdet.events.reading import NUMBERS, Typer, connect, stream_batches
from graphdet.events.refusals import REFUSALS
from graphdet.events.rejecting import NO_REJECTS, Rejected, Rejects, locate
from graphdet.events.synonyms import unread_synonyms
from graphdet.events.table import FileReport
from graphdet.events.timestamps import TIMES, check_zone
from graphdet.scratch import scratch_folder
from graphdet.settings import LogSettings, MachineSettings
from graphdet.shortage import ran_out

Watcher = Callable[[str, int, int | None], None]


@dataclass
class Part:
    """Files that are read alike (events, catalogues or labels): their rows, and where in `collector` each file begins."""

    collector: Collector
    places: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    rejects: Rejects = NO_REJECTS
    duplicates: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True)
class Reading:
    """Files whose rows have been read, and lie in `rows`, those of item catalogues in `catalogues`."""

    files: list[LogFile]
    sources: list[Source]
    digests: list[Future[str]]
    rows: Part
    catalogues: Part
    machine: MachineSettings
    folder: Path
    clock_doubts: ClockDoubts
    unread_synonyms: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]
    pictures: Pictures

    def report(self, rejected: Rejected) -> tuple[FileReport, ...]:
        """One report per file in the order given, once each part knows its rejects; these go into `rejected` in the same order."""
        with connect(self.machine, self.folder) as connection:
            return _reports(connection, self, rejected)


@contextmanager
def read_files(
    paths: Sequence[Path | str], settings: LogSettings, machine: MachineSettings, mapper: Mapper, typer: Typer, tell: Watcher
) -> Iterator[Reading]:
    """Read all rows of some files; their text stays in a folder of its own until the block ends.

    Args:
        paths: files, or folders of which every log file is read.
        mapper, typer: what a header's columns are to us, and each of them as SQL.
    """
    check_columns(settings)
    check_zone(settings.timezone)
    check_encoding(settings.encoding)
    with scratch_folder() as folder, ThreadPoolExecutor(machine.threads or None) as pool:
        own = settings if mapper is map_columns else settings.model_copy(update={"join": {}, "skip": ()})  # labels are whole tables
        chosen = find_logs(paths, folder, own)
        rows, catalogues = Part(Collector(pool)), Part(Collector(pool))
        with connect(machine, folder) as connection:
            sources = _open_all(connection, chosen.files, own, folder, mapper)
            if mapper is map_columns:
                check_mapped([source.mapping.header for source in sources], settings)
            files = [source.file for source in sources]
            digests = [pool.submit(digest, file.whole) for file in files]
            asking = Asking(connection, sources, settings, folder)
            pictures = Pictures(settings, machine)
            for place in range(len(files)):
                part = catalogues if sources[place].mapping.catalogue else rows
                with _about(files[place]):
                    sources[place] = _read(connection, sources, place, part.collector, asking, pictures, settings, typer, folder, tell)
                part.places.append(place)
                part.starts.append(part.collector.rows)
            doubts = count_doubts(connection, sources, rows.collector, settings)
            synonyms = unread_synonyms(connection, sources) if mapper is map_columns else ()
        for file, future in zip(files, digests, strict=True):
            with _about(file):
                future.result()
            if state_of(file.whole, file.name) != file.state:
                raise UnreadableFile(f"{file.name}: changed while it was read; read it once it is whole, or a copy of it.")
        yield Reading(files, sources, digests, rows, catalogues, machine, folder, doubts, synonyms, chosen.skipped, pictures)


def _open_all(
    connection: duckdb.DuckDBPyConnection, files: Sequence[LogFile], settings: LogSettings, folder: Path, mapper: Mapper
) -> list[Source]:
    """Every file; of an archive or a workbook what is no log is left out, if something else in it is one."""
    sources: list[Source] = []
    refused: dict[Path, MissingColumn] = {}
    for file in files:
        try:
            with _about(file):
                sources.append(open_joined(connection, file, settings, folder, mapper))
        except MissingColumn as error:
            if file.origin is None:
                raise
            refused.setdefault(file.origin, error)
    for origin, reason in refused.items():
        places = [place for place, source in enumerate(sources) if source.file.origin == origin]
        if not places:
            raise reason
        sources[places[0]] = replace(sources[places[0]], note=f"{origin}: read in part; left out: {str(reason).split(' (found', 1)[0]}.")
    return sources


@contextmanager
def _about(file: LogFile) -> Iterator[None]:
    """What the disk, or a library that reads the file, complains of in this block is told of the file."""
    try:
        yield
    except REFUSALS as error:
        if ran_out(error):
            raise
        state_of(file.whole, file.name)  # gone by now
        raise unreadable(file, error) from None


class _Unasked(Exception):
    """A value that may be read in several ways, in columns that nobody has asked yet."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__(columns)
        self.columns = columns


def _read(
    connection: duckdb.DuckDBPyConnection,
    sources: list[Source],
    place: int,
    collector: Collector,
    asking: Asking,
    pictures: Pictures,
    settings: LogSettings,
    typer: Typer,
    folder: Path,
    tell: Watcher,
) -> Source:
    """Read one file into the collector; again without its broken records where DuckDB refuses it, and where values are odd, by what all of
    them tell."""
    source = sources[place]
    if source.empty:
        return source
    start = collector.rows
    while True:
        pictures.begin(source.file)
        try:
            with closing(stream_batches(connection, source, settings, typer)) as batches:  # so that nothing is read ahead any longer
                for batch in batches:
                    _require_asked(batch, source)
                    collector.add(pictures.read(batch, source.file))
                    tell("read", collector.rows, None)
            require_whole(connection, source, collector.rows - start)
            return source
        except _Unasked as met:
            collector.rewind(start)
            source = asking.answered(source, met.columns)
        except REFUSALS as error:
            if ran_out(error) or source.text is None or source.careful:
                raise
            collector.rewind(start)
            source = careful_source(source, folder)


def _require_asked(batch: pa.RecordBatch, source: Source) -> None:
    asked = {*source.times, *source.numbers}
    odd = [name for name in (*TIMES, *NUMBERS) if name in batch.schema.names and name not in asked and is_odd(batch.column(name))]
    if odd:
        raise _Unasked(odd)


def _reports(connection: duckdb.DuckDBPyConnection, reading: Reading, rejected: Rejected) -> tuple[FileReport, ...]:
    typed: dict[int, tuple[int, npt.NDArray[np.int64], list[tuple[str, str]], int]] = {}
    for part in (reading.rows, reading.catalogues):
        again = np.diff(np.searchsorted(np.sort(part.duplicates), part.starts))
        bounds = np.searchsorted(part.rejects.rows, part.starts)
        for number, place in enumerate(part.places):
            start, stop = bounds[number], bounds[number + 1]
            causes = [part.rejects.causes[cause] for cause in part.rejects.cause[start:stop]]
            rows = part.rejects.rows[start:stop] - part.starts[number]
            typed[place] = part.starts[number + 1] - part.starts[number], rows, causes, int(again[number])
    reports = []
    for place, (file, source, sha256) in enumerate(zip(reading.files, reading.sources, reading.digests, strict=True)):
        rows_read, rows, causes, duplicates = typed[place]
        if len(rows) or source.broken:
            theirs = [(source.mapping.theirs(column) if column else "", reason) for column, reason in causes]
            with _about(file):
                locate(connection, source, rows, theirs, rejected)
        reports.append(
            FileReport(
                path=file.name,
                format=file.kind,
                sha256=sha256.result(),
                columns=source.mapping.header,
                unused_columns=source.mapping.unused,
                read=rows_read + source.broken,
                accepted=rows_read - len(rows) - duplicates,
                rejected=len(rows) + source.broken,
                duplicates=duplicates,
                catalogue=source.mapping.catalogue,
                form=source.form,
            )
        )
    return tuple(reports)
