"""A Cluster with one owner away: its shards wait, the others neither wait nor doubt nor flap."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from service.domain.errors import RedisAway
from service.domain.events import SHARDS, Verdict
from service.domain.rows import StoredRow
from service.flows.ports import Applied
from tests.made import JOURNAL, SHARD
from tests.model_counts import ModelCounts
from tests.shipping import A_ROUND_S, AT_ONCE_S, MINUTE_S, RETAINED_S, Port, commit, port
from tests.time_travel import in_no_time

GONE = frozenset(range(SHARD - 1, SHARD + 4))
OTHERS = frozenset(range(SHARDS)) - GONE
HERE = next(iter(sorted(OTHERS))) - SHARD  # the chunk of tokens of the first of them


class Owners(ModelCounts):
    """Some shards' owner can go, and takes as long to fail as one that hangs."""

    gone: frozenset[int] = frozenset()
    asked: Counter[int]

    def __init__(self) -> None:
        super().__init__()
        self.asked = Counter()

    async def marks(self, shard: int) -> Mapping[str, int]:
        self.asked[shard] += 1
        await self._reach(shard)
        return await super().marks(shard)

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        await self._reach(shard)
        return await super().apply(shard, journal, expected, rows)

    async def _reach(self, shard: int) -> None:
        if shard in self.gone:
            await asyncio.sleep(1)
            raise RedisAway("owner gone")


@asynccontextmanager
async def one_owner_away() -> AsyncIterator[tuple[Port, Owners]]:
    """Ship a row of every shard, then have an owner go."""
    redis = Owners()
    made = port(redis=redis)
    async with made.shipping():
        await commit_everywhere(made, 0)
        await asyncio.sleep(A_ROUND_S)
        redis.gone = GONE
        yield made, redis


async def commit_everywhere(made: Port, serial: int) -> None:
    for chunk in range(SHARDS):
        await commit(made, serial, chunk=chunk)


@in_no_time
async def test_the_others_rows_are_counted_at_once_and_its_own_when_it_is_back() -> None:
    async with one_owner_away() as (made, redis):
        for serial in range(1, 60):
            await commit_everywhere(made, serial)
            await asyncio.sleep(1)
            counted = redis.totals()[Verdict.VALID]
            assert counted == 4 * (len(GONE) + (serial + 1) * len(OTHERS))
        redis.gone = frozenset()
        await asyncio.sleep(AT_ONCE_S)
        assert redis.totals() == {Verdict.VALID: 4 * SHARDS * 60}


@in_no_time
async def test_the_others_marks_are_read_with_every_round_and_not_doubted_meanwhile() -> None:
    async with one_owner_away() as (made, redis):
        await asyncio.sleep(MINUTE_S)
        before = Counter(redis.asked)
        for serial in range(1, 61):
            await commit_everywhere(made, serial)
            await asyncio.sleep(1)
        rounds = {redis.asked[shard] - before[shard] for shard in OTHERS}
        assert rounds <= set(range(10, 40)), rounds
        assert made.metric("redis_rollbacks_total") == 0


@in_no_time
async def test_another_that_goes_back_is_noticed_and_what_it_has_kept_long_enough_goes() -> None:
    async with one_owner_away() as (made, redis):
        old = redis.snapshot()
        await commit(made, 1, chunk=HERE)
        await asyncio.sleep(A_ROUND_S)
        redis.go_back(old)
        await asyncio.sleep(2 * A_ROUND_S)
        assert redis.totals() == {Verdict.VALID: 4 * (SHARDS + 1)}
        assert made.metric("redis_rollbacks_total") == 1
        await asyncio.sleep(RETAINED_S + A_ROUND_S)
        assert len(made.journals.numbers(JOURNAL)) == len(GONE)


@in_no_time
async def test_it_is_told_once_and_the_gauge_stays_down_until_it_is_back() -> None:
    async with one_owner_away() as (made, redis):
        await commit_everywhere(made, 1)
        await asyncio.sleep(AT_ONCE_S)
        for serial in range(2, 600):
            await commit_everywhere(made, serial)
            await asyncio.sleep(0.1)
            assert made.metric("redis_up") == 0
            assert made.shipper.state == "away for 5 of 16 shards: owner gone"
        redis.gone = frozenset()
        await asyncio.sleep(A_ROUND_S)
        assert made.metric("redis_up") == 1
        assert made.shipper.state == "ok"
    assert made.said == {
        "Redis answers": 2,
        "Redis is away; the journal keeps what it cannot take": 1,
    }
