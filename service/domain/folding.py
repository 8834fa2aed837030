"""Folds hashes of counts into a report's rows; reads and formats nothing.

Rows count valid events of arms other than `hold` unless verdict or arm is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from service.domain.buckets import Bucket
from service.domain.errors import BadInput
from service.domain.events import Verdict
from service.domain.reporting import ARTICLE_FIELDS, FIELDS, Query

ROWS_MAX = 50_000
HOLD = "hold"
_EPOCH = date(1970, 1, 1)
Key = tuple[str | int, ...]
Row = dict[str, str | int]


class Fold:
    """Sums hashes by some dimensions; hours and days stay numbers until rows are made."""

    def __init__(self, query: Query, by: Sequence[str], fields: Sequence[str] = FIELDS) -> None:
        self._query = query
        self._by = tuple(by)
        self._fields = tuple(fields)
        self._picks = [self._fields.index(name) for name in by if name in fields]
        self._times = [name for name in by if name in {"hour", "day"}]
        site = query.site
        net = not {"verdict", "arm"} & {*by} and "verdict" in fields  # article counts are net
        self._wanted = [(self._fields.index("site"), site)] if site is not None else []
        self._wanted += [(self._fields.index("verdict"), str(Verdict.VALID))] if net else []
        self._arm = self._fields.index("arm") if net else None
        self._keys: dict[str, Key | None] = {}
        self._sums: dict[tuple[Key, Key], int] = {}

    def add(self, bucket: Bucket, counts: Mapping[str, int]) -> None:
        """Add one hash; raises `BadInput` for `by` beyond 50,000 rows."""
        when = tuple(_TIMES[name](bucket.hour, self._query.zone) for name in self._times)
        keys, sums = self._keys, self._sums
        for field, count in counts.items():
            try:
                key = keys[field]
            except KeyError:
                key = keys[field] = self._key(field)
            if key is not None:
                sums[when, key] = sums.get((when, key), 0) + count
        if len(sums) > ROWS_MAX:
            raise BadInput("by", f"this makes over {ROWS_MAX} rows: name fewer, or a shorter range")

    def sums(self) -> dict[Key, int]:
        """Return the sums by keys in the order asked for, sorted by them (time as numbers)."""
        ordered: list[tuple[Key, int]] = []
        for (when, key), count in self._sums.items():
            times, rest = iter(when), iter(key)
            merged = (next(times if name in self._times else rest) for name in self._by)
            ordered.append((tuple(merged), count))
        return dict(sorted(ordered))

    def rows(self) -> list[Row]:
        """Return one row per key: the dimensions in the order asked for, then `count`."""
        shown: list[Callable[[str | int], str]] = [
            _SHOWN[name](self._query.zone) if name in _SHOWN else str for name in self._by
        ]
        return [
            {
                **{name: show(part) for name, show, part in zip(self._by, shown, key, strict=True)},
                "count": count,
            }
            for key, count in self.sums().items()
        ]

    def _key(self, field: str) -> Key | None:
        """Return the wanted parts of a hash's field, or None if it does not count here."""
        parts = field.split("|")
        if len(parts) != len(self._fields):  # a newer version's field: not ours to interpret
            return None
        if any(parts[index] != wanted for index, wanted in self._wanted) or (
            self._arm is not None and parts[self._arm] == HOLD
        ):
            return None
        return tuple(parts[index] for index in self._picks)


def article_fold(query: Query) -> Fold:
    """Return a fold over hashes of article counts, which hold valid events only."""
    return Fold(query, query.by, ARTICLE_FIELDS)


def _local_day(hour: int, zone: tzinfo) -> int:
    return (datetime.fromtimestamp(hour * 3_600, zone).date() - _EPOCH).days


def _show_hour(zone: tzinfo) -> Callable[[str | int], str]:
    return lambda hour: datetime.fromtimestamp(int(hour) * 3_600, zone).isoformat()


def _show_day(_zone: tzinfo) -> Callable[[str | int], str]:
    return lambda day: (_EPOCH + timedelta(days=int(day))).isoformat()


_TIMES: dict[str, Callable[[int, tzinfo], int]] = {
    "hour": lambda hour, _zone: hour,
    "day": _local_day,
}
_SHOWN = {"hour": _show_hour, "day": _show_day}


def utc_month(bucket: Bucket) -> tuple[int, int]:
    """Return the year and month a bucket lies in, UTC: what names are kept by."""
    moment = datetime.fromtimestamp(bucket.hour * 3_600, UTC)
    return moment.year, moment.month
