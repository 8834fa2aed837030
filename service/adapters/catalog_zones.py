"""Time zones a site may report in: known to this system, whole hours all year; nothing else."""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_DAYS_CHECKED = range(-100, 366)  # reports look back 100 days; a year ahead covers both clocks
_ZONES_MAX = 1_024


def check_zone(name: str) -> str:
    """Return the name of a usable zone, or raise `ValueError` with what would be right.

    Reports are kept by UTC hour, so a zone off the full hour could not be added up.
    """
    message = _fault(name, datetime.now(UTC).date().toordinal())
    if message:
        raise ValueError(message)
    return name


@lru_cache(maxsize=_ZONES_MAX)
def _fault(name: str, today: int) -> str:
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _unknown(name)
    start = datetime.fromordinal(today).replace(tzinfo=UTC)
    for day in _DAYS_CHECKED:
        offset = zone.utcoffset(start + timedelta(days=day))
        if offset is None or offset % timedelta(hours=1):
            return f"{name} is not on full hours from UTC; reports need that"
    return ""


def _unknown(name: str) -> str:
    known = available_timezones()
    if not known:
        return "no time zone is known here: install the system's or Python's tzdata package"
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ": write one like Europe/Paris"
    return f"{name[:60]!r} is not a time zone{hint}"
