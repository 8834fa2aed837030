"""What does not add up is said, and nothing else is."""

from service.domain.buckets import Bucket
from service.flows.audit import Holding, account
from service.flows.ports import Extent

DAY = 20_000 * 24
VIEW = "example|-|-|-|ios|-|-|view|-|valid"
BOT = "example|-|-|-|ios|-|-|view|-|bot"
REFUSED = "other|-|-|-|-|-|-|click|-|refused"


def holding(
    mark: int | None = 5, *, last: int = 5, waiting: int = 0, lost: int = 0, damaged: int = 0
) -> Holding:
    return Holding("a" * 32, 3, mark, Extent(last, 0, waiting, lost, None), damaged)


def test_sums_are_by_verdict_and_refusals_stand_apart() -> None:
    counts = {
        Bucket("day", DAY): {VIEW: 7, BOT: 2, REFUSED: 4},
        Bucket("hour", DAY + 3): {VIEW: 5, REFUSED: 4},
        Bucket("hour", DAY + 23): {VIEW: 2, BOT: 2},
    }
    found = account([holding(waiting=3), holding(waiting=1)], counts)
    assert found.problems == ()
    assert (found.pending, found.applied, found.refused) == (4, 9, 4)
    assert found.verdicts == {"bot": 2, "refused": 4, "valid": 7}


def test_a_day_that_is_not_the_sum_of_its_hours_is_said() -> None:
    counts = {Bucket("day", DAY): {VIEW: 7, BOT: 1}, Bucket("hour", DAY): {VIEW: 5}}
    (problem,) = account([], counts).problems
    assert "2 counts differ" in problem
    assert "+3" in problem


def test_an_hour_of_another_day_does_not_help() -> None:
    counts = {Bucket("day", DAY): {VIEW: 1}, Bucket("hour", DAY + 24): {VIEW: 1}}
    assert len(account([], counts).problems) == 1


def test_marks_that_cannot_be_are_said_with_journal_and_shard() -> None:
    (beyond,) = account([holding(9)], {}).problems
    assert "shard 03" in beyond
    assert "row 9" in beyond
    (gap,) = account([holding(2, lost=40)], {}).problems
    assert "40 events" in gap
    found = account([holding(damaged=8)], {})
    assert found.damaged == 8
    assert "8 events" in found.problems[0]


def test_what_is_only_late_adds_up_and_unknown_marks_prove_nothing() -> None:
    assert account([holding(2, waiting=9)], {}).problems == ()
    assert account([holding(None, lost=9)], {}).problems == ()
