"""Replicas with shared keys before one Redis: an event counts once, whoever hears of it."""

import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import ClientSession

from tests.torture.ledger import HEADERS, Pace
from tests.torture.oracle import drained, reported
from tests.torture.pages import FIRST, mint, posted
from tests.torture.redis_process import redis_running
from tests.torture.scene import scene

REPLICAS = 2
TIMES = 1_000


async def test_each_beacon_goes_to_all_replicas_in_parallel(tmp_path: Path) -> None:
    pace = Pace(rate=600, everywhere=True, repeat_within_s=0.5)
    async with (
        redis_running() as redis,
        scene(tmp_path, redis.url, services=REPLICAS, pace=pace) as it,
    ):
        await it.load.offer(2_000)
        account = await it.nobody_noticed()
        reports = [await reported(service.internal) for service in it.services]
        assert reports[0] == reports[1]
        assert sum(reports[0].values()) >= REPLICAS * account.acked


async def test_the_same_beacon_a_thousand_times_in_parallel_counts_once(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, services=REPLICAS) as it:
        beacon = posted(next(mint(it.keys)), *FIRST)
        addresses = [f"{service.public}{beacon.path}" for service in it.services]

        async def told(session: ClientSession, number: int) -> int:
            where = addresses[number % REPLICAS]
            async with session.post(where, data=beacon.body, headers=HEADERS) as answer:
                return answer.status

        async with ClientSession() as session:
            statuses = await asyncio.gather(*(told(session, number) for number in range(TIMES)))
        assert Counter(statuses) == {204: TIMES}
        await drained(*(service.internal for service in it.services))
        expected = Counter[tuple[str, ...]]()
        for deed in FIRST:
            expected[*deed.named, "valid"] = 1
            expected[*deed.named, "duplicate"] = TIMES - 1
        for service in it.services:
            assert await reported(service.internal) == expected


async def test_redis_goes_under_two_replicas_and_one_is_killed(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, services=REPLICAS) as it:
        async with it.load.flowing():
            await it.load.more(500)
            await redis.kill()
            await it.load.more(1_000)
            assert not it.load.told.errors
            await it.kill(it.services[0])
            await it.load.more(500)
            await redis.start()
            await it.serve("data")
            await it.load.more(500)
        await it.all_counted()
