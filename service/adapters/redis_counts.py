"""Reads counts and names back from Redis, all shards; writes nothing.

The same keys on a single server, behind Sentinel and on a Cluster: the link knows where.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from redis.asyncio import Redis

from service.adapters import redis_keys
from service.adapters.redis_link import AWAY, RedisLink
from service.domain.buckets import Bucket
from service.domain.errors import CountsUnavailable
from service.domain.events import SHARDS

KEYS_PER_PIPELINE = 8  # of one shard, so of one Cluster slot; more would hold the loop longer
PIPELINES_AT_ONCE = 4
FIELDS_PER_CALL = 1_000
REST_S = 0.02  # after each batch of a long span, which takes a quarter of it
TIMEOUT_S = 5.0  # for one batch of all shards
Hash = Mapping[str, int]
_Item = TypeVar("_Item")
_Reply = TypeVar("_Reply")


class RedisCounts:
    """The counts as `apply_batch.lua` leaves them; the link stays its maker's to close."""

    def __init__(self, link: RedisLink, *, timeout_s: float = TIMEOUT_S) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(PIPELINES_AT_ONCE)

    def counts(self, span: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Hash]]:
        """Yield every hash of these hours and days; raises `CountsUnavailable`."""
        keys = {"hour": redis_keys.hour, "day": redis_keys.day}
        return self._hashes(span, lambda shard, bucket: keys[bucket.grain](shard, bucket.hour))

    def articles(self, days: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Hash]]:
        """Yield every hash of article counts of these days; raises `CountsUnavailable`."""
        return self._hashes(days, lambda shard, day: redis_keys.articles(shard, day.hour))

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Hash]]:
        """Yield each hour's hashes of what was delivered; raises `CountsUnavailable`.

        Weeks of them are read at leisure: whoever else uses this core has most of it.
        """
        for some in _batches([Bucket("hour", hour) for hour in hours], KEYS_PER_PIPELINE):
            async for bucket, counts in self._hashes(some, _pace_key):
                yield bucket.hour, counts
            if len(hours) > KEYS_PER_PIPELINE:
                await asyncio.sleep(REST_S)

    async def names(self, hours: Sequence[int], fields: Sequence[str]) -> Mapping[str, str]:
        """Return the texts of these fields, the latest month's first; `CountsUnavailable`."""
        found: dict[str, str] = {}
        for hour in sorted(hours, reverse=True):
            # One shard after the other: what many read is named in all, so few are left to ask.
            for shard in range(SHARDS):
                missing = [field for field in fields if field not in found]
                for some in _batches(missing, FIELDS_PER_CALL):
                    texts = await self._texts(redis_keys.names(shard, hour), some)
                    pairs = zip(some, texts, strict=True)
                    found.update((field, _text(text)) for field, text in pairs if text is not None)
        return found

    async def _texts(self, key: str, fields: Sequence[str]) -> list[bytes | str | None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._ask(key, lambda client: client.hmget(key, fields))
        except AWAY as error:
            raise CountsUnavailable from error
        return list(reply)

    async def _hashes(
        self, span: Sequence[Bucket], key: Callable[[int, Bucket], str]
    ) -> AsyncIterator[tuple[Bucket, Hash]]:
        for some in _batches(span, KEYS_PER_PIPELINE):
            for shard in await self._all_shards(some, key):
                for bucket, counts in zip(some, shard, strict=True):
                    if counts:
                        yield bucket, _hash(counts)

    async def _all_shards(
        self, some: Sequence[Bucket], key: Callable[[int, Bucket], str]
    ) -> list[list[dict[bytes | str, bytes | str]]]:
        failed: BaseExceptionGroup[Exception] | None = None
        try:
            async with asyncio.timeout(self._timeout_s), asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._one_shard([key(shard, bucket) for bucket in some]))
                    for shard in range(SHARDS)
                ]
        except* AWAY as errors:
            failed = errors
        if failed is not None:
            raise CountsUnavailable from failed
        return [task.result() for task in tasks]

    async def _one_shard(self, keys: Sequence[str]) -> list[dict[bytes | str, bytes | str]]:
        def hashes(client: Redis) -> Awaitable[list[dict[bytes | str, bytes | str]]]:
            pipeline = client.pipeline(transaction=False)
            for key in keys:
                pipeline.hgetall(key)
            return pipeline.execute()

        return await self._ask(keys[0], hashes)

    async def _ask(self, key: str, question: Callable[[Redis], Awaitable[_Reply]]) -> _Reply:
        """Ask the server that holds a key; after an error once more, for it may be another now."""
        async with self._free:
            with suppress(*AWAY):
                async with self._link.borrow(key) as client:
                    return await question(client)
            async with self._link.borrow(key) as client:
                return await question(client)


def _batches(items: Sequence[_Item], size: int) -> list[Sequence[_Item]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def _pace_key(shard: int, bucket: Bucket) -> str:
    return redis_keys.pace(shard, bucket.hour)


def _hash(reply: Mapping[bytes | str, bytes | str]) -> Hash:
    try:
        return {_text(name): int(n) for name, n in reply.items()}
    except (
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # whatever answers, it is no Redis of ours
        raise CountsUnavailable from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
