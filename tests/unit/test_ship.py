"""Rows reach Redis in order and once, whatever it does in between; a day of it takes no time."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import pytest

from service.adapters import redis_keys
from service.domain.errors import ShardHalted
from service.domain.events import CHUNK_TOKENS, SHARDS, Kind, Verdict
from service.domain.rows import StoredRow
from service.flows.ports import Applied, Committed
from service.flows.ship import Timing
from tests.made import JOURNAL, OTHER_JOURNAL, SHARD, event, page
from tests.model_counts import ModelCounts
from tests.shipping import A_ROUND_S, AT_ONCE_S, Port, port
from tests.time_travel import in_no_time, now_s

MINUTE_S, HOUR_S = 60.0, 3_600.0
RETAINED_S = 900.0
THERE = SHARD + 1  # the shard of the second chunk of tokens
STRANGE = ShardHalted("a strange key", lasting=False)
HALF_WRITTEN = ShardHalted("the script failed", lasting=True)


def pages(first: int, number: int, *, chunk: int = 0) -> list[list[Any]]:
    """Return the events of page views, one after the other."""
    return [page(chunk * CHUNK_TOKENS + serial) for serial in range(first, first + number)]


async def commit(made: Port, first: int, number: int = 1, *, chunk: int = 0) -> None:
    """Commit page views, a row each."""
    for events in pages(first, number, chunk=chunk):
        made.journals.commit(*events)
        await asyncio.sleep(0)


def left_behind(
    made: Port, number: int = 1, *, journal: str = OTHER_JOURNAL, first: int = 0
) -> None:
    """Have a dead process's journal of so many page views."""
    for events in pages(first, number):
        made.journals.commit(*events, journal=journal)


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
