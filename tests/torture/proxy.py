"""A proxy between the service and Redis that does what networks do; understands no protocol.

What it does can be changed while connections are open, and each change holds at once for all.
"""

import asyncio
import random
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from urllib.parse import urlsplit

HOST = "127.0.0.1"
CHUNK = 65_536
DRIBBLE_S = 0.000_5


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to each reply, after the server had the request; nothing by default.

    `lost` and `reset` are probabilities: a lost reply ends in a clean end of the connection, a
    reset in an RST. `half_closed` sends the end of the stream in place of the reply and goes on
    listening. `dribbled` sends byte by byte, `black_hole` swallows both directions.
    """

    lost: float = 0.0
    reset: float = 0.0
    delay_s: float = 0.0
    dribbled: bool = False
    half_closed: bool = False
    black_hole: bool = False

    @property
    def certain(self) -> bool:
        """Whether it comes over every reply."""
        return bool(self.delay_s or self.dribbled or self.half_closed or self.black_hole)


PASS = Fault()


class FaultProxy:
    """Listens on a socket of its own; `fault` is what it does now, `hits` how often it did."""

    def __init__(self, upstream: str, socket: Path | None = None, *, seed: int = 0) -> None:
        self.fault = PASS
        self.hits = 0
        self.url = ""
        self._upstream = upstream
        self._socket = socket
        self._random = random.Random(seed)
        self._serving: set[asyncio.Task[None]] = set()
        self._open: set[StreamWriter] = set()
        self._stopped = False

    async def start(self) -> None:
        """Begin to accept connections, on a port of loopback where no socket was given."""
        if self._socket is not None:
            self._server = await asyncio.start_unix_server(self._accept, self._socket)
            self.url = f"unix://{self._socket}"
            return
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.url = f"redis://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close everything."""
        self._server.close()
        self._stopped = True
        self.cut()
        await asyncio.gather(*self._serving)
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)

    def cut(self) -> None:
        """Close every connection there is; new ones are welcome."""
        for writer in self._open:  # not by cancelling: what is just being opened would be left
            writer.transport.abort()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with self._opened(writer), suppress(OSError):
            upstream, downstream = await _connected(self._upstream)
            with self._opened(downstream):
                await self._between(reader, writer, upstream, downstream)
        self._serving.discard(task)

    @contextmanager
    def _opened(self, writer: StreamWriter) -> Iterator[None]:
        self._open.add(writer)
        if self._stopped:
            writer.transport.abort()
        try:
            yield
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _between(
        self, reader: StreamReader, writer: StreamWriter, upstream: StreamReader,
        downstream: StreamWriter,
    ) -> None:  # fmt: skip
        ways = (
            asyncio.create_task(self._requests(reader, downstream)),
            asyncio.create_task(self._replies(upstream, writer)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(self, reader: StreamReader, writer: StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if self.fault.black_hole:
                self.hits += 1
                continue
            writer.write(chunk)
            await writer.drain()

    async def _replies(self, reader: StreamReader, writer: StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            fault = self.fault
            lost, reset = self._by_chance(fault.lost), self._by_chance(fault.reset)
            self.hits += lost or reset or fault.certain
            if fault.black_hole:
                continue
            if lost:
                return
            if reset:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                return
            if fault.half_closed:
                writer.write_eof()
                await asyncio.Event().wait()
            await asyncio.sleep(fault.delay_s)
            await self._pass(chunk, writer, dribbled=fault.dribbled)

    def _by_chance(self, of: float) -> bool:
        return self._random.random() < of

    async def _pass(self, chunk: bytes, writer: StreamWriter, *, dribbled: bool) -> None:
        for byte in chunk if dribbled else ():
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(DRIBBLE_S)
        if not dribbled:
            writer.write(chunk)
            await writer.drain()


@asynccontextmanager
async def proxied(upstream: str, socket: Path | None = None) -> AsyncIterator[FaultProxy]:
    """Run a proxy before the server at an address until the block ends; TCP without a socket."""
    proxy = FaultProxy(upstream, socket)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def _connected(url: str) -> tuple[StreamReader, StreamWriter]:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(parts.path)
    return await asyncio.open_connection(parts.hostname, parts.port)
