"""Rows stay until Redis has kept them for a quarter of an hour, and go with their marks."""

import asyncio
import random
from itertools import count

import pytest

from service.adapters import redis_keys
from service.domain.events import Verdict
from service.flows.ship import Timing
from tests.made import JOURNAL, OTHER_JOURNAL, SHARD
from tests.model_counts import ModelCounts
from tests.shipping import (
    A_ROUND_S,
    HOUR_S,
    MINUTE_S,
    RETAINED_S,
    STRANGE,
    THERE,
    commit,
    left_behind,
    port,
)
from tests.time_travel import in_no_time, now_s


class TestRetention:
    def test_a_quarter_of_an_hour_is_kept_and_marks_are_read_every_five_seconds(self) -> None:
        assert (Timing().marks_every_s, Timing().retained_s) == (5, RETAINED_S)

    @in_no_time
    async def test_rows_stay_a_quarter_of_an_hour_after_they_were_applied_and_then_go(
        self,
    ) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(RETAINED_S - 1)
            assert made.journals.numbers() == [1, 2, 3]
            await asyncio.sleep(2 * A_ROUND_S)
            assert made.journals.numbers() == []
            assert made.redis.totals() == {Verdict.VALID: 12}

    @in_no_time
    async def test_nothing_goes_whose_mark_cannot_be_read(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(A_ROUND_S)
            made.redis.away = "gone"
            await asyncio.sleep(4 * HOUR_S)
            assert made.journals.numbers() == [1, 2, 3]
            made.redis.wipe()
            made.redis.away = None
            await asyncio.sleep(A_ROUND_S)
            assert made.redis.totals() == {Verdict.VALID: 12}
            assert made.metric("events_unrecoverable_total") == 0

    @in_no_time
    async def test_what_is_not_applied_is_neither_deleted_nor_said_to_be_covered(self) -> None:
        made = port(redis=ModelCounts(halting=STRANGE))
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(2 * HOUR_S)
            assert made.journals.numbers() == [1, 2, 3]
            assert made.journals.covered_marks == {}

    @in_no_time
    async def test_what_redis_has_is_said_to_be_covered_within_a_round(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(A_ROUND_S)
            assert made.journals.covered_marks == {(JOURNAL, SHARD): 3}
            made.redis.wipe()
            made.redis.refusing = "OOM"
            await asyncio.sleep(A_ROUND_S)
            await commit(made, 3)
            made.redis.refusing = None
            await asyncio.sleep(A_ROUND_S)
            assert made.journals.covered_marks == {(JOURNAL, SHARD): 4}

    @in_no_time
    async def test_what_a_wiped_redis_lost_is_covered_no_more(self) -> None:
        made = port()
        async with made.shipping():
            await commit(made, 0, 3)
            await asyncio.sleep(A_ROUND_S)
            made.redis.wipe()
            made.redis.refusing = "OOM"
            await asyncio.sleep(A_ROUND_S)
            assert made.journals.covered_marks == {(JOURNAL, SHARD): 0}

    @in_no_time
    async def test_a_dead_processs_journal_goes_with_its_marks_when_it_is_empty(self) -> None:
        made = port()
        left_behind(made, 3)
        async with made.shipping():
            await asyncio.sleep(RETAINED_S - 1)
            assert OTHER_JOURNAL in await made.journals.held()
            await asyncio.sleep(3 * A_ROUND_S)
            assert await made.journals.held() == [JOURNAL]
            assert made.redis.data.hashes[redis_keys.applied(SHARD)] == {}
            assert made.redis.totals() == {Verdict.VALID: 12}
            assert made.metric("events_unrecoverable_total") == 0

    @pytest.mark.parametrize("seed", range(3))
    @in_no_time
    async def test_marks_that_are_deleted_are_never_taken_for_a_loss(self, seed: int) -> None:
        """Replies are lost all the time, so that marks are looked for while they are deleted."""
        draw = random.Random(seed)
        made = port(
            redis=ModelCounts(lost=lambda _: draw.random() < 0.2),
            timing=Timing(retained_s=10.0, steady=now_s),
        )
        for number in range(10):
            left_behind(made, 20, journal=f"{number:032x}", first=100 * number)
        async with made.shipping():
            for serial in range(5_000, 5_400):
                await commit(made, serial)
                await commit(made, serial, chunk=1)
                await asyncio.sleep(0.5)
            made.redis.lost = lambda _: False
            await asyncio.sleep(MINUTE_S)
            assert await made.journals.held() == [JOURNAL]
            assert made.metric("events_unrecoverable_total") == 0
            assert made.metric("redis_rollbacks_total") == 0
            assert made.redis.data.hashes[redis_keys.applied(SHARD)].keys() == {JOURNAL}
        assert made.redis.totals() == {Verdict.VALID: 4 * (200 + 2 * 400)}

    @in_no_time
    async def test_a_copys_marks_are_not_deleted_for_they_are_anothers(self) -> None:
        made = port(timing=Timing(retained_s=10.0, steady=now_s))
        left_behind(made, 3)
        await made.redis.apply(
            SHARD, OTHER_JOURNAL, 0, await made.journals.rows(OTHER_JOURNAL, 3, 0)
        )
        made.redis.data.hashes[redis_keys.applied(THERE)] = {OTHER_JOURNAL: "70"}
        async with made.shipping():
            await asyncio.sleep(HOUR_S)
            assert made.journals.numbers(OTHER_JOURNAL) == []
            assert made.redis.mark(SHARD, OTHER_JOURNAL) == 3
            assert made.redis.mark(THERE, OTHER_JOURNAL) == 70
        assert len(made.capture.entries) == 2

    @in_no_time
    async def test_a_copy_is_no_reason_to_keep_the_journals_behind_it(self) -> None:
        made = port(timing=Timing(retained_s=10.0, steady=now_s))
        for journal in ("0" * 32, "f" * 32):
            left_behind(made, 3, journal=journal, first=int(journal[0], 16) * 100)
        made.redis.data.hashes[redis_keys.applied(THERE)] = {"0" * 32: "70"}
        async with made.shipping():
            await asyncio.sleep(MINUTE_S)
            assert await made.journals.held() == ["0" * 32, JOURNAL]

    @in_no_time
    async def test_a_disk_that_is_too_full_to_delete_holds_up_no_shipping(self) -> None:
        made, serials = port(timing=Timing(retained_s=10.0, steady=now_s)), count()
        left_behind(made, 3, first=9_000)
        made.journals.undeletable = "database or disk is full"
        async with made.shipping():
            for _ in range(600):
                await commit(made, next(serials))
                await asyncio.sleep(1)
                assert made.shipper.waiting <= 4
            assert len(made.journals.numbers()) == 600
            made.journals.undeletable = None
            await asyncio.sleep(MINUTE_S)
            assert made.journals.numbers() == []
            assert await made.journals.held() == [JOURNAL]
        assert made.said == {"Redis answers": 1, "journal keeps what could be deleted": 1}
