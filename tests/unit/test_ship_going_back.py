"""A Redis that came back older, or holds what is not ours: replayed, or halted without noise."""

import asyncio
from itertools import count

from service.adapters import redis_keys
from service.domain.events import SHARDS, Verdict
from tests.made import JOURNAL, OTHER_JOURNAL, SHARD, page
from tests.model_counts import ModelCounts
from tests.shipping import (
    A_ROUND_S,
    AT_ONCE_S,
    HALF_WRITTEN,
    HOUR_S,
    MINUTE_S,
    RETAINED_S,
    STRANGE,
    commit,
    left_behind,
    port,
)
from tests.time_travel import in_no_time


class TestGoingBack:
    @in_no_time
    async def test_what_redis_lost_while_nothing_happened_is_counted_again(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 5)
            await asyncio.sleep(A_ROUND_S)
            old = made.redis.snapshot()
            await commit(made, 5, 5)
            await asyncio.sleep(HOUR_S / 6)
            made.redis.go_back(old)
            await asyncio.sleep(A_ROUND_S)
            assert made.redis.totals() == {Verdict.VALID: 40}
            assert made.metric("redis_rollbacks_total") == 1
            assert made.told(Verdict.VALID) == 40
            assert made.metric("events_unrecoverable_total") == 0
            assert made.said["Redis went back; replaying"] == 1

    @in_no_time
    async def test_a_wiped_redis_counts_all_that_is_still_here(self) -> None:
        made = port()
        left_behind(made, 10)
        async with made.shipping():
            for chunk in range(SHARDS):
                await commit(made, 100, 10, chunk=chunk)
            await asyncio.sleep(A_ROUND_S)
            before = made.redis.kept()
            made.redis.wipe()
            await asyncio.sleep(A_ROUND_S)
            assert made.redis.kept() == before

    @in_no_time
    async def test_what_no_journal_retains_is_counted_as_lost_once_and_the_rest_goes_on(
        self,
    ) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 7)
            await asyncio.sleep(RETAINED_S + 2 * A_ROUND_S)
            await commit(made, 7, 3)
            await asyncio.sleep(A_ROUND_S)
            assert made.journals.numbers() == [8, 9, 10]
            made.redis.wipe()
            await asyncio.sleep(MINUTE_S)
            assert made.redis.totals() == {Verdict.VALID: 12}
            assert made.metric("events_unrecoverable_total") == 28
            assert made.said["Redis lost what no journal retains"] == 1
            await commit(made, 10)
            await asyncio.sleep(AT_ONCE_S)
            assert made.redis.totals() == {Verdict.VALID: 16}

    @in_no_time
    async def test_a_gap_with_nothing_behind_it_makes_no_hot_loop(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 7)
            await asyncio.sleep(RETAINED_S + 2 * A_ROUND_S)
            assert made.journals.numbers() == []
            made.redis.wipe()
            await asyncio.sleep(A_ROUND_S)
            calls, asked = made.redis.calls.total(), made.journals.asked.total()
            await asyncio.sleep(MINUTE_S)
            assert made.redis.calls.total() - calls <= SHARDS * MINUTE_S / 5
            assert made.journals.asked.total() - asked <= MINUTE_S / 5
            assert made.metric("events_unrecoverable_total") == 28
            assert made.said["Redis lost what no journal retains"] == 1
            assert made.shipper.waiting == 0

    @in_no_time
    async def test_a_journal_of_which_redis_knows_more_is_halted_and_told_once(self) -> None:
        made = port()
        left_behind(made, 3)
        made.redis.data.hashes[redis_keys.applied(SHARD)] = {OTHER_JOURNAL: "9"}
        async with made.shipping():
            await commit(made, 100, 2)
            await asyncio.sleep(HOUR_S)
            assert made.redis.totals() == {Verdict.VALID: 8}
            assert made.redis.mark(SHARD, OTHER_JOURNAL) == 9
            assert made.journals.numbers(OTHER_JOURNAL) == [1, 2, 3]
            assert "beyond the last row 3" in made.shipper.state
        assert made.said["shard halted; is its volume a copy?"] == 1


