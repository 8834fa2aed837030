"""What was delivered and learned, folded from the hours that Redis holds; decides nothing.

Closed hours are read once and folded away; the open ones are read again for every plan. Hours are
kept apart only while some day of now may hold them: a long flight takes no more room than a short.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from service.domain.events import HOUR_MS, RUNNER_UP, Kind
from service.domain.learning import HALF_LIFE_H, Evidence
from service.domain.tokens import Arm
from service.domain.traffic import FLAT, Shape, learned_shape
from service.flows.ports import Clock, PaceReader

SHAPE_HOURS = 28 * 24
EVIDENCE_HOURS = int(5 * HALF_LIFE_H)  # of what is older, less than a thirtieth counts
APART_HOURS = 50  # of no zone and no change of clocks does today begin earlier
OPEN_HOURS = 2  # the hour that runs, and the last one: its rows may still be on their way
AWAY_MS = 60_000  # after a longer silence rows of closed hours arrive late: all is read anew
FIELDS_AT_ONCE = 200  # a quarter of a millisecond
Place = tuple[str, str, str]
"""Creative, placement and platform."""
_NOTHING = Evidence()
_HOLD = Arm.HOLD.label
_IMPRESSION, _VIEWABLE, _CLICK = str(Kind.IMPRESSION), str(Kind.VIEWABLE), str(Kind.CLICK)
Since = Mapping[str, int]
"""Of each creative with a budget the first hour of its flight; nothing else is counted."""


@dataclass(slots=True)
class Tally:
    """Valid impressions and clicks by creative and hour, evidence by place, the week's hours.

    What is older than `APART_HOURS` is under the first hour of its flight.
    """

    since: Since = field(default_factory=dict)
    impressions: dict[str, dict[int, int]] = field(default_factory=dict)
    clicks: dict[str, dict[int, int]] = field(default_factory=dict)
    evidence: dict[Place, Evidence] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    now: int = 0  # the hour at which evidence is whole

    async def fold(self, hour: int, counts: Mapping[str, int]) -> None:
        """Add one hour's hash of one shard, a slice at a time: requests come between."""
        rest, kept = iter(counts.items()), Evidence(1.0).faded(max(0, self.now - hour)).viewable
        while some := list(islice(rest, FIELDS_AT_ONCE)):
            for name, count in some:
                self._add(name.split("|"), hour, count, kept)
            await asyncio.sleep(0)

    def age_to(self, hour: int) -> None:
        """Let evidence fade and hours run together; what has faded to nothing goes."""
        if self.now and hour > self.now:
            faded = {at: one.faded(hour - self.now) for at, one in self.evidence.items()}
            self.evidence = {at: one for at, one in faded.items() if one.viewable >= 1.0}
        self.now = hour
        self.hours = {at: n for at, n in self.hours.items() if at > hour - SHAPE_HOURS - OPEN_HOURS}
        self._regroup()

    def can_follow(self, since: Since, closed_to: int) -> bool:
        """Say whether these budgets' hours are all here and apart from those before."""
        return all(
            first >= closed_to
            or first == self.since.get(creative)
            or (first >= self.now - APART_HOURS and self.since.get(creative, first + 1) < first)
            for creative, first in since.items()
        )

    def follow(self, since: Since) -> None:
        """Count for these budgets from now on, and for no others."""
        self.since = since
        self._regroup()

    def delivered(self, creatives: Iterable[str], *, clicks: bool, span: range) -> int:
        """Return valid impressions, or clicks, of creatives in a span of hours."""
        table = self.clicks if clicks else self.impressions
        return sum(
            count
            for creative in creatives
            for hour, count in table.get(creative, {}).items()
            if hour in span
        )

    def _regroup(self) -> None:
        for table in (self.impressions, self.clicks):
            old = dict(table)
            table.clear()
            for creative, hours in old.items():
                for hour, count in hours.items():
                    self._count(table, creative, hour, count)

    def _add(self, parts: list[str], hour: int, count: int, kept: float) -> None:
        try:
            creative, placement, platform, arm, kind = parts
        except ValueError:  # a newer version's field: not ours to interpret
            return
        if arm == _HOLD:  # nothing was shown
            return
        if kind == _IMPRESSION:
            self._count(self.impressions, creative, hour, count)
            self.hours[hour] = self.hours.get(hour, 0) + count
            return
        if kind == _CLICK:
            self._count(self.clicks, creative, hour, count)
        if arm == RUNNER_UP or kind not in {_VIEWABLE, _CLICK}:
            return
        place = (creative, placement, platform)
        viewable, clicks = self.evidence.get(place, _NOTHING)
        if kind == _VIEWABLE:
            self.evidence[place] = Evidence(viewable + count * kept, clicks)
        else:
            self.evidence[place] = Evidence(viewable, clicks + count * kept)

    def _count(
        self, table: dict[str, dict[int, int]], creative: str, hour: int, count: int
    ) -> None:
        first = self.since.get(creative)
        if first is not None and hour >= first:
            hours = table.setdefault(creative, {})
            at = hour if hour >= self.now - APART_HOURS else first
            hours[at] = hours.get(at, 0) + count


class Tallies:
    """The closed hours' tally and the open ones', as fresh as `refresh` left them."""

    def __init__(self, reader: PaceReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._closed_to = 0
        self._whole = False  # an hour that was folded in by half has all read anew
        self.closed = Tally()
        self.open = Tally()
        self.shape: Shape = FLAT
        self.read_ms: int | None = None
        self.closed_version = 0

    async def refresh(self, since: Since) -> None:
        """Read what is new for these budgets; raises `CountsUnavailable`: what is known stays."""
        now_ms = self._clock()
        hour = now_ms // HOUR_MS
        fresh = Tally(since, now=hour)
        await self._read(fresh, range(hour - OPEN_HOURS + 1, hour + 1))
        stale = self.read_ms is None or now_ms - self.read_ms > AWAY_MS
        if stale or not self._whole or not self.closed.can_follow(since, self._closed_to):
            first = min([hour - max(SHAPE_HOURS, EVIDENCE_HOURS), *since.values()])
            await self._read_closed(Tally(), since, first, hour)
        elif self._closed_to <= hour - OPEN_HOURS:
            self._whole = False
            await self._read_closed(self.closed, since, self._closed_to, hour)
        elif since != self.closed.since:
            self.closed.follow(since)
            self.closed_version += 1
        self.open, self.read_ms = fresh, now_ms

    async def _read_closed(self, tally: Tally, since: Since, first: int, hour: int) -> None:
        closed_to = hour - OPEN_HOURS + 1
        tally.follow(since)
        tally.age_to(hour)
        await self._read(tally, range(first, closed_to))
        self.closed, self._closed_to = tally, closed_to
        recent = range(closed_to - SHAPE_HOURS, closed_to)
        first_seen = min((h for h in tally.hours if h in recent), default=closed_to)
        seen = {h: tally.hours.get(h, 0) for h in recent if h >= first_seen}
        self.shape = learned_shape(seen)
        self.closed_version += 1
        self._whole = True

    async def _read(self, tally: Tally, hours: range) -> None:
        async for hour, counts in self._reader.paces(hours):
            await tally.fold(hour, counts)
