"""What every applier promises: plain Python, Valkey, the oldest Redis and a Cluster do the same."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from service.adapters import redis_keys
from service.adapters.redis_keys import Bounds
from service.domain.errors import ShardHalted
from service.domain.events import CHUNK_TOKENS, SHARDS, Event, Kind, Verdict
from service.domain.rows import ROW_EVENTS_MAX
from service.flows.ports import Applied
from tests.made import (
    ARTICLE,
    HOUR,
    ISSUER,
    JOURNAL,
    OTHER_JOURNAL,
    PLACEMENTS,
    SHARD,
    damaged,
    event,
    hour_of,
    of_site,
    page,
    stored,
)
from tests.model_counts import ModelCounts
from tests.model_fold import Kept
from tests.worlds import EngineWorld, ModelWorld, World

MINUTE_S = 60
APPLIED = redis_keys.applied(SHARD)
HOURS, DAYS = redis_keys.hour(SHARD, HOUR), redis_keys.day(SHARD, HOUR)
ARTICLES, PACE = redis_keys.articles(SHARD, HOUR), redis_keys.pace(SHARD, HOUR)
NAMES, SEEN = redis_keys.names(SHARD, HOUR), redis_keys.seen(SHARD, ISSUER, 0)
KNOWN = redis_keys.known(SHARD, "example", HOUR)
VIEW = "example|-|-|-|ios|-|-|view|-"
CLICK = "example|top|vital-signs|vs-text|ios|-|-|click|-"


@pytest.fixture(params=["model", "valkey", "oldest_redis", "cluster"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "model":
        yield ModelWorld()
        return
    engine: EngineWorld = request.getfixturevalue(f"on_{request.param}")
    yield engine
    for link in engine.links:
        await link.close()


def held(world: World, key: str) -> Any:
    """Return what a key holds, nothing if it is not there."""
    return world.kept().get(key, Kept({}, None)).content


def verdicts(world: World, prefix: str = "") -> Counter[str]:
    """Return the day's counts by verdict, of fields that begin so."""
    sums: Counter[str] = Counter()
    for key, (content, _) in world.kept().items():
        if ":day:" in key and isinstance(content, dict):
            for name, text in content.items():
                if name.startswith(prefix):
                    sums[name.rpartition("|")[2]] += int(text)
    return sums


class TestMarks:
    async def test_there_is_none_where_nothing_was_applied(self, world: World) -> None:
        assert await world.applier().marks(SHARD) == {}

    async def test_the_last_rows_number_becomes_the_mark(self, world: World) -> None:
        applier = world.applier()
        rows = stored(page(1), page(2), page(3))
        assert await applier.apply(SHARD, JOURNAL, 0, rows) == Applied(True, 3)
        assert await applier.marks(SHARD) == {JOURNAL: 3}

    async def test_every_journal_and_shard_has_its_own(self, world: World) -> None:
        applier, there = world.applier(), SHARD + 1
        await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
        await applier.apply(SHARD, OTHER_JOURNAL, 0, stored(page(2), page(3)))
        await applier.apply(there, JOURNAL, 0, stored(page(CHUNK_TOKENS), after=8))
        assert await applier.marks(SHARD) == {JOURNAL: 1, OTHER_JOURNAL: 2}
        assert await applier.marks(there) == {JOURNAL: 9}

    async def test_numbers_need_not_follow_on_each_other(self, world: World) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored(page(1), after=6))
        assert await applier.apply(SHARD, JOURNAL, 7, stored(page(2), after=40)) == Applied(
            True, 41
        )

    async def test_large_numbers_stay_exact(self, world: World) -> None:
        applier, mark = world.applier(), 0
        for after in (10**14, 10**15 - 3):
            done = await applier.apply(
                SHARD, JOURNAL, mark, stored(page(after % 60_000), after=after)
            )
            mark = done.mark
            assert (done.done, mark) == (True, after + 1)
        assert await applier.marks(SHARD) == {JOURNAL: mark}

    async def test_a_forgotten_journal_has_none_in_any_shard(self, world: World) -> None:
        applier = world.applier()
        for shard in range(SHARDS):
            rows = stored(page((shard - SHARD) % SHARDS * CHUNK_TOKENS))
            await applier.apply(shard, JOURNAL, 0, rows)
            await applier.apply(shard, OTHER_JOURNAL, 0, rows)
        await applier.forget(JOURNAL)
        for shard in range(SHARDS):
            assert await applier.marks(shard) == {OTHER_JOURNAL: 1}