class TestHalting:
    @in_no_time
    async def test_a_script_that_failed_is_not_tried_again_and_other_shards_go_on(self) -> None:
        made = port(redis=ModelCounts(halting=HALF_WRITTEN))
        async with made.shipping():
            await commit(made, 0)
            await asyncio.sleep(AT_ONCE_S)
            made.redis.halting = None
            await commit(made, 1)
            await commit(made, 0, chunk=1)
            await asyncio.sleep(HOUR_S)
            assert made.redis.calls["apply"] == 2
            assert made.redis.totals() == {Verdict.VALID: 4}
            assert made.shipper.state == "shard 03 halted: the script failed"
            assert made.metric("journal_events") == 8
        assert made.said["shard halted"] == 1

    @in_no_time
    async def test_what_may_pass_is_tried_with_every_round_and_no_oftener(self) -> None:
        made, serials = port(redis=ModelCounts(halting=STRANGE)), count()
        async with made.shipping():
            for _ in range(600):
                await commit(made, next(serials))
                await asyncio.sleep(0.1)
            assert 10 <= made.redis.calls["apply"] <= 14
            assert made.shipper.state == "shard 03 halted: a strange key"
            assert made.said == {"Redis answers": 1, "shard halted": 1}
            made.redis.halting = None
            await asyncio.sleep(A_ROUND_S)
            assert made.shipper.state == "ok"
        assert made.redis.totals() == {Verdict.VALID: 2_400}

    @in_no_time
    async def test_marks_of_another_type_halt_one_shard_only(self) -> None:
        made = port()
        made.redis.data.other.add(redis_keys.applied(SHARD))
        async with made.shipping():
            await commit(made, 0)
            await commit(made, 0, chunk=1)
            await asyncio.sleep(HOUR_S)
            assert made.redis.totals() == {Verdict.VALID: 4}
            assert made.metric("redis_up") == 1
            assert "shard 03 halted" in made.shipper.state
            assert made.said == {"Redis answers": 1, "shard halted": 1}
            made.redis.data.other.clear()
            await asyncio.sleep(2 * A_ROUND_S)
            assert made.shipper.state == "ok"
        assert made.redis.totals() == {Verdict.VALID: 8}

    @in_no_time
    async def test_a_journal_that_cannot_be_read_is_tried_until_it_can(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0)
            await asyncio.sleep(AT_ONCE_S)
            made.journals.unreadable = "disk I/O error"
            await commit(made, 1)
            await asyncio.sleep(MINUTE_S)
            assert made.journals.asked["rows"] < 40
            assert "disk I/O error" in made.shipper.state
            made.journals.unreadable = None
            await asyncio.sleep(2 * A_ROUND_S)
            assert made.shipper.state == "ok"
        assert made.redis.totals() == {Verdict.VALID: 8}
        assert len(made.capture.entries) < 6

    @in_no_time
    async def test_rows_that_were_announced_and_are_not_there_make_no_hot_loop(self) -> None:
        made = port()
        async with made.shipping():
            await asyncio.sleep(A_ROUND_S)
            made.redis.before = lambda: asyncio.sleep(0.5)
            await commit(made, 0)
            (gone,) = made.journals.commit(*page(1))
            made.journals.lose(gone)
            await asyncio.sleep(MINUTE_S)
            assert made.redis.calls.total() < 400
            assert made.redis.totals() == {Verdict.VALID: 4}
            await commit(made, 2)
            await asyncio.sleep(A_ROUND_S)
        assert made.redis.totals() == {Verdict.VALID: 8}

    @in_no_time
    async def test_a_journal_that_disappears_is_forgotten(self) -> None:
        made = port(redis=ModelCounts(before=lambda: asyncio.sleep(0.5)))
        left_behind(made, 1_000)
        async with made.shipping():
            await asyncio.sleep(1)
            assert made.shipper.waiting
            made.journals.vanish(OTHER_JOURNAL)
            await asyncio.sleep(2 * A_ROUND_S)
            assert made.shipper.waiting == 0
            assert made.shipper.state == "ok"
            await commit(made, 2_000)
            await asyncio.sleep(AT_ONCE_S)
            assert made.redis.mark(SHARD, JOURNAL) == 1
