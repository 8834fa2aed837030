"""What a mark means, in every order in which it can stand to what a journal holds."""

import pytest

from service.domain.marks import Finding, compare

LAST, PRUNED = 20, 8


@pytest.mark.parametrize(
    ("found", "believed", "finding"),
    [
        (12, None, Finding.STEADY),
        (12, 12, Finding.STEADY),
        (PRUNED, PRUNED, Finding.STEADY),
        (PRUNED, None, Finding.STEADY),
        (LAST, LAST, Finding.STEADY),
        (13, 12, Finding.AHEAD),
        (LAST, PRUNED, Finding.AHEAD),
        (11, 12, Finding.BACK),
        (PRUNED, LAST, Finding.BACK),
        (PRUNED - 1, None, Finding.GAP),
        (PRUNED - 1, 12, Finding.GAP),
        (PRUNED - 1, PRUNED - 1, Finding.GAP),
        (0, LAST, Finding.GAP),
        (LAST + 1, None, Finding.CLONED),
        (LAST + 1, LAST, Finding.CLONED),
        (LAST + 1, LAST + 1, Finding.CLONED),
    ],
)
def test_a_mark_means(found: int, believed: int | None, finding: Finding) -> None:
    assert compare(found, believed, pruned=PRUNED, last=LAST) is finding


@pytest.mark.parametrize("believed", [None, 0])
def test_a_journal_without_rows_has_no_mark(believed: int | None) -> None:
    assert compare(0, believed, pruned=0, last=0) is Finding.STEADY
    assert compare(1, believed, pruned=0, last=0) is Finding.CLONED


def test_a_wiped_redis_goes_back_to_where_all_rows_are_still_there() -> None:
    assert compare(0, LAST, pruned=0, last=LAST) is Finding.BACK


def test_exactly_one_finding_applies_to_any_numbers() -> None:
    numbers = range(7)
    for last in numbers:
        for pruned in range(last + 1):
            for believed in (None, *range(last + 1)):
                found = [compare(mark, believed, pruned=pruned, last=last) for mark in numbers]
                assert found[:pruned] == [Finding.GAP] * pruned
                assert found[last + 1 :] == [Finding.CLONED] * (len(numbers) - last - 1)
                assert not {Finding.GAP, Finding.CLONED} & set(found[pruned : last + 1])
