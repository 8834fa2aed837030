"""Sockets and connections of one application: bind, serve, drain; routes and logs nothing."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from aiohttp import http_parser, web

from service.web.middleware import problem
from service.web.outbox import Outbox
from service.web.quick import QuickAnswer

KEEPALIVE_S = 75.0  # above the usual 60 s of proxies, so that they close first
BACKLOG = 1_024
RECEIVE_POLL_S = 0.01
LINGER_S = 1.0  # for a body to end that was answered before it was there, as aiohttp waits for it
WRITE_S = 10.0  # for a reader with 64 kB of answers unread to read on, before it is let go


def refuse_slow_parser() -> None:
    """Raise if aiohttp runs without its C parser: several times slower, and another parser."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise RuntimeError("aiohttp has no C parser here; install its binary wheel")


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises `OSError` where the address is taken or not ours."""
    (family, kind, protocol, _, address) = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class _Protocol(web.RequestHandler):
    """One connection; aiohttp's own error pages become our problem documents.

    Those pages name its versions, and what cannot be parsed or expected they repeat.
    """

    __slots__ = ("_leaving", "_outbox", "_unread")

    def __init__(
        self, server: web.Server, leaving: asyncio.Event, outbox: Outbox, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self._leaving = leaving
        self._outbox = outbox
        self._unread: asyncio.TimerHandle | None = None

    @property
    def receiving(self) -> bool:
        """Whether a request is being taken up or answered, or its body is not all here yet."""
        if self._current_request is not None:
            return not self._current_request.content.is_eof()
        return self._waiter is None or self._waiter.done()

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
        return await super().finish_response(request, resp, start_time)

    async def _sent(self, request: web.BaseRequest, answer: QuickAnswer) -> bool:
        """Send it and say whether the reader is still there; wait for one who does not read."""
        text, transport = answer.wire(request), self.transport
        if transport is None or transport.is_closing():
            return False
        if answer.keep_alive:
            self._outbox.put(transport, text)
        else:
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


class Listener:
    """Serves an application on one socket."""

    def __init__(self, app: web.Application, sock: socket.socket) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._sock = sock
        self._server: asyncio.Server | None = None
        self._leaving = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that was really bound."""
        port: int = self._sock.getsockname()[1]
        return port

    async def start(self) -> None:
        """Begin to accept connections."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._factory(loop), sock=self._sock)

    def leave(self) -> None:
        """Go on serving, but end every connection with its next answer."""
        self._leaving.set()

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, let running requests finish within the time, close the rest."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        self.leave()
        if self._server is not None and self._runner.server is not None:
            self._server.close()
            await self._receive(deadline)
            self._runner.server.pre_shutdown()
            left_s = max(0.0, deadline - asyncio.get_running_loop().time())
            await self._runner.server.shutdown(left_s)
        await self._runner.cleanup()
        self._sock.close()

    async def _receive(self, deadline: float) -> None:
        """Close what is idle, and wait for the bodies of the requests that run.

        What arrives on a connection that is closing aiohttp throws away; so what had arrived when
        nobody was let in any more is read before any of them is closed.
        """
        server, receiving = self._runner.server, True
        while server is not None and receiving and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(RECEIVE_POLL_S)
            receiving = False
            for connection in server.connections:
                if isinstance(connection, _Protocol) and connection.receiving:
                    receiving = True
                else:
                    connection.close()

    def _factory(self, loop: asyncio.AbstractEventLoop) -> Callable[[], web.RequestHandler]:
        server = self._runner.server
        if server is None:
            raise RuntimeError("set the runner up first")
        outbox = Outbox(loop)
        return lambda: _Protocol(
            server,
            self._leaving,
            outbox,
            loop=loop,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            access_log=None,  # what aiohttp's own runners pass for none
            # A compressed body is refused unread: it could only be a bomb.
            auto_decompress=False,
        )
