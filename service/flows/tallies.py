"""Reads what was delivered, hour by hour, and has tallies add it up; decides nothing.

Closed hours are read once and folded away; the open ones are read again for every plan, and of them
only what changed is added.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping

from service.domain.errors import CountsUnavailable
from service.domain.events import HOUR_MS
from service.domain.learning import HALF_LIFE_H
from service.domain.traffic import FLAT, Shape, learned_shape
from service.flows.ports import Clock, PaceReader
from service.flows.tally import OPEN_HOURS, SHAPE_HOURS, Since, Tally

EVIDENCE_HOURS = int(5 * HALF_LIFE_H)  # of what is older, less than a thirtieth counts
AWAY_MS = 60_000  # after a longer silence rows of closed hours arrive late: all is read anew
PATIENCE_S = 0.2  # for closed hours, while everybody's plan waits
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
        self._due = False  # all closed hours are to be read anew
        self._reading: asyncio.Task[Tally] | None = None
        self.closed = Tally()
        self._open = OpenHours({}, 0)
        self.shape: Shape = FLAT
        self.read_ms: int | None = None
        self.closed_version = 0

    @property
    def open(self) -> Tally:
        """The tally of the hours to which something may be added."""
        return self._open.tally

    def follows(self, creative: str, first: int) -> bool:
        """Say whether the closed hours of a budget from its first hour on are known."""
        return self.closed.can_follow({creative: first}, self._closed_to)

    async def close(self) -> None:
        """Give up what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def refresh(self, since: Since) -> None:
        """Read what is new for these budgets; raises `CountsUnavailable`: what is known stays.

        Where all closed hours are to be read anew this waits for a moment only; what was known is
        good until they are here, at a later call.
        """
        now_ms = self._clock()
        hour = now_ms // HOUR_MS
        alike = self.open.since is since or self.open.since == since
        fresh = self._open if alike and self.open.now == hour else OpenHours(since, hour)
        await fresh.read(self._reader)
        stale = self.read_ms is None or now_ms - self.read_ms > AWAY_MS
        self._due |= stale and self._reading is None
        same = since is self.closed.since or since == self.closed.since
        known = same or self.closed.can_follow(since, self._closed_to)
        if self._due or self._reading is not None or not known:
            await self._read_anew(since, hour)
        elif not same:
            self.closed.follow(since)
            self.closed_version += 1
        if self._closed_to and self._closed_to <= hour - OPEN_HOURS:
            await self._read_on(hour)
        if self._closed_to:
            self._open, self.read_ms = fresh, now_ms

    async def _read_on(self, hour: int) -> None:
        """Fold away what has closed since, once all of it is here: no hour counts by half."""
        closed_to = hour - OPEN_HOURS + 1
        hours = range(self._closed_to, closed_to)
        read = [(at, dict(counts)) async for at, counts in self._reader.paces(hours)]
        self.closed.age_to(hour)
        for at, counts in read:
            await self.closed.fold(at, counts)
        self._take(self.closed, closed_to)

    async def _read_anew(self, since: Since, hour: int) -> None:
        """Begin to read all closed hours, or take them over once they are here."""
        if self._reading is None:
            self._due = False
            self._reading = asyncio.create_task(self._all_closed(since, hour))
        done, _ = await asyncio.wait([self._reading], timeout=PATIENCE_S)
        if not done:
            return
        reading, self._reading = self._reading, None
        try:
            self._take(reading.result(), _end_of(reading.result()))
        except CountsUnavailable:
            self._due = True
            raise

    async def _all_closed(self, since: Since, hour: int) -> Tally:
        tally = Tally(since, now=hour)
        first = min([hour - max(SHAPE_HOURS, EVIDENCE_HOURS), *since.values()])
        async for at, counts in self._reader.paces(range(first, _end_of(tally))):
            await tally.fold(at, counts)
        return tally

    def _take(self, tally: Tally, closed_to: int) -> None:
        self.closed, self._closed_to = tally, closed_to
        recent = range(closed_to - SHAPE_HOURS, closed_to)
        first_seen = min((h for h in tally.hours if h in recent), default=closed_to)
        seen = {h: tally.hours.get(h, 0) for h in recent if h >= first_seen}
        self.shape = learned_shape(seen)
        self.closed_version += 1


def _end_of(closed: Tally) -> int:
    """Return the first hour that was open when a tally of closed ones was made."""
    return closed.now - OPEN_HOURS + 1
