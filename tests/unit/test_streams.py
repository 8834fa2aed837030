"""What is known of rows on their way: backlog, age, what may be deleted, what is told once."""

import pytest

from service.domain.events import SHARDS
from service.domain.marks import Finding
from service.domain.rows import StoredRow
from service.flows.ports import Committed, Extent
from service.flows.stream import Stream
from service.flows.streams import Streams
from tests.made import JOURNAL, OTHER_JOURNAL

EMPTY = Extent(0, 0, 0, 0, None)


def committed(number: int, total: int = 10, *, shard: int = 0, journal: str = JOURNAL) -> Committed:
    return Committed(journal, shard, number, total, made_ms(number))


def rows(*numbers: int, total: int = 10) -> list[StoredRow]:
    return [StoredRow(number, total, made_ms(number), None) for number in numbers]


def made_ms(number: int) -> int:
    return number * 1_000


def shipping(last: int = 0, *, mark: int = 0) -> Stream:
    """Return a stream of rows up to `last`, of which Redis has applied those up to `mark`."""
    stream = Stream(JOURNAL, 0)
    waiting = (last - mark) * 10
    stream.found(mark, Extent(last, 0, waiting, 0, made_ms(mark + 1) if waiting else None), 0.0)
    return stream


class TestBacklog:
    def test_at_first_a_mark_is_to_be_found_out(self) -> None:
        stream = Stream(JOURNAL, 0)
        assert stream.behind
        assert not stream.sure
        assert stream.found(0, EMPTY, 0.0) is Finding.STEADY
        assert not stream.behind

    def test_a_committed_row_waits_until_it_is_applied(self) -> None:
        stream = shipping()
        stream.committed(committed(1))
        stream.committed(committed(2, 5))
        assert (stream.behind, stream.waiting, stream.oldest_ms) == (True, 15, made_ms(1))
        stream.applied(rows(1, 2), 1.0)
        assert (stream.behind, stream.waiting, stream.oldest_ms) == (False, 0, None)

    def test_the_oldest_waiting_row_grows_younger_though_it_never_catches_up(self) -> None:
        stream = shipping()
        stream.committed(committed(1))
        for number in range(1, 100):
            stream.committed(committed(number + 1))
            stream.applied(rows(number), 1.0)
            assert stream.waiting == 10
            assert stream.oldest_ms is not None
            assert made_ms(number) <= stream.oldest_ms <= made_ms(number + 1)

    def test_a_row_that_was_applied_before_it_was_announced_does_not_wait(self) -> None:
        stream = shipping()
        stream.committed(committed(1))
        stream.applied(rows(1, 2), 1.0)
        stream.committed(committed(2))
        assert (stream.behind, stream.waiting, stream.oldest_ms) == (False, 0, None)

    def test_a_row_that_the_journal_counted_before_it_was_announced_waits_once(self) -> None:
        stream = shipping(2)
        stream.committed(committed(2))
        assert stream.waiting == 20

    def test_until_a_mark_is_known_all_that_the_journal_holds_waits(self) -> None:
        stream = Stream(JOURNAL, 0)
        stream.committed(committed(3))
        stream.measure(Extent(3, 0, 30, 0, made_ms(1)))
        stream.committed(committed(4))
        assert (stream.waiting, stream.oldest_ms) == (40, made_ms(1))
        assert stream.mark is None
        assert stream.behind
        stream.found(2, Extent(4, 0, 20, 0, made_ms(3)), 0.0)
        assert (stream.waiting, stream.oldest_ms) == (20, made_ms(3))

    def test_a_mark_that_was_found_meanwhile_counts_more_than_what_is_held(self) -> None:
        stream = shipping(9, mark=9)
        stream.measure(Extent(9, 0, 90, 0, made_ms(1)))
        assert (stream.waiting, stream.oldest_ms) == (0, None)

    def test_a_doubt_changes_nothing_but_that_the_mark_must_be_read(self) -> None:
        stream = shipping(3, mark=1)
        stream.doubt()
        assert stream.behind
        assert (stream.waiting, stream.oldest_ms) == (20, made_ms(2))
        assert stream.confirmed(1)
        assert stream.sure

    def test_another_mark_than_believed_is_no_confirmation(self) -> None:
        stream = shipping(3, mark=1)
        assert not stream.confirmed(2)
        assert not stream.sure

    def test_after_a_lost_reply_the_journals_own_account_counts(self) -> None:
        stream = shipping(3, mark=1)
        assert stream.found(2, Extent(3, 0, 7, 0, 77), 1.0) is Finding.AHEAD
        assert (stream.mark, stream.waiting, stream.oldest_ms) == (2, 7, 77)

    def test_rows_that_no_longer_exist_are_not_waited_for(self) -> None:
        """After a gap whose rows were all deleted there is nothing that could be shipped."""
        stream = shipping(9, mark=9)
        assert stream.found(0, Extent(9, 9, 0, 90, None), 1.0) is Finding.GAP
        assert stream.sure
        assert not stream.behind

    def test_a_journal_that_misses_announced_rows_is_asked_what_it_has(self) -> None:
        stream = shipping(3)
        stream.missed()
        assert stream.mark is None
        assert stream.found(0, Extent(1, 0, 10, 0, 1), 1.0) is Finding.STEADY
        assert (stream.last, stream.waiting) == (1, 10)


