"""A server that hangs up between two steps of the library is away, on either event loop."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
import uvloop
from redis.exceptions import ConnectionError as NotThere

from service.adapters.redis_address import HERE, read_address

AT_ONCE = struct.pack("ii", 1, 0)


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up as a host does that was restarted."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


async def asked_too_late() -> None:
    """Connect, wait until the loop has seen the reset, and only then greet."""
    async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connect, _ = read_address(f"redis://127.0.0.1:{port}", 1)
        connection = connect(HERE).connection_pool.make_connection()  # type: ignore[no-untyped-call]
        await connection._connect()
        with suppress(ConnectionResetError):
            await connection._reader.read()
        with pytest.raises(NotThere):
            await connection.on_connect()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_server_that_hung_up_is_away(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asked_too_late())
