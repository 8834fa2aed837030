"""One reader's connection: aiohttp's, but for slow readers, quick answers and beacons.

Decides nothing about what is answered.
"""

import asyncio
from functools import partial
from typing import Any

from aiohttp import web

from service.web.beacons import BEGINNING, Beacons
from service.web.middleware import problem
from service.web.outbox import Outbox
from service.web.quick import QuickAnswer

WRITE_S = 10.0  # for a reader with 64 kB of answers unread to read on, before it is let go


class Connection(web.RequestHandler):
    """One connection; aiohttp's own error pages become our problem documents.

    Those pages name its versions, and what cannot be parsed or expected they repeat.
    """

    __slots__ = ("_beacons", "_leaving", "_outbox", "_unread")

    def __init__(
        self,
        server: web.Server,
        leaving: asyncio.Event,
        outbox: Outbox,
        beacons: Beacons | None,
        **options: Any,
    ) -> None:
        super().__init__(server, **options)
        self._leaving = leaving
        self._outbox = outbox
        self._beacons = beacons
        self._unread: asyncio.TimerHandle | None = None

    @property
    def receiving(self) -> bool:
        """Whether a request is being taken up, or its body is not all here yet."""
        if self._current_request is not None:
            return not self._current_request.content.is_eof()
        if self._request_in_progress:  # a beacon, whose body is here: its answer may take its time
            return False
        return self._waiter is None or self._waiter.done()

    def data_received(self, data: bytes) -> None:
        """Take up what arrived: a beacon at once, all else by aiohttp's task of this connection.

        While a beacon is recorded the task has nothing that would wake it: what arrives meanwhile
        waits for its turn, keep-alive does not run out, and a stop waits for the answer.
        """
        beacons, waiter = self._beacons, self._waiter
        if (
            not data.startswith(BEGINNING) or beacons is None or self._paused
            or waiter is None or waiter.done()
        ):  # fmt: skip
            super().data_received(data)
            return
        self._waiter = None
        super().data_received(data)
        if len(self._messages) == 1 and not self._buffer_paused and self._parser is not None:
            message, payload = self._messages[0]
            if beacons.usual(message, payload):
                self._messages.clear()
                self._parser.message_consumed()
                self._request_in_progress = True
                beacons.record(
                    message, payload, partial(self._end_beacon, waiter, not message.should_close)
                )
                return
        self._wake(waiter)

    def _end_beacon(
        self, waiter: asyncio.Future[None], keep_alive: bool, answer: QuickAnswer
    ) -> None:
        """Send the answer and be idle again, or end the connection if its time has come."""
        self._request_in_progress = False
        if self._handler_waiter is not None:  # a stop waits for this answer
            self._handler_waiter.set_result(None)
        transport = self.transport
        if transport is None or transport.is_closing():
            waiter.cancel()
        elif not keep_alive or self._close or self._force_close or self._leaving.is_set():
            waiter.cancel()
            self._outbox.flush(transport)
            transport.write(answer.text(keep_alive=False))
            transport.close()
        else:
            self._outbox.put(transport, answer.text(keep_alive=True))
            self._live_on()
            self._wake(waiter)

    def _wake(self, waiter: asyncio.Future[None]) -> None:
        """Give the connection back to its task, which goes on if there is something to do."""
        self._waiter = waiter
        if self._messages and not waiter.done():
            waiter.set_result(None)

    def _live_on(self) -> None:
        self._keepalive = True
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(
                self._next_keepalive_close_time, self._process_keepalive
            )

    def pause_writing(self) -> None:
        """Begin to wait for a reader who does not read; not for ever."""
        super().pause_writing()
        if self.transport is not None:
            self._unread = self._loop.call_later(WRITE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: enough was read."""
        self._forget_unread()
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let the timer go with the connection."""
        self._forget_unread()
        super().connection_lost(exc)

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; what handlers raise never gets here, so this is aiohttp's own word."""
        # By the plain class: asking for `HTTPException`, an abstract one's, costs 0.3 µs each time.
        if isinstance(resp, Exception):
            resp = problem(resp.status)
        if self._leaving.is_set():
            resp.force_close()
        # What followed an offer to change protocols is aiohttp's to read on.
        if isinstance(resp, QuickAnswer) and not self._upgraded:
            return resp, not await self._sent(request, resp)
        if self.transport is not None:
            self._outbox.flush(self.transport)
        return await super().finish_response(request, resp, start_time)

    async def _sent(self, request: web.BaseRequest, answer: QuickAnswer) -> bool:
        """Send it and say whether the reader is still there; wait for one who does not read."""
        text, transport = answer.wire(request), self.transport
        if transport is None or transport.is_closing():
            return False
        if answer.keep_alive:
            self._outbox.put(transport, text)
        else:
            self._outbox.flush(transport)
            transport.write(text)
        if self._paused:
            try:
                await self._drain_helper()
            except ConnectionError:
                return False
        return True

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = problem(status)
        response.force_close()
        return response
