"""What the link believes of who owns which slots: doubted where an owner failed, nowhere else.

Servers of ours play the nodes, so that what they say of slots can be chosen.
"""

import asyncio
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from service.adapters import redis_keys
from service.adapters.redis_link import AWAY, RedisLink
from service.domain.events import SHARDS
from tests.torture.cluster import slot_of
from tests.torture.resp_server import value

LAST = 16_383
HALF = LAST // 2
LOW, HIGH = (
    redis_keys.applied(next(shard for shard in range(SHARDS) if (slot_of(shard) > HALF) is high))
    for high in (False, True)
)


class Nodes:
    """Two masters that say the same of all slots; `ranges` is what they say, by port."""

    def __init__(self) -> None:
        self.asked: Counter[bytes] = Counter()
        self.refusing: set[int] = set()
        self.ports: list[int] = []
        self.ranges: list[tuple[int, int, int]] = []
        self._servers: list[asyncio.Server] = []

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    async def start(self) -> None:
        for _ in range(2):
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])
        self.ranges = [(0, HALF, self.ports[0]), (HALF + 1, LAST, self.ports[1])]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        with suppress(OSError, IncompleteReadError):
            while True:
                name = (await value(reader)).split(b"\r\n")[2].upper()
                self.asked[name] += 1
                writer.write(self._answer(name, port))
                await writer.drain()
        writer.close()

    def _answer(self, name: bytes, port: int) -> bytes:
        if name == b"CLUSTER":
            said = (
                b"*3\r\n:%d\r\n:%d\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n" % each
                for each in self.ranges
            )
            return b"*%d\r\n" % len(self.ranges) + b"".join(said)
        if name == b"HELLO":
            return b"%1\r\n+proto\r\n:3\r\n"
        if name == b"ECHO" and port in self.refusing:
            return b"-CLUSTERDOWN Hash slot not served\r\n"
        return b":%d\r\n" % port if name == b"ECHO" else b"+OK\r\n"


@pytest.fixture
async def nodes() -> AsyncIterator[Nodes]:
    running = Nodes()
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def link(nodes: Nodes) -> AsyncIterator[RedisLink]:
    made = RedisLink(nodes.url, timeout_s=1)
    try:
        yield made
    finally:
        await made.close()


async def owner(link: RedisLink, key: str) -> int:
    """Return the port of the node that the link asks for a key, 0 where there is none."""
    with suppress(*AWAY):
        async with link.borrow(key) as client:
            return int(await client.execute_command("ECHO", "who"))  # type: ignore[no-untyped-call]
    return 0


async def test_an_owner_that_fails_has_nobody_ask_again_for_anothers_keys(
    nodes: Nodes, link: RedisLink
) -> None:
    low, high = nodes.ports
    assert [await owner(link, LOW), await owner(link, HIGH)] == [low, high]
    asked = nodes.asked[b"CLUSTER"]
    nodes.refusing = {low}
    assert await owner(link, LOW) == 0
    for _ in range(5):
        assert await owner(link, HIGH) == high
    assert nodes.asked[b"CLUSTER"] == asked
    assert await owner(link, LOW) == 0
    assert nodes.asked[b"CLUSTER"] == asked + 1


async def test_where_an_owner_failed_its_successor_is_found(nodes: Nodes, link: RedisLink) -> None:
    low, high = nodes.ports
    assert await owner(link, LOW) == low
    nodes.refusing, nodes.ranges = {low}, [(0, LAST, high)]
    assert [await owner(link, LOW), await owner(link, LOW)] == [0, high]


async def test_a_slot_without_an_owner_is_asked_for_again(nodes: Nodes, link: RedisLink) -> None:
    low, high = nodes.ports
    nodes.ranges = [(HALF + 1, LAST, high)]
    assert [await owner(link, LOW), await owner(link, HIGH)] == [0, high]
    nodes.ranges.append((0, HALF, low))
    assert [await owner(link, HIGH), await owner(link, LOW)] == [high, low]
