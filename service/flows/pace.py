"""Keeps each flight's budget: what is left, and how eagerly its campaign shows; counts nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from service.domain.ads import Campaign, Flight, Goal
from service.domain.events import HOUR_MS, Kind
from service.domain.pacing import Budget, Pacer, line
from service.domain.times import day_of
from service.domain.traffic import HOUR_S, Shape
from service.flows.tallies import Tallies

FROZEN_MS = 600_000  # so long a pace stays as it is without counts; then remainders run out
_FOR_EVER_H = 24 * 365  # the length of a flight without an end, for its daily bound alone
FlightKey = tuple[str, int]


@dataclass(slots=True)
class _Closed:
    """What a flight of a campaign had delivered by the closed hours' tally of that version."""

    campaign: Campaign
    version: int
    total: int
    today: int
    day: range


class Budgets:
    """The pacers of all flights with a goal, by campaign and flight."""

    def __init__(self, delay_s: Callable[[Kind], float]) -> None:
        self._delay_s = delay_s
        self._pacers: dict[FlightKey, Pacer] = {}
        self._closed: dict[FlightKey, _Closed] = {}
        self._read_ms: int | None = None
        self._fresh = False  # whether counts were read since the pacers were steered
        self.ratios: Mapping[str, float] = {}

    def paces(
        self, running: Iterable[tuple[int, Campaign, Flight]], tallies: Tallies, now_ms: int
    ) -> Mapping[int, float]:
        """Return the pace of each running campaign with a goal, by number.

        Remembers in `ratios` how far along each is: delivered over due.
        """
        ratios: dict[str, float] = {}
        found: dict[int, float] = {}
        self._fresh, self._read_ms = tallies.read_ms != self._read_ms, tallies.read_ms
        for number, campaign, flight in running:
            if flight.goal is not None:
                pace, ratio = self._pace(campaign, flight, flight.goal, tallies, now_ms)
                found[number], ratios[campaign.id] = pace, ratio
        self.ratios = ratios
        return found

    def _pace(
        self, campaign: Campaign, flight: Flight, goal: Goal, tallies: Tallies, now_ms: int
    ) -> tuple[float, float]:
        key, now_s = (campaign.id, flight.start), now_ms / 1_000
        pacer = self._pacers.get(key)
        total, today = self._delivered(campaign, flight, goal, tallies, now_ms)
        ratio = _ratio(campaign, flight, goal, total, tallies.shape, now_s)
        if self._fresh:
            delay_s = self._delay_s(Kind.CLICK if goal.clicks else Kind.IMPRESSION)
            pacer = (pacer or Pacer()).observed(now_s, total, tallies.shape, delay_s)
            budget = _budget(campaign, flight, goal, (total, today), tallies.shape, now_s)
            pacer = self._pacers[key] = pacer.steered(budget, tallies.shape, delay_s)
        if pacer is None or tallies.read_ms is None:
            return 0.0, ratio  # it may all be delivered: too little is made up for, too much is not
        blind_ms = now_ms - tallies.read_ms
        if blind_ms >= FROZEN_MS:
            guessed = pacer.rate(tallies.shape) * blind_ms / 1_000
            spent = total + guessed >= goal.total
            spent = spent or (goal.per_day is not None and today + guessed >= goal.per_day)
            return (0.0 if spent else pacer.pace), ratio
        return pacer.pace, ratio

    def _delivered(
        self, campaign: Campaign, flight: Flight, goal: Goal, tallies: Tallies, now_ms: int
    ) -> tuple[int, int]:
        """Return what the flight delivered in all and in the zone's day of now."""
        day = day_of(now_ms // HOUR_MS, campaign.timezone)
        span = range(flight.start, flight.end or now_ms // HOUR_MS + 1)
        creatives = [creative.id for creative in campaign.creatives]
        clicks = goal.clicks is not None
        key = (campaign.id, flight.start)
        closed = self._closed.get(key)
        known = closed and (closed.campaign is campaign, closed.version, closed.day)
        if closed is None or known != (True, tallies.closed_version, day):
            total = tallies.closed.delivered(creatives, clicks=clicks, span=span)
            today = tallies.closed.delivered(creatives, clicks=clicks, span=_both(span, day))
            closed = self._closed[key] = _Closed(
                campaign, tallies.closed_version, total, today, day
            )
        return (
            closed.total + tallies.open.delivered(creatives, clicks=clicks, span=span),
            closed.today + tallies.open.delivered(creatives, clicks=clicks, span=_both(span, day)),
        )


def _budget(
    campaign: Campaign, flight: Flight, goal: Goal, delivered: tuple[int, int], shape: Shape,
    now_s: float,
) -> Budget:  # fmt: skip
    total, today = delivered
    end_s = _end_s(flight)
    left, hours = float(goal.total - total), shape.between(now_s, end_s)
    if goal.per_day is None:
        return Budget(left, hours, front_loaded=campaign.front_loaded)
    midnight_s = min(end_s, float(day_of(int(now_s) // HOUR_S, campaign.timezone).stop * HOUR_S))
    return Budget(
        left,
        hours,
        float(goal.per_day - today),
        shape.between(now_s, midnight_s),
        campaign.front_loaded,
    )


def _ratio(
    campaign: Campaign, flight: Flight, goal: Goal, total: int, shape: Shape, now_s: float
) -> float:
    """Return what was delivered over what was due by now; 1 while nothing is due."""
    start_s, end_s = flight.start * HOUR_S, _end_s(flight)
    done = shape.between(start_s, now_s) / max(shape.between(start_s, end_s), 1e-9)
    due = goal.total * line(done, front_loaded=campaign.front_loaded)
    return total / due if due >= 1.0 else 1.0


def _end_s(flight: Flight) -> float:
    end = flight.start + _FOR_EVER_H if flight.end is None else flight.end
    return float(end * HOUR_S)


def _both(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))
