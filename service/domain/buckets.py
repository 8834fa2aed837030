"""Which hashes of counts answer a report exactly: hours, and whole UTC days where they do."""

from typing import Literal, NamedTuple

from service.domain.reporting import Query

_DAY = 24


class Bucket(NamedTuple):
    """One hash of counts: a UTC hour, or the UTC day that starts with that hour."""

    grain: Literal["hour", "day"]
    hour: int  # since the epoch


def buckets(query: Query) -> tuple[Bucket, ...]:
    """Return the hashes that answer the query, in time order: whole UTC days where they do."""
    end = _known_end(query)
    hourly = "hour" in query.by or ("day" in query.by and not query.utc)
    first, last = -(-query.start // _DAY) * _DAY, end // _DAY * _DAY
    if hourly or first >= last:
        return tuple(Bucket("hour", hour) for hour in range(query.start, end))
    return (
        *(Bucket("hour", hour) for hour in range(query.start, first)),
        *(Bucket("day", hour) for hour in range(first, last, _DAY)),
        *(Bucket("hour", hour) for hour in range(last, end)),
    )


def article_days(query: Query) -> tuple[Bucket, ...]:
    """Return the UTC days that the range touches: what article counts are kept by."""
    first = query.start // _DAY * _DAY
    return tuple(Bucket("day", hour) for hour in range(first, _known_end(query), _DAY))


def _known_end(query: Query) -> int:
    # Nothing is counted in the future, so a range that reaches now may use today's whole hash.
    tomorrow = (query.now // _DAY + 1) * _DAY
    return query.end if query.end <= query.now else tomorrow
