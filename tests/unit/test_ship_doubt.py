"""Lost replies, other senders and a Redis that is away: nothing lost, nothing twice, no noise."""

import asyncio
import random
from collections.abc import Mapping
from itertools import count

import pytest

from service.adapters import redis_keys
from service.domain.events import SHARDS, Verdict
from service.flows.ports import Committed
from tests.made import JOURNAL, OTHER_JOURNAL, SHARD
from tests.model_counts import ModelCounts
from tests.shipping import (
    A_ROUND_S,
    AT_ONCE_S,
    HOUR_S,
    MINUTE_S,
    THERE,
    commit,
    left_behind,
    port,
)
from tests.time_travel import in_no_time, now_s


class TestDoubt:
    @in_no_time
    async def test_a_row_whose_reply_was_lost_is_not_applied_again(self) -> None:
        lost = iter([True])
        made = port(redis=ModelCounts(lost=lambda what: what == "apply" and next(lost, False)))
        async with made.shipping():
            await commit(made, 0)
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 4}
        assert made.redis.calls["apply"] == 1

    @pytest.mark.parametrize("seed", range(3))
    @in_no_time
    async def test_with_a_third_of_all_replies_lost_everything_is_counted_once(
        self, seed: int
    ) -> None:
        draw = random.Random(seed)
        made = port(redis=ModelCounts(lost=lambda _: draw.random() < 0.3))
        left_behind(made, 100)
        async with made.shipping():
            for chunk in range(SHARDS):
                for first in range(1_000, 1_100, 10):
                    await commit(made, first, 10, chunk=chunk)
                    await asyncio.sleep(draw.random() / 10)
            await asyncio.sleep(2 * MINUTE_S)
            assert made.shipper.waiting == 0
            assert made.metric("journal_events") == 0
            assert made.metric("journal_oldest_unshipped_seconds") == 0
        assert made.redis.totals() == {Verdict.VALID: 4 * 100 * (SHARDS + 1)}

    @in_no_time
    async def test_whoever_else_sends_the_same_rows_they_are_counted_once(self) -> None:
        redis = ModelCounts(before=lambda: asyncio.sleep(0.01))
        one = port(redis=redis)
        other = port(one.journals, redis)

        def announce(row: Committed) -> None:
            one.shipper.committed(row)
            other.shipper.committed(row)

        one.journals.announce = announce
        async with one.shipping(), other.shipping():
            await commit(one, 0, 300)
            await asyncio.sleep(MINUTE_S)
            assert one.shipper.waiting == other.shipper.waiting == 0
        assert redis.totals() == {Verdict.VALID: 1_200}

    @in_no_time
    async def test_a_shipper_that_is_cut_off_in_the_middle_and_started_anew_counts_once(
        self,
    ) -> None:
        made = port(redis=ModelCounts(before=lambda: asyncio.sleep(0.02)))
        for first in range(0, 200, 20):
            async with made.shipping():
                await commit(made, first, 20)
                await asyncio.sleep(0.01 + first / 10_000)
        async with made.shipping():
            await asyncio.sleep(AT_ONCE_S)
        assert made.redis.totals() == {Verdict.VALID: 800}

    @in_no_time
    async def test_marks_and_script_that_never_agree_make_no_hot_loop(self) -> None:
        class Fickle(ModelCounts):
            async def marks(self, shard: int) -> Mapping[str, int]:
                return {**await super().marks(shard), JOURNAL: 0}

        made = port(redis=Fickle())
        made.redis.data.hashes[redis_keys.applied(SHARD)] = {JOURNAL: "7"}
        async with made.shipping():
            await commit(made, 0, 9)
            await asyncio.sleep(MINUTE_S)
            assert made.redis.calls["apply"] < 80

    @in_no_time
    async def test_the_backlog_is_right_in_the_middle_of_a_doubt(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 2)
            await asyncio.sleep(A_ROUND_S)
            made.redis.away = "gone"
            await commit(made, 2, 3)
            await asyncio.sleep(MINUTE_S)
            assert made.metric("journal_events") == 12
            assert made.metric("journal_oldest_unshipped_seconds") == pytest.approx(66, abs=1)


