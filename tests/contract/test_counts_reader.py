"""What every reader of counts promises: a plain dictionary and a real Valkey answer alike."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from service.adapters.redis_counts import KEYS_PER_PIPELINE, RedisCounts
from service.domain.buckets import Bucket
from service.domain.errors import CountsUnavailable
from service.flows.ports import CountsReader
from tests import counted

HOUR = int(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp()) // 3_600
DAY = HOUR // 24 * 24
FIELD = "example|top|vital-signs|vs-text|ios|-|-|impression|-|valid"
ARTICLE = "example|00ff|-|view|-"
Hashes = dict[tuple[Bucket, int], dict[str, int]]


class DictCounts:
    """The same promises kept by dictionaries."""

    def __init__(self, counts: Hashes, articles: Hashes, names: dict[int, dict[str, str]]) -> None:
        self._counts = counts
        self._articles = articles
        self._names = names

    def counts(self, span: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Mapping[str, int]]]:
        return self._found(self._counts, span)

    def articles(self, days: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Mapping[str, int]]]:
        return self._found(self._articles, days)

    async def names(self, hours: Sequence[int], fields: Sequence[str]) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for hour in sorted(hours):
            known |= self._names.get(hour, {})
        return {field: known[field] for field in fields if field in known}

    async def _found(
        self, hashes: Hashes, wanted: Sequence[Bucket]
    ) -> AsyncIterator[tuple[Bucket, Mapping[str, int]]]:
        for (bucket, _shard), counts in hashes.items():
            if bucket in wanted:
                yield bucket, counts


@pytest.fixture
async def engine() -> AsyncIterator[Redis]:
    async with counted.valkey() as client:
        yield client


@pytest.fixture(params=["dictionary", "valkey"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[CountsReader]:
    """Two shards of one hour, an hour of the day before, one article, names of two months."""
    if request.param == "valkey":
        async with counted.valkey() as client:
            await _fill(client)
            async with counted.linked(client) as link:
                yield RedisCounts(link)
    else:
        hours: Hashes = {
            (Bucket("hour", HOUR), 0): {FIELD: 2},
            (Bucket("hour", HOUR), 15): {FIELD: 3},
            (Bucket("day", DAY), 0): {FIELD: 2},
            (Bucket("day", DAY), 15): {FIELD: 3},
            (Bucket("hour", HOUR - 24), 7): {FIELD: 10},
            (Bucket("day", DAY - 24), 7): {FIELD: 10},
        }
        articles: Hashes = {(Bucket("day", DAY), 3): {ARTICLE: 4}}
        names = {HOUR: {"a:00ff": "Zürich"}, HOUR - 24 * 30: {"a:00ff": "old", "a:01": "older"}}
        yield DictCounts(hours, articles, names)


async def _fill(engine: Redis) -> None:
    await counted.count(engine, 0, HOUR, FIELD, 2)
    await counted.count(engine, 15, HOUR, FIELD, 3)
    await counted.count(engine, 7, HOUR - 24, FIELD, 10)
    await counted.count_article(engine, 3, HOUR, ARTICLE, 4)
    await counted.name(engine, 9, HOUR, "a:00ff", "Zürich")
    await counted.name(engine, 9, HOUR - 24 * 30, "a:00ff", "old")
    await counted.name(engine, 0, HOUR - 24 * 30, "a:01", "older")


async def _total(hashes: AsyncIterator[tuple[Bucket, Mapping[str, int]]]) -> dict[Bucket, int]:
    found: dict[Bucket, int] = {}
    async for bucket, counts in hashes:
        found[bucket] = found.get(bucket, 0) + sum(counts.values())
    return found


async def test_all_shards_of_each_bucket_are_read_and_empty_ones_left_out(
    reader: CountsReader,
) -> None:
    span = [Bucket("hour", HOUR - 24), Bucket("hour", HOUR - 1), Bucket("hour", HOUR)]
    assert await _total(reader.counts(span)) == {span[0]: 10, span[2]: 5}


async def test_days_say_the_same_as_their_hours(reader: CountsReader) -> None:
    hours = [Bucket("hour", hour) for hour in range(DAY - 24, DAY + 24)]
    days = [Bucket("day", DAY - 24), Bucket("day", DAY)]
    by_hour = await _total(reader.counts(hours))
    by_day = await _total(reader.counts(days))
    assert sum(by_hour.values()) == sum(by_day.values()) == 15
    assert len(hours) > KEYS_PER_PIPELINE, "this span must take more than one batch"


async def test_articles_are_read_by_day(reader: CountsReader) -> None:
    assert await _total(reader.articles([Bucket("day", DAY)])) == {Bucket("day", DAY): 4}
    assert await _total(reader.articles([])) == {}


async def test_names_of_the_latest_month_win_and_unknown_ones_are_absent(
    reader: CountsReader,
) -> None:
    texts = await reader.names([HOUR, HOUR - 24 * 30], ["a:00ff", "a:01", "a:02"])
    assert texts == {"a:00ff": "Zürich", "a:01": "older"}


async def test_a_cluster_answers_alike() -> None:
    """One test for all of it: a cluster takes two seconds to form."""
    port = counted.free_port()
    async with counted.valkey(cluster_port=port) as client:
        await _fill(client)
        async with counted.linked_to(f"redis+cluster://127.0.0.1:{port}") as link:
            reader = RedisCounts(link)
            span = [Bucket("day", DAY - 24), Bucket("hour", HOUR)]
            assert await _total(reader.counts(span)) == {span[0]: 10, span[1]: 5}
            assert await _total(reader.articles([Bucket("day", DAY)])) == {Bucket("day", DAY): 4}
            assert await reader.names([HOUR], ["a:00ff", "a:02"]) == {"a:00ff": "Zürich"}


@pytest.mark.parametrize("scheme", ["redis", "redis+cluster", "redis+sentinel"])
async def test_a_redis_that_is_away_is_said_to_be_so(scheme: str) -> None:
    async with counted.linked_to(f"{scheme}://127.0.0.1:1/0") as link:
        reader = RedisCounts(link)
        with pytest.raises(CountsUnavailable):
            await _total(reader.counts([Bucket("hour", HOUR)]))
        with pytest.raises(CountsUnavailable):
            await reader.names([HOUR], ["a:00ff"])


async def test_a_redis_that_hangs_is_given_up_on(engine: Redis) -> None:
    async with counted.linked(engine) as link:
        await engine.client_pause(700)
        with pytest.raises(CountsUnavailable):
            await _total(RedisCounts(link, timeout_s=0.2).counts([Bucket("hour", HOUR)]))


async def test_a_key_of_another_type_is_an_error_not_a_zero(engine: Redis) -> None:
    await engine.set("hb:{04}:hour:2026112413", "text")
    async with counted.linked(engine) as link:
        with pytest.raises(CountsUnavailable):
            await _total(RedisCounts(link).counts([Bucket("hour", HOUR)]))
