"""Whether journals, marks and counts add up, for a person who asks; mends nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.domain.buckets import Bucket
from service.domain.events import REFUSED
from service.flows.ports import Extent

HOURS_A_DAY = 24
Sums = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one journal holds of one shard, seen from Redis' mark (None where nobody could ask).

    `damaged` sums the events of rows that cannot be read any more.
    """

    journal: str
    shard: int
    mark: int | None
    extent: Extent
    damaged: int


@dataclass(frozen=True, slots=True)
class Account:
    """All sums, in events, and what does not add up, in words."""

    pending: int
    unrecoverable: int
    damaged: int
    verdicts: Sums
    problems: tuple[str, ...]

    @property
    def refused(self) -> int:
        """Events that were refused, of the days that were looked at."""
        return self.verdicts.get(REFUSED, 0)

    @property
    def applied(self) -> int:
        """Events that Redis has counted, of the days that were looked at."""
        return sum(self.verdicts.values()) - self.refused


def account(holdings: Sequence[Holding], counts: Mapping[Bucket, Sums]) -> Account:
    """Add up what the journals hold and what Redis has counted in some days and their hours."""
    verdicts: dict[str, int] = {}
    for bucket, sums in counts.items():
        for field, count in sums.items() if bucket.grain == "day" else ():
            verdict = field.rpartition("|")[2]
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    return Account(
        sum(one.extent.waiting for one in holdings),
        sum(one.extent.lost for one in holdings),
        sum(one.damaged for one in holdings),
        dict(sorted(verdicts.items())),
        (*_of_marks(holdings), *_of_days(counts)),
    )


def _of_marks(holdings: Sequence[Holding]) -> Iterator[str]:
    for one in holdings:
        where = f"journal {one.journal}, shard {one.shard:02}"
        if one.mark is None:
            continue
        if one.mark > one.extent.last:
            yield f"{where}: Redis has applied row {one.mark}, the last here is {one.extent.last}"
        if one.extent.lost:
            yield f"{where}: Redis is at row {one.mark}; {one.extent.lost} events after it are gone"
        if one.damaged:
            yield f"{where}: rows with {one.damaged} events are damaged"


def _of_days(counts: Mapping[Bucket, Sums]) -> Iterator[str]:
    """Say where a day's counts are not the sum of its hours': one script writes both."""
    for bucket, sums in counts.items():
        if bucket.grain != "day":
            continue
        hours: dict[str, int] = {}
        for hour in range(bucket.hour, bucket.hour + HOURS_A_DAY):
            for field, count in counts.get(Bucket("hour", hour), {}).items():
                hours[field] = hours.get(field, 0) + count
        differing = [field for field in {*sums, *hours} if sums.get(field) != hours.get(field)]
        if differing:
            by = sum(sums.values()) - sum(hours.values())
            day = bucket.hour // HOURS_A_DAY
            yield f"day {day}: {len(differing)} counts differ from the hours', by {by:+} in all"
