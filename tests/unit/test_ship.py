"""Rows reach Redis in order and once, and are accounted for; an hour of it takes no time."""

import asyncio
from collections.abc import Sequence
from itertools import count

from service.domain.events import CHUNK_TOKENS, SHARDS, Kind, Verdict
from service.domain.rows import StoredRow
from service.flows.ports import Applied
from tests.made import JOURNAL, OTHER_JOURNAL, SHARD, event, page
from tests.model_counts import ModelCounts
from tests.shipping import (
    A_ROUND_S,
    AT_ONCE_S,
    MINUTE_S,
    RETAINED_S,
    commit,
    left_behind,
    port,
)
from tests.time_travel import in_no_time, now_s


class Recording(ModelCounts):
    """Remembers which rows were sent in which order."""

    sent: list[tuple[str, int, int, int]]

    async def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Applied:
        self.sent = [
            *getattr(self, "sent", ()),
            (journal, expected, rows[0].number, rows[-1].number),
        ]
        return await super().apply(shard, journal, expected, rows)


class TestShipping:
    @in_no_time
    async def test_what_is_committed_is_in_redis_at_once(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 12}
        assert made.redis.mark(SHARD, JOURNAL) == 3

    @in_no_time
    async def test_rows_go_in_order_and_each_once(self) -> None:
        redis = Recording()
        made = port(redis=redis)
        async with made.shipping():
            for first in range(0, 300, 30):
                await commit(made, first, 30)
                await asyncio.sleep(0.5)
        assert [expected for _, expected, _, _ in redis.sent] == [
            0,
            *(last for *_, last in redis.sent[:-1]),
        ]
        assert all(first == expected + 1 for _, expected, first, _ in redis.sent)
        assert redis.totals() == {Verdict.VALID: 1_200}

    @in_no_time
    async def test_small_rows_travel_together(self) -> None:
        made = port()
        left_behind(made, 500)
        async with made.shipping():
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 2_000}
        assert made.redis.calls["apply"] == 10

    @in_no_time
    async def test_few_events_wait_for_others_and_go_together(self) -> None:
        made = port()
        async with made.shipping():
            await asyncio.sleep(AT_ONCE_S)
            for serial in range(100):
                await commit(made, serial)
                await asyncio.sleep(0.01)
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 400}
        assert made.redis.calls["apply"] <= 12

    @in_no_time
    async def test_a_shard_has_one_application_in_flight_and_all_shards_go_at_once(self) -> None:
        at_once, most = 0, 0

        async def slowly() -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.1)
            at_once -= 1

        made = port(redis=ModelCounts(before=slowly))
        async with made.shipping():
            for chunk in range(SHARDS):
                for first in range(0, 200, 100):
                    await commit(made, first, 100, chunk=chunk)
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 4 * 200 * SHARDS}
        assert (made.redis.most, most) == (1, SHARDS)

    @in_no_time
    async def test_the_journals_of_dead_processes_are_shipped_too(self) -> None:
        made = port()
        left_behind(made, 5)
        async with made.shipping():
            await commit(made, 100, 5)
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 40}

    @in_no_time
    async def test_a_long_backlog_of_one_journal_holds_no_other_up(self) -> None:
        made = port(redis=ModelCounts(before=lambda: asyncio.sleep(0.05)))
        left_behind(made, 5_000)
        async with made.shipping():
            await asyncio.sleep(1)
            await commit(made, 10_000)
            await asyncio.sleep(0.5)
            assert made.redis.mark(SHARD, JOURNAL) == 1
            assert made.redis.mark(SHARD, OTHER_JOURNAL) < 4_000

    @in_no_time
    async def test_a_shard_that_never_runs_dry_holds_up_neither_marks_nor_deleting(self) -> None:
        serials = count()
        made = port()

        async def more_comes_meanwhile() -> None:
            made.journals.commit(*page(next(serials) % CHUNK_TOKENS))
            await asyncio.sleep(1)

        made.redis.before = more_comes_meanwhile
        async with made.shipping():
            await commit(made, next(serials))
            await asyncio.sleep(RETAINED_S + MINUTE_S)
            assert made.shipper.waiting
            rounds = (RETAINED_S + MINUTE_S) / A_ROUND_S
            assert made.redis.calls["marks"] > rounds * SHARDS
            assert made.journals.deleted


class TestAccounts:
    @in_no_time
    async def test_every_event_is_told_by_its_verdict(self) -> None:
        made, click = port(), event(Kind.CLICK)
        async with made.shipping():
            bot = event(Kind.CLICK, verdict=Verdict.BOT)._replace(count=5)
            made.journals.commit(click, click, bot)
            await asyncio.sleep(AT_ONCE_S)
        told = {"site": "example", "kind": "click"}
        assert made.metric("events_total", **told, verdict="valid") == 1
        assert made.metric("events_total", **told, verdict="duplicate") == 1
        assert made.metric("events_total", **told, verdict="bot") == 5
        assert made.metric("shipped_events_total") == 7
        assert made.metric("ship_row_seconds_count") == 1

    @in_no_time
    async def test_a_replay_is_no_second_event_however_often_it_happens(self) -> None:
        made = port()
        async with made.shipping():
            for first in range(0, 20, 4):
                await commit(made, first, 4)
                await asyncio.sleep(A_ROUND_S)
                made.redis.wipe()
                await asyncio.sleep(A_ROUND_S)
        assert made.told(Verdict.VALID) == 80
        assert made.metric("redis_rollbacks_total") == 5
        assert made.metric("shipped_events_total") > 80

    @in_no_time
    async def test_a_damaged_row_is_told_once_and_the_rows_behind_it_are_counted(self) -> None:
        made = port()
        made.redis.away = "gone"
        async with made.shipping():
            await commit(made, 0)
            (damaged,) = made.journals.commit(*page(1))
            made.journals.damage(damaged)
            await commit(made, 2)
            made.redis.away = None
            await asyncio.sleep(A_ROUND_S)
            made.redis.wipe()
            await asyncio.sleep(A_ROUND_S)
        assert made.redis.totals() == {Verdict.VALID: 8}
        assert made.metric("events_unrecoverable_total") == 4
        assert made.said["damaged row"] == 1


class TestDraining:
    @in_no_time
    async def test_it_takes_no_longer_than_what_waits(self) -> None:
        made = port(redis=ModelCounts(before=lambda: asyncio.sleep(0.2)))
        left_behind(made, 100)
        async with made.shipping():
            await asyncio.sleep(0.1)
            began = now_s()
            await made.shipper.drain(60)
            assert made.redis.totals() == {Verdict.VALID: 400}
            assert now_s() - began < 1
            await made.shipper.drain(60)
            assert now_s() - began < 1

    @in_no_time
    async def test_it_gives_up_in_time_and_the_next_ships_the_rest(self) -> None:
        made = port(redis=ModelCounts(away="gone"))
        async with made.shipping():
            await commit(made, 0)
            began = now_s()
            await made.shipper.drain(5)
            assert 5 <= now_s() - began < 6
        made.redis.away = None
        made.journals.own = OTHER_JOURNAL
        after = port(made.journals, made.redis)
        async with after.shipping():
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 4}

    @in_no_time
    async def test_in_a_hurry_it_waits_for_nothing(self) -> None:
        made = port(redis=ModelCounts(away="gone"))
        async with made.shipping():
            await commit(made, 0)
            began = now_s()
            await made.shipper.drain(0)
            assert now_s() == began
