"""When a campaign's weekdays and hours of the day come, in its own zone; reads no clock."""

from datetime import timedelta
from functools import lru_cache

from service.adapters.catalog_campaign_models import CampaignFile, FlightModel
from service.adapters.catalog_dimensions import left
from service.adapters.catalog_targeting import CLOSED_DIMENSIONS
from service.domain.targeting import HOUR, WEEKDAY
from service.domain.times import WEEKDAYS, local_time
from service.flows.unhurried import unhurried

DAY_H, WEEK_H = 24, 7 * 24
TWO_WEEKS_H = 2 * WEEK_H + DAY_H  # in which each hour of the week comes, also one that clocks skip
YEAR_H = 366 * DAY_H  # in which zones stand to each other in every way they do
_EPOCH_H = 3 * DAY_H  # it was a Thursday
_BYTES = 256
Week = bytes
"""An ASCII 0 or 1 for each hour of the week from Monday's first."""


def hours_of(flight: FlightModel, most: int) -> range:
    """Return a flight's hours since the epoch, the first ones where it is longer."""
    end = flight.start + most
    return range(flight.start, end if flight.end is None else min(flight.end, end))


def week_of(campaign: CampaignFile, *names: str) -> Week:
    """Return the hours of the week that the campaign allows by these dimensions."""
    target, exclude = campaign.target.values(), campaign.exclude.values()
    wanted = {
        name: (left(name, target, exclude) or ()) if name in names else CLOSED_DIMENSIONS[name]
        for name in (WEEKDAY, HOUR)
    }
    hours = [b"1" if str(hour) in wanted[HOUR] else b"0" for hour in range(DAY_H)]
    days = [b"".join(hours) if day in wanted[WEEKDAY] else b"0" * DAY_H for day in WEEKDAYS]
    return b"".join(days)


def when(week: Week, zone: str, hours: range) -> int:
    """Return a mask of hours since the epoch, at least one: those that are of this week there."""
    return int(_clock(zone, hours).translate(week.ljust(_BYTES, b"0")), 2)


@lru_cache(maxsize=64)
def _clock(zone: str, hours: range) -> bytes:
    """Return which hour of the zone's week each hour is."""
    found = bytearray()
    for start in unhurried(hours[::DAY_H]):
        day = range(start, min(start + DAY_H, hours.stop))
        first, last = _shift(day[0], zone), _shift(day[-1], zone)
        shifts = (first if first == last else _shift(hour, zone) for hour in day)
        found += bytes((hour + shift) % WEEK_H for hour, shift in zip(day, shifts, strict=True))
    return bytes(found)


def _shift(hour: int, zone: str) -> int:
    offset = local_time(hour, zone).utcoffset() or timedelta()
    return _EPOCH_H + offset // timedelta(hours=1)