class TestExactlyOnce:
    @pytest.mark.parametrize("expected", [0, 1, 3, 4, 99])
    async def test_another_mark_than_expected_writes_nothing(
        self, world: World, expected: int
    ) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored(page(1), page(2)))
        before = world.kept()
        done = await applier.apply(
            SHARD, JOURNAL, expected, stored(page(3), page(4), after=expected)
        )
        assert done == Applied(False, 2)
        assert world.kept() == before

    async def test_rows_that_are_sent_again_are_not_applied_again(self, world: World) -> None:
        applier, rows = world.applier(), stored(page(1), page(2))
        await applier.apply(SHARD, JOURNAL, 0, rows)
        before = world.kept()
        assert await applier.apply(SHARD, JOURNAL, 0, rows) == Applied(False, 2)
        assert world.kept() == before

    async def test_rows_may_be_bundled_otherwise_after_a_doubt(self, world: World) -> None:
        applier, rows = world.applier(), stored(*(page(serial) for serial in range(6)))
        await applier.apply(SHARD, JOURNAL, 0, rows[:2])
        assert not (await applier.apply(SHARD, JOURNAL, 0, rows)).done
        assert (await applier.apply(SHARD, JOURNAL, 2, rows[2:])).done
        assert verdicts(world) == {Verdict.VALID: 24}

    async def test_of_two_senders_of_a_row_one_is_told_that_it_was_late(self, world: World) -> None:
        one, other = world.applier(), world.applier()
        for number in range(20):
            rows = stored(page(number), after=number)
            both = await asyncio.gather(
                one.apply(SHARD, JOURNAL, number, rows), other.apply(SHARD, JOURNAL, number, rows)
            )
            assert {done.done for done in both} == {True, False}
            assert {done.mark for done in both} == {number + 1}
        assert verdicts(world) == {Verdict.VALID: 80}

    async def test_two_journals_that_hold_the_same_events_count_them_once(
        self, world: World
    ) -> None:
        one, other = world.applier(), world.applier()
        rows = stored(page(1), page(2))
        await one.apply(SHARD, JOURNAL, 0, rows)
        done = await other.apply(SHARD, OTHER_JOURNAL, 0, rows)
        assert done.duplicates == frozenset(range(8))
        assert verdicts(world) == {Verdict.VALID: 8, Verdict.DUPLICATE: 8}


