"""A running flight with a goal as planning sees it for an hour; reads no counts of open hours.

What only hour, catalogue and closed hours determine is worked out once: planning thousands of
flights a second is a few sums each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.ads import Campaign, Flight, Goal
from service.domain.events import HOUR_MS, Kind
from service.domain.pacing import Budget, line
from service.domain.targeting import WEEKDAY
from service.domain.times import WEEKDAYS, day_of, open_hours
from service.domain.traffic import HOUR_S, WEEK_HOURS, Shape, within
from service.flows.tallies import Tallies

_DAY_H = 24
_FOR_EVER_H = 24 * 365  # how far off the end is of a flight that has none


@dataclass(slots=True, eq=False)
class RunningFlight:
    """A flight, what it had delivered when the open hours began, and its traffic from the epoch.

    `shape` is the week's traffic in the hours that its campaign allows; `starts`, `ends` and
    `midnight` are average hours of it, as `Shape.until` tells them; `day_h` is how many a day has.
    """

    number: int
    campaign: Campaign
    start: int
    goal: Goal
    creatives: tuple[str, ...]
    span: range
    day: range
    total: int
    today: int
    shape: Shape
    starts: float
    ends: float
    midnight: float
    day_h: float
    endless: bool
    due_ms: int = 0  # when to steer it again though nothing was delivered

    @property
    def kind(self) -> Kind:
        """Return what its goal counts."""
        return Kind.CLICK if self.goal.clicks else Kind.IMPRESSION

    def known(self, tallies: Tallies) -> bool:
        """Say whether all that it delivered in closed hours is known."""
        return all(tallies.follows(creative, self.start) for creative in self.creatives)

    def delivered(self, tallies: Tallies) -> tuple[int, int]:
        """Return what it delivered in all and in the zone's day of now."""
        opened = tallies.open
        table = opened.clicks if self.goal.clicks is not None else opened.impressions
        total, today = self.total, self.today
        for creative in self.creatives:
            for hour, count in table.get(creative, _NOTHING).items():
                if hour in self.span:
                    total += count
                    if hour in self.day:
                        today += count
        return total, today

    def budget(self, total: int, today: int, until_now: float) -> Budget:
        """Return what is left of flight and day."""
        goal, front = self.goal, self.campaign.front_loaded
        left, hours = float(goal.total - total), max(0.0, self.ends - until_now)
        if goal.per_day is None:
            return Budget(left, hours, front_loaded=front)
        rest = max(0.0, min(self.ends, self.midnight) - until_now)
        if self.endless:  # its days alone are to be paced to
            return Budget(min(left, float(goal.per_day - today)), rest, front_loaded=front)
        return Budget(left, hours, float(goal.per_day - today), rest, front)

    def ratio(self, total: int, until_now: float) -> float:
        """Return what was delivered over what was due by now; 1 while nothing is due."""
        passed, goal = max(0.0, until_now - self.starts), self.goal
        done = passed / max(self.ends - self.starts, 1e-9)
        due = goal.total * line(done, front_loaded=self.campaign.front_loaded)
        if goal.per_day is not None:  # its days taken for equal ones
            due = min(goal.total if self.endless else due, goal.per_day * passed / self.day_h)
        return total / due if due >= 1.0 else 1.0


def running_flight(
    number: int, campaign: Campaign, flight: Flight, tallies: Tallies, now_ms: int
) -> RunningFlight | None:
    """Return a flight as it is in the hour of now; None without a goal."""
    goal, hour = flight.goal, now_ms // HOUR_MS
    if goal is None:
        return None
    shape, days = own_traffic(campaign, hour, tallies.shape)
    day, end = day_of(hour, campaign.timezone), flight.end
    span = range(flight.start, hour + 1 if end is None else end)
    creatives = tuple(creative.id for creative in campaign.creatives)

    def closed(hours: range) -> int:
        return tallies.closed.delivered(creatives, clicks=goal.clicks is not None, span=hours)

    return RunningFlight(
        number, campaign, flight.start, goal, creatives, span, day,
        total=closed(span),
        today=closed(range(max(span.start, day.start), min(span.stop, day.stop))),
        shape=shape,
        starts=_until(shape, flight.start),
        ends=_until(shape, end_of(flight, hour)),
        midnight=_until(shape, day.stop),
        day_h=shape.sums[-1] / days,
        endless=end is None,
    )  # fmt: skip


def own_traffic(campaign: Campaign, hour: int, shape: Shape) -> tuple[Shape, int]:
    """Return the traffic of the hours that a campaign allows, and on how many days a week."""
    allowed = open_hours(campaign, hour)
    if allowed is None or not any(allowed):
        return shape, WEEK_HOURS // _DAY_H
    weekdays = campaign.target.get(WEEKDAY, WEEKDAYS)
    days = sum(day in weekdays and day not in campaign.exclude.get(WEEKDAY, ()) for day in WEEKDAYS)
    return within(shape, allowed), days


def end_of(flight: Flight, hour: int) -> int:
    """Return the hour in which a flight ends, a year from one in which it runs if it never does."""
    return hour + _FOR_EVER_H if flight.end is None else flight.end


def _until(shape: Shape, hour: int) -> float:
    return shape.until(float(hour * HOUR_S))


_NOTHING: Mapping[int, int] = {}
