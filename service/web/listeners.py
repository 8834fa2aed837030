"""Sockets and connections of one application: bind, serve, drain; routes and logs nothing."""

import asyncio
import socket
from collections.abc import Callable

from aiohttp import http_parser, web

from service.web.beacons import Beacons
from service.web.connections import Connection
from service.web.outbox import Outbox

KEEPALIVE_S = 75.0  # above the usual 60 s of proxies, so that they close first
BACKLOG = 1_024
RECEIVE_POLL_S = 0.01
LINGER_S = 1.0  # for a body to end that was answered before it was there, as aiohttp waits for it


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


class Listener:
    """Serves an application on one socket, and where it is given them, beacons beside it."""

    def __init__(
        self, app: web.Application, sock: socket.socket, beacons: Beacons | None = None
    ) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._sock = sock
        self._beacons = beacons
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
            # Never nothing: aiohttp takes 0 for no bound at all.
            left_s = max(RECEIVE_POLL_S, deadline - asyncio.get_running_loop().time())
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
                if isinstance(connection, Connection) and connection.receiving:
                    receiving = True
                else:
                    connection.close()

    def _factory(self, loop: asyncio.AbstractEventLoop) -> Callable[[], web.RequestHandler]:
        server = self._runner.server
        if server is None:
            raise RuntimeError("set the runner up first")
        outbox = Outbox(loop)
        return lambda: Connection(
            server,
            self._leaving,
            outbox,
            self._beacons,
            loop=loop,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            access_log=None,  # what aiohttp's own runners pass for none
            # A compressed body is refused unread: it could only be a bomb.
            auto_decompress=False,
        )
