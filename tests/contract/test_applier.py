"""What every applier promises: plain Python, Valkey, the oldest Redis and a Cluster do the same."""

import asyncio
import random

import pytest

from service.adapters import redis_keys
from service.adapters.redis_keys import Bounds
from service.domain.events import CHUNK_TOKENS, SHARDS, Kind, Verdict
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
    any_event,
    damaged,
    event,
    of_site,
    page,
    stored,
)
from tests.model_counts import ModelCounts
from tests.worlds import (
    APPLIED,
    ARTICLES,
    CLICK,
    DAYS,
    HOURS,
    PACE,
    SEEN,
    VIEW,
    World,
    held,
    verdicts,
)


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
        events = [any_event(draw) for _ in range(draw.randint(1, 30))]
        rows = stored(events, after=expected)
        done = await applier.apply(SHARD, journal, expected, rows)
        assert done == model.fold(SHARD, journal, expected, rows)
        marks[journal] = done.mark
    assert world.kept() == model.kept()
