"""What a report asks for: a range, a time zone and dimensions, checked; reads no counts.

Counts are kept per UTC hour for 100 days and per UTC day for 400 (article counts only per UTC day),
so not every range can be answered in every zone and by every dimension.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from service.domain.catalog import Catalog
from service.domain.errors import BadInput, UnknownSite
from service.domain.events import HOUR_MS

PARAMETERS = ("site", "from", "to", "tz", "by")
# The order in which a count's field names them.
FIELDS = (
    "site", "placement", "campaign", "creative", "platform", "source", "arm", "kind", "network",
    "verdict",
)  # fmt: skip
ARTICLE_FIELDS = ("site", "article", "source", "kind", "network")
DIMENSIONS = ("hour", "day", *FIELDS, "article")
HOURS_KEPT_DAYS = 100
RANGE_MAX_DAYS = 400
_DAY = 24
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?\Z"
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}\Z")


@dataclass(frozen=True, slots=True)
class Query:
    """A checked request: `start` to `end` (half-open) and `now` in hours since the epoch.

    `site` None is all sites; `utc` says that the zone equals UTC throughout the range.
    """

    site: str | None
    start: int
    end: int
    now: int
    to_ms: int
    zone: tzinfo
    tz: str
    utc: bool
    by: tuple[str, ...]

    @property
    def starts(self) -> datetime:
        """The first counted moment, in the query's zone."""
        return datetime.fromtimestamp(self.start * 3_600, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment no longer counted, or now, in the query's zone."""
        return datetime.fromtimestamp(self.to_ms // 1_000, self.zone)


def parse_query(given: Mapping[str, str], catalog: Catalog, now_ms: int) -> Query:
    """Return the query of a report's parameters; blank ones take their defaults.

    A time within an hour widens to the full hour. Raises `BadInput` naming the parameter, and
    `UnknownSite`.
    """
    by = _dimensions(given.get("by") or "kind")
    site = given.get("site") or None
    if site is not None and site not in catalog.sites:
        raise UnknownSite
    # Article counts exist per UTC day only, so UTC is the one default that always answers.
    home = catalog.sites[site].timezone if site and "article" not in by else "UTC"
    tz = given.get("tz") or home
    zone = zone_of(tz)
    now = datetime.fromtimestamp(now_ms / 1_000, UTC)
    start = _moment("from", given.get("from") or now.astimezone(zone).date().isoformat(), zone, now)
    end = _moment("to", given["to"], zone, now) if given.get("to") else None
    start_hour = int(start.timestamp()) // 3_600
    now_hour = now_ms // HOUR_MS
    end_hour = now_hour + 1 if end is None else -(-int(end.timestamp()) // 3_600)
    _check_range(start_hour, end_hour)
    offsets = _offsets(zone, start_hour, end_hour)
    to_ms = now_ms if end is None else end_hour * HOUR_MS
    utc = offsets == {timedelta(0)}
    query = Query(site, start_hour, end_hour, now_hour, to_ms, zone, tz, utc, by)
    if "article" in by:
        _check_articles(query)
    else:
        _check_kept(query)
    return query


def zone_of(tz: str) -> tzinfo:
    """Return the zone of an IANA name, or raise `BadInput` naming `tz`."""
    if tz == "UTC":
        return UTC
    try:
        return ZoneInfo(tz if _ZONE.match(tz) else "")
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder, such as `Europe`
        message = "give an IANA time zone such as UTC or Europe/Berlin"
        raise BadInput("tz", message) from None


def _dimensions(text: str) -> tuple[str, ...]:
    by = tuple(part.strip() for part in text.split(","))
    if any(name not in DIMENSIONS for name in by):
        raise BadInput("by", f"use a comma list of {', '.join(DIMENSIONS)}")
    if len(set(by)) != len(by):
        raise BadInput("by", "name each dimension once")
    return by


def _moment(field: str, text: str, zone: tzinfo, now: datetime) -> datetime:
    text = text.replace(" ", "+")  # an unescaped + of an offset arrives as a space
    try:
        moment = datetime.fromisoformat(text if _MOMENT.match(text) else "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        distance = moment.astimezone(UTC) - now
    except (ValueError, OverflowError):
        message = "give a date such as 2026-11-24 or a time such as 2026-11-24T08:00:00Z"
        raise BadInput(field, message) from None
    if abs(distance) > timedelta(days=RANGE_MAX_DAYS + 1):
        raise BadInput(field, f"give a day at most {RANGE_MAX_DAYS} days away: no others are kept")
    return moment


def _check_range(start: int, end: int) -> None:
    if start >= end:
        raise BadInput(
            "from", "give a moment before to, which is now unless given and is not itself counted"
        )
    if end - start > RANGE_MAX_DAYS * _DAY + 1:  # + 1: a clock going back within the range
        raise BadInput("from", f"ask for at most {RANGE_MAX_DAYS} days at once")


def _offsets(zone: tzinfo, start: int, end: int) -> set[timedelta | None]:
    hours = (*range(start, end, _DAY), end)
    offsets = {datetime.fromtimestamp(hour * 3_600, zone).utcoffset() for hour in hours}
    if any(offset is None or offset % timedelta(hours=1) for offset in offsets):
        raise BadInput("tz", "give a zone that differs from UTC by whole hours, or UTC itself")
    return offsets


def _check_articles(query: Query) -> None:
    if not {*query.by} <= {"day", *ARTICLE_FIELDS}:
        raise BadInput("by", "article combines with day, site, source, kind and network only")
    if not query.utc:
        raise BadInput("tz", "use UTC: article counts are kept per UTC day")
    if query.start % _DAY:
        raise BadInput("from", "give a date: article counts are kept per UTC day")
    if query.end % _DAY and query.end <= query.now:
        raise BadInput("to", "give a date, or leave it out: article counts are kept per UTC day")


def _check_kept(query: Query) -> None:
    kept = (query.now // _DAY - HOURS_KEPT_DAYS + 1) * _DAY
    if query.start >= kept:
        return
    since = date(1970, 1, 1) + timedelta(days=kept // _DAY)
    before = f"before {since} only whole UTC days are kept:"
    if "hour" in query.by:
        raise BadInput("by", f"{before} leave out hour or start later")
    if "day" in query.by and not query.utc:
        raise BadInput("tz", f"{before} use UTC or start later")
    if query.start % _DAY:
        raise BadInput("from", f"{before} start at midnight UTC (tz=UTC)")
    if query.end % _DAY and query.end < kept:
        raise BadInput("to", f"{before} end at midnight UTC (tz=UTC)")
