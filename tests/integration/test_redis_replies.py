"""Replies that Redis may give and should not: no event is lost, counted twice, or held up for good.

A server of ours answers in place of a real engine, to which everything else goes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.processes import pss_mb
from tests.torture.ledger import Pace
from tests.torture.oracle import health, scraped
from tests.torture.redis_process import redis_running
from tests.torture.resp_server import (
    ERRORS,
    GARBAGE,
    HUGE,
    MARKS,
    PACES,
    PUSH,
    WRITES,
    WRONG_REPLIES,
    RespServer,
    Say,
    Way,
    resp_server,
)
from tests.torture.scene import Scene, scene

BRISK = Pace(repeat_within_s=0.3)
WAIT_S = 20.0
ROW_10 = ("OOM", "MISCONF", "NOREPLICAS")
ROW_11 = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY")
AUTH = ("NOAUTH", "WRONGPASS", "NOPERM")
NONSENSE = {**WRONG_REPLIES, "garbage": GARBAGE}
MEMORY_MB = 64.0


@asynccontextmanager
async def answered(home: Path) -> AsyncIterator[tuple[Scene, RespServer]]:
    """Run a service whose Redis answers what the block chooses."""
    async with (
        redis_running() as redis,
        resp_server(redis.url, redis.directory / "s.sock") as server,
        scene(home, server.url, pace=BRISK) as it,
    ):
        yield it, server


async def heard(server: RespServer, says: Iterable[Say]) -> None:
    """Give each reply until the service got it three times, then proper ones."""
    for chosen in says:
        server.say(chosen)
        async with asyncio.timeout(WAIT_S):
            while server.said < 3:
                await asyncio.sleep(0.01)
    server.say(None)


async def test_rows_10_and_11_it_says_that_it_cannot(tmp_path: Path) -> None:
    async with answered(tmp_path) as (it, server):
        async with it.load.flowing():
            await it.load.more(100)
            for name in (*ROW_10, *ROW_11, *AUTH):
                await heard(server, [Say(ERRORS[name], to) for to in (WRITES, MARKS, PACES)])
        await it.nobody_noticed()


async def test_row_12_a_script_that_fails_halts_its_shard_and_no_other(tmp_path: Path) -> None:
    async with answered(tmp_path) as (it, server):
        await it.load.offer(200)
        server.say(Say(b"-ERR failed in the middle script: 123\r\n", times=1))
        await it.load.offer(2_000)
        await it.load.settle()
        service = it.services[0]
        async with asyncio.timeout(WAIT_S):
            while "halted" not in (await health(service.internal))["redis"]:
                await asyncio.sleep(0.05)
            while (await scraped(service.internal))["handbill_journal_events"] > 600:
                await asyncio.sleep(0.05)
        assert service.logged.count("shard halted") == 1
        await it.kill(service)
        await it.serve()
        await it.nobody_noticed()


async def test_row_13_it_forgets_the_script_even_while_it_is_told(tmp_path: Path) -> None:
    async with answered(tmp_path) as (it, server):
        async with it.load.flowing():
            await it.load.more(100)
            await heard(server, [Say(ERRORS["NOSCRIPT"])])
        await it.nobody_noticed()


async def test_it_answers_nonsense_half_an_answer_or_more_than_was_asked(tmp_path: Path) -> None:
    async with answered(tmp_path) as (it, server):
        async with it.load.flowing():
            await it.load.more(100)
            for reply in NONSENSE.values():
                for way in (Way.INSTEAD, Way.AFTER):
                    await heard(server, [Say(reply, to, way) for to in (WRITES, MARKS, PACES)])
            for to in (WRITES, MARKS, PACES):
                await heard(server, [Say(b"", to, Way.HALF), Say(PUSH, to, Way.BEFORE)])
        await it.nobody_noticed()
        assert "background part failed" not in it.services[0].logged


async def test_a_reply_of_half_a_gigabyte_that_never_comes_takes_no_memory(tmp_path: Path) -> None:
    async with answered(tmp_path) as (it, server):
        async with it.load.flowing():
            await it.load.more(500)
            before = pss_mb(it.services[0].process.pid)
            await heard(server, [Say(HUGE, WRITES), Say(HUGE, MARKS)])
            assert pss_mb(it.services[0].process.pid) < before + MEMORY_MB
        await it.nobody_noticed()
