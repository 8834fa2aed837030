"""A server that speaks Redis' protocol before a real engine and answers what a test chooses.

Whatever it is not told to answer goes to the engine, and the engine's own reply comes back.
"""

import asyncio
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ERRORS = {
    "OOM": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "READONLY": b"-READONLY You can't write against a read only replica.\r\n",
    "LOADING": b"-LOADING Redis is loading the dataset in memory\r\n",
    "MISCONF": b"-MISCONF Redis is configured to save RDB snapshots, but cannot persist\r\n",
    "NOREPLICAS": b"-NOREPLICAS Not enough good replicas to write.\r\n",
    "NOAUTH": b"-NOAUTH Authentication required.\r\n",
    "WRONGPASS": b"-WRONGPASS invalid username-password pair or user is disabled.\r\n",
    "NOPERM": b"-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
    "BUSY": b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL\r\n",
    "TRYAGAIN": b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    "CLUSTERDOWN": b"-CLUSTERDOWN The cluster is down\r\n",
    "MASTERDOWN": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is 'no'.\r\n",
    "WRONGTYPE": b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    "NOSCRIPT": b"-NOSCRIPT No matching script. Please use EVAL.\r\n",
}
GARBAGE = b"\x00\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n"
WRONG_REPLIES = {
    "a word": b"+OK\r\n",
    "a number": b":1\r\n",
    "nothing": b"$-1\r\n",
    "words in a list": b"*2\r\n$3\r\none\r\n$3\r\ntwo\r\n",
    "an empty list": b"*0\r\n",
    "a map of maps": b"%1\r\n+a\r\n%1\r\n+b\r\n:1\r\n",
}
HUGE = b"$536870912\r\n" + b"x" * 4_096  # 512 MB, and then nothing comes
PUSH = b">2\r\n+handbill\r\n+was here\r\n"
WRITES = frozenset({b"EVALSHA", b"EVAL", b"HDEL"})
MARKS = frozenset({b"HGETALL"})
PACES = frozenset({b"HGETALL of what was delivered"})  # the planner reads them, not the shipper
REHEARSED = b"hb:rehearsal:"  # keys on which the service only tries the script: left to the engine
_LINES, _TEXTS, _LISTS, _PAIRS = b"+-:,_#(", b"$=!", b"*~>", b"%|"


class Way(Enum):
    """How a chosen reply is given."""

    INSTEAD = "the engine never sees the command"
    AFTER = "the engine obeys, and its reply is replaced"
    BEFORE = "it comes first, then the engine's reply"
    HALF = "the engine's reply ends in the middle, and so does the connection"


@dataclass(frozen=True, slots=True)
class Say:
    """A chosen reply to some commands, `times` often (for ever where None)."""

    reply: bytes = b""
    to: frozenset[bytes] = WRITES
    way: Way = Way.INSTEAD
    times: int | None = None


class RespServer:
    """Listens on a unix socket; `says` what was chosen last, None for nothing; counts `said`."""

    def __init__(self, upstream: str, socket: Path) -> None:
        self.url = f"unix://{socket}"
        self.said = 0
        self._says: Say | None = None
        self._left = 0
        self._upstream = upstream.removeprefix("unix://")
        self._socket = socket
        self._serving: set[asyncio.Task[None]] = set()
        self._open: set[StreamWriter] = set()
        self._stopped = False

    def say(self, chosen: Say | None) -> None:
        """Answer this from now on; None: be the engine again."""
        self._says, self.said = chosen, 0
        self._left = -1 if chosen is None or chosen.times is None else chosen.times

    async def start(self) -> None:
        """Begin to accept connections."""
        self._server = await asyncio.start_unix_server(self._accept, self._socket)

    async def stop(self) -> None:
        """Close everything."""
        self._server.close()
        self._stopped = True
        for writer in self._open:  # not by cancelling: what is just being opened would be left
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with self._opened(writer), suppress(OSError, IncompleteReadError):
            engine, engine_writer = await asyncio.open_unix_connection(self._upstream)
            with self._opened(engine_writer):
                while await self._one(reader, writer, engine, engine_writer):
                    await writer.drain()
                await writer.drain()
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
            writer.close()

    async def _one(
        self, reader: StreamReader, writer: StreamWriter, engine: StreamReader,
        engine_writer: StreamWriter,
    ) -> bool:  # fmt: skip
        """Answer one command; return whether the connection goes on."""
        command = await value(reader)
        chosen = self._chosen(command)
        if chosen is not None and chosen.way is Way.INSTEAD:
            writer.write(chosen.reply)
            return True
        engine_writer.write(command)
        reply = await value(engine)
        if chosen is None:
            writer.write(reply)
        elif chosen.way is Way.AFTER:
            writer.write(chosen.reply)
        elif chosen.way is Way.BEFORE:
            writer.write(chosen.reply + reply)
        else:
            writer.write(reply[: len(reply) // 2])
            return False
        return True

    def _chosen(self, command: bytes) -> Say | None:
        """Return the reply that was chosen for a command; *n CRLF, $n CRLF, then its name."""
        chosen, name = self._says, command.split(b"\r\n", 3)[2].upper()
        if b":pace:" in command and {name} == MARKS:
            (name,) = PACES
        if chosen is None or not self._left or name not in chosen.to or REHEARSED in command:
            return None
        self._left -= 1
        self.said += 1
        return chosen


async def value(reader: StreamReader) -> bytes:
    """Return the bytes of one whole value of the protocol; raises at the stream's end."""
    line = await reader.readuntil(b"\r\n")
    kind, count = line[:1], line[1:-2]
    if kind in _LINES:
        return line
    if kind in _TEXTS:
        return line if count == b"-1" else line + await reader.readexactly(int(count) + 2)
    if kind not in _LISTS + _PAIRS:
        raise ValueError(f"no value begins with {kind!r}")
    parts = int(count) * (2 if kind in _PAIRS else 1)
    return line + b"".join([await value(reader) for _ in range(parts)])


@asynccontextmanager
async def resp_server(upstream: str, socket: Path) -> AsyncIterator[RespServer]:
    """Run a server before the engine at a `unix://` address until the block ends."""
    server = RespServer(upstream, socket)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
