"""The service, its engine or both are killed under load: what was acknowledged is counted once.

Rows are those of the failure matrix. Each test drives real processes over HTTP.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.adapters.redis_link import RedisLink
from tests.serving import serving
from tests.torture.ledger import Pace
from tests.torture.oracle import reported, scraped
from tests.torture.redis_process import Keeps, redis_running
from tests.torture.scene import Scene, scene

BRISK = Pace(repeat_within_s=0.3)
POSTS = Pace(decided=0.0, redirected=0.0, repeat_within_s=0.3)  # each is acknowledged or not
WAIT_S = 30.0
READ_S = 5.0


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Scene]:
    """Run one service with its own engine."""
    async with scene(tmp_path, None, pace=BRISK) as it:
        yield it


async def engine_of(it: Scene) -> int:
    """Return the process id of the embedded engine, as it says itself."""
    link = RedisLink(it.redis_url, timeout_s=READ_S)
    try:
        (info,) = await link.ask_all(lambda server: server.info("server"))
        return int(info["process_id"])
    finally:
        await link.close()


async def ended(pid: int) -> None:
    """Wait until a process that is not our child is gone."""
    async with asyncio.timeout(WAIT_S):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.01)


async def valid(internal: str) -> int:
    """Return how many events the service reports as valid."""
    report = await reported(internal)
    return sum(count for (*_, verdict), count in report.items() if verdict == "valid")


async def test_row_14_both_are_killed_and_redis_comes_back_older(tmp_path: Path) -> None:
    async with (
        redis_running(Keeps.SNAPSHOTS) as redis,
        scene(tmp_path, redis.url, pace=BRISK) as it,
    ):
        async with it.load.flowing():
            for _ in range(2):
                await it.load.more(500)
                await it.kill(it.services[0])
                await redis.kill()
                await redis.start()
                await it.serve()
        await it.all_counted()


async def test_row_14_the_embedded_engine_alone_is_killed(embedded: Scene) -> None:
    it = embedded
    async with it.load.flowing():
        for _ in range(3):
            await it.load.more(500)
            engine = await engine_of(it)
            os.kill(engine, signal.SIGKILL)
            await ended(engine)
            await it.load.more(500)
            async with asyncio.timeout(WAIT_S):
                while not (await scraped(it.services[0].internal))["handbill_redis_up"]:
                    await asyncio.sleep(0.05)
    await it.nobody_noticed()


async def test_row_14_a_service_takes_its_engine_along_and_the_next_one_has_its_data(
    embedded: Scene,
) -> None:
    it = embedded
    async with it.load.flowing():
        for _ in range(2):
            await it.load.more(500)
            engine = await engine_of(it)
            await it.kill(it.services[0])
            await ended(engine)
            await it.serve()
    await it.all_counted()


async def test_a_restart_shows_the_same_numbers(embedded: Scene) -> None:
    it = embedded
    await it.load.offer(500)
    account = await it.nobody_noticed()
    for crash in (True, False):
        before = await reported(it.services[0].internal)
        assert sum(before.values()) >= account.counted
        if crash:
            await it.kill(it.services[0])
        else:
            assert await it.stop(it.services[0]) == os.EX_OK
        await it.serve()
        await it.all_counted()
        assert await reported(it.services[0].internal) == before


async def test_row_20_every_beacon_comes_twice_and_counts_once(tmp_path: Path) -> None:
    pace = Pace(repeated=1.0, repeat_within_s=0.5)
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=pace) as it:
        await it.load.offer(2_000)
        account = await it.nobody_noticed()
        report = await reported(it.services[0].internal)
        assert account.acked <= account.counted <= account.offered
        assert sum(report.values()) >= 2 * account.acked


async def test_row_21_two_services_may_share_a_data_directory(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
        await it.serve()
        async with it.load.flowing():
            await it.load.more(1_000)
            await it.kill(it.services[0])
            await it.load.more(500)
            await it.serve()
            await it.load.more(500)
        await it.all_counted()


async def test_row_21_with_the_embedded_engine_the_second_refuses(embedded: Scene) -> None:
    it = embedded
    async with it.load.flowing():
        await it.load.more(100)
        with pytest.raises(RuntimeError, match=f"ended with {os.EX_CONFIG}.*its own engine"):
            async with serving(it.home / "data", "--keys", str(it.keys)):
                pass
        await it.load.more(100)
    await it.nobody_noticed()


async def test_a_dead_journal_is_drained_by_the_next_and_one_in_use_never_is(
    tmp_path: Path,
) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=POSTS) as it:
        first, second = it.services[0], await it.serve()
        await redis.kill()
        its: dict[str, int] = {}
        for service in (first, second):
            before = it.load.acked
            it.load.move_to(service.public)
            await it.load.offer(800)
            await it.load.settle()
            its[service.public] = it.load.acked - before
        second.process.send_signal(signal.SIGSTOP)
        await it.kill(first)
        await redis.start()
        third = await it.serve()
        async with asyncio.timeout(WAIT_S):
            while await valid(third.internal) < its[first.public]:
                await asyncio.sleep(0.05)
        found = await scraped(third.internal)
        assert not found["handbill_journal_events"]
        assert await valid(third.internal) == its[first.public]
        second.process.send_signal(signal.SIGCONT)
        await it.all_counted()