class TestDuplicates:
    async def test_within_a_row_the_first_counts(self, world: World) -> None:
        view, click = event(), event(Kind.CLICK)
        done = await world.applier().apply(
            SHARD, JOURNAL, 0, stored([view, click, view, view, click])
        )
        assert done.duplicates == {2, 3, 4}
        assert held(world, HOURS) == {
            f"{VIEW}|valid": "1",
            f"{VIEW}|duplicate": "2",
            f"{CLICK}|valid": "1",
            f"{CLICK}|duplicate": "1",
        }

    async def test_their_positions_run_over_all_rows(self, world: World) -> None:
        rows = stored(page(1), page(2), page(1))
        done = await world.applier().apply(SHARD, JOURNAL, 0, rows)
        assert done.duplicates == {8, 9, 10, 11}

    async def test_a_damaged_row_holds_no_positions_and_the_mark_passes_it(
        self, world: World
    ) -> None:
        rows = [*stored(page(1)), damaged(2, total=7), *stored(page(1), after=2)]
        done = await world.applier().apply(SHARD, JOURNAL, 0, rows)
        assert done == Applied(True, 3, frozenset({4, 5, 6, 7}))

    async def test_damaged_rows_alone_only_move_the_mark(self, world: World) -> None:
        applier = world.applier()
        assert await applier.apply(SHARD, JOURNAL, 0, [damaged(5, total=9)]) == Applied(True, 5)
        assert set(world.kept()) == {APPLIED}

    async def test_over_batches_and_hours_too(self, world: World) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored([event()]))
        done = await applier.apply(SHARD, JOURNAL, 1, stored([event(hour=HOUR + 5)], after=1))
        assert done.duplicates == {0}
        assert held(world, redis_keys.hour(SHARD, HOUR + 5)) == {f"{VIEW}|duplicate": "1"}

    async def test_every_bit_of_a_chunk_is_its_own(self, world: World) -> None:
        applier, serials = world.applier(), (0, 1, CHUNK_TOKENS - 1)
        events = [
            event(kind, serial, position=position)
            for serial in serials
            for position in range(len(PLACEMENTS))
            for kind in (Kind.IMPRESSION, Kind.VIEWABLE, Kind.CLICK, Kind.DISMISS)
        ] + [event(kind, serial) for serial in serials for kind in (Kind.VIEW, Kind.SHARE)]
        done = await applier.apply(SHARD, JOURNAL, 0, stored(events))
        assert not done.duplicates
        assert held(world, SEEN) == {made.seen[2] for made in events if made.seen}
        again = await applier.apply(SHARD, OTHER_JOURNAL, 0, stored(events))
        assert again.duplicates == frozenset(range(len(events)))

    async def test_what_is_not_valid_takes_no_bit_and_teaches_nothing(self, world: World) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored([event(Kind.CLICK, verdict=Verdict.BOT)]))
        assert set(world.kept()) == {APPLIED, HOURS, DAYS}
        done = await applier.apply(SHARD, JOURNAL, 1, stored([event(Kind.CLICK)], after=1))
        assert not done.duplicates
        assert held(world, PACE) == {"vs-text|top|ios|-|click": "1"}

    async def test_a_duplicate_is_seen_by_neither_articles_nor_pacing(self, world: World) -> None:
        click = event(Kind.CLICK)
        await world.applier().apply(SHARD, JOURNAL, 0, stored([click, click, click]))
        assert held(world, PACE) == {"vs-text|top|ios|-|click": "1"}
        assert held(world, ARTICLES) == {f"example|{ARTICLE}|-|click|-": "1"}


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
            events = [_any_event(draw) for _ in range(draw.randint(1, 90))]
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


class TestStrangers:
    @pytest.mark.parametrize("key", [APPLIED, HOURS, DAYS, ARTICLES, NAMES, PACE, SEEN, KNOWN])
    async def test_a_key_of_another_type_halts_the_shard_and_nothing_is_written(
        self, world: World, key: str
    ) -> None:
        applier = world.applier()
        await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
        world.put_other_type(key)
        before = world.kept()
        with pytest.raises(ShardHalted) as halted:
            await applier.apply(SHARD, JOURNAL, 1, stored(page(2), after=1))
        assert not halted.value.lasting
        assert key in halted.value.reason
        assert world.kept() == before

    @pytest.mark.parametrize(
        ("key", "field"),
        [
            (HOURS, f"{CLICK}|valid"),
            (DAYS, f"{VIEW}|valid"),
            (ARTICLES, f"example|{ARTICLE}|-|view|-"),
            (PACE, "vs-text|top|ios|-|click"),
            (APPLIED, JOURNAL),
        ],
    )
    async def test_a_field_that_is_no_number_halts_the_shard_and_nothing_is_written(
        self, world: World, key: str, field: str
    ) -> None:
        applier = world.applier()
        for text in ("", "x", "1.5", "007", "1e3", "0x1f", "nan", " 1", "9" * 20):
            world.put(key, field, text)
            before = world.kept()
            with pytest.raises(ShardHalted) as halted:
                await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
            assert not halted.value.lasting
            assert key in halted.value.reason
            assert world.kept() == before

    async def test_fields_that_a_row_does_not_touch_are_no_hindrance(self, world: World) -> None:
        world.put(HOURS, "a note", "of somebody else")
        assert (await world.applier().apply(SHARD, JOURNAL, 0, stored(page(1)))).done

    async def test_a_count_that_somebody_corrected_is_counted_on(self, world: World) -> None:
        world.put(HOURS, f"{VIEW}|valid", "-40")
        await world.applier().apply(SHARD, JOURNAL, 0, stored([event()]))
        assert held(world, HOURS) == {f"{VIEW}|valid": "-39"}

    async def test_marks_of_another_type_halt_only_that_shard(self, world: World) -> None:
        applier = world.applier()
        world.put_other_type(APPLIED)
        with pytest.raises(ShardHalted) as halted:
            await applier.marks(SHARD)
        assert not halted.value.lasting
        assert await applier.marks(SHARD + 1) == {}

    async def test_a_mark_that_is_no_number_halts_the_shard(self, world: World) -> None:
        world.put(APPLIED, JOURNAL, "many")
        with pytest.raises(ShardHalted) as halted:
            await world.applier().marks(SHARD)
        assert not halted.value.lasting


