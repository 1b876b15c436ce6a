"""A connection that must tell its request, and take its answer, in time: who sends a byte now and then keeps nobody's place.

Who breaks off amid a request is no error of ours, and nothing of it is told on the terminal.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 20.0  # from a connection, or from a request's first byte, until all of it is there
ANSWER_SECONDS = 60.0  # that an answer may wait for its reader to take more


class Punctual(H11Protocol):
    """The server's side of one connection."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._due: asyncio.TimerHandle | None = None  # when the request must be whole
        self._stuck: asyncio.TimerHandle | None = None  # when the reader must have taken more

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there, and has not asked yet."""
        super().connection_made(transport)
        self._due = self.loop.call_later(REQUEST_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """A part of a request, or all of it."""
        if self._due is None:
            self._due = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._due.cancel()
            self._due = None

    def send_400_response(self, msg: str) -> None:
        """What came is no request, or broke off amid one: whoever answers that one speaks to nobody any more."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """More was written than its reader takes."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It was taken."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(exc)
        for timer in (self._due, self._stuck):
            if timer is not None:
                timer.cancel()
