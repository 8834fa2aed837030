"""Weekdays, hours and days of a campaign's own zone, by hours since the epoch; reads no clock."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.domain.ads import Campaign
from service.domain.targeting import HOUR, WEEKDAY

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
