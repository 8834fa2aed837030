"""The script on every engine that is supported: one Cluster slot, and no right it does not need.

`WRITER` and `READER` are what an operator has to allow; here it is proven that it is enough, that
nothing of it can be left out, and that what is left out never leaves half of a batch behind.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis import Redis as BlockingRedis
from redis.crc import key_slot

from service.adapters import redis_keys
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_counts import RedisCounts
from service.adapters.redis_link import RedisLink
from service.domain.buckets import Bucket
from service.domain.errors import CountsUnavailable, RedisAway, ShardHalted
from service.domain.events import CHUNK_TOKENS, SHARDS
from tests.made import HOUR, JOURNAL, SHARD, event, page, stored
from tests.worlds import EngineWorld

USER, PASSWORD = "handbill", "a-password"
SCRIPTED = (
    *("type", "hget", "hmget", "hlen", "hexists", "getbit", "scard", "sismember", "strlen"),
    *("hset", "setbit", "bitop", "sadd", "expire"),
)
WRITER = ("evalsha", "eval", "hgetall", "hdel", *SCRIPTED)
READER = ("hgetall", "hmget")
CLUSTER = ("cluster|slots",)
ENGINES = ("valkey", "oldest_redis", "cluster")


@pytest.fixture(params=ENGINES)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[EngineWorld]:
    engine: EngineWorld = request.getfixturevalue(f"on_{request.param}")
    yield engine
    for link in engine.links:
        await link.close()
    asked(engine.client, "ACL", "DELUSER", USER)


def asked(client: BlockingRedis, *command: Any) -> Any:
    """Send a command as an operator would."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]  # it has no types


def allowed(world: EngineWorld, commands: tuple[str, ...]) -> RedisLink:
    """Return a link of a user who may do that much, on our keys only."""
    more = CLUSTER if "cluster" in world.url else ()
    rights = (f"+{command}" for command in (*commands, *more))
    asked(world.client, "ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", "~hb:*", *rights)
    scheme, _, where = world.url.partition("://")
    world.links.append(RedisLink(f"{scheme}://{USER}:{PASSWORD}@{where}", timeout_s=5.0))
    return world.links[-1]


async def all_of_it(applier: RedisApplier) -> None:
    """Do what a service does: look, count, look again, and forget."""
    await applier.marks(SHARD)
    assert (await applier.apply(SHARD, JOURNAL, 0, stored(page(1), page(2)))).done
    await applier.forget(JOURNAL)


class TestSlots:
    async def test_every_key_of_a_shard_is_in_one_slot(self, world: EngineWorld) -> None:
        applier = world.applier()
        for shard in range(SHARDS):
            serial, later = (shard - SHARD) % SHARDS * CHUNK_TOKENS, HOUR + 24 * 40
            events = [*page(serial), *page(serial + 1, hour=later)]
            assert (await applier.apply(shard, JOURNAL, 0, stored(events))).done
            keys = [key for key in world.kept() if f"{{{shard:02}}}" in key]
            assert len(keys) == 14
            slots = {key_slot(key.encode()) for key in keys}
            assert slots == {key_slot(redis_keys.applied(shard).encode())}

    def test_the_shards_are_spread_over_the_slots(self) -> None:
        slots = {key_slot(redis_keys.applied(shard).encode()) for shard in range(SHARDS)}
        assert len(slots) == SHARDS
        thirds = [sum(slot * 3 // 16_384 == third for slot in slots) for third in range(3)]
        assert min(thirds) >= 4  # of three masters none has much less to do


class TestRights:
    async def test_the_writer_needs_no_more_than_it_is_given(self, world: EngineWorld) -> None:
        await all_of_it(RedisApplier(allowed(world, WRITER)))

    @pytest.mark.parametrize("command", WRITER)
    async def test_without_one_of_them_it_is_refused_and_nothing_is_half_written(
        self, world: EngineWorld, command: str
    ) -> None:
        applier = RedisApplier(allowed(world, tuple(right for right in WRITER if right != command)))
        with pytest.raises((RedisAway, ShardHalted)) as refused:
            await all_of_it(applier)
        if isinstance(refused.value, ShardHalted):
            assert not refused.value.lasting
        assert command == "hdel" or not world.kept()

    @pytest.mark.parametrize("command", CLUSTER)
    async def test_on_a_cluster_these_are_needed_too(
        self, on_cluster: EngineWorld, command: str
    ) -> None:
        link = allowed(on_cluster, WRITER)
        asked(on_cluster.client, "ACL", "SETUSER", USER, f"-{command}")
        with pytest.raises(RedisAway):
            await all_of_it(RedisApplier(link))
        await link.close()

    async def test_other_peoples_keys_are_out_of_its_reach(self, world: EngineWorld) -> None:
        link = allowed(world, WRITER)
        asked(world.client, "ACL", "SETUSER", USER, "resetkeys", "~hb:{03}:applied")
        with pytest.raises((RedisAway, ShardHalted)):
            await all_of_it(RedisApplier(link))
        assert not world.kept()

    async def test_the_right_comes_back_and_the_shard_goes_on(self, world: EngineWorld) -> None:
        applier = RedisApplier(allowed(world, tuple(set(WRITER) - {"sadd"})))
        with pytest.raises(ShardHalted):
            await applier.apply(SHARD, JOURNAL, 0, stored([event()]))
        asked(world.client, "ACL", "SETUSER", USER, "+sadd")
        assert (await applier.apply(SHARD, JOURNAL, 0, stored([event()]))).done

    async def test_the_reader_needs_no_more_than_it_is_given(self, world: EngineWorld) -> None:
        await world.applier().apply(SHARD, JOURNAL, 0, stored(page(1)))
        names, counts = await _read(allowed(world, READER))
        assert names
        assert counts == 4

    @pytest.mark.parametrize("command", READER)
    async def test_without_one_of_them_the_reader_says_so(
        self, world: EngineWorld, command: str
    ) -> None:
        with pytest.raises(CountsUnavailable):
            await _read(allowed(world, tuple(right for right in READER if right != command)))


async def _read(link: RedisLink) -> tuple[object, int]:
    reader, hours = RedisCounts(link), [Bucket("hour", HOUR)]
    counts = [found async for _, found in reader.counts(hours)]
    names = await reader.names([HOUR], ["c:0000c0de"])
    return names, sum(sum(found.values()) for found in counts)
