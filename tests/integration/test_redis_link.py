"""The link under a storm of cancellations over a Redis that hangs: nothing mixed, nothing left.

A client whose task was cancelled half-way has a reply outstanding, which must reach nobody else.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from service.adapters.redis_link import AWAY, RedisLink
from tests.torture.node import HOST, SECRET, Server, free_ports, until

USERS = 16
ROUNDS = 60


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Run a server that hangs for up to a fifth of a second, and answers as long, in turns."""
    running, chance = Server(tmp_path, free_ports(1)[0]), random.Random(7)

    async def hang_now_and_then() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0, 0.2))
            running.hang()
            await asyncio.sleep(chance.uniform(0, 0.2))
            running.go_on()

    await running.start()
    trouble = asyncio.create_task(hang_now_and_then())
    try:
        yield running
    finally:
        trouble.cancel()
        await asyncio.gather(trouble, return_exceptions=True)
        await running.kill()


async def ask_for_ever(link: RedisLink, name: str, told: Counter[bool]) -> None:
    """Ask for one's own name again and again and note whether one's own name comes back."""
    while True:
        with suppress(*AWAY):
            async with link.borrow(name) as client:
                told[await client.echo(name) == name.encode()] += 1


async def look_for_ever(link: RedisLink, looked: Counter[bool]) -> None:
    """Ask every server what it is again and again."""
    while True:
        with suppress(*AWAY):
            looked[bool(await link.ask_all(lambda server: server.info("server")))] += 1


async def test_a_cancelled_look_at_all_servers_ends(server: Server) -> None:
    looked: Counter[bool] = Counter()
    link = RedisLink(f"redis://:{SECRET}@{HOST}:{server.port}", timeout_s=0.1)
    chance = random.Random(9)
    for _ in range(ROUNDS):
        users = [asyncio.create_task(look_for_ever(link, looked)) for _ in range(USERS)]
        await asyncio.sleep(chance.uniform(0, 0.1))
        for user in users:
            user.cancel()
        _, going_on = await asyncio.wait(users, timeout=10)
        assert not going_on, "a cancellation was dropped"
    await link.close()
    assert looked[True] > 0


async def test_a_cancelled_use_ends_and_leaves_its_reply_to_nobody_and_no_connection_behind(
    server: Server,
) -> None:
    told: Counter[bool] = Counter()
    link = RedisLink(f"redis://:{SECRET}@{HOST}:{server.port}", timeout_s=0.1)
    chance = random.Random(8)
    for _ in range(ROUNDS):
        users = [asyncio.create_task(ask_for_ever(link, f"user {n}", told)) for n in range(USERS)]
        await asyncio.sleep(chance.uniform(0, 0.1))
        for user in users:
            user.cancel()
        _, going_on = await asyncio.wait(users, timeout=10)
        assert not going_on, "a cancellation was dropped"
    await link.close()

    async def alone() -> bool:
        with suppress(*AWAY):
            return len((await server.ask("CLIENT", "LIST")).splitlines()) == 1
        return False

    await until(alone, "nobody is connected any more but who asks")
    assert told[True] > 0
    assert told[False] == 0
