"""Redis comes back older while nobody does anything: what it lost is counted again by itself."""

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.torture.ledger import Pace
from tests.torture.oracle import scraped
from tests.torture.redis_process import Keeps, RedisProcess, redis_running
from tests.torture.scene import Scene, scene

HASTE = Pace(decided=0.0, repeat_within_s=0.2)  # no page has to ripen


async def older(it: Scene, redis: RedisProcess, home: Path) -> Path:
    """Offer events, back Redis up, offer more that are counted too; return the backup."""
    await it.load.offer(800)
    await it.all_counted()
    backup = await redis.kept(home / "backup")
    await it.load.offer(800)
    await it.all_counted()
    return backup


async def runs_on(it: Scene) -> None:
    """Leave the service alone: the load has stopped, and it runs on."""


async def stops_cleanly(it: Scene) -> None:
    """Stop the service; all it had was shipped."""
    assert await it.stop(it.services[0]) == os.EX_OK


async def dies_with_another(it: Scene) -> None:
    """Kill the service, and the next one that holds its journal."""
    await it.kill(it.services[0])
    await it.kill(await it.serve())


@pytest.mark.parametrize("ends", [runs_on, stops_cleanly, dies_with_another])
async def test_events_that_were_applied_are_counted_again_without_a_new_one(
    tmp_path: Path, ends: Callable[[Scene], Awaitable[None]]
) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=HASTE) as it:
        backup = await older(it, redis, tmp_path)
        await ends(it)
        await redis.set_back(backup)
        if not it.services:
            await it.serve()
        account = await it.all_counted()
        assert account.counted >= account.acked
        if ends is runs_on:
            found = await scraped(it.services[0].internal)
            assert found["handbill_redis_rollbacks_total"] > 0


async def test_a_redis_that_keeps_nothing_gets_everything_again(tmp_path: Path) -> None:
    async with (
        redis_running(Keeps.NOTHING) as redis,
        scene(tmp_path, redis.url, services=2, pace=HASTE) as it,
    ):
        await it.load.offer(1_000)
        await it.nobody_noticed()
        await redis.restart()
        await it.nobody_noticed()
        await it.kill(it.services[0])
        await redis.restart()
        await it.serve("data")
        await it.all_counted()


async def test_the_embedded_engine_starts_from_an_older_copy(tmp_path: Path) -> None:
    async with scene(tmp_path, None, pace=HASTE) as it:
        files, backup = tmp_path / "data/redis", tmp_path / "backup"
        await it.load.offer(500)
        await it.all_counted()
        assert await it.stop(it.services[0]) == os.EX_OK
        shutil.copytree(files, backup)
        await it.serve()
        await it.load.offer(500)
        await it.all_counted()
        await it.kill(it.services[0])
        shutil.rmtree(files)
        shutil.copytree(backup, files)
        await it.serve()
        await it.all_counted()
