"""What every applier counts where, how many of it, and for how long."""

import random
from itertools import count

import pytest

from service.adapters import redis_keys
from service.adapters.redis_keys import Bounds
from service.domain.events import Kind, Verdict
from tests.made import (
    ARTICLE,
    HOUR,
    JOURNAL,
    SHARD,
    any_event,
    event,
    hour_of,
    of_site,
    page,
    stored,
)
from tests.worlds import (
    APPLIED,
    ARTICLES,
    DAYS,
    HOURS,
    KNOWN,
    NAMES,
    PACE,
    SEEN,
    VIEW,
    EngineWorld,
    World,
    held,
    verdicts,
)

MINUTE_S = 60


class TestCounts:
    @pytest.mark.parametrize("verdict", [*Verdict, "refused"])
    async def test_every_verdict_is_counted_under_its_own_word(
        self, world: World, verdict: str
    ) -> None:
        await world.applier().apply(SHARD, JOURNAL, 0, stored([event(verdict=verdict)] * 3))
        expected = {"valid": 1, "duplicate": 2} if verdict == "valid" else {verdict: 3}
        assert verdicts(world) == expected

    async def test_a_sum_counts_as_many_as_it_says(self, world: World) -> None:
        flood = event(verdict=Verdict.FORGED)._replace(count=123_456_789_012)
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored([flood]))
        await applier.apply(SHARD, JOURNAL, 1, stored([flood], after=1))
        assert held(world, DAYS) == {f"{VIEW}|forged": "246913578024"}

    async def test_hours_and_days_agree_over_midnight_month_and_year(self, world: World) -> None:
        ends = [hour_of(2026, 11, 30, 23), hour_of(2026, 12, 31, 23), hour_of(2028, 2, 28, 23)]
        events = [
            event(serial=serial, hour=hour)
            for serial, hour in enumerate(hour for end in ends for hour in (end, end + 1, end + 1))
        ]
        await world.applier().apply(SHARD, JOURNAL, 0, stored(events))
        for end in ends:
            for hour, views in ((end, "1"), (end + 1, "2")):
                assert held(world, redis_keys.hour(SHARD, hour)) == {f"{VIEW}|valid": views}
                assert held(world, redis_keys.day(SHARD, hour)) == {f"{VIEW}|valid": views}

    async def test_keys_are_named_by_utc_hour_day_and_month(self, world: World) -> None:
        hour = hour_of(2026, 12, 31, 23)
        clicked = [event(hour=hour), event(Kind.CLICK, hour=hour)]
        await world.applier().apply(SHARD, JOURNAL, 0, stored(clicked))
        assert set(world.kept()) == {
            *("hb:{03}:applied", "hb:{03}:seen:3:0", "hb:{03}:known:example:20261231"),
            *("hb:{03}:hour:2026123123", "hb:{03}:day:20261231", "hb:{03}:pace:2026123123"),
            *("hb:{03}:articles:20261231", "hb:{03}:names:202612"),
        }

    async def test_gross_is_the_sum_of_verdicts_whatever_comes(self, world: World) -> None:
        draw, applier, after, gross = random.Random(5), world.applier(), 0, 0
        for _ in range(12):
            events = [any_event(draw) for _ in range(draw.randint(1, 90))]
            gross += sum(made.count for made in events)
            rows = stored(events, after=after)
            for at in range(0, len(rows), 2):
                some = rows[at : at + 2]
                assert (await applier.apply(SHARD, JOURNAL, after, some)).done
                after = some[-1].number
        assert sum(verdicts(world).values()) == gross


