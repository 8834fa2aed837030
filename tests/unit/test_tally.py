"""What Redis holds is read once an hour, the open hours each time, and all anew after a silence."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import CountsUnavailable
from service.domain.events import HOUR_MS
from service.domain.learning import HALF_LIFE_H, Evidence
from service.domain.traffic import FLAT, HOUR_S
from service.flows import tallies as tallies_module
from service.flows.tallies import AWAY_MS, Tallies
from service.flows.tally import APART_HOURS, FIELDS_AT_ONCE, OPEN_HOURS, SHAPE_HOURS, Tally
from tests.example import HOUR, NOW_MS
from tests.fakes import StandingClock
from tests.planning import Counts

IMPRESSION, CLICK = "x|top|ios|-|impression", "x|top|ios|-|click"
PLACE = ("x", "top", "ios")
EVER = range(HOUR + 100)
BEFORE_THE_TURN = (HOUR + 1) * HOUR_MS - 500


class World:
    """Counts, a clock and the tallies over both."""

    def __init__(self) -> None:
        self.counts, self.clock = Counts(), StandingClock(NOW_MS)
        self.tallies = Tallies(self.counts, self.clock)

    async def refresh(self, after_ms: int = 1_000, since: int = HOUR - 100) -> list[list[int]]:
        """Refresh a while later and return the hours of each read."""
        self.clock.now += after_ms
        self.counts.asked.clear()
        await self.tallies.refresh({"x": since})
        return sorted(list(hours) for hours in self.counts.asked)

    def delivered(self, *, clicks: bool = False) -> tuple[int, int]:
        """Return what closed and open hours delivered of creative x."""
        both = (self.tallies.closed, self.tallies.open)
        closed, opened = (one.delivered(["x"], clicks=clicks, span=EVER) for one in both)
        return closed, opened


async def test_at_first_all_hours_are_read_and_then_only_the_open_ones() -> None:
    world = World()
    world.counts.add(HOUR - 30, IMPRESSION, 5)
    world.counts.add(HOUR - 1, IMPRESSION, 2)
    closed, opened = await world.refresh(since=HOUR - 50)
    assert closed[-1] + 1 == opened[0] == HOUR - OPEN_HOURS + 1
    assert opened == [HOUR - 1, HOUR]
    assert len(closed) > SHAPE_HOURS
    assert world.delivered() == (5, 2)
    assert await world.refresh(since=HOUR - 50) == [[HOUR - 1, HOUR]]


async def test_open_hours_are_read_again_and_counted_once() -> None:
    world = World()
    for total in (1, 3, 4):
        world.counts.hours[HOUR] = {IMPRESSION: total, CLICK: total - 1}
        await world.refresh()
        assert world.delivered() == (0, total)
        assert world.delivered(clicks=True) == (0, total - 1)


async def test_a_shard_that_came_back_empty_is_taken_off() -> None:
    class Shards:
        def __init__(self, *hashes: dict[str, int]) -> None:
            self.hashes = hashes

        async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
            for some in self.hashes if HOUR in hours else ():
                yield HOUR, some

    shards = Shards({IMPRESSION: 1_000}, {IMPRESSION: 3})
    tallies = Tallies(shards, StandingClock(NOW_MS))
    for hashes, total in ((shards.hashes, 1_003), (shards.hashes[1:], 3), ((), 0)):
        shards.hashes = hashes  # as Redis says it: of an empty hash nothing
        await tallies.refresh({"x": HOUR})
        assert tallies.open.delivered(["x"], clicks=False, span=EVER) == total


@given(st.lists(st.dictionaries(st.sampled_from("xy"), st.integers(1, 9)), max_size=6))
async def test_whatever_changes_between_two_reads_the_open_hours_hold_what_was_read_last(
    reads: list[dict[str, int]],
) -> None:
    counts, clock = Counts(), StandingClock(NOW_MS)
    tallies = Tallies(counts, clock)
    for read in reads:  # also of a Redis that came back older
        counts.hours[HOUR] = {
            f"{name}|top|ios|-|{kind}": n for name, n in read.items() for kind in ("click", "share")
        }
        await tallies.refresh({"x": HOUR - 1, "y": HOUR})
        for name in "xy":
            due = read.get(name, 0)
            assert tallies.open.delivered([name], clicks=True, span=EVER) == due
            assert tallies.open.evidence.get((name, "top", "ios"), (0, 0))[1] == due


async def test_what_was_touched_is_what_changed_since_the_last_read() -> None:
    world = World()
    for count, touched in ((1, {PLACE}), (1, set()), (2, {PLACE})):
        world.counts.hours[HOUR] = {IMPRESSION: count}
        await world.refresh()
        assert world.tallies.open.touched == touched


async def test_an_hour_closes_once_and_what_comes_later_is_not_seen() -> None:
    world = World()
    world.counts.add(HOUR - 1, IMPRESSION, 7)
    world.clock.now = BEFORE_THE_TURN
    await world.refresh(0)
    version = world.tallies.closed_version
    assert await world.refresh() == [[HOUR - 1], [HOUR, HOUR + 1]]
    assert (world.delivered(), world.tallies.closed_version) == ((7, 0), version + 1)
    world.counts.add(HOUR - 1, IMPRESSION, 100)
    assert await world.refresh() == [[HOUR, HOUR + 1]]
    assert (world.delivered(), world.tallies.closed_version) == ((7, 0), version + 1)


async def test_after_a_silence_of_more_than_a_minute_all_is_read_anew() -> None:
    world = World()
    await world.refresh()
    world.counts.add(HOUR - 20, IMPRESSION, 9)  # a row that waited for Redis
    assert len(await world.refresh(AWAY_MS)) == 1
    assert world.delivered() == (0, 0)
    assert len(await world.refresh(AWAY_MS + 1)) == 2
    assert world.delivered() == (9, 0)


async def test_a_budget_that_began_earlier_has_its_hours_read() -> None:
    world = World()
    long_ago = HOUR - 2_000
    world.counts.add(long_ago, IMPRESSION, 3)
    await world.refresh()
    assert world.delivered() == (0, 0)
    closed, _ = await world.refresh(since=long_ago)
    assert closed[0] == long_ago
    assert world.delivered() == (3, 0)
    assert len(await world.refresh(since=HOUR)) == 1, "a later budget reads nothing again"
    assert world.delivered() == (0, 0), "and counts nothing from before it"


@pytest.mark.parametrize("start", [NOW_MS, BEFORE_THE_TURN], ids=["within", "as the hour turns"])
async def test_without_counts_what_was_read_stays_and_so_does_its_age(start: int) -> None:
    world = World()
    world.counts.add(HOUR - 5, IMPRESSION, 2)
    world.counts.add(HOUR, IMPRESSION, 1)
    world.clock.now = start
    await world.refresh(0)
    world.counts.away = True
    for _ in range(3):
        with pytest.raises(CountsUnavailable):
            await world.refresh()
        assert (world.tallies.read_ms, world.delivered()) == (start, (2, 1))


async def test_where_the_open_hours_cannot_be_read_no_hour_is_closed() -> None:
    world = World()
    world.counts.add(HOUR - 1, IMPRESSION, 4)
    world.counts.add(HOUR, IMPRESSION, 3)
    world.clock.now = BEFORE_THE_TURN
    await world.refresh(0)
    world.tallies._reader = Cut(world.counts.hours)
    with pytest.raises(CountsUnavailable):
        await world.refresh()
    assert world.delivered() == (0, 7), "nothing is counted twice meanwhile"


async def test_an_hour_that_was_read_by_half_counts_once() -> None:
    world = World()
    world.counts.add(HOUR - 1, IMPRESSION, 4)
    world.clock.now = BEFORE_THE_TURN
    await world.refresh(0)
    world.tallies._reader = Torn(world.counts.hours)
    with pytest.raises(CountsUnavailable):
        await world.refresh()
    assert world.delivered() == (0, 4)
    world.tallies._reader = world.counts
    assert (await world.refresh())[0] == [HOUR - 1]
    assert world.delivered() == (4, 0)
    assert await world.refresh() == [[HOUR, HOUR + 1]]


async def test_while_all_is_read_anew_what_is_known_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tallies_module, "PATIENCE_S", 0.01)
    world, slow = World(), Slow()
    world.counts.add(HOUR - 60, IMPRESSION, 7)
    world.counts.add(HOUR, IMPRESSION, 1)
    await world.refresh(since=HOUR - 55)
    slow.hours, world.tallies._reader = world.counts.hours, slow
    for total in (2, 3):
        world.counts.hours[HOUR] = {IMPRESSION: total}
        await world.refresh(since=HOUR - 70)
        assert world.delivered() == (0, total)
        assert not world.tallies.follows("x", HOUR - 70)
        assert world.tallies.follows("x", HOUR - 55)
        assert world.tallies.read_ms == world.clock.now
    slow.gate.set()
    await world.refresh(since=HOUR - 70)
    assert world.delivered() == (7, 3)
    assert world.tallies.follows("x", HOUR - 70)


@pytest.mark.parametrize("silence_ms", [0, AWAY_MS])
async def test_all_is_read_anew_once_at_a_start_and_after_a_silence(
    monkeypatch: pytest.MonkeyPatch, silence_ms: int
) -> None:
    monkeypatch.setattr(tallies_module, "PATIENCE_S", 0.01)
    world, slow = World(), Slow()
    slow.hours = world.counts.hours
    if silence_ms:
        await world.refresh()
    world.tallies._reader = slow
    world.counts.add(HOUR - 3, IMPRESSION, 7)
    for after_ms in (1_000 + silence_ms, 1_000, 1_000):
        await world.refresh(after_ms)
        assert world.delivered() == (0, 0)
    slow.gate.set()
    for _ in range(4):
        await world.refresh()
        assert world.delivered() == (7, 0)
    assert sum(len(hours) > OPEN_HOURS for hours in slow.asked) == 1


async def test_what_could_not_be_read_anew_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies_module, "PATIENCE_S", 0.01)
    world, slow = World(), Slow()
    world.counts.add(HOUR - 3, IMPRESSION, 7)
    world.tallies._reader, slow.hours = slow, world.counts.hours
    await world.refresh()
    assert world.tallies.read_ms is None
    slow.away = True
    slow.gate.set()
    for _ in range(2):
        with pytest.raises(CountsUnavailable):
            await world.refresh()
    slow.away = False
    await world.refresh()
    assert world.delivered() == (7, 0)


async def test_only_shown_creatives_count_and_only_what_was_shown_first_teaches() -> None:
    tally = Tally({"x": 0}, now=HOUR)
    await tally.fold(
        HOUR,
        {
            IMPRESSION: 10, "x|top|ios|-|viewable": 8, CLICK: 2,
            "x|top|ios|guard|impression": 100, "x|top|ios|guard|viewable": 80,
            "x|top|ios|guard|click": 20,
            "x|top|ios|hold|impression": 1_000, "x|top|ios|hold|click": 1_000,
            "x|top|ios|runner-up|impression": 5, "x|top|ios|runner-up|click": 1,
            "x|top|ios|runner-up|viewable": 4,
            "x|top|ios|-|dismiss": 7, "a|newer|kind|of|field|x": 9,
        },
    )  # fmt: skip
    assert tally.delivered(["x"], clicks=False, span=EVER) == 115
    assert tally.delivered(["x"], clicks=True, span=EVER) == 23
    assert tally.evidence == {PLACE: Evidence(88, 22, 88)}
    assert tally.hours == {HOUR: 115}


async def test_deliveries_are_those_of_the_creatives_and_hours_asked_for() -> None:
    tally = Tally({"x": 0, "y": 0})
    for hour in range(10):
        await tally.fold(hour, {IMPRESSION: 1, "y|top|ios|-|impression": 10})
    assert tally.delivered(["x"], clicks=False, span=range(3, 6)) == 3
    assert tally.delivered(["x", "y", "z"], clicks=False, span=range(9, 50)) == 11
    assert tally.delivered(["x"], clicks=True, span=range(10)) == 0


async def test_only_creatives_with_a_budget_are_counted_and_from_its_first_hour_on() -> None:
    tally = Tally({"x": 5})
    for hour in range(10):
        await tally.fold(hour, {IMPRESSION: 1, "y|top|ios|-|impression": 10})
    assert tally.delivered(["x"], clicks=False, span=EVER) == 5
    assert tally.delivered(["y"], clicks=False, span=EVER) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=200))
async def test_a_long_flight_takes_the_room_of_a_short_one_and_loses_nothing(
    steps: list[tuple[int, int]],
) -> None:
    first, now = 3, 0
    tally, counted = Tally({"x": first}), Counter[int]()
    for hours, count in steps:
        now += hours
        tally.age_to(now)
        await tally.fold(now, {IMPRESSION: count, CLICK: count})
        counted[now] += count
    for begin in {first, max(first, now - 25)}:
        due = sum(count for hour, count in counted.items() if hour >= begin)
        for clicks in (False, True):
            assert tally.delivered(["x"], clicks=clicks, span=range(begin, now + 1)) == due
    assert len(tally.impressions.get("x", {})) <= APART_HOURS + 2


async def test_a_campaigns_next_flight_starts_at_nothing_and_has_nothing_read_again() -> None:
    world = World()
    world.counts.add(HOUR - 3, IMPRESSION, 4)
    await world.refresh(since=HOUR - 9)
    assert world.delivered() == (4, 0)
    assert await world.refresh(since=HOUR - 2) == [[HOUR - 1, HOUR]]
    assert world.delivered() == (0, 0)
    closed, _ = await world.refresh(since=HOUR - 9)
    assert len(closed) > SHAPE_HOURS, "what was let go is read again"
    assert world.delivered() == (4, 0)


async def test_who_has_no_budget_any_more_is_forgotten() -> None:
    world = World()
    world.counts.add(HOUR - 3, IMPRESSION, 4)
    await world.refresh(since=HOUR - 9)
    await world.tallies.refresh({})
    assert world.delivered() == (0, 0)
    assert world.tallies.closed.impressions == {}


async def test_evidence_fades_with_its_age_and_goes_when_there_is_next_to_none() -> None:
    tally, week = Tally(now=HOUR), int(HALF_LIFE_H)
    await tally.fold(HOUR - week, {"x|top|ios|-|viewable": 1_000, CLICK: 10})
    assert tally.evidence[PLACE] == pytest.approx((500, 5, 1_000))
    tally.age_to(HOUR + week)
    assert tally.evidence[PLACE] == pytest.approx((250, 2.5, 1_000))
    tally.age_to(HOUR + week)
    assert tally.evidence[PLACE] == pytest.approx((250, 2.5, 1_000))
    tally.age_to(HOUR + 15 * week)
    assert tally.evidence == {}


async def test_one_impression_a_day_adds_up() -> None:
    tally = Tally(now=HOUR)
    for hour in range(HOUR, HOUR + 30 * 24):
        tally.age_to(hour)
        if hour % 24 == 0:
            await tally.fold(hour, {"x|top|ios|-|viewable": 1})
    assert tally.evidence[PLACE].seen == 30
    assert 8 < tally.evidence[PLACE].viewable < 11


async def test_requests_come_between_the_slices_of_a_long_hash() -> None:
    names = [f"c-{n}" for n in range(FIELDS_AT_ONCE * 3)]
    tally, many = Tally(dict.fromkeys(names, 0)), {f"{c}|top|ios|-|impression": 1 for c in names}
    folding = asyncio.create_task(tally.fold(HOUR, many))
    seen = []
    while not folding.done():
        await asyncio.sleep(0)
        seen.append(len(tally.impressions))
    assert seen[:3] == [FIELDS_AT_ONCE, FIELDS_AT_ONCE * 2, len(many)]


async def test_the_weeks_shape_is_learned_from_closed_hours_only() -> None:
    world = World()
    await world.refresh()
    assert world.tallies.shape == FLAT
    for hour in range(HOUR - 14 * 24, HOUR + 1):
        loud = hour % 24 == 20
        world.counts.add(hour, IMPRESSION, 500 if loud else 100)
    world.counts.hours[HOUR] = {IMPRESSION: 10**6}
    await world.refresh(AWAY_MS + 1)
    at = world.tallies.shape.at
    evening = next(h for h in range(HOUR, HOUR + 24) if h % 24 == 20) * HOUR_S
    assert 3 < at(evening) / at(evening + 5 * HOUR_S) < 5.5
    assert at(HOUR * HOUR_S) < 1.5


class Cut(Counts):
    """Counts whose reader is cut off after the first hour that it yields."""

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        async for found in super().paces(hours):
            yield found
            raise CountsUnavailable


class Torn(Counts):
    """Counts of which the open hours can be read, and half of a closed one."""

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        async for found in super().paces(hours):
            yield found
            if len(hours) < OPEN_HOURS:
                raise CountsUnavailable


class Slow(Counts):
    """Counts whose closed hours take until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        if len(hours) > OPEN_HOURS:
            await self.gate.wait()
        async for found in super().paces(hours):
            yield found