class TestAway:
    @pytest.mark.parametrize("how", ["away", "refusing"])
    @in_no_time
    async def test_a_long_time_of_it_costs_few_calls_and_lines_and_loses_nothing(
        self, how: str
    ) -> None:
        made = port()
        async with made.shipping():
            for chunk in range(SHARDS):
                await commit(made, 0, 20, chunk=chunk)
            await asyncio.sleep(AT_ONCE_S)
            assert made.metric("redis_up") == 1
            setattr(made.redis, how, "OOM" if how == "refusing" else "connection refused")
            lines, calls = len(made.capture.entries), made.redis.calls.total()
            asked = made.journals.asked["extent"]
            for first in range(20, 80, 20):
                for chunk in range(SHARDS):
                    await commit(made, first, 20, chunk=chunk)
                await asyncio.sleep(HOUR_S / 4)
                assert made.metric("redis_up") == 0
                assert made.shipper.state.startswith("away: ")
            assert len(made.capture.entries) - lines == 1
            assert made.redis.calls.total() - calls < HOUR_S * (2 * SHARDS + 4)
            assert made.journals.asked["extent"] == asked
            assert made.metric("journal_events") == made.shipper.waiting == 60 * 4 * SHARDS
            setattr(made.redis, how, None)
            await asyncio.sleep(AT_ONCE_S)
            assert made.metric("journal_events") == 0
            assert made.shipper.state == "ok"
            assert made.metric("redis_up") == 1
        assert made.said["Redis answers"] == 2
        assert made.redis.totals() == {Verdict.VALID: 80 * 4 * SHARDS}

    @in_no_time
    async def test_one_that_comes_and_goes_is_worth_a_line_now_and_then(self) -> None:
        made, serials = port(), count()
        async with made.shipping():
            for _ in range(600):
                await commit(made, next(serials))
                made.redis.away = None if made.redis.away else "gone"
                await asyncio.sleep(1)
        assert 10 < len(made.capture.entries) <= 2 * 600 / 10 + 2

    @in_no_time
    async def test_one_that_stays_away_after_coming_and_going_is_told_in_the_end(self) -> None:
        made = port()
        async with made.shipping():
            for away in ("gone", None, "gone"):
                made.redis.away = away
                await commit(made, 0)
                await asyncio.sleep(1.5)
            await asyncio.sleep(MINUTE_S)
        assert [entry["event"].split(";")[0] for entry in made.capture.entries][-1] == (
            "Redis is away"
        )

    @in_no_time
    async def test_one_that_is_away_from_the_start_is_told_and_waited_for(self) -> None:
        made = port(redis=ModelCounts(away="connection refused"))
        assert made.shipper.state == "not asked yet"
        async with made.shipping():
            await commit(made, 0)
            await asyncio.sleep(HOUR_S)
            assert made.shipper.state == "away: connection refused"
            made.redis.away = None
            await asyncio.sleep(AT_ONCE_S)
            assert made.shipper.state == "ok"
        assert made.redis.totals() == {Verdict.VALID: 4}

    @in_no_time
    async def test_while_nobody_knows_what_of_a_dead_processs_journal_waits_all_of_it_does(
        self,
    ) -> None:
        made = port()
        left_behind(made, 5)
        rows = await made.journals.rows(OTHER_JOURNAL, SHARD, 0)
        await made.redis.apply(SHARD, OTHER_JOURNAL, 0, rows[:3])
        made.redis.away = "connection refused"
        async with made.shipping():
            await commit(made, 100)
            await asyncio.sleep(MINUTE_S)
            assert made.metric("journal_events") == 4 * 6
            assert made.metric("journal_oldest_unshipped_seconds") == pytest.approx(60, abs=1)
            asked = made.journals.asked["extent"]
            await asyncio.sleep(MINUTE_S)
            assert made.journals.asked["extent"] == asked
            made.redis.away = None
            await asyncio.sleep(AT_ONCE_S)
            assert made.metric("journal_events") == 0
            assert made.told(Verdict.VALID) == 4 * 3
        assert made.redis.totals() == {Verdict.VALID: 4 * 6}

    @in_no_time
    async def test_a_lost_reply_with_nothing_behind_it_leaves_redis_up(self) -> None:
        lost = iter([True])
        made = port(redis=ModelCounts(lost=lambda what: what == "apply" and next(lost, False)))
        async with made.shipping():
            await asyncio.sleep(A_ROUND_S)
            await commit(made, 0)
            await asyncio.sleep(0.5)
            assert made.shipper.state == "ok"
            assert made.metric("redis_up") == 1

    @in_no_time
    async def test_behind_a_new_connection_every_mark_is_read_at_once(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0)
            await commit(made, 0, chunk=1)
            await asyncio.sleep(A_ROUND_S)
            old = made.redis.snapshot()
            await commit(made, 1, chunk=1)
            await asyncio.sleep(0.1)
            made.redis.lost = lambda _: True
            await commit(made, 1)
            await asyncio.sleep(0.1)
            made.redis.go_back(old)
            made.redis.lost = lambda _: False
            began = now_s()
            while made.redis.mark(THERE, JOURNAL) < 3:
                await asyncio.sleep(0.1)
            assert now_s() - began < AT_ONCE_S
        assert made.redis.totals() == {Verdict.VALID: 16}