class TestArticles:
    async def test_beyond_the_bound_the_rest_is_counted_as_other(self, world: World) -> None:
        applier = world.applier(Bounds(articles=3))
        for batch in range(2):  # what the bound kept out stays out, and what it let in stays in
            events = [event(serial=batch * 5 + at, article=f"{at:016x}") for at in range(5)]
            await applier.apply(SHARD, JOURNAL, batch, stored(events, after=batch))
        listed = {f"example|{at:016x}|-|view|-": "2" for at in range(3)}
        assert held(world, ARTICLES) == {**listed, "example|other|-|view|-": "4"}
        assert held(world, KNOWN) == {f"{at:016x}" for at in range(3)}

    async def test_an_article_that_is_listed_is_listed_for_every_kind(self, world: World) -> None:
        applier = world.applier(Bounds(articles=1))
        events = [event(), event(Kind.SHARE), event(serial=1, article="11" * 8)]
        await applier.apply(SHARD, JOURNAL, 0, stored(events))
        assert held(world, ARTICLES) == {
            f"example|{ARTICLE}|-|view|-": "1",
            f"example|{ARTICLE}|-|share|facebook": "1",
            "example|other|-|view|-": "1",
        }

    async def test_every_site_and_day_has_a_bound_of_its_own(self, world: World) -> None:
        events = [
            *(event(serial=at, article=f"{at:016x}") for at in range(2)),
            *(of_site("rival", event(serial=2 + at, article=f"{at:016x}")) for at in range(2)),
            *(event(serial=4 + at, article=f"{at:016x}", hour=HOUR + 24) for at in range(2)),
        ]
        await world.applier(Bounds(articles=1)).apply(SHARD, JOURNAL, 0, stored(events))
        one_and_other = {"0000000000000000", "other"}
        for hour, sites in ((HOUR, {"example", "rival"}), (HOUR + 24, {"example"})):
            names = [name.split("|") for name in held(world, redis_keys.articles(SHARD, hour))]
            assert {(site, article) for site, article, *_ in names} == {
                (site, article) for site in sites for article in one_and_other
            }

    async def test_a_duplicate_takes_nobodys_place(self, world: World) -> None:
        applier = world.applier(Bounds(articles=1))
        await applier.apply(SHARD, JOURNAL, 0, stored([event(hour=HOUR - 24)]))
        again, first = event(article="11" * 8), event(serial=1, article="22" * 8)
        await applier.apply(SHARD, JOURNAL, 1, stored([again, first], after=1))
        assert held(world, KNOWN) == {"22" * 8}


class TestNames:
    async def test_the_first_name_wins(self, world: World) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored([event(serial=1), event(serial=2)]))
        await applier.apply(SHARD, JOURNAL, 1, stored([event(serial=3)], after=1))
        assert held(world, NAMES) == {f"a:{ARTICLE}": f"https://news.example/{ARTICLE}\nTitle 1"}

    async def test_there_are_no_more_than_the_bound(self, world: World) -> None:
        applier, serials = world.applier(Bounds(names=3)), count()
        for batch in range(2):
            events = [event(serial=next(serials), article=f"{at:016x}") for at in range(5)]
            await applier.apply(SHARD, JOURNAL, batch, stored(events, after=batch))
        assert set(held(world, NAMES)) == {f"a:{at:016x}" for at in range(3)}

    async def test_the_days_of_a_month_share_the_bound_and_the_next_month_has_its_own(
        self, world: World
    ) -> None:
        hours = [hour_of(2026, 11, 29), hour_of(2026, 11, 30), hour_of(2026, 12, 1)]
        events = [
            event(serial=serial, article=f"{serial:016x}", hour=hour)
            for serial, hour in enumerate(hours)
        ]
        await world.applier(Bounds(names=1)).apply(SHARD, JOURNAL, 0, stored(events))
        assert set(held(world, redis_keys.names(SHARD, hours[0]))) == {f"a:{0:016x}"}
        assert set(held(world, redis_keys.names(SHARD, hours[2]))) == {f"a:{2:016x}"}


class TestLives:
    async def test_every_key_lives_as_long_as_the_design_says(self, world: World) -> None:
        await world.applier().apply(SHARD, JOURNAL, 0, stored(page(1)))
        days = {HOURS: 100, DAYS: 400, ARTICLES: 400, NAMES: 400, PACE: 400, SEEN: 4, KNOWN: 4}
        assert {key: life_s for key, (_, life_s) in world.kept().items()} == {
            APPLIED: None,
            **{key: life * 86_400 for key, life in days.items()},
        }

    async def test_a_key_lives_on_from_its_last_write(self, world: World) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored([event()]))
        if isinstance(world, EngineWorld):
            world.client.expire(SEEN, MINUTE_S)
        await applier.apply(SHARD, JOURNAL, 1, stored([event(serial=1)], after=1))
        assert world.kept()[SEEN].life_s == redis_keys.SEEN_LIFE_S