class TestGoingBack:
    def test_a_lower_mark_is_told_every_time(self) -> None:
        stream = shipping(9, mark=9)
        for _ in range(2):
            assert stream.found(4, Extent(9, 0, 50, 0, 5), 1.0) is Finding.BACK
            stream.applied(rows(*range(5, 10)), 2.0)

    def test_the_same_gap_is_told_once_and_going_back_to_it_again_is_told_as_that(self) -> None:
        stream = shipping(9, mark=9)
        gap = Extent(9, 5, 40, 30, 6)
        assert stream.found(2, gap, 1.0) is Finding.GAP
        assert stream.found(2, gap, 2.0) is Finding.STEADY
        stream.applied(rows(6, 7), 3.0)
        assert stream.found(2, gap, 4.0) is Finding.BACK

    def test_a_gap_of_more_rows_is_told_again(self) -> None:
        stream = shipping(9, mark=9)
        assert stream.found(2, Extent(9, 5, 40, 30, 6), 1.0) is Finding.GAP
        assert stream.found(1, Extent(9, 5, 40, 40, 6), 1.0) is Finding.GAP

    def test_what_was_applied_before_anybody_looked_has_been_counted(self) -> None:
        stream = shipping(9, mark=6)
        assert stream.counted == 6
        stream.found(2, Extent(9, 0, 70, 0, 3), 1.0)
        assert stream.counted == 6


class TestHalting:
    def test_a_mark_beyond_the_last_row_halts_for_good(self) -> None:
        stream = shipping(3)
        assert stream.found(4, Extent(3, 0, 30, 0, 1), 1.0) is Finding.CLONED
        stream.committed(committed(4))
        stream.rise()
        assert not stream.behind
        assert stream.halted == "mark 4 is beyond the last row 3"

    def test_while_it_rests_nothing_is_tried(self) -> None:
        stream = shipping(3)
        stream.halt("a strange key", lasting=False)
        stream.committed(committed(4))
        assert not stream.behind
        stream.rise()
        assert stream.behind
        assert not stream.sure

    def test_the_same_reason_is_news_once_until_something_was_applied(self) -> None:
        stream = shipping(3)
        assert stream.halt("a strange key", lasting=False)
        stream.rise()
        assert not stream.halt("a strange key", lasting=False)
        assert stream.halt("another", lasting=False)
        stream.rise()
        stream.applied(rows(1), 1.0)
        assert stream.halted is None
        assert stream.halt("another", lasting=False)

    def test_what_passed_without_anything_to_apply_is_over_too(self) -> None:
        stream = shipping(3, mark=3)
        stream.halt("a strange key", lasting=False)
        stream.rise()
        stream.confirmed(3)
        stream.rise()
        assert stream.halted is None


