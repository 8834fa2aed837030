"""Cluster: owners of slots that die and are replaced by older ones, and slots that move away.

Real processes on loopback, the same service and the same keys as on a single server.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.domain.events import SHARDS
from tests.torture.cluster import Cluster, cluster
from tests.torture.ledger import Pace
from tests.torture.logs import complaints
from tests.torture.node import until
from tests.torture.oracle import drained, reported
from tests.torture.pages import shard_of
from tests.torture.scene import Scene, scene

PACE = Pace(rate=500)
SOME = 200  # events on their way while a replica hears of nothing
SHARD = 3


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Run a Cluster of three masters with a replica each, and a spare node."""
    async with cluster(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def it(tmp_path: Path, redis: Cluster) -> AsyncIterator[Scene]:
    """Run a service that is told two of the nodes, and readers before it."""
    (tmp_path / "home").mkdir()
    async with scene(tmp_path / "home", redis.url, pace=PACE) as running:
        yield running


async def test_owners_that_die_with_acknowledged_writes_lose_and_double_nothing(
    redis: Cluster, it: Scene
) -> None:
    missing = []
    async with it.load.flowing():
        for shard in range(2):  # of different owners
            await it.load.more(2 * SOME)
            owner = await redis.cut_off(shard)
            await it.load.more(SOME)
            missing.append((await redis.fail_over(shard, owner)).missing)
        await redis.bring_back()
        await it.load.more(SOME)
    account = await it.all_counted()
    assert all(missing), "each new owner must lack what the old one had applied"
    assert (await reported(it.services[0].internal)).total() >= account.counted
    assert complaints(it.services[0]) == []


async def test_an_owner_that_lives_is_overruled_by_an_older_one(redis: Cluster, it: Scene) -> None:
    async with it.load.flowing():
        await it.load.more(SOME)
        owner = await redis.cut_off(SHARD)
        await it.load.more(SOME)
        assert (await redis.take_over(SHARD, owner)).missing
        await it.load.more(SOME)
    await it.all_counted()
    assert complaints(it.services[0]) == []


async def test_a_slot_that_moves_to_a_new_node_and_back_takes_its_counts_along(
    redis: Cluster, it: Scene
) -> None:
    home = await redis.owner(SHARD)
    async with it.load.flowing():
        await it.load.more(SOME)
        await redis.move(SHARD, redis.spare, pause_s=0.3)
        await it.load.more(SOME)
        assert await redis.spare.counted() > 0
        await redis.move(SHARD, home, pause_s=0.3)
        await it.load.more(SOME)
    account = await it.all_counted()
    assert (await reported(it.services[0].internal)).total() >= account.counted
    assert complaints(it.services[0]) == []


async def test_other_shards_go_on_while_an_owner_and_its_replica_are_gone(
    redis: Cluster, it: Scene
) -> None:
    await it.load.offer(SOME)
    owner = await redis.owner(SHARD)
    gone = {shard for shard in range(SHARDS) if await redis.owner(shard) is owner}
    replica = await redis.replica_of(owner)
    await owner.kill()
    await replica.kill()
    await it.load.offer(2 * SOME)
    await it.load.settle()
    acked = sum(
        page.acked.bit_count()
        for page in it.load.pages
        if shard_of(page.issuer, page.serial) not in gone
    )

    async def counted() -> bool:
        others = [node for node in redis.servers if node.running and await node.role() == "master"]
        return sum([await node.counted() for node in others]) >= acked

    assert 0 < acked < it.load.acked
    await until(counted, "all that is not the lost owner's is counted")
    await redis.bring_back()  # both empty: the journal has it all
    await drained(it.services[0].internal)
    await it.all_counted()
    assert complaints(it.services[0]) == []
