"""Weekdays, hours and days of a campaign's own zone, by hours since the epoch; reads no clock."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.domain.ads import Campaign
from service.domain.targeting import HOUR, WEEKDAY
from service.domain.traffic import MONDAY, WEEK_HOURS

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR_S = 3_600


def fits_hour(campaign: Campaign, hour: int) -> bool:
    """Say whether a campaign's weekdays and hours, wanted and excluded, allow an hour."""
    if not {WEEKDAY, HOUR} & (campaign.target.keys() | campaign.exclude.keys()):
        return True
    return all(
        value in campaign.target.get(name, (value,)) and value not in campaign.exclude.get(name, ())
        for name, value in clock_values(hour, campaign.timezone).items()
    )


def open_hours(campaign: Campaign, hour: int) -> tuple[bool, ...] | None:
    """Return which of a week's hours a campaign allows, Monday's first in UTC the first.

    By its zone's clock in the week that an hour begins. None if it allows them all.
    """
    sides = [
        (side.get(name), wanted)
        for side, wanted in ((campaign.target, True), (campaign.exclude, False))
        for name in (WEEKDAY, HOUR)
    ]
    if all(values is None for values, _ in sides):
        return None
    return _open_hours(tuple(sides), campaign.timezone, hour)


@lru_cache(maxsize=1_024)  # of thousands of campaigns most name the same hours
def _open_hours(
    sides: tuple[tuple[frozenset[str] | None, bool], ...], zone: str, hour: int
) -> tuple[bool, ...]:
    found = [False] * WEEK_HOURS
    for at in range(hour, hour + WEEK_HOURS):
        said = tuple(clock_values(at, zone).values())
        found[(at - MONDAY) % WEEK_HOURS] = all(
            values is None or (said[number % 2] in values) is wanted
            for number, (values, wanted) in enumerate(sides)
        )
    return tuple(found)


def clock_values(hour: int, zone: str) -> dict[str, str]:
    """Return weekday and hour of an hour since the epoch, as targeting names them."""
    local = local_time(hour, zone)
    return {WEEKDAY: WEEKDAYS[local.weekday()], HOUR: str(local.hour)}


@lru_cache(maxsize=1_024)
def day_of(hour: int, zone: str) -> range:
    """Return the hours since the epoch of the zone's day in which an hour lies: 23 to 25."""
    midnight = local_time(hour, zone).replace(hour=0, minute=0, fold=0)
    tomorrow = (midnight + timedelta(days=1)).replace(fold=0)
    return range(_hour_of(midnight), _hour_of(tomorrow))


def local_time(hour: int, zone: str) -> datetime:
    """Return an hour's first moment as the zone's clocks show it."""
    return datetime.fromtimestamp(hour * _HOUR_S, ZoneInfo(zone))


def _hour_of(local: datetime) -> int:
    return int(local.astimezone(UTC).timestamp()) // _HOUR_S
