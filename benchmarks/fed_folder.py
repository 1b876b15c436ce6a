"""A folder to which a benchmark writes while a watch reads it → a source that ends once nobody writes any more and all was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphdet.watch.chunks import Chunk, Place
from graphdet.watch.folder_source import FolderSource


class FedFolder(FolderSource):
    """`is_fed` tells whether more may come; until it is told, more may."""

    is_fed: Callable[[], bool] = staticmethod(lambda: True)
    gave = False
    _was_last = False

    def take(self, known: Mapping[str, Place], now: float) -> list[Chunk]:
        is_fed = self.is_fed()  # asked before reading: what comes meanwhile is for the next time
        chunks = super().take(known, now)
        self.gave = bool(chunks)
        self._was_last = not (is_fed or self.gave or self.waiting)
        return chunks

    @property
    def ended(self) -> bool:
        return self._was_last
