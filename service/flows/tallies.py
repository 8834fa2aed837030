"""Reads what was delivered, hour by hour, and has tallies add it up; decides nothing.

Closed hours are read once and folded away; the open ones are read again for every plan, and of them
only what changed is added.
"""

from collections import Counter
from collections.abc import Mapping

from service.domain.events import HOUR_MS
from service.domain.learning import HALF_LIFE_H
from service.domain.traffic import FLAT, Shape, learned_shape
from service.flows.ports import Clock, PaceReader
from service.flows.tally import OPEN_HOURS, SHAPE_HOURS, Since, Tally

EVIDENCE_HOURS = int(5 * HALF_LIFE_H)  # of what is older, less than a thirtieth counts
AWAY_MS = 60_000  # after a longer silence rows of closed hours arrive late: all is read anew
_NOTHING: Mapping[str, int] = {}


class OpenHours:
    """The open hours' tally and the hashes that it adds up."""

    def __init__(self, since: Since, hour: int) -> None:
        self.tally = Tally(since, now=hour)
        self._hashes: dict[tuple[int, int], Mapping[str, int]] = {}

    async def read(self, reader: PaceReader) -> None:
        """Add what changed; what a read that fails has added, stays added."""
        last, turns = self.tally.now, Counter[int]()
        self.tally.touched.clear()
        async for hour, counts in reader.paces(range(last - OPEN_HOURS + 1, last + 1)):
            # The sum is right whichever shard's hash comes at which turn.
            at = hour, turns[hour]
            turns[hour] += 1
            await self.tally.fold(hour, counts, self._hashes.get(at, _NOTHING))
            self._hashes[at] = dict(counts)  # the reader may go on with its own
        # Fewer hashes than before: a Redis came back older, or empty.
        for at in [one for one in self._hashes if one[1] >= turns[one[0]]]:
            await self.tally.fold(at[0], _NOTHING, self._hashes.pop(at))


class Tallies:
    """The closed hours' tally and the open ones', as fresh as `refresh` left them."""

    def __init__(self, reader: PaceReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._closed_to = 0
        self._whole = False  # an hour that was folded in by half has all read anew
        self.closed = Tally()
        self._open = OpenHours({}, 0)
        self.shape: Shape = FLAT
        self.read_ms: int | None = None
        self.closed_version = 0

    @property
    def open(self) -> Tally:
        """The tally of the hours to which something may be added."""
        return self._open.tally

    async def refresh(self, since: Since) -> None:
        """Read what is new for these budgets; raises `CountsUnavailable`: what is known stays."""
        now_ms = self._clock()
        hour = now_ms // HOUR_MS
        known = self.open.since is since or self.open.since == since
        fresh = self._open if known and self.open.now == hour else OpenHours(since, hour)
        await fresh.read(self._reader)
        stale = self.read_ms is None or now_ms - self.read_ms > AWAY_MS
        same = since is self.closed.since
        if stale or not self._whole or not (same or self.closed.can_follow(since, self._closed_to)):
            first = min([hour - max(SHAPE_HOURS, EVIDENCE_HOURS), *since.values()])
            await self._read_closed(Tally(), since, first, hour)
        elif self._closed_to <= hour - OPEN_HOURS:
            self._whole = False
            await self._read_closed(self.closed, since, self._closed_to, hour)
        elif not same and since != self.closed.since:
            self.closed.follow(since)
            self.closed_version += 1
        self._open, self.read_ms = fresh, now_ms

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