class TestDeleting:
    def test_a_row_may_go_when_it_was_applied_long_enough_ago(self) -> None:
        stream = shipping(3)
        stream.applied(rows(1), 10.0)
        stream.applied(rows(2), 20.0)
        assert [stream.prunable(before) for before in (9.9, 10.0, 19.9, 20.0)] == [0, 1, 1, 2]

    def test_it_is_asked_again_until_it_is_done(self) -> None:
        stream = shipping(3)
        stream.applied(rows(1, 2), 10.0)
        assert stream.prunable(99.0) == stream.prunable(99.0) == 2
        stream.dropped(2)
        assert stream.prunable(99.0) == 0
        assert stream.pruned == 2

    def test_times_are_kept_by_the_second_and_never_too_early(self) -> None:
        stream = shipping(1_000)
        for number in range(1, 1_001):
            stream.applied(rows(number), number / 100)
        for number in range(1, 1_001):
            assert stream.prunable(number / 100) <= number
        assert stream.prunable(11.0) == 1_000
        assert len(stream._applied) <= 11

    def test_a_doubtful_mark_covers_nothing(self) -> None:
        stream = shipping(3)
        stream.applied(rows(1, 2, 3), 10.0)
        stream.doubt()
        assert stream.prunable(99.0) == 0

    def test_what_redis_lost_must_be_applied_and_kept_as_long_again(self) -> None:
        stream = shipping(9)
        stream.applied(rows(1, 2, 3), 10.0)
        stream.applied(rows(4, 5, 6), 20.0)
        stream.found(4, Extent(9, 0, 50, 0, 5), 30.0)
        assert [stream.prunable(before) for before in (20.0, 30.0)] == [3, 4]
        stream.applied(rows(5, 6), 40.0)
        assert [stream.prunable(before) for before in (30.0, 40.0)] == [4, 6]

    def test_what_was_applied_before_anybody_looked_is_kept_from_then_on(self) -> None:
        stream = Stream(JOURNAL, 0)
        stream.found(5, Extent(9, 0, 40, 0, 6), 100.0)
        assert [stream.prunable(before) for before in (99.0, 100.0)] == [0, 5]


class TestAll:
    def test_a_journal_has_a_stream_in_every_shard(self) -> None:
        streams = Streams()
        streams.hold([JOURNAL, OTHER_JOURNAL])
        assert [[one.journal for one in streams.of(shard)] for shard in range(SHARDS)] == [
            [JOURNAL, OTHER_JOURNAL]
        ] * SHARDS

    def test_what_is_held_no_more_is_forgotten_but_never_what_this_process_writes(self) -> None:
        streams = Streams()
        streams.mine(committed(1, shard=3)).committed(committed(1, shard=3))
        streams.hold([OTHER_JOURNAL])
        streams.hold([])
        assert [one.journal for one in streams] == [JOURNAL]
        assert streams.waiting == 10

    def test_waiting_and_oldest_are_over_all(self) -> None:
        streams = Streams()
        assert (streams.waiting, streams.oldest_ms) == (0, None)
        for shard in (5, 2):
            row = committed(shard, shard=shard)
            streams.mine(row).committed(row)
        assert (streams.waiting, streams.oldest_ms) == (20, made_ms(2))

    def test_a_journal_may_go_only_when_every_mark_of_it_is_known(self) -> None:
        streams = Streams()
        streams.hold([JOURNAL])
        assert not streams.leave(JOURNAL)
        assert not streams.leave(OTHER_JOURNAL)
        for stream in streams:
            stream.found(0, EMPTY, 0.0)
        assert streams.leave(JOURNAL)
        assert list(streams) == []

    def test_a_journal_that_is_going_is_not_taken_up_again(self) -> None:
        streams = Streams()
        streams.hold([JOURNAL])
        for stream in streams:
            stream.found(0, EMPTY, 0.0)
        streams.leave(JOURNAL)
        streams.hold([JOURNAL])
        assert list(streams) == []
        assert streams.leave(JOURNAL)

    @pytest.mark.parametrize("lasting", [True, False])
    def test_of_a_halted_stream_nothing_moves(self, lasting: bool) -> None:
        streams = Streams()
        stream = streams.mine(committed(1))
        stream.committed(committed(1))
        assert streams.moving(0)
        stream.halt("a strange key", lasting=lasting)
        assert not streams.moving(0)
        assert not streams.moving(1)
        assert streams.halted is stream
