"""Days, weekdays and hours are those of the campaign's own zone, over changes of clocks too."""

from datetime import UTC, datetime

import pytest

from service.domain.ads import Campaign, Tier
from service.domain.times import day_of, fits_hour, open_hours


def hour(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) // 3_600


def timed(zone: str = "UTC", *, exclude: bool = False, **values: str) -> Campaign:
    named = {name: frozenset(text.split()) for name, text in values.items()}
    sides = ({}, named) if exclude else (named, {})
    return Campaign("c", "a", Tier.HOUSE, (), (), target=sides[0], exclude=sides[1], timezone=zone)


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [("2026-11-24T13:00", "UTC", 24), ("2026-03-29T12:00", "Europe/Berlin", 23),
     ("2026-10-25T12:00", "Europe/Berlin", 25), ("2026-03-29T12:00", "UTC", 24)],
)  # fmt: skip
def test_a_day_has_the_hours_that_its_zone_gives_it(day: str, zone: str, length: int) -> None:
    span = day_of(hour(day), zone)
    assert len(span) == length
    assert hour(day) in span
    assert day_of(span.start, zone) == day_of(span.stop - 1, zone) == span
    assert day_of(span.stop, zone).start == span.stop


def test_weekdays_and_hours_are_the_zones() -> None:
    late_monday = hour("2026-11-23T23:00")  # Tuesday already in Berlin
    assert fits_hour(timed(weekday="monday"), late_monday)
    assert not fits_hour(timed("Europe/Berlin", weekday="monday"), late_monday)
    assert fits_hour(timed("Europe/Berlin", weekday="tuesday", hour="0 1"), late_monday)
    assert not fits_hour(timed("Europe/Berlin", weekday="tuesday", hour="1"), late_monday)


def test_excluded_times_are_never_shown_in() -> None:
    noon = hour("2026-11-24T12:00")
    assert not fits_hour(timed(exclude=True, weekday="tuesday"), noon)
    assert fits_hour(timed(exclude=True, weekday="monday", hour="3"), noon)
    assert fits_hour(timed(), noon)


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland"])
def test_a_weeks_open_hours_are_those_that_fit(zone: str, exclude: bool) -> None:
    one, start = timed(zone, exclude=exclude, weekday="tuesday friday", hour="0 1 23"), 495_000
    found, monday = open_hours(one, start), hour("2026-11-23T00:00")
    assert found is not None
    for at in range(start, start + 168):
        assert found[(at - monday) % 168] is fits_hour(one, at)
    assert open_hours(timed(zone), start) is None
