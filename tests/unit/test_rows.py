"""A commit's events become rows: one shard each, at most 200 events, nothing lost or added."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.events import OTHER, REFUSED, SHARDS, Event, Kind, Verdict
from service.domain.rows import ROW_EVENTS_MAX, kind_of, refused, rows_of

HOUR, MADE_MS = 498_613, 1_795_008_000_000
FIELD = "example|top|vital-signs|vs-text|ios|-|-|impression|-"
FORGED = Event(HOUR, 0, "other|-|-|-|-|-|-|click|-", Verdict.FORGED)
NAME = ("creative|00000001", "vital-signs|vs-text")


def valid(bit: int, shard: int = 0, names: tuple[tuple[str, str], ...] = ()) -> Event:
    return Event(HOUR, shard, FIELD, Verdict.VALID, 1, (7, 0, bit), None, None, names)


kinds = st.sampled_from(Kind)
fields = st.builds("example|{}|-|-|ios|-|-|{}|-".format, st.sampled_from(("top", "bottom")), kinds)
bits = st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 2_097_151))
events = st.builds(
    Event,
    hour=st.integers(HOUR, HOUR + 1),
    shard=st.integers(0, SHARDS - 1),
    field=fields,
    verdict=st.sampled_from(Verdict),
    count=st.integers(1, 5),
    seen=bits,
    names=st.lists(st.just(NAME), max_size=2).map(tuple),
)


def sums(of: list[Event]) -> Counter[tuple[object, ...]]:
    """Return how many events each name came to; events that count once stay apart by their bit."""
    found: Counter[tuple[object, ...]] = Counter()
    for event in of:
        found[event.hour, event.shard, event.field, event.verdict, event.seen] += event.count
    return found


def test_nothing_makes_no_row() -> None:
    assert rows_of([], MADE_MS) == []


def test_a_row_says_its_shard_its_sum_and_when_it_was_made() -> None:
    (row,) = rows_of([valid(1, shard=3), valid(2, shard=3)], MADE_MS)
    assert (row.shard, row.total, row.made_ms) == (3, 2, MADE_MS)
    assert row.events == [valid(1, shard=3), valid(2, shard=3)]


def test_each_shard_has_rows_of_its_own_in_the_order_in_which_events_came() -> None:
    rows = rows_of([valid(n, shard=n % 3) for n in range(30)], MADE_MS)
    assert [row.shard for row in rows] == [0, 1, 2]
    for row in rows:
        assert list(row.events) == [valid(n, shard=row.shard) for n in range(row.shard, 30, 3)]


@pytest.mark.parametrize(("count", "sizes"), [(199, [199]), (200, [200]), (201, [200, 1])])
def test_a_row_holds_two_hundred_events(count: int, sizes: list[int]) -> None:
    rows = rows_of([valid(n) for n in range(count)], MADE_MS)
    assert [len(row.events) for row in rows] == sizes


def test_a_flood_of_forged_events_is_one_sum_a_kind() -> None:
    views = FORGED._replace(field="other|-|-|-|-|-|-|view|-")
    (row,) = rows_of([FORGED, views] * 5_000, MADE_MS)
    assert list(row.events) == [FORGED._replace(count=5_000), views._replace(count=5_000)]
    assert row.total == 10_000


def test_a_sum_keeps_hours_and_verdicts_apart() -> None:
    later, bot = FORGED._replace(hour=HOUR + 1), FORGED._replace(verdict=Verdict.BOT)
    (row,) = rows_of([FORGED, later, bot], MADE_MS)
    assert list(row.events) == [FORGED, later, bot]


def test_a_valid_event_without_a_bit_is_summed_too() -> None:
    opened = Event(HOUR, 0, "other|-|-|-|ios|-|-|open|-", Verdict.VALID)
    (row,) = rows_of([opened] * 7, MADE_MS)
    assert list(row.events) == [opened._replace(count=7)]


def test_a_row_holds_each_name_once() -> None:
    article = ("article|5f0c", "https://news.example/a\nA title")
    named = [valid(n, names=(NAME, article) if n % 2 else (NAME,)) for n in range(100)]
    (row,) = rows_of(named, MADE_MS)
    assert list(row.names) == [(HOUR, *NAME), (HOUR, *article)]


def test_a_name_stands_in_every_row_that_needs_it() -> None:
    first, second = rows_of([valid(n, names=(NAME,)) for n in range(201)], MADE_MS)
    assert list(first.names) == list(second.names) == [(HOUR, *NAME)]


def test_what_was_refused_is_a_sum_of_its_kind_that_no_verdict_claims() -> None:
    event = refused("click", 12, HOUR)
    assert (event.count, event.verdict, event.seen) == (12, REFUSED, None)
    assert event.verdict not in set(Verdict)
    assert kind_of(event) == "click"
    assert event.field.startswith(f"{OTHER}|")


@given(st.lists(events, max_size=300))
def test_sums_are_kept_for_any_events(given_events: list[Event]) -> None:
    rows = rows_of(given_events, MADE_MS)
    assert sums([event for row in rows for event in row.events]) == sums(given_events)
    assert sum(row.total for row in rows) == sum(event.count for event in given_events)


@given(st.lists(events, max_size=300))
def test_every_row_is_of_one_shard_and_within_its_bound(given_events: list[Event]) -> None:
    for row in rows_of(given_events, MADE_MS):
        assert {event.shard for event in row.events} == {row.shard}
        assert 0 < len(row.events) <= ROW_EVENTS_MAX
        assert row.total == sum(event.count for event in row.events)
        assert len(set(row.names)) == len(row.names)