class TestSizes:
    async def test_a_row_whose_events_share_no_key_is_applied_whole(self, world: World) -> None:
        """Each event has an issuer, an hour and a site of its own: 1,300 keys."""
        events = []
        for at in range(ROW_EVENTS_MAX):
            made = of_site(f"site-{at}", event(Kind.CLICK, hour=HOUR + 24 * at))
            issuer = ISSUER + SHARDS * at
            events.append(made._replace(seen=(issuer, 0, at), article=f"site-{at}|{at:016x}|-|c|-"))
        done = await world.applier().apply(SHARD, JOURNAL, 0, stored(events))
        assert done == Applied(True, 1)
        assert sum(verdicts(world).values()) == ROW_EVENTS_MAX
        assert len(world.kept()) > 6 * ROW_EVENTS_MAX

    async def test_a_row_whose_events_share_every_key_is_applied_whole(self, world: World) -> None:
        events = [event(Kind.CLICK, serial)._replace(pace=f"{serial}") for serial in range(200)]
        assert (await world.applier().apply(SHARD, JOURNAL, 0, stored(events))).done
        assert verdicts(world) == {Verdict.VALID: 200}
        assert len(held(world, PACE)) == 200


async def test_whatever_is_sent_is_kept_as_the_model_keeps_it(world: World) -> None:
    """Random batches of few articles, tokens, hours and sites, so that everything collides."""
    draw, bounds, model = random.Random(11), Bounds(articles=4, names=5), ModelCounts()
    model.bounds = bounds
    applier, marks = world.applier(bounds), dict.fromkeys((JOURNAL, OTHER_JOURNAL), 0)
    for _ in range(40):
        journal = draw.choice(sorted(marks))
        expected = max(0, marks[journal] - (draw.random() < 0.2))
        events = [_any_event(draw) for _ in range(draw.randint(1, 30))]
        rows = stored(events, after=expected)
        done = await applier.apply(SHARD, journal, expected, rows)
        assert done == model.fold(SHARD, journal, expected, rows)
        marks[journal] = done.mark
    assert world.kept() == model.kept()


def _any_event(draw: random.Random) -> Event:
    verdict = Verdict.VALID if draw.random() < 0.8 else draw.choice([*Verdict])
    made = event(
        draw.choice([Kind.VIEW, Kind.IMPRESSION, Kind.CLICK, Kind.SHARE]),
        draw.randrange(12),
        hour=HOUR + draw.randrange(-12, 13),
        verdict=verdict,
        article=f"{draw.randrange(8):016x}",
        position=draw.randrange(2),
    )
    return of_site("rival", made) if draw.random() < 0.3 else made
