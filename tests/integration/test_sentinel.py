"""Sentinel: a master that dies, is replaced by an older one, or does not know that it was.

Real processes on loopback. What was acknowledged is counted once, whoever is master.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.torture.ledger import Pace
from tests.torture.logs import complaints
from tests.torture.oracle import drained, reported
from tests.torture.scene import Scene, scene
from tests.torture.sentinel import Sentinels, sentinels

PACE = Pace(rate=500)
SOME = 200  # events on their way while the replicas hear of nothing


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Sentinels]:
    """Run sentinels, a master and its replicas."""
    async with sentinels(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def it(tmp_path: Path, redis: Sentinels) -> AsyncIterator[Scene]:
    """Run a service that asks them, and readers before it."""
    (tmp_path / "home").mkdir()
    async with scene(tmp_path / "home", redis.url, pace=PACE) as running:
        yield running


async def test_two_fail_overs_that_lose_acknowledged_writes_lose_and_double_nothing(
    redis: Sentinels, it: Scene
) -> None:
    missing = []
    async with it.load.flowing():
        for _ in range(2):
            await it.load.more(2 * SOME)
            master = await redis.cut_off()
            await it.load.more(SOME)
            missing.append((await redis.fail_over(master)).missing)
    account = await it.all_counted()
    assert all(missing), "each new master must lack what the old one had applied"
    assert (await reported(it.services[0].internal)).total() >= account.counted
    assert complaints(it.services[0]) == []


async def test_an_older_master_that_comes_when_all_is_quiet_is_told_again_without_a_new_event(
    redis: Sentinels, it: Scene
) -> None:
    (service,) = it.services
    await it.load.offer(SOME)
    master = await redis.cut_off()
    await it.load.offer(SOME)
    await it.load.settle()
    await drained(service.internal)
    assert (await redis.fail_over(master)).missing >= SOME
    await it.all_counted()

    # The same again while nobody runs: one process ended well, the other did not.
    other = await it.serve("data1")
    master = await redis.cut_off()
    await it.load.offer(2 * SOME)
    await it.load.settle()
    await drained(service.internal, other.internal)
    assert await it.stop(service) == 0
    await it.kill(other)
    assert (await redis.fail_over(master)).missing >= 2 * SOME
    services = [await it.serve(), await it.serve("data1")]
    await it.all_counted()
    assert [complaint for one in services for complaint in complaints(one)] == []


async def test_what_an_old_master_took_after_it_was_replaced_is_counted_once_by_the_new_one(
    redis: Sentinels, it: Scene
) -> None:
    async with it.load.flowing():
        await it.load.more(SOME)
        old, _ = await redis.split()
        new = await redis.master()
        await it.load.more(SOME)
        assert await old.role() == "master", "it must not know yet"
        assert await old.counted() > await new.counted(), "and still be the one that is told"
        await redis.heal(old)
        await it.load.more(SOME)
    account = await it.all_counted()
    assert await (await redis.master()).counted() >= account.counted
    assert complaints(it.services[0]) == []
