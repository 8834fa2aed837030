"""What was delivered and learned in some hours, folded from counts; reads none and decides nothing.

Hours are kept apart only while some day of now may hold them: a long flight takes no more room than
a short.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from service.domain.events import RUNNER_UP, Kind
from service.domain.learning import Evidence, kept_after
from service.domain.tokens import Arm

SHAPE_HOURS = 28 * 24
APART_HOURS = 50  # of no zone and no change of clocks does today begin earlier
_LEAST = 1 / 32  # of a viewable impression, which is one of five half-lives ago: as far as is read
OPEN_HOURS = 2  # the hour that runs, and the last one: its rows may still be on their way
FIELDS_AT_ONCE = 200  # a quarter of a millisecond
Place = tuple[str, str, str]
"""Creative, placement and platform."""
_NOTHING = Evidence()
_EMPTY: Mapping[str, int] = {}
_HOLD = Arm.HOLD.label
_IMPRESSION, _VIEWABLE, _CLICK = str(Kind.IMPRESSION), str(Kind.VIEWABLE), str(Kind.CLICK)
Since = Mapping[str, int]
"""Of each creative with a budget the first hour of its flight; nothing else is counted."""


@dataclass(slots=True)
class Tally:
    """Valid impressions and clicks by creative and hour, evidence by place, the week's hours.

    What is older than `APART_HOURS` is under the first hour of its flight. `touched` are the places
    that something was added to; whoever follows them clears it.
    """

    since: Since = field(default_factory=dict)
    impressions: dict[str, dict[int, int]] = field(default_factory=dict)
    clicks: dict[str, dict[int, int]] = field(default_factory=dict)
    evidence: dict[Place, Evidence] = field(default_factory=dict)
    hours: dict[int, int] = field(default_factory=dict)
    now: int = 0  # the hour at which evidence is whole
    touched: set[Place] = field(default_factory=set)

    async def fold(
        self, hour: int, counts: Mapping[str, int], before: Mapping[str, int] = _EMPTY
    ) -> None:
        """Add one hour's hash of one shard, a slice at a time: requests come between.

        Of `before`, which was added earlier, only what changed since is worth the work.
        """
        rest, kept = iter(counts.items()), kept_after(max(0, self.now - hour))
        while some := list(islice(rest, FIELDS_AT_ONCE)):
            for name, count in some:
                known = before.get(name, 0)
                if count != known:
                    self._add(name.split("|"), hour, count - known, kept)
            await asyncio.sleep(0)
        for name in before.keys() - counts.keys():  # of a Redis that came back older
            self._add(name.split("|"), hour, -before[name], kept)

    def age_to(self, hour: int) -> None:
        """Let evidence fade and hours run together; what has faded to nothing goes."""
        if self.now and hour > self.now:
            faded = {at: one.faded(hour - self.now) for at, one in self.evidence.items()}
            self.evidence = {at: one for at, one in faded.items() if one.viewable >= _LEAST}
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
        place = (creative, placement, platform)
        self.touched.add(place)
        if kind == _IMPRESSION:
            self._count(self.impressions, creative, hour, count)
            self.hours[hour] = self.hours.get(hour, 0) + count
            return
        if kind == _CLICK:
            self._count(self.clicks, creative, hour, count)
        if arm == RUNNER_UP or kind not in {_VIEWABLE, _CLICK}:
            return
        viewable, clicks, seen = self.evidence.get(place, _NOTHING)
        if kind == _VIEWABLE:
            self.evidence[place] = Evidence(viewable + count * kept, clicks, seen + count)
        else:
            self.evidence[place] = Evidence(viewable, clicks + count * kept, seen)

    def _count(
        self, table: dict[str, dict[int, int]], creative: str, hour: int, count: int
    ) -> None:
        first = self.since.get(creative)
        if first is not None and hour >= first:
            hours = table.setdefault(creative, {})
            at = hour if hour >= self.now - APART_HOURS else first
            hours[at] = hours.get(at, 0) + count
